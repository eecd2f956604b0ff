//! Compiles Mbed TLS from the sources that the crate `mbedtls-rs-sys` carries, and the server on top of it.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    let sources = sources();
    let library = sources.join("library");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&library)
        .expect("the sources")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    files.sort();
    files.push("src/server.c".into());
    println!("cargo::rerun-if-changed=src/server.c");
    println!("cargo::rerun-if-changed=build.rs");
    cc::Build::new()
        .files(files)
        .include(sources.join("include"))
        .include(library)
        .include(sources.join("3rdparty/everest/include"))
        .include(sources.join("3rdparty/p256-m"))
        .opt_level(1)
        .warnings(false)
        .compile("peer");
}

/// The folder of the C sources in the local registry.
fn sources() -> PathBuf {
    let cargo = std::env::var("CARGO").expect("set by cargo");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let package = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .find(|package| package["name"] == "mbedtls-rs-sys")
        .expect("a dependency");
    let manifest = PathBuf::from(package["manifest_path"].as_str().expect("a path"));
    manifest.with_file_name("mbedtls")
}
