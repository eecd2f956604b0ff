//! Reads `config.toml`, checks all of it, and generates the `Profile` type of a Coracle client.
//!
//! The `main` of a firmware crate's `build.rs` has one line for it:
//!
//! ```no_run
//! coracle_config::profile("config.toml");
//! ```
//!
//! and its `main.rs` another: `coracle::include_profile!();`. What is wrong in the file is reported all at once, each with its
//! line, the key, what was found and what is allowed; the build ends then.

mod check;
mod documentation;
mod dtls;
mod emit;
mod objects;
mod problem;
mod registry;
mod schema;
mod values;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

pub use problem::Problem;
pub use schema::{Group, Key, Kind, groups};
pub use values::Configuration;

/// For a build script: reads the file, checks it, and writes the profile for `coracle::include_profile!()`.
///
/// The path is relative to the crate's own folder. If the file has problems they are printed and the build script exits.
pub fn profile(path: impl AsRef<Path>) {
    generate(path.as_ref(), "profile", emit::firmware);
}

/// As [`profile`], for a crate with several of them: `plain.toml` is written as `plain.rs`, to be included where its
/// module is, with `include!(concat!(env!("OUT_DIR"), "/plain.rs"));`.
pub fn profiles(paths: &[&str]) {
    for path in paths.iter().map(Path::new) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        generate(path, &name, emit::firmware);
    }
}

/// As [`profile`], for the crate `coracle` itself, whose own `config.toml` can be replaced with another file through the
/// environment variable `CORACLE_CONFIG`.
pub fn default_profile(path: impl AsRef<Path>) {
    println!("cargo::rerun-if-env-changed=CORACLE_CONFIG");
    let path = env::var_os("CORACLE_CONFIG").map_or_else(|| path.as_ref().to_owned(), PathBuf::from);
    generate(&path, "profile", emit::own);
}

fn generate(path: &Path, name: &str, emit: fn(&Configuration) -> String) {
    let folder = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let file = folder.join(path);
    println!("cargo::rerun-if-changed={}", file.display());
    let text =
        fs::read_to_string(&file).unwrap_or_else(|error| fail(&format!("{}: {error}", file.display())));
    match read(&text) {
        Ok(configuration) => {
            let out =
                env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default().join(format!("{name}.rs"));
            fs::write(&out, emit(&configuration))
                .unwrap_or_else(|error| fail(&format!("{}: {error}", out.display())));
        }
        Err(problems) => {
            let lines: Vec<String> =
                problems.iter().map(|problem| problem.at(&file.display().to_string())).collect();
            fail(&lines.join("\n"));
        }
    }
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    process::exit(1);
}

/// Reads and checks the text of a `config.toml`.
///
/// # Errors
/// Everything that is wrong in it, by line.
pub fn read(text: &str) -> Result<Configuration, Vec<Problem>> {
    check::read(text)
}

/// The Rust code that [`profile`] writes.
pub fn rust(configuration: &Configuration) -> String {
    emit::firmware(configuration)
}

/// A `config.toml` with every key, its meaning, unit, range and cost, and the default values.
pub fn documented_defaults() -> String {
    documentation::documented_defaults()
}
