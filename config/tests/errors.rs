//! Every kind of fault that a config.toml can have, word for word: the line, the key, what was found, what is allowed, and
//! what was probably meant.
//!
//! `tests/errors.txt` has files and what is said about them. `CORACLE_UPDATE_ERRORS=1 cargo test -p coracle-config` writes
//! the latter anew; read what it has written as somebody who has made the mistake.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

const SEPARATOR: &str = "----\n";
const ARROW: &str = "=> ";

/// The file of a case, without what is said about it.
fn file_of(case: &str) -> String {
    case.lines().filter(|line| !line.starts_with(ARROW)).fold(String::new(), |text, line| text + line + "\n")
}

/// A case as it has to be.
fn complete(case: &str) -> String {
    let mut text = file_of(case);
    let problems = coracle_config::read(&text).err().unwrap_or_default();
    for problem in problems {
        writeln!(text, "{ARROW}{}", problem.at("config.toml")).unwrap();
    }
    text
}

#[test]
fn every_fault_is_told_in_words() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors.txt");
    let written = fs::read_to_string(&path).unwrap();
    let cases: Vec<&str> = written.split(SEPARATOR).collect();
    let right: Vec<String> = cases.iter().map(|case| complete(case)).collect();
    if env::var_os("CORACLE_UPDATE_ERRORS").is_some() {
        fs::write(&path, right.join(SEPARATOR)).unwrap();
        return;
    }
    for (case, right) in cases.iter().zip(&right) {
        assert!(right.contains(ARROW), "this is not wrong:\n{case}");
        assert_eq!(case, right);
    }
}

/// What makes a message one that helps: it begins with the place and the key, and is a sentence of some length.
#[test]
fn messages_have_a_place_a_key_and_a_reason() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors.txt");
    for line in fs::read_to_string(path).unwrap().lines().filter_map(|line| line.strip_prefix(ARROW)) {
        let parts: Vec<&str> = line.splitn(4, ':').collect();
        let [file, number, key, reason] = parts[..] else { panic!("{line}") };
        assert_eq!(file, "config.toml");
        assert!(number.parse::<usize>().is_ok_and(|number| number > 0), "{line}");
        assert!(!key.trim().is_empty() && reason.len() > 10, "{line}");
        let helps = [
            "allowed",
            "did you mean",
            "there is no such",
            "at least",
            "raise",
            "leave",
            "use ",
            "add ",
            "write ",
            "known are",
            "or set",
            "expected",
            "twice",
            "it is a table",
        ];
        assert!(helps.iter().any(|word| reason.contains(word)), "no remedy: {line}");
    }
}

/// One fault does not hide another.
#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let text = "nam = 1\n[servers]\ncount = 0\n[object.3303]\ninstances = 0\n[coap]\nduplicates = \"x\"\n[observe]\nconfirmable = 3\n";
    let problems = coracle_config::read(text).unwrap_err();
    let lines: Vec<usize> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 3, 5, 7, 9], "{problems:?}");
}

/// The private key may be in a secure element: object 0 has none then.
#[test]
fn a_secure_element_needs_no_room_for_a_key() {
    let text = "[security]\nsecret_key_length = 0\n[dtls]\nsuites = [\"ecdhe-ecdsa-aes128-ccm8\"]\npublic_keys = [\"raw-public-key\"]\n";
    assert_eq!(coracle_config::read(text).err(), None);
}

/// The file with all defaults, which is documentation, too, is right; so is the repository's own.
#[test]
fn documented_defaults_are_right() {
    assert_eq!(coracle_config::read(&coracle_config::documented_defaults()).err(), None);
    let own = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../config.toml")).unwrap();
    assert_eq!(coracle_config::read(&own).err(), None);
}
