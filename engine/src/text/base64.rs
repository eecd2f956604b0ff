//! Base64 and base64url (RFC 4648 sections 4 and 5).

use crate::model::EncodedBytes;
use crate::output::Output;

/// Which of the two alphabets to write. Both are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// RFC 4648 section 4, with padding: opaque values in plain text (LwM2M Core appendix C.2).
    Standard,
    /// RFC 4648 section 5, without padding: data values in SenML (RFC 8428 section 4.3).
    Url,
}

/// Base64 text; [`Base64::is_valid`] tells whether it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base64<'a>(&'a [u8]);

impl<'a> Base64<'a> {
    pub(crate) const fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// Padding may be there or not.
    fn unpadded(&self) -> &'a [u8] {
        match self.0 {
            [rest @ .., b'=', b'='] | [rest @ .., b'='] if self.0.len().is_multiple_of(4) => rest,
            text => text,
        }
    }

    /// False when it is not base64, or has bits left over.
    pub(crate) fn is_valid(&self) -> bool {
        let text = self.unpadded();
        let spare_bits = match text.len() % 4 {
            0 => 0,
            2 => 0x0f,
            3 => 0x03,
            _ => return false,
        };
        let last = text.last().and_then(|byte| digit(*byte)).unwrap_or(0);
        text.iter().all(|byte| digit(*byte).is_some()) && last & spare_bits == 0
    }
}

impl EncodedBytes for Base64<'_> {
    fn visit(&self, each: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let (mut held, mut bits) = (0u32, 0u32);
        for digit in self.unpadded().iter().filter_map(|byte| digit(*byte)) {
            held = (held << 6) | digit;
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                if !each(&[(held >> bits) as u8]) {
                    return false;
                }
            }
        }
        true
    }
}

fn digit(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

/// Writes bytes as base64.
pub(crate) fn encode(bytes: &[u8], alphabet: Alphabet, out: &mut Output<'_>) {
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| chunk.get(index).copied().map_or(0, u32::from);
        let group = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for position in 0..4 {
            if position <= chunk.len() {
                out.byte(symbol((group >> (18 - 6 * position)) as u8 & 0x3f, alphabet));
            } else if alphabet == Alphabet::Standard {
                out.byte(b'=');
            }
        }
    }
}

fn symbol(digit: u8, alphabet: Alphabet) -> u8 {
    match (digit, alphabet) {
        (0..=25, _) => b'A' + digit,
        (26..=51, _) => b'a' + (digit - 26),
        (52..=61, _) => b'0' + (digit - 52),
        (62, Alphabet::Standard) => b'+',
        (62, Alphabet::Url) => b'-',
        (_, Alphabet::Standard) => b'/',
        (_, Alphabet::Url) => b'_',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn encoded(bytes: &[u8], alphabet: Alphabet) -> Vec<u8> {
        let mut room = [0; 64];
        let mut out = Output::new(&mut room, 0);
        encode(bytes, alphabet, &mut out);
        out.window().to_vec()
    }

    fn decoded(text: &str) -> Option<Vec<u8>> {
        let base64 = Base64::new(text.as_bytes());
        let mut bytes = Vec::new();
        base64.visit(&mut |piece| {
            bytes.extend_from_slice(piece);
            true
        });
        base64.is_valid().then_some(bytes)
    }

    #[test]
    fn vectors_of_rfc_4648_section_10() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(bytes.as_bytes(), Alphabet::Standard), text.as_bytes());
            let unpadded = text.trim_end_matches('=');
            assert_eq!(encoded(bytes.as_bytes(), Alphabet::Url), unpadded.as_bytes());
            for form in [text, unpadded] {
                assert_eq!(decoded(form), Some(bytes.as_bytes().to_vec()));
            }
        }
    }

    #[test]
    fn both_alphabets_are_read() {
        let bytes = [0xfb, 0xff, 0xfe];
        assert_eq!(encoded(&bytes, Alphabet::Standard), b"+//+");
        assert_eq!(encoded(&bytes, Alphabet::Url), b"-__-");
        for text in ["+//+", "-__-"] {
            assert_eq!(decoded(text), Some(bytes.to_vec()));
        }
    }

    #[test]
    fn what_is_not_base64() {
        for text in ["A", "AAAAA", "Zg=", "Zg===", "=", "Zh==", "Zm9=", "Z g=", "Zg==Zg==", "Zm9v="] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
