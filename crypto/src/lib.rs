//! DTLS 1.2 (RFC 6347) without I/O, without a heap, without `unsafe`: the client that LwM2M devices need, and behind
//! the feature `server` the other side of it for tests and local servers.
#![no_std]

#[cfg(any(test, all(feature = "constant-time-check", not(target_os = "none"))))]
extern crate std;

mod alert;
mod client;
mod codec;
mod credentials;
mod drbg;
mod event;
mod handshake;
#[cfg(feature = "constant-time-check")]
#[doc(hidden)]
pub mod internals;
mod link;
mod profile;
pub mod profiles;
mod provider;
mod record;
mod rng;
mod secret;
#[cfg(feature = "server")]
pub mod server;
mod suite;
mod time;
mod x509;

pub use alert::Alert;
pub use client::{CONTEXT_LEN, ConnectError, Connection, ExportError, Records, RestoreError, SESSION_LEN};
pub use credentials::{
    Certificate, CertificateUsage, CredentialError, Credentials, MatchingType, PrivateKey, Psk, PublicKey,
    RawPublicKey, Requirement, Security, ServerCertificate, SignError, Signer,
};
pub use drbg::HmacDrbg;
pub use event::{AlertSeen, CloseReason, Connected, Event, FailureReason};
pub use handshake::timer::Backoff;
pub use link::{Options, SealError, TransmitError};
pub use profile::{Bytes, Profile, Words, key_block_len};
pub use provider::{Aes128, Curve, CurveError, NoCurve, P256, SoftAes};
pub use rng::{Rng, RngError};
pub use suite::CipherSuite;
pub use time::Instant;
pub use x509::ServerName;
