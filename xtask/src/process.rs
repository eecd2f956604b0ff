//! Other programs: run, and told apart when they fail.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Outcome;

/// The top of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// A command in a folder of the repository.
pub(crate) fn command(program: impl AsRef<OsStr>, folder: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root().join(folder));
    command
}

/// Runs a command and shows what it prints.
pub(crate) fn run(command: &mut Command) -> Outcome {
    eprintln!("+ {}", line(command));
    let status =
        command.stdin(Stdio::null()).status().map_err(|error| format!("{}: {error}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", line(command)).into()) }
}

/// Runs a command that needs the network, which may be there again after a while.
pub(crate) fn fetch(command: &mut Command) -> Outcome {
    for pause in [10, 60] {
        match run(command) {
            Ok(()) => return Ok(()),
            Err(error) => eprintln!("{error}; once more in {pause} s"),
        }
        std::thread::sleep(std::time::Duration::from_secs(pause));
    }
    run(command)
}

/// Runs a command and returns what it prints; its errors are part of the message when it fails.
pub(crate) fn output(command: &mut Command) -> Result<String, Box<dyn std::error::Error>> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{}: {error}", line(command)))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} failed: {}\n{errors}", line(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// True when the program is on the path.
pub(crate) fn exists(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A tool of the pinned toolchain's `llvm-tools` component.
pub(crate) fn llvm_tool(name: &str) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let sysroot = output(command("rustc", "").args(["--print", "sysroot"]))?;
    let host = output(command("rustc", "").args(["--print", "host-tuple"]))?;
    let tool = Path::new(sysroot.trim()).join("lib/rustlib").join(host.trim()).join("bin").join(name);
    if tool.is_file() {
        Ok(tool)
    } else {
        Err(format!("{} is missing: rustup component add llvm-tools", tool.display()).into())
    }
}
