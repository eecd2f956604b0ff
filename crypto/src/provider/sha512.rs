//! SHA-384 and SHA-512 (FIPS 180-4), for certificates only.

use sha2::{Digest, Sha384, Sha512};

pub(crate) fn digest_384(data: &[u8]) -> [u8; 48] {
    Sha384::digest(data).into()
}

pub(crate) fn digest_512(data: &[u8]) -> [u8; 64] {
    Sha512::digest(data).into()
}

/// The leftmost 256 bits of the SHA-384 digest: what ECDSA on P-256 signs of it (FIPS 186-4 section 6.4).
pub(crate) fn leftmost_384(data: &[u8]) -> [u8; 32] {
    let mut leftmost = [0; 32];
    leftmost.iter_mut().zip(Sha384::digest(data)).for_each(|(to, from)| *to = from);
    leftmost
}
