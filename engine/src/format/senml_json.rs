//! SenML JSON (Content-Format 110, RFC 8428 section 5).

use super::number::Number;
use super::senml::{Label, Name, Names, Record, base_name, name};
use super::{Encoded, Encoder, Found, link_text, parse_link};
use crate::model::{Bytes, Path, Status, Str, Time, Type, Value};
use crate::output::Output;
use crate::text::{
    Alphabet, Base64, JsonEscaped, encode_base64, escape_json, parse_float, parse_signed, parse_unsigned,
    write_double, write_signed, write_single, write_unsigned,
};

pub(super) struct SenmlJsonEncoder<'o, 'b> {
    out: &'o mut Output<'b>,
    names: Names,
}

impl<'o, 'b> SenmlJsonEncoder<'o, 'b> {
    /// Starts the array that a read of `path` answers. [`SenmlJsonEncoder::finish`] ends it.
    pub(super) fn new(out: &'o mut Output<'b>, path: Path) -> Self {
        out.byte(b'[');
        Self { out, names: Names::new(path) }
    }

    pub(super) fn finish(self) {
        self.out.byte(b']');
    }
}

impl Encoder for SenmlJsonEncoder<'_, '_> {
    fn value(&mut self, path: Path, value: Value<'_>) {
        let (base, ids) = self.names.next(&path);
        let out = &mut *self.out;
        out.push(if base.is_some() { b"{" } else { b",{" });
        if let Some(base) = base {
            out.push(b"\"bn\":\"");
            base_name(&base, !ids.is_empty()).write(out);
            out.push(b"\",");
        }
        if !ids.is_empty() {
            out.push(b"\"n\":\"");
            name(ids).write(out);
            out.push(b"\",");
        }
        write_value(value, out);
        out.byte(b'}');
    }
}

fn write_value(value: Value<'_>, out: &mut Output<'_>) {
    match value {
        Value::Integer(_) | Value::Time(_) | Value::Unsigned(_) | Value::Single(_) | Value::Double(_) => {
            out.push(b"\"v\":");
        }
        Value::String(_) => out.push(b"\"vs\":"),
        Value::Boolean(_) => out.push(b"\"vb\":"),
        Value::Opaque(_) => out.push(b"\"vd\":\""),
        Value::ObjectLink(_) => out.push(b"\"vlo\":\""),
    }
    match value {
        Value::Integer(value) | Value::Time(Time(value)) => write_signed(value, out),
        Value::Unsigned(value) => write_unsigned(value, out),
        Value::Single(value) => write_single(value, out),
        Value::Double(value) => write_double(value, out),
        Value::String(Str::Plain(text)) => escape_json(text, out),
        Value::Boolean(value) => out.push(if value { b"true" } else { b"false" }),
        Value::Opaque(Bytes::Plain(bytes)) => {
            encode_base64(bytes, Alphabet::Url, out);
            out.byte(b'"');
        }
        Value::ObjectLink(link) => {
            out.push(link_text(link, &mut [0; 11]).as_bytes());
            out.byte(b'"');
        }
        // Objects hold plain text and bytes.
        Value::String(Str::Encoded(_)) | Value::Opaque(Bytes::Encoded(_)) => {
            out.fail(Status::InternalServerError);
        }
    }
}

/// A value as it is in the payload.
enum JsonValue<'a> {
    Number(Number),
    String { text: JsonEscaped<'a>, base64: Base64<'a> },
    Bool(bool),
}

impl Name for JsonEscaped<'_> {
    fn text(&self) -> Str<'_> {
        Str::Encoded(self)
    }
}

impl Encoded for JsonValue<'_> {
    fn value(&self, kind: Type) -> Result<Value<'_>, Status> {
        match (self, kind) {
            (Self::Number(number), _) => number.value(kind),
            (Self::Bool(value), Type::Boolean) => Ok(Value::Boolean(*value)),
            (Self::String { text, .. }, Type::String) => {
                Ok(Value::String(text.as_plain().map_or(Str::Encoded(text), Str::Plain)))
            }
            (Self::String { base64, .. }, Type::Opaque) if base64.is_valid() => {
                Ok(Value::Opaque(Bytes::Encoded(base64)))
            }
            (Self::String { text, .. }, Type::ObjectLink) => {
                parse_link(text.as_plain().ok_or(Status::BadRequest)?.as_bytes())
            }
            _ => Err(Status::BadRequest),
        }
    }
}

/// Reads JSON (RFC 8259) token by token.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Takes this character, behind white space, if it comes next.
    fn take(&mut self, expected: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn required(&mut self, expected: char) -> Option<()> {
        self.take(expected).then_some(())
    }

    fn string(&mut self) -> Option<JsonEscaped<'a>> {
        self.required('"')?;
        let mut escaped = false;
        let end = self.rest.bytes().position(|byte| {
            let quote = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            quote
        })?;
        let (inside, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        JsonEscaped::parse(inside)
    }

    fn word(&mut self) -> &'a str {
        self.skip_space();
        let end = self
            .rest
            .bytes()
            .position(|byte| !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'+' | b'.' | b'E'));
        let (word, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len())).unwrap_or_default();
        self.rest = rest;
        word
    }

    fn value(&mut self) -> Option<JsonValue<'a>> {
        self.skip_space();
        if self.rest.starts_with('"') {
            let text = self.string()?;
            let base64 = Base64::new(text.as_plain().unwrap_or("?").as_bytes()); // no base64 has escapes
            return Some(JsonValue::String { text, base64 });
        }
        match self.word() {
            "true" => Some(JsonValue::Bool(true)),
            "false" => Some(JsonValue::Bool(false)),
            word => number(word.as_bytes()).map(JsonValue::Number),
        }
    }

    /// Passes over a value that has no parts (SenML has none with parts).
    fn skip_value(&mut self) -> Option<()> {
        let mut ahead = Self { rest: self.rest };
        if ahead.word() == "null" {
            self.rest = ahead.rest;
            return Some(());
        }
        self.value().map(drop)
    }
}

/// A number of RFC 8259 section 6: no leading zeros.
fn number(word: &[u8]) -> Option<Number> {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    if matches!(digits, [b'0', b'0'..=b'9', ..]) {
        return None;
    }
    if digits.iter().all(u8::is_ascii_digit) {
        if let Some(value) = parse_unsigned(word) {
            return Some(Number::Unsigned(value));
        }
        if let Some(value) = parse_signed(word) {
            return Some(Number::Negative(value));
        }
    }
    parse_float(word).map(Number::Float)
}

fn label(text: JsonEscaped<'_>) -> Option<Label> {
    Some(match text.as_plain()? {
        "bn" => Label::BaseName,
        "n" => Label::Name,
        "v" | "vs" | "vb" | "vd" | "vlo" => Label::Value,
        "bv" | "bs" | "s" => Label::Refused,
        other if other.ends_with('_') => Label::Refused,
        _ => Label::Ignored,
    })
}

fn read_record<'a>(
    reader: &mut Reader<'a>,
    record: &mut Record<JsonEscaped<'a>, JsonValue<'a>>,
) -> Option<()> {
    reader.required('{')?;
    if reader.take('}') {
        return Some(());
    }
    loop {
        let label = label(reader.string()?)?;
        reader.required(':')?;
        match label {
            Label::BaseName => record.set_base(reader.string()?),
            Label::Name => record.set_name(reader.string()?)?,
            Label::Value => record.set_value(reader.value()?)?,
            Label::Ignored => reader.skip_value()?,
            Label::Refused => return None,
        }
        if reader.take('}') {
            return Some(());
        }
        reader.required(',')?;
    }
}

/// The values of a payload for `base`.
#[inline(never)] // a stack frame of its own
pub(super) fn decode(base: Path, payload: &[u8], found: &mut Found<'_>) -> Result<(), Status> {
    let rest = core::str::from_utf8(payload).map_err(|_| Status::BadRequest)?;
    let mut reader = Reader { rest };
    let mut record = Record::new();
    reader.required('[').ok_or(Status::BadRequest)?;
    let mut open = !reader.take(']');
    while open {
        read_record(&mut reader, &mut record).ok_or(Status::BadRequest)?;
        record.finish(base, found)?;
        open = !reader.take(']');
        if open {
            reader.required(',').ok_or(Status::BadRequest)?;
        }
    }
    reader.skip_space();
    if reader.rest.is_empty() { Ok(()) } else { Err(Status::BadRequest) }
}
