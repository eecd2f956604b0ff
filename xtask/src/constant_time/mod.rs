//! Secrets are handled in constant time: `benches/constant-time` runs under valgrind's memcheck, with all keys marked as
//! undefined memory, and whatever branches on one of them or computes an address from it is an error
//! (docs/decisions/0033-constant-time-by-memcheck.md). Then the board.

mod board;

use std::process::Command;

use crate::Outcome;
use crate::process::{command, exists, root, run as run_command};

/// How the crate is compiled: words that depend on the size of a pointer, and optimisations that may turn masks into branches.
struct Build {
    name: &'static str,
    target: &'static str,
    rustflags: &'static str,
    profile: &'static [&'static str],
}

/// What microcontrollers run: their 32-bit code, with the flags of `benches/dtls-firmware`. And what hosts run.
const BUILDS: [Build; 2] = [
    Build {
        name: "32 bits, opt-level z",
        target: "i686-unknown-linux-musl",
        rustflags: "--cfg aes_compact -C linker=rust-lld",
        profile: &["opt-level=\"z\"", "package.aes.opt-level=\"s\"", "panic=\"abort\""],
    },
    Build {
        name: "64 bits, opt-level 3",
        target: "x86_64-unknown-linux-gnu",
        rustflags: "",
        profile: &["opt-level=3"],
    },
];

/// The processor's own instructions are constant-time by design: the software is what has to prove it.
const SOFTWARE: &str = "--cfg aes_force_soft --cfg poly1305_force_soft";

/// What valgrind ends with when there was an error.
const REPORTED: i32 = 99;

/// The fewest operations that must have been seen: a list that got lost proves nothing.
const CHECKS: usize = 20;
const LEAKS: usize = 5;

pub(crate) fn run(_: &[String]) -> Outcome {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Err("constant time is checked on Linux on x86-64 only".into());
    }
    for (program, package) in [("valgrind", "valgrind"), ("qemu-system-arm", "qemu-system-arm")] {
        if !exists(program) {
            return Err(format!("{program} is missing: apt-get install {package}").into());
        }
    }
    for build in &BUILDS {
        let program = build.program()?;
        // First that errors are seen at all.
        let leaks = memcheck(&program, "leaks")?;
        leaks.all_are_seen().map_err(|error| leaks.failed(build.name, &error))?;
        let checks = memcheck(&program, "checks")?;
        checks.none_is_seen().map_err(|error| checks.failed(build.name, &error))?;
        println!(
            "{}: {} operations in constant time; {} leaks were seen",
            build.name,
            checks.operations.len(),
            leaks.operations.len()
        );
    }
    board::run()
}

impl Build {
    /// Builds the program and answers where it is.
    fn program(&self) -> Result<String, Box<dyn std::error::Error>> {
        let folder = root().join("target/constant-time");
        let mut cargo = command("cargo", "");
        cargo.args(["build", "--quiet", "--release", "--locked", "-p", "coracle-constant-time"]);
        cargo.args(["--target", self.target, "--target-dir"]).arg(&folder);
        for setting in self.profile {
            cargo.arg("--config").arg(format!("profile.release.{setting}"));
        }
        run_command(cargo.env("RUSTFLAGS", format!("{SOFTWARE} {}", self.rustflags)))?;
        let program = folder.join(self.target).join("release/coracle-constant-time");
        Ok(program.to_string_lossy().into_owned())
    }
}

/// What memcheck said of a program.
struct Seen {
    exit: Option<i32>,
    /// Names, and how many errors were in each.
    operations: Vec<(String, u64)>,
    reports: String,
}

fn memcheck(program: &str, list: &str) -> Result<Seen, Box<dyn std::error::Error>> {
    let mut valgrind = Command::new("timeout");
    valgrind.args([
        "300",
        "valgrind",
        "--tool=memcheck",
        "--quiet",
        "--error-limit=no",
        "--track-origins=no",
    ]);
    valgrind.args(["--num-callers=8", &format!("--error-exitcode={REPORTED}"), program, list]);
    let output = valgrind.output()?;
    Ok(Seen {
        exit: output.status.code(),
        operations: operations(&String::from_utf8_lossy(&output.stdout)),
        reports: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Lines of `name: errors`.
fn operations(text: &str) -> Vec<(String, u64)> {
    text.lines()
        .filter_map(|line| {
            let (name, errors) = line.split_once(": ")?;
            Some((name.to_owned(), errors.parse().ok()?))
        })
        .collect()
}

impl Seen {
    fn none_is_seen(&self) -> Result<(), String> {
        let wrong: Vec<String> =
            self.operations.iter().filter(|(_, errors)| *errors != 0).map(line).collect();
        if !wrong.is_empty() || self.exit == Some(REPORTED) {
            return Err(format!(
                "these branch on secrets, or compute addresses from them: {}",
                wrong.join(", ")
            ));
        }
        self.ended(0, CHECKS)
    }

    fn all_are_seen(&self) -> Result<(), String> {
        if let Some((name, _)) = self.operations.iter().find(|(_, errors)| *errors == 0) {
            return Err(format!("memcheck does not see {name}, so it proves nothing of the others"));
        }
        self.ended(REPORTED, LEAKS)
    }

    fn ended(&self, exit: i32, fewest: usize) -> Result<(), String> {
        let count = self.operations.len();
        if self.exit != Some(exit) || count < fewest {
            return Err(format!("ended with {:?} after {count} operations", self.exit));
        }
        Ok(())
    }

    fn failed(&self, build: &str, error: &str) -> String {
        format!("{}\n{build}: {error}", shortened(&self.reports))
    }
}

/// The lines of each report that say what and where, every one once; and what the program itself has said.
fn shortened(reports: &str) -> String {
    /// Lines of a report: what happened, and where, with what has called that.
    const LINES: usize = 6;
    let mut known = Vec::new();
    for report in reports.split_inclusive("== \n") {
        let lines: Vec<&str> =
            report.lines().map(|line| line.rsplit_once("== ").map_or(line, |(_, line)| line)).collect();
        let found: String = lines.iter().take(LINES).flat_map(|line| [line, "\n"]).collect();
        if !known.contains(&found) {
            known.push(found);
        }
    }
    known.concat()
}

fn line((name, errors): &(String, u64)) -> String {
    format!("{name} ({errors} times)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(exit: i32, errors: u64, count: usize) -> Seen {
        let text =
            (0..count).fold("noise\n".to_owned(), |text, at| text + &format!("operation-{at}: {errors}\n"));
        Seen { exit: Some(exit), operations: operations(&text), reports: String::new() }
    }

    #[test]
    fn errors_and_silence_are_failures() {
        assert_eq!(seen(0, 0, CHECKS).none_is_seen(), Ok(()));
        assert!(seen(0, 0, CHECKS - 1).none_is_seen().is_err_and(|error| error.contains("after 19")));
        assert!(
            seen(REPORTED, 2, CHECKS)
                .none_is_seen()
                .is_err_and(|error| error.contains("operation-3 (2 times)"))
        );
        assert!(seen(REPORTED, 0, CHECKS).none_is_seen().is_err());
        assert!(seen(101, 0, CHECKS).none_is_seen().is_err());
    }

    #[test]
    fn leaks_have_to_be_seen() {
        assert_eq!(seen(REPORTED, 1, LEAKS).all_are_seen(), Ok(()));
        assert!(seen(REPORTED, 0, LEAKS).all_are_seen().is_err());
        assert!(seen(0, 1, LEAKS).all_are_seen().is_err());
        assert!(seen(REPORTED, 1, LEAKS - 1).all_are_seen().is_err());
    }
}
