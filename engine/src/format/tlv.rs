//! TLV (Content-Format 11542, LwM2M Core section 7.4.5).

use super::{Encoded, Encoder, Found};
use crate::model::{Level, Object, ObjectLink, Path, Status, Time, Type, Value};
use crate::operation::{Step, walk};
use crate::output::Output;
use crate::text::{narrow, widen};

/// Bits 7 and 6 of the first byte: what the identifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Instance = 0,
    ResourceInstance = 1,
    Multiple = 2,
    Resource = 3,
}

/// Writes TLV front to back. The length of a part stands before the part: it is measured by walking it once more.
pub(super) struct TlvEncoder<'o, 'b> {
    out: &'o mut Output<'b>,
    object: &'o dyn Object,
}

impl<'o, 'b> TlvEncoder<'o, 'b> {
    pub(super) fn new(out: &'o mut Output<'b>, object: &'o dyn Object) -> Self {
        Self { out, object }
    }
}

impl Encoder for TlvEncoder<'_, '_> {
    fn enter(&mut self, path: Path) {
        let kind = if path.level() == Level::Instance { Kind::Instance } else { Kind::Multiple };
        match measure(self.object, path) {
            Ok(length) => write_header(kind, last_id(path), length, self.out),
            Err(status) => self.out.fail(status),
        }
    }

    fn value(&mut self, path: Path, value: Value<'_>) {
        let length = value_length(value);
        write_header(kind_of(path), last_id(path), length, self.out);
        write_value(value, length, self.out);
    }
}

fn last_id(path: Path) -> u16 {
    path.ids().last().copied().unwrap_or_default()
}

fn kind_of(path: Path) -> Kind {
    if path.level() == Level::ResourceInstance { Kind::ResourceInstance } else { Kind::Resource }
}

/// The length of the parts of an instance, or of a resource of several instances.
fn measure(object: &dyn Object, path: Path) -> Result<usize, Status> {
    let (mut total, mut inner, mut multiple) = (0, 0, None);
    walk(object, path, &mut |step| {
        match step {
            Step::Enter(entered) => multiple = (entered != path).then_some(entered),
            Step::Leave => {
                if let Some(resource) = multiple.take() {
                    total += header_length(last_id(resource), inner) + inner;
                    inner = 0;
                }
            }
            Step::Value { path, instance } => instance.read_at(path, &mut |value| {
                let length = value_length(value);
                let sum = if multiple.is_some() { &mut inner } else { &mut total };
                *sum += header_length(last_id(path), length) + length;
            })?,
        }
        Ok(())
    })?;
    Ok(total)
}

fn header_length(id: u16, length: usize) -> usize {
    let id_bytes = if id > 0xff { 2 } else { 1 };
    let length_bytes = match length {
        0..=7 => 0,
        8..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 3,
    };
    1 + id_bytes + length_bytes
}

fn write_header(kind: Kind, id: u16, length: usize, out: &mut Output<'_>) {
    let [high, low] = id.to_be_bytes();
    let length_bytes = header_length(id, length) - if high > 0 { 3 } else { 2 };
    let short = if length_bytes == 0 { length as u8 } else { (length_bytes as u8) << 3 };
    out.byte(((kind as u8) << 6) | (u8::from(high > 0) << 5) | short);
    if high > 0 {
        out.byte(high);
    }
    out.byte(low);
    let bytes = (length as u32).to_be_bytes();
    out.push(bytes.get(4 - length_bytes..).unwrap_or_default());
}

fn integer_length(value: i64) -> usize {
    match value {
        -0x80..=0x7f => 1,
        -0x8000..=0x7fff => 2,
        -0x8000_0000..=0x7fff_ffff => 4,
        _ => 8,
    }
}

fn value_length(value: Value<'_>) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Opaque(bytes) => bytes.len(),
        Value::Integer(value) | Value::Time(Time(value)) => integer_length(value),
        // As wide as a signed number: Leshan extends the sign here, and a leading zero is right for both readings.
        Value::Unsigned(value) => i64::try_from(value).map_or(8, integer_length),
        Value::Double(value) if narrow(value).is_none() => 8,
        Value::Single(_) | Value::Double(_) | Value::ObjectLink(_) => 4,
        Value::Boolean(_) => 1,
    }
}

fn write_value(value: Value<'_>, length: usize, out: &mut Output<'_>) {
    let mut write_tail = |bytes: [u8; 8]| out.push(bytes.get(8 - length.min(8)..).unwrap_or_default());
    match value {
        Value::Integer(value) | Value::Time(Time(value)) => write_tail(value.to_be_bytes()),
        Value::Unsigned(value) => write_tail(value.to_be_bytes()),
        Value::Single(value) => out.push(&value.to_bits().to_be_bytes()),
        Value::Double(value) => match narrow(value) {
            Some(bits) => out.push(&bits.to_be_bytes()),
            None => out.push(&value.to_bits().to_be_bytes()),
        },
        Value::Boolean(value) => out.byte(u8::from(value)),
        Value::ObjectLink(link) => {
            out.push(&link.object.to_be_bytes());
            out.push(&link.instance.to_be_bytes());
        }
        Value::String(text) => out.text(text),
        Value::Opaque(bytes) => out.bytes(bytes),
    }
}

struct TlvValue<'a>(&'a [u8]);

impl TlvValue<'_> {
    /// A number of 1, 2, 4 or 8 bytes, extended to 64 bits by its sign or by zeros.
    fn integer(&self, signed: bool) -> Option<u64> {
        if !matches!(self.0.len(), 1 | 2 | 4 | 8) {
            return None;
        }
        let negative = signed && self.0.first().is_some_and(|byte| byte & 0x80 != 0);
        let start = if negative { u64::MAX } else { 0 };
        Some(self.0.iter().fold(start, |value, byte| (value << 8) | u64::from(*byte)))
    }

    fn float(&self) -> Option<f64> {
        match self.0.len() {
            4 => Some(widen(u32::from_be_bytes(*self.0.first_chunk()?), 23, 8)),
            8 => Some(f64::from_bits(u64::from_be_bytes(*self.0.first_chunk()?))),
            _ => None,
        }
    }
}

impl Encoded for TlvValue<'_> {
    fn value(&self, kind: Type) -> Result<Value<'_>, Status> {
        match kind {
            Type::String => core::str::from_utf8(self.0).ok().map(Value::text),
            Type::Integer => self.integer(true).map(|value| Value::Integer(value as i64)),
            Type::Unsigned => self.integer(false).map(Value::Unsigned),
            Type::Time => self.integer(true).map(|value| Value::Time(Time(value as i64))),
            Type::Float => self.float().map(Value::Double),
            Type::Boolean => match self.0 {
                [0] => Some(Value::Boolean(false)),
                [1] => Some(Value::Boolean(true)),
                _ => None,
            },
            Type::Opaque => Some(Value::opaque(self.0)),
            Type::ObjectLink => match self.0 {
                &[a, b, c, d] => Some(Value::ObjectLink(ObjectLink {
                    object: u16::from_be_bytes([a, b]),
                    instance: u16::from_be_bytes([c, d]),
                })),
                _ => None,
            },
            Type::None => None,
        }
        .ok_or(Status::BadRequest)
    }
}

/// One element: kind, identifier, content, and what follows.
fn split(bytes: &[u8]) -> Option<(Kind, u16, &[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let kind = match first >> 6 {
        0 => Kind::Instance,
        1 => Kind::ResourceInstance,
        2 => Kind::Multiple,
        _ => Kind::Resource,
    };
    let number = |bytes: &[u8]| bytes.iter().fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
    let (id, rest) = rest.split_at_checked(if first & 0x20 == 0 { 1 } else { 2 })?;
    let (length, rest) = rest.split_at_checked(usize::from((first >> 3) & 3))?;
    let length = if length.is_empty() { u32::from(first & 7) } else { number(length) };
    let (content, rest) = rest.split_at_checked(length as usize)?;
    Some((kind, number(id) as u16, content, rest))
}

/// Receives an element: its kind, identifier and content.
type Each<'e> = dyn FnMut(Kind, u16, &[u8]) -> Result<(), Status> + 'e;

fn elements(mut bytes: &[u8], each: &mut Each<'_>) -> Result<(), Status> {
    while !bytes.is_empty() {
        let (kind, id, content, rest) = split(bytes).ok_or(Status::BadRequest)?;
        each(kind, id, content)?;
        bytes = rest;
    }
    Ok(())
}

/// The values of a payload for `base`: a list of what is below it, or the one element that is `base` itself.
#[inline(never)] // a stack frame of its own
pub(super) fn decode(base: Path, payload: &[u8], found: &mut Found<'_>) -> Result<(), Status> {
    elements(payload, &mut |kind, id, content| {
        let path = locate(base, kind, id).ok_or(Status::BadRequest)?;
        match kind {
            Kind::Instance => elements(content, &mut |kind, id, content| match kind {
                Kind::Multiple | Kind::Resource => decode_resource(path, kind, id, content, found),
                _ => Err(Status::BadRequest),
            }),
            Kind::Multiple => decode_instances(path, content, found),
            Kind::ResourceInstance | Kind::Resource => found(path, &TlvValue(content)),
        }
    })
}

/// The path of an element on the first level of a payload.
fn locate(base: Path, kind: Kind, id: u16) -> Option<Path> {
    let (kind_level, base_level) = match kind {
        Kind::Instance => (Level::Instance, base.level()),
        Kind::Multiple | Kind::Resource => (Level::Resource, base.level()),
        Kind::ResourceInstance => (Level::ResourceInstance, base.level()),
    };
    if base_level == kind_level {
        return (last_id(base) == id).then_some(base);
    }
    let child = base.child(id)?;
    (child.level() == kind_level).then_some(child)
}

fn decode_resource(
    instance: Path,
    kind: Kind,
    id: u16,
    content: &[u8],
    found: &mut Found<'_>,
) -> Result<(), Status> {
    let path = instance.child(id).ok_or(Status::BadRequest)?;
    match kind {
        Kind::Multiple => decode_instances(path, content, found),
        _ => found(path, &TlvValue(content)),
    }
}

fn decode_instances(resource: Path, content: &[u8], found: &mut Found<'_>) -> Result<(), Status> {
    elements(content, &mut |kind, id, content| {
        let path = resource.child(id).filter(|_| kind == Kind::ResourceInstance).ok_or(Status::BadRequest)?;
        found(path, &TlvValue(content))
    })
}

/// The id of the one instance that a payload for an object has; `None` when it has resources only.
pub(super) fn named_instance(payload: &[u8]) -> Result<Option<u16>, Status> {
    let (mut named, mut parts) = (None, 0);
    elements(payload, &mut |kind, id, _| {
        parts += 1;
        if kind == Kind::Instance {
            named = Some(id);
        }
        if named.is_some() && parts > 1 { Err(Status::BadRequest) } else { Ok(()) }
    })?;
    Ok(named)
}
