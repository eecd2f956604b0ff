//! What those see who make a mistake: the compiler's words about misuse of the macros, and the build's about a
//! `config.toml`.
//!
//! `TRYBUILD=overwrite cargo test -p coracle-ui-tests` writes the former anew; read what it has written as somebody who has
//! made the mistake.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn misuse_of_the_macros_is_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("object/*.rs");
    cases.compile_fail("objects/*.rs");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Builds a firmware crate of this name with this `config.toml`, as a user has one; what cargo says when that fails.
fn build(name: &str, config: &str) -> Result<(), String> {
    let root = fs::canonicalize(root()).unwrap();
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.join(name);
    let paths = (root.display(), root.join("config"));
    let manifest = format!(
        "[workspace]\n[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [dependencies]\ncoracle = {{ path = {:?} }}\n[build-dependencies]\ncoracle-config = {{ path = {:?} }}\n",
        paths.0.to_string(),
        paths.1.display().to_string(),
    );
    fs::create_dir_all(folder.join("src")).unwrap();
    let files = [
        ("Cargo.toml", manifest.as_str()),
        ("build.rs", "fn main() {\n    coracle_config::profile(\"config.toml\");\n}\n"),
        ("src/lib.rs", "#![no_std]\ncoracle::include_profile!();\npub use profile::Profile;\n"),
        ("config.toml", config),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    // The versions of the repository.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--quiet", "--offline"]).current_dir(&folder);
    cargo.arg("--target-dir").arg(target.join("target"));
    let output = cargo.output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The number that stands before these words.
fn number_before(text: &str, words: &str) -> u32 {
    let (before, _) = text.split_once(words).unwrap_or_else(|| panic!("no {words:?} in\n{text}"));
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Both numbers are in the sentence, and the one that is needed is enough, and not a byte too much.
#[test]
fn a_client_that_is_too_large_does_not_compile_and_both_numbers_are_told() {
    const KEYS: &str = "[budget]\nram = ";
    let small = "[datagram]\nreceive = 256\ntransmit = 256\nblock_size = 64\n";
    let config = |ram: u32| format!("{small}{KEYS}{ram}\n");
    let said = build("too-large", &config(1024)).expect_err("1024 bytes are too little");
    let needed = number_before(&said, " bytes of RAM, but config.toml allows 1024 ([budget] ram)");
    assert!(said.contains("cargo xtask sizes"), "it says what to do:\n{said}");
    assert!(said.contains(&format!("the client needs {needed} bytes")), "{said}");
    assert_eq!(build("too-large", &config(needed)), Ok(()));
    let said = build("too-large", &config(needed - 1)).expect_err("a byte is missing");
    assert!(
        said.contains(&format!("needs {needed} bytes of RAM, but config.toml allows {}", needed - 1)),
        "{said}"
    );
}

/// All at once, each with the file and the line, where editors find them.
#[test]
fn faults_of_a_config_toml_are_told_by_the_build() {
    let said =
        build("faulty", "[servers]\ncuont = 1\n\n[datagram]\nblock_size = 100\n").expect_err("it is wrong");
    let lines = [
        "config.toml:2: servers.cuont: there is no such key; did you mean servers.count?",
        "config.toml:5: datagram.block_size: found 100, allowed is one of 16, 32, 64, 128, 256, 512, 1024 (bytes)",
    ];
    for line in lines {
        assert!(said.contains(line), "no {line:?} in\n{said}");
    }
}
