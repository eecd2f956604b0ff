//! Link format (RFC 6690), read strictly: one wrong link makes the whole list wrong, as with other LwM2M servers.

use std::fmt;

/// One link: a path and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The target, `/3/0`.
    pub path: String,
    /// Attributes in order; a flag has no value. Quotes are taken off.
    pub attributes: Vec<(String, Option<String>)>,
}

impl Link {
    /// The value of an attribute; an empty string for a flag.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(known, _)| known == name)?;
        Some(value.as_deref().unwrap_or_default())
    }

    /// The attributes as in the payload, without quotes.
    pub(crate) fn attributes_text(&self) -> String {
        let text = |(name, value): &(String, Option<String>)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        };
        self.attributes.iter().map(text).collect::<Vec<_>>().join(";")
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if self.attributes.is_empty() { Ok(()) } else { write!(f, ";{}", self.attributes_text()) }
    }
}

/// Reads a list of links. A space behind a comma is taken, as the examples of the LwM2M specification have it.
pub(crate) fn parse(payload: &[u8]) -> Result<Vec<Link>, String> {
    let text = std::str::from_utf8(payload).map_err(|error| error.to_string())?;
    let mut links = Vec::new();
    let mut rest = text;
    while !rest.is_empty() || !links.is_empty() {
        let (link, behind) = one(rest)
            .map_err(|reason| format!("{reason} at byte {} of {text:?}", text.len() - rest.len()))?;
        links.push(link);
        match behind.strip_prefix(',') {
            Some(next) => rest = next.trim_start_matches(' '),
            None if behind.is_empty() => break,
            None => {
                return Err(format!("a comma is missing at byte {} of {text:?}", text.len() - behind.len()));
            }
        }
    }
    Ok(links)
}

/// The first link, and what follows it.
fn one(text: &str) -> Result<(Link, &str), &'static str> {
    let (path, mut rest) = text.strip_prefix('<').and_then(|text| text.split_once('>')).ok_or("no <path>")?;
    if path.is_empty() || !path.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'"') {
        return Err("a target that is no path");
    }
    let mut attributes = Vec::new();
    while let Some(text) = rest.strip_prefix(';') {
        let end = text.find(|c: char| !is_name(c)).unwrap_or(text.len());
        let (name, behind) = text.split_at(end);
        if name.is_empty() {
            return Err("an attribute without name");
        }
        let value;
        (value, rest) = match behind.strip_prefix('=') {
            None => (None, behind),
            Some(text) => attribute_value(text).map(|(value, rest)| (Some(value), rest))?,
        };
        attributes.push((name.to_owned(), value));
    }
    Ok((Link { path: path.to_owned(), attributes }, rest))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$&+-.^_`|~*".contains(c)
}

/// A token or a quoted string, and what follows it.
fn attribute_value(text: &str) -> Result<(String, &str), &'static str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| !c.is_ascii_graphic() || "\",;\\".contains(c)).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return if value.is_empty() {
            Err("an attribute without value")
        } else {
            Ok((value.to_owned(), rest))
        };
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next().ok_or("a quote that does not end")? {
            '"' => return Ok((value, characters.as_str())),
            '\\' => value.push(characters.next().ok_or("a quote that does not end")?),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_registration() {
        let links =
            parse(br#"</>;rt="oma.lwm2m";ct="60 112",</1/0>, </3303/0>;ver=1.1;obs;t="a\"b""#).unwrap();
        let shown: Vec<String> = links.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["/;rt=oma.lwm2m;ct=60 112", "/1/0", "/3303/0;ver=1.1;obs;t=a\"b"]);
        assert_eq!(links[2].get("ver"), Some("1.1"));
        assert_eq!(links[2].get("obs"), Some(""));
        assert_eq!(links[1].get("ver"), None);
        assert_eq!(parse(b""), Ok(vec![]));
    }

    #[test]
    fn broken_links_are_refused() {
        for text in [
            "1/0",
            "<1/0",
            "</1/0",
            "</1/0>,",
            "</1/0></3/0>",
            "</1/0>;",
            "</1/0>;=1",
            "</1/0>;a=",
            "</1/0>;a=\"",
            "</1/0>;a=\"x\\",
            "<>",
            "</1/ 0>",
            "</1/0>  ,</3>",
            "</1/0>;a b",
            ",</1/0>",
            "</1/0>;a=1\"",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(&[b'<', 0xC3, b'>']).is_err());
        assert_eq!(parse(b"</1/0>,x").unwrap_err(), r#"no <path> at byte 7 of "</1/0>,x""#);
    }

    #[test]
    fn agrees_with_another_parser() {
        let text = r#"</3/0/9>;pmin=10;pmax=60;gt=55.5,</3/0/11>;dim=2,</x>;title="a, b; c""#;
        let ours = parse(text.as_bytes()).unwrap();
        let theirs: Vec<Link> = coap_lite::link_format::LinkFormatParser::new(text)
            .map(|link| link.unwrap())
            .map(|(path, attributes)| Link {
                path: path.to_owned(),
                attributes: attributes
                    .map(|(name, value)| (name.to_owned(), Some(value.to_string())))
                    .collect(),
            })
            .collect();
        assert_eq!(ours, theirs);
    }
}
