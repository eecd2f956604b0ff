//! The profile of the set that `CORACLE_SET` names, and a memory map with room for any image.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=CORACLE_SET");
    let set = env::var("CORACLE_SET").unwrap_or_else(|_| "sets/minimal.toml".into());
    coracle_config::profile(set);
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    fs::write(out.join("link.x"), include_str!("link.x")).unwrap();
    println!("cargo::rerun-if-changed=link.x");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
}
