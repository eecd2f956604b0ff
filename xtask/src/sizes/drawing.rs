//! docs/sizes.svg: flash by module and RAM by table, beside the figures of others.

use std::fmt::Write;

use coracle::TABLES;

use super::{Image, document, modules};

const WIDTH: u64 = 900;
/// Where bars begin, and how long the longest is.
const LEFT: u64 = 200;
const LENGTH: u64 = 600;
const BAR: u64 = 20;
const ROW: u64 = 28;

/// Readable on its own card, which is light or dark as the reader's screen is. One hue for each module.
const STYLE: &str = "\
<style>\n\
.card { fill: #ffffff; stroke: #d0d7de } text { font: 13px system-ui, sans-serif; fill: #1f2328 }\n\
.title { font-size: 15px; font-weight: 600 } .note { fill: #59636e; font-size: 12px } .peer { fill: #b6bfc9 }\n\
@media (prefers-color-scheme: dark) {\n\
.card { fill: #161b22; stroke: #3d444d } text { fill: #e6edf3 } .note { fill: #9198a1 } .peer { fill: #59636e }\n\
}\n</style>\n";

const MODULE_COLOURS: [&str; modules::NAMES.len()] = [
    "#0969da", "#218bff", "#54aeff", "#8250df", "#a475f9", "#c297ff", "#1a7f37", "#bc4c00", "#e16f24",
    "#2da44e", "#8c959f",
];

/// Tables of RAM that are shown as one: the name, the colour, which.
const GROUPS: &[(&str, &str, &[usize])] = &[
    ("receive buffer", "#54aeff", &[0]),
    ("transmit buffer", "#0969da", &[1]),
    ("servers", "#8250df", &[2]),
    ("DTLS sessions", "#e16f24", &[3]),
    ("exchanges, duplicates", "#a475f9", &[4, 5]),
    ("observations, attributes", "#2da44e", &[6, 7, 8]),
    ("the rest", "#8c959f", &[9, 10, 11]),
];
const _: () = assert!(TABLES == 12, "a table has come or gone: GROUPS has to follow");

/// The sets that are drawn, and the figure of others that each compares with.
const DRAWN: &[&str] = &["minimal", "observing", "typical", "minimal-psk", "typical-psk"];

/// A bar: its name, and its parts with their colours; parts without a colour are those of others.
struct Bar<'a> {
    name: &'a str,
    parts: Vec<(u64, &'a str)>,
}

pub(super) fn drawing(images: &[Image]) -> Result<String, Box<dyn std::error::Error>> {
    let drawn = || images.iter().filter(|image| DRAWN.contains(&image.set));
    let flash: Vec<Bar<'_>> = drawn()
        .map(|image| Bar {
            name: image.set,
            parts: image.modules.iter().copied().zip(MODULE_COLOURS).collect(),
        })
        .chain(document::PEERS.iter().map(|(name, flash, ..)| Bar { name, parts: vec![(*flash, "")] }))
        .collect();
    let ram: Vec<Bar<'_>> = drawn()
        .map(|image| Bar {
            name: image.set,
            parts: GROUPS
                .iter()
                .map(|(_, colour, tables)| {
                    (tables.iter().map(|index| u64::from(image.tables[*index])).sum(), *colour)
                })
                .collect(),
        })
        .chain(
            document::PEERS
                .iter()
                .filter_map(|(name, _, ram, _)| ram.map(|ram| Bar { name, parts: vec![(ram, "")] })),
        )
        .collect();
    let mut body = String::new();
    let mut y = 16;
    let names: Vec<(&str, &str)> = modules::NAMES.into_iter().zip(MODULE_COLOURS).collect();
    chart(&mut body, &mut y, "Flash on Cortex-M4, whole image, bytes", &flash, &names)?;
    let names: Vec<(&str, &str)> = GROUPS.iter().map(|(name, colour, _)| (*name, *colour)).collect();
    chart(&mut body, &mut y, "Static RAM, bytes", &ram, &names)?;
    let mut text = String::new();
    writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" role=\"img\" \
         aria-label=\"Flash by module and RAM by table of Coracle, beside Anjay Lite and Wakaama\">"
    )?;
    text.push_str(STYLE);
    writeln!(
        text,
        "<rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>",
        WIDTH - 1,
        y - 1
    )?;
    text.push_str(&body);
    text.push_str("</svg>\n");
    Ok(text)
}

/// Draws one chart with its legend from `y` on, and moves `y` behind it.
fn chart(
    text: &mut String,
    y: &mut u64,
    title: &str,
    bars: &[Bar<'_>],
    legend: &[(&str, &str)],
) -> std::fmt::Result {
    *y += 16;
    writeln!(text, "<text class=\"title\" x=\"20\" y=\"{y}\">{title}</text>", y = *y)?;
    *y += 12;
    let total = |bar: &Bar<'_>| bar.parts.iter().map(|(size, _)| size).sum::<u64>();
    let longest = bars.iter().map(total).max().unwrap_or(1).max(1);
    for bar in bars {
        let (middle, mut x) = (*y + 15, LEFT);
        writeln!(text, "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>", LEFT - 10, bar.name)?;
        let mut sum = 0;
        for (size, colour) in &bar.parts {
            sum += size;
            let end = LEFT + sum * LENGTH / longest;
            let paint =
                if colour.is_empty() { String::from("class=\"peer\"") } else { format!("fill=\"{colour}\"") };
            if end > x {
                writeln!(
                    text,
                    "<rect {paint} x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{BAR}\"/>",
                    end - x,
                    y = *y
                )?;
            }
            x = end;
        }
        writeln!(text, "<text class=\"note\" x=\"{}\" y=\"{middle}\">{sum}</text>", x + 8)?;
        *y += ROW;
    }
    *y += 8;
    let mut x = 20;
    for (name, colour) in legend {
        let width = 30 + 7 * name.chars().count() as u64;
        if x + width > WIDTH - 20 {
            (x, *y) = (20, *y + 22);
        }
        writeln!(
            text,
            "<rect fill=\"{colour}\" x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"2\"/>",
            *y
        )?;
        writeln!(text, "<text class=\"note\" x=\"{}\" y=\"{}\">{name}</text>", x + 18, *y + 11)?;
        x += width;
    }
    *y += 34;
    Ok(())
}
