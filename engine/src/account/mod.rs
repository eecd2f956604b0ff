//! The servers that a device knows: objects 0 (Security) and 1 (Server), whose values steer the client itself.

mod buffer;
mod padded;
mod security;
mod server;

pub use buffer::{Bounded, BoundedResource};
pub use padded::{PaddedNumbers, PaddedText};
pub use security::{CertificateUsage, MatchingType, Security, SecurityMode};
pub use server::{Binding, Server};

use crate::profile::{Profile, Slot};
use crate::registration::Registration;

/// One server: what object 0 and object 1 say about it, and the state of its registration.
pub struct Account<P: Profile> {
    pub(crate) used: bool,
    pub(crate) security: Security<P>,
    pub(crate) server: Server,
    pub(crate) registration: Registration<P>,
}

impl<P: Profile> Account<P> {
    /// What object 0 says.
    pub const fn security_object(&self) -> &Security<P> {
        &self.security
    }

    /// What object 1 says.
    pub const fn server_object(&self) -> &Server {
        &self.server
    }
}

impl<P: Profile> Slot for Account<P> {
    const EMPTY: Self = Self {
        used: false,
        security: Security::EMPTY,
        server: Server::EMPTY,
        registration: Registration::EMPTY,
    };
}

impl<P: Profile> core::fmt::Debug for Account<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Account")
            .field("security", &self.security)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// Which server: its place in the table of accounts, which is also the instance id of its objects 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerIndex(pub u8);

impl ServerIndex {
    /// The place in a table.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a device is told about a server before it has ever spoken with it.
#[derive(Clone, Copy)]
pub struct ServerSettings<'a> {
    /// `coap://host[:port]` or `coaps://host[:port]`
    pub uri: &'a str,
    /// The id by which objects refer to the server, 1 to 65534.
    pub short_server_id: u16,
    /// How long the server keeps the registration without an Update, in seconds; 0 means for ever.
    pub lifetime_s: u32,
    /// Notifications that can't be sent are kept (object 1 resource 6).
    pub store_notifications: bool,
    /// How the traffic is secured.
    pub credentials: Credentials<'a>,
}

/// Security mode and keys, as object 0 has them.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// How the traffic is secured.
    pub mode: SecurityMode,
    /// The PSK identity, the own public key or the own certificate.
    pub public_key_or_identity: &'a [u8],
    /// The server's public key or certificate.
    pub server_public_key: &'a [u8],
    /// The pre-shared key or the own private key.
    pub secret_key: &'a [u8],
    /// How the server's certificate is compared.
    pub matching_type: Option<MatchingType>,
    /// What the server's certificate has to be.
    pub certificate_usage: Option<CertificateUsage>,
    /// The name that is indicated to the server, and that its certificate is compared with unless this is provisioned
    /// itself (certificate usage 3): the host of the URI when nothing is said.
    pub server_name: Option<&'a str>,
    /// The cipher suites that are offered, the preferred one first, as IANA's registry of TLS cipher suites writes them:
    /// `&[[0xC0, 0xA8]]` is `TLS_PSK_WITH_AES_128_CCM_8` alone. Empty for all of the build that fit.
    pub suites: &'a [[u8; 2]],
}

impl<'a> Credentials<'a> {
    /// Plain CoAP.
    pub const NONE: Self = Self {
        mode: SecurityMode::NoSec,
        public_key_or_identity: &[],
        server_public_key: &[],
        secret_key: &[],
        matching_type: None,
        certificate_usage: None,
        server_name: None,
        suites: &[],
    };

    /// A pre-shared key and the identity by which the server finds it.
    pub const fn psk(identity: &'a [u8], key: &'a [u8]) -> Self {
        let mode = SecurityMode::PreSharedKey;
        Self { mode, public_key_or_identity: identity, secret_key: key, ..Self::NONE }
    }

    /// The own key pair, and the public key that the server must have. Public keys as SubjectPublicKeyInfo in DER or as
    /// uncompressed points, the private key as PKCS#8 or SEC 1 in DER or as 32 bytes; all on P-256.
    pub const fn raw_public_key(public: &'a [u8], private: &'a [u8], server: &'a [u8]) -> Self {
        Self {
            mode: SecurityMode::RawPublicKey,
            public_key_or_identity: public,
            secret_key: private,
            server_public_key: server,
            ..Self::NONE
        }
    }

    /// The own certificate in DER, followed by those that certify it if the server needs them; its private key; and a
    /// certificate, or its digest, by which the server's is judged: the server's own unless
    /// [`certificate_usage`](Self::certificate_usage) says otherwise.
    pub const fn certificate(own: &'a [u8], private: &'a [u8], server: &'a [u8]) -> Self {
        Self {
            mode: SecurityMode::Certificate,
            public_key_or_identity: own,
            secret_key: private,
            server_public_key: server,
            ..Self::NONE
        }
    }
}

impl core::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Credentials").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl core::fmt::Debug for ServerSettings<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ServerSettings")
            .field("uri", &self.uri)
            .field("short_server_id", &self.short_server_id)
            .field("lifetime_s", &self.lifetime_s)
            .finish_non_exhaustive()
    }
}

/// Why a server was not added. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddServerError {
    /// The URI is longer than `servers.uri_length` of config.toml.
    UriTooLong,
    /// The identity or own public key is longer than `security.identity_length` of config.toml.
    IdentityTooLong,
    /// The server's key is longer than `security.server_key_length` of config.toml.
    ServerKeyTooLong,
    /// The secret key is longer than `security.secret_key_length` of config.toml.
    SecretKeyTooLong,
    /// The server name is longer than `security.server_name_length` of config.toml.
    ServerNameTooLong,
    /// There are more cipher suites than `security.suite_count` of config.toml.
    TooManySuites,
    /// The short server id is 0 or 65535, or another server has it.
    InvalidShortServerId,
    /// There are as many servers as `servers.count` of config.toml allows.
    TooManyServers,
}

impl AddServerError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UriTooLong => "the server URI is longer than servers.uri_length in config.toml",
            Self::IdentityTooLong => {
                "the identity or public key is longer than security.identity_length in config.toml"
            }
            Self::ServerKeyTooLong => {
                "the server's public key is longer than security.server_key_length in config.toml"
            }
            Self::SecretKeyTooLong => {
                "the secret key is longer than security.secret_key_length in config.toml"
            }
            Self::ServerNameTooLong => {
                "the server name is longer than security.server_name_length in config.toml"
            }
            Self::TooManySuites => {
                "there are more cipher suites for the server than security.suite_count in config.toml"
            }
            Self::InvalidShortServerId => {
                "the short server id must be 1 to 65534, and another one for each server"
            }
            Self::TooManyServers => "there is no room for another server: raise servers.count in config.toml",
        }
    }
}

impl core::fmt::Display for AddServerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for AddServerError {}
