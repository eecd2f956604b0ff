//! What DTLS costs: on the wire, in flash, in RAM, in instructions. `cargo xtask dtls` writes the figures into
//! docs/DTLS.md; `cargo xtask dtls --check` builds the firmware anew and fails when it has grown, or links what was not
//! chosen.

mod board;
mod counts;
pub(crate) mod flash;

use std::fmt::Write;
use std::fs;

use crate::Outcome;
use crate::process::root;

const FILE: &str = "docs/DTLS.md";
const BEGIN: &str = "<!-- figures: written by cargo xtask dtls -->";
const END: &str = "<!-- end of the figures -->";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let path = root().join(FILE);
    let document = fs::read_to_string(&path)?;
    let (before, rest) = document.split_once(BEGIN).ok_or("docs/DTLS.md has lost the mark of its figures")?;
    let (figures, after) = rest.split_once(END).ok_or("docs/DTLS.md has lost the end of its figures")?;
    if arguments.iter().any(|argument| argument == "--check") {
        return flash::check(figures);
    }
    let mut text = String::new();
    counts::wire(&mut text)?;
    flash::document(&mut text)?;
    counts::sizes(&mut text)?;
    board::document(&mut text)?;
    counts::instructions(&mut text)?;
    print!("{text}");
    fs::write(path, format!("{before}{BEGIN}\n{text}{END}{after}"))?;
    Ok(())
}

/// A row of a table.
fn row(text: &mut String, cells: &[String]) -> std::fmt::Result {
    writeln!(text, "| {} |", cells.join(" | "))
}
