//! Firmware for the ESP32-C3: builds both, makes images, checks them, and tests what of it runs on a host.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::process::{command, fetch, llvm_tool, output, root, run as run_command};

const FOLDER: &str = "examples/esp32c3";
const TARGET: &str = "riscv32imc-unknown-none-elf";
const ESPTOOL: &str = "esptool==5.6.0";
/// The size of the partition that an image has to fit, in partitions.csv.
const PARTITION: u64 = 0x1E_0000;

/// Name of the program, its feature, and whether it builds with `core` alone.
const FIRMWARES: [(&str, &str, bool); 2] = [("sleepy", "slip", true), ("wifi", "wifi", false)];

pub(crate) fn run(_: &[String]) -> Outcome {
    test_on_host()?;
    lint()?;
    let esptool = esptool()?;
    let mut lines = vec![format!(
        "{:<8} {:>10} {:>10} {:>10} {:>10} {:>11}",
        "firmware", "image, B", "flash, B", "IRAM, B", "static, B", "retained, B"
    )];
    for (name, feature, core_alone) in FIRMWARES {
        let elf = build(name, feature, core_alone)?;
        let image = image(&esptool, &elf)?;
        no_allocator(&elf, core_alone)?;
        let sizes = Sizes::of(&elf)?;
        let length = std::fs::metadata(&image)?.len();
        if length > PARTITION {
            return Err(format!("{name}: the image has {length} B, its partition {PARTITION} B").into());
        }
        lines.push(format!(
            "{name:<8} {length:>10} {:>10} {:>10} {:>10} {:>11}",
            sizes.flash, sizes.code_ram, sizes.static_ram, sizes.retained
        ));
    }
    println!("{}", lines.join("\n"));
    println!(
        "esptool accepts both images: checksum and SHA-256 are valid. `sleepy` builds with core alone and has no \
         allocator; that of `wifi` is for the radio, and 64 KiB of its heap lie in RAM of the boot loader."
    );
    Ok(())
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command("cargo", FOLDER);
    cargo.args(arguments).arg("--locked").arg("--target-dir").arg(root().join("target/esp"));
    cargo
}

/// The parts that are not bound to the chip.
fn test_on_host() -> Outcome {
    run_command(&mut cargo(&["test", "--quiet", "-p", "coracle-esp", "--features", "slip"]))
}

fn lint() -> Outcome {
    let mut clippy = cargo(&["clippy", "--quiet", "--release", "--target", TARGET]);
    clippy.args(["-p", "coracle-esp", "-p", "coracle-esp32c3"]);
    clippy.args(["--features", "coracle-esp32c3/slip,coracle-esp32c3/wifi"]);
    run_command(clippy.env("RUSTC_BOOTSTRAP", "1").args(["--", "-D", "warnings"]))
}

fn build(name: &str, feature: &str, core_alone: bool) -> Result<PathBuf, Box<dyn Error>> {
    let mut build = cargo(&["build", "--quiet", "--release", "--target", TARGET]);
    // For build-std; and for both, because build scripts that look at it would run again and again.
    build.args(["--bin", name, "--features", feature]).env("RUSTC_BOOTSTRAP", "1");
    if core_alone {
        // With no `alloc` in the sysroot nothing that needs it compiles.
        build.args(["-Z", "build-std=core"]);
    }
    run_command(&mut build)?;
    Ok(root().join("target/esp").join(TARGET).join("release").join(name))
}

/// esptool in a folder of its own; installed at the first use.
fn esptool() -> Result<PathBuf, Box<dyn Error>> {
    let folder = root().join("target/tools/esptool");
    let esptool = folder.join("bin/esptool");
    let is_right = || {
        let version = output(Command::new(&esptool).arg("version")).unwrap_or_default();
        ESPTOOL.split("==").nth(1).is_some_and(|wanted| version.contains(wanted))
    };
    if !is_right() {
        run_command(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        fetch(Command::new(folder.join("bin/pip")).args(["install", "--quiet", ESPTOOL]))?;
        if !is_right() {
            return Err(format!("{} is not {ESPTOOL}", esptool.display()).into());
        }
    }
    Ok(esptool)
}

/// Makes an image, and lets esptool look at it.
fn image(esptool: &Path, elf: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let image = elf.with_extension("bin");
    output(
        Command::new(esptool)
            .args(["--chip", "esp32c3", "elf2image", "--flash-mode", "dio", "--flash-size", "4MB", "-o"])
            .args([&image, elf]),
    )?;
    let report = output(Command::new(esptool).args(["--chip", "esp32c3", "image-info"]).arg(&image))?;
    check_report(&report).map_err(|problem| format!("{}: {problem}\n{report}", image.display()))?;
    Ok(image)
}

/// What has to be in the report of esptool.
fn check_report(report: &str) -> Result<(), String> {
    for (name, value) in [
        ("Chip ID", "ESP32-C3"),
        ("Flash size", "4MB"),
        ("Flash mode", "DIO"),
        ("Checksum", "(valid)"),
        ("Validation hash", "(valid)"),
    ] {
        let mut lines = report.lines().filter_map(|line| line.split_once(':'));
        let line = lines.find(|(key, _)| key.trim() == name);
        if !line.is_some_and(|(_, text)| text.contains(value)) {
            return Err(format!("esptool does not say that {name} is {value}"));
        }
    }
    if !report.contains("Application Information") {
        return Err("the image has no application descriptor".into());
    }
    Ok(())
}

/// The image without an allocator has none; that the check sees one shows the other image.
fn no_allocator(elf: &Path, expected: bool) -> Outcome {
    let symbols = output(Command::new(llvm_tool("llvm-nm")?).arg(elf))?;
    let found: Vec<&str> = symbols
        .lines()
        .filter(|line| ["rust_alloc", "rust_realloc", "rust_dealloc"].iter().any(|part| line.contains(part)))
        .collect();
    match (expected, found.is_empty()) {
        (true, false) => Err(format!("{} allocates:\n{}", elf.display(), found.join("\n")).into()),
        (false, true) => {
            Err("the check for allocators is blind: it sees none in the firmware with a radio".into())
        }
        _ => Ok(()),
    }
}

/// What an image takes, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sizes {
    /// Code and constants that stay in flash.
    flash: u64,
    /// Code that runs from RAM.
    code_ram: u64,
    /// Variables.
    static_ram: u64,
    /// RTC memory.
    retained: u64,
}

impl Sizes {
    fn of(elf: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Self::from_sections(&output(Command::new(llvm_tool("llvm-size")?).arg("-A").arg(elf))?))
    }

    /// Adds up the sections of `llvm-size -A`.
    fn from_sections(report: &str) -> Self {
        let mut sizes = Self::default();
        for line in report.lines() {
            let mut words = line.split_whitespace();
            let (Some(name), Some(size)) = (words.next(), words.next()) else { continue };
            let Ok(size) = size.parse::<u64>() else { continue };
            match name {
                ".text" | ".rodata" | ".rodata.wifi" | ".flash.appdesc" => sizes.flash += size,
                ".rwtext" | ".rwtext.wifi" | ".trap" => sizes.code_ram += size,
                ".data" | ".data.wifi" | ".bss" | ".noinit" => sizes.static_ram += size,
                name if name.starts_with(".rtc_fast") => sizes.retained += size,
                _ => {}
            }
        }
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_says_invalid_is_refused() {
        let report = "Chip ID: 5 (ESP32-C3)\nFlash size: 4MB\nFlash mode: DIO\nChecksum: 0x5a (valid)\n\
                      Validation hash: 00 (valid)\nApplication Information\n";
        assert_eq!(check_report(report), Ok(()));
        for (from, to) in [
            ("0x5a (valid)", "0x5a (invalid - calculated 0x5b)"),
            ("00 (valid)", "00 (invalid)"),
            ("Application", ""),
            ("Checksum", "Sum"),
        ] {
            assert!(check_report(&report.replace(from, to)).is_err(), "{from}");
        }
    }

    #[test]
    fn sections_are_added_up() {
        let report = "a.elf  :\nsection size addr\n.text 100 0\n.rodata 20 0\n.rwtext 3 0\n.trap 1 0\n.data 4 0\n.bss 5 0\n\
                      .rtc_fast.persistent 6 0\n.stack 7000 0\n.debug_info 9 0\nTotal 7148\n";
        let expected = Sizes { flash: 120, code_ram: 4, static_ram: 9, retained: 6 };
        assert_eq!(Sizes::from_sections(report), expected);
    }
}
