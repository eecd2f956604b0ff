//! CBOR (content format 60, and the items inside of SenML CBOR), on `ciborium`.

use ciborium::Value as Item;

use crate::time;
use crate::value::Value;

/// Nothing in LwM2M nests deeper than array, map, tag; the limit keeps hostile nesting off the stack.
const MAX_DEPTH: usize = 8;

/// One data item that fills the payload.
pub(crate) fn item(payload: &[u8]) -> Result<Item, String> {
    let mut rest = payload;
    let item: Item = ciborium::de::from_reader_with_recursion_limit(&mut rest, MAX_DEPTH)
        .map_err(|error| format!("not well-formed: {error}"))?;
    if rest.is_empty() { Ok(item) } else { Err(format!("{} bytes behind the value", rest.len())) }
}

/// The value of one item (LwM2M Core, appendix C: Time is a number, or a date string as LwM2M 1.1 had it).
pub(crate) fn value(item: Item) -> Result<Value, String> {
    match item {
        Item::Integer(number) => {
            let number = i128::from(number);
            i64::try_from(number)
                .map(Value::Integer)
                .or_else(|_| u64::try_from(number).map(Value::Unsigned))
                .map_err(|_| format!("{number} has more than 64 bits"))
        }
        Item::Bytes(bytes) => Ok(Value::Opaque(bytes)),
        Item::Float(number) => Ok(Value::Float(number)),
        Item::Text(text) => Ok(Value::String(text)),
        Item::Bool(flag) => Ok(Value::Boolean(flag)),
        Item::Tag(0, inner) => match *inner {
            Item::Text(text) => {
                time::from_rfc3339(&text).map(Value::Time).ok_or(format!("{text:?} is no date (RFC 3339)"))
            }
            _ => Err("tag 0 without a string".into()),
        },
        Item::Tag(1, inner) => match value(*inner)?.into_type(crate::value::Type::Time) {
            Some(value) => Ok(value),
            None => Err("tag 1 without a number of whole seconds".into()),
        },
        other => Err(format!("{other:?} is not the value of a resource")),
    }
}

/// Writes one value as a payload. Time is tagged, as RFC 8949 section 3.4.2 has it; some devices take no other.
pub(crate) fn encode(value: &Value) -> Result<Vec<u8>, String> {
    write(&match value {
        Value::Time(v) => Item::Tag(1, Box::new(Item::Integer((*v).into()))),
        other => item_of(other),
    })
}

/// The item of one value; Time as a plain number, as SenML has it.
pub(crate) fn item_of(value: &Value) -> Item {
    match value {
        Value::Integer(v) | Value::Time(v) => Item::Integer((*v).into()),
        Value::Unsigned(v) => Item::Integer((*v).into()),
        Value::Float(v) => Item::Float(*v),
        Value::Boolean(v) => Item::Bool(*v),
        Value::String(v) => Item::Text(v.clone()),
        Value::Opaque(v) => Item::Bytes(v.clone()),
        Value::Objlink(..) => Item::Text(value.to_text()),
    }
}

/// Writes any item.
pub(crate) fn write(item: &Item) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    ciborium::into_writer(item, &mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Value, String> {
        item(bytes).and_then(value)
    }

    #[test]
    fn vectors_of_rfc_8949() {
        assert_eq!(read(&[0x18, 0x64]), Ok(Value::Integer(100)));
        assert_eq!(read(&[0x1b, 255, 255, 255, 255, 255, 255, 255, 255]), Ok(Value::Unsigned(u64::MAX)));
        assert_eq!(read(&[0x38, 0x63]), Ok(Value::Integer(-100)));
        assert_eq!(read(&[0xf9, 0x3e, 0x00]), Ok(Value::Float(1.5)));
        assert_eq!(read(&[0xfa, 0x47, 0xc3, 0x50, 0x00]), Ok(Value::Float(100_000.0)));
        assert_eq!(read(&[0xf5]), Ok(Value::Boolean(true)));
        assert_eq!(read(&[0x44, 1, 2, 3, 4]), Ok(Value::Opaque(vec![1, 2, 3, 4])));
        assert_eq!(read(&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0]), Ok(Value::Time(1_363_896_240)));
        let date = [&[0xc0, 0x74][..], b"2013-03-21T20:04:00Z"].concat();
        assert_eq!(read(&date), Ok(Value::Time(1_363_896_240)));
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for bytes in [
            &[][..],
            &[0x18],
            &[0x80],
            &[0xa0],
            &[0xf6],
            &[0x01, 0x02],
            &[0xc1, 0x40],
            &[0xc0, 0x01],
            &[0xff],
        ] {
            assert!(read(bytes).is_err(), "{bytes:02x?}");
        }
        assert!(read(&[0x81; 4000]).is_err(), "deep nesting");
        assert!(read(&[0x3b, 255, 255, 255, 255, 255, 255, 255, 255]).unwrap_err().contains("64 bits"));
    }

    #[test]
    fn written_values_are_short() {
        assert_eq!(encode(&Value::Integer(-100)), Ok(vec![0x38, 0x63]));
        assert_eq!(encode(&Value::Float(1.5)), Ok(vec![0xf9, 0x3e, 0x00]));
        assert_eq!(encode(&Value::Objlink(3, 0)), Ok(vec![0x63, b'3', b':', b'0']));
        assert_eq!(encode(&Value::Time(5)), Ok(vec![0xC1, 5]));
        assert_eq!(encode(&Value::Opaque(vec![7])), Ok(vec![0x41, 7]));
    }
}
