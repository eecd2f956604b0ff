//! Flash and RAM of firmware sets, what each choice costs, and a picture of it.

mod choices;
#[cfg(test)]
mod costs;
mod document;
mod drawing;
mod modules;

use std::fs;
use std::path::Path;
use std::process::Command;

use coracle::TABLES;

use crate::Outcome;
use crate::firmware::{SETS, build, prove};
use crate::process::{llvm_tool, output, root};

const FILE: &str = "docs/SIZES.md";
const PICTURE: &str = "docs/sizes.svg";

/// What one image takes.
pub(crate) struct Image {
    set: &'static str,
    flash: u64,
    /// Flash by module, in the order of [`modules::NAMES`].
    modules: modules::Flash,
    tables: [u32; TABLES],
}

impl Image {
    fn ram(&self) -> u32 {
        self.tables.iter().sum()
    }
}

/// Writes the document and the picture, or compares the sets with the document. With `--keep-choices` the last section,
/// which takes most of the time, stays as it is.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let images = SETS.into_iter().map(measure).collect::<Result<Vec<_>, _>>()?;
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--check") {
        return check(&images, &fs::read_to_string(root().join(FILE))?);
    }
    let choices = if has("--keep-choices") {
        let before = fs::read_to_string(root().join(FILE))?;
        let start = before.find(choices::TITLE).ok_or("there are no choices to be kept")?;
        before[start..].to_owned()
    } else {
        choices::section()?
    };
    let text = document::document(&images)? + &crate::stack::section()? + &choices;
    print!("{text}");
    fs::write(root().join(FILE), text)?;
    fs::write(root().join(PICTURE), drawing::drawing(&images)?)?;
    Ok(())
}

fn measure(set: &'static str) -> Result<Image, Box<dyn std::error::Error>> {
    let image = build(set)?;
    prove(set, &image)?;
    let flash = flash(&image)?;
    Ok(Image { set, flash, modules: modules::by_module(&image, flash)?, tables: tables(&image)? })
}

/// All of the image that lies in flash.
fn flash(image: &Path) -> Result<u64, Box<dyn std::error::Error>> {
    let sections = output(Command::new(llvm_tool("llvm-size")?).arg("-A").arg(image))?;
    let size = |name: &str| -> u64 {
        let line = sections.lines().find(|line| line.split_whitespace().next() == Some(name));
        line.and_then(|line| line.split_whitespace().nth(1)).and_then(|size| size.parse().ok()).unwrap_or(0)
    };
    Ok([".vectors", ".text", ".rodata", ".data"].into_iter().map(size).sum())
}

/// The sizes that the firmware has written into a section of its image.
fn tables(image: &Path) -> Result<[u32; TABLES], Box<dyn std::error::Error>> {
    let file = image.with_extension("sizes");
    output(
        Command::new(llvm_tool("llvm-objcopy")?)
            .args(["--output-target=binary", "--only-section=.coracle.sizes", "--set-section-flags"])
            .arg(".coracle.sizes=alloc")
            .args([image, &file]),
    )?;
    let bytes = fs::read(&file)?;
    let (words, _) = bytes.as_chunks::<4>();
    let sizes: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    sizes
        .try_into()
        .map_err(|_| "the image has another list of tables than this program: build both anew".into())
}

/// Fails when a figure is more than 1 % above the one in the document.
fn check(images: &[Image], committed: &str) -> Outcome {
    let mut grown = Vec::new();
    for image in images {
        let row = committed.lines().find(|line| line.starts_with(&format!("| {} |", image.set)));
        let row = row.ok_or_else(|| format!("{FILE} has no row for {}: run cargo xtask sizes", image.set))?;
        let figures: Vec<u64> = row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
        let [flash, ram, ..] = figures[..] else {
            return Err(format!("{FILE}: this row is not understood: {row}").into());
        };
        for (what, now, before) in [("flash", image.flash, flash), ("RAM", image.ram().into(), ram)] {
            println!("{:<12} {what:<5} {now:>6} B, committed {before} B", image.set);
            if now * 100 > before * 101 {
                grown.push(format!("{}: {what} has grown from {before} to {now} B", image.set));
            }
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    Err(format!("{}\nrun cargo xtask sizes, and commit {FILE} with the reason", grown.join("\n")).into())
}
