//! Distinguished encoding rules (X.690), as far as keys, signatures and certificates need them: definite lengths in
//! their shortest form, tags of one byte.

use crate::codec::{Malformed, Reader, copy};

/// Identifier octets.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// A constructed, context-specific tag.
    pub(crate) const fn context(number: u8) -> u8 {
        0xA0 | number
    }
}

/// Contents of object identifiers.
pub(crate) mod oid {
    /// 1.2.840.10045.2.1
    pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
    /// 1.2.840.10045.3.1.7
    pub(crate) const P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
    /// 1.2.840.10045.4.3.2
    pub(crate) const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    /// 1.2.840.10045.4.3.3
    #[cfg(feature = "sha384")]
    pub(crate) const ECDSA_WITH_SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03];
    /// 2.5.4.3
    pub(crate) const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    /// 2.5.29: the arc of the certificate extensions; one more byte follows.
    pub(crate) const EXTENSION_ARC: [u8; 2] = [0x55, 0x1D];
    /// 1.3.6.1.5.5.7.3.1
    pub(crate) const SERVER_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
    /// 1.3.6.1.5.5.7.3.2
    #[cfg(feature = "server")]
    pub(crate) const CLIENT_AUTH: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];
    /// 2.5.29.37.0
    pub(crate) const ANY_EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1D, 0x25, 0x00];
}

/// A run of DER values not read yet.
#[derive(Clone, Copy)]
pub(crate) struct Der<'a>(Reader<'a>);

impl<'a> Der<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(Reader(bytes))
    }

    /// The tag of the next value.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.0.0.first().copied()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value: its tag and contents.
    pub(crate) fn value(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let tag = self.0.u8()?;
        // A tag number of 31 or more goes on in further bytes; nothing we read has one.
        if tag & 0x1F == 0x1F {
            return Err(Malformed);
        }
        let length = match self.0.u8()? {
            short @ 0..=0x7F => usize::from(short),
            0x81 => self.long_length(1)?,
            0x82 => self.long_length(2)?,
            0x83 => self.long_length(3)?,
            _ => return Err(Malformed),
        };
        Ok((tag, self.0.take(length)?))
    }

    /// A length in `bytes` bytes; refused when a shorter form would do.
    fn long_length(&mut self, bytes: usize) -> Result<usize, Malformed> {
        let length = self.0.take(bytes)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let least = if bytes == 1 { 0x80 } else { 1 << (8 * (bytes - 1)) };
        if length < least { Err(Malformed) } else { Ok(length) }
    }

    /// The contents of the next value, which must have this tag.
    pub(crate) fn required(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.value()? {
            (found, contents) if found == tag => Ok(contents),
            _ => Err(Malformed),
        }
    }

    /// The contents of the next value when it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, Malformed> {
        if self.peek() == Some(tag) { self.required(tag).map(Some) } else { Ok(None) }
    }

    /// The next value with its tag and length: what is signed, or compared as a whole.
    pub(crate) fn whole(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        let before = self.0.0;
        self.required(tag)?;
        before.get(..before.len() - self.0.0.len()).ok_or(Malformed)
    }

    pub(crate) fn sequence(&mut self) -> Result<Der<'a>, Malformed> {
        self.required(tag::SEQUENCE).map(Der::new)
    }

    /// A bit string of whole bytes.
    pub(crate) fn bit_string(&mut self) -> Result<&'a [u8], Malformed> {
        match self.required(tag::BIT_STRING)? {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(Malformed),
        }
    }

    /// A positive integer of up to 32 bytes, left-padded.
    pub(crate) fn unsigned_256(&mut self) -> Result<[u8; 32], Malformed> {
        let contents = self.required(tag::INTEGER)?;
        let digits = match contents {
            // A leading zero only where the next bit would make it negative.
            [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => rest,
            [1..=0x7F, ..] => contents,
            _ => return Err(Malformed),
        };
        let mut number = [0; 32];
        let start = number.len().checked_sub(digits.len()).ok_or(Malformed)?;
        copy(number.get_mut(start..).unwrap_or_default(), digits);
        Ok(number)
    }

    pub(crate) const fn end(&self) -> Result<(), Malformed> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_definite_and_shortest() {
        assert_eq!(Der::new(&[4, 1, 9]).value(), Ok((4, &[9][..])));
        assert_eq!(Der::new(&[4, 0x80, 9, 0, 0]).value(), Err(Malformed));
        assert_eq!(Der::new(&[4, 0x81, 1, 9]).value(), Err(Malformed));
        let long = [&[4, 0x81, 0x80][..], &[7; 128]].concat();
        assert_eq!(Der::new(&long).value(), Ok((4, &[7; 128][..])));
        for cut in 0..long.len() {
            assert_eq!(Der::new(&long[..cut]).value(), Err(Malformed));
        }
        assert_eq!(Der::new(&[4, 0x82, 0, 0x80]).value(), Err(Malformed));
        assert_eq!(Der::new(&[4, 0x84, 0, 0, 0, 0]).value(), Err(Malformed));
        assert_eq!(Der::new(&[0x1F, 1, 0]).value(), Err(Malformed));
    }

    #[test]
    fn integers_are_positive_and_shortest() {
        let read = |bytes: &[u8]| Der::new(bytes).unsigned_256();
        assert_eq!(read(&[2, 1, 5]).map(|n| n[31]), Ok(5));
        assert_eq!(read(&[2, 2, 0, 0x80]).map(|n| n[31]), Ok(0x80));
        assert_eq!(read(&[2, 2, 0, 0x7F]), Err(Malformed));
        assert_eq!(read(&[2, 1, 0x80]), Err(Malformed));
        assert_eq!(read(&[2, 1, 0]), Err(Malformed));
        assert_eq!(read(&[2, 0]), Err(Malformed));
        assert!(read(&[&[2, 33, 0][..], &[0xFF; 32]].concat()).is_ok());
        assert_eq!(read(&[&[2, 33][..], &[1; 33]].concat()), Err(Malformed));
    }

    #[test]
    fn a_whole_value_keeps_its_header() {
        let mut der = Der::new(&[0x30, 1, 5, 4, 0]);
        assert_eq!(der.whole(tag::SEQUENCE), Ok(&[0x30, 1, 5][..]));
        assert_eq!(der.required(4), Ok(&[][..]));
        assert_eq!(der.end(), Ok(()));
    }
}
