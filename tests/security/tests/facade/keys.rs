//! Keys and certificates of the device and its servers.

use crate::builder::{Authority, Fields, name};
use coracle::{CertificateUsage, Credentials, ServerSettings};

pub const IDENTITY: &[u8] = b"urn:dev:facade";
pub const KEY: &[u8] = b"sixteen secrets!";

/// The key pair of the device, as 32 bytes and as SubjectPublicKeyInfo.
pub struct Pair {
    pub private: [u8; 32],
    pub public: Vec<u8>,
}

impl Pair {
    pub fn new(seed: u8) -> Self {
        Self { private: [seed; 32], public: Authority::new(seed).spki() }
    }

    pub fn device() -> Self {
        Self::new(0x31)
    }

    pub fn server() -> Self {
        Self::new(0x32)
    }
}

pub fn host(server: u8) -> String {
    format!("server{server}.example")
}

pub fn uri(server: u8) -> String {
    format!("coaps://{}:5684", host(server))
}

/// An authority, and what it has signed.
pub struct Certificates {
    pub authority: Vec<u8>,
    pub device: Vec<u8>,
    pub server: Vec<u8>,
}

impl Certificates {
    /// The server's certificate ends in 2030 ("300101000000Z").
    pub fn new(server: u8) -> Self {
        let authority = Authority::new(0x33);
        let leaf = Fields { not_after: "300101000000Z", ..Fields::leaf(&host(server)) };
        let purposes = vec![crate::builder::CLIENT_AUTH];
        let device = Fields { subject: name(b"device"), purposes, names: None, ..Fields::leaf("") };
        Self {
            authority: authority.own(&Fields::ca("CA")),
            device: authority.issue(&device, &Pair::device().public),
            server: authority.issue(&leaf, &Pair::server().public),
        }
    }
}

/// 2026-01-01, within the validity of all certificates.
pub const IN_TIME: u64 = 1_767_225_600;
/// 2031-01-01, when the server's has expired.
pub const TOO_LATE: u64 = 1_924_992_000;

pub fn settings<'a>(uri: &'a str, short_server_id: u16, credentials: Credentials<'a>) -> ServerSettings<'a> {
    ServerSettings { uri, short_server_id, lifetime_s: 300, store_notifications: true, credentials }
}

/// The device trusts whatever `authority` has signed for the server's name.
pub fn trust<'a>(certificates: &'a Certificates, private: &'a [u8]) -> Credentials<'a> {
    Credentials {
        certificate_usage: Some(CertificateUsage::TrustAnchorAssertion),
        ..Credentials::certificate(&certificates.device, private, &certificates.authority)
    }
}
