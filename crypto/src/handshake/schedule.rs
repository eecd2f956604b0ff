//! The key schedule (RFC 5246 sections 6.3, 7.4.9 and 8.1, RFC 7627).

use super::{MASTER, RANDOM, VERIFY_DATA};
use crate::codec::Filled;
use crate::credentials::Psk;
use crate::provider::prf::prf;
use crate::provider::sha256::Sha256;
use crate::record::Side;
use zeroize::Zeroize;

/// Longest premaster secret: a shared secret and a pre-shared key, each with a 2-byte length, where the shared
/// secret of plain PSK is as many zeros as the key has bytes (RFC 4279 section 2, RFC 5489 section 2).
const PREMASTER_MAX: usize = 2 + Psk::KEY_MAX + 2 + Psk::KEY_MAX;

/// A premaster secret. Erased when dropped.
pub(crate) struct Premaster(Filled<PREMASTER_MAX>);

impl Premaster {
    /// RFC 8422 section 5.10.
    pub(crate) fn ecdhe(shared: &[u8]) -> Self {
        let mut premaster = Filled::EMPTY;
        premaster.push(shared);
        Self(premaster)
    }

    /// From the pre-shared key, and the shared secret of the curve if there is one.
    pub(crate) fn psk(shared: Option<&[u8]>, key: &[u8]) -> Self {
        let mut premaster = Filled::EMPTY;
        let zeros = [0; Psk::KEY_MAX];
        let other = shared.unwrap_or(zeros.get(..key.len()).unwrap_or(&zeros));
        for part in [other, key] {
            premaster.push(&(part.len() as u16).to_be_bytes());
            premaster.push(part);
        }
        Self(premaster)
    }

    fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl Drop for Premaster {
    fn drop(&mut self) {
        self.0.buffer.zeroize();
    }
}

/// Both hello randoms.
#[derive(Clone, Copy)]
pub(crate) struct Randoms<'a> {
    pub(crate) client: &'a [u8; RANDOM],
    pub(crate) server: &'a [u8; RANDOM],
}

/// The master secret: from the hash of the session up to the `ClientKeyExchange` (RFC 7627 sections 3 and 4), or without the
/// extension from the randoms.
pub(crate) fn master_secret(
    premaster: &Premaster,
    session: Option<&Sha256>,
    randoms: Randoms<'_>,
    master: &mut [u8; MASTER],
) {
    match session {
        Some(session) => {
            prf(premaster.bytes(), b"extended master secret", [&session.digest(), &[]], master);
        }
        None => prf(premaster.bytes(), b"master secret", [randoms.client, randoms.server], master),
    }
}

/// The key block: MAC keys, keys and nonce salts, each the client's first.
pub(crate) fn key_block(master: &[u8; MASTER], randoms: Randoms<'_>, block: &mut [u8]) {
    prf(master, b"key expansion", [randoms.server, randoms.client], block);
}

/// The data of the Finished message of `side`.
pub(crate) fn verify_data(master: &[u8; MASTER], side: Side, transcript: &Sha256) -> [u8; VERIFY_DATA] {
    let label: &[u8] = match side {
        Side::Client => b"client finished",
        Side::Server => b"server finished",
    };
    let mut data = [0; VERIFY_DATA];
    prf(master, label, [&transcript.digest(), &[]], &mut data);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn premaster_layouts() {
        assert_eq!(Premaster::psk(None, b"key").bytes(), b"\0\x03\0\0\0\0\x03key");
        assert_eq!(Premaster::psk(Some(b"shared"), b"key").bytes(), b"\0\x06shared\0\x03key");
        assert_eq!(Premaster::ecdhe(b"shared").bytes(), b"shared");
        assert_eq!(Premaster::psk(None, &[7; 64]).bytes().len(), 132);
    }
}
