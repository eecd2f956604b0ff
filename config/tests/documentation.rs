//! What the project's own `config.toml` says about its keys is what the table of keys says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The comment above each table and key, by `[table]` and `table.key`.
fn comments(text: &str) -> BTreeMap<String, Vec<&str>> {
    let (mut found, mut table, mut comment) = (BTreeMap::new(), String::new(), Vec::new());
    for line in text.lines() {
        if line.starts_with('#') {
            comment.push(line);
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut table);
            found.insert(line.to_owned(), std::mem::take(&mut comment));
        } else if let Some((key, _)) = line.split_once(" = ") {
            found.insert(format!("{table}.{key}"), std::mem::take(&mut comment));
        } else {
            comment.clear();
        }
    }
    found
}

#[test]
fn every_key_is_explained_as_the_table_has_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config.toml");
    let (own, all) = (fs::read_to_string(path).unwrap(), coracle_config::documented_defaults());
    let (own, all) = (comments(&own), comments(&all));
    assert!(all.len() > 50, "{all:#?}");
    for (name, comment) in &all {
        let found = own.get(name).unwrap_or_else(|| panic!("config.toml says nothing about {name}"));
        assert!(
            found == comment,
            "config.toml says something else about {name}; cargo xtask config prints\n{}",
            comment.join("\n")
        );
    }
    for name in own.keys().filter(|name| !name.contains("object.")) {
        assert!(all.contains_key(name), "config.toml has {name}, which the table does not know");
    }
}
