//! Flash of the programs in `benches/dtls-firmware`, less that of an empty one.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use super::row;
use crate::Outcome;
use crate::process::{command, llvm_tool, output, root, run as run_command};

const FOLDER: &str = "benches/dtls-firmware";
const TARGET: &str = "thumbv7em-none-eabihf";

/// A program, what it has, and the most that it may take, in bytes.
const SETS: [(&str, &str, u64); 4] = [
    ("psk_only", "PSK, AES-128-CCM-8", 19_500),
    ("psk_cid", "the same, connection IDs, resumption", 20_000),
    ("psk_rpk_cid", "the same, raw public keys", 42_000),
    ("psk_rpk_x509_cid", "the same, certificates", 50_000),
];

/// Mbed TLS 3.6.5 with the same features, built by gcc 12 at -Os: docs/DTLS.md says how it was measured.
const MBED_TLS: [&str; 4] = ["19,800", "20,500", "-", "51,800"];

/// The smallest client, to which everything else is added.
const BASE: &str = "PskAes128Ccm8";
/// What is added to it; the words of `DTLS_CHOICE`.
const CHOICES: [(&str, &str); 12] = [
    ("connection IDs", "cid"),
    ("resumption", "resumption"),
    ("a short first hello", "short"),
    ("`psk-aes128-ccm`", "PskAes128Ccm"),
    ("`psk-aes128-cbc-sha256`", "PskAes128CbcSha256"),
    ("`psk-chacha20-poly1305`", "PskChaCha20Poly1305"),
    ("`ecdhe-psk-aes128-ccm8`", "EcdhePskAes128Ccm8"),
    ("`ecdhe-ecdsa-aes128-ccm8` with raw public keys", "EcdheEcdsaAes128Ccm8 rpk"),
    ("`ecdhe-ecdsa-aes128-ccm8` with certificates", "EcdheEcdsaAes128Ccm8 x509"),
    ("`ecdhe-ecdsa-aes128-ccm8` with both", "EcdheEcdsaAes128Ccm8 rpk x509"),
    (
        "`ecdhe-ecdsa-aes128-cbc-sha256` and `psk-aes128-cbc-sha256` on top of both",
        "EcdheEcdsaAes128Ccm8 PskAes128CbcSha256 EcdheEcdsaAes128CbcSha256 rpk x509",
    ),
    ("`ecdhe-psk-aes128-ccm8` on top of both", "EcdheEcdsaAes128Ccm8 EcdhePskAes128Ccm8 rpk x509"),
];

/// What must not be in an image: a part of a symbol, and the programs that have no use for it.
const ABSENT: [(&str, &[&str]); 5] = [
    ("p256::", &["psk_only", "psk_cid"]),
    ("x509::chain", &["psk_only", "psk_cid", "psk_rpk_cid"]),
    ("chacha", &["psk_only", "psk_cid", "psk_rpk_cid", "psk_rpk_x509_cid"]),
    ("cbc::", &["psk_only", "psk_cid", "psk_rpk_cid", "psk_rpk_x509_cid"]),
    ("core::panicking", &["psk_only", "psk_cid", "psk_rpk_cid", "psk_rpk_x509_cid"]),
];

type Bytes = Result<u64, Box<dyn std::error::Error>>;

/// Cargo in the folder of the firmware, with a target directory that all programs share.
pub(crate) fn build(arguments: &[&str], choice: &str) -> Outcome {
    let mut build = command("cargo", FOLDER);
    build.args(["build", "--quiet", "--release", "--locked", "--target-dir"]);
    build.arg(root().join("target/dtls-firmware")).args(arguments).env("DTLS_CHOICE", choice);
    run_command(&mut build)
}

pub(crate) fn image(name: &str) -> PathBuf {
    root().join("target/dtls-firmware").join(TARGET).join("release").join(name)
}

/// Bytes of code and constants.
fn flash(name: &str) -> Bytes {
    let sections = output(Command::new(llvm_tool("llvm-size")?).arg("-A").arg(image(name)))?;
    let in_flash = |line: &&str| [".text", ".rodata", ".data"].iter().any(|part| line.starts_with(part));
    let sizes = sections.lines().filter(in_flash).filter_map(|line| line.split_whitespace().nth(1));
    Ok(sizes.filter_map(|size| size.parse::<u64>().ok()).sum())
}

/// The figures of the sets, all built at once; a program from which a panic can be reached does not link.
fn sets() -> Result<Vec<u64>, Box<dyn std::error::Error>> {
    build(&["-p", "dtls-firmware", "--features", "no-panic"], BASE)?;
    let empty = flash("empty")?;
    SETS.iter().map(|(name, ..)| Ok(flash(name)?.saturating_sub(empty))).collect()
}

/// One of the sets, built with the options of Cargo given.
pub(super) fn one_set(name: &str, options: &[&str]) -> Bytes {
    build(&[&["-p", "dtls-firmware", "--features", "no-panic"], options].concat(), BASE)?;
    Ok(flash(name)?.saturating_sub(flash("empty")?))
}

pub(super) fn document(text: &mut String) -> Outcome {
    text.push_str(
        "\n### Flash\n\nthumbv7em-none-eabihf, opt-level z, fat LTO, less an empty program; no panic can be reached.\n\n\
         | program of `benches/dtls-firmware` | bytes | limit | Mbed TLS 3.6.5 | what it has |\n|---|--:|--:|--:|---|\n",
    );
    for (((name, what, limit), bytes), other) in SETS.iter().zip(sets()?).zip(MBED_TLS) {
        row(
            text,
            &[(*name).to_owned(), bytes.to_string(), limit.to_string(), other.to_owned(), (*what).to_owned()],
        )?;
    }
    text.push_str("\nWhat each choice adds to `psk_only`; what is not chosen is not linked.\n\n| choice | bytes |\n|---|--:|\n");
    let one = |choice: &str| -> Bytes {
        build(&["-p", "dtls-firmware", "--bin", "choice"], choice)?;
        flash("choice")
    };
    let base = one(BASE)?;
    for (what, words) in CHOICES {
        writeln!(text, "| {what} | {} |", one(&format!("{BASE} {words}"))?.saturating_sub(base))?;
    }
    Ok(())
}

/// What must be in an image, so that the names above are seen to be those of symbols.
const PRESENT: [(&str, &str); 3] =
    [("p256::", "psk_rpk_cid"), ("x509::chain", "psk_rpk_x509_cid"), ("ccm::", "psk_only")];

/// Symbols that must not be there, and some that must.
fn check_symbols() -> Outcome {
    for (name, ..) in SETS {
        let symbols = output(Command::new(llvm_tool("llvm-nm")?).arg("--demangle").arg(image(name)))?;
        for (part, programs) in ABSENT {
            if programs.contains(&name)
                && let Some(found) = symbols.lines().find(|line| line.contains(part))
            {
                return Err(format!("{name} has no use for {part}, but links {found}").into());
            }
        }
        for (part, program) in PRESENT {
            if program == name && !symbols.contains(part) {
                return Err(format!("{name}: the check is blind, no symbol contains {part}").into());
            }
        }
    }
    Ok(())
}

/// Fails when a program is over its limit, or more than 1 % over the figure in the document.
pub(super) fn check(figures: &str) -> Outcome {
    for ((name, _, limit), bytes) in SETS.iter().zip(sets()?) {
        let cells = figures.lines().find(|line| line.starts_with(&format!("| {name} |")));
        let before: Option<u64> = cells.and_then(|line| line.split('|').nth(2)?.trim().parse().ok());
        let before =
            before.ok_or_else(|| format!("docs/DTLS.md has no figure for {name}: run cargo xtask dtls"))?;
        println!("{name:<18} {bytes:>6} B, committed {before} B, limit {limit} B");
        if bytes > *limit || bytes * 100 > before * 101 {
            return Err(format!(
                "{name} has grown from {before} to {bytes} B: run cargo xtask dtls, and commit docs/DTLS.md with the reason"
            )
            .into());
        }
    }
    check_symbols()?;
    println!("no program links what it was not asked for");
    Ok(())
}
