//! What lies in a bank: its head, and records one behind the other. All numbers are little-endian.
//!
//! ```text
//! bank     "Cstr"  version u16  0xffff  generation u32  CRC-32 of these 12 bytes
//! record   key u16  length u16  CRC-32 of the value  CRC-32 of these 8 bytes  value
//! ```
//!
//! Heads and values are padded with 0xff to what the flash writes at once.

use coracle::platform::Key;
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

const MAGIC: [u8; 4] = *b"Cstr";
/// Another version is not read: such a bank counts as empty.
const VERSION: u16 = 1;
/// Length of a record that says that its key has no value any more.
const REMOVED: u16 = 0xffff;

/// Bytes of the head of a bank that have a meaning.
pub(crate) const BANK_HEAD: usize = 16;
/// Bytes of the head of a record that have a meaning.
pub(crate) const RECORD_HEAD: usize = 12;
/// The longest value.
pub(crate) const MAX_LENGTH: usize = REMOVED as usize - 1;

// Without a table: values are short, and a table takes a kilobyte of flash.
static CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

pub(crate) fn crc(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// Appends to a head; what does not fit is a mistake in the lengths above and is left out.
struct Writer<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Writer<N> {
    const fn new() -> Self {
        Self { bytes: [0xff; N], length: 0 }
    }

    fn push(mut self, bytes: &[u8]) -> Self {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + bytes.len()) {
            room.copy_from_slice(bytes);
        }
        self.length += bytes.len();
        self
    }

    /// The bytes so far, and their CRC behind them.
    fn sealed(self) -> [u8; N] {
        let sum = crc(self.bytes.get(..self.length).unwrap_or_default());
        self.push(&sum.to_le_bytes()).bytes
    }
}

/// The bytes before the CRC at the end, if that is right.
fn checked<const N: usize>(bytes: &[u8; N]) -> Option<&[u8]> {
    let (body, sum) = bytes.split_last_chunk()?;
    (u32::from_le_bytes(*sum) == crc(body)).then_some(body)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

pub(crate) fn encode_bank(generation: u32) -> [u8; BANK_HEAD] {
    Writer::new()
        .push(&MAGIC)
        .push(&VERSION.to_le_bytes())
        .push(&[0xff; 2])
        .push(&generation.to_le_bytes())
        .sealed()
}

/// The generation of a bank that is complete.
pub(crate) fn decode_bank(bytes: &[u8; BANK_HEAD]) -> Option<u32> {
    let body = checked(bytes)?;
    (body.starts_with(&MAGIC) && u16_at(body, 4)? == VERSION).then(|| u32_at(body, 8))?
}

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) key: Key,
    /// Length and CRC of the value; `None` says that there is none any more.
    pub(crate) value: Option<(u16, u32)>,
}

impl Head {
    pub(crate) fn new(key: Key, value: Option<&[u8]>) -> Self {
        Self { key, value: value.map(|value| (value.len() as u16, crc(value))) }
    }

    pub(crate) fn length(&self) -> usize {
        self.value.map_or(0, |(length, _)| usize::from(length))
    }

    pub(crate) fn encode(&self) -> [u8; RECORD_HEAD] {
        let (length, sum) = self.value.unwrap_or((REMOVED, 0));
        Writer::new()
            .push(&self.key.number().to_le_bytes())
            .push(&length.to_le_bytes())
            .push(&sum.to_le_bytes())
            .sealed()
    }

    pub(crate) fn decode(bytes: &[u8; RECORD_HEAD]) -> Option<Self> {
        let body = checked(bytes)?;
        let length = u16_at(body, 2)?;
        let value = (length != REMOVED).then_some((length, u32_at(body, 4)?));
        Some(Self { key: Key::from_number(u16_at(body, 0)?), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_never_change() {
        assert_eq!(
            encode_bank(7),
            [b'C', b's', b't', b'r', 1, 0, 255, 255, 7, 0, 0, 0, 0x4b, 0x0d, 0xc2, 0x05]
        );
        let head = Head::new(Key::application(0x1234), Some(b"123456789"));
        // 0xcbf43926 is the check value of CRC-32.
        assert_eq!(head.encode()[..8], [0x34, 0x12, 9, 0, 0x26, 0x39, 0xf4, 0xcb]);
    }

    #[test]
    fn heads_are_read_back_and_erased_flash_is_none() {
        let key = Key::application(3);
        for head in [Head::new(key, Some(&[1, 2, 3])), Head::new(key, Some(&[])), Head::new(key, None)] {
            assert_eq!(Head::decode(&head.encode()), Some(head));
        }
        assert_eq!(decode_bank(&encode_bank(u32::MAX)), Some(u32::MAX));
        assert_eq!(Head::decode(&[0xff; RECORD_HEAD]), None);
        assert_eq!(Head::decode(&[0; RECORD_HEAD]), None);
        assert_eq!(decode_bank(&[0xff; BANK_HEAD]), None);
        assert_eq!(decode_bank(&[0; BANK_HEAD]), None);
    }

    #[test]
    fn every_wrong_bit_is_seen() {
        let (bank, head) = (encode_bank(7), Head::new(Key::application(1), Some(b"value")).encode());
        for bit in 0..bank.len() * 8 {
            let mut bad = bank;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_bank(&bad), None, "bit {bit}");
        }
        for bit in 0..head.len() * 8 {
            let mut bad = head;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&bad), None, "bit {bit}");
        }
    }
}
