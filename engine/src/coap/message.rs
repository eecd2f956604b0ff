//! The checked view of a received message (RFC 7252 section 3).

use super::{Code, Options, PAYLOAD_MARKER};
use crate::output::copy;

/// The type of a message (RFC 7252 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CON: asks for an acknowledgement.
    Confirmable,
    /// NON: asks for none.
    NonConfirmable,
    /// ACK.
    Acknowledgement,
    /// RST.
    Reset,
}

/// A token: 0 to 8 bytes that tie a response to its request (RFC 7252 section 5.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    length: u8,
    bytes: [u8; Self::MAX],
}

impl Token {
    /// The longest token that RFC 7252 allows, in bytes.
    pub const MAX: usize = 8;
    /// The token of no bytes.
    pub const EMPTY: Self = Self { length: 0, bytes: [0; Self::MAX] };

    /// The token of these bytes; `None` when there are more than [`Token::MAX`].
    pub fn new(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        copy(bytes.get_mut(..value.len())?, value);
        Some(Self { length: value.len() as u8, bytes })
    }

    /// A token of eight bytes.
    pub const fn from_u64(value: u64) -> Self {
        Self { length: 8, bytes: value.to_be_bytes() }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&self.bytes)
    }
}

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Shorter than a header, or of another version: to be ignored in silence (RFC 7252 section 3).
    Ignore,
    /// A message format error (RFC 7252 section 3 and 4.2): a CON is to be rejected with RST, the rest ignored.
    Format {
        /// The type of the message.
        kind: Kind,
        /// Its message id.
        message_id: u16,
    },
}

/// A received message. Header and options are known to be well-formed.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    kind: Kind,
    code: Code,
    id: u16,
    token: Token,
    options: Options<'a>,
    payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Checks a whole datagram.
    ///
    /// # Errors
    /// [`ParseError`] says whether the sender is to be told.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let (&[first, code, id_high, id_low], rest) =
            datagram.split_first_chunk::<4>().ok_or(ParseError::Ignore)?;
        if first >> 6 != super::VERSION {
            return Err(ParseError::Ignore);
        }
        let kind = match (first >> 4) & 3 {
            0 => Kind::Confirmable,
            1 => Kind::NonConfirmable,
            2 => Kind::Acknowledgement,
            _ => Kind::Reset,
        };
        let message_id = u16::from_be_bytes([id_high, id_low]);
        let format_error = ParseError::Format { kind, message_id };
        let code = Code::from_byte(code);
        if matches!(code.class(), 1 | 6 | 7) || code == Code::EMPTY && (first & 0x0f != 0 || !rest.is_empty())
        {
            return Err(format_error);
        }
        let (token, rest) = rest.split_at_checked(usize::from(first & 0x0f)).ok_or(format_error)?;
        let token = Token::new(token).ok_or(format_error)?;
        let options = Options::new(rest);
        let mut walk = options.clone();
        while walk.step().map_err(|()| format_error)?.is_some() {}
        let payload = match walk.rest() {
            [] => &[][..],
            [PAYLOAD_MARKER, payload @ ..] if !payload.is_empty() => payload,
            _ => return Err(format_error),
        };
        Ok(Self { kind, code, id: message_id, token, options, payload })
    }

    /// The type.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The message id.
    pub const fn message_id(&self) -> u16 {
        self.id
    }

    /// The token.
    pub const fn token(&self) -> Token {
        self.token
    }

    /// The options in order.
    pub fn options(&self) -> Options<'a> {
        self.options.clone()
    }

    /// The payload; empty when there is none (RFC 7252 forbids an empty payload behind a marker).
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET_3_0: &[u8] = &[0x42, 0x01, 0x12, 0x34, 0xaa, 0xbb, 0xb1, b'3', 0x01, b'0', 0xff, b'x'];

    #[test]
    fn a_request_is_taken_apart() {
        let message = Message::parse(GET_3_0).unwrap();
        assert_eq!(message.kind(), Kind::Confirmable);
        assert_eq!(message.code(), Code::GET);
        assert_eq!(message.message_id(), 0x1234);
        assert_eq!(message.token().as_slice(), &[0xaa, 0xbb]);
        assert_eq!(message.options().count(), 2);
        assert_eq!(message.payload(), b"x");
    }

    #[test]
    fn every_cut_is_ignored_or_a_format_error() {
        for length in 0..GET_3_0.len() {
            match Message::parse(&GET_3_0[..length]) {
                Err(ParseError::Ignore) => assert!(length < 4),
                Err(ParseError::Format { kind, message_id }) => {
                    assert_eq!((kind, message_id), (Kind::Confirmable, 0x1234));
                    assert!(matches!(length, 4..=5 | 7 | 9 | 11), "{length}");
                }
                Ok(_) => assert!(matches!(length, 6 | 8 | 10), "{length}"),
            }
        }
    }

    #[test]
    fn token_lengths_above_eight_are_format_errors() {
        for length in 0..16u8 {
            let mut datagram = [0u8; 4 + 16];
            datagram[..4].copy_from_slice(&[0x50 | length, 0x01, 0, 9]);
            let parsed = Message::parse(&datagram[..4 + usize::from(length)]);
            if length <= 8 {
                assert_eq!(parsed.unwrap().token().as_slice().len(), usize::from(length));
            } else {
                assert_eq!(
                    parsed.unwrap_err(),
                    ParseError::Format { kind: Kind::NonConfirmable, message_id: 9 }
                );
            }
        }
    }

    #[test]
    fn other_versions_are_ignored() {
        for version in [0, 2, 3] {
            assert_eq!(Message::parse(&[version << 6, 0, 0, 0]).unwrap_err(), ParseError::Ignore);
        }
    }

    #[test]
    fn empty_messages_carry_nothing() {
        assert_eq!(Message::parse(&[0x40, 0, 0, 7]).unwrap().code(), Code::EMPTY);
        let error = ParseError::Format { kind: Kind::Confirmable, message_id: 7 };
        assert_eq!(Message::parse(&[0x41, 0, 0, 7, 1]).unwrap_err(), error);
        assert_eq!(Message::parse(&[0x40, 0, 0, 7, 0xff, 1]).unwrap_err(), error);
    }

    #[test]
    fn reserved_classes_and_empty_payloads_are_format_errors() {
        let error = ParseError::Format { kind: Kind::Confirmable, message_id: 1 };
        for code in [0x20, 0xc0, 0xff] {
            assert_eq!(Message::parse(&[0x40, code, 0, 1]).unwrap_err(), error);
        }
        assert_eq!(Message::parse(&[0x40, 1, 0, 1, 0xff]).unwrap_err(), error);
    }
}
