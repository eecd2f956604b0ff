//! What a server authenticates with, and whom it accepts.

use super::Sessions;
use crate::codec::copy;
use crate::credentials::{Psk, PublicKey, Requirement, Signer};
use crate::provider::p256::POINT;
use crate::suite::{CipherSuite, KeyExchange};

/// The pre-shared keys of a server's clients.
pub trait PskLookup {
    /// The key of an identity, if there is such a client.
    fn key(&self, identity: &[u8]) -> Option<&[u8]>;
}

/// The raw public keys of a server's clients.
pub trait KeyLookup {
    /// Whether there is a client with this key.
    fn is_known(&self, key: &PublicKey) -> bool;
}

/// The server's own key.
#[derive(Clone, Copy)]
pub struct OwnKey<'a> {
    /// Signs with it.
    pub signer: &'a dyn Signer,
    /// The public half: sent to clients that want raw public keys.
    pub public: &'a PublicKey,
    /// The certificate for it and those above, in DER: sent to the others. Empty to refuse them.
    pub chain: &'a [&'a [u8]],
}

impl core::fmt::Debug for OwnKey<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OwnKey").field("public", self.public).finish_non_exhaustive()
    }
}

/// What a server authenticates with, and whom it accepts.
#[derive(Clone, Copy)]
pub struct Config<'a> {
    /// Clients with pre-shared keys.
    pub psk: Option<&'a dyn PskLookup>,
    /// Our key, for clients with raw public keys or certificates.
    pub own: Option<OwnKey<'a>>,
    /// Clients with raw public keys, which must then show theirs.
    pub raw_clients: Option<&'a dyn KeyLookup>,
    /// The certificate in DER that certifies our clients, which must then show theirs.
    pub client_ca: Option<&'a [u8]>,
    /// The numbers of the suites to choose from, in this order; empty for all of the profile.
    pub suites: &'a [u16],
    /// Whether clients must know the extended master secret.
    pub extended_master_secret: Requirement,
    /// Where sessions are kept; `None` not to resume.
    pub sessions: Option<&'a dyn Sessions>,
    /// Seconds since 1970, when known.
    pub unix_time: Option<u64>,
}

impl<'a> Config<'a> {
    /// Nobody is accepted yet.
    pub const NOBODY: Config<'static> = Config {
        psk: None,
        own: None,
        raw_clients: None,
        client_ca: None,
        suites: &[],
        extended_master_secret: Requirement::Required,
        sessions: None,
        unix_time: None,
    };

    /// A server for clients with pre-shared keys.
    pub const fn with_psk(psk: &'a dyn PskLookup) -> Self {
        Self { psk: Some(psk), ..Self::NOBODY }
    }

    /// The suites to choose from, in order.
    pub(super) fn suites(&self, profile: &'static [CipherSuite]) -> impl Iterator<Item = CipherSuite> + '_ {
        let chosen = self
            .suites
            .iter()
            .filter_map(|number| profile.iter().copied().find(|suite| suite.number() == *number));
        let all = if self.suites.is_empty() { profile } else { &[] };
        chosen.chain(all.iter().copied()).filter(|suite| match suite.key_exchange() {
            KeyExchange::Psk | KeyExchange::EcdhePsk => self.psk.is_some(),
            KeyExchange::EcdheEcdsa => self.own.is_some(),
        })
    }
}

impl core::fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Config").finish_non_exhaustive()
    }
}

/// Who a client is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    kind: Kind,
    len: u8,
    bytes: [u8; Psk::IDENTITY_MAX],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Nobody,
    Psk,
    RawKey,
    Certified,
}

impl Peer {
    pub(super) const NOBODY: Self = Self { kind: Kind::Nobody, len: 0, bytes: [0; Psk::IDENTITY_MAX] };

    pub(super) fn psk(identity: &[u8]) -> Self {
        Self::new(Kind::Psk, identity)
    }

    pub(super) fn key(point: &[u8; POINT], raw: bool) -> Self {
        Self::new(if raw { Kind::RawKey } else { Kind::Certified }, point)
    }

    /// Whether a client that was let in as this one may come back, without showing its key: one whose key was taken away must
    /// not come in by its old session, nor one that had to show none then, and now has to.
    pub(super) fn may_return(&self, config: &Config<'_>, must_show_key: bool) -> bool {
        match self.kind {
            Kind::Nobody => !must_show_key,
            Kind::Psk => config.psk.is_some_and(|clients| clients.key(self.bytes()).is_some()),
            Kind::RawKey => config.raw_clients.is_some_and(|clients| {
                PublicKey::parse(self.bytes()).is_ok_and(|key| clients.is_known(&key))
            }),
            Kind::Certified => config.client_ca.is_some(),
        }
    }

    fn new(kind: Kind, from: &[u8]) -> Self {
        let mut bytes = [0; Psk::IDENTITY_MAX];
        copy(&mut bytes, from);
        Self { kind, len: from.len().min(bytes.len()) as u8, bytes }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }

    /// The PSK identity of the client.
    pub fn psk_identity(&self) -> Option<&[u8]> {
        (self.kind == Kind::Psk).then(|| self.bytes())
    }

    /// The public key of the client, raw or from its certificate: an uncompressed point.
    pub fn public_key(&self) -> Option<&[u8]> {
        matches!(self.kind, Kind::RawKey | Kind::Certified).then(|| self.bytes())
    }
}

impl core::fmt::Debug for Peer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Peer").field(&self.kind).field(&self.bytes()).finish()
    }
}
