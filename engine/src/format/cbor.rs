//! CBOR data items (RFC 8949), as far as SenML and single values need them.

use super::number::Number;
use crate::output::Output;
use crate::text::{narrow, widen};

/// The head of a data item, with the content of those that have no parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item<'a> {
    Number(Number),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// With this many items; `None` when a break ends it.
    Array(Option<u64>),
    /// With this many pairs; `None` when a break ends it.
    Map(Option<u64>),
    /// The item that follows belongs to it.
    Tag(u64),
    Bool(bool),
    /// Null, undefined and simple values without a meaning here.
    Other,
    Break,
}

/// Nested further than any payload of LwM2M.
const DEPTH: usize = 8;

/// Reads item after item.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next item; `None` when it is malformed, cut, or a string in chunks (which no LwM2M server sends).
    pub(super) fn next(&mut self) -> Option<Item<'a>> {
        let (&initial, rest) = self.rest.split_first()?;
        self.rest = rest;
        let (major, info) = (initial >> 5, initial & 0x1f);
        if info == 31 {
            return match major {
                4 => Some(Item::Array(None)),
                5 => Some(Item::Map(None)),
                7 => Some(Item::Break),
                _ => None,
            };
        }
        let argument = self.argument(info)?;
        Some(match major {
            0 => Item::Number(Number::Unsigned(argument)),
            1 => Item::Number(Number::Negative(-1 - i64::try_from(argument).ok()?)),
            2 => Item::Bytes(self.take(argument)?),
            3 => Item::Text(core::str::from_utf8(self.take(argument)?).ok()?),
            4 => Item::Array(Some(argument)),
            5 => Item::Map(Some(argument)),
            6 => Item::Tag(argument),
            _ => simple(info, argument),
        })
    }

    fn argument(&mut self, info: u8) -> Option<u64> {
        let length = match info {
            0..=23 => return Some(u64::from(info)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        let bytes = self.take(length)?;
        Some(bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    /// Passes over one item and all its parts.
    pub(super) fn skip(&mut self) -> Option<()> {
        let mut open = [0u64; DEPTH]; // items that are still to come at each level; MAX until a break
        let mut depth = 0;
        loop {
            let parts = match self.next()? {
                Item::Array(Some(count)) => Some(count),
                Item::Map(Some(pairs)) => Some(pairs.checked_mul(2)?),
                Item::Array(None) | Item::Map(None) => Some(u64::MAX),
                Item::Tag(_) => continue, // the tagged item is still to come
                Item::Break => {
                    depth = usize::checked_sub(depth, 1)?;
                    (*open.get(depth)? == u64::MAX).then_some(())?;
                    None
                }
                _ => None,
            };
            if let Some(parts) = parts.filter(|parts| *parts > 0) {
                *open.get_mut(depth)? = parts;
                depth += 1;
                continue;
            }
            // An item has ended, and with it perhaps the one around it.
            while let Some(level) = depth.checked_sub(1) {
                let left = open.get_mut(level)?;
                if *left != u64::MAX {
                    *left -= 1;
                }
                if *left > 0 {
                    break;
                }
                depth = level;
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

fn simple(info: u8, argument: u64) -> Item<'static> {
    match info {
        20 => Item::Bool(false),
        21 => Item::Bool(true),
        25 => Item::Number(Number::Float(widen(argument as u32, 10, 5))),
        26 => Item::Number(Number::Float(widen(argument as u32, 23, 8))),
        27 => Item::Number(Number::Float(f64::from_bits(argument))),
        _ => Item::Other,
    }
}

/// Writes the head of an item in the shortest form.
pub(super) fn write_head(major: u8, argument: u64, out: &mut Output<'_>) {
    let bytes = argument.to_be_bytes();
    let (info, length) = match argument {
        0..=23 => (argument as u8, 0),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.byte((major << 5) | info);
    out.push(bytes.get(8 - length..).unwrap_or_default());
}

/// Writes text or a label.
pub(super) fn write_text(text: &[u8], out: &mut Output<'_>) {
    write_head(3, text.len() as u64, out);
    out.push(text);
}

/// Writes an integer.
pub(super) fn write_integer(value: i64, out: &mut Output<'_>) {
    if value < 0 {
        write_head(1, !(value as u64), out); // -1 - n is the complement
    } else {
        write_head(0, value as u64, out);
    }
}

/// Writes a float in 32 bits when that loses nothing, else in 64.
pub(super) fn write_float(value: f64, out: &mut Output<'_>) {
    if let Some(bits) = narrow(value) {
        write_single(bits, out);
    } else {
        out.byte(0xfb);
        out.push(&value.to_bits().to_be_bytes());
    }
}

/// Writes the bits of a 32-bit float.
pub(super) fn write_single(bits: u32, out: &mut Output<'_>) {
    out.byte(0xfa);
    out.push(&bits.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn one(text: &str) -> Option<Item<'static>> {
        Reader::new(hex(text).leak()).next()
    }

    #[test]
    fn vectors_of_rfc_8949_appendix_a() {
        use Number::{Float, Negative, Unsigned};
        for (text, number) in [
            ("00", Unsigned(0)),
            ("17", Unsigned(23)),
            ("1818", Unsigned(24)),
            ("1903e8", Unsigned(1000)),
            ("1a000f4240", Unsigned(1_000_000)),
            ("1bffffffffffffffff", Unsigned(u64::MAX)),
            ("20", Negative(-1)),
            ("3863", Negative(-100)),
            ("3903e7", Negative(-1000)),
            ("f90000", Float(0.0)),
            ("f93c00", Float(1.0)),
            ("f93e00", Float(1.5)),
            ("f97bff", Float(65504.0)),
            ("f90001", Float(5.960464477539063e-8)),
            ("f90400", Float(0.00006103515625)),
            ("f9c400", Float(-4.0)),
            ("f97c00", Float(f64::INFINITY)),
            ("fa47c35000", Float(100000.0)),
            ("fb3ff199999999999a", Float(1.1)),
            ("fbc010666666666666", Float(-4.1)),
        ] {
            assert_eq!(one(text), Some(Item::Number(number)), "{text}");
        }
        assert!(matches!(one("f97e00"), Some(Item::Number(Float(v))) if v.is_nan()));
        assert_eq!(one("f4"), Some(Item::Bool(false)));
        assert_eq!(one("f6"), Some(Item::Other));
        assert_eq!(one("4401020304"), Some(Item::Bytes(&[1, 2, 3, 4])));
        assert_eq!(one("62c3bc"), Some(Item::Text("ü")));
        assert_eq!(one("9f"), Some(Item::Array(None)));
        assert_eq!(one("c1"), Some(Item::Tag(1)));
    }

    #[test]
    fn malformed_items_are_refused() {
        for text in
            ["", "18", "1c", "3bffffffffffffffff", "4401", "61ff", "5f", "7f", "1f", "5bffffffffffffffff"]
        {
            assert_eq!(one(text), None, "{text}");
        }
    }

    #[test]
    fn skipping_passes_exactly_one_item() {
        for text in [
            "00",
            "83010203",
            "a201020304",
            "9f018202039f0405ffff",
            "bf61610161629f0203ffff",
            "c11a514b67b0",
            "80",
            "a0",
            "9fff",
            "c249010000000000000000",
            "82c10102",
            "8180",
        ] {
            let bytes = hex(text);
            let followed = [&bytes[..], &[0x18, 0x2a]].concat();
            let mut reader = Reader::new(&followed);
            reader.skip().unwrap_or_else(|| panic!("{text}"));
            assert_eq!(reader.next(), Some(Item::Number(Number::Unsigned(42))), "{text}");
            for cut in 0..bytes.len() {
                assert_eq!(Reader::new(&bytes[..cut]).skip(), None, "{text} cut at {cut}");
            }
        }
    }

    #[test]
    fn skipping_is_bounded() {
        assert_eq!(Reader::new(&[0x81; 100]).skip(), None);
        assert_eq!(Reader::new(&[0xff]).skip(), None);
        assert_eq!(Reader::new(&hex("82ff")).skip(), None);
        assert_eq!(Reader::new(&hex("bbffffffffffffffff")).skip(), None);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut room = [0; 64];
        let mut out = Output::new(&mut room, 0);
        let integers = [0, 23, 24, 255, 256, 65536, i64::MAX, -1, -24, -25, i64::MIN];
        for value in integers {
            write_integer(value, &mut out);
        }
        let mut reader = Reader::new(out.window());
        for value in integers {
            let expected = u64::try_from(value).map_or(Number::Negative(value), Number::Unsigned);
            assert_eq!(reader.next(), Some(Item::Number(expected)));
        }
        assert!(reader.is_at_end());
        for (value, length) in [(1.5, 5), (1.1, 9), (f64::from(1.1f32), 5), (f64::MAX, 9)] {
            let mut room = [0; 16];
            let mut out = Output::new(&mut room, 0);
            write_float(value, &mut out);
            assert_eq!(out.window().len(), length);
            assert_eq!(Reader::new(out.window()).next(), Some(Item::Number(Number::Float(value))));
        }
    }
}
