//! The flash that each key of `config.toml` brings along that switches code.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use super::flash;
use crate::firmware::{build, prove};
use crate::process::root;

/// A key, the set in which its cost is taken, and its lines without and with it. Other keys that have to change along are
/// in both.
struct Choice {
    key: &'static str,
    set: &'static str,
    without: &'static [(&'static str, &'static str)],
    with: &'static [(&'static str, &'static str)],
}

const FORMATS: &str = "content_formats";
const SUITES: &str = "dtls.suites";
const CCM8: &str = r#"["psk-aes128-ccm8"]"#;

const fn choice(
    key: &'static str,
    set: &'static str,
    without: &'static [(&'static str, &'static str)],
    with: &'static [(&'static str, &'static str)],
) -> Choice {
    Choice { key, set, without, with }
}

/// One more format beside SenML CBOR.
macro_rules! a_format {
    ($name:literal) => {
        choice(
            concat!("content_formats: ", $name),
            "minimal",
            &[(FORMATS, r#"["senml-cbor"]"#)],
            &[(FORMATS, concat!(r#"["senml-cbor", ""#, $name, r#""]"#))],
        )
    };
}

/// One more suite beside the smallest.
macro_rules! a_suite {
    ($name:literal) => {
        choice(
            concat!("dtls.suites: ", $name),
            "typical-psk",
            &[(SUITES, CCM8)],
            &[(SUITES, concat!(r#"["psk-aes128-ccm8", ""#, $name, r#""]"#))],
        )
    };
}

const ECDSA: &str = r#"["psk-aes128-ccm8", "ecdhe-ecdsa-aes128-ccm8"]"#;
const KEYS: &str = "dtls.public_keys";

const CHOICES: &[Choice] = &[
    a_format!("text"),
    a_format!("opaque"),
    a_format!("cbor"),
    a_format!("tlv"),
    a_format!("senml-json"),
    choice(
        "content_formats: senml-cbor",
        "minimal",
        &[(FORMATS, r#"["text"]"#)],
        &[(FORMATS, r#"["text", "senml-cbor"]"#)],
    ),
    choice(
        "observe.observations",
        "observing",
        &[("observe.observations", "0"), ("observe.attribute_sets", "0")],
        &[("observe.attribute_sets", "0")],
    ),
    choice("observe.attribute_sets", "observing", &[("observe.attribute_sets", "0")], &[]),
    choice("observe.confirmable", "observing", &[], &[("observe.confirmable", "true")]),
    choice("servers.count: 2 instead of 1", "observing", &[], &[("servers.count", "2")]),
    choice("dtls.suites: psk-aes128-ccm8", "minimal-psk", &[(SUITES, "[]")], &[]),
    a_suite!("psk-aes128-ccm"),
    a_suite!("psk-aes128-cbc-sha256"),
    a_suite!("psk-chacha20-poly1305"),
    a_suite!("ecdhe-psk-aes128-ccm8"),
    choice(
        "dtls.public_keys: raw-public-key, with ecdhe-ecdsa-aes128-ccm8",
        "typical-psk",
        &[],
        &[(SUITES, ECDSA), (KEYS, r#"["raw-public-key"]"#)],
    ),
    choice(
        "dtls.public_keys: certificate beside raw-public-key",
        "typical-psk",
        &[(SUITES, ECDSA), (KEYS, r#"["raw-public-key"]"#)],
        &[(SUITES, ECDSA), (KEYS, r#"["raw-public-key", "certificate"]"#)],
    ),
    choice("dtls.connection_id", "typical-psk", &[("dtls.connection_id", "false")], &[]),
    choice("dtls.resumption", "typical-psk", &[], &[("dtls.resumption", "true")]),
    choice("dtls.reassembly: 128 instead of 0", "typical-psk", &[], &[("dtls.reassembly", "128")]),
    choice("dtls.max_fragment_length", "typical-psk", &[], &[("dtls.max_fragment_length", "512")]),
    choice("dtls.record_size_limit", "typical-psk", &[], &[("dtls.record_size_limit", "512")]),
    choice("dtls.short_first_hello", "typical-psk", &[], &[("dtls.short_first_hello", "true")]),
];

pub(super) const TITLE: &str = "\n## What a choice costs";

/// What each choice costs beside the others of its set.
pub(super) fn section() -> Result<String, Box<dyn std::error::Error>> {
    let mut text = String::from(TITLE);
    text.push_str(
        "\n\nFlash that comes with each key of config.toml that switches code, beside the rest of the \
         set that is named. What is needed\nonce is counted for each: two suites with the same cipher share it. Keys that are \
         not here switch no code.\n\n| key | set | flash, B |\n|---|---|--:|\n",
    );
    let mut known = Known::new();
    for choice in CHOICES {
        let without = variant(&mut known, choice.set, choice.without)?;
        let with = variant(&mut known, choice.set, choice.with)?;
        let cost = i64::try_from(with)? - i64::try_from(without)?;
        writeln!(text, "| {} | {} | {cost} |", choice.key, choice.set)?;
    }
    Ok(text)
}

/// What images of files that were built before have in flash.
type Known = BTreeMap<String, u64>;

/// Builds a set with other values of some keys.
fn variant(
    known: &mut Known,
    set: &str,
    changes: &[(&str, &str)],
) -> Result<u64, Box<dyn std::error::Error>> {
    let mut file = fs::read_to_string(root().join(format!("benches/firmware/sets/{set}.toml")))?;
    let room = [
        ("security.identity_length", "138"),
        ("security.server_key_length", "138"),
        ("security.secret_key_length", "138"),
        ("budget.ram", "65536"),
    ];
    let keys = changes.iter().any(|(key, _)| *key == KEYS);
    for (key, value) in changes.iter().chain(room.iter().filter(|(key, _)| keys || *key == "budget.ram")) {
        file = set_key(&file, key, value)?;
    }
    if changes.contains(&("servers.count", "2")) {
        file = set_key(&file, "coap.exchanges", "4")?;
    }
    if let Some(flash) = known.get(&file) {
        return Ok(*flash);
    }
    let path = root().join("target/firmware-choice.toml");
    fs::write(&path, &file)?;
    let image = build(&path.display().to_string())?;
    prove(set, &image)?;
    let flash = flash(&image)?;
    known.insert(file, flash);
    Ok(flash)
}

/// The file with another value of `table.key`, or of `key` at its top; the key may be missing in its table.
fn set_key(file: &str, path: &str, value: &str) -> Result<String, String> {
    let (table, key) = path.split_once('.').unwrap_or(("", path));
    let mut lines: Vec<String> = file.lines().map(str::to_owned).collect();
    let header = format!("[{table}]");
    let start = if table.is_empty() {
        0
    } else {
        1 + lines
            .iter()
            .position(|line| *line == header)
            .or_else(|| {
                lines.push(header.clone());
                Some(lines.len() - 1)
            })
            .unwrap_or(0)
    };
    let end =
        lines[start..].iter().position(|line| line.starts_with('[')).map_or(lines.len(), |at| start + at);
    let line = format!("{key} = {value}");
    match lines[start..end].iter().position(|line| line.split('=').next().map(str::trim) == Some(key)) {
        Some(at) if lines[start + at].trim_end().ends_with('[') => {
            return Err(format!("{path} is more than one line long"));
        }
        Some(at) => lines[start + at] = line,
        None => lines.insert(start, line),
    }
    Ok(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::set_key;

    #[test]
    fn keys_are_set_in_their_table() {
        let file = "a = 1\n\n[t]\na = 2\nb = 3\n\n[u]\na = 4\n";
        assert_eq!(set_key(file, "a", "9").unwrap(), "a = 9\n\n[t]\na = 2\nb = 3\n\n[u]\na = 4\n");
        assert_eq!(set_key(file, "t.a", "9").unwrap(), "a = 1\n\n[t]\na = 9\nb = 3\n\n[u]\na = 4\n");
        assert_eq!(set_key(file, "u.c", "9").unwrap(), "a = 1\n\n[t]\na = 2\nb = 3\n\n[u]\nc = 9\na = 4\n");
        assert_eq!(set_key("", "v.a", "9").unwrap(), "[v]\na = 9\n");
    }
}
