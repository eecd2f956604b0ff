//! What a connection authenticates with. Everything is borrowed: it lives in the caller's security settings.

mod certificate;
mod key;
mod psk;
mod security;

pub use certificate::{CertificateUsage, MatchingType, ServerCertificate};
pub(crate) use key::spki;
pub use key::{PrivateKey, PublicKey, SignError, Signer};
pub use psk::Psk;
pub use security::{Certificate, Credentials, RawPublicKey, Requirement, Security};

/// Why a credential cannot be used: a fault of the configuration, found before any handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// The PSK identity is longer than 128 bytes.
    IdentityTooLong,
    /// The pre-shared key is empty.
    EmptyKey,
    /// The pre-shared key is longer than 64 bytes.
    KeyTooLong,
    /// A private key is neither PKCS#8, nor SEC 1, nor 32 bytes.
    PrivateKeyFormat,
    /// A private key is for another algorithm or curve than P-256.
    PrivateKeyAlgorithm,
    /// A private key is zero or not smaller than the order of the curve.
    PrivateKeyRange,
    /// A public key is neither a SubjectPublicKeyInfo nor an uncompressed point.
    PublicKeyFormat,
    /// A public key is for another algorithm or curve than P-256, or is compressed.
    PublicKeyAlgorithm,
    /// A public key is not a point of the curve.
    PublicKeyNotOnCurve,
    /// The private key and the public key are no pair.
    KeysDoNotMatch,
    /// The certificate chain is empty.
    EmptyChain,
    /// A certificate cannot be read.
    CertificateFormat,
    /// A certificate has another key than P-256.
    CertificateAlgorithm,
    /// Certificate usage 0 or 1 needs a trust store.
    NoTrustStore,
    /// The expected certificate, key or digest of the server is missing.
    NoServerCertificate,
    /// The digest of the expected certificate has the wrong length for its matching type.
    DigestLength,
    /// Certificate usage 0 to 2 needs the server's name (or a conscious "any name").
    NoServerName,
}

impl CredentialError {
    /// The fault and its remedy in a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::IdentityTooLong => "the PSK identity has more than 128 bytes",
            Self::EmptyKey => "the pre-shared key is empty",
            Self::KeyTooLong => "the pre-shared key has more than 64 bytes",
            Self::PrivateKeyFormat => {
                "the private key is neither PKCS#8 DER, nor SEC 1 DER, nor a 32-byte scalar"
            }
            Self::PrivateKeyAlgorithm => "the private key is not an elliptic-curve key on P-256",
            Self::PrivateKeyRange => "the private key is zero or larger than the order of P-256",
            Self::PublicKeyFormat => {
                "the public key is neither a SubjectPublicKeyInfo in DER nor a 65-byte uncompressed point"
            }
            Self::PublicKeyAlgorithm => "the public key is not an uncompressed elliptic-curve key on P-256",
            Self::PublicKeyNotOnCurve => "the public key is not a point of P-256",
            Self::KeysDoNotMatch => "the private key does not belong to the public key or certificate",
            Self::EmptyChain => "there is no certificate: give at least our own",
            Self::CertificateFormat => "a certificate is not X.509 in DER",
            Self::CertificateAlgorithm => "a certificate has no P-256 key",
            Self::NoTrustStore => "certificate usage 0 or 1 needs a trust store, and none is given",
            Self::NoServerCertificate => {
                "the server's certificate (or its digest) is missing: nothing to trust"
            }
            Self::DigestLength => {
                "the digest of the server's certificate does not fit its matching type: 32 bytes for SHA-256; 48 and 64 for SHA-384 and SHA-512, which need the feature sha384"
            }
            Self::NoServerName => "the server's name is missing: give it, or say that any name will do",
        }
    }
}

impl core::fmt::Display for CredentialError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for CredentialError {}
