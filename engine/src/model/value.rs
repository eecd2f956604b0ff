//! Values of resources (LwM2M Core appendix C).

use super::Status;
use crate::text::{from_integer, widen};

/// The data type of a resource (LwM2M Core appendix C.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// No value: the resource can only be executed.
    None,
    /// UTF-8 text.
    String,
    /// A signed integer of up to 64 bits.
    Integer,
    /// An unsigned integer of up to 64 bits (since 1.1).
    Unsigned,
    /// A 32- or 64-bit floating point number.
    Float,
    /// True or false.
    Boolean,
    /// Bytes.
    Opaque,
    /// Seconds since 1970-01-01 00:00 UTC.
    Time,
    /// The path of an object instance.
    ObjectLink,
}

impl Type {
    /// True for types whose values can be compared with gt, lt and st.
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Unsigned | Self::Float | Self::Time)
    }
}

/// Seconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// The path of an object instance, as a value (`Objlnk`). 65535 in both places is the null link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectLink {
    /// The object.
    pub object: u16,
    /// Its instance; 65535 means none.
    pub instance: u16,
}

impl ObjectLink {
    /// The link to nothing.
    pub const NULL: Self = Self { object: u16::MAX, instance: u16::MAX };
}

impl Default for ObjectLink {
    fn default() -> Self {
        Self::NULL
    }
}

/// Text that is still in the encoding of its format. Behind a pointer, so that only formats that are linked bring code.
pub trait EncodedText {
    /// Hands the text over in pieces until one is not wanted; false then.
    fn visit(&self, each: &mut dyn FnMut(&str) -> bool) -> bool;
}

/// Bytes that are still in the encoding of their format.
pub trait EncodedBytes {
    /// Hands the bytes over in pieces until one is not wanted; false then.
    fn visit(&self, each: &mut dyn FnMut(&[u8]) -> bool) -> bool;
}

/// Text as it came. Nothing is copied before the receiver has checked it.
#[derive(Clone, Copy)]
pub enum Str<'a> {
    /// In one piece.
    Plain(&'a str),
    /// With escapes.
    Encoded(&'a dyn EncodedText),
}

impl Str<'_> {
    /// Hands the text over in pieces until one is not wanted; false then.
    pub fn visit(self, each: &mut dyn FnMut(&str) -> bool) -> bool {
        match self {
            Self::Plain(text) => each(text),
            Self::Encoded(text) => text.visit(each),
        }
    }

    /// The length in bytes of UTF-8.
    pub fn len(self) -> usize {
        let mut length = 0;
        self.visit(&mut |piece| {
            length += piece.len();
            true
        });
        length
    }

    /// True when there is no text.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// True when it is this text.
    pub fn is(self, other: &str) -> bool {
        let mut rest = other;
        let matches = self.visit(&mut |piece| {
            let tail = rest.strip_prefix(piece);
            rest = tail.unwrap_or_default();
            tail.is_some()
        });
        matches && rest.is_empty()
    }
}

impl core::fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut result = Ok(());
        self.visit(&mut |piece| {
            result = f.write_str(piece);
            result.is_ok()
        });
        result
    }
}

/// Bytes as they came. Nothing is copied before the receiver has checked it.
#[derive(Clone, Copy)]
pub enum Bytes<'a> {
    /// In one piece.
    Plain(&'a [u8]),
    /// In base64, for instance.
    Encoded(&'a dyn EncodedBytes),
}

impl Bytes<'_> {
    /// Hands the bytes over in pieces until one is not wanted; false then.
    pub fn visit(self, each: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        match self {
            Self::Plain(bytes) => each(bytes),
            Self::Encoded(bytes) => bytes.visit(each),
        }
    }

    /// How many bytes there are.
    pub fn len(self) -> usize {
        let mut length = 0;
        self.visit(&mut |piece| {
            length += piece.len();
            true
        });
        length
    }

    /// True when there are no bytes.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl core::fmt::Debug for Bytes<'_> {
    /// The length only: they may be a key.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "[{} bytes]", self.len())
    }
}

/// The value of a resource or resource instance.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// [`Type::String`]
    String(Str<'a>),
    /// [`Type::Integer`]
    Integer(i64),
    /// [`Type::Unsigned`]
    Unsigned(u64),
    /// [`Type::Float`] of 32 bits: formats keep it as short as it is.
    Single(f32),
    /// [`Type::Float`] of 64 bits.
    Double(f64),
    /// [`Type::Boolean`]
    Boolean(bool),
    /// [`Type::Opaque`]
    Opaque(Bytes<'a>),
    /// [`Type::Time`]
    Time(Time),
    /// [`Type::ObjectLink`]
    ObjectLink(ObjectLink),
}

impl<'a> Value<'a> {
    /// Plain text as a value.
    pub const fn text(text: &'a str) -> Self {
        Self::String(Str::Plain(text))
    }

    /// Plain bytes as a value.
    pub const fn opaque(bytes: &'a [u8]) -> Self {
        Self::Opaque(Bytes::Plain(bytes))
    }

    /// The value as a number, for gt, lt and st; `None` when it is not numeric.
    pub(crate) fn number(&self) -> Option<f64> {
        match *self {
            Self::Integer(value) | Self::Time(Time(value)) => {
                Some(from_integer(value.unsigned_abs(), value < 0))
            }
            Self::Unsigned(value) => Some(from_integer(value, false)),
            Self::Single(value) => Some(widen(value.to_bits(), 23, 8)),
            Self::Double(value) => Some(value),
            _ => None,
        }
    }
}

/// The parameters of an Execute (LwM2M Core section 6.3.5): `0='x',1,2='y'`, known to be well-formed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arguments<'a>(&'a str);

/// One parameter of an Execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument<'a> {
    /// The digit before the `=`, 0 to 9.
    pub number: u8,
    /// The text between the quotes, when there is one.
    pub value: Option<&'a str>,
}

impl<'a> Arguments<'a> {
    /// No parameters.
    pub const NONE: Self = Self("");

    /// Checks the whole text against the grammar of LwM2M Core section 6.3.5.
    ///
    /// # Errors
    /// [`Status::BadRequest`] when it is not a list of parameters, or a digit comes twice.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Status> {
        let text = core::str::from_utf8(payload).map_err(|_| Status::BadRequest)?;
        let (mut rest, mut seen) = (text, 0u16);
        while !rest.is_empty() {
            let (argument, tail) = split_argument(rest).ok_or(Status::BadRequest)?;
            let bit = 1 << argument.number;
            if seen & bit != 0 || tail == Some("") {
                return Err(Status::BadRequest);
            }
            seen |= bit;
            rest = tail.unwrap_or("");
        }
        Ok(Self(text))
    }

    /// True when there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole text as the server sent it.
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// The parameters in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = Argument<'a>> + use<'a> {
        let mut rest = Some(self.0).filter(|text| !text.is_empty());
        core::iter::from_fn(move || {
            let (argument, tail) = split_argument(rest.take()?)?;
            rest = tail;
            Some(argument)
        })
    }

    /// The parameter with this digit.
    pub fn get(&self, number: u8) -> Option<Argument<'a>> {
        self.iter().find(|argument| argument.number == number)
    }
}

/// The first parameter of a list, and what follows its comma.
fn split_argument(text: &str) -> Option<(Argument<'_>, Option<&str>)> {
    let (&digit, _) = text.as_bytes().split_first()?;
    let number = char::from(digit).to_digit(10)? as u8;
    let rest = text.get(1..)?;
    let (value, rest) = match rest.strip_prefix("='") {
        Some(quoted) => {
            let (value, rest) = quoted.split_once('\'')?;
            // No space, no quote, no backslash, nothing but ASCII.
            let allowed = |byte| matches!(byte, b'!' | b'#'..=b'&' | b'('..=b'[' | b']'..=b'~');
            value.bytes().all(allowed).then_some((Some(value), rest))?
        }
        None => (None, rest),
    };
    match rest.strip_prefix(',') {
        Some(tail) => Some((Argument { number, value }, Some(tail))),
        None => rest.is_empty().then_some((Argument { number, value }, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_follow_the_grammar() {
        let all = |text: &'static str| {
            let list: heapless::Vec<(u8, Option<&str>), 10> =
                Arguments::parse(text.as_bytes()).unwrap().iter().map(|a| (a.number, a.value)).collect();
            list
        };
        assert!(all("").is_empty());
        assert_eq!(&all("5")[..], &[(5, None)]);
        assert_eq!(&all("0='http://x,y',1,2=''")[..], &[(0, Some("http://x,y")), (1, None), (2, Some(""))]);
        assert_eq!(Arguments::parse(b"1,7='b'").unwrap().get(7).unwrap().value, Some("b"));
    }

    #[test]
    fn malformed_arguments_are_refused() {
        for text in [
            "a",
            "0=",
            "0='",
            "0=x",
            "0='a'b",
            "0,",
            ",0",
            "10",
            "0;1",
            "1,1",
            " 1",
            "0=\"a\"",
            "\u{e9}",
            "0='a b'",
            "0='\"'",
            "0='\\'",
            "0='\u{7f}'",
            "0='\u{e9}'",
            "1,2='\t'",
        ] {
            assert_eq!(Arguments::parse(text.as_bytes()).unwrap_err(), Status::BadRequest, "{text}");
        }
        assert!(Arguments::parse(&[b'0', b'=', b'\'', 0xff, b'\'']).is_err());
    }
}
