//! The device of `benches/cortex-m4`, which counts its own instructions and stack on an emulated board.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{command, exists, output, root, run as run_command};

const FOLDER: &str = "benches/cortex-m4";
const TARGET: &str = "thumbv7em-none-eabihf";

/// What one operation takes.
pub(crate) struct Row {
    pub(crate) operation: String,
    pub(crate) instructions: u64,
    /// Bytes below the frame of the caller.
    pub(crate) stack: u64,
    /// Length of the answer.
    pub(crate) bytes: u64,
}

/// Builds the device with the sizes and choices of a set of `benches/firmware`.
pub(crate) fn build(set: &str) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let target_dir = root().join("target/cortex-m4");
    let mut cargo = command("cargo", FOLDER);
    cargo.args(["build", "--quiet", "--release", "--locked", "--target", TARGET]);
    cargo.arg("--target-dir").arg(&target_dir);
    // For the sizes of stack frames in the image (-Z emit-stack-sizes in .cargo/config.toml).
    cargo.env("CORACLE_SET", set).env("RUSTC_BOOTSTRAP", "1");
    run_command(&mut cargo)?;
    Ok(target_dir.join(TARGET).join("release/coracle-cortex-m4"))
}

/// Runs the device, and reads what it has counted. Each instruction takes 1 ns of the emulator's time: the figures are
/// the same on every machine.
pub(crate) fn measure(image: &PathBuf) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    if !exists("qemu-system-arm") {
        return Err("qemu-system-arm is missing: apt-get install qemu-system-arm".into());
    }
    let mut emulator = Command::new("timeout");
    emulator.args(["900", "qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none"]);
    emulator.args(["-serial", "none", "-chardev", "stdio,id=host", "-icount", "shift=0"]);
    emulator.args(["-semihosting-config", "enable=on,target=native,chardev=host", "-kernel"]).arg(image);
    output(&mut emulator)?.lines().map(row).collect()
}

fn row(line: &str) -> Result<Row, Box<dyn std::error::Error>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [operation, instructions, stack, bytes] = words[..] else {
        return Err(format!("the device said: {line}").into());
    };
    Ok(Row {
        operation: operation.to_owned(),
        instructions: instructions.parse()?,
        stack: stack.parse()?,
        bytes: bytes.parse()?,
    })
}
