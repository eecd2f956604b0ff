//! `HMAC_DRBG` with SHA-256 (NIST SP 800-90A section 10.1.2): random numbers from a seed.

use crate::provider::hmac::HmacKey;
use crate::rng::{Rng, RngError};
use crate::secret::verdict;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

const LEN: usize = 32;

/// A deterministic random bit generator: once seeded it never fails. 64 bytes of RAM; its empty value is all zero bytes.
///
/// What it gives is as hard to guess as its seed, and tells nothing about what it gave before.
pub struct HmacDrbg {
    key: [u8; LEN],
    value: [u8; LEN],
}

impl HmacDrbg {
    /// Bytes of entropy that a seed should have: 32 for the strength of the hash, 16 instead of a nonce.
    pub const SEED_LEN: usize = 48;

    /// Not seeded: it fails.
    pub const EMPTY: Self = Self { key: [0; LEN], value: [0; LEN] };

    /// Starts anew from a seed. Without entropy in it everything that follows can be guessed.
    pub fn seed(&mut self, seed: &[u8]) {
        (self.key, self.value) = ([0; LEN], [1; LEN]);
        self.update(Some(seed));
    }

    /// Adds entropy to what there is: it never gets worse.
    pub fn reseed(&mut self, entropy: &[u8]) {
        self.update(Some(entropy));
    }

    fn update(&mut self, data: Option<&[u8]>) {
        for round in [0u8, 1] {
            self.key = HmacKey::new(&self.key).mac(&[&self.value, &[round], data.unwrap_or_default()]);
            self.value = HmacKey::new(&self.key).mac(&[&self.value]);
            if data.is_none() {
                break;
            }
        }
    }

    /// Erases the state: it fails from now on.
    pub fn erase(&mut self) {
        self.key.zeroize();
        self.value.zeroize();
    }
}

impl Rng for HmacDrbg {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        if verdict(self.value.ct_eq(&[0; LEN])) {
            return Err(RngError);
        }
        let key = HmacKey::new(&self.key);
        for chunk in out.chunks_mut(LEN) {
            self.value = key.mac(&[&self.value]);
            chunk.iter_mut().zip(&self.value).for_each(|(out, value)| *out = *value);
        }
        self.update(None);
        Ok(())
    }
}

impl Drop for HmacDrbg {
    fn drop(&mut self) {
        self.erase();
    }
}

impl core::fmt::Debug for HmacDrbg {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HmacDrbg(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_generator_of_rfc_6979() {
        let mut ours = HmacDrbg::EMPTY;
        let mut theirs = rfc6979::HmacDrbg::<sha2::Sha256>::new(b"entropy", b"nonce", b"more");
        ours.seed(b"entropynoncemore");
        for length in [1, 31, 32, 33, 64, 100, 0, 7] {
            let (mut a, mut b) = (std::vec![0; length], std::vec![0; length]);
            ours.fill(&mut a).expect("seeded");
            theirs.fill_bytes(&mut b);
            // Theirs leaves the state as it is when nothing is asked for.
            assert_eq!(a, b, "{length}");
        }
    }

    #[test]
    fn without_a_seed_there_is_nothing() {
        let mut drbg = HmacDrbg::EMPTY;
        assert!(drbg.fill(&mut [0; 4]).is_err());
        drbg.seed(&[7; HmacDrbg::SEED_LEN]);
        assert!(drbg.fill(&mut [0; 4]).is_ok());
        drbg.erase();
        assert!(drbg.fill(&mut [0; 4]).is_err());
    }

    #[test]
    fn more_entropy_changes_everything() {
        let generate = |more: Option<&[u8]>| {
            let mut drbg = HmacDrbg::EMPTY;
            drbg.seed(&[7; HmacDrbg::SEED_LEN]);
            if let Some(more) = more {
                drbg.reseed(more);
            }
            let mut out = [0; 16];
            drbg.fill(&mut out).expect("seeded");
            out
        };
        assert_ne!(generate(None), generate(Some(b"x")));
        assert_ne!(generate(Some(b"y")), generate(Some(b"x")));
        assert_eq!(generate(None), generate(None));
    }
}
