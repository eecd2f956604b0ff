//! Keys on P-256: parsing, and the trait behind which a secure element can keep them.

use super::CredentialError;
use crate::codec::Filled;
use crate::provider::p256::{self, POINT, SCALAR, SIGNATURE};
use crate::provider::{Curve, P256};
use crate::secret::declassify;
use crate::x509::der::{Der, oid, tag};
use zeroize::Zeroize;

/// The private key could not sign: a secure element that does not answer, for instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignError;

/// A private key that signs with ECDSA on P-256. [`PrivateKey`] is the software; a secure element implements this
/// and never shows the key. `Sync`, because a client may be made in one task and run in another.
pub trait Signer: Sync {
    /// Signs a SHA-256 digest: r and s, 32 bytes each, big-endian. Called once per handshake.
    ///
    /// # Errors
    /// When the key cannot be used now: the handshake fails.
    fn sign(&self, digest: &[u8; 32], signature: &mut [u8; SIGNATURE]) -> Result<(), SignError>;
}

/// A private key on P-256, in memory. Erased when dropped.
pub struct PrivateKey([u8; SCALAR]);

impl PrivateKey {
    /// From PKCS#8 DER (RFC 5208), SEC 1 DER (RFC 5915), or the 32-byte scalar.
    ///
    /// # Errors
    /// When the bytes are none of these, or the key is not on P-256.
    pub fn parse(bytes: &[u8]) -> Result<Self, CredentialError> {
        let scalar = match bytes.first_chunk() {
            Some(scalar) if bytes.len() == SCALAR => scalar,
            _ => from_der(bytes)?,
        };
        if !p256::is_scalar(scalar) {
            return Err(CredentialError::PrivateKeyRange);
        }
        Ok(Self(*scalar))
    }

    /// The public key. One multiplication on the curve: about 10 million instructions on a Cortex-M4.
    ///
    /// # Errors
    /// Never for a key that [`parse`](Self::parse) gave.
    pub fn public_key(&self) -> Result<PublicKey, CredentialError> {
        let mut point = [0; POINT];
        P256::public_key(&self.0, &mut point).map_err(|_| CredentialError::PrivateKeyRange)?;
        // Everybody may know it.
        declassify(&mut point);
        Ok(PublicKey(point))
    }
}

impl Signer for PrivateKey {
    fn sign(&self, digest: &[u8; 32], signature: &mut [u8; SIGNATURE]) -> Result<(), SignError> {
        p256::sign(&self.0, digest, signature).map_err(|_| SignError)
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl core::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// PKCS#8: version, algorithm, OCTET STRING with SEC 1. SEC 1: version 1, OCTET STRING with the scalar.
fn from_der(bytes: &[u8]) -> Result<&[u8; SCALAR], CredentialError> {
    let format = |_| CredentialError::PrivateKeyFormat;
    let mut outer = Der::new(bytes);
    let mut fields = outer.sequence().map_err(format)?;
    outer.end().map_err(format)?;
    let version = fields.required(tag::INTEGER).map_err(format)?;
    match (version, fields.peek()) {
        ([0 | 1], Some(tag::SEQUENCE)) => {
            let mut algorithm = fields.sequence().map_err(format)?;
            let kind = algorithm.required(tag::OID).map_err(format)?;
            if kind != oid::EC_PUBLIC_KEY || algorithm.required(tag::OID).ok() != Some(oid::P256) {
                return Err(CredentialError::PrivateKeyAlgorithm);
            }
            sec1(fields.required(tag::OCTET_STRING).map_err(format)?)
        }
        ([1], Some(tag::OCTET_STRING)) => sec1(bytes),
        _ => Err(CredentialError::PrivateKeyFormat),
    }
}

fn sec1(bytes: &[u8]) -> Result<&[u8; SCALAR], CredentialError> {
    let format = |_| CredentialError::PrivateKeyFormat;
    let mut fields = Der::new(bytes).sequence().map_err(format)?;
    if fields.required(tag::INTEGER).map_err(format)? != [1] {
        return Err(CredentialError::PrivateKeyFormat);
    }
    let scalar = fields.required(tag::OCTET_STRING).map_err(format)?;
    if fields.peek() == Some(tag::context(0)) {
        let mut parameters = Der::new(fields.required(tag::context(0)).map_err(format)?);
        if parameters.required(tag::OID).ok() != Some(oid::P256) {
            return Err(CredentialError::PrivateKeyAlgorithm);
        }
    }
    scalar.try_into().map_err(|_| CredentialError::PrivateKeyAlgorithm)
}

/// A public key on P-256: an uncompressed point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; POINT]);

/// The SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point (RFC 5480).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86,
    0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

impl PublicKey {
    /// Bytes of the SubjectPublicKeyInfo.
    pub const SPKI_LEN: usize = SPKI_PREFIX.len() + POINT;

    /// From a SubjectPublicKeyInfo in DER (RFC 5480), or the 65-byte uncompressed point.
    ///
    /// # Errors
    /// When the bytes are none of these, or no point of P-256.
    pub fn parse(bytes: &[u8]) -> Result<Self, CredentialError> {
        let point = match bytes.first_chunk() {
            Some(point) if bytes.len() == POINT => *point,
            _ => spki(bytes)?,
        };
        if point.first() != Some(&4) {
            return Err(CredentialError::PublicKeyAlgorithm);
        }
        if !P256::is_point(&point) {
            return Err(CredentialError::PublicKeyNotOnCurve);
        }
        Ok(Self(point))
    }

    /// The uncompressed point: 0x04, x, y.
    pub const fn point(&self) -> &[u8; POINT] {
        &self.0
    }

    /// The SubjectPublicKeyInfo in DER: what goes over the wire as a raw public key (RFC 7250).
    pub fn to_spki(&self) -> [u8; Self::SPKI_LEN] {
        let mut spki = Filled::<{ Self::SPKI_LEN }>::EMPTY;
        spki.push(&SPKI_PREFIX);
        spki.push(&self.0);
        spki.buffer
    }
}

impl core::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PublicKey(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The point in a SubjectPublicKeyInfo.
pub(crate) fn spki(bytes: &[u8]) -> Result<[u8; POINT], CredentialError> {
    let format = |_| CredentialError::PublicKeyFormat;
    let mut outer = Der::new(bytes);
    let mut fields = outer.sequence().map_err(format)?;
    outer.end().map_err(format)?;
    let mut algorithm = fields.sequence().map_err(format)?;
    let kind = algorithm.required(tag::OID).map_err(format)?;
    if kind != oid::EC_PUBLIC_KEY || algorithm.required(tag::OID).ok() != Some(oid::P256) {
        return Err(CredentialError::PublicKeyAlgorithm);
    }
    algorithm.end().map_err(format)?;
    let point = fields.bit_string().map_err(format)?;
    fields.end().map_err(format)?;
    point.try_into().map_err(|_| CredentialError::PublicKeyAlgorithm)
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
