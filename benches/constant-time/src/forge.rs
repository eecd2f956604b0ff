//! Records of AES-128-CBC with MAC and padding below the encryption, good ones and damaged ones. Both the program for valgrind
//! and the one for the board include this file.

use coracle_crypto::internals::{HEADER, hmac};
use coracle_crypto::{Aes128, SoftAes};

pub(crate) const MAC_KEY: [u8; 32] = [3; 32];
pub(crate) const KEY: [u8; 16] = [4; 16];
pub(crate) const IV: [u8; 16] = [5; 16];

/// Bytes of the MAC.
const MAC: usize = 32;
/// Bytes of content, MAC and padding: enough for the longest padding.
pub(crate) const TOTAL: usize = 352;
/// Type, version, epoch 1 with number 7, length.
pub(crate) const RECORD_HEADER: [u8; HEADER] = [23, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 7, 1, 0x70];

pub(crate) type Record = [u8; HEADER + 16 + TOTAL];

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    Nothing,
    StartOfMac,
    EndOfMac,
    StartOfPadding,
}

/// Bytes of content in front of so much padding (and the byte that says how much).
pub(crate) fn content_len(padding: u8) -> usize {
    TOTAL - MAC - 1 - usize::from(padding)
}

/// What the MAC covers in front of the content: number, type, version, length.
pub(crate) fn prefix(length: usize) -> [u8; HEADER] {
    let [t, v0, v1, n0, n1, n2, n3, n4, n5, n6, n7, ..] = RECORD_HEADER;
    let [high, low] = (length as u16).to_be_bytes();
    [n0, n1, n2, n3, n4, n5, n6, n7, t, v0, v1, high, low]
}

/// A record with this padding.
pub(crate) fn record(padding: u8, damage: Damage) -> Record {
    let length = content_len(padding);
    // Prefix and content, for the MAC; then what is encrypted.
    let mut covered = [6; HEADER + TOTAL];
    covered[..HEADER].copy_from_slice(&prefix(length));
    let mac = hmac(&MAC_KEY, &covered[..HEADER + length]);
    let mut data = [padding; TOTAL];
    data[..length].fill(6);
    data[length..length + MAC].copy_from_slice(&mac);
    match damage {
        Damage::Nothing => {}
        Damage::StartOfMac => data[length] ^= 0x41,
        Damage::EndOfMac => data[length + MAC - 1] ^= 0x41,
        Damage::StartOfPadding => data[length + MAC] ^= 0x41,
    }
    encrypt(&mut data);
    let mut record = [0; HEADER + 16 + TOTAL];
    record[..HEADER].copy_from_slice(&RECORD_HEADER);
    record[HEADER..HEADER + 16].copy_from_slice(&IV);
    record[HEADER + 16..].copy_from_slice(&data);
    record
}

/// CBC as it is written in NIST SP 800-38A.
pub(crate) fn encrypt(data: &mut [u8]) {
    let aes = SoftAes::new(&KEY);
    let mut chain = IV;
    for block in data.as_chunks_mut().0 {
        block.iter_mut().zip(chain).for_each(|(byte, chain)| *byte ^= chain);
        aes.encrypt(block);
        chain = *block;
    }
}
