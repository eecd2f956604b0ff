//! Compiles FreeRTOS, lwIP and the board's C sources.
//!
//! The sources are those in `FREERTOS_KERNEL_PATH` and `LWIP_PATH`; without them, those that cargo has fetched.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const COMPILER: &str = "arm-none-eabi-gcc";
const MACHINE: [&str; 2] = ["-mcpu=cortex-m3", "-mthumb"];
const MEMORY: &str =
    "MEMORY {\n  FLASH : ORIGIN = 0x00000000, LENGTH = 4M\n  RAM : ORIGIN = 0x20000000, LENGTH = 4M\n}\n";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("memory.x"), MEMORY).expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rerun-if-changed=board");
    println!("cargo::rerun-if-changed=../../platforms/freertos/include");
    let kernel = sources("FREERTOS_KERNEL_PATH", "freertos-next", "FreeRTOS-Kernel");
    let lwip = sources("LWIP_PATH", "lwip", "");
    compile(&kernel, &lwip);
    for library in ["c_nano", "gcc"] {
        let file = compiler_says(&format!("-print-file-name=lib{library}.a"));
        let folder = Path::new(&file).parent().expect("the compiler tells a path");
        println!("cargo::rustc-link-search={}", folder.display());
        println!("cargo::rustc-link-lib=static={library}");
    }
}

fn compile(kernel: &Path, lwip: &Path) {
    let list = fs::read_to_string("board/sources.mk").expect("board/sources.mk can be read");
    let mut build = cc::Build::new();
    build.compiler(COMPILER).archiver("arm-none-eabi-ar").opt_level_str("s").std("gnu11").warnings(false);
    for flag in MACHINE.into_iter().chain(["-ffunction-sections", "-fdata-sections"]) {
        build.flag(flag);
    }
    build.includes([Path::new("board"), Path::new("../../platforms/freertos/include")]);
    build.includes([kernel.join("include"), kernel.join("portable/GCC/ARM_CM3")]);
    build.includes([lwip.join("src/include"), lwip.join("contrib/ports/freertos/include")]);
    for (name, folder) in [("KERNEL", kernel), ("LWIP", lwip), ("BOARD", Path::new("board"))] {
        build.files(files(&list, name).map(|file| folder.join(file)));
    }
    build.compile("board");
}

/// The files of `NAME_SOURCES = ..` in sources.mk.
fn files<'a>(list: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (_, rest) = list.split_once(&format!("{name}_SOURCES =")).expect("sources.mk has the list");
    let end = rest.find("\n\n").unwrap_or(rest.len());
    rest[..end].split_whitespace().filter(|word| *word != "\\")
}

/// The folder that the variable names, or that of a package which is in Cargo.lock for its sources alone.
fn sources(variable: &str, package: &str, folder: &str) -> PathBuf {
    println!("cargo::rerun-if-env-changed={variable}");
    env::var_os(variable).map_or_else(|| package_folder(package).join(folder), PathBuf::from)
}

/// Asks cargo, without network: `cargo fetch --locked` comes first.
fn package_folder(package: &str) -> PathBuf {
    let cargo = env::var_os("CARGO").expect("cargo sets CARGO");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .output()
        .expect("cargo can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    // No JSON parser for two strings.
    let path = text
        .split_once(&format!("{{\"name\":\"{package}\",\"version\""))
        .and_then(|(_, rest)| rest.split_once("\"manifest_path\":\"")?.1.split_once('"'))
        .map(|(path, _)| PathBuf::from(path));
    let errors = String::from_utf8_lossy(&output.stderr);
    let path = path.unwrap_or_else(|| panic!("run `cargo fetch --locked` first, once\n{errors}"));
    path.parent().expect("a manifest is in a folder").to_owned()
}

fn compiler_says(question: &str) -> String {
    let output = Command::new(COMPILER).args(MACHINE).arg(question).output();
    let output = output
        .expect("arm-none-eabi-gcc can be run: apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
