//! Datagrams, bytes of RAM, instructions and stack.

use std::fmt::Write;
use std::process::Command;

use super::row;
use crate::Outcome;
use crate::process::{command, exists, output, root, run as run_command};

/// Handshakes as the bench names them: what they are, and the most bytes that the client may send.
const HANDSHAKES: [(&str, &str, &str); 8] = [
    ("psk", "PSK", "300"),
    ("psk-short", "PSK, short first hello", "-"),
    ("psk-resumed", "PSK, resumed", "-"),
    ("ecdhe-psk", "ECDHE_PSK", "-"),
    ("rpk", "raw public keys, mutual", "-"),
    ("rpk-short", "raw public keys, mutual, short first hello", "560"),
    ("x509-pinned", "certificates, mutual, server's pinned", "-"),
    ("x509-authority", "certificates, mutual, by an authority", "-"),
];

/// Ciphers as the bench names them.
const CIPHERS: [(&str, &str); 4] = [
    ("ccm8", "AES-128-CCM-8"),
    ("ccm", "AES-128-CCM"),
    ("cbc", "AES-128-CBC-SHA256, encrypt-then-MAC"),
    ("chacha", "ChaCha20-Poly1305"),
];

fn bench(arguments: &[&str]) -> Result<String, Box<dyn std::error::Error>> {
    output(Command::new(root().join("target/release/coracle-dtls-bench")).args(arguments))
}

fn build() -> Outcome {
    let arguments = ["build", "--quiet", "--release", "--locked", "-p", "coracle-dtls-bench"];
    run_command(command("cargo", "").args(arguments))
}

/// The words of the line that begins with these.
/// The words after a name that the bench prints.
pub(super) fn line<'a>(lines: &'a str, start: &str) -> Result<Vec<&'a str>, String> {
    let found = lines.lines().find_map(|line| line.strip_prefix(start)?.strip_prefix(' '));
    Ok(found.ok_or_else(|| format!("the bench says nothing of {start}"))?.split(' ').collect())
}

pub(super) fn wire(text: &mut String) -> Outcome {
    build()?;
    let wire = bench(&["wire"])?;
    text.push_str(
        "\n### On the wire\n\nWith HelloVerifyRequest (cookie of 16 bytes), extended master secret, SCSV and connection IDs (none to us, 6 bytes \
         to the\nserver); identity of 15 bytes; certificates of one authority without intermediates.\n\n\
         | handshake | from the client | limit | from the server |\n|---|--:|--:|--:|\n",
    );
    for (name, what, limit) in HANDSHAKES {
        let words = line(&wire, &format!("handshake {name}"))?;
        let [client, bytes, server, server_bytes, certificates] = words[..] else {
            return Err(format!("the bench says of {name}: {words:?}").into());
        };
        let certificates = match certificates {
            "0" => String::new(),
            length => format!(", {length} of them the certificate"),
        };
        row(
            text,
            &[
                what.to_owned(),
                format!("{client} datagrams, {bytes} B{certificates}"),
                limit.to_owned(),
                format!("{server} datagrams, {server_bytes} B"),
            ],
        )?;
    }
    text.push_str(
        "\n| record with 64 B of data | overhead, B | with a connection ID of 6 B |\n|---|--:|--:|\n",
    );
    for (name, what) in CIPHERS {
        let words = line(&wire, &format!("overhead {name}"))?;
        row(text, &[what.to_owned(), words.join(" | ")])?;
    }
    Ok(())
}

pub(super) fn sizes(text: &mut String) -> Outcome {
    build()?;
    let sizes = bench(&["sizes"])?;
    text.push_str(
        "\n### RAM\n\nOne `Connection`, in every state: there is no heap, and no flight is stored. Datagram buffers are the caller's.\n\n\
         | profile of `coracle_crypto::profiles` | bytes | limit | of them for reassembly |\n|---|--:|--:|--:|\n",
    );
    for (name, limit, reassembly) in
        [("PskOnly", 512, 0), ("PskCid", 512, 0), ("PskRpkCid", 1600, 256), ("PskRpkX509Cid", 1600, 768)]
    {
        let words = line(&sizes, &format!("size {name}"))?;
        writeln!(text, "| {name} | {} | {limit} | {reassembly} |", words.join(" "))?;
    }
    Ok(())
}

/// Instructions of `times` operations, less the set-up: the difference of two runs.
fn count(operation: &str, times: u64) -> Result<u64, Box<dyn std::error::Error>> {
    let run = |times: u64| -> Result<u64, Box<dyn std::error::Error>> {
        let mut callgrind = Command::new("valgrind");
        callgrind.args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*client_*"]);
        callgrind.arg("--callgrind-out-file=/dev/null");
        callgrind.arg(root().join("target/release/coracle-dtls-bench")).arg(operation).arg(times.to_string());
        let report = String::from_utf8_lossy(&callgrind.output()?.stderr).into_owned();
        let collected = report.lines().find_map(|line| line.split("Collected :").nth(1)).map(str::trim);
        Ok(collected.ok_or_else(|| format!("{operation}: {report}"))?.parse()?)
    };
    Ok((run(2 + times)? - run(2)?) / times)
}

pub(super) fn instructions(text: &mut String) -> Outcome {
    if !exists("valgrind") {
        return Err("valgrind is missing: apt-get install valgrind".into());
    }
    build()?;
    text.push_str(
        "\n### x86-64\n\nInstructions of the client by callgrind, with AES instructions and without those for SHA, which valgrind lacks.\n\n\
         | handshake | instructions | limit |\n|---|--:|--:|\n",
    );
    // What is not written costs nothing: a short hello is only of interest on the wire.
    for (name, what, _) in HANDSHAKES.into_iter().filter(|(name, ..)| !name.ends_with("-short")) {
        let (times, limit) = match name {
            "psk" => (10, "390,000"),
            "psk-resumed" => (10, "-"),
            "rpk" | "x509-pinned" | "x509-authority" => (2, "6,000,000"),
            _ => (2, "-"),
        };
        row(text, &[what.to_owned(), count(name, times)?.to_string(), limit.to_owned()])?;
    }
    text.push_str(
        "\n| record | seal 64 B | 256 B | 1024 B | open 64 B | 256 B | 1024 B |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for (name, what) in CIPHERS.into_iter().chain([("crate", "crate `ccm`, without a record")]) {
        write!(text, "| {what} |")?;
        for operation in ["seal", "open"] {
            for length in [64, 256, 1024] {
                write!(text, " {} |", count(&format!("{operation}-{name}-{length}"), 100)?)?;
            }
        }
        text.push('\n');
    }
    Ok(())
}
