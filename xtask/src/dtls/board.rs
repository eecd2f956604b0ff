//! Instructions and stack on a Cortex-M4, in QEMU; and what they become when a part is built for speed.

use std::process::Command;

use super::counts::line;
use super::{flash, row};
use crate::Outcome;
use crate::process::output;

/// The names that the program for the board prints.
const BOARD: [(&str, &str); 12] = [
    ("psk", "PSK handshake"),
    ("psk-resumed", "PSK handshake, resumed"),
    ("rpk", "handshake with raw public keys, mutual"),
    ("seal-ccm8-64", "seal 64 B, with a connection ID"),
    ("seal-ccm8-256", "seal 256 B"),
    ("seal-ccm8-1024", "seal 1024 B"),
    ("open-ccm8-64", "open 64 B"),
    ("open-ccm8-256", "open 256 B"),
    ("open-ccm8-1024", "open 1024 B"),
    ("seal-crate-64", "crate `ccm`, without a record: seal 64 B"),
    ("seal-crate-256", "seal 256 B"),
    ("seal-crate-1024", "seal 1024 B"),
];

/// Crates and the `opt-level` that they may have instead of the usual one.
const TUNINGS: [(&str, &str); 3] = [("aes", "3"), ("p256", "\"s\""), ("p256", "3")];
/// What is printed of each: names of the above.
const TUNED: [&str; 4] = ["psk", "rpk", "seal-ccm8-64", "seal-ccm8-1024"];

/// Runs the program for the board in QEMU, built with the options of Cargo given.
fn measure(options: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    flash::build(&[&["-p", "dtls-board"], options].concat(), "")?;
    let mut qemu = Command::new("timeout");
    qemu.args([
        "900",
        "qemu-system-arm",
        "-M",
        "mps2-an386",
        "-nographic",
        "-monitor",
        "none",
        "-serial",
        "null",
    ]);
    qemu.args(["-icount", "shift=0", "-semihosting-config", "enable=on,target=native", "-kernel"]);
    output(qemu.arg(flash::image("dtls-board")))
}

pub(super) fn document(text: &mut String) -> Outcome {
    let printed = measure(&[])?;
    text.push_str(
        "\n### Cortex-M4\n\nopt-level z, software AES and P-256, in QEMU (mps2-an386): the client's instructions, not cycles, and the stack below the\n\
         caller. AES-128-CCM-8.\n\n| operation | instructions | stack, B |\n|---|--:|--:|\n",
    );
    for (name, what) in BOARD {
        let words = line(&printed, name)?;
        row(text, &[what.to_owned(), words.join(" | ")])?;
    }
    text.push_str(
        "\nSpeed for flash: one crate built at another level, by `[profile.release.package.aes]` with `opt-level = 3` in the `Cargo.toml`\n\
         of the firmware's workspace. Everything is at level z, but `aes` at s. The flash is that of `psk_rpk_cid`.\n\n\
         | built otherwise | flash, B | PSK handshake | with raw public keys | seal 64 B | seal 1024 B |\n|---|--:|--:|--:|--:|--:|\n",
    );
    let before = flash::one_set("psk_rpk_cid", &[])?;
    tuned(text, "nothing".to_owned(), "0".to_owned(), &printed)?;
    for (name, level) in TUNINGS {
        let option = format!("profile.release.package.{name}.opt-level={level}");
        let options = ["--config", &option];
        let more = flash::one_set("psk_rpk_cid", &options)?.cast_signed() - before.cast_signed();
        tuned(text, format!("`{name}`: `opt-level = {level}`"), format!("{more:+}"), &measure(&options)?)?;
    }
    Ok(())
}

fn tuned(text: &mut String, what: String, flash: String, printed: &str) -> Outcome {
    let mut cells = vec![what, flash];
    for name in TUNED {
        cells.extend(line(printed, name)?.first().map(|&instructions| instructions.to_owned()));
    }
    Ok(row(text, &cells)?)
}
