//! `Certificate`, `CertificateRequest` and `CertificateVerify`.

use super::extensions::ECDSA_SHA256;
use crate::codec::{Malformed, Reader, Sink};
use crate::x509::signature::{parse_signature, put_signature};

/// ecdsa_sign, as type of a client certificate (RFC 8422 section 5.5).
const ECDSA_SIGN: u8 = 64;

/// The body of a `Certificate` message behind its 3-byte length: a SubjectPublicKeyInfo (RFC 7250 section 3), or a
/// list of certificates, each with a 3-byte length.
pub(crate) fn parse_certificate(body: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader(body);
    let contents = reader.vec24()?;
    reader.end()?;
    Ok(contents)
}

/// Writes a `Certificate` message with a raw public key.
pub(crate) fn put_raw_public_key(sink: &mut Sink<'_>, spki: &[u8]) {
    sink.u24(spki.len() as u32);
    sink.put(spki);
}

/// Writes a `Certificate` message with a chain; empty for "none".
pub(crate) fn put_chain(sink: &mut Sink<'_>, chain: &[&[u8]]) {
    sink.u24(chain.iter().map(|certificate| certificate.len() as u32 + 3).sum());
    for certificate in chain {
        sink.u24(certificate.len() as u32);
        sink.put(certificate);
    }
}

/// Whether a `CertificateRequest` (RFC 5246 section 7.4.4) takes an ECDSA certificate and a SHA-256 signature. The
/// names of authorities are not looked at: we have one certificate or none.
pub(crate) fn parse_request(body: &[u8]) -> Result<bool, Malformed> {
    let mut reader = Reader(body);
    let types = reader.vec8()?;
    let mut algorithms = Reader(reader.vec16()?);
    reader.vec16()?;
    reader.end()?;
    let mut sha256 = false;
    while !algorithms.is_empty() {
        sha256 |= algorithms.u16()? == ECDSA_SHA256;
    }
    Ok(sha256 && types.contains(&ECDSA_SIGN))
}

/// Writes a `CertificateRequest` for ECDSA with SHA-256.
#[cfg(feature = "server")]
pub(crate) fn put_request(sink: &mut Sink<'_>) {
    sink.vec8(&[ECDSA_SIGN]);
    sink.vec16(&ECDSA_SHA256.to_be_bytes());
    sink.u16(0);
}

/// The signature at the end of a `ServerKeyExchange` or in a `CertificateVerify`: `Ok(None)` for an algorithm that is
/// not ECDSA with SHA-256.
pub(crate) fn parse_signed(mut reader: Reader<'_>) -> Result<Option<[u8; 64]>, Malformed> {
    let algorithm = reader.u16()?;
    let signature = reader.vec16()?;
    reader.end()?;
    if algorithm == ECDSA_SHA256 { parse_signature(signature).map(Some) } else { Ok(None) }
}

/// Writes such a signature.
pub(crate) fn put_signed(sink: &mut Sink<'_>, signature: &[u8]) {
    sink.u16(ECDSA_SHA256);
    put_signature(sink, signature);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let good = [2, 1, 64, 0, 4, 4, 1, 4, 3, 0, 0];
        assert_eq!(parse_request(&good), Ok(true));
        assert_eq!(parse_request(&[1, 64, 0, 2, 5, 3, 0, 0]), Ok(false));
        assert_eq!(parse_request(&[1, 1, 0, 2, 4, 3, 0, 0]), Ok(false));
        assert_eq!(parse_request(&[1, 64, 0, 3, 4, 3, 4, 0, 0]), Err(Malformed));
        for cut in 0..good.len() {
            assert_eq!(parse_request(&good[..cut]), Err(Malformed));
        }
        assert_eq!(parse_request(&[&good[..], &[0]].concat()), Err(Malformed));
    }

    #[test]
    fn chains_and_raw_keys() {
        let mut out = [0; 16];
        let mut sink = Sink::window(0, &mut out);
        put_chain(&mut sink, &[&[1, 2], &[3]]);
        let length = sink.len();
        assert_eq!(out[..length], [0, 0, 9, 0, 0, 2, 1, 2, 0, 0, 1, 3]);
        assert_eq!(parse_certificate(&out[..length]), Ok(&out[3..length]));
        for cut in 0..length {
            assert_eq!(parse_certificate(&out[..cut]), Err(Malformed));
        }
        put_raw_public_key(&mut Sink::window(0, &mut out), &[7; 4]);
        assert_eq!(parse_certificate(&out[..7]), Ok(&[7; 4][..]));
        assert_eq!(parse_certificate(&out[..8]), Err(Malformed));
    }
}
