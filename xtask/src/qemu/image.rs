//! The firmware image: built, and measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::board::Board;
use crate::Outcome;
use crate::process::{self, command, llvm_tool, output, root, run as run_command};

/// Sections that take flash.
const FLASH: [&str; 7] = [".vector_table", ".text", ".rodata", ".data", ".text.init", ".init", ".trap"];
/// Sections that take RAM. What is left for the stack is not counted.
const RAM: [&str; 3] = [".data", ".bss", ".uninit"];

/// Bytes of an image.
pub(crate) struct Sizes {
    pub(crate) flash: u64,
    pub(crate) ram: u64,
}

/// Cargo in the folder of a board.
fn cargo(board: &Board, subcommand: &str) -> Command {
    let mut cargo = command("cargo", board.folder);
    cargo.args([subcommand, "--release", "--locked", "--target", board.target]);
    cargo.arg("--target-dir").arg(target_dir(board)).args(board.cargo);
    cargo
}

fn target_dir(board: &Board) -> PathBuf {
    root().join("target/qemu").join(board.name)
}

fn fetch(board: &Board) -> Outcome {
    if board.fetch {
        process::fetch(command("cargo", board.folder).args(["fetch", "--locked"]))
    } else {
        Ok(())
    }
}

/// Builds the firmware of a board as a product would be.
pub(crate) fn build(board: &Board) -> Result<PathBuf, Box<dyn std::error::Error>> {
    fetch(board)?;
    if board.make {
        let build = format!("BUILD={}", target_dir(board).display());
        run_command(command("make", board.folder).args(["--silent", &build]))?;
        return Ok(target_dir(board).join(board.program));
    }
    run_command(cargo(board, "build").args(["--bin", board.program]))?;
    Ok(target_dir(board).join(board.target).join("release").join(board.program))
}

/// The lints of a board's firmware: it is no part of the workspace that the other steps look at.
pub(crate) fn clippy(board: &Board) -> Outcome {
    fetch(board)?;
    if board.make {
        // The library that the Makefile links.
        let mut clippy = command("cargo", board.folder);
        clippy.args(["clippy", "--release", "--locked", "--target-dir"]).arg(target_dir(board));
        run_command(clippy.args(["--", "-D", "warnings"]))?;
        // Configurations that must not compile.
        let build = format!("BUILD={}", target_dir(board).display());
        return run_command(command("make", board.folder).args(["--silent", &build, "demands"]));
    }
    let mut clippy = cargo(board, "clippy");
    match board.lint {
        [] => clippy.args(["--bin", board.program]),
        packages => clippy.args(packages.iter().flat_map(|package| ["--package", package])),
    };
    run_command(clippy.args(["--", "-D", "warnings"]))
}

/// What the sections of an image add up to.
pub(crate) fn sizes(image: &Path) -> Result<Sizes, Box<dyn std::error::Error>> {
    let table = output(Command::new(llvm_tool("llvm-size")?).arg("-A").arg(image))?;
    let sum = |names: &[&str]| -> u64 {
        let rows = table.lines().filter_map(|line| {
            let mut words = line.split_whitespace();
            names.contains(&words.next()?).then(|| words.next()?.parse::<u64>().ok()).flatten()
        });
        rows.sum()
    };
    Ok(Sizes { flash: sum(&FLASH), ram: sum(&RAM) })
}
