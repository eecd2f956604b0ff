//! Each file in `profiles` becomes a module.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    println!("cargo::rerun-if-changed=profiles");
    for entry in fs::read_dir("profiles").expect("the folder is beside this file") {
        let file = entry.expect("the folder can be read").path();
        let text = fs::read_to_string(&file).expect("the file can be read");
        match coracle_config::read(&text) {
            Ok(configuration) => {
                let module = out.join(file.with_extension("rs").file_name().expect("a file has a name"));
                fs::write(module, coracle_config::rust(&configuration))
                    .expect("cargo's folder can be written");
            }
            Err(problems) => {
                let name = file.display().to_string();
                let lines: Vec<String> = problems.iter().map(|problem| problem.at(&name)).collect();
                panic!("{}", lines.join("\n"));
            }
        }
    }
}
