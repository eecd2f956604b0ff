//! What `config.toml` says that a key costs is what docs/SIZES.md has measured.

use std::fs;

use crate::process::root;

/// A row of "What a choice costs", the key whose cost has the figure, and the words behind it.
const FLASH: &[(&str, &str, &str)] = &[
    ("content_formats: text", ".content_formats", " KB for text"),
    ("content_formats: opaque", ".content_formats", " for opaque"),
    ("content_formats: cbor", ".content_formats", " for cbor"),
    ("content_formats: tlv", ".content_formats", " for tlv"),
    ("content_formats: senml-json", ".content_formats", " for senml-json"),
    ("content_formats: senml-cbor", ".content_formats", " for senml-cbor"),
    ("observe.observations", "observe.observations", " KB of flash"),
    ("observe.attribute_sets", "observe.attribute_sets", " KB of flash"),
    ("servers.count: 2 instead of 1", "servers.count", " KB of flash"),
    ("dtls.suites: psk-aes128-ccm8", "dtls.suites", " KB for psk-aes128-ccm8"),
    ("dtls.public_keys: raw-public-key, with ecdhe-ecdsa-aes128-ccm8", "dtls.public_keys", " KB of flash"),
    ("dtls.public_keys: certificate beside raw-public-key", "dtls.public_keys", " more for certificates"),
    ("dtls.connection_id", "dtls.connection_id", " KB of flash"),
    ("dtls.resumption", "dtls.resumption", " KB of flash"),
    ("dtls.reassembly: 128 instead of 0", "dtls.reassembly", " KB of flash"),
    ("dtls.max_fragment_length", "dtls.max_fragment_length", " KB of flash"),
    ("dtls.record_size_limit", "dtls.record_size_limit", " KB of flash"),
    ("dtls.short_first_hello", "dtls.short_first_hello", " KB of flash"),
];

/// Keys of tables whose entries have a size, which is in their costs.
const RAM: &[(&str, &str)] = &[
    ("coap", "exchanges"),
    ("coap", "duplicates"),
    ("observe", "observations"),
    ("observe", "attribute_sets"),
    ("events", "count"),
];

fn cost(key: &str) -> &'static str {
    let (group, name) = key.split_once('.').unwrap();
    let group = coracle_config::groups().iter().find(|known| known.name == group).unwrap();
    group.keys.iter().find(|known| known.name == name).unwrap().cost
}

/// The number before these words, and how many decimal places it has.
fn number_before(text: &str, words: &str) -> Option<(f64, u32)> {
    let number = text.split_once(words)?.0.rsplit(' ').next()?;
    let places = number.split_once('.').map_or(0, |(_, places)| places.len());
    Some((number.parse().ok()?, u32::try_from(places).ok()?))
}

/// The cells of a row of docs/SIZES.md.
fn row<'t>(sizes: &'t str, name: &str) -> Vec<&'t str> {
    let cells = |line: &'t str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let found = sizes.lines().filter(|line| line.starts_with('|')).map(cells);
    found.into_iter().find(|cells| cells.contains(&name)).unwrap_or_else(|| panic!("no row {name:?}"))
}

/// docs/SIZES.md before and behind the title of what a choice costs.
fn sizes() -> (String, String) {
    let text = fs::read_to_string(root().join(super::FILE)).unwrap();
    let (sets, choices) = text.split_once(super::choices::TITLE).unwrap();
    (sets.to_owned(), choices.to_owned())
}

#[test]
fn flash_is_told_as_it_was_measured() {
    let (_, choices) = sizes();
    for (choice, key, words) in FLASH {
        let measured: f64 = row(&choices, choice).last().unwrap().parse().unwrap();
        let (told, places) = number_before(cost(key), words)
            .unwrap_or_else(|| panic!("{key} costs {:?}: there is no figure before {words:?}", cost(key)));
        // Half of the last place that is told; and a few bytes, with which not every text has to change.
        let tolerance = 500.0 / 10f64.powi(places.cast_signed()) + 20.0;
        assert!(
            (told * 1000.0 - measured).abs() <= tolerance,
            "{choice} takes {measured} B, but {key} in config/src says {told} KB: write what was measured"
        );
    }
}

#[test]
fn ram_of_an_entry_is_told_as_it_is() {
    let (sizes, _) = sizes();
    let tables = row(&sizes, "key of config.toml");
    let set = "observing";
    let column = tables.iter().position(|cell| *cell == set).unwrap();
    let file = fs::read_to_string(root().join(format!("benches/firmware/sets/{set}.toml"))).unwrap();
    let configuration = coracle_config::read(&file).unwrap();
    for (group, name) in RAM {
        let key = format!("{group}.{name}");
        let bytes: u32 = row(&sizes, &key)[column].parse().unwrap();
        let (told, _) = number_before(cost(&key), " bytes of RAM each").unwrap_or_default();
        assert_eq!(f64::from(bytes) / f64::from(configuration.number(group, name)), told, "{key}");
    }
}
