//! AES-128-CBC (NIST SP 800-38A) and the constant-time check of a MAC below its padding.

use super::aes::{Aes128, BLOCK};
use super::hmac::HmacKey;
use super::sha256;
use crate::secret::{declassified, declassify};
use core::hint::black_box;
use zeroize::Zeroize;

type Block = [u8; BLOCK];

/// Bytes of the HMAC-SHA-256 tag.
pub(crate) const MAC: usize = sha256::LEN;

/// The initialisation vector of a record: the cipher applied, under the record's key, to a number that never
/// repeats (NIST SP 800-38A appendix C, first method). Unpredictable as RFC 5246 section 6.2.3.2 asks, and it
/// needs no random numbers, so that a record can be rebuilt.
pub(crate) fn iv<A: Aes128>(key: &[u8; 16], sequence: u64) -> Block {
    let mut iv = [0; BLOCK];
    if let Some(start) = iv.first_chunk_mut() {
        *start = sequence.to_be_bytes();
    }
    A::new(key).encrypt(&mut iv);
    iv
}

fn xor(block: &mut Block, with: &Block) {
    block.iter_mut().zip(with).for_each(|(byte, with)| *byte ^= with);
}

/// Encrypts whole blocks in place; a last, shorter block is left as it is (callers pad).
pub(crate) fn encrypt<A: Aes128>(key: &[u8; 16], iv: &Block, mut data: &mut [u8]) {
    let aes = A::new(key);
    let mut chain = *iv;
    while let Some((block, rest)) = data.split_first_chunk_mut() {
        xor(block, &chain);
        aes.encrypt(block);
        chain = *block;
        data = rest;
    }
}

/// Decrypts whole blocks in place; a last, shorter block is left as it is (callers check).
pub(crate) fn decrypt<A: Aes128>(key: &[u8; 16], iv: &Block, mut data: &mut [u8]) {
    let aes = A::new(key);
    let mut chain = *iv;
    while let Some((block, rest)) = data.split_first_chunk_mut::<BLOCK>() {
        let cipher = *block;
        aes.decrypt(block);
        xor(block, &chain);
        chain = cipher;
        data = rest;
    }
}

/// All ones when `a < b`, else zero. Both are below 2^31.
fn less(a: u32, b: u32) -> u32 {
    black_box(((a.wrapping_sub(b) as i32) >> 31) as u32)
}

/// All ones when `a == b`, else zero. Both are below 2^31.
fn equal(a: u32, b: u32) -> u32 {
    !(less(a, b) | less(b, a))
}

/// The content's length when `data` (decrypted: content, MAC, padding) carries a good MAC and good padding.
///
/// `prefix` is what the MAC covers in front of the content. Its last two bytes are the content's length, which is
/// filled in here because it is a secret until the padding is known to be good.
///
/// Neither the instructions that run nor the addresses that are touched depend on the decrypted bytes, only on
/// `data.len()`: RFC 5246 section 6.2.3.2 and the attack known as Lucky Thirteen. The single answer for every fault
/// is `None`, with `data` wiped.
pub(crate) fn check_padded_mac(key: &HmacKey, prefix: &mut [u8], data: &mut [u8]) -> Option<usize> {
    let (good, length) = padding(data)?;
    if let Some(field) = prefix.last_chunk_mut::<2>() {
        *field = (length as u16).to_be_bytes();
    }
    let longest = data.len() - MAC;
    let inner = inner_digest(key, prefix, data.get(..longest).unwrap_or_default(), length);
    let expected = key.finish(&inner);
    let found = extract_mac(data, length);
    let difference = expected.iter().zip(found).fold(0, |sum, (a, b)| sum | (a ^ b));
    let good = good & equal(u32::from(difference), 0);
    if declassified(black_box(good) as u8) == 0 {
        data.zeroize();
        return None;
    }
    // The caller is told how much an authentic record holds.
    let mut length = length.to_ne_bytes();
    declassify(&mut length);
    Some(u32::from_ne_bytes(length) as usize)
}

/// Whether the padding is good (a mask), and the length of the content. With bad padding the length is the one of
/// a record without any, so that the same work follows. `None` for a length that no valid record has.
fn padding(data: &[u8]) -> Option<(u32, u32)> {
    let total = data.len() as u32;
    let last = u32::from(*data.last()?);
    if data.len() <= MAC || !data.len().is_multiple_of(BLOCK) {
        return None;
    }
    let room = total - MAC as u32;
    let mut good = less(last, room);
    for (at, byte) in (0..).zip(data.iter().rev().take(256)) {
        let inside = !less(last, at);
        good &= !(inside & !equal(u32::from(*byte), last));
    }
    Some((good, room - (good & (last + 1))))
}

/// The inner digest of the HMAC over `prefix` and the first `length` bytes of `content`, where `length` is secret
/// and the work depends only on `content.len()`.
fn inner_digest(key: &HmacKey, prefix: &[u8], content: &[u8], length: u32) -> [u8; sha256::LEN] {
    const BLOCK: usize = sha256::BLOCK;
    let end = prefix.len() as u32 + length;
    let last_block = (end + 8) >> 6;
    let bits = (u64::from(end) + BLOCK as u64) * 8;
    let mut state = key.inner_state();
    let mut digest = [0_u32; 8];
    let blocks = (prefix.len() + content.len() + 8) / BLOCK + 1;
    let mut bytes = prefix.iter().chain(content);
    for number in 0..blocks as u32 {
        let last = equal(number, last_block);
        let mut block = [0; BLOCK];
        for (at, to) in (number * BLOCK as u32..).zip(&mut block) {
            let byte = bytes.next().copied().unwrap_or(0);
            *to = (byte & less(at, end) as u8) | (0x80 & equal(at, end) as u8);
        }
        if let Some(tail) = block.last_chunk_mut::<8>() {
            tail.iter_mut().zip(bits.to_be_bytes()).for_each(|(to, byte)| *to |= byte & last as u8);
        }
        sha256::compress(&mut state, &block);
        digest.iter_mut().zip(&state).for_each(|(to, word)| *to |= word & last);
        block.zeroize();
    }
    sha256::to_bytes(&digest)
}

/// The MAC that starts at the secret position `start` of `data`.
fn extract_mac(data: &[u8], start: u32) -> [u8; MAC] {
    // The padding is at most 256 bytes, so the MAC lies in the last 288.
    let from = data.len().saturating_sub(MAC + 256);
    let mut rotated = [0; MAC];
    for (at, byte) in (0_u32..).zip(data).skip(from) {
        let inside = !less(at, start) & less(at, start + MAC as u32);
        if let Some(to) = rotated.get_mut(at as usize % MAC) {
            *to |= byte & inside as u8;
        }
    }
    // Rotate left by `start % 32`, one bit of it after the other.
    for bit in 0..5 {
        let mask = equal((start >> bit) & 1, 1) as u8;
        let mut turned = rotated;
        turned.rotate_left(1 << bit);
        rotated.iter_mut().zip(turned).for_each(|(to, turned)| *to = (*to & !mask) | (turned & mask));
    }
    rotated
}

#[cfg(test)]
mod tests {
    use super::super::SoftAes;
    use super::*;
    use ::cbc::cipher::{BlockEncryptMut, KeyIvInit, block_padding::NoPadding};

    #[test]
    fn agrees_with_the_cbc_crate() {
        let plain: [u8; 96] = core::array::from_fn(|at| at as u8);
        let (key, iv) = ([3; 16], [5; 16]);
        let mut ours = plain;
        encrypt::<SoftAes>(&key, &iv, &mut ours);
        let mut theirs = plain;
        ::cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into())
            .encrypt_padded_mut::<NoPadding>(&mut theirs, 96)
            .expect("whole blocks");
        assert_eq!(ours, theirs);
        decrypt::<SoftAes>(&key, &iv, &mut ours);
        assert_eq!(ours, plain);
    }

    fn padded(key: &HmacKey, prefix: &[u8], content: &[u8], padding: u8) -> std::vec::Vec<u8> {
        let length = (content.len() as u16).to_be_bytes();
        let mac = key.mac(&[&prefix[..prefix.len() - 2], &length, content]);
        let mut data = [content, &mac[..]].concat();
        data.extend(core::iter::repeat_n(padding, usize::from(padding) + 1));
        data
    }

    #[test]
    fn every_content_and_padding_length_is_found() {
        let key = HmacKey::new(b"key");
        let prefix = [9; 13];
        let content: std::vec::Vec<u8> = (0..=255).cycle().take(600).collect();
        let mut checked = 0;
        for length in 0..content.len() {
            let fill = 16 - (length + MAC) % 16;
            for padding in (fill - 1..256).step_by(16) {
                let good = padded(&key, &prefix, &content[..length], padding as u8);
                let mut data = good.clone();
                assert_eq!(check_padded_mac(&key, &mut prefix.clone(), &mut data), Some(length));
                // Any one byte of MAC or padding changed: refused and wiped.
                let at = length + checked % (good.len() - length);
                data = good;
                data[at] ^= 1;
                assert_eq!(check_padded_mac(&key, &mut prefix.clone(), &mut data), None, "{length} {at}");
                assert!(data.iter().all(|byte| *byte == 0));
                checked += 1;
            }
        }
        assert!(checked > 9000);
    }

    #[test]
    fn impossible_lengths_are_refused() {
        let key = HmacKey::new(b"key");
        for length in (0..=32).chain([47, 49]) {
            let mut data = std::vec![0; length];
            assert_eq!(check_padded_mac(&key, &mut [0; 13], &mut data), None);
        }
        // Padding longer than the record.
        assert_eq!(check_padded_mac(&key, &mut [0; 13], &mut [0xff; 48]), None);
    }

    #[test]
    fn ivs_differ() {
        let ivs: std::collections::BTreeSet<_> = (0..1000).map(|at| iv::<SoftAes>(&[1; 16], at)).collect();
        assert_eq!(ivs.len(), 1000);
    }
}
