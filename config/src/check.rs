//! From the text of a file to a [`Configuration`], or to everything that is wrong in it.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::objects;
use crate::problem::{Problem, Problems, nearest};
use crate::schema::{Group, Kind, groups};
use crate::values::{Configuration, Value};

pub(crate) fn read(text: &str) -> Result<Configuration, Vec<Problem>> {
    let mut problems = Problems::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or_default();
        let what = match (error.message(), text.get(span.clone())) {
            ("duplicate key", Some(name)) => format!("{name} is there twice"),
            (message, _) => message.to_owned(),
        };
        problems.add(span.start, format!("this is not TOML: {what}"));
    }
    let mut configuration = Configuration::with_defaults();
    if problems.is_empty() {
        read_top(table.get_ref(), &mut configuration, &mut problems);
        check_relations(&configuration, &mut problems);
    }
    if problems.is_empty() { Ok(configuration) } else { Err(problems.into_sorted()) }
}

fn read_top(table: &DeTable<'_>, configuration: &mut Configuration, problems: &mut Problems<'_>) {
    let Some(top) = groups().first() else { return };
    for (name, value) in table {
        let offset = name.span().start;
        let name: &str = name.get_ref();
        if name == "object" {
            objects::read(value, configuration, problems);
        } else if let Some(group) = groups().iter().find(|group| group.name == name && !name.is_empty()) {
            match value.get_ref() {
                DeValue::Table(table) => read_group(group, table, configuration, problems),
                other => problems
                    .add(offset, format!("{name}: found {}, but it is a table: [{name}]", found(other))),
            }
        } else if top.keys.iter().any(|key| key.name == name) {
            read_key(top, name, value, configuration, problems);
        } else {
            unknown(offset, "", name, value, problems);
        }
    }
}

fn read_group(
    group: &Group,
    table: &DeTable<'_>,
    configuration: &mut Configuration,
    problems: &mut Problems<'_>,
) {
    for (name, value) in table {
        let word: &str = name.get_ref();
        if group.keys.iter().any(|key| key.name == word) {
            read_key(group, word, value, configuration, problems);
        } else {
            unknown(name.span().start, group.name, word, value, problems);
        }
    }
}

/// A key that does not exist: a wrong one is worse than none, because the value shown would not be the value used.
fn unknown(
    offset: usize,
    group: &str,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems<'_>,
) {
    let full = qualified(group, name);
    let what = if matches!(value.get_ref(), DeValue::Table(_)) { "table" } else { "key" };
    let known: Vec<String> = groups()
        .iter()
        .flat_map(|group| {
            let tables = (!group.name.is_empty()).then(|| group.name.to_owned());
            tables.into_iter().chain(group.keys.iter().map(|key| qualified(group.name, key.name)))
        })
        .chain(["object".to_owned()])
        .collect();
    // The same word in another table is the likeliest mistake.
    let elsewhere = known.iter().find(|candidate| candidate.rsplit('.').next() == Some(name));
    let suggestion =
        elsewhere.map(String::as_str).or_else(|| nearest(&full, known.iter().map(String::as_str)));
    let suggestion = suggestion.map_or_else(String::new, |word| format!("; did you mean {word}?"));
    problems.add(offset, format!("{full}: there is no such {what}{suggestion}"));
}

fn qualified(group: &str, name: &str) -> String {
    if group.is_empty() { name.into() } else { format!("{group}.{name}") }
}

fn read_key(
    group: &Group,
    name: &str,
    value: &Spanned<DeValue<'_>>,
    configuration: &mut Configuration,
    problems: &mut Problems<'_>,
) {
    let Some(key) = group.keys.iter().find(|key| key.name == name) else { return };
    let offset = value.span().start;
    match convert(&key.kind, value.get_ref()) {
        Ok(value) => {
            let line = problems.line(offset);
            if let Some(entry) = configuration.entry_mut(group.name, name) {
                (entry.value, entry.line) = (value, Some(line));
            }
        }
        Err(found) => {
            let unit = if key.unit.is_empty() { String::new() } else { format!(" ({})", key.unit) };
            let full = qualified(group.name, name);
            let suggestion = likely_word(&key.kind, value.get_ref());
            let suggestion = suggestion.map_or_else(String::new, |word| format!("; did you mean {word:?}?"));
            let allowed = key.kind.allowed();
            problems.add(offset, format!("{full}: found {found}, allowed is {allowed}{unit}{suggestion}"));
        }
    }
}

/// The word that was probably meant by one that is not allowed.
fn likely_word(kind: &Kind, value: &DeValue<'_>) -> Option<&'static str> {
    let is_wrong = |words: &[&str], item: &DeValue<'_>| match item {
        DeValue::String(word) => (!words.contains(&word.as_ref())).then(|| word.to_string()),
        // A version without quotes.
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    };
    let (words, wrong) = match (kind, value) {
        (Kind::Words { words, .. }, DeValue::Array(list)) => {
            (words, list.iter().find_map(|item| is_wrong(words, item.get_ref())))
        }
        (Kind::Word { words, .. } | Kind::Words { words, .. }, other) => (words, is_wrong(words, other)),
        _ => return None,
    };
    // Suites are often written as in RFCs.
    let wrong = wrong?.to_lowercase();
    // Short words are alike soon: a version that does not exist is no slip of another one.
    nearest(&wrong, words.iter().copied())
        .filter(|word| strsim::normalized_damerau_levenshtein(&wrong, word) > 0.7)
}

/// The value, or what was found instead.
fn convert(kind: &Kind, value: &DeValue<'_>) -> Result<Value, String> {
    let wrong = || Err(found(value));
    match (kind, value) {
        (Kind::Integer { min, max, .. }, DeValue::Integer(_)) => match whole(value) {
            Some(number) if (*min..=*max).contains(&number) => Ok(Value::Number(number)),
            _ => wrong(),
        },
        (Kind::OneOf { values, .. }, DeValue::Integer(_)) => match whole(value) {
            Some(number) if values.contains(&number) => Ok(Value::Number(number)),
            _ => wrong(),
        },
        (Kind::Word { words, .. }, DeValue::String(word)) if words.contains(&word.as_ref()) => {
            Ok(Value::Word(word.to_string()))
        }
        (Kind::Text { .. }, DeValue::String(text)) if !text.is_empty() => Ok(Value::Word(text.to_string())),
        (Kind::Switch { .. }, DeValue::Boolean(switch)) => Ok(Value::Switch(*switch)),
        (Kind::Words { words, least, .. }, DeValue::Array(list)) => {
            let mut chosen: Vec<String> = Vec::new();
            for item in list {
                match item.get_ref() {
                    DeValue::String(word) if !words.contains(&word.as_ref()) => {
                        return Err(format!("{word:?} in it"));
                    }
                    DeValue::String(word) if chosen.iter().any(|other| other == word) => {
                        return Err(format!("{word:?} twice"));
                    }
                    DeValue::String(word) => chosen.push(word.to_string()),
                    other => return Err(format!("{} in it", found(other))),
                }
            }
            if chosen.len() < *least { Err("an empty list".into()) } else { Ok(Value::Words(chosen)) }
        }
        _ => wrong(),
    }
}

/// A whole number of the file, if it fits.
pub(crate) fn whole(value: &DeValue<'_>) -> Option<u32> {
    let DeValue::Integer(number) = value else { return None };
    u32::from_str_radix(number.as_str(), number.radix()).ok()
}

/// A value as the file has it, for messages.
pub(crate) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Integer(number) => {
            let prefix = match number.radix() {
                2 => "0b",
                8 => "0o",
                _ => "0x",
            };
            format!("{prefix}{}", number.as_str())
        }
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// Keys that contradict each other. The line is that of the one that comes last, as the one before it may be meant.
fn check_relations(configuration: &Configuration, problems: &mut Problems<'_>) {
    let number = |group: &str, name: &str| configuration.number(group, name);
    let shown = |group: &str, name: &str| configuration.shown(group, name);
    let last = |keys: &[(&str, &str)]| {
        keys.iter().map(|(group, name)| configuration.line(group, name)).max().unwrap_or(1)
    };
    let (exchanges, servers) = (("coap", "exchanges"), ("servers", "count"));
    let least = number("servers", "count") + 1;
    if number("coap", "exchanges") < least {
        problems.add_at_line(
            last(&[exchanges, servers]),
            format!(
                "coap.exchanges: found {}, but servers.count is {}: it needs one for each server and one for notifications, so at least {least}",
                shown("coap", "exchanges"),
                shown("servers", "count"),
            ),
        );
    }
    if number("registration", "retry_min_s") > number("registration", "retry_max_s") {
        problems.add_at_line(
            last(&[("registration", "retry_min_s"), ("registration", "retry_max_s")]),
            format!(
                "registration.retry_min_s: found {}, but registration.retry_max_s is {}: the first wait can't be longer than the longest; lower the one or raise the other",
                shown("registration", "retry_min_s"),
                shown("registration", "retry_max_s"),
            ),
        );
    }
    if number("datagram", "block_size") > number("datagram", "transmit") {
        problems.add_at_line(
            last(&[("datagram", "block_size"), ("datagram", "transmit")]),
            format!(
                "datagram.block_size: found {}, but datagram.transmit is {}: a block must fit a datagram; lower the one or raise the other",
                shown("datagram", "block_size"),
                shown("datagram", "transmit"),
            ),
        );
    }
    crate::dtls::check(configuration, problems);
    let buffers = number("datagram", "receive") + number("datagram", "transmit");
    if buffers > number("budget", "ram") {
        problems.add_at_line(
            last(&[("budget", "ram"), ("datagram", "receive"), ("datagram", "transmit")]),
            format!(
                "budget.ram: found {}, but datagram.receive and datagram.transmit alone take {buffers}; lower these or raise the budget",
                shown("budget", "ram"),
            ),
        );
    }
}
