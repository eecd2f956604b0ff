//! Ready-made profiles: for tests, for measurements, and as patterns for an own one.

use crate::profile::{Profile, key_block_len};
use crate::provider::{NoCurve, P256, SoftAes};
use crate::suite::CipherSuite;

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
