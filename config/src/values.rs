//! A `config.toml` that has been read and found right.

use crate::objects::ObjectTable;
use crate::schema::{Key, Kind};

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u32),
    Word(String),
    Words(Vec<String>),
    Switch(bool),
}

impl Value {
    pub(crate) fn default_of(kind: &Kind) -> Self {
        match kind {
            Kind::Integer { default, .. } | Kind::OneOf { default, .. } => Self::Number(*default),
            Kind::Word { default, .. } | Kind::Text { default } => Self::Word((*default).into()),
            Kind::Words { default, .. } => Self::Words(default.iter().map(|word| (*word).into()).collect()),
            Kind::Switch { default } => Self::Switch(*default),
        }
    }
}

/// All values of a file, and the line of each that is given.
#[derive(Clone, Debug)]
pub struct Configuration {
    pub(crate) entries: Vec<Entry>,
    pub(crate) objects: Vec<ObjectTable>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    pub(crate) value: Value,
    pub(crate) line: Option<usize>,
}

impl Configuration {
    pub(crate) fn with_defaults() -> Self {
        let keys =
            crate::schema::groups().iter().flat_map(|group| group.keys.iter().map(|key| (group.name, key)));
        let entry = |(group, key): (&'static str, &'static Key)| Entry {
            group,
            name: key.name,
            value: Value::default_of(&key.kind),
            line: None,
        };
        Self { entries: keys.map(entry).collect(), objects: Vec::new() }
    }

    pub(crate) fn entry_mut(&mut self, group: &str, name: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.group == group && entry.name == name)
    }

    fn value(&self, group: &str, name: &str) -> Option<&Value> {
        self.entries.iter().find(|entry| entry.group == group && entry.name == name).map(|entry| &entry.value)
    }

    /// The line in which a key is given; the first line of the file when it is left out.
    pub(crate) fn line(&self, group: &str, name: &str) -> usize {
        let entry = self.entries.iter().find(|entry| entry.group == group && entry.name == name);
        entry.and_then(|entry| entry.line).unwrap_or(1)
    }

    /// A number for messages, which say when it stands nowhere in the file.
    pub(crate) fn shown(&self, group: &str, name: &str) -> String {
        let given = self
            .entries
            .iter()
            .any(|entry| entry.group == group && entry.name == name && entry.line.is_some());
        let number = self.number(group, name);
        if given { number.to_string() } else { format!("{number} (the default)") }
    }

    /// A number. The keys of the table are known, so a missing one is a fault of this crate.
    pub fn number(&self, group: &str, name: &str) -> u32 {
        match self.value(group, name) {
            Some(Value::Number(number)) => *number,
            _ => unreachable!("{group}.{name} is no number of the schema"),
        }
    }

    /// A switch.
    pub fn switch(&self, group: &str, name: &str) -> bool {
        matches!(self.value(group, name), Some(Value::Switch(true)))
    }

    /// A word or text.
    pub fn word(&self, group: &str, name: &str) -> &str {
        match self.value(group, name) {
            Some(Value::Word(word)) => word,
            _ => unreachable!("{group}.{name} is no word of the schema"),
        }
    }

    /// A list of words.
    pub fn words(&self, group: &str, name: &str) -> &[String] {
        match self.value(group, name) {
            Some(Value::Words(words)) => words,
            _ => unreachable!("{group}.{name} is no list of the schema"),
        }
    }
}
