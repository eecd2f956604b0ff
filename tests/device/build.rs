//! Several profiles in one crate: each file becomes a module of its own.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for name in ["plain", "confirmable", "small", "secure"] {
        let file = format!("{name}.toml");
        println!("cargo::rerun-if-changed={file}");
        let text = fs::read_to_string(&file).expect("the profile is beside this file");
        match coracle_config::read(&text) {
            Ok(configuration) => {
                fs::write(out.join(format!("{name}.rs")), coracle_config::rust(&configuration))
                    .expect("cargo's folder can be written");
            }
            Err(problems) => {
                let lines: Vec<String> = problems.iter().map(|problem| problem.at(&file)).collect();
                panic!("{}", lines.join("\n"));
            }
        }
    }
}
