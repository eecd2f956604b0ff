//! The inside of JSON strings (RFC 8259 section 7).

use crate::model::EncodedText;
use crate::output::Output;

/// The text between the quotes of a JSON string, known to be well-formed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonEscaped<'a>(&'a str);

impl<'a> JsonEscaped<'a> {
    /// Checks every escape; `None` for bad escapes, lone surrogates, quotes and control characters.
    pub(crate) fn parse(inside: &'a str) -> Option<Self> {
        let mut rest = inside;
        while !rest.is_empty() {
            rest = unescape(rest)?.1;
        }
        Some(Self(inside))
    }

    /// The text when nothing in it is escaped.
    pub(crate) fn as_plain(self) -> Option<&'a str> {
        (!self.0.as_bytes().contains(&b'\\')).then_some(self.0)
    }
}

impl EncodedText for JsonEscaped<'_> {
    fn visit(&self, each: &mut dyn FnMut(&str) -> bool) -> bool {
        let mut rest = self.0;
        while !rest.is_empty() {
            // Up to the next escape in one piece.
            let plain = rest.bytes().position(|byte| byte == b'\\').unwrap_or(rest.len());
            let (piece, tail) = rest.split_at_checked(plain).unwrap_or_default();
            if !piece.is_empty() && !each(piece) {
                return false;
            }
            let Some((character, tail)) = unescape(tail) else { return true };
            if !each(character.encode_utf8(&mut [0; 4])) {
                return false;
            }
            rest = tail;
        }
        true
    }
}

/// The first character, and what follows it.
fn unescape(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first != '\\' {
        return (first >= ' ' && first != '"').then_some((first, chars.as_str()));
    }
    let plain = match chars.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unescape_unicode(chars.as_str()),
        other @ ('"' | '\\' | '/') => other,
        _ => return None,
    };
    Some((plain, chars.as_str()))
}

/// Four hexadecimal digits, or a pair of surrogates.
fn unescape_unicode(text: &str) -> Option<(char, &str)> {
    let (high, rest) = hex4(text)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((char::from_u32(high)?, rest));
    }
    let (low, rest) = hex4(rest.strip_prefix("\\u")?)?;
    if !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    Some((char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, rest))
}

fn hex4(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let value = digits.chars().try_fold(0, |value, digit| Some((value << 4) | digit.to_digit(16)?))?;
    Some((value, rest))
}

/// Writes text between quotes.
pub(crate) fn escape(text: &str, out: &mut Output<'_>) {
    out.byte(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.push(&[b'\\', byte]),
            0..=0x1f => {
                let hex = |digit: u8| if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
                out.push(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]);
            }
            _ => out.byte(byte),
        }
    }
    out.byte(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn unescaped(inside: &str) -> String {
        let mut text = String::new();
        JsonEscaped::parse(inside).unwrap().visit(&mut |piece| {
            text.push_str(piece);
            true
        });
        text
    }

    #[test]
    fn escapes_are_undone() {
        for (escaped, plain) in [
            ("", ""),
            ("plain é€𝄞", "plain é€𝄞"),
            (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
            (r"\u0041\u00e9\u20AC", "Aé€"),
            (r"\ud834\udd1e", "𝄞"),
        ] {
            assert_eq!(unescaped(escaped), plain);
        }
    }

    #[test]
    fn bad_escapes_are_refused() {
        for text in [
            r"\",
            r"\x",
            r"\u12",
            r"\u12g4",
            r"\ud834",
            r"\ud834x",
            r"\ud834\u0041",
            r"\udd1e",
            "a\nb",
            "\"",
            r"\u+123",
        ] {
            assert!(JsonEscaped::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_escaped_can_be_read() {
        let text = "a\"b\\c\u{1}\u{1f}\n é";
        let mut room = [0; 64];
        let mut out = Output::new(&mut room, 0);
        escape(text, &mut out);
        let written = core::str::from_utf8(out.window()).unwrap();
        assert_eq!(serde_json::from_str::<String>(written).unwrap(), text);
        let inside = written.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        assert_eq!(unescaped(inside), text);
        assert!(JsonEscaped::parse(inside).unwrap().as_plain().is_none());
    }
}
