//! SenML CBOR (Content-Format 112, RFC 8428 section 6).

use super::cbor::{Item, Reader, write_head, write_integer, write_text};
use super::cbor_value::{CborValue, write_value};
use super::number::Number;
use super::senml::{Label, Name, NameText, Names, Record, base_name, name};
use super::{Encoder, Found};
use crate::model::{Path, Status, Str, Value};
use crate::output::Output;

const BASE_NAME: i64 = -2;
const NAME: i64 = 0;
const VALUE: i64 = 2;
const STRING_VALUE: i64 = 3;
const BOOLEAN_VALUE: i64 = 4;
const DATA_VALUE: i64 = 8;

pub(super) struct SenmlCborEncoder<'o, 'b> {
    out: &'o mut Output<'b>,
    names: Names,
}

impl<'o, 'b> SenmlCborEncoder<'o, 'b> {
    /// Starts an array of `records` records, which a read of `path` answers.
    pub(super) fn new(out: &'o mut Output<'b>, path: Path, records: usize) -> Self {
        write_head(4, records as u64, out);
        Self { out, names: Names::new(path) }
    }
}

impl Encoder for SenmlCborEncoder<'_, '_> {
    fn value(&mut self, path: Path, value: Value<'_>) {
        let (base, ids) = self.names.next(&path);
        let out = &mut *self.out;
        write_head(5, 1 + u64::from(base.is_some()) + u64::from(!ids.is_empty()), out);
        if let Some(base) = base {
            write_integer(BASE_NAME, out);
            write_name(&base_name(&base, !ids.is_empty()), out);
        }
        if !ids.is_empty() {
            write_integer(NAME, out);
            write_name(&name(ids), out);
        }
        match value {
            Value::String(_) => write_integer(STRING_VALUE, out),
            Value::Boolean(_) => write_integer(BOOLEAN_VALUE, out),
            Value::Opaque(_) => write_integer(DATA_VALUE, out),
            Value::ObjectLink(_) => write_text(b"vlo", out),
            _ => write_integer(VALUE, out),
        }
        write_value(value, out);
    }
}

fn write_name(name: &NameText<'_>, out: &mut Output<'_>) {
    write_head(3, name.len() as u64, out);
    name.write(out);
}

fn label(item: Item<'_>) -> Option<Label> {
    Some(match item {
        Item::Number(Number::Unsigned(number)) => match number {
            0 => Label::Name,
            2..=4 | 8 => Label::Value,
            1 | 6 | 7 => Label::Ignored,
            5 => Label::Refused,
            _ => Label::Ignored,
        },
        Item::Number(Number::Negative(number)) => match number {
            BASE_NAME => Label::BaseName,
            -5 | -6 => Label::Refused,
            _ => Label::Ignored,
        },
        Item::Text("vlo") => Label::Value,
        Item::Text(text) if text.ends_with('_') => Label::Refused,
        Item::Text(_) => Label::Ignored,
        _ => return None,
    })
}

impl Name for &str {
    fn text(&self) -> Str<'_> {
        Str::Plain(self)
    }
}

fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    match reader.next()? {
        Item::Text(text) => Some(text),
        _ => None,
    }
}

/// The values of a payload for `base`.
#[inline(never)] // a stack frame of its own
pub(super) fn decode(base: Path, payload: &[u8], found: &mut Found<'_>) -> Result<(), Status> {
    let mut reader = Reader::new(payload);
    let Some(Item::Array(mut left)) = reader.next() else { return Err(Status::BadRequest) };
    let mut record = Record::new();
    while more(&mut left, &mut reader).ok_or(Status::BadRequest)? {
        read_record(&mut reader, &mut record).ok_or(Status::BadRequest)?;
        record.finish(base, found)?;
    }
    if reader.is_at_end() { Ok(()) } else { Err(Status::BadRequest) }
}

/// Counts down, or looks for the break of an array or map without a length.
fn more(left: &mut Option<u64>, reader: &mut Reader<'_>) -> Option<bool> {
    match left {
        Some(0) => Some(false),
        Some(count) => {
            *count -= 1;
            Some(true)
        }
        None => {
            let mut ahead = reader.clone();
            if matches!(ahead.next()?, Item::Break) {
                *reader = ahead;
                return Some(false);
            }
            Some(true)
        }
    }
}

fn read_record<'a>(reader: &mut Reader<'a>, record: &mut Record<&'a str, CborValue<'a>>) -> Option<()> {
    let Item::Map(mut left) = reader.next()? else { return None };
    while more(&mut left, reader)? {
        match label(reader.next()?)? {
            Label::BaseName => record.set_base(text(reader)?),
            Label::Name => record.set_name(text(reader)?)?,
            Label::Value => record.set_value(CborValue::read(reader)?)?,
            Label::Ignored => reader.skip()?,
            Label::Refused => return None,
        }
    }
    Some(())
}
