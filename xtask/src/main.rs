//! `cargo xtask <command>`: what the repository measures, checks and tests.

mod config;
mod constant_time;
mod cortex_m4;
mod deny;
mod dtls;
mod esp;
mod firmware;
mod fuzz;
mod instructions;
mod miri;
mod packages;
mod process;
mod qemu;
mod sizes;
mod stack;
mod test;

use std::process::ExitCode;

/// What every command returns.
type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Name, what it does, how.
type Command = (&'static str, &'static str, fn(&[String]) -> Outcome);

const COMMANDS: &[Command] = &[
    (
        "test",
        "installs the peers that tests need and passes all tests; `test [STEP].. [--no-install]` for some of them",
        test::run,
    ),
    (
        "sizes",
        "flash, RAM and stack of firmware sets, into docs/SIZES.md; `sizes --check` fails when one has grown",
        sizes::run,
    ),
    (
        "instructions",
        "instructions per request on x86-64, or with `--cortex-m4` on that; `--write`, `--check`: docs/INSTRUCTIONS.md",
        instructions::run,
    ),
    (
        "firmware",
        "links the firmware with core alone, and fails when a panic or an allocation can be reached",
        firmware::run,
    ),
    (
        "fuzz",
        "runs every fuzz target, or those named, for a fixed number of inputs or as long as `--seconds` says; with a file: replays it",
        fuzz::run,
    ),
    ("esp", "builds firmware for the ESP32-C3, makes images and lets esptool check them", esp::run),
    ("qemu", "the demo device in an emulator with Leshan as its server; `qemu <board> [--psk]`", qemu::run),
    ("miri", "the tests of the codecs under Miri", miri::run),
    ("deny", "licences, sources and banned crates of every workspace, by deny.toml", deny::run),
    (
        "dtls",
        "wire, flash, RAM and instructions of DTLS, into docs/DTLS.md; `dtls --check` fails when the flash has grown",
        dtls::run,
    ),
    (
        "stack",
        "worst-case stack of the client on Cortex-M4: bound and really used; `stack --check` fails when one has grown",
        stack::run,
    ),
    (
        "constant-time",
        "runs DTLS under valgrind with keys that are undefined, and fails when something branches on one",
        constant_time::run,
    ),
    ("config", "prints a config.toml with every key, its meaning and default", config::run),
];

/// What a command takes; `None` if it looks at its arguments itself.
fn options(command: &str) -> Option<&'static [&'static str]> {
    match command {
        "test" | "fuzz" | "qemu" => None,
        "sizes" => Some(&["--check", "--keep-choices"]),
        "instructions" => Some(&["--cortex-m4", "--write", "--check"]),
        "dtls" | "stack" => Some(&["--check"]),
        _ => Some(&[]),
    }
}

/// Refuses what a command does not know: a misspelled `--check` would write the figures instead.
fn check_arguments(command: &str, arguments: &[String]) -> Outcome {
    let Some(known) = options(command) else { return Ok(()) };
    match arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
        None => Ok(()),
        Some(other) if known.is_empty() => {
            Err(format!("{command} takes no arguments, but got {other}").into())
        }
        Some(other) => Err(format!("{command} does not know {other}; it knows {}", known.join(", ")).into()),
    }
}

/// True for a word that asks what there is.
fn asks_for_help(word: &str) -> bool {
    matches!(word, "help" | "--help" | "-h")
}

/// All commands, one in each line.
fn overview() -> String {
    let lines = COMMANDS.iter().map(|(name, what, _)| format!("\n  {name:<13} {what}"));
    format!("cargo xtask <command>{}", lines.collect::<String>())
}

/// What a command does, and the words that it knows.
fn help(name: &str, what: &str) -> String {
    let words = match name {
        "test" => format!("[--no-install] [STEP]..\nsteps: {}", test::step_names().join(", ")),
        "fuzz" => format!(
            "[--seconds N] [--address-sanitizer] [TARGET [FILE]..]..\ntargets: {}",
            fuzz::targets().unwrap_or_default().join(", ")
        ),
        "qemu" => qemu::usage(),
        other => {
            let known = options(other).unwrap_or_default().iter().map(|option| format!("[{option}]"));
            known.collect::<Vec<_>>().join(" ")
        }
    };
    format!("{what}\n\ncargo xtask {name} {words}").trim_end().to_owned()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("", String::as_str);
    if asks_for_help(name) {
        println!("{}", overview());
        return ExitCode::SUCCESS;
    }
    let Some((_, what, command)) = COMMANDS.iter().find(|(known, _, _)| *known == name) else {
        if !name.is_empty() {
            eprintln!("error: there is no command {name}");
        }
        eprintln!("{}", overview());
        return ExitCode::FAILURE;
    };
    if arguments[1..].iter().any(|word| asks_for_help(word)) {
        println!("{}", help(name, what));
        return ExitCode::SUCCESS;
    }
    match check_arguments(name, &arguments[1..]).and_then(|()| command(&arguments[1..])) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_says_what_it_is_and_takes() {
        for (name, what, _) in COMMANDS {
            let text = help(name, what);
            assert!(text.starts_with(what) && text.contains(&format!("cargo xtask {name}")), "{text}");
            assert!(overview().contains(what), "{name}");
            for option in options(name).unwrap_or_default() {
                assert!(text.contains(&format!("[{option}]")), "{text}");
            }
        }
        assert!(help("test", "").contains("esp32-c3") && help("fuzz", "").contains("coap_message"));
        assert!(help("qemu", "").contains("[--psk]") && help("qemu", "").contains("lm3s6965evb"));
    }

    #[test]
    fn a_misspelled_option_is_refused() {
        let refused = |command: &str, word: &str| check_arguments(command, &[word.to_owned()]).is_err();
        assert!(refused("sizes", "--chek") && refused("firmware", "--check"));
        assert!(!refused("sizes", "--check"));
    }
}
