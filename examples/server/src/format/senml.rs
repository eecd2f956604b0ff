//! SenML in JSON and CBOR (RFC 8428; content formats 110 and 112), on `serde_json` and `ciborium`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value as Item;
use serde_json::Value as Json;

use super::{Reader, Record, cbor};
use crate::value::{Value, ids, path_of};

/// A record as it stands in the payload: base fields hold until the next record that has them.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    base_name: Option<String>,
    base_time: Option<f64>,
    base_value: Option<f64>,
    name: Option<String>,
    time: Option<f64>,
    value: Option<Value>,
}

/// The fields of RFC 8428 that mean something here, with their labels in JSON and CBOR (section 6, table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    BaseVersion,
    BaseName,
    BaseTime,
    BaseValue,
    Name,
    Time,
    Number,
    Text,
    Flag,
    Data,
    Objlink,
}

const FIELDS: [(Field, &str, Option<i64>); 11] = [
    (Field::BaseVersion, "bver", Some(-1)),
    (Field::BaseName, "bn", Some(-2)),
    (Field::BaseTime, "bt", Some(-3)),
    (Field::BaseValue, "bv", Some(-5)),
    (Field::Name, "n", Some(0)),
    (Field::Time, "t", Some(6)),
    (Field::Number, "v", Some(2)),
    (Field::Text, "vs", Some(3)),
    (Field::Flag, "vb", Some(4)),
    (Field::Data, "vd", Some(8)),
    (Field::Objlink, "vlo", None),
];

impl Raw {
    /// Takes one field; `value` is what stands there, already in the type of JSON or CBOR.
    fn set(&mut self, field: Field, value: Value) -> Result<(), String> {
        let wrong = format!("{value} does not fit field {field:?}");
        let twice = match (field, value) {
            (Field::BaseVersion, Value::Integer(version)) if version <= 10 => false,
            (Field::BaseName, Value::String(text)) => self.base_name.replace(text).is_some(),
            (Field::Name, Value::String(text)) => self.name.replace(text).is_some(),
            (Field::BaseTime, value) => self.base_time.replace(float(&value).ok_or(wrong)?).is_some(),
            (Field::BaseValue, value) => self.base_value.replace(float(&value).ok_or(wrong)?).is_some(),
            (Field::Time, value) => self.time.replace(float(&value).ok_or(wrong)?).is_some(),
            (Field::Number, value @ (Value::Integer(_) | Value::Unsigned(_) | Value::Float(_)))
            | (Field::Text, value @ Value::String(_))
            | (Field::Flag, value @ Value::Boolean(_))
            | (Field::Data, value @ Value::Opaque(_)) => self.value.replace(value).is_some(),
            (Field::Objlink, Value::String(text)) => {
                self.value.replace(crate::value::objlink(&text).ok_or(wrong)?).is_some()
            }
            _ => return Err(wrong),
        };
        if twice { Err(format!("a second {field:?}, or a second value, in one record")) } else { Ok(()) }
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(v) => Some(*v as f64),
        Value::Unsigned(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        _ => None,
    }
}

/// Applies base fields, and checks names, values and types.
pub(crate) fn resolve(pack: Vec<Raw>, reader: &Reader<'_>) -> Result<Vec<Record>, String> {
    let (mut base_name, mut base_time, mut base_value) = (String::new(), None, None);
    let mut records: Vec<Record> = Vec::new();
    for (index, raw) in pack.into_iter().enumerate() {
        base_name = raw.base_name.unwrap_or(base_name);
        base_time = raw.base_time.or(base_time);
        base_value = raw.base_value.or(base_value);
        let value = match (raw.value, base_value) {
            (Some(value), None) => value,
            (Some(value), Some(base)) => float(&value).map_or(value, |number| Value::Float(base + number)),
            // A record of base fields only serves those behind it.
            (None, _) if raw.name.is_none() => continue,
            (None, _) => return Err(format!("record {index} has no value")),
        };
        let name = base_name.clone() + raw.name.as_deref().unwrap_or_default();
        let path = ids(&name).ok_or_else(|| format!("record {index}: {name:?} is not a path of numbers"))?;
        let time = match (base_time, raw.time) {
            (None, None) => None,
            (base, time) => Some(base.unwrap_or_default() + time.unwrap_or_default()),
        };
        let record = reader.record(&path, time, value)?;
        if records.iter().any(|known| known.path == record.path && known.time == record.time) {
            return Err(format!("{name} twice for the same time"));
        }
        records.push(record);
    }
    Ok(records)
}

/// Reads the records of a JSON payload.
pub(crate) fn from_json(payload: &[u8]) -> Result<Vec<Raw>, String> {
    let pack: Vec<serde_json::Map<String, Json>> =
        serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    let record = |fields: serde_json::Map<String, Json>| {
        let mut raw = Raw::default();
        for (label, json) in fields {
            match FIELDS.iter().find(|(_, known, _)| *known == label) {
                Some((field, ..)) => raw.set(*field, json_value(*field, json)?)?,
                None => unknown(&label)?,
            }
        }
        Ok(raw)
    };
    pack.into_iter().map(record).collect()
}

fn json_value(field: Field, json: Json) -> Result<Value, String> {
    match json {
        Json::String(text) if field == Field::Data => {
            let bytes = URL_SAFE_NO_PAD.decode(&text);
            bytes.map(Value::Opaque).map_err(|error| format!("{text:?} is no base64url: {error}"))
        }
        Json::String(text) => Ok(Value::String(text)),
        Json::Bool(flag) => Ok(Value::Boolean(flag)),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Integer)
            .or_else(|| number.as_u64().map(Value::Unsigned))
            .or_else(|| number.as_f64().map(Value::Float))
            .ok_or_else(|| format!("{number} is out of range")),
        other => Err(format!("{other} is not the value of a field")),
    }
}

/// A field that this server does not know: an error only if its name says that it must be understood (RFC 8428 section 4.4).
fn unknown(label: &str) -> Result<(), String> {
    if label.ends_with('_') {
        Err(format!("field {label:?} must be understood, but is unknown"))
    } else {
        Ok(())
    }
}

/// Reads the records of a CBOR payload.
pub(crate) fn from_cbor(payload: &[u8]) -> Result<Vec<Raw>, String> {
    let Item::Array(pack) = cbor::item(payload)? else { return Err("it is not an array of records".into()) };
    let record = |item: Item| {
        let Item::Map(fields) = item else { return Err("a record is not a map".to_owned()) };
        let mut raw = Raw::default();
        for (label, item) in fields {
            let field = match &label {
                Item::Integer(number) => {
                    let number = i128::from(*number);
                    FIELDS.iter().find(|(_, _, known)| known.map(i128::from) == Some(number))
                }
                Item::Text(text) => {
                    unknown(text)?;
                    // RFC 8428 section 6: labels that have an integer are not written as text.
                    FIELDS.iter().find(|(_, known, integer)| *known == text && integer.is_none())
                }
                other => return Err(format!("{other:?} is no label")),
            };
            if let Some((field, ..)) = field {
                raw.set(*field, cbor::value(item)?)?;
            }
        }
        Ok(raw)
    };
    pack.into_iter().map(record).collect()
}

/// One record to write: base name, name, and the value with its field.
type Plan<'a> = (Option<String>, Option<String>, Option<(Field, &'a Value)>);

/// A single value is named by the base name alone, several ones by base name and name, none by a base name without value.
fn plan<'a>(path: &str, values: &'a [(Vec<u16>, Value)]) -> Result<Vec<Plan<'a>>, String> {
    if values.is_empty() {
        return Ok(vec![(Some(format!("{path}/")), None, None)]);
    }
    let mut base = Some(path.to_owned());
    values
        .iter()
        .map(|(ids, value)| {
            let full = path_of(ids);
            let name = full.strip_prefix(path).map_or(full.as_str(), |name| name.trim_start_matches('/'));
            let name = (!name.is_empty()).then(|| name.to_owned());
            let base = base.take().map(|base| if name.is_none() || base == "/" { base } else { base + "/" });
            let field = match value {
                Value::Float(number) if !number.is_finite() => {
                    return Err(format!("{number} is not a number"));
                }
                Value::Integer(_) | Value::Unsigned(_) | Value::Float(_) | Value::Time(_) => Field::Number,
                Value::Boolean(_) => Field::Flag,
                Value::String(_) => Field::Text,
                Value::Opaque(_) => Field::Data,
                Value::Objlink(..) => Field::Objlink,
            };
            Ok((base, name, Some((field, value))))
        })
        .collect()
}

/// Writes values as JSON.
pub(crate) fn to_json(path: &str, values: &[(Vec<u16>, Value)]) -> Result<Vec<u8>, String> {
    let label =
        |wanted| FIELDS.iter().find(|(field, ..)| *field == wanted).map_or("", |(_, label, _)| *label);
    let json = |value: &Value| match value {
        Value::Integer(v) | Value::Time(v) => Json::from(*v),
        Value::Unsigned(v) => Json::from(*v),
        Value::Float(v) => Json::from(*v),
        Value::Boolean(v) => Json::from(*v),
        Value::String(v) => Json::from(v.as_str()),
        Value::Opaque(v) => Json::from(URL_SAFE_NO_PAD.encode(v)),
        Value::Objlink(..) => Json::from(value.to_text()),
    };
    let pack = plan(path, values)?.into_iter().map(|(base, name, value)| {
        let names = [base.map(|base| ("bn", base)), name.map(|name| ("n", name))];
        let mut record: serde_json::Map<String, Json> =
            names.into_iter().flatten().map(|(label, text)| (label.to_owned(), Json::from(text))).collect();
        record.extend(value.map(|(field, value)| (label(field).to_owned(), json(value))));
        Json::from(record)
    });
    serde_json::to_vec(&pack.collect::<Vec<Json>>()).map_err(|error| error.to_string())
}

/// Writes values as CBOR.
pub(crate) fn to_cbor(path: &str, values: &[(Vec<u16>, Value)]) -> Result<Vec<u8>, String> {
    let label = |wanted| {
        let known = FIELDS.iter().find(|(field, ..)| *field == wanted);
        known.map_or(Item::Null, |(_, text, number)| match number {
            Some(number) => Item::Integer((*number).into()),
            None => Item::Text((*text).to_owned()),
        })
    };
    let mut pack = Vec::new();
    for (base, name, value) in plan(path, values)? {
        let names = [(Field::BaseName, base), (Field::Name, name)];
        let mut record: Vec<(Item, Item)> =
            names.into_iter().filter_map(|(field, text)| Some((label(field), Item::Text(text?)))).collect();
        if let Some((field, value)) = value {
            record.push((label(field), cbor::item_of(value)));
        }
        pack.push(Item::Map(record));
    }
    cbor::write(&Item::Array(pack))
}

#[cfg(test)]
mod tests;
