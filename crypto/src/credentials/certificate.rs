//! What the server's certificate must fulfil.

use super::CredentialError;
use crate::provider::sha256;

/// Certificate usage (LwM2M `/0/x/15`, after RFC 6698 section 2.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateUsage {
    /// 0: the chain ends in the trust store, and the given CA certificate is part of it.
    CaConstraint,
    /// 1: the chain ends in the trust store, and the given certificate is the server's.
    ServiceCertificateConstraint,
    /// 2: the given certificate is the trust anchor, the only one.
    TrustAnchorAssertion,
    /// 3: the given certificate is the server's. No chain is built and no name is compared.
    #[default]
    DomainIssuedCertificate,
}

impl CertificateUsage {
    /// From the number of the resource.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::CaConstraint),
            1 => Some(Self::ServiceCertificateConstraint),
            2 => Some(Self::TrustAnchorAssertion),
            3 => Some(Self::DomainIssuedCertificate),
            _ => None,
        }
    }
}

/// How the given certificate is compared (LwM2M `/0/x/13`, after RFC 6698 section 2.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatchingType {
    /// 0: the certificate itself.
    #[default]
    Exact,
    /// 1: its SHA-256 digest.
    Sha256,
    /// 2: its SHA-384 digest.
    #[cfg(feature = "sha384")]
    Sha384,
    /// 3: its SHA-512 digest.
    #[cfg(feature = "sha384")]
    Sha512,
}

impl MatchingType {
    /// From the number of the resource; `None` also for digests that are not compiled in (feature `sha384`).
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Exact),
            1 => Some(Self::Sha256),
            #[cfg(feature = "sha384")]
            2 => Some(Self::Sha384),
            #[cfg(feature = "sha384")]
            3 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// What the server's certificate must fulfil.
#[derive(Clone, Copy)]
pub struct ServerCertificate<'a> {
    pub(crate) usage: CertificateUsage,
    matching: MatchingType,
    expected: &'a [u8],
    pub(crate) trust_store: &'a [&'a [u8]],
    pub(crate) any_name: bool,
    pub(crate) common_name: bool,
}

impl<'a> ServerCertificate<'a> {
    /// Usage and matching type of `expected` (LwM2M `/0/x/4`): a certificate in DER, or its digest. The trust store
    /// (CA certificates in DER) is needed for usages 0 and 1.
    ///
    /// # Errors
    /// When something that the usage needs is missing or cannot be read.
    pub fn new(
        usage: CertificateUsage,
        matching: MatchingType,
        expected: &'a [u8],
        trust_store: &'a [&'a [u8]],
    ) -> Result<Self, CredentialError> {
        if expected.is_empty() {
            return Err(CredentialError::NoServerCertificate);
        }
        let digest_len = match matching {
            MatchingType::Exact => expected.len(),
            MatchingType::Sha256 => 32,
            #[cfg(feature = "sha384")]
            MatchingType::Sha384 => 48,
            #[cfg(feature = "sha384")]
            MatchingType::Sha512 => 64,
        };
        if expected.len() != digest_len {
            return Err(CredentialError::DigestLength);
        }
        let this = Self { usage, matching, expected, trust_store, any_name: false, common_name: false };
        if this.needs_store() && trust_store.is_empty() {
            return Err(CredentialError::NoTrustStore);
        }
        let exact = matching == MatchingType::Exact;
        // Where it is not asked, what is in the store does not matter.
        let store = if this.needs_store() { trust_store } else { &[] };
        let given = store.iter().copied().chain(exact.then_some(expected));
        for certificate in given {
            let parsed =
                crate::x509::Parsed::new(certificate).map_err(|_| CredentialError::CertificateFormat)?;
            parsed.public_key().map_err(|_| CredentialError::CertificateAlgorithm)?;
        }
        Ok(this)
    }

    /// Any server whose certificate fulfils the rest is right, whatever its name: only sensible where the trust
    /// anchor certifies no one but the right servers.
    #[must_use]
    pub const fn allow_any_name(mut self) -> Self {
        self.any_name = true;
        self
    }

    /// A certificate without DNS names may carry the server's name as the common name of its subject (deprecated by
    /// RFC 6125, found in old installations).
    #[must_use]
    pub const fn allow_common_name(mut self) -> Self {
        self.common_name = true;
        self
    }

    /// Whether a certificate is the expected one: compared as a whole, never by subject or issuer.
    pub(crate) fn is_expected(&self, certificate: &[u8]) -> bool {
        match self.matching {
            MatchingType::Exact => certificate == self.expected,
            MatchingType::Sha256 => sha256::digest(&[certificate]) == self.expected,
            #[cfg(feature = "sha384")]
            MatchingType::Sha384 => crate::provider::sha512::digest_384(certificate) == self.expected,
            #[cfg(feature = "sha384")]
            MatchingType::Sha512 => crate::provider::sha512::digest_512(certificate) == self.expected,
        }
    }

    /// The expected certificate itself, when it was given and not only its digest.
    pub(crate) fn certificate(&self) -> Option<&'a [u8]> {
        (self.matching == MatchingType::Exact).then_some(self.expected)
    }

    /// What sessions are bound to.
    pub(crate) const fn expected(&self) -> &'a [u8] {
        self.expected
    }

    /// Whether the chain has to end in the trust store.
    pub(crate) const fn needs_store(&self) -> bool {
        matches!(self.usage, CertificateUsage::CaConstraint | CertificateUsage::ServiceCertificateConstraint)
    }

    pub(crate) const fn is_named(&self) -> bool {
        self.any_name || matches!(self.usage, CertificateUsage::DomainIssuedCertificate)
    }
}

impl core::fmt::Debug for ServerCertificate<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ServerCertificate").field("usage", &self.usage).finish_non_exhaustive()
    }
}
