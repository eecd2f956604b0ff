//! Instructions per request: on x86-64 counted by callgrind, on a Cortex-M4 by the device itself in QEMU. Both give the same
//! figure on every machine with the same compiler.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use crate::Outcome;
use crate::cortex_m4;
use crate::process::{command, exists, output, root, run as run_command};

const FILE: &str = "docs/INSTRUCTIONS.md";
/// How often each operation is repeated on x86-64.
const TIMES: u64 = 500;

/// Published figures of others: Anjay Lite 3.0.0 and Wakaama of November 2025; on x86-64 at -O2, on Cortex-M4 at -Os.
struct Peers {
    operation: &'static str,
    x86: (&'static str, &'static str),
    cortex_m4: (&'static str, &'static str),
}

const fn peers(
    operation: &'static str,
    x86: (&'static str, &'static str),
    cortex_m4: (&'static str, &'static str),
) -> Peers {
    Peers { operation, x86, cortex_m4 }
}

const PEERS: &[Peers] = &[
    peers("read-device-tlv", ("-", "5013"), ("-", "5582")),
    peers("read-device-senml-cbor", ("8511", "7645"), ("13481", "8843")),
    peers("read-string-text", ("4460", "2918"), ("6424", "3340")),
    peers("read-string-senml-cbor", ("4879", "3747"), ("7378", "4354")),
    peers("read-float-text", ("4687", "3111"), ("7910", "5157")),
    peers("read-sensor-senml-cbor", ("7351", "6488"), ("12475", "9059")),
    peers("write-string-text", ("5042", "2583"), ("7080", "2972")),
    peers("write-string-tlv", ("5041", "2749"), ("7160", "3076")),
    peers("execute", ("3659", "2029"), ("5250", "2431")),
    peers("discover-device", ("10226", "4620"), ("16874", "5600")),
    peers("notify-float", ("3772", "1893"), ("6548", "4160")),
    peers("idle", ("462", "617"), ("790", "930")),
];

/// Without an argument the figures of this machine's x86-64; `--cortex-m4` those of the board. `--write` puts both into the
/// document, `--check` compares both with it.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let all = has("--write") || has("--check");
    let mut text = String::new();
    if all {
        text.push_str(HEAD);
    }
    if all || !has("--cortex-m4") {
        text += &x86()?;
    }
    if all || has("--cortex-m4") {
        text += &board()?;
    }
    print!("{text}");
    if has("--write") {
        fs::write(root().join(FILE), text)?;
    } else if has("--check") {
        return check(&text, &fs::read_to_string(root().join(FILE))?);
    }
    Ok(())
}

const HEAD: &str = "# Instructions per request\n\nWritten by `cargo xtask instructions --write`; `--check` fails when a figure \
     has grown by more than 1 %, on\nCortex-M4 3 %: there the path of the checkout alone makes 2.3 %, because it decides in which order functions are inlined.\n\nThe load is that of the published figures of the others: object 3 with manufacturer, model, \
     serial number, firmware version, one\nerror code and binding; a sensor with three floats, a unit, a writable string and \
     an executable. A request is everything from the\ndatagram that came in to the answer, with whatever else is due then. \
     Coracle and Anjay Lite look for duplicates in each request and\nremember the changes; Wakaama does neither. A Write is decoded twice, so that all of it is checked before any of it is stored.\n\n";

fn x86() -> Result<String, Box<dyn std::error::Error>> {
    if !exists("valgrind") {
        return Err("valgrind is missing: apt-get install valgrind".into());
    }
    let mut cargo = command("cargo", "");
    cargo.args(["build", "--quiet", "--release", "--locked", "-p", "coracle-instructions"]);
    run_command(&mut cargo)?;
    let mut text = String::from(
        "## x86-64\n\nCounted by callgrind; opt-level 3, fat LTO, the others at -O2.\n\n\
         | operation | Coracle | Anjay Lite | Wakaama | answer, B |\n|---|--:|--:|--:|--:|\n",
    );
    for Peers { operation, x86: (lite, wakaama), .. } in PEERS {
        let (instructions, length) = callgrind(operation)?;
        writeln!(text, "| {operation} | {instructions} | {lite} | {wakaama} | {length} |")?;
    }
    Ok(text)
}

fn callgrind(operation: &str) -> Result<(u64, String), Box<dyn std::error::Error>> {
    let program = root().join("target/release/coracle-instructions");
    let mut callgrind = Command::new("valgrind");
    callgrind.args([
        "--tool=callgrind",
        "--collect-atstart=no",
        "--toggle-collect=*coracle_instructions::step*",
    ]);
    callgrind.arg("--callgrind-out-file=/dev/null").arg(&program).arg(operation).arg(TIMES.to_string());
    let result = callgrind.output()?;
    let report = String::from_utf8_lossy(&result.stderr).into_owned();
    let collected = report.lines().find_map(|line| line.split("Collected :").nth(1)).map(str::trim);
    let total: u64 = collected.ok_or_else(|| format!("{operation}: {report}"))?.parse()?;
    let length = output(Command::new(&program).args([operation, "1"]))?;
    Ok((total / TIMES, length.trim().to_owned()))
}

fn board() -> Result<String, Box<dyn std::error::Error>> {
    let plain = cortex_m4::measure(&cortex_m4::build("typical")?)?;
    let secured = cortex_m4::measure(&cortex_m4::build("typical-psk")?)?;
    let mut text = String::from(
        "\n## Cortex-M4\n\nCounted by SysTick in QEMU (mps2-an386, `-icount shift=0`), opt-level s, fat LTO, the others at -Os. \
         Instructions, not cycles.\nOver DTLS: the suite PSK_WITH_AES_128_CCM_8 with a connection ID of six bytes, the \
         ciphers in software. The handshake ends with the Register that follows it.\n\n\
         | operation | Coracle | Anjay Lite | Wakaama | answer, B | Coracle over DTLS |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for row in &secured {
        let peers = PEERS.iter().find(|peers| peers.operation == row.operation);
        let (lite, wakaama) = peers.map_or(("-", "-"), |peers| peers.cortex_m4);
        let plain = plain.iter().find(|plain| plain.operation == row.operation);
        let of = |value: fn(&cortex_m4::Row) -> u64| {
            plain.map_or_else(|| String::from("-"), |row| value(row).to_string())
        };
        let (instructions, bytes) = (of(|row| row.instructions), of(|row| row.bytes));
        let (operation, over_dtls) = (&row.operation, row.instructions);
        writeln!(text, "| {operation} | {instructions} | {lite} | {wakaama} | {bytes} | {over_dtls} |")?;
    }
    Ok(text)
}

/// Fails when a figure of ours is more than 1 %, and 20, above the one in the document; on Cortex-M4 3 %. That program is a
/// workspace of its own: the path of the checkout is a part of the names that the compiler gives, and so decides in which
/// order functions are inlined, which alone makes 2.3 %.
fn check(measured: &str, committed: &str) -> Outcome {
    let rows = |text: &str| -> Vec<Vec<String>> {
        let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| operation"));
        rows.map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
    };
    let (now, before) = (rows(measured), rows(committed));
    if now.len() != before.len() {
        return Err(format!("{FILE} has other rows: run cargo xtask instructions --write").into());
    }
    let mut grown = Vec::new();
    for (now, before) in now.iter().zip(&before) {
        // Only the table of Cortex-M4 has the figures over DTLS.
        let percent = if now.get(6).is_some_and(|cell| !cell.is_empty()) { 3 } else { 1 };
        for column in [2, 6] {
            let figure = |row: &[String]| row.get(column).and_then(|cell| cell.parse::<u64>().ok());
            if let (Some(now_figure), Some(before_figure)) = (figure(now), figure(before))
                && now_figure > before_figure + (before_figure * percent / 100).max(20)
            {
                grown.push(format!("{}: {before_figure} -> {now_figure}", now[1]));
            }
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    let list = grown.join("\n");
    Err(format!("more instructions than in {FILE}: run cargo xtask instructions --write, and commit it with the reason\n{list}")
        .into())
}
