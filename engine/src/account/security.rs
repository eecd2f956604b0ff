//! Object 0: how a server is reached and trusted (LwM2M Core appendix E.1).

use coracle_objects_derive::Object;

use super::buffer::BoundedResource;
use super::padded::{PaddedNumbers, PaddedText};
use crate::model::Changes;
use crate::profile::Profile;

/// Resource 2 of object 0: how the traffic is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityMode {
    /// 0: DTLS with a pre-shared key.
    PreSharedKey,
    /// 1: DTLS with raw public keys.
    RawPublicKey,
    /// 2: DTLS with certificates.
    Certificate,
    /// 3: plain CoAP.
    NoSec,
}

impl SecurityMode {
    /// The value of the resource.
    pub const fn number(self) -> u8 {
        match self {
            Self::PreSharedKey => 0,
            Self::RawPublicKey => 1,
            Self::Certificate => 2,
            Self::NoSec => 3,
        }
    }

    /// The mode with this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::PreSharedKey,
            1 => Self::RawPublicKey,
            2 => Self::Certificate,
            3 => Self::NoSec,
            _ => return None,
        })
    }
}

/// Resource 15 of object 0: what the server's certificate has to do with resource 4 (RFC 6698 section 2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateUsage {
    /// 0: resource 4 is a CA, which must be part of a chain that ends in the trust store.
    CaConstraint,
    /// 1: resource 4 is the server's certificate, whose chain must end in the trust store.
    ServiceCertificateConstraint,
    /// 2: resource 4 is the CA that the chain must end in.
    TrustAnchorAssertion,
    /// 3: resource 4 is the server's certificate; no chain is looked at.
    DomainIssuedCertificate,
}

impl CertificateUsage {
    /// The value of the resource.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Resource 13 of object 0: how the certificate in resource 4 is compared (RFC 6698 section 2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchingType {
    /// 0: resource 4 is the certificate.
    Exact,
    /// 1: resource 4 is its SHA-256 digest.
    Sha256,
    /// 2: resource 4 is its SHA-384 digest.
    Sha384,
    /// 3: resource 4 is its SHA-512 digest.
    Sha512,
}

impl MatchingType {
    /// The value of the resource.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// An instance of object 0. Servers cannot see it (4.01); a bootstrap server may write it.
#[derive(Object)]
#[lwm2m(id = 0, version = "1.1", crate = crate)]
pub struct Security<P: Profile> {
    /// `coap://host:port` or `coaps://host:port`
    #[lwm2m(id = 0, ops = "")]
    uri: BoundedResource<P::Uri, true>,
    #[lwm2m(id = 1, ops = "")]
    bootstrap: bool,
    #[lwm2m(id = 2, ops = "")]
    mode: u8,
    #[lwm2m(id = 3, ops = "")]
    identity: BoundedResource<P::Identity, false>,
    #[lwm2m(id = 4, ops = "")]
    server_key: BoundedResource<P::ServerKey, false>,
    #[lwm2m(id = 5, ops = "")]
    secret_key: BoundedResource<P::SecretKey, false>,
    #[lwm2m(id = 10, ops = "")]
    short_server_id: u16,
    #[lwm2m(id = 13, ops = "", unsigned)]
    matching_type: Option<u8>,
    #[lwm2m(id = 14, ops = "")]
    server_name: PaddedText<P::ServerName>,
    #[lwm2m(id = 15, ops = "", unsigned)]
    certificate_usage: Option<u8>,
    #[lwm2m(id = 16, ops = "", unsigned)]
    suites: PaddedNumbers<P::SuiteNumbers>,
    changes: Changes,
}

impl<P: Profile> Security<P> {
    pub(crate) const EMPTY: Self = Self {
        uri: BoundedResource::EMPTY,
        bootstrap: false,
        mode: 0,
        identity: BoundedResource::EMPTY,
        server_key: BoundedResource::EMPTY,
        secret_key: BoundedResource::EMPTY,
        short_server_id: 0,
        matching_type: None,
        server_name: PaddedText::EMPTY,
        certificate_usage: None,
        suites: PaddedNumbers::EMPTY,
        changes: Changes::NONE,
    };

    /// The server's URI.
    pub fn server_uri(&self) -> &str {
        self.uri.value.as_str()
    }

    /// How the traffic is secured; `None` for a number that is no mode.
    pub const fn security_mode(&self) -> Option<SecurityMode> {
        SecurityMode::from_number(self.mode)
    }

    /// The PSK identity, the own public key or the own certificate.
    pub fn public_key_or_identity(&self) -> &[u8] {
        self.identity.value.as_slice()
    }

    /// The server's public key or certificate.
    pub fn server_public_key(&self) -> &[u8] {
        self.server_key.value.as_slice()
    }

    /// The pre-shared key or the own private key.
    pub fn secret(&self) -> &[u8] {
        self.secret_key.value.as_slice()
    }

    /// How the server's certificate is compared; a certificate itself when nothing is said.
    pub fn matching_type_number(&self) -> u8 {
        self.matching_type.unwrap_or(MatchingType::Exact.number())
    }

    /// What the server's certificate has to be; the one in resource 4 when nothing is said.
    pub fn certificate_usage_number(&self) -> u8 {
        self.certificate_usage.unwrap_or(CertificateUsage::DomainIssuedCertificate.number())
    }

    /// The name to indicate to the server and to compare its certificate with; `None` for the host of the URI.
    pub fn indicated_name(&self) -> Option<&str> {
        self.server_name.as_str()
    }

    /// The numbers of the cipher suites to offer, the preferred one first; empty for all. A 0 is no suite.
    pub fn suite_numbers(&self) -> &[u16] {
        self.suites.as_slice()
    }

    /// Erases the keys.
    pub(crate) fn erase(&mut self) {
        self.secret_key.value.erase();
        self.identity.value.erase();
    }

    pub(crate) fn fill(&mut self, settings: &super::ServerSettings<'_>) -> Result<(), super::AddServerError> {
        use super::AddServerError::{
            IdentityTooLong, SecretKeyTooLong, ServerKeyTooLong, ServerNameTooLong, TooManySuites, UriTooLong,
        };
        let stored = |buffer: bool, error| if buffer { Ok(()) } else { Err(error) };
        let credentials = &settings.credentials;
        stored(self.uri.value.set(settings.uri.as_bytes()), UriTooLong)?;
        stored(self.identity.value.set(credentials.public_key_or_identity), IdentityTooLong)?;
        stored(self.server_key.value.set(credentials.server_public_key), ServerKeyTooLong)?;
        stored(self.secret_key.value.set(credentials.secret_key), SecretKeyTooLong)?;
        let name = credentials.server_name.unwrap_or_default();
        stored(self.server_name.set(name.as_bytes()), ServerNameTooLong)?;
        stored(self.suites.set(credentials.suites), TooManySuites)?;
        self.mode = credentials.mode.number();
        self.short_server_id = settings.short_server_id;
        self.matching_type = credentials.matching_type.map(MatchingType::number);
        self.certificate_usage = credentials.certificate_usage.map(CertificateUsage::number);
        Ok(())
    }
}

impl<P: Profile> core::fmt::Debug for Security<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Security")
            .field("uri", &self.server_uri())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{AddServerError, Credentials, ServerSettings};
    use crate::model::{Defined, Instance, Operations, Type};
    use crate::tests::TestProfile;

    fn filled(credentials: Credentials<'_>) -> Result<Security<TestProfile>, AddServerError> {
        let settings = ServerSettings {
            uri: "coaps://host",
            short_server_id: 1,
            lifetime_s: 60,
            store_notifications: false,
            credentials,
        };
        let mut security = Security::EMPTY;
        security.fill(&settings).map(|()| security)
    }

    #[test]
    fn name_and_suites_are_resources_when_they_are_given() {
        let without = filled(Credentials::psk(b"me", b"key")).unwrap();
        assert!(!without.contains(14) && !without.contains(16));
        assert_eq!((without.indicated_name(), without.suite_numbers()), (None, &[][..]));
        let credentials = Credentials {
            server_name: Some("host.example"),
            suites: &[[0x00, 0xAE], [0xC0, 0xA8]],
            ..Credentials::psk(b"me", b"key")
        };
        let with = filled(credentials).unwrap();
        assert!(with.contains(14) && with.contains(16));
        assert_eq!((with.resource_instance(16, 1), with.resource_instance(16, 2)), (Some(1), None));
        assert_eq!(
            (with.indicated_name(), with.suite_numbers()),
            (Some("host.example"), &[0xAE, 0xC0A8][..])
        );
        let longer = Credentials { server_name: Some("server.example"), ..credentials };
        assert_eq!(filled(longer).err(), Some(AddServerError::ServerNameTooLong));
        let more = Credentials { suites: &[[0xC0, 0xA8]; 4], ..credentials };
        assert_eq!(filled(more).err(), Some(AddServerError::TooManySuites));
    }

    /// As in the OMA's definition of object 0.
    #[test]
    fn name_and_suites_are_defined() {
        let definition = Security::<TestProfile>::DEFINITION;
        for (id, kind, multiple) in [(14, Type::String, false), (16, Type::Unsigned, true)] {
            let (_, resource) = definition.resource(id).unwrap();
            assert_eq!((resource.kind, resource.multiple, resource.mandatory), (kind, multiple, false));
            assert_eq!(resource.operations, Operations::NONE);
        }
    }
}
