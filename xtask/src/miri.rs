//! Tests under Miri, which sees what unsafe code does wrong: the codecs' for how they use heapless and RustCrypto, and those
//! of the FreeRTOS platform, which is unsafe itself, over a kernel made for tests.

use crate::Outcome;
use crate::process::{command, exists, fetch, run as run_command};

/// The compiler that has Miri. Another date may have another, or none: one is enough.
const TOOLCHAIN: &str = "nightly-2026-05-20";

/// The tests of a crate that are quick enough: an instruction takes hundreds of times as long as without Miri.
struct Tests {
    package: &'static str,
    modules: &'static [&'static str],
    /// Those among them that try all of something, and those that compute on the curve.
    but_not: &'static [&'static str],
    flags: &'static str,
}

/// Helpers of tests leak, so that what they make lives as long as is needed.
const STRICT: &str = "-Zmiri-strict-provenance -Zmiri-symbolic-alignment-check -Zmiri-ignore-leaks";
/// The kernel of these tests keeps addresses as numbers, leaks, and has the time.
const KERNEL: &str = "-Zmiri-permissive-provenance -Zmiri-disable-isolation -Zmiri-ignore-leaks";

const TESTS: &[Tests] = &[
    Tests {
        package: "coracle-engine",
        modules: &[
            "coap::",
            "format::",
            "model::",
            "observe::attributes",
            "text::base64",
            "text::json",
            "text::integer",
        ],
        but_not: &["numbers_round_trip", "tenths"],
        flags: STRICT,
    },
    Tests {
        package: "coracle-crypto",
        modules: &[
            "codec::",
            "record::",
            "handshake::",
            "x509::der",
            "x509::name",
            "x509::time",
            "provider::ccm",
            "provider::chacha",
            "provider::hmac",
            "provider::sha256",
        ],
        but_not: &[
            "flight",
            "agrees_with",
            "wycheproof",
            "every_length",
            "every_answer",
            "any_order",
            "every_flipped_bit",
            "every_shortened",
            "content_limit",
            "bad_padding",
        ],
        flags: STRICT,
    },
    Tests {
        package: "coracle-freertos",
        modules: &[
            "waker::",
            "network::",
            "mutex::",
            "task::",
            "shared::",
            "storage::tests::functions",
            "entropy::",
        ],
        but_not: &[],
        flags: KERNEL,
    },
];

pub(crate) fn run(_: &[String]) -> Outcome {
    if !exists("rustup") {
        return Err("Miri comes by rustup, which is not there: https://rustup.rs".into());
    }
    let mut install = command("rustup", "");
    install.args(["toolchain", "install", TOOLCHAIN, "--profile", "minimal", "--component", "miri,rust-src"]);
    fetch(&mut install)?;
    for Tests { package, modules, but_not, flags } in TESTS {
        let mut miri = command("rustup", "");
        miri.args([
            "run",
            TOOLCHAIN,
            "cargo",
            "miri",
            "test",
            "--quiet",
            "--locked",
            "--lib",
            "--package",
            package,
        ]);
        miri.arg("--target-dir").arg(crate::process::root().join("target/miri"));
        miri.env("MIRIFLAGS", flags);
        miri.arg("--").args(*modules);
        but_not.iter().for_each(|name| _ = miri.args(["--skip", name]));
        run_command(&mut miri)?;
    }
    Ok(())
}
