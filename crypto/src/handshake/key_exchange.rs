//! `ServerKeyExchange` and `ClientKeyExchange`.

use super::certificate::parse_signed;
use super::extensions::GROUP_P256;
use super::schedule::Randoms;
use crate::codec::{Malformed, Reader, Sink};
use crate::event::Fault;
use crate::provider::p256::POINT;
use crate::provider::sha256;

/// named_curve, as curve type (RFC 8422 section 5.4).
const NAMED_CURVE: u8 = 3;

/// What a `ServerKeyExchange` says: every field for its key exchange.
#[derive(Debug)]
pub(crate) struct EphemeralKey<'a> {
    /// The server's ephemeral point.
    pub(crate) point: &'a [u8; POINT],
    /// The bytes that are signed.
    params: &'a [u8],
}

impl<'a> EphemeralKey<'a> {
    /// Reads the curve and the point (RFC 8422 section 5.4).
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let before = reader.0;
        if reader.u8()? != NAMED_CURVE || reader.u16()? != GROUP_P256 {
            return Err(Fault::ILLEGAL);
        }
        let point = reader.vec8()?.try_into().map_err(|_| Fault::ILLEGAL)?;
        let params = before.get(..before.len() - reader.0.len()).unwrap_or_default();
        Ok(Self { point, params })
    }

    /// The digest that the server signs: both randoms and the parameters.
    pub(crate) fn digest(&self, randoms: Randoms<'_>) -> [u8; sha256::LEN] {
        sha256::digest(&[randoms.client, randoms.server, self.params])
    }
}

/// ECDHE_ECDSA: the key and its signature, `None` for an algorithm that was not offered.
pub(crate) fn parse_ecdhe_ecdsa(body: &[u8]) -> Result<(EphemeralKey<'_>, Option<[u8; 64]>), Fault> {
    let mut reader = Reader(body);
    let key = EphemeralKey::read(&mut reader)?;
    Ok((key, parse_signed(reader)?))
}

/// PSK: the identity hint, which is to be ignored (RFC 4279 section 5.2).
pub(crate) fn parse_psk(body: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader(body);
    reader.vec16()?;
    reader.end()
}

/// ECDHE_PSK (RFC 5489 section 2): hint and key, unsigned.
pub(crate) fn parse_ecdhe_psk(body: &[u8]) -> Result<EphemeralKey<'_>, Fault> {
    let mut reader = Reader(body);
    reader.vec16()?;
    let key = EphemeralKey::read(&mut reader)?;
    reader.end()?;
    Ok(key)
}

/// Writes the curve and a point.
#[cfg(feature = "server")]
pub(crate) fn put_params(sink: &mut Sink<'_>, point: &[u8]) {
    sink.u8(NAMED_CURVE);
    sink.u16(GROUP_P256);
    sink.vec8(point);
}

/// Writes a `ClientKeyExchange`: the identity of a pre-shared key, our point, or both.
pub(crate) fn put_client(sink: &mut Sink<'_>, identity: Option<&[u8]>, point: Option<&[u8]>) {
    if let Some(identity) = identity {
        sink.vec16(identity);
    }
    if let Some(point) = point {
        sink.vec8(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn params() -> Vec<u8> {
        [&[3, 0, 23, 65, 4][..], &[9; 64]].concat()
    }

    #[test]
    fn ecdhe_psk_is_read_to_the_end() {
        let body = [&[0, 2, b'h', b'i'][..], &params()].concat();
        assert_eq!(parse_ecdhe_psk(&body).map(|key| key.point[0]), Ok(4));
        for cut in 0..body.len() {
            assert!(parse_ecdhe_psk(&body[..cut]).is_err());
        }
        assert_eq!(parse_ecdhe_psk(&[&body[..], &[0]].concat()).err(), Some(Fault::MALFORMED));
    }

    #[test]
    fn only_the_named_curve_with_a_full_point() {
        for (at, value) in [(0, 1), (0, 2), (1, 1), (2, 24), (3, 33)] {
            let mut body = params();
            body[at] = value;
            let body = [&[0, 0][..], &body].concat();
            assert!(parse_ecdhe_psk(&body).is_err(), "{at} {value}");
        }
    }

    #[test]
    fn hints_may_have_any_length_that_fits() {
        for length in [0, 1, 255, 256, 65535] {
            let hint = std::vec![b'h'; length];
            let body = [&(length as u16).to_be_bytes()[..], &hint].concat();
            assert_eq!(parse_psk(&body), Ok(()));
            assert_eq!(parse_psk(&body[..body.len() - 1]), Err(Malformed));
            assert_eq!(parse_psk(&[&body[..], &[0]].concat()), Err(Malformed));
        }
    }
}
