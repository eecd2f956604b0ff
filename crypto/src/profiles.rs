//! Ready-made profiles: for tests, for measurements, and as patterns for an own one.

use crate::profile::{Profile, key_block_len};
use crate::provider::{NoCurve, P256, SoftAes};
use crate::suite::CipherSuite;
use core::marker::PhantomData;

/// Pre-shared keys with AES-128-CCM-8, full handshakes, no connection ID: the smallest.
#[derive(Clone, Copy, Debug)]
pub struct PskOnly;

impl Profile for PskOnly {
    const SUITES: &'static [CipherSuite] = &[CipherSuite::PskAes128Ccm8];
    const RAW_PUBLIC_KEYS: bool = false;
    const CERTIFICATES: bool = false;
    const CONNECTION_ID: bool = false;
    type Aes = SoftAes;
    type Curve = NoCurve;
    type KeyBlock = [u8; 40];
    type Cookie = [u8; 32];
    type SessionId = [u8; 0];
    type OwnCid = [u8; 0];
    type PeerCid = [u8; 0];
    type Reassembly = [u8; 0];
    type ReplayWindow = [u32; 2];
}

/// Pre-shared keys with AES-128-CCM-8, connection IDs and resumption: for a sleepy device behind a NAT.
#[derive(Clone, Copy, Debug)]
pub struct PskCid;

impl Profile for PskCid {
    const SUITES: &'static [CipherSuite] = &[CipherSuite::PskAes128Ccm8];
    const RAW_PUBLIC_KEYS: bool = false;
    const CERTIFICATES: bool = false;
    const CONNECTION_ID: bool = true;
    type Aes = SoftAes;
    type Curve = NoCurve;
    type KeyBlock = [u8; 40];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 0];
    type PeerCid = [u8; 8];
    type Reassembly = [u8; 0];
    type ReplayWindow = [u32; 2];
}

/// Pre-shared and raw public keys with AES-128-CCM-8, connection IDs and resumption.
#[derive(Clone, Copy, Debug)]
pub struct PskRpkCid;

impl Profile for PskRpkCid {
    const SUITES: &'static [CipherSuite] = &[CipherSuite::PskAes128Ccm8, CipherSuite::EcdheEcdsaAes128Ccm8];
    const RAW_PUBLIC_KEYS: bool = true;
    const CERTIFICATES: bool = false;
    const CONNECTION_ID: bool = true;
    type Aes = SoftAes;
    type Curve = P256;
    type KeyBlock = [u8; 40];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 0];
    type PeerCid = [u8; 8];
    type Reassembly = [u8; 256];
    type ReplayWindow = [u32; 2];
}

/// Pre-shared keys, raw public keys and certificates with AES-128-CCM-8, connection IDs and resumption.
#[derive(Clone, Copy, Debug)]
pub struct PskRpkX509Cid;

impl Profile for PskRpkX509Cid {
    const SUITES: &'static [CipherSuite] = &[CipherSuite::PskAes128Ccm8, CipherSuite::EcdheEcdsaAes128Ccm8];
    const RAW_PUBLIC_KEYS: bool = true;
    const CERTIFICATES: bool = true;
    const CONNECTION_ID: bool = true;
    type Aes = SoftAes;
    type Curve = P256;
    type KeyBlock = [u8; 40];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 0];
    type PeerCid = [u8; 8];
    type Reassembly = [u8; 768];
    type ReplayWindow = [u32; 2];
}

/// Every suite, credential and extension: for tests and for hosts.
#[derive(Clone, Copy, Debug)]
pub struct Everything;

impl Profile for Everything {
    const SUITES: &'static [CipherSuite] = &[
        CipherSuite::PskAes128Ccm8,
        CipherSuite::EcdheEcdsaAes128Ccm8,
        CipherSuite::PskAes128Ccm,
        CipherSuite::EcdheEcdsaAes128Ccm,
        CipherSuite::EcdhePskAes128Ccm8,
        CipherSuite::EcdhePskAes128Ccm,
        CipherSuite::PskChaCha20Poly1305,
        CipherSuite::EcdheEcdsaChaCha20Poly1305,
        CipherSuite::EcdhePskChaCha20Poly1305,
        CipherSuite::PskAes128CbcSha256,
        CipherSuite::EcdheEcdsaAes128CbcSha256,
        CipherSuite::EcdhePskAes128CbcSha256,
    ];
    const RAW_PUBLIC_KEYS: bool = true;
    const CERTIFICATES: bool = true;
    const CONNECTION_ID: bool = true;
    const MAX_FRAGMENT_LENGTH: u16 = 1024;
    const RECORD_SIZE_LIMIT: u16 = 1200;
    type Aes = SoftAes;
    type Curve = P256;
    type KeyBlock = [u8; key_block_len(Self::SUITES)];
    type Cookie = [u8; 255];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 4];
    type PeerCid = [u8; 32];
    type Reassembly = [u8; 4096];
    type ReplayWindow = [u32; 4];
}

/// Another profile, whose handshakes begin with a short hello ([`Profile::SHORT_FIRST_HELLO`]).
#[derive(Clone, Copy, Debug)]
pub struct ShortFirstHello<P>(PhantomData<P>);

impl<P: Profile> Profile for ShortFirstHello<P> {
    const SUITES: &'static [CipherSuite] = P::SUITES;
    const RAW_PUBLIC_KEYS: bool = P::RAW_PUBLIC_KEYS;
    const CERTIFICATES: bool = P::CERTIFICATES;
    const CONNECTION_ID: bool = P::CONNECTION_ID;
    const MAX_FRAGMENT_LENGTH: u16 = P::MAX_FRAGMENT_LENGTH;
    const RECORD_SIZE_LIMIT: u16 = P::RECORD_SIZE_LIMIT;
    const SHORT_FIRST_HELLO: bool = true;
    const FAILED_OPEN_LIMIT: u32 = P::FAILED_OPEN_LIMIT;
    type Aes = P::Aes;
    type Curve = P::Curve;
    type KeyBlock = P::KeyBlock;
    type Cookie = P::Cookie;
    type SessionId = P::SessionId;
    type OwnCid = P::OwnCid;
    type PeerCid = P::PeerCid;
    type Reassembly = P::Reassembly;
    type ReplayWindow = P::ReplayWindow;
}
