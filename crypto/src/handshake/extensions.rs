//! Hello extensions: numbers, and walking through a list of them.

use crate::codec::{Malformed, Reader};

/// Extension numbers.
pub(crate) mod number {
    pub(crate) const SERVER_NAME: u16 = 0;
    pub(crate) const MAX_FRAGMENT_LENGTH: u16 = 1;
    pub(crate) const SUPPORTED_GROUPS: u16 = 10;
    pub(crate) const EC_POINT_FORMATS: u16 = 11;
    pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(crate) const CLIENT_CERTIFICATE_TYPE: u16 = 19;
    pub(crate) const SERVER_CERTIFICATE_TYPE: u16 = 20;
    pub(crate) const ENCRYPT_THEN_MAC: u16 = 22;
    pub(crate) const EXTENDED_MASTER_SECRET: u16 = 23;
    pub(crate) const RECORD_SIZE_LIMIT: u16 = 28;
    pub(crate) const CONNECTION_ID: u16 = 54;
    pub(crate) const RENEGOTIATION_INFO: u16 = 0xFF01;
}

/// The suite number that stands for an empty `renegotiation_info` (RFC 5746 section 3.3).
pub(crate) const RENEGOTIATION_SCSV: u16 = 0x00FF;
/// secp256r1.
pub(crate) const GROUP_P256: u16 = 23;
/// ecdsa with SHA-256, as hash and signature algorithm.
pub(crate) const ECDSA_SHA256: u16 = 0x0403;
/// Raw public key, as certificate type (RFC 7250).
pub(crate) const RAW_PUBLIC_KEY: u8 = 2;
/// X.509, as certificate type.
pub(crate) const X509: u8 = 0;

const KNOWN: [u16; 12] = [
    number::SERVER_NAME,
    number::MAX_FRAGMENT_LENGTH,
    number::SUPPORTED_GROUPS,
    number::EC_POINT_FORMATS,
    number::SIGNATURE_ALGORITHMS,
    number::CLIENT_CERTIFICATE_TYPE,
    number::SERVER_CERTIFICATE_TYPE,
    number::ENCRYPT_THEN_MAC,
    number::EXTENDED_MASTER_SECRET,
    number::RECORD_SIZE_LIMIT,
    number::CONNECTION_ID,
    number::RENEGOTIATION_INFO,
];

/// A set of the extensions above.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Set(u16);

impl Set {
    fn bit(number: u16) -> u16 {
        KNOWN.iter().position(|known| *known == number).map_or(0, |at| 1 << at)
    }

    pub(crate) fn has(self, number: u16) -> bool {
        self.0 & Self::bit(number) != 0
    }

    pub(crate) fn add(&mut self, number: u16) {
        self.0 |= Self::bit(number);
    }
}

/// Calls `each` with the number and body of every extension at the end of a hello. There may be no list at all.
pub(crate) fn walk<'a, E: From<Malformed>>(
    mut rest: Reader<'a>,
    mut each: impl FnMut(u16, Reader<'a>) -> Result<(), E>,
) -> Result<(), E> {
    if rest.is_empty() {
        return Ok(());
    }
    let mut list = Reader(rest.vec16()?);
    rest.end()?;
    while !list.is_empty() {
        let number = list.u16()?;
        each(number, Reader(list.vec16()?))?;
    }
    Ok(())
}
