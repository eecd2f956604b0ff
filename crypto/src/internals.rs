//! What `cargo xtask constant-time` looks at inside this crate, one operation each. Not part of the interface.

#![allow(missing_docs, reason = "each has the documentation of what it calls")]

use crate::handshake::schedule::{self, Premaster, Randoms};
use crate::handshake::{MASTER, RANDOM, VERIFY_DATA};
use crate::profiles::Everything;
use crate::provider::hmac::HmacKey;
use crate::provider::sha256::{self, Sha256};
use crate::provider::{SoftAes, ccm, chacha, prf};
use crate::record::{Keys, Protection, Side};
use crate::suite::CipherSuite;
use core::ops::Range;

#[cfg(not(target_os = "none"))]
pub use crate::secret::DECLASSIFY;

pub fn ccm_seal(key: &[u8; 16], nonce: &[u8; 12], aad: &[u8], data: &mut [u8], tag: usize) -> [u8; 16] {
    ccm::seal::<SoftAes>(key, nonce, aad, data, tag)
}

pub fn ccm_open(key: &[u8; 16], nonce: &[u8; 12], aad: &[u8], data: &mut [u8], tag: &[u8]) -> bool {
    ccm::open::<SoftAes>(key, nonce, aad, data, tag)
}

pub fn chacha_seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16] {
    chacha::seal(key, nonce, aad, data)
}

pub fn chacha_open(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], data: &mut [u8], tag: &[u8; 16]) -> bool {
    chacha::open(key, nonce, aad, data, tag)
}

pub fn sha256(data: &[u8]) -> [u8; 32] {
    sha256::digest(&[data])
}

pub fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    HmacKey::new(key).mac(&[data])
}

pub fn prf(secret: &[u8], label: &[u8], seed: &[u8], out: &mut [u8]) {
    prf::prf(secret, label, [seed, &[]], out);
}

/// A record of AES-128-CBC, in place: MAC key and key of its writer.
pub fn cbc_open(
    encrypt_then_mac: bool,
    mac: &[u8; 32],
    key: &[u8; 16],
    record: &mut [u8],
) -> Option<Range<usize>> {
    protection(encrypt_then_mac).open::<Everything>(Keys { mac, key, iv: &[] }, record, HEADER)
}

/// The same the other way: `length` bytes of content lie behind header and initialisation vector.
pub fn cbc_seal(
    encrypt_then_mac: bool,
    mac: &[u8; 32],
    key: &[u8; 16],
    record: &mut [u8],
    length: usize,
) -> Option<usize> {
    protection(encrypt_then_mac).seal::<Everything>(Keys { mac, key, iv: &[] }, record, HEADER, length)
}

/// Bytes of a header without a connection ID.
pub const HEADER: usize = crate::record::PLAIN_HEADER;

fn protection(encrypt_then_mac: bool) -> Protection {
    Protection { cipher: CipherSuite::PskAes128CbcSha256.cipher(), encrypt_then_mac }
}

/// From a pre-shared key, and a shared secret if there is one, to the master secret and the key block; with the hash of the
/// session (extended master secret) or without it.
pub fn keys(psk: &[u8], shared: Option<&[u8]>, extended: bool, block: &mut [u8]) -> [u8; MASTER] {
    let randoms = Randoms { client: &[1; RANDOM], server: &[2; RANDOM] };
    let session = Sha256::new();
    let mut master = [0; MASTER];
    schedule::master_secret(&Premaster::psk(shared, psk), extended.then_some(&session), randoms, &mut master);
    schedule::key_block(&master, randoms, block);
    master
}

/// The data of the client's Finished.
pub fn verify_data(master: &[u8; MASTER]) -> [u8; VERIFY_DATA] {
    schedule::verify_data(master, Side::Client, &Sha256::new())
}
