//! Builds the firmware of `benches/firmware`, and what its images prove.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;
use crate::process::{command, llvm_tool, output, root, run as run_command};

const FOLDER: &str = "benches/firmware";
const IMAGE: &str = "coracle-firmware";
/// The sets, whose files are in `benches/firmware/sets`.
pub(crate) const SETS: [&str; 5] = ["minimal", "observing", "typical", "minimal-psk", "typical-psk"];
/// All suites, public keys and formats at once: proven, but in no table.
const EVERYTHING: &str = "everything";

/// `set` is the name of a set, or the path of a file.
fn cargo(set: &str, target: &str, folder: &str) -> (Command, PathBuf) {
    let file = if set.contains('/') { set.into() } else { format!("sets/{set}.toml") };
    let target_dir = root().join("target").join(folder);
    let mut build = command("cargo", FOLDER);
    build.args(["build", "--quiet", "--release", "--locked", "--target", target]);
    build.arg("--target-dir").arg(&target_dir);
    build.env("CORACLE_SET", file);
    (build, target_dir.join(target).join("release").join(IMAGE))
}

/// Builds a set for Cortex-M4 as a product would be: opt-level z, fat LTO. It links only if no panic can be reached.
///
/// The next set takes the place of the image.
pub(crate) fn build(set: &str) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let (mut build, image) = cargo(set, "thumbv7em-none-eabihf", "firmware");
    run_command(&mut build)?;
    Ok(image)
}

/// Builds a set with a sysroot of `core` alone: a dependency that needs `alloc` does not compile.
fn build_with_core_alone(set: &str) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let (mut build, image) = cargo(set, "thumbv7m-none-eabi", "firmware-core");
    build.args(["-Z", "build-std=core"]).env("RUSTC_BOOTSTRAP", "1");
    run_command(&mut build)?;
    Ok(image)
}

/// Fails when a symbol in the image shows that a panic or an allocation can be reached.
pub(crate) fn prove(set: &str, image: &Path) -> Outcome {
    let symbols = output(Command::new(llvm_tool("llvm-nm")?).arg("--demangle").arg(image))?;
    let is_bad = |line: &&str| {
        let names = [
            "core::panicking",
            "unwrap_failed",
            "expect_failed",
            "rust_alloc",
            "rust_realloc",
            "rust_dealloc",
        ];
        // Such as core::slice::index::slice_index_fail: a panic under another name.
        names.iter().any(|part| line.contains(part)) || line.contains("core::") && line.contains("_fail::")
    };
    let found: Vec<&str> = symbols.lines().filter(is_bad).collect();
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("{set}: {} reaches\n{}", image.display(), found.join("\n")).into())
    }
}

/// The image with the symbol that panics lead to has none of them; that the check can fail is shown by one that can panic.
pub(crate) fn run(_: &[String]) -> Outcome {
    for set in SETS.into_iter().chain([EVERYTHING]) {
        prove(set, &build(set)?)?;
        println!("{set}: links for thumbv7em; no panic and no allocation can be reached");
    }
    prove(EVERYTHING, &build_with_core_alone(EVERYTHING)?)?;
    println!("{EVERYTHING}: links for thumbv7m with core alone: there is no allocator");
    let (mut build, _) = cargo("minimal", "thumbv7em-none-eabihf", "firmware");
    build.args(["--features", "index"]);
    let refused = build.output()?;
    if !String::from_utf8_lossy(&refused.stderr).contains("a_panic_can_be_reached") {
        return Err("the check is blind: an image with an unchecked index has linked".into());
    }
    println!("an image with an unchecked index does not link: the check sees");
    Ok(())
}
