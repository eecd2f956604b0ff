//! Signing with ECDSA.

use super::multiply::multiple_of_generator;
use super::{CurveError, SCALAR, SIGNATURE, parse_scalar, reduce};
use crate::codec::copy;
use crate::provider::hmac::HmacKey;
use crate::secret::verdict;
use ::p256::Scalar;
use ::p256::elliptic_curve::{Field, PrimeField};
use zeroize::Zeroize;

/// ECDSA (FIPS 186-4 section 6.4.1) with the deterministic nonce of RFC 6979 section 3.2 and SHA-256.
#[inline(never)]
pub(crate) fn sign(
    scalar: &[u8; SCALAR],
    digest: &[u8; 32],
    signature: &mut [u8; SIGNATURE],
) -> Result<(), CurveError> {
    let mut nonces = Nonces::new(scalar, digest);
    let mut secret = parse_scalar(scalar).ok_or(CurveError::InvalidScalar)?;
    let mut signed = Err(CurveError::BadSignature);
    // One round is enough but for odds of 2^-32.
    for _ in 0..8 {
        let mut bytes = nonces.next();
        let nonce = parse_scalar(&bytes);
        bytes.zeroize();
        let Some(mut nonce) = nonce else { continue };
        let r = reduce(&multiple_of_generator(&nonce).to_affine().0.to_repr().into());
        let mut inverse = nonce.invert().unwrap_or(Scalar::ZERO);
        nonce.zeroize();
        let s = inverse * (reduce(digest) + r * secret);
        inverse.zeroize();
        // Both are sent, or thrown away.
        if verdict(!(r.is_zero() | s.is_zero())) {
            let (first, second) = signature.split_at_mut(SCALAR);
            copy(first, &r.to_repr());
            copy(second, &s.to_repr());
            signed = Ok(());
            break;
        }
    }
    secret.zeroize();
    signed
}

/// The candidates for the nonce `k` (RFC 6979 section 3.2).
struct Nonces {
    key: [u8; 32],
    value: [u8; 32],
    first: bool,
}

impl Nonces {
    fn new(scalar: &[u8; SCALAR], digest: &[u8; 32]) -> Self {
        // bits2octets: the digest modulo the order.
        let reduced = reduce(digest).to_repr();
        let mut nonces = Self { key: [0; 32], value: [1; 32], first: true };
        for separator in [0, 1] {
            nonces.key = HmacKey::new(&nonces.key).mac(&[&nonces.value, &[separator], scalar, &reduced]);
            nonces.value = HmacKey::new(&nonces.key).mac(&[&nonces.value]);
        }
        nonces
    }

    fn next(&mut self) -> [u8; 32] {
        if !self.first {
            self.key = HmacKey::new(&self.key).mac(&[&self.value, &[0]]);
            self.value = HmacKey::new(&self.key).mac(&[&self.value]);
        }
        self.first = false;
        self.value = HmacKey::new(&self.key).mac(&[&self.value]);
        self.value
    }
}

impl Drop for Nonces {
    fn drop(&mut self) {
        self.key.zeroize();
        self.value.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Curve, P256, POINT, tests::hex};
    use super::*;

    /// RFC 6979 appendix A.2.5.
    #[test]
    fn deterministic_signatures() {
        let scalar = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
        let public = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
                      7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
        let mut point = [0; POINT];
        P256::public_key(&scalar, &mut point).expect("a scalar");
        assert_eq!(point, hex(public));
        for (message, expected) in [
            (
                &b"sample"[..],
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
                 f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            ),
            (
                &b"test"[..],
                "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367\
                 019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
            ),
        ] {
            let digest = crate::provider::sha256::digest(&[message]);
            let mut signature = [0; SIGNATURE];
            sign(&scalar, &digest, &mut signature).expect("a key");
            assert_eq!(signature, hex(expected));
            assert_eq!(P256::verify(&point, &digest, &signature), Ok(()));
            signature[40] ^= 1;
            assert_eq!(P256::verify(&point, &digest, &signature), Err(CurveError::BadSignature));
        }
    }
}
