//! What resuming a session needs (RFC 5246 section 7.4.1.2), bound to the server and credentials it was made with.

use super::first_hello::FirstHello;
use crate::codec::copy;
use crate::credentials::{Credentials, Security};
use crate::handshake::MASTER;
use crate::profile::{Bytes, Linked, Profile};
use crate::provider::sha256::{self, Sha256};
use crate::secret::verdict;
use crate::suite::CipherSuite;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of the digest that binds a session.
pub(super) const BINDING: usize = 16;

/// What is in the place of a session.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Held {
    /// None that can be resumed.
    Nothing,
    /// The beginning of one, and in the place of its master secret the id that was in our hello, its length last: the server
    /// did not take that up, but the hello may have to go out again as it was.
    Declined,
    /// One that was completed: it can be resumed.
    Complete,
}

/// The session of the present or the last handshake. The empty value is all zero bytes.
pub(super) struct Session<P: Profile> {
    held: Held,
    pub(super) extended_master_secret: bool,
    /// How handshakes with the server begin.
    pub(super) first_hello: FirstHello,
    id_len: u8,
    suite: u16,
    binding: [u8; BINDING],
    id: P::SessionId,
    /// The master secret; before it is derived, in turn: the id that was declined, and the shared secret of the key exchange.
    pub(super) master: [u8; MASTER],
}

impl<P: Profile> Session<P> {
    pub(super) const EMPTY: Self = Self {
        held: Held::Nothing,
        extended_master_secret: false,
        first_hello: FirstHello::UNTRIED,
        id_len: 0,
        suite: 0,
        binding: [0; BINDING],
        id: P::SessionId::EMPTY,
        master: [0; MASTER],
    };

    /// Forgets the session, but not what it is bound to.
    pub(super) fn forget(&mut self) {
        self.held = Held::Nothing;
        self.id_len = 0;
        self.master.zeroize();
    }

    /// Forgets a session whose handshake did not come to its end.
    pub(super) fn forget_unfinished(&mut self) {
        if !self.is_complete() {
            self.forget();
        }
    }

    /// Binds to a server and credentials; a session that was bound otherwise is forgotten.
    pub(super) fn bind(&mut self, security: &Security<'_>) {
        let binding = binding_of(security);
        self.forget_unfinished();
        if !verdict(self.binding.ct_eq(&binding)) {
            self.forget();
            self.binding = binding;
            if P::SHORT_FIRST_HELLO {
                self.first_hello = FirstHello::UNTRIED;
            }
        }
    }

    /// The session that is offered to the server, or was in the hello that it has answered: its id; empty for none.
    pub(super) fn offered(&self, security: &Security<'_>) -> &[u8] {
        let usable = P::RESUMPTION
            && self.is_complete()
            && self.suite().is_some_and(|suite| security.offer(P::SUITES).any(|offered| offered == suite));
        match self.master.split_last() {
            _ if usable => self.id(),
            Some((length, id)) if P::RESUMPTION && self.held == Held::Declined => {
                id.get(..(*length).into()).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// The hello will not go out again.
    pub(super) fn forget_declined(&mut self) {
        if self.held == Held::Declined {
            self.held = Held::Nothing;
        }
    }

    pub(super) fn id(&self) -> &[u8] {
        self.id.bytes().get(..self.id_len.into()).unwrap_or_default()
    }

    pub(super) fn suite(&self) -> Option<CipherSuite> {
        P::SUITES.iter().copied().find(|suite| suite.number() == self.suite)
    }

    pub(super) const fn is_complete(&self) -> bool {
        matches!(self.held, Held::Complete)
    }

    pub(super) const fn binding(&self) -> &[u8; BINDING] {
        &self.binding
    }

    /// A new session, with the id that the server gave it (empty when it cannot be resumed), in place of the one that was
    /// offered, if any.
    pub(super) fn start(&mut self, id: &[u8], suite: CipherSuite, offered: bool) {
        let (declined, declined_len) = (self.id, self.id_len);
        self.forget();
        if P::RESUMPTION
            && offered
            && let Some((length, place)) = self.master.split_last_mut()
        {
            copy(place, declined.bytes());
            *length = declined_len;
            self.held = Held::Declined;
        }
        self.suite = suite.number();
        if let Some(place) = self.id.bytes_mut().get_mut(..id.len()) {
            copy(place, id);
            self.id_len = id.len() as u8;
        }
    }

    /// The handshake is complete: keeps what can be resumed, and nothing else.
    pub(super) fn finish(&mut self, extended_master_secret: bool) {
        self.extended_master_secret = extended_master_secret;
        let resumable = P::RESUMPTION && self.id_len != 0;
        self.held = if resumable { Held::Complete } else { Held::Nothing };
        if !resumable {
            self.master.zeroize();
        }
    }

    /// Takes a session from storage.
    pub(super) fn load(
        &mut self,
        id: &[u8],
        suite: CipherSuite,
        extended_master_secret: bool,
        master: &[u8; MASTER],
    ) {
        self.start(id, suite, false);
        self.master = *master;
        self.finish(extended_master_secret);
    }
}

impl<P: Profile> Drop for Session<P> {
    fn drop(&mut self) {
        self.master.zeroize();
    }
}

/// A digest over everything that must be the same for a session to be resumed.
pub(super) fn binding_of(security: &Security<'_>) -> [u8; BINDING] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u32).to_be_bytes());
        hash.update(bytes);
    };
    part(security.server);
    match &security.credentials {
        Credentials::Psk(psk) => {
            part(b"psk");
            part(psk.identity());
            // Only a digest of the key: this one is stored.
            part(&sha256::digest(&[b"coracle psk", psk.key()]));
        }
        Credentials::RawPublicKey(keys) => {
            part(b"rpk");
            part(keys.own.point());
            part(keys.server.point());
        }
        Credentials::Certificate(certificate) => {
            part(b"x509");
            part(certificate.own.and_then(|(_, chain)| chain.first().copied()).unwrap_or_default());
            let server = &certificate.server;
            part(&[server.usage as u8, server.any_name.into(), server.common_name.into()]);
            part(server.expected());
            // What was trusted then may not be trusted any more.
            let store = if server.needs_store() { server.trust_store } else { &[] };
            part(&(store.len() as u32).to_be_bytes());
            store.iter().for_each(|certificate| part(certificate));
        }
    }
    // What a certificate was checked for, and which of several servers at an address answered.
    if let Some(name) = security.server_name {
        name.visit(&mut part);
    }
    let mut binding = [0; BINDING];
    copy(&mut binding, &hash.digest());
    binding
}
