//! Option numbers and the walk over the options of a message (RFC 7252 section 3.1 and 5.10).

/// Option numbers (RFC 7252 section 12.2, RFC 7641, RFC 7959).
#[allow(missing_docs)] // the names are those of the registry
pub mod number {
    pub const IF_MATCH: u16 = 1;
    pub const URI_HOST: u16 = 3;
    pub const ETAG: u16 = 4;
    pub const IF_NONE_MATCH: u16 = 5;
    pub const OBSERVE: u16 = 6;
    pub const URI_PORT: u16 = 7;
    pub const LOCATION_PATH: u16 = 8;
    pub const URI_PATH: u16 = 11;
    pub const CONTENT_FORMAT: u16 = 12;
    pub const MAX_AGE: u16 = 14;
    pub const URI_QUERY: u16 = 15;
    pub const ACCEPT: u16 = 17;
    pub const LOCATION_QUERY: u16 = 20;
    pub const BLOCK2: u16 = 23;
    pub const BLOCK1: u16 = 27;
    pub const SIZE2: u16 = 28;
    pub const PROXY_URI: u16 = 35;
    pub const PROXY_SCHEME: u16 = 39;
    pub const SIZE1: u16 = 60;
}

/// True for options that a receiver must understand (RFC 7252 section 5.4.6).
pub const fn is_critical(number: u16) -> bool {
    number & 1 == 1
}

/// One option of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoapOption<'a> {
    /// The option number.
    pub number: u16,
    /// The value, as on the wire.
    pub value: &'a [u8],
}

impl CoapOption<'_> {
    /// The value as an unsigned integer of at most `max` bytes (`max` <= 4); `None` when it is longer.
    pub fn uint(&self, max: usize) -> Option<u32> {
        if self.value.len() > max {
            return None;
        }
        Some(self.value.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte)))
    }
}

/// The options of a message in order of their numbers.
///
/// [`Message::parse`](super::Message::parse) walks them once, so for a parsed message the end means the end.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    rest: &'a [u8],
    number: u16,
}

impl<'a> Options<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, number: 0 }
    }

    /// The next option; `Ok(None)` at the end of the message or at the payload marker, which stays in `rest`.
    pub(super) fn step(&mut self) -> Result<Option<CoapOption<'a>>, ()> {
        let Some((&head, mut rest)) = self.rest.split_first() else { return Ok(None) };
        if head == super::PAYLOAD_MARKER {
            return Ok(None);
        }
        let delta = extended(head >> 4, &mut rest).ok_or(())?;
        let length = extended(head & 0x0f, &mut rest).ok_or(())?;
        let number = u32::from(self.number) + delta;
        let (value, rest) = rest.split_at_checked(length as usize).ok_or(())?;
        self.number = u16::try_from(number).map_err(|_| ())?;
        self.rest = rest;
        Ok(Some(CoapOption { number: self.number, value }))
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = CoapOption<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().ok().flatten()
    }
}

/// A delta or length nibble with its extension (RFC 7252 section 3.1); 15 is reserved.
#[inline]
fn extended(nibble: u8, rest: &mut &[u8]) -> Option<u32> {
    if nibble < 13 {
        return Some(u32::from(nibble));
    }
    further(nibble, rest)
}

#[cold]
fn further(nibble: u8, rest: &mut &[u8]) -> Option<u32> {
    match nibble {
        13 => {
            let (byte, tail) = rest.split_first()?;
            *rest = tail;
            Some(u32::from(*byte) + 13)
        }
        14 => {
            let (bytes, tail) = rest.split_first_chunk::<2>()?;
            *rest = tail;
            Some(u32::from(u16::from_be_bytes(*bytes)) + 269)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(bytes: &[u8]) -> Result<heapless::Vec<(u16, usize), 8>, ()> {
        let mut options = Options::new(bytes);
        let mut seen = heapless::Vec::new();
        while let Some(option) = options.step()? {
            seen.push((option.number, option.value.len())).unwrap();
        }
        Ok(seen)
    }

    #[test]
    fn short_and_extended_forms() {
        assert_eq!(&walk(&[0xb1, b'3', 0x01, b'0']).unwrap()[..], &[(11, 1), (11, 1)]);
        assert_eq!(&walk(&[0xd0, 2]).unwrap()[..], &[(15, 0)]);
        assert_eq!(&walk(&[0xe0, 0, 1]).unwrap()[..], &[(270, 0)]);
        let mut long = [b'x'; 22];
        long[..2].copy_from_slice(&[0xbd, 7]);
        assert_eq!(&walk(&long).unwrap()[..], &[(11, 20)]);
    }

    #[test]
    fn stops_at_the_payload_marker() {
        let mut options = Options::new(&[0x60, 0xff, 1, 2]);
        assert_eq!(options.step().unwrap().unwrap().number, 6);
        assert_eq!(options.step(), Ok(None));
        assert_eq!(options.rest(), &[0xff, 1, 2]);
    }

    #[test]
    fn reserved_and_cut_forms_are_errors() {
        for bad in [&[0xf0][..], &[0x0f], &[0xd0], &[0xe0, 1], &[0xb2, b'3'], &[0x0d], &[0x0e, 0]] {
            assert_eq!(walk(bad), Err(()), "{bad:x?}");
        }
    }

    #[test]
    fn a_number_above_65535_is_an_error() {
        assert_eq!(walk(&[0xe0, 0xff, 0xff]), Err(()));
        assert_eq!(walk(&[0xe0, 0xfe, 0xf2, 0x10]), Err(()));
        assert_eq!(&walk(&[0xe0, 0xfe, 0xf2]).unwrap()[..], &[(65535, 0)]);
    }

    #[test]
    fn uint_has_a_limit_and_accepts_leading_zeros() {
        let option = |value| CoapOption { number: 12, value };
        assert_eq!(option(&[][..]).uint(2), Some(0));
        assert_eq!(option(&[0x2d, 0x16][..]).uint(2), Some(11542));
        assert_eq!(option(&[0, 1][..]).uint(2), Some(1));
        assert_eq!(option(&[0, 0, 1][..]).uint(2), None);
    }
}
