//! What memcheck can't see, because it looks at another processor's code: the same operations on a Cortex-M4 in QEMU, with
//! many secrets each. They must take the same number of instructions, to the last one.

use std::process::Command;

use crate::Outcome;
use crate::dtls::flash;
use crate::process::output;

/// An instruction by `-icount shift=7`, and a tick of the clock that the board counts with, in ns.
const INSTRUCTION: u64 = 128;
const TICK: u64 = 40;

/// The fewest operations that must have been compared.
const OPERATIONS: usize = 8;
/// The one whose instructions must differ.
const LEAK: &str = "leak";

pub(super) fn run() -> Outcome {
    flash::build(&["-p", "dtls-board", "--bin", "secrets"], "")?;
    let mut qemu = Command::new("timeout");
    qemu.args(["120", "qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none"]);
    qemu.args(["-serial", "null", "-icount", "shift=7"]);
    qemu.args(["-semihosting-config", "enable=on,target=native", "-kernel"]);
    let count = check(&output(qemu.arg(flash::image("secrets")))?)?;
    println!(
        "Cortex-M4, opt-level z: {count} operations take as many instructions with each secret; a leak was seen"
    );
    Ok(())
}

/// How many operations were compared: lines of a name, the shortest and the longest time.
fn check(printed: &str) -> Result<usize, String> {
    let mut equal = Vec::new();
    let mut leaks = 0;
    for line in printed.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, fewest, most] = words[..] else { return Err(format!("the board says: {printed}")) };
        let (Ok(fewest), Ok(most)) = (fewest.parse::<u64>(), most.parse::<u64>()) else {
            return Err(format!("the board says: {line}"));
        };
        // Where in a tick an operation begins makes one tick more or less.
        let differs = most.checked_sub(fewest).ok_or(line)? > TICK;
        match (name, differs) {
            (LEAK, true) => leaks += 1,
            (LEAK, false) => {
                return Err("the board does not see a leak, so it proves nothing of the others".into());
            }
            (_, false) => equal.push(name),
            (_, true) => {
                let (fewest, most) = (fewest / INSTRUCTION, most / INSTRUCTION);
                return Err(format!(
                    "on a Cortex-M4 {name} takes {fewest} to {most} instructions, depending on the secret"
                ));
            }
        }
    }
    if equal.len() < OPERATIONS || leaks != 1 {
        return Err(format!("the board has compared {} operations only: {printed}", equal.len()));
    }
    Ok(equal.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAKS: &str = "leak 1440 33680\n";

    fn lines(most: u64, count: usize) -> String {
        (0..count).fold(String::new(), |text, at| text + &format!("operation-{at} 12800 {most}\n"))
    }

    #[test]
    fn an_instruction_more_is_a_failure() {
        assert_eq!(check(&(LEAKS.to_owned() + &lines(12840, 8))), Ok(8));
        let error = check(&(LEAKS.to_owned() + &lines(12920, 8))).expect_err("it differs");
        assert!(error.contains("operation-0 takes 100 to 100"), "{error}");
        assert!(check(&(LEAKS.to_owned() + &lines(12840, 7))).is_err());
        assert!(check(&lines(12840, 8)).is_err());
    }

    #[test]
    fn a_leak_has_to_be_seen() {
        let error = check(&("leak 1440 1440\n".to_owned() + &lines(12800, 8))).expect_err("blind");
        assert!(error.contains("proves nothing"), "{error}");
        assert!(check("panicked at somewhere").is_err());
    }
}
