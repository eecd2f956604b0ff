use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

/// A typed LwM2M value (LwM2M Core, appendix C).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// UTF-8 text.
    String(String),
    /// A signed integer of up to 64 bits.
    Integer(i64),
    /// An unsigned integer of up to 64 bits.
    Unsigned(u64),
    /// A floating-point number.
    Float(#[serde(serialize_with = "float", deserialize_with = "float_back")] f64),
    /// True or false.
    Boolean(bool),
    /// Octets.
    Opaque(#[serde(with = "crate::hex")] Vec<u8>),
    /// Seconds since 1970-01-01 UTC.
    Time(i64),
    /// A link to an object instance.
    Objlnk(ObjectLink),
    /// Links as in RFC 6690.
    Corelnk(String),
}

impl Value {
    /// The name of the type in commands of the peer.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Integer(_) => "integer",
            Self::Unsigned(_) => "unsigned",
            Self::Float(_) => "float",
            Self::Boolean(_) => "boolean",
            Self::Opaque(_) => "opaque",
            Self::Time(_) => "time",
            Self::Objlnk(_) => "objlnk",
            Self::Corelnk(_) => "corelnk",
        }
    }

    /// The value without its type, as the peer writes it.
    fn bare(&self) -> serde_json::Value {
        match json!(self) {
            serde_json::Value::Object(object) => {
                object.into_iter().next().map_or_else(Default::default, |e| e.1)
            }
            other => other,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Boolean(flag)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Opaque(bytes.to_vec())
    }
}

/// JSON has no numbers for infinities and NaN; the peer has words for them.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn float<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        serializer.serialize_f64(*number)
    } else if number.is_nan() {
        serializer.serialize_str("NaN")
    } else {
        serializer.serialize_str(if *number > 0.0 { "Infinity" } else { "-Infinity" })
    }
}

fn float_back<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(word) => word.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| serde::de::Error::custom("not a float"))
}

/// A link to an object instance; 65535:65535 links to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectLink {
    /// Object id.
    pub object: u16,
    /// Object instance id.
    pub instance: u16,
}

impl fmt::Display for ObjectLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.object, self.instance)
    }
}

impl FromStr for ObjectLink {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(':').and_then(|(object, instance)| {
            Some(Self { object: object.parse().ok()?, instance: instance.parse().ok()? })
        });
        parsed.ok_or_else(|| format!("\"{text}\" is not an object link"))
    }
}

impl Serialize for ObjectLink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectLink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a Write, Create or Write-Composite carries: one value, or a level of the tree with what is below it.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A single resource or a resource instance.
    Value(Value),
    /// A resource with several instances, all of one type.
    Multiple(BTreeMap<u16, Value>),
    /// A multiple resource without instances, of the type of that name (see [`Value::type_name`]).
    Cleared(&'static str),
    /// An object instance: its resources by id.
    Instance(BTreeMap<u16, Node>),
    /// An object: its instances by id.
    Object(BTreeMap<u16, Node>),
}

impl Node {
    /// A multiple resource.
    pub fn multiple<V: Into<Value>>(instances: impl IntoIterator<Item = (u16, V)>) -> Self {
        Self::Multiple(instances.into_iter().map(|(id, value)| (id, value.into())).collect())
    }

    /// An object instance.
    pub fn instance<N: Into<Node>>(resources: impl IntoIterator<Item = (u16, N)>) -> Self {
        Self::Instance(resources.into_iter().map(|(id, node)| (id, node.into())).collect())
    }

    /// An object with instances.
    pub fn object(instances: impl IntoIterator<Item = (u16, Node)>) -> Self {
        Self::Object(instances.into_iter().collect())
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Value(value) => json!(value),
            Self::Multiple(values) => {
                let type_name = values.values().next().map_or("string", Value::type_name);
                let instances: BTreeMap<_, _> = values.iter().map(|(id, value)| (id, value.bare())).collect();
                json!({ type_name: instances })
            }
            Self::Cleared(type_name) => json!({ *type_name: {} }),
            Self::Instance(resources) => json!({ "resources": by_id(resources) }),
            Self::Object(instances) => json!({ "instances": by_id(instances) }),
        }
    }
}

fn by_id(nodes: &BTreeMap<u16, Node>) -> BTreeMap<u16, serde_json::Value> {
    nodes.iter().map(|(id, node)| (*id, node.to_json())).collect()
}

impl<V: Into<Value>> From<V> for Node {
    fn from(value: V) -> Self {
        Self::Value(value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_survives_json() {
        let values = [
            Value::from("text"),
            Value::from(i64::MIN),
            Value::Unsigned(u64::MAX),
            Value::from(25.6),
            Value::from(f64::NEG_INFINITY),
            Value::from(true),
            Value::from(&[0u8, 255][..]),
            Value::Time(946_684_800),
            Value::Objlnk(ObjectLink { object: 3, instance: 0 }),
            Value::Corelnk("</3>".to_owned()),
        ];
        for value in values {
            let text = json!(value).to_string();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{text}");
            assert!(text.starts_with(&format!("{{\"{}\":", value.type_name())), "{text}");
        }
    }

    #[test]
    fn not_a_number_has_a_word() {
        let text = json!(Value::from(f64::NAN)).to_string();
        assert_eq!(text, r#"{"float":"NaN"}"#);
        assert!(matches!(serde_json::from_str(&text), Ok(Value::Float(n)) if n.is_nan()));
    }

    #[test]
    fn nodes_as_the_peer_wants_them() {
        let node = Node::object([(
            7,
            Node::instance([
                (0, Node::from(5)),
                (1, Node::multiple([(0, "a"), (2, "b")])),
                (2, Node::Cleared("time")),
            ]),
        )]);
        let expected = json!({"instances": {"7": {"resources": {
            "0": {"integer": 5}, "1": {"string": {"0": "a", "2": "b"}}, "2": {"time": {}}}}}});
        assert_eq!(node.to_json(), expected);
    }

    #[test]
    fn object_links() {
        assert_eq!("3:0".parse(), Ok(ObjectLink { object: 3, instance: 0 }));
        for bad in ["3", "3:", "3:0:1", "65536:0", "-1:0"] {
            assert!(bad.parse::<ObjectLink>().is_err(), "{bad}");
        }
    }
}
