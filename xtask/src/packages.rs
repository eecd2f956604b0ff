//! What tests need beside Rust, and how to get it on Debian.

use crate::Outcome;
use crate::process::{command, exists, fetch, output, run as run_command};

/// A program, or the path of a file, and the Debian package that has it.
const PROGRAMS: &[(&str, &str)] = &[
    ("java", "openjdk-17-jre-headless"),
    ("javac", "openjdk-17-jdk-headless"),
    ("mvn", "maven"),
    ("valgrind", "valgrind"),
    ("cc", "gcc"),
    ("c++", "g++"),
    ("make", "make"),
    ("ps", "procps"),
    ("python3", "python3"),
    ("openssl", "openssl"),
    ("gnutls-serv", "gnutls-bin"),
    ("coap-server-openssl", "libcoap3-bin"),
    ("coap-server-gnutls", "libcoap3-bin"),
    ("go", "golang-go"),
    ("qemu-system-arm", "qemu-system-arm"),
    ("qemu-system-riscv32", "qemu-system-misc"),
    ("arm-none-eabi-gcc", "gcc-arm-none-eabi"),
];

/// A file, and the Debian package that has it.
const FILES: &[(&str, &str)] = &[("/usr/lib/arm-none-eabi/include/stdlib.h", "libnewlib-arm-none-eabi")];

/// A module of Python, and the Debian package that has it.
const MODULES: &[(&str, &str)] = &[("ensurepip", "python3-venv")];

/// Installs what is missing; says what it could not get.
pub(crate) fn install() -> Outcome {
    rustup()?;
    let mut missing: Vec<&str> = absent().map(|(_, package)| *package).collect();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    if !exists("apt-get") {
        return Err(
            format!("install these packages, or what they are called here: {}", missing.join(" ")).into()
        );
    }
    let is_root = output(command("id", "").arg("-u"))?.trim() == "0";
    let apt = |arguments: &[&str]| {
        let mut apt = if is_root { command("apt-get", "") } else { command("sudo", "") };
        if !is_root {
            apt.arg("apt-get");
        }
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        run_command(&mut apt)
    };
    let install = |packages: &[&str]| {
        apt(&[&["install", "--yes", "--quiet", "--no-install-recommends"], packages].concat())
    };
    // Where this fails, lists that were fetched before may do.
    let updated = apt(&["update", "--quiet"]);
    if install(&missing).is_err() {
        // One that does not exist keeps the others away.
        missing.iter().for_each(|package| drop(install(&[package])));
    }
    let left: Vec<String> =
        absent().map(|(program, package)| format!("{program} (package {package})")).collect();
    if left.is_empty() {
        return Ok(());
    }
    let cause = updated.err().map(|error| format!("; {error}")).unwrap_or_default();
    Err(format!("the tests need what could not be installed: {}{cause}", left.join(", ")).into())
}

/// What is not installed.
fn absent() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let has_module =
        |name: &str| output(command("python3", "").args(["-c", &format!("import {name}")])).is_ok();
    let programs = PROGRAMS.iter().filter(|(program, _)| !exists(program));
    let files = FILES.iter().filter(|(file, _)| !std::path::Path::new(file).exists());
    programs.chain(files).chain(MODULES.iter().filter(move |(module, _)| !has_module(module)))
}

/// The targets and components of rust-toolchain.toml, also where rustup does not fetch them by itself.
fn rustup() -> Outcome {
    if !exists("rustup") {
        return Ok(()); // another way to have Rust: cargo will say what is missing
    }
    let file = std::fs::read_to_string(crate::process::root().join("rust-toolchain.toml"))?;
    let list = |key: &str| -> Vec<String> {
        let line = file.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    fetch(command("rustup", "").args(["component", "add"]).args(list("components")))?;
    fetch(command("rustup", "").args(["target", "add"]).args(list("targets")))
}
