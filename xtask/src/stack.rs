//! Worst-case stack of the client on a Cortex-M4: a bound from the call graph, and what was really used.

mod graph;
mod image;

use std::fmt::Write;
use std::fs;

use crate::Outcome;
use crate::cortex_m4;
use crate::process::root;

/// The sets whose stack is looked at, and what they are.
const SETS: [(&str, &str); 3] = [
    ("minimal", "plain, no observations"),
    ("typical", "plain"),
    ("typical-psk", "over DTLS with a pre-shared key"),
];

/// What the device calls of the client, each with everything below it; and what it is.
const ROOTS: &[(&str, &str)] = &[
    ("step", "a datagram, its answer, and what is due then"),
    ("step_notify", "a changed value, and its notification"),
    ("step_start", "the first datagram of a registration or handshake"),
    ("step_idle", "a time that has come"),
];

const FILE: &str = "docs/SIZES.md";

/// Prints both figures for each set, and the functions of the deepest path; or compares them with the document.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--check") {
        return check(&fs::read_to_string(root().join(FILE))?);
    }
    for (set, what) in SETS {
        let image = cortex_m4::build(set)?;
        println!("{set}: {what}");
        for row in cortex_m4::measure(&image)? {
            println!("  used   {:>5} B  {}", row.stack, row.operation);
        }
        let graph = graph::Graph::new(image::Image::read(&image)?);
        for (root, what) in ROOTS {
            let path = graph.deepest(root)?;
            println!("  bound  {:>5} B  {root}: {what}", path.bytes());
            path.frames.iter().for_each(|(name, bytes)| println!("    {bytes:>12}  {name}"));
        }
        graph.unknown().iter().for_each(|place| println!("  not followed: {place}"));
    }
    Ok(())
}

/// Fails when a figure is more than 1 % above the one in the document.
fn check(committed: &str) -> Outcome {
    let mut grown = Vec::new();
    for row in
        section()?.lines().filter(|line| SETS.iter().any(|(set, _)| line.starts_with(&format!("| {set}:"))))
    {
        let figures =
            |row: &str| row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect::<Vec<u64>>();
        let name = row.split('|').nth(1).unwrap_or_default();
        let before = committed.lines().find(|line| line.split('|').nth(1) == Some(name)).map(figures);
        let (&[bound, used], Some(&[bound_before, used_before])) = (&figures(row)[..], before.as_deref())
        else {
            return Err(format!("{FILE} has no stack of {}: run cargo xtask sizes", name.trim()).into());
        };
        for (what, now, before) in [("bound", bound, bound_before), ("used", used, used_before)] {
            println!("{name:<55} {what:<5} {now:>5} B, committed {before} B");
            if now * 100 > before * 101 {
                grown.push(format!("{}: the stack, {what}, has grown from {before} to {now} B", name.trim()));
            }
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    Err(format!("{}\nrun cargo xtask sizes, and commit {FILE} with the reason", grown.join("\n")).into())
}

/// The section of docs/SIZES.md.
pub(crate) fn section() -> Result<String, Box<dyn std::error::Error>> {
    let mut text = String::from(
        "\n## Worst-case stack\n\nOf the client on Cortex-M4, below the frame of its caller, at opt-level s; `cargo xtask stack` \
         prints the path to each.\nThe bound is the deepest path through the call graph of the image, with the frames that the \
         compiler states; calls through\ntrait objects and closures are followed to all that can be meant. What was used is what \
         all operations of docs/INSTRUCTIONS.md\nand a handshake have overwritten of a painted stack, in QEMU. Anjay Lite used \
         848 B, Wakaama 1,792 B, both without DTLS.\n\n| set | bound, B | used, B | used most by |\n|---|--:|--:|---|\n",
    );
    for (set, what) in SETS {
        let image = cortex_m4::build(set)?;
        let rows = cortex_m4::measure(&image)?;
        let graph = graph::Graph::new(image::Image::read(&image)?);
        let mut bound = 0;
        for (root, _) in ROOTS {
            bound = bound.max(graph.deepest(root)?.bytes());
        }
        if let Some(place) = graph.unknown().first() {
            return Err(format!(
                "the stack below {place} is not known: name what is called there in xtask/src/stack/graph.rs"
            )
            .into());
        }
        let deepest = rows.iter().max_by_key(|row| row.stack).ok_or("the device has measured nothing")?;
        writeln!(text, "| {set}: {what} | {bound} | {} | {} |", deepest.stack, deepest.operation)?;
    }
    Ok(text)
}
