//! The table of requirements itself: every line has its section and its tests, and every test of this program a line.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const TABLES: [&str; 4] = [
    include_str!("records.txt"),
    include_str!("handshake.txt"),
    include_str!("credentials.txt"),
    include_str!("lwm2m.txt"),
];

/// A requirement: section, statement, and the tests as `path/of/file.rs::name`.
struct Line {
    section: &'static str,
    statement: &'static str,
    tests: Vec<&'static str>,
}

fn table() -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for text in TABLES.iter().flat_map(|table| table.lines()) {
        if let Some(test) = text.strip_prefix("    ") {
            lines.last_mut().expect("a requirement comes first").tests.push(test);
        } else if !text.is_empty() && !text.starts_with('#') {
            let (section, statement) = text.split_once(": ").expect("a section and a statement");
            lines.push(Line { section, statement, tests: Vec::new() });
        }
    }
    lines
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// Whether a file has a test of this name: a function marked so, or one that a macro makes tests of for each kind of
/// transport or credential.
fn has_test(source: &str, name: &str) -> bool {
    let marked = source.match_indices("#[test]").any(|(at, mark)| {
        let rest = source[at + mark.len()..].trim_start();
        rest.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with("()"))
    });
    let made = ["over_each_transport!(", "over_each_credential!("].iter().any(|call| {
        source.match_indices(call).any(|(at, call)| {
            let list = source[at + call.len()..].split(')').next().unwrap_or_default();
            list.split(',').any(|listed| listed.trim() == name)
        })
    });
    marked || made
}

/// A test that is renamed or removed is missed here.
#[test]
fn every_requirement_has_its_tests() {
    let lines = table();
    assert!(lines.len() > 300, "{} requirements", lines.len());
    for line in &lines {
        let Line { section, statement, tests } = line;
        assert!(!tests.is_empty(), "{section}: {statement}");
        for test in tests {
            let (path, name) = test.split_once("::").expect("a file and a name");
            let source = fs::read_to_string(repository().join(path)).unwrap_or_default();
            assert!(has_test(&source, name), "{section}: {statement}: there is no test {test}");
        }
        // Programs of others may not be installed: what they show is shown here, too.
        assert!(!tests.iter().all(|test| test.contains("/interop/")), "{section}: {statement}");
    }
    let statements: BTreeSet<_> = lines.iter().map(|line| (line.section, line.statement)).collect();
    assert_eq!(statements.len(), lines.len(), "a requirement is there twice");
}

#[test]
fn every_section_is_cited() {
    for Line { section, statement, .. } in table() {
        let (document, place) = section.rsplit_once(' ').expect("a document and a place in it");
        let number = document.strip_prefix("RFC ").map(str::parse::<u16>);
        let in_rfc = number.is_some_and(|number| number.is_ok())
            && place.split('.').all(|part| {
                part.parse::<u8>().is_ok() || part.len() == 1 && part.as_bytes()[0].is_ascii_uppercase()
            });
        let in_object = document == "LwM2M" && (place.starts_with("/0/x/") || place.starts_with("/1/x/"));
        let in_transport = document == "LwM2M Transport" && place.parse::<u8>().is_ok();
        assert!(in_rfc || in_object || in_transport, "{section}: {statement}");
    }
}

/// And a test of this folder that proves no requirement is found here.
#[test]
fn every_test_has_a_requirement() {
    let lines = table();
    let named: BTreeSet<_> = lines.iter().flat_map(|line| line.tests.iter().copied()).collect();
    let folder = repository().join("crypto/tests/requirements");
    for entry in fs::read_dir(folder).expect("the folder of this file") {
        let path = entry.expect("it can be read").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
        if path.extension().is_none_or(|extension| extension != "rs") || file == "table.rs" {
            continue;
        }
        let source = fs::read_to_string(&path).expect("it can be read");
        for rest in source.split("#[test]\nfn ").skip(1) {
            let name = rest.split('(').next().unwrap_or_default();
            let test = format!("crypto/tests/requirements/{file}::{name}");
            assert!(named.contains(test.as_str()), "{test} is in no line");
        }
    }
}

#[test]
fn tests_are_told_from_other_functions() {
    let source =
        "#[test]\nfn one() {}\nfn two() {}\nover_each_transport!(\n    three,\n    four\n);\n// five\n";
    let found = ["one", "two", "three", "four", "five", "on"].map(|name| has_test(source, name));
    assert_eq!(found, [true, false, true, true, false, false]);
}
