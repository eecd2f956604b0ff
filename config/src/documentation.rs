//! `config.toml` with every key and its documentation.

use std::fmt::Write;

use crate::schema::{Kind, groups, quoted};

/// A `config.toml` with every key and its documentation.
pub(crate) fn documented_defaults() -> String {
    let mut text = String::from(
        "# Every size and choice of a Coracle client. What is not named here has the value shown; what does not fit the\n\
         # budget does not compile. The comments come from the table that checks the file (cargo xtask config).\n\n",
    );
    for group in groups() {
        if !group.name.is_empty() {
            text.push('\n');
            for line in wrap(group.meaning) {
                writeln!(text, "# {line}").unwrap_or_default();
            }
            writeln!(text, "[{}]", group.name).unwrap_or_default();
        }
        for key in group.keys {
            let unit = if key.unit.is_empty() { String::new() } else { format!(" In {}.", key.unit) };
            let paragraph =
                format!("{}{unit} Allowed: {}. Costs: {}.", key.meaning, key.kind.allowed(), key.cost);
            for line in wrap(&paragraph) {
                writeln!(text, "# {line}").unwrap_or_default();
            }
            writeln!(text, "{} = {}", key.name, key.kind.default_text()).unwrap_or_default();
        }
    }
    text
}

fn wrap(paragraph: &str) -> Vec<String> {
    const WIDTH: usize = 108;
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

impl Kind {
    fn default_text(&self) -> String {
        match self {
            Self::Integer { default, .. } | Self::OneOf { default, .. } => default.to_string(),
            Self::Word { default, .. } | Self::Text { default } => format!("{default:?}"),
            Self::Words { default, .. } => format!("[{}]", quoted(default)),
            Self::Switch { default } => default.to_string(),
        }
    }
}
