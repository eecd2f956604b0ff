//! AES-128 as the block cipher behind CCM and CBC.

use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128 as RustCryptoAes, Block};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 16;

/// The AES-128 block cipher. Implement it to let a hardware engine do the work; [`SoftAes`] is the default.
///
/// A value lives for one record: it is made from the key, used, and dropped. An implementation that copies the
/// key must erase it when it is dropped.
pub trait Aes128: Sized {
    /// Takes the key.
    fn new(key: &[u8; 16]) -> Self;

    /// Encrypts two independent blocks in place. CCM calls this once for each block of a record (one for its MAC,
    /// one for its key stream); a bit-sliced cipher computes both for the price of one.
    fn encrypt_pair(&self, first: &mut [u8; BLOCK], second: &mut [u8; BLOCK]);

    /// Encrypts one block in place. Used by the CBC suites only.
    fn encrypt(&self, block: &mut [u8; BLOCK]);

    /// Decrypts one block in place. Used by the CBC suites only.
    fn decrypt(&self, block: &mut [u8; BLOCK]);
}

/// AES-128 of the `aes` crate: constant-time (bit-sliced) code, or the processor's AES instructions where the
/// host has them.
#[derive(Debug)]
pub struct SoftAes(RustCryptoAes);

/// Blocks that the bit-sliced code computes at once: fewer cost the same. x86-64 has instructions that take one.
const LANES: usize = if cfg!(all(target_pointer_width = "64", not(target_arch = "x86_64"))) { 4 } else { 2 };

impl Aes128 for SoftAes {
    fn new(key: &[u8; 16]) -> Self {
        Self(RustCryptoAes::new(key.into()))
    }

    #[inline(never)]
    fn encrypt_pair(&self, first: &mut [u8; BLOCK], second: &mut [u8; BLOCK]) {
        let mut lanes = [Block::default(); LANES];
        if let [one, two, ..] = lanes.as_mut_slice() {
            *one = Block::from(*first);
            *two = Block::from(*second);
        }
        self.0.encrypt_blocks(&mut lanes);
        if let [one, two, ..] = lanes.as_slice() {
            *first = (*one).into();
            *second = (*two).into();
        }
    }

    fn encrypt(&self, block: &mut [u8; BLOCK]) {
        self.encrypt_pair(block, &mut [0; BLOCK]);
    }

    #[inline(never)]
    fn decrypt(&self, block: &mut [u8; BLOCK]) {
        self.0.decrypt_block(block.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197 appendix C.1.
    #[test]
    fn fips_197() {
        let aes = SoftAes::new(&core::array::from_fn(|at| at as u8));
        let plain: [u8; 16] = core::array::from_fn(|at| at as u8 * 0x11);
        let cipher = *b"\x69\xc4\xe0\xd8\x6a\x7b\x04\x30\xd8\xcd\xb7\x80\x70\xb4\xc5\x5a";
        let (mut first, mut second) = (plain, plain);
        aes.encrypt_pair(&mut first, &mut second);
        assert_eq!((first, second), (cipher, cipher));
        aes.decrypt(&mut first);
        aes.encrypt(&mut second);
        assert_eq!(first, plain);
        aes.decrypt(&mut second);
        assert_eq!(second, cipher);
    }
}
