//! Everything that has to hold, in the order in which it fails fastest.

use std::time::Instant;

use crate::Outcome;
use crate::process::{command, root, run as run_command};

/// A step of the whole: its name, and what it does.
type Step = (&'static str, fn() -> Outcome);

const STEPS: &[Step] = &[
    ("format", || {
        let workspaces = crate::deny::workspaces(&root())?;
        workspaces.iter().try_for_each(|workspace| {
            run_command(command("cargo", "").args(["fmt", "--all", "--check"]).current_dir(workspace))
        })
    }),
    ("clippy", || {
        let lints = ["--all-features", "--locked", "--", "-D", "warnings"];
        cargo(&[&["clippy", "--workspace", "--all-targets"], &lints[..]].concat())?;
        // Firmware is looked at where it is built.
        let fuzz =
            ["clippy", "--manifest-path", "fuzz/Cargo.toml", "--all-targets", "--target-dir", "target"];
        cargo(&[&fuzz[..], &lints[1..]].concat())
    }),
    ("deny", || crate::deny::run(&[])),
    ("firmware", || crate::firmware::run(&[])),
    ("sizes", || crate::sizes::run(&["--check".into()])),
    ("tests", || {
        // Most of the time of tests with other programs is waiting: more of them at once than there are processors.
        let mut tests = command("cargo", "");
        tests.args(["test", "--workspace", "--all-features", "--locked", "--no-fail-fast"]);
        run_command(tests.env("CORACLE_PEERS", "required").env("RUST_TEST_THREADS", "8"))
    }),
    ("documentation", || {
        run_command(
            command("cargo", "")
                .args(["doc", "--workspace", "--no-deps", "--all-features", "--locked"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    }),
    ("dtls", || crate::dtls::run(&["--check".into()])),
    ("constant-time", || crate::constant_time::run(&[])),
    ("instructions", || crate::instructions::run(&["--check".into()])),
    ("stack", || crate::stack::run(&["--check".into()])),
    ("embassy", || crate::qemu::check(&["embassy", "riscv"])),
    ("freertos", || crate::qemu::check(&["freertos", "freertos-c"])),
    ("esp32-c3", || crate::esp::run(&[])),
    ("miri", || crate::miri::run(&[])),
    ("fuzz", || crate::fuzz::run(&[])),
];

fn cargo(arguments: &[&str]) -> Outcome {
    // A peer that is absent fails its tests here.
    run_command(command("cargo", "").args(arguments).env("CORACLE_PEERS", "required"))
}

/// What can be named.
pub(crate) fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|(name, _)| *name).collect()
}

/// All steps, or those that are named.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let named: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| *argument != "--no-install").collect();
    let known = step_names();
    if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
        return Err(format!("there is no step {unknown}; the steps are {}", known.join(", ")).into());
    }
    if !arguments.iter().any(|argument| argument == "--no-install") {
        crate::packages::install()?;
    }
    coracle_leshan_peer::build()?;
    coracle_peer_programs::built::prepare()?;
    let mut report = Vec::new();
    let mut failures = Vec::new();
    for (name, step) in STEPS.iter().filter(|(name, _)| named.is_empty() || named.contains(name)) {
        let started = Instant::now();
        eprintln!("\n=== {name}");
        let outcome = step();
        report.push(format!("{name:<14} {:>4} s", started.elapsed().as_secs()));
        // The other steps may have more to say.
        if let Err(error) = outcome {
            eprintln!("{name}: {error}");
            failures.push(format!("{name}: {error}"));
        }
    }
    let passed = report.len() - failures.len();
    println!("\n{}\nsteps: {passed} passed, {} failed", report.join("\n"), failures.len());
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}
