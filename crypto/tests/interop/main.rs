//! The client against other people's servers, over real sockets on the loopback.
//!
//! A peer that is not installed is reported and skipped, unless `CORACLE_PEERS=required` is set.

#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../common/mod.rs"]
mod common;

mod built;
mod driver;
mod gnutls;
mod libcoap;
mod openssl;

/// The key of the client's certificate, and its raw public key.
fn client_key(certificates: &coracle_peer_programs::Certificates) -> coracle_crypto::PrivateKey {
    coracle_crypto::PrivateKey::parse(&certificates.client.key).expect("PKCS#8 of OpenSSL")
}
