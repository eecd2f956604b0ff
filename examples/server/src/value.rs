//! Values of resources, their types, and the table that tells which resource has which type.

use std::collections::BTreeMap;
use std::fmt;

use crate::time;

/// Values by path (`/3/0/9`, or `/3/0/11/0` for a resource instance).
pub type Values = BTreeMap<String, Value>;

/// The value of one resource or resource instance (LwM2M Core, appendix C).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A floating point number.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// Text.
    String(String),
    /// Bytes.
    Opaque(Vec<u8>),
    /// Seconds since 1970-01-01 UTC.
    Time(i64),
    /// A link to an object instance: object id, instance id.
    Objlink(u16, u16),
}

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// [`Value::Integer`].
    Integer,
    /// [`Value::Unsigned`].
    Unsigned,
    /// [`Value::Float`].
    Float,
    /// [`Value::Boolean`].
    Boolean,
    /// [`Value::String`].
    String,
    /// [`Value::Opaque`].
    Opaque,
    /// [`Value::Time`].
    Time,
    /// [`Value::Objlink`].
    Objlink,
}

impl Value {
    /// The type of this value.
    pub fn kind(&self) -> Type {
        match self {
            Value::Integer(_) => Type::Integer,
            Value::Unsigned(_) => Type::Unsigned,
            Value::Float(_) => Type::Float,
            Value::Boolean(_) => Type::Boolean,
            Value::String(_) => Type::String,
            Value::Opaque(_) => Type::Opaque,
            Value::Time(_) => Type::Time,
            Value::Objlink(..) => Type::Objlink,
        }
    }

    /// The same number in another numeric type, if nothing is lost; other values only in their own type.
    pub(crate) fn into_type(self, wanted: Type) -> Option<Value> {
        if self.kind() == wanted {
            return Some(self);
        }
        let integer = match self {
            Value::Integer(v) | Value::Time(v) => i128::from(v),
            Value::Unsigned(v) => i128::from(v),
            Value::Float(v) if v.fract() == 0.0 && v.abs() < 9_007_199_254_740_992.0 => v as i128,
            Value::String(text) if wanted == Type::Time => i128::from(time::from_rfc3339(&text)?),
            _ => return None,
        };
        match wanted {
            Type::Integer => i64::try_from(integer).ok().map(Value::Integer),
            Type::Time => i64::try_from(integer).ok().map(Value::Time),
            Type::Unsigned => u64::try_from(integer).ok().map(Value::Unsigned),
            Type::Float => exact_float(integer).map(Value::Float),
            _ => None,
        }
    }

    /// Reads the text form of a value (LwM2M Core, appendix C: text format).
    pub(crate) fn from_text(text: &str, wanted: Type) -> Option<Value> {
        match wanted {
            Type::Integer => text.parse().ok().map(Value::Integer),
            Type::Unsigned => text.parse().ok().map(Value::Unsigned),
            Type::Float => number(text).map(Value::Float),
            Type::Boolean => match text {
                "0" => Some(Value::Boolean(false)),
                "1" => Some(Value::Boolean(true)),
                _ => None,
            },
            Type::String => Some(Value::String(text.to_owned())),
            Type::Opaque => crate::format::base64_decode(text).map(Value::Opaque),
            Type::Time => text.parse().ok().map(Value::Time),
            Type::Objlink => objlink(text),
        }
    }

    /// The text form of this value: the inverse of [`Value::from_text`].
    pub(crate) fn to_text(&self) -> String {
        match self {
            Value::Integer(v) | Value::Time(v) => v.to_string(),
            Value::Unsigned(v) => v.to_string(),
            Value::Float(v) => v.to_string(),
            Value::Boolean(v) => u8::from(*v).to_string(),
            Value::String(v) => v.clone(),
            Value::Opaque(v) => crate::format::base64_encode(v),
            Value::Objlink(object, instance) => format!("{object}:{instance}"),
        }
    }
}

/// The number, if it is one that `f64` holds exactly.
fn exact_float(integer: i128) -> Option<f64> {
    (integer.unsigned_abs() <= 1 << 53).then_some(integer as f64)
}

/// A decimal number; Rust's own parser would also take `inf`, `nan` and `infinity`.
fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if plain { text.parse().ok() } else { None }
}

/// Reads `object:instance`.
pub(crate) fn objlink(text: &str) -> Option<Value> {
    let (object, instance) = text.split_once(':')?;
    Some(Value::Objlink(object.parse().ok()?, instance.parse().ok()?))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Integer(v) => write!(f, "{v}"),
            Value::Unsigned(v) => write!(f, "{v}"),
            // A device may have sent a number of 32 bits: its own digits are what it means.
            Value::Float(v) if f64::from(*v as f32).to_bits() == v.to_bits() => write!(f, "{:?}", *v as f32),
            Value::Float(v) => write!(f, "{v:?}"),
            Value::Boolean(v) => write!(f, "{v}"),
            Value::String(v) => write!(f, "{v:?}"),
            Value::Opaque(v) => {
                let shown: Vec<String> = v.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
                let shown = shown.concat();
                if v.len() > 16 { write!(f, "0x{shown}.. ({} B)", v.len()) } else { write!(f, "0x{shown}") }
            }
            Value::Time(v) => f.write_str(&time::to_rfc3339(*v)),
            Value::Objlink(object, instance) => write!(f, "{object}:{instance}"),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $into:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($v: $from) -> Value {
                $into
            }
        }
    )*};
}

value_from! {
    i32 => |v| Value::Integer(v.into()),
    i64 => |v| Value::Integer(v),
    u32 => |v| Value::Unsigned(v.into()),
    u64 => |v| Value::Unsigned(v),
    f64 => |v| Value::Float(v),
    bool => |v| Value::Boolean(v),
    &str => |v| Value::String(v.to_owned()),
    String => |v| Value::String(v),
    Vec<u8> => |v| Value::Opaque(v),
    &[u8] => |v| Value::Opaque(v.to_vec()),
}

/// Which resource has which type. Text and TLV do not say it themselves, and a JSON number may be a float or an integer.
#[derive(Debug, Clone)]
pub struct Types(BTreeMap<(u16, u16), Type>);

impl Default for Types {
    /// Objects 1 (Server), 3 (Device), 3303 (Temperature) and 3311 (Light Control) of the OMA registry.
    fn default() -> Self {
        let list = STANDARD.iter().flat_map(|(object, kind, resources)| {
            resources.iter().map(move |resource| ((*object, *resource), *kind))
        });
        Types(list.collect())
    }
}

impl Types {
    /// Adds resources: object id, resource id, type. Later entries win.
    #[must_use]
    pub fn with(mut self, list: &[(u16, u16, Type)]) -> Self {
        self.0.extend(list.iter().map(|(object, resource, kind)| ((*object, *resource), *kind)));
        self
    }

    /// The type of the resource a path of three or four levels leads to, if known.
    pub fn of(&self, path: &[u16]) -> Option<Type> {
        match path {
            [object, _, resource] | [object, _, resource, _] => self.0.get(&(*object, *resource)).copied(),
            _ => None,
        }
    }
}

const STANDARD: &[(u16, Type, &[u16])] = &[
    (1, Type::Integer, &[0, 1, 2, 3, 5, 26]),
    (1, Type::Boolean, &[6, 15, 16, 21, 23]),
    (1, Type::String, &[7, 22, 25]),
    (1, Type::Objlink, &[10, 24]),
    (1, Type::Unsigned, &[11, 13, 14, 17, 18, 19, 20, 27]),
    (1, Type::Time, &[12]),
    (3, Type::String, &[0, 1, 2, 3, 14, 15, 16, 17, 18, 19]),
    (3, Type::Integer, &[6, 7, 8, 9, 10, 11, 20, 21]),
    (3, Type::Time, &[13]),
    (3, Type::Objlink, &[22]),
    (3303, Type::Float, &[5601, 5602, 5603, 5604, 5700, 6050]),
    (3303, Type::String, &[5701, 5750]),
    (3303, Type::Time, &[5518]),
    (3303, Type::Integer, &[6042, 6049]),
    (3311, Type::Boolean, &[5850]),
    (3311, Type::Integer, &[5851, 5852]),
    (3311, Type::Float, &[5805, 5820]),
    (3311, Type::String, &[5701, 5706, 5750]),
];

/// The ids of a path of at most four levels; `/` has none. Nothing but decimal ids of 16 bits is taken.
pub(crate) fn ids(path: &str) -> Option<Vec<u16>> {
    let rest = path.strip_prefix('/')?;
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let id = |part: &str| {
        let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (plain && (part == "0" || !part.starts_with('0'))).then(|| part.parse().ok()).flatten()
    };
    let ids: Vec<u16> = rest.split('/').map(id).collect::<Option<_>>()?;
    (ids.len() <= 4).then_some(ids)
}

/// The inverse of [`ids`].
pub(crate) fn path_of(ids: &[u16]) -> String {
    let parts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_well() {
        assert_eq!(Value::from("a\"b").to_string(), r#""a\"b""#);
        assert_eq!(Value::from(21.0).to_string(), "21.0");
        assert_eq!(Value::Time(1_476_186_613).to_string(), "2016-10-11T11:50:13Z");
        assert_eq!(Value::from(vec![1, 255]).to_string(), "0x01ff");
        assert_eq!(Value::from(vec![0; 20]).to_string(), "0x00000000000000000000000000000000.. (20 B)");
        assert_eq!(Value::Objlink(3, 0).to_string(), "3:0");
    }

    #[test]
    fn text_and_back() {
        for value in [
            Value::Integer(-7),
            Value::Unsigned(u64::MAX),
            Value::Float(1e-7),
            Value::Boolean(true),
            Value::from("x"),
            Value::from(vec![0, 1, 2]),
            Value::Time(5),
            Value::Objlink(3303, 1),
        ] {
            assert_eq!(Value::from_text(&value.to_text(), value.kind()), Some(value));
        }
        for (text, kind) in [
            ("true", Type::Boolean),
            ("nan", Type::Float),
            ("inf", Type::Float),
            ("1.0", Type::Integer),
            ("-1", Type::Unsigned),
            ("3", Type::Objlink),
            ("3:65536", Type::Objlink),
            ("%%", Type::Opaque),
        ] {
            assert_eq!(Value::from_text(text, kind), None, "{text}");
        }
    }

    #[test]
    fn numbers_change_type_only_without_loss() {
        assert_eq!(Value::Integer(21).into_type(Type::Float), Some(Value::Float(21.0)));
        assert_eq!(Value::Float(21.0).into_type(Type::Integer), Some(Value::Integer(21)));
        assert_eq!(Value::Float(21.5).into_type(Type::Integer), None);
        assert_eq!(Value::Integer(-1).into_type(Type::Unsigned), None);
        assert_eq!(Value::Unsigned(u64::MAX).into_type(Type::Integer), None);
        assert_eq!(Value::Integer(i64::MAX).into_type(Type::Float), None);
        assert_eq!(Value::from("1970-01-01T00:00:09Z").into_type(Type::Time), Some(Value::Time(9)));
        assert_eq!(Value::from("9").into_type(Type::Integer), None);
        assert_eq!(Value::Boolean(true).into_type(Type::Integer), None);
    }

    #[test]
    fn the_table_can_be_extended() {
        let types = Types::default().with(&[(26241, 3, Type::Opaque)]);
        assert_eq!(types.of(&[3, 0, 9]), Some(Type::Integer));
        assert_eq!(types.of(&[3, 0, 11, 0]), Some(Type::Integer));
        assert_eq!(types.of(&[26241, 5, 3]), Some(Type::Opaque));
        assert_eq!(types.of(&[26241, 5]), None);
    }

    #[test]
    fn paths_hold_numbers_only() {
        assert_eq!(ids("/"), Some(vec![]));
        assert_eq!(ids("/3/0/11/65535"), Some(vec![3, 0, 11, 65535]));
        assert_eq!(path_of(&[3, 0, 11]), "/3/0/11");
        assert_eq!(path_of(&[]), "/");
        for path in ["", "3", "/3/", "//", "/65536", "/+3", "/03", "/a", "/1/2/3/4/5", "/ 3"] {
            assert_eq!(ids(path), None, "{path}");
        }
    }
}
