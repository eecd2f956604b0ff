//! OMA TLV (LwM2M Core section 7.4.3; content format 11542).

use super::{Reader, Record};
use crate::value::{Type, Value, path_of};

/// What an entry holds: the two top bits of its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ObjectInstance = 0,
    ResourceInstance = 1,
    MultipleResource = 2,
    Resource = 3,
}

struct Entry<'a> {
    kind: Kind,
    id: u16,
    value: &'a [u8],
}

/// Splits the first entry off.
fn entry(bytes: &[u8]) -> Result<(Entry<'_>, &[u8]), String> {
    let short = || format!("{} bytes are no whole entry", bytes.len());
    let (first, rest) = bytes.split_first().ok_or_else(short)?;
    let kind = match first >> 6 {
        0 => Kind::ObjectInstance,
        1 => Kind::ResourceInstance,
        2 => Kind::MultipleResource,
        _ => Kind::Resource,
    };
    let (id, rest) = rest.split_at_checked(if first & 0x20 == 0 { 1 } else { 2 }).ok_or_else(short)?;
    let (length, rest) = rest.split_at_checked(usize::from(first >> 3 & 3)).ok_or_else(short)?;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let length = if length.is_empty() { usize::from(first & 7) } else { number(length) };
    let (value, rest) = rest.split_at_checked(length).ok_or_else(short)?;
    Ok((Entry { kind, id: number(id) as u16, value }, rest))
}

/// Reads the answer to a request for the reader's root.
pub(crate) fn decode(payload: &[u8], reader: &Reader<'_>) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    // An entry names its own level, so it hangs below the part of the root above that level.
    let parent = |depth: usize| reader.root().get(..depth).unwrap_or(reader.root()).to_vec();
    let mut rest = payload;
    while !rest.is_empty() {
        let (top, behind) = entry(rest)?;
        rest = behind;
        let mut parent = match top.kind {
            Kind::ObjectInstance => parent(1),
            Kind::MultipleResource | Kind::Resource => parent(2),
            Kind::ResourceInstance => parent(3),
        };
        if parent.len() == 1 && matches!(top.kind, Kind::MultipleResource | Kind::Resource) {
            // The instance may be left out for an object that can only have one (LwM2M Core section 7.4.3).
            parent.push(0);
        }
        walk(&top, parent, reader, &mut records)?;
    }
    Ok(records)
}

fn walk(
    entry_: &Entry<'_>,
    mut path: Vec<u16>,
    reader: &Reader<'_>,
    records: &mut Vec<Record>,
) -> Result<(), String> {
    let depth = match entry_.kind {
        Kind::ObjectInstance => 1,
        Kind::MultipleResource | Kind::Resource => 2,
        Kind::ResourceInstance => 3,
    };
    if path.len() != depth {
        return Err(format!("a {:?} cannot lie in {}", entry_.kind, path_of(&path)));
    }
    path.push(entry_.id);
    if matches!(entry_.kind, Kind::Resource | Kind::ResourceInstance) {
        let value = value(entry_.value, reader.type_of(&path))
            .map_err(|kind| format!("{} bytes of {} are no {kind:?}", entry_.value.len(), path_of(&path)))?;
        records.push(reader.record(&path, None, value)?);
        return Ok(());
    }
    if !path.starts_with(reader.root()) {
        return Err(format!("{} was not asked for", path_of(&path)));
    }
    let mut rest = entry_.value;
    while !rest.is_empty() {
        let (inner, behind) = entry(rest)?;
        rest = behind;
        let fits = match entry_.kind {
            Kind::ObjectInstance => matches!(inner.kind, Kind::Resource | Kind::MultipleResource),
            _ => inner.kind == Kind::ResourceInstance,
        };
        if !fits {
            return Err(format!("a {:?} cannot lie in a {:?}", inner.kind, entry_.kind));
        }
        walk(&inner, path.clone(), reader, records)?;
    }
    Ok(())
}

/// The value in `bytes`; of an unknown type it is text if it reads so.
fn value(bytes: &[u8], kind: Option<Type>) -> Result<Value, Type> {
    let Some(kind) = kind else {
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains(|c: char| c.is_control()));
        return Ok(text.map_or_else(|| Value::Opaque(bytes.to_vec()), Value::from));
    };
    match kind {
        Type::Integer => integer(bytes).map(Value::Integer),
        Type::Time => integer(bytes).map(Value::Time),
        Type::Unsigned => unsigned(bytes).map(Value::Unsigned),
        Type::Float => match bytes.len() {
            4 => bytes.try_into().ok().map(|bytes| Value::Float(f32::from_be_bytes(bytes).into())),
            8 => bytes.try_into().ok().map(|bytes| Value::Float(f64::from_be_bytes(bytes))),
            _ => None,
        },
        Type::Boolean => match bytes {
            [0] => Some(Value::Boolean(false)),
            [1] => Some(Value::Boolean(true)),
            _ => None,
        },
        Type::String => std::str::from_utf8(bytes).ok().map(Value::from),
        Type::Opaque => Some(Value::from(bytes)),
        Type::Objlink => match bytes {
            [a, b, c, d] => Some(Value::Objlink(u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))),
            _ => None,
        },
    }
    .ok_or(kind)
}

fn unsigned(bytes: &[u8]) -> Option<u64> {
    matches!(bytes.len(), 1 | 2 | 4 | 8)
        .then(|| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

fn integer(bytes: &[u8]) -> Option<i64> {
    let shift = 64 - 8 * u32::try_from(bytes.len()).ok()?.min(8);
    unsigned(bytes).map(|number| (number << shift) as i64 >> shift)
}

/// Writes values for a request for a path of `depth` levels.
pub(crate) fn encode(depth: usize, values: &[(Vec<u16>, Value)]) -> Result<Vec<u8>, String> {
    match depth {
        4 => Ok(values.iter().flat_map(|(path, value)| leaf(Kind::ResourceInstance, path, value)).collect()),
        2 | 3 => Ok(resources(values)),
        1 => Ok(groups(values, 2)
            .flat_map(|(id, group)| wrap(Kind::ObjectInstance, id, &resources(group)))
            .collect()),
        _ => Err("it cannot name an object".into()),
    }
}

/// Puts the resources of a new object instance into an entry for it.
pub(crate) fn instance(id: u16, resources: &[u8]) -> Vec<u8> {
    wrap(Kind::ObjectInstance, id, resources)
}

/// Entries of one object instance, resource by resource.
fn resources(values: &[(Vec<u16>, Value)]) -> Vec<u8> {
    groups(values, 3)
        .flat_map(|(id, group)| {
            let instances = group.iter().filter(|(path, _)| path.len() == 4);
            let inner: Vec<u8> =
                instances.flat_map(|(path, value)| leaf(Kind::ResourceInstance, path, value)).collect();
            let single = group.iter().filter(|(path, _)| path.len() == 3);
            let mut bytes: Vec<u8> =
                single.flat_map(|(path, value)| leaf(Kind::Resource, path, value)).collect();
            if !inner.is_empty() {
                bytes.extend(wrap(Kind::MultipleResource, id, &inner));
            }
            bytes
        })
        .collect()
}

/// Runs of values whose paths agree in the first `depth` ids, with the last of these ids.
fn groups(values: &[(Vec<u16>, Value)], depth: usize) -> impl Iterator<Item = (u16, &[(Vec<u16>, Value)])> {
    values
        .chunk_by(move |(a, _), (b, _)| a.get(..depth) == b.get(..depth))
        .filter_map(move |group| Some((*group.first()?.0.get(depth - 1)?, group)))
}

fn leaf(kind: Kind, path: &[u16], value: &Value) -> Vec<u8> {
    wrap(kind, path.last().copied().unwrap_or_default(), &bytes(value))
}

fn wrap(kind: Kind, id: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![(kind as u8) << 6];
    let length = value.len().to_be_bytes();
    let skip = length.iter().take_while(|byte| **byte == 0).count();
    if id > 255 {
        bytes[0] |= 0x20;
        bytes.push((id >> 8) as u8);
    }
    bytes.push(id as u8);
    if value.len() < 8 {
        bytes[0] |= value.len() as u8;
    } else {
        bytes[0] |= ((length.len() - skip) as u8) << 3;
        bytes.extend(length.iter().skip(skip));
    }
    bytes.extend(value);
    bytes
}

/// The shortest form of a value.
fn bytes(value: &Value) -> Vec<u8> {
    let shortest = |full: [u8; 8], fits: &dyn Fn(u32) -> bool| {
        let length = [1_usize, 2, 4].into_iter().find(|length| fits(8 * *length as u32)).unwrap_or(8);
        full.iter().skip(8 - length).copied().collect()
    };
    match value {
        Value::Integer(v) | Value::Time(v) => {
            shortest(v.to_be_bytes(), &|bits| (v << (64 - bits)) >> (64 - bits) == *v)
        }
        Value::Unsigned(v) => shortest(v.to_be_bytes(), &|bits| v >> bits == 0),
        Value::Float(v) if f64::from(*v as f32).to_bits() == v.to_bits() => {
            (*v as f32).to_be_bytes().to_vec()
        }
        Value::Float(v) => v.to_be_bytes().to_vec(),
        Value::Boolean(v) => vec![u8::from(*v)],
        Value::String(v) => v.as_bytes().to_vec(),
        Value::Opaque(v) => v.clone(),
        Value::Objlink(object, instance) => [object.to_be_bytes(), instance.to_be_bytes()].concat(),
    }
}

#[cfg(test)]
mod tests;
