//! What a device proves itself with.

use coracle::{CertificateUsage, Credentials, MatchingType, SecurityMode};

/// The credentials for one server; plain CoAP by default.
#[derive(Clone, Default)]
pub struct Keys {
    mode: Option<SecurityMode>,
    own: Vec<u8>,
    secret: Vec<u8>,
    server: Vec<u8>,
    usage: Option<CertificateUsage>,
}

impl Keys {
    /// A pre-shared key.
    pub fn psk(identity: &str, key: &[u8]) -> Self {
        let mode = Some(SecurityMode::PreSharedKey);
        Self { mode, own: identity.into(), secret: key.into(), ..Self::default() }
    }

    /// The own key pair, and the public key of the server.
    pub fn raw_public_key(public: &[u8], private: &[u8], server: &[u8]) -> Self {
        let mode = Some(SecurityMode::RawPublicKey);
        Self { mode, own: public.into(), secret: private.into(), server: server.into(), usage: None }
    }

    /// The own certificate and key, and the authority that must have certified the server.
    pub fn certified_by(own: &[u8], private: &[u8], authority: &[u8]) -> Self {
        let (mode, usage) = (Some(SecurityMode::Certificate), Some(CertificateUsage::TrustAnchorAssertion));
        Self { mode, own: own.into(), secret: private.into(), server: authority.into(), usage }
    }

    /// The own certificate and key, and the certificate that the server must have.
    pub fn pinned(own: &[u8], private: &[u8], server: &[u8]) -> Self {
        let usage = Some(CertificateUsage::DomainIssuedCertificate);
        Self { usage, ..Self::certified_by(own, private, server) }
    }

    pub(crate) fn credentials(&self) -> Credentials<'_> {
        let (own, secret, server) = (&*self.own, &*self.secret, &*self.server);
        match self.mode {
            None | Some(SecurityMode::NoSec) => Credentials::NONE,
            Some(SecurityMode::PreSharedKey) => Credentials::psk(own, secret),
            Some(SecurityMode::RawPublicKey) => Credentials::raw_public_key(own, secret, server),
            Some(SecurityMode::Certificate) => Credentials {
                certificate_usage: self.usage,
                matching_type: Some(MatchingType::Exact),
                ..Credentials::certificate(own, secret, server)
            },
        }
    }
}

impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Keys").field("mode", &self.mode).finish_non_exhaustive()
    }
}
