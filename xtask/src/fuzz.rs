//! Builds the fuzz targets of `fuzz/` and runs each for a while.
//!
//! The flags are those of cargo-fuzz, which need not be there, and work with the pinned toolchain.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::{fs, thread};

use crate::Outcome;
use crate::process::{command, output, root, run as run_command};

/// Inputs that a smoke run tries, and those of slower targets: ten seconds or less on two cores.
const SMOKE_RUNS: u32 = 100_000;
const SLOWER: &[(&str, u32)] = &[
    ("client", 60_000),
    ("client_dtls", 40_000),
    ("config", 15_000),
    ("curve", 3_000),
    ("dtls_client", 40_000),
    ("dtls_server", 30_000),
    ("write_opaque", 40_000),
    ("write_text", 50_000),
];
/// Seconds after which a smoke run ends in any case.
const SMOKE_S: u32 = 60;
/// Targets that run at the same time.
const AT_ONCE: usize = 2;
/// Seconds after which a single input is a hang, on a machine that has much else to do.
const HANG_S: u32 = 60;

/// Coverage by counters on every edge, and comparisons told to the fuzzer.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// What the command line asks for.
struct Order {
    targets: Vec<String>,
    seconds: Option<u32>,
    /// Inputs to be replayed instead.
    inputs: Vec<PathBuf>,
    address_sanitizer: bool,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let order = parse(arguments)?;
    let folder = build(order.address_sanitizer)?;
    if let ([target], false) = (&order.targets[..], order.inputs.is_empty()) {
        return run_command(command(folder.join(target), "").args(&order.inputs));
    }
    let (queue, failures) = (Mutex::new(order.targets.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(target) = queue.lock().ok().and_then(|mut queue| queue.next()) else { return };
                    if let Err(error) = fuzz(&folder, target, order.seconds)
                        && let Ok(mut failures) = failures.lock()
                    {
                        failures.push(error.to_string());
                    }
                }
            });
        }
    });
    let failures = failures.into_inner()?;
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n\n").into()) }
}

fn parse(arguments: &[String]) -> Result<Order, Box<dyn std::error::Error>> {
    let known = targets()?;
    let mut order =
        Order { targets: Vec::new(), seconds: None, inputs: Vec::new(), address_sanitizer: false };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--seconds" => {
                let value = rest.next().and_then(|value| value.parse().ok());
                order.seconds = Some(value.ok_or("--seconds needs a whole number")?);
            }
            "--address-sanitizer" => order.address_sanitizer = true,
            name if known.iter().any(|target| target == name) => order.targets.push(name.into()),
            path if order.targets.len() == 1 && Path::new(path).is_file() => {
                order.inputs.push(fs::canonicalize(path)?);
            }
            other => {
                return Err(format!(
                    "{other:?} is neither a target nor a file with an input for one; targets are: {}",
                    known.join(", ")
                )
                .into());
            }
        }
    }
    if order.targets.is_empty() {
        order.targets = known;
    }
    Ok(order)
}

/// The names of all targets.
pub(crate) fn targets() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let files = fs::read_dir(root().join("fuzz/fuzz_targets"))?.collect::<Result<Vec<_>, _>>()?;
    let names = files.iter().filter_map(|file| file.path().file_stem()?.to_str().map(str::to_owned));
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

/// Builds all targets; the folder where they are.
fn build(address_sanitizer: bool) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let host = output(command("rustc", "").args(["--print", "host-tuple"]))?;
    let target_dir = root().join("target/fuzz");
    let mut flags = FLAGS.join(" ");
    let mut build = command("cargo", "fuzz");
    // With a target named, build scripts and macros are left without instruments.
    build.args(["build", "--quiet", "--release", "--locked", "--bins", "--target", host.trim()]);
    build.arg("--target-dir").arg(&target_dir);
    if address_sanitizer {
        flags.push_str(" -Zsanitizer=address");
        build.env("RUSTC_BOOTSTRAP", "1");
    }
    run_command(build.env("RUSTFLAGS", flags))?;
    Ok(target_dir.join(host.trim()).join("release"))
}

/// Runs a target from its seeds on. What it finds in so many seconds is kept in `target/`, for the next time.
fn fuzz(folder: &Path, target: &str, seconds: Option<u32>) -> Outcome {
    let place = root().join("fuzz");
    let artifacts = place.join("artifacts").join(target);
    fs::create_dir_all(&artifacts)?;
    let seeds = seeds(&place.join("corpus").join(target))?;
    let program = folder.join(target);
    let mut fuzzer = if seconds.is_none() { at_fixed_addresses(&program) } else { Command::new(&program) };
    fuzzer.arg(format!("-timeout={HANG_S}")).arg(format!("-artifact_prefix={}/", artifacts.display()));
    fuzzer.arg(format!("-seed_inputs={seeds}"));
    let dictionary = place.join("dictionaries").join(format!("{target}.dict"));
    if dictionary.is_file() {
        fuzzer.arg(format!("-dict={}", dictionary.display()));
    }
    match seconds {
        Some(seconds) => {
            let found = root().join("target/fuzz/corpus").join(target);
            fs::create_dir_all(&found)?;
            fuzzer.arg(format!("-max_total_time={seconds}")).arg(found);
        }
        None => smoke(&mut fuzzer, target),
    }
    let result = fuzzer.env("RUST_BACKTRACE", "1").stdin(Stdio::null()).output()?;
    let log = String::from_utf8_lossy(&result.stderr);
    if !result.status.success() {
        return Err(crash(target, &log).into());
    }
    let runs = log
        .lines()
        .find(|line| line.starts_with("Done "))
        .ok_or_else(|| format!("{target}: ended without a word\n{}", last_lines(&log, 20)))?;
    let coverage = log.lines().rev().find_map(|line| line.split("cov: ").nth(1)?.split(' ').next());
    println!("{target:<20} {runs}, {} edges", coverage.unwrap_or("0"));
    Ok(())
}

/// A smoke run tries the same inputs in the same order each time, because it tells what a change has broken, not what chance has
/// found.
fn smoke(fuzzer: &mut Command, target: &str) {
    let runs = SLOWER.iter().find(|(name, _)| *name == target).map_or(SMOKE_RUNS, |(_, runs)| *runs);
    fuzzer.arg("-seed=1").arg(format!("-runs={runs}")).arg(format!("-max_total_time={SMOKE_S}"));
}

/// A program whose addresses are the same each time, where the system allows it: libFuzzer also learns from compared pointers.
fn at_fixed_addresses(program: &Path) -> Command {
    const FIXED: &str = "--addr-no-randomize";
    if output(Command::new("setarch").args([FIXED, "true"])).is_err() {
        return Command::new(program);
    }
    let mut command = Command::new("setarch");
    command.arg(FIXED).arg(program);
    command
}

/// The seeds in a list, because the order of files in a folder differs from one file system to the next.
fn seeds(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let files = fs::read_dir(folder).map_err(|error| format!("seeds in {}: {error}", folder.display()))?;
    let mut paths: Vec<String> =
        files.map(|file| file.map(|file| file.path().display().to_string())).collect::<Result<_, _>>()?;
    if paths.is_empty() {
        return Err(format!("there are no seeds in {}", folder.display()).into());
    }
    paths.sort();
    Ok(paths.join(","))
}

/// What happened, where the input is, and how to see it again.
fn crash(target: &str, log: &str) -> String {
    let input = log.lines().find_map(|line| line.split("Test unit written to ").nth(1));
    let again = input.map_or_else(
        || "no input was kept: the log says why".to_owned(),
        |path| format!("the input is {path}\nto see it again: cargo xtask fuzz {target} {path}"),
    );
    format!("{target} has failed:\n{}\n{again}", last_lines(log, 60))
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
