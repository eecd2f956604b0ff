//! Content formats: what a payload says, and how a value is written.
//!
//! CBOR comes from `ciborium`, JSON from `serde_json`, base64 from `base64`; TLV, text and link format are small enough to live here.

pub(crate) mod cbor;
pub(crate) mod link;
pub(crate) mod senml;
pub(crate) mod tlv;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::value::{Type, Types, Value, Values, ids, path_of};

/// A CoAP content format (RFC 7252 section 12.3 and the registrations of OMA).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// 0, `text/plain`.
    Text,
    /// 40, `application/link-format` (RFC 6690).
    Link,
    /// 42, `application/octet-stream`.
    Opaque,
    /// 60, `application/cbor`: one value.
    Cbor,
    /// 110, `application/senml+json` (RFC 8428).
    SenmlJson,
    /// 112, `application/senml+cbor` (RFC 8428).
    SenmlCbor,
    /// 11542, `application/vnd.oma.lwm2m+tlv`.
    Tlv,
    /// Any other number: payloads are neither read nor written.
    Other(u16),
}

impl Format {
    /// The number in the Content-Format and Accept options.
    pub const fn number(self) -> u16 {
        match self {
            Format::Text => 0,
            Format::Link => 40,
            Format::Opaque => 42,
            Format::Cbor => 60,
            Format::SenmlJson => 110,
            Format::SenmlCbor => 112,
            Format::Tlv => 11542,
            Format::Other(number) => number,
        }
    }

    /// The format with this number.
    pub const fn from_number(number: u16) -> Self {
        match number {
            0 => Format::Text,
            40 => Format::Link,
            42 => Format::Opaque,
            60 => Format::Cbor,
            110 => Format::SenmlJson,
            112 => Format::SenmlCbor,
            11542 => Format::Tlv,
            other => Format::Other(other),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Text => "text",
            Format::Link => "link",
            Format::Opaque => "opaque",
            Format::Cbor => "cbor",
            Format::SenmlJson => "senml-json",
            Format::SenmlCbor => "senml-cbor",
            Format::Tlv => "tlv",
            Format::Other(number) => return write!(f, "format {number}"),
        })
    }
}

/// A payload that cannot be read, or a value that a format cannot carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadError {
    /// The format in question.
    pub format: Format,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.format, self.reason)
    }
}

impl std::error::Error for PayloadError {}

/// One value of a payload. SenML can give several for one path, told apart by their time.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The full path, `/3/0/9`.
    pub path: String,
    /// SenML time in seconds: since 1970 if 2^28 or more, else relative to now (RFC 8428 section 4.5.3).
    pub time: Option<f64>,
    /// The value.
    pub value: Value,
}

/// What a Write or Create carries.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// The value of a single resource or resource instance.
    Single(Value),
    /// Values by path relative to the request's: of `/1/0` for instance `"1"`, of `/3/0/11` for instance `"0"`.
    Tree(Vec<(String, Value)>),
}

impl<V: Into<Value>> From<V> for Node {
    fn from(value: V) -> Self {
        Node::Single(value.into())
    }
}

/// Names a set of values of a Write, for instance `tree([("1", 60), ("3", 300)])`.
pub fn tree<P: Into<String>, V: Into<Value>>(values: impl IntoIterator<Item = (P, V)>) -> Node {
    Node::Tree(values.into_iter().map(|(path, value)| (path.into(), value.into())).collect())
}

/// Reads a payload as the answer to a request for `base` (`/` for a Send).
///
/// # Errors
/// A payload that is not well-formed, holds values outside of `base` or of another type than `types` says,
/// or has a format this crate does not read.
pub fn decode(
    format: Format,
    base: &str,
    payload: &[u8],
    types: &Types,
) -> Result<Vec<Record>, PayloadError> {
    let fail = |reason: String| PayloadError { format, reason };
    let root = ids(base).ok_or_else(|| fail(format!("{base} is not a path of numbers")))?;
    let reader = Reader { root: &root, types };
    match format {
        Format::Text => reader.text(payload),
        Format::Opaque => reader.single(Value::Opaque(payload.to_vec())),
        Format::Link => reader.links(payload),
        Format::Cbor => cbor::item(payload).and_then(cbor::value).and_then(|value| reader.single(value)),
        Format::SenmlJson => senml::from_json(payload).and_then(|pack| senml::resolve(pack, &reader)),
        Format::SenmlCbor => senml::from_cbor(payload).and_then(|pack| senml::resolve(pack, &reader)),
        Format::Tlv => tlv::decode(payload, &reader),
        Format::Other(_) => Err("this server does not read it".into()),
    }
    .map_err(fail)
}

/// The newest value of each path.
pub fn newest(records: Vec<Record>) -> Values {
    let mut best: std::collections::BTreeMap<String, (f64, Value)> = std::collections::BTreeMap::new();
    for Record { path, time, value } in records {
        let time = time.unwrap_or(0.0);
        // Times under 2^28 count from now, so they lie behind every absolute time in the past.
        let time = if time < 268_435_456.0 { time + 1e12 } else { time };
        if best.get(&path).is_none_or(|(known, _)| *known <= time) {
            best.insert(path, (time, value));
        }
    }
    best.into_iter().map(|(path, (_, value))| (path, value)).collect()
}

/// Writes `node` as payload of a request for `path`.
///
/// # Errors
/// A value or shape that the format cannot carry, a path or relative path that is none, a type that contradicts `types`.
pub fn encode(format: Format, path: &str, node: &Node, types: &Types) -> Result<Vec<u8>, PayloadError> {
    let fail = |reason: String| PayloadError { format, reason };
    let values = flatten(path, node, types).map_err(fail)?;
    let single = || match (node, values.as_slice()) {
        (Node::Single(_), [(_, value)]) => Ok(value),
        _ => Err(format!("it carries one value; {} are given", values.len())),
    };
    match format {
        Format::Text => single().map(|value| value.to_text().into_bytes()),
        Format::Opaque => single().and_then(|value| match value {
            Value::Opaque(bytes) => Ok(bytes.clone()),
            other => Err(format!("{other} is no opaque value")),
        }),
        Format::Cbor => single().and_then(cbor::encode),
        Format::SenmlJson => senml::to_json(path, &values),
        Format::SenmlCbor => senml::to_cbor(path, &values),
        Format::Tlv => tlv::encode(ids(path).map_or(0, |ids| ids.len()), &values),
        Format::Link | Format::Other(_) => Err("this server does not write it".into()),
    }
    .map_err(fail)
}

/// All values of a node with their full paths, in the type of the table.
fn flatten(path: &str, node: &Node, types: &Types) -> Result<Vec<(Vec<u16>, Value)>, String> {
    let base = ids(path).ok_or_else(|| format!("{path} is not a path of numbers"))?;
    let full = |relative: &str| {
        let rest =
            ids(&format!("/{relative}")).ok_or_else(|| format!("{relative:?} is not a relative path"))?;
        Ok::<_, String>([base.as_slice(), &rest].concat())
    };
    let list = match node {
        Node::Single(value) => vec![(base.clone(), value.clone())],
        Node::Tree(values) => values
            .iter()
            .map(|(relative, value)| Ok((full(relative)?, value.clone())))
            .collect::<Result<_, String>>()?,
    };
    list.into_iter()
        .map(|(ids, value)| {
            let path = path_of(&ids);
            if !(3..=4).contains(&ids.len()) {
                return Err(format!("{path} is neither a resource nor a resource instance"));
            }
            let value = match types.of(&ids) {
                None => value,
                Some(kind) => {
                    let shown = value.to_string();
                    value.into_type(kind).ok_or(format!("{shown} is no {kind:?} as {path} asks"))?
                }
            };
            Ok((ids, value))
        })
        .collect()
}

/// The request that a payload answers, and the types to read it with.
pub(crate) struct Reader<'a> {
    root: &'a [u16],
    types: &'a Types,
}

impl Reader<'_> {
    pub(crate) fn root(&self) -> &[u16] {
        self.root
    }

    pub(crate) fn type_of(&self, path: &[u16]) -> Option<Type> {
        self.types.of(path)
    }

    /// Checks place and type of one value.
    pub(crate) fn record(&self, path: &[u16], time: Option<f64>, value: Value) -> Result<Record, String> {
        let shown = path_of(path);
        if !path.starts_with(self.root) {
            return Err(format!("{shown} was not asked for"));
        }
        if !(3..=4).contains(&path.len()) {
            return Err(format!("{shown} is neither a resource nor a resource instance"));
        }
        let value = match (self.type_of(path), value) {
            (Some(Type::Objlink), Value::String(text)) => {
                crate::value::objlink(&text).ok_or(format!("{text:?} of {shown} is no Objlink"))?
            }
            (Some(kind), value) => {
                let text = value.to_string();
                value.into_type(kind).ok_or(format!("{text} of {shown} is no {kind:?}"))?
            }
            (None, value) => value,
        };
        Ok(Record { path: shown, time, value })
    }

    fn single(&self, value: Value) -> Result<Vec<Record>, String> {
        Ok(vec![self.record(self.root, None, value)?])
    }

    fn text(&self, payload: &[u8]) -> Result<Vec<Record>, String> {
        let text = std::str::from_utf8(payload).map_err(|error| error.to_string())?;
        let kind = self.type_of(self.root).unwrap_or(Type::String);
        self.single(Value::from_text(text, kind).ok_or(format!("{text:?} is no {kind:?}"))?)
    }

    /// Links as values: the path, and its attributes as one string.
    fn links(&self, payload: &[u8]) -> Result<Vec<Record>, String> {
        let record = |link: link::Link| match ids(&link.path) {
            Some(path) if path.starts_with(self.root) => {
                Ok(Record { value: Value::String(link.attributes_text()), path: link.path, time: None })
            }
            _ => Err(format!("{} was not asked for", link.path)),
        };
        link::parse(payload)?.into_iter().map(record).collect()
    }
}

/// Standard alphabet with padding, as text/plain carries opaque values.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The inverse of [`base64_encode`].
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, base: &str, payload: &[u8]) -> Result<Values, String> {
        decode(format, base, payload, &Types::default()).map(newest).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_and_names() {
        for number in 0..=u16::MAX {
            assert_eq!(Format::from_number(number).number(), number);
        }
        assert_eq!(Format::SenmlCbor.to_string(), "senml-cbor");
        assert_eq!(Format::Other(11543).to_string(), "format 11543");
    }

    #[test]
    fn text_needs_the_type() {
        assert_eq!(read(Format::Text, "/3/0/9", b"77").unwrap()["/3/0/9"], Value::Integer(77));
        assert_eq!(read(Format::Text, "/9999/0/9", b"77").unwrap()["/9999/0/9"], Value::from("77"));
        assert_eq!(read(Format::Text, "/3/0/9", b"full").unwrap_err(), r#"text: "full" is no Integer"#);
        assert_eq!(
            read(Format::Text, "/3/0", b"77").unwrap_err(),
            "text: /3/0 is neither a resource nor a resource instance"
        );
        assert!(read(Format::Text, "/3/0/0", &[0xFF]).unwrap_err().contains("utf-8"));
        assert!(read(Format::Text, "/3/x/0", b"a").unwrap_err().contains("not a path"));
    }

    #[test]
    fn opaque_is_for_opaque_resources() {
        assert_eq!(
            read(Format::Opaque, "/9999/0/9", &[1, 2]).unwrap()["/9999/0/9"],
            Value::Opaque(vec![1, 2])
        );
        assert_eq!(
            read(Format::Opaque, "/3/0/0", b"ab").unwrap_err(),
            "opaque: 0x6162 of /3/0/0 is no String"
        );
    }

    #[test]
    fn links_are_attributes_by_path() {
        let values = read(Format::Link, "/3/0", b"</3/0>;pmin=1,</3/0/9>;gt=5;lt=1").unwrap();
        assert_eq!(values["/3/0/9"], Value::from("gt=5;lt=1"));
        assert_eq!(read(Format::Link, "/3/0", b"</3>").unwrap_err(), "link: /3 was not asked for");
    }

    #[test]
    fn unknown_formats_are_named() {
        assert_eq!(
            read(Format::Other(11544), "/3/0", b"").unwrap_err(),
            "format 11544: this server does not read it"
        );
    }

    #[test]
    fn writes_take_the_type_of_the_table() {
        let write = |format, path, node: Node| {
            encode(format, path, &node, &Types::default()).map_err(|error| error.to_string())
        };
        assert_eq!(write(Format::Text, "/3303/0/5700", 21.into()).unwrap(), b"21");
        assert_eq!(write(Format::Text, "/3/0/14", "+01:00".into()).unwrap(), b"+01:00");
        assert_eq!(write(Format::Opaque, "/9999/0/1", vec![1, 2].into()).unwrap(), [1, 2]);
        assert_eq!(
            write(Format::Text, "/1/0/1", "x".into()).unwrap_err(),
            r#"text: "x" is no Integer as /1/0/1 asks"#
        );
        assert_eq!(
            write(Format::Opaque, "/9999/0/1", "x".into()).unwrap_err(),
            r#"opaque: "x" is no opaque value"#
        );
        assert_eq!(
            write(Format::Text, "/1/0", tree([("1", 60), ("2", 1)])).unwrap_err(),
            "text: it carries one value; 2 are given"
        );
        assert!(write(Format::Tlv, "/1/0", tree([("a", 60)])).unwrap_err().contains("relative path"));
        assert!(write(Format::Tlv, "/1", tree([("0", 60)])).unwrap_err().contains("neither"));
        assert!(write(Format::Link, "/1/0/1", 60.into()).is_err());
    }

    #[test]
    fn the_newest_record_wins() {
        let record = |time, value: i64| Record { path: "/3/0/9".into(), time, value: value.into() };
        let newest = |records: Vec<Record>| newest(records)["/3/0/9"].clone();
        assert_eq!(newest(vec![record(Some(1.7e9), 1), record(Some(1.6e9), 2)]), Value::Integer(1));
        assert_eq!(newest(vec![record(Some(1.7e9), 1), record(Some(-5.0), 2)]), Value::Integer(2));
        assert_eq!(newest(vec![record(Some(-9.0), 1), record(None, 2)]), Value::Integer(2));
    }
}
