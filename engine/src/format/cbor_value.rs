//! CBOR for a single value (Content-Format 60), and the values inside SenML CBOR.

use super::cbor::{Item, Reader, write_float, write_head, write_integer, write_single, write_text};
use super::number::Number;
use super::{Encoded, Encoder, Found, link_text, parse_link};
use crate::model::{Path, Status, Time, Type, Value};
use crate::output::Output;
use crate::text::from_decimal;

/// The tag of numbers that are seconds since 1970 (RFC 8949 section 3.4.2).
const EPOCH: u64 = 1;
/// The tag of decimal fractions (RFC 8949 section 3.4.4), which RFC 8428 section 6 allows for `v`.
const DECIMAL_FRACTION: u64 = 4;

/// A value as it is in the payload.
pub(super) struct CborValue<'a>(Item<'a>);

impl<'a> CborValue<'a> {
    /// Reads a value: a number (plain, as time or as decimal fraction), a string, bytes or a boolean.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let item = match reader.next()? {
            Item::Tag(EPOCH) => reader.next().filter(|item| matches!(item, Item::Number(_)))?,
            Item::Tag(DECIMAL_FRACTION) => decimal_fraction(reader)?,
            item => item,
        };
        matches!(item, Item::Number(_) | Item::Text(_) | Item::Bytes(_) | Item::Bool(_)).then_some(Self(item))
    }
}

fn decimal_fraction(reader: &mut Reader<'_>) -> Option<Item<'static>> {
    if !matches!(reader.next()?, Item::Array(Some(2))) {
        return None;
    }
    let power = match reader.next()? {
        Item::Number(Number::Unsigned(power)) => i32::try_from(power).ok()?,
        Item::Number(Number::Negative(power)) => i32::try_from(power).ok()?,
        _ => return None,
    };
    let value = match reader.next()? {
        Item::Number(Number::Unsigned(digits)) => f64::from_bits(from_decimal(digits, power)?),
        Item::Number(Number::Negative(digits)) => {
            -f64::from_bits(from_decimal(digits.unsigned_abs(), power)?)
        }
        _ => return None,
    };
    Some(Item::Number(Number::Float(value)))
}

impl Encoded for CborValue<'_> {
    fn value(&self, kind: Type) -> Result<Value<'_>, Status> {
        match (self.0, kind) {
            (Item::Number(number), _) => number.value(kind),
            (Item::Text(text), Type::String) => Ok(Value::text(text)),
            (Item::Text(text), Type::ObjectLink) => parse_link(text.as_bytes()),
            (Item::Bytes(bytes), Type::Opaque) => Ok(Value::opaque(bytes)),
            (Item::Bool(value), Type::Boolean) => Ok(Value::Boolean(value)),
            _ => Err(Status::BadRequest),
        }
    }
}

/// Writes a value; an object link as text.
pub(super) fn write_value(value: Value<'_>, out: &mut Output<'_>) {
    match value {
        Value::String(text) => {
            write_head(3, text.len() as u64, out);
            out.text(text);
        }
        Value::Integer(value) | Value::Time(Time(value)) => write_integer(value, out),
        Value::Unsigned(value) => write_head(0, value, out),
        Value::Single(value) => write_single(value.to_bits(), out),
        Value::Double(value) => write_float(value, out),
        Value::Boolean(value) => out.byte(0xf4 | u8::from(value)),
        Value::Opaque(bytes) => {
            write_head(2, bytes.len() as u64, out);
            out.bytes(bytes);
        }
        Value::ObjectLink(link) => write_text(link_text(link, &mut [0; 11]).as_bytes(), out),
    }
}

/// Content-Format 60. Time has its tag here (LwM2M Core appendix C.2; Leshan refuses it without), but not in SenML.
pub(super) struct CborEncoder<'o, 'b>(pub(super) &'o mut Output<'b>);

impl Encoder for CborEncoder<'_, '_> {
    fn value(&mut self, _: Path, value: Value<'_>) {
        if matches!(value, Value::Time(_)) {
            write_head(6, EPOCH, self.0);
        }
        write_value(value, self.0);
    }
}

/// The one value of a payload.
#[inline(never)] // a stack frame of its own
pub(super) fn decode(base: Path, payload: &[u8], found: &mut Found<'_>) -> Result<(), Status> {
    let mut reader = Reader::new(payload);
    let value = CborValue::read(&mut reader).filter(|_| reader.is_at_end()).ok_or(Status::BadRequest)?;
    found(base, &value)
}
