//! The security settings of one server, put together for a call.

use super::{CredentialError, PrivateKey, Psk, PublicKey, ServerCertificate, Signer};
use crate::suite::{CipherSuite, KeyExchange};
use crate::x509::ServerName;

/// Our raw public key and the server's (RFC 7250).
#[derive(Clone, Copy)]
pub struct RawPublicKey<'a> {
    pub(crate) signer: &'a dyn Signer,
    pub(crate) own: &'a PublicKey,
    pub(crate) server: &'a PublicKey,
}

impl core::fmt::Debug for RawPublicKey<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RawPublicKey").field("server", self.server).finish_non_exhaustive()
    }
}

impl<'a> RawPublicKey<'a> {
    /// Our key pair, and the key that the server must have: it is compared in full.
    pub const fn new(signer: &'a dyn Signer, own: &'a PublicKey, server: &'a PublicKey) -> Self {
        Self { signer, own, server }
    }

    /// Checks once, at configuration time, that a private key belongs to `own`: one multiplication on the curve.
    ///
    /// # Errors
    /// When the two are no pair.
    pub fn check_pair(private: &PrivateKey, own: &PublicKey) -> Result<(), CredentialError> {
        if private.public_key()? == *own { Ok(()) } else { Err(CredentialError::KeysDoNotMatch) }
    }
}

/// Our certificate and what the server's must fulfil (RFC 5280).
#[derive(Clone, Copy)]
pub struct Certificate<'a> {
    pub(crate) own: Option<(&'a dyn Signer, &'a [&'a [u8]])>,
    pub(crate) server: ServerCertificate<'a>,
}

impl core::fmt::Debug for Certificate<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Certificate").field("server", &self.server).finish_non_exhaustive()
    }
}

impl<'a> Certificate<'a> {
    /// Our private key; our certificate in DER, followed by those that certify it (which may be left out when the
    /// server has them); and what the server's certificate must fulfil.
    ///
    /// # Errors
    /// When the chain is empty or cannot be read.
    pub fn new(
        signer: &'a dyn Signer,
        chain: &'a [&'a [u8]],
        server: ServerCertificate<'a>,
    ) -> Result<Self, CredentialError> {
        if chain.is_empty() {
            return Err(CredentialError::EmptyChain);
        }
        for certificate in chain {
            crate::x509::Parsed::new(certificate).map_err(|_| CredentialError::CertificateFormat)?;
        }
        Ok(Self { own: Some((signer, chain)), server })
    }

    /// Without a certificate of our own: only the server authenticates itself by DTLS.
    pub const fn server_only(server: ServerCertificate<'a>) -> Self {
        Self { own: None, server }
    }

    /// The first of certificates in DER that lie one behind the other, as in object 0, and those behind it.
    pub fn split_first(chain: &[u8]) -> Option<(&[u8], &[u8])> {
        // Of its header: whether it is a certificate is looked at where it is used.
        let length = match chain {
            [0x30, length @ 0..=0x7f, ..] => 2 + usize::from(*length),
            [0x30, 0x81, length, ..] => 3 + usize::from(*length),
            [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => return None,
        };
        chain.split_at_checked(length)
    }

    /// Checks once, at configuration time, that a private key belongs to our certificate: one multiplication on the
    /// curve.
    ///
    /// # Errors
    /// When the two are no pair, or the certificate cannot be read.
    pub fn check_pair(private: &PrivateKey, certificate: &[u8]) -> Result<(), CredentialError> {
        let parsed = crate::x509::Parsed::new(certificate).map_err(|_| CredentialError::CertificateFormat)?;
        let public = parsed.public_key().map_err(|_| CredentialError::CertificateAlgorithm)?;
        if private.public_key()?.point() == &public { Ok(()) } else { Err(CredentialError::KeysDoNotMatch) }
    }
}

/// What we authenticate with, and how the server does.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// A pre-shared key: LwM2M security mode 0.
    Psk(Psk<'a>),
    /// Raw public keys: LwM2M security mode 1.
    RawPublicKey(RawPublicKey<'a>),
    /// Certificates: LwM2M security mode 2.
    Certificate(Certificate<'a>),
}

impl Credentials<'_> {
    /// Whether a suite with this key exchange works with these credentials.
    pub(crate) const fn fit(&self, key_exchange: KeyExchange) -> bool {
        let psk = matches!(self, Self::Psk(_));
        let certified = matches!(key_exchange, KeyExchange::EcdheEcdsa);
        psk != certified
    }
}

impl core::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Psk(_) => "Psk(..)",
            Self::RawPublicKey(_) => "RawPublicKey(..)",
            Self::Certificate(_) => "Certificate(..)",
        })
    }
}

/// Whether the peer must know an extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Requirement {
    /// Without it the handshake fails.
    #[default]
    Required,
    /// It is offered; the peer may do without.
    Optional,
}

/// The security settings of one server. Made for each call from what the caller stores; must say the same during a
/// whole handshake.
#[derive(Clone, Copy, Debug)]
pub struct Security<'a> {
    /// What tells this server from the others, for instance its host name and port: a session is only ever resumed
    /// with the server, and with the credentials, that it was made with.
    pub server: &'a [u8],
    /// Keys or certificates.
    pub credentials: Credentials<'a>,
    /// The name of the server: sent as server name indication (RFC 6066 section 3) when it is a DNS name, and compared
    /// with the server's certificate.
    pub server_name: Option<ServerName<'a>>,
    /// The numbers of the suites to offer, in this order (LwM2M `/0/x/16`); those that the profile does not have are
    /// left out. Empty for all suites of the profile that fit the credentials.
    pub suites: &'a [u16],
    /// Whether the server must know the extended master secret (RFC 7627).
    pub extended_master_secret: Requirement,
    /// Seconds since 1970-01-01T00:00:00Z, when known: certificates are then checked against it.
    pub unix_time: Option<u64>,
}

impl<'a> Security<'a> {
    /// Settings with the defaults: no server name, all suites, extended master secret required, no wall clock.
    pub const fn new(server: &'a [u8], credentials: Credentials<'a>) -> Self {
        Self {
            server,
            credentials,
            server_name: None,
            suites: &[],
            extended_master_secret: Requirement::Required,
            unix_time: None,
        }
    }

    /// The suites to offer, in order, out of those of the profile.
    pub(crate) fn offer(&self, profile: &'static [CipherSuite]) -> impl Iterator<Item = CipherSuite> + '_ {
        let chosen = self
            .suites
            .iter()
            .filter_map(|number| profile.iter().copied().find(|suite| suite.number() == *number));
        let all = if self.suites.is_empty() { profile } else { &[] };
        let credentials = self.credentials;
        chosen.chain(all.iter().copied()).filter(move |suite| credentials.fit(suite.key_exchange()))
    }
}
