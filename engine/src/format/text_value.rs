//! Plain text (Content-Format 0): one value (LwM2M Core appendix C.2).

use super::{Encoded, Encoder, Found, link_text, parse_link};
use crate::model::{Bytes, Path, Status, Time, Type, Value};
use crate::output::Output;
use crate::text::{
    Alphabet, Base64, encode_base64, parse_float, parse_signed, parse_unsigned, write_double, write_signed,
    write_single, write_unsigned,
};

pub(super) struct TextEncoder<'o, 'b>(pub(super) &'o mut Output<'b>);

impl Encoder for TextEncoder<'_, '_> {
    fn value(&mut self, _: Path, value: Value<'_>) {
        let out = &mut *self.0;
        match value {
            Value::String(text) => out.text(text),
            Value::Integer(value) | Value::Time(Time(value)) => write_signed(value, out),
            Value::Unsigned(value) => write_unsigned(value, out),
            Value::Single(value) => write_single(value, out),
            Value::Double(value) => write_double(value, out),
            Value::Boolean(value) => out.byte(b'0' + u8::from(value)),
            Value::Opaque(Bytes::Plain(bytes)) => encode_base64(bytes, Alphabet::Standard, out),
            Value::Opaque(Bytes::Encoded(_)) => out.fail(Status::InternalServerError), // objects hold bytes
            Value::ObjectLink(link) => out.push(link_text(link, &mut [0; 11]).as_bytes()),
        }
    }
}

struct TextValue<'a> {
    text: &'a [u8],
    base64: Base64<'a>,
}

impl<'a> TextValue<'a> {
    const fn new(text: &'a [u8]) -> Self {
        Self { text, base64: Base64::new(text) }
    }
}

impl Encoded for TextValue<'_> {
    fn value(&self, kind: Type) -> Result<Value<'_>, Status> {
        let text = self.text;
        match kind {
            Type::String => core::str::from_utf8(text).ok().map(Value::text),
            Type::Integer => parse_signed(text).map(Value::Integer),
            Type::Unsigned => parse_unsigned(text).map(Value::Unsigned),
            Type::Float => parse_float(text).map(Value::Double),
            Type::Boolean => match text {
                b"0" => Some(Value::Boolean(false)),
                b"1" => Some(Value::Boolean(true)),
                _ => None,
            },
            Type::Opaque => self.base64.is_valid().then_some(Value::Opaque(Bytes::Encoded(&self.base64))),
            Type::Time => parse_signed(text).map(|seconds| Value::Time(Time(seconds))),
            Type::ObjectLink => return parse_link(text),
            Type::None => None,
        }
        .ok_or(Status::BadRequest)
    }
}

#[inline(never)] // a stack frame of its own
pub(super) fn decode(base: Path, payload: &[u8], found: &mut Found<'_>) -> Result<(), Status> {
    found(base, &TextValue::new(payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectLink;
    use std::string::String;
    use std::vec::Vec;

    fn text(value: Value<'_>) -> String {
        let mut room = [0; 64];
        let mut out = Output::new(&mut room, 0);
        TextEncoder(&mut out).value(Path::ROOT, value);
        String::from_utf8(out.window().to_vec()).unwrap()
    }

    fn read(kind: Type, payload: &str) -> Result<String, Status> {
        TextValue::new(payload.as_bytes()).value(kind).map(text)
    }

    #[test]
    fn every_type_both_ways() {
        let link = ObjectLink { object: 3303, instance: 65535 };
        for (value, kind, expected) in [
            (Value::text("Open é"), Type::String, "Open é"),
            (Value::Integer(-5), Type::Integer, "-5"),
            (Value::Unsigned(u64::MAX), Type::Unsigned, "18446744073709551615"),
            (Value::Single(21.1), Type::Float, "21.1"),
            (Value::Double(-0.5), Type::Float, "-0.5"),
            (Value::Boolean(true), Type::Boolean, "1"),
            (Value::Boolean(false), Type::Boolean, "0"),
            (Value::Time(Time(1367491215)), Type::Time, "1367491215"),
            (Value::ObjectLink(link), Type::ObjectLink, "3303:65535"),
        ] {
            assert_eq!(text(value), expected);
            assert_eq!(read(kind, expected).unwrap(), expected);
        }
        assert_eq!(text(Value::opaque(b"foo")), "Zm9v");
        let opaque = TextValue::new(b"Zm9v");
        let Ok(Value::Opaque(bytes)) = opaque.value(Type::Opaque) else { panic!() };
        let mut decoded = Vec::new();
        bytes.visit(&mut |piece| {
            decoded.extend_from_slice(piece);
            true
        });
        assert_eq!(decoded, b"foo");
    }

    #[test]
    fn text_of_another_type_is_refused() {
        for (kind, payload) in [
            (Type::Integer, "1.5"),
            (Type::Integer, ""),
            (Type::Unsigned, "-1"),
            (Type::Float, "warm"),
            (Type::Boolean, "true"),
            (Type::Time, "now"),
            (Type::ObjectLink, "3"),
            (Type::ObjectLink, "3:"),
            (Type::ObjectLink, "3:65536"),
            (Type::ObjectLink, "1:2:3"),
            (Type::None, ""),
        ] {
            assert_eq!(read(kind, payload), Err(Status::BadRequest), "{kind:?} {payload}");
        }
        assert!(TextValue::new(&[0xff]).value(Type::String).is_err());
        assert!(TextValue::new(b"&").value(Type::Opaque).is_err());
    }
}
