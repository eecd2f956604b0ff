//! The server half of DTLS 1.2: for tests, for the demo server, and for a local bootstrap server.
//!
//! It speaks what the client speaks, and is as small; it is not meant to face the open internet. One
//! [`Connection`] serves one client; which datagram belongs to which is the caller's business, by source address or,
//! with [`connection_id`], by connection ID. A client without a connection is first asked for a cookie by
//! [`Cookies`], which keeps no state.

mod cache;
mod config;
mod cookie;
mod flight;
mod hello;
mod keys;
mod receive;

pub use cache::{SessionCache, Sessions, StoredSession};
pub use config::{Config, KeyLookup, OwnKey, Peer, PskLookup};
pub use cookie::{Cookies, Verdict};

use crate::alert::{self, Alert};
use crate::event::{AlertSeen, CloseReason, Connected, Event, FailureReason, Fault};
use crate::handshake::reassembly::Reassembly;
use crate::handshake::{MASTER, RANDOM, VERIFY_DATA};
use crate::link::{Link, Options, SealError, headroom, tailroom};
use crate::profile::{Bytes, Linked, Profile};
use crate::provider::Curve;
use crate::provider::sha256::Sha256;
use crate::record::{Header, Side};
use crate::time::Instant;
use core::ops::Range;
use hello::Negotiated;
use zeroize::Zeroize;

/// Where the handshake stands, in the order of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// Nothing is going on.
    Idle,
    /// A `ClientHello` with a good cookie is next.
    ClientHello,
    /// To be done: draw random numbers, and sign.
    Prepare,
    /// The client's certificate or raw public key is next.
    ClientCertificate,
    /// Its key exchange is next.
    ClientKeyExchange,
    /// Its signature is next.
    CertificateVerify,
    /// Its `ChangeCipherSpec` and `Finished` are next.
    ClientFinished,
    /// The same in a resumed handshake, after ours.
    ResumedClientFinished,
    /// Our last flight is to be sent.
    LastFlight,
    /// Application data flows.
    Connected,
    /// Over; an alert may still have to be sent.
    Ended,
}

/// The session with one client. Its empty value is all zero bytes.
pub struct Connection<P: Profile> {
    core: Core<P>,
    reassembly: Reassembly<P::Reassembly>,
}

struct Core<P: Profile> {
    state: State,
    resumed: bool,
    time_checked: bool,
    /// The `message_seq` of our first message: that of the hello.
    first_seq: u16,
    negotiated: Negotiated,
    link: Link<P>,
    session: StoredSession,
    client_random: [u8; RANDOM],
    server_random: [u8; RANDOM],
    transcript: Sha256,
    own_finished: [u8; VERIFY_DATA],
    /// Our ephemeral secret and public key.
    scalar: [u8; 32],
    point: <P::Curve as Curve>::Point,
    /// The key of the client's certificate.
    client_point: <P::Curve as Curve>::Point,
    signature: <P::Curve as Curve>::Signature,
}

impl<P: Profile> Core<P> {
    const EMPTY: Self = Self {
        state: State::Idle,
        resumed: false,
        time_checked: false,
        first_seq: 0,
        negotiated: Negotiated::EMPTY,
        link: Link::EMPTY,
        session: StoredSession::EMPTY,
        client_random: [0; RANDOM],
        server_random: [0; RANDOM],
        transcript: Sha256::IDLE,
        own_finished: [0; VERIFY_DATA],
        scalar: [0; 32],
        point: <P::Curve as Curve>::Point::EMPTY,
        client_point: <P::Curve as Curve>::Point::EMPTY,
        signature: <P::Curve as Curve>::Signature::EMPTY,
    };

    fn forget_handshake(&mut self) {
        self.scalar.zeroize();
        self.session.master = [0; MASTER];
        self.signature.bytes_mut().zeroize();
        self.transcript = Sha256::IDLE;
    }

    fn fault(&mut self, fault: Fault) {
        self.link.send_alert(alert::FATAL, fault.alert);
        self.fail(fault.reason, AlertSeen::Sent(fault.alert));
    }

    fn fail(&mut self, reason: FailureReason, alert: AlertSeen) {
        self.link.failed(reason, alert);
        self.end();
    }

    fn closed(&mut self, reason: CloseReason, alert: AlertSeen) {
        self.link.closed(reason, alert);
        self.end();
    }

    fn end(&mut self) {
        self.state = State::Ended;
        self.forget_handshake();
    }

    /// The handshake is complete.
    fn connected(&mut self, config: &Config<'_>) {
        if let Some(sessions) = config.sessions
            && P::RESUMPTION
            && !self.resumed
        {
            sessions.save(&self.session);
        }
        self.state = State::Connected;
        self.link.timer.stop();
        self.link.pending.connected();
        self.forget_handshake();
    }

    fn agreed(&self) -> Option<Connected> {
        Some(Connected {
            suite: self.link.layer.suite()?,
            resumed: self.resumed,
            connection_id: !self.link.layer.peer_cid().is_empty(),
            time_checked: self.time_checked,
        })
    }
}

impl<P: Profile> Connection<P> {
    /// Bytes to leave free in front of the data that [`seal`](Self::seal) protects.
    pub const HEADROOM: usize = headroom::<P>();
    /// Bytes to leave free behind the data.
    pub const TAILROOM: usize = tailroom::<P>();

    /// A connection that is idle: all zero bytes.
    pub const fn new() -> Self {
        let () = P::CHECKED;
        Self { core: Core::EMPTY, reassembly: Reassembly::EMPTY }
    }

    /// Waits for a client: to be called when [`Cookies`] says that a datagram is worth a connection, which is then
    /// handed to [`handle_datagram`](Self::handle_datagram).
    pub fn accept(&mut self, options: &Options) {
        self.core = Core::EMPTY;
        self.core.link.options = *options;
        self.core.state = State::ClientHello;
        self.reassembly.clear();
    }

    /// See the client's `handle_timeout`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let core = &mut self.core;
        if !core.link.timer.is_due(now) {
            return;
        }
        let attempts = core.link.options.backoff.attempts;
        if !core.link.try_again(attempts) {
            core.fail(FailureReason::Interrupted, AlertSeen::None);
        }
        self.reassembly.settle();
    }

    /// See the client's `poll_timeout`.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.core.state == State::Prepare || self.core.link.has_output() {
            return Some(Instant::START);
        }
        self.core.link.timer.deadline()
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        let agreed = self.core.agreed();
        self.core.link.pending.take(|| agreed)
    }

    /// Whether application data can flow.
    pub fn is_connected(&self) -> bool {
        self.core.state == State::Connected
    }

    /// Whether the connection serves nobody: neither a session nor a handshake, and nothing to send.
    pub fn is_free(&self) -> bool {
        match self.core.state {
            State::Idle => true,
            State::Ended => !self.core.link.has_alert(),
            _ => false,
        }
    }

    /// Whether a datagram starts with the hello that this connection began with: the client repeats itself, and
    /// needs no new connection.
    pub fn began_with(&self, datagram: &[u8]) -> bool {
        !matches!(self.core.state, State::Idle | State::ClientHello)
            && cookie::hello_random(datagram).is_some_and(|random| random == self.core.client_random)
    }

    /// Who the client is; meaningful while connected.
    pub const fn peer(&self) -> &Peer {
        &self.core.session.peer
    }

    /// The connection ID that the client puts in its records; empty when none was agreed on.
    pub fn own_connection_id(&self) -> &[u8] {
        self.core.link.layer.own_cid()
    }

    /// Protects application data in place: see the client's `seal`.
    ///
    /// # Errors
    /// See [`SealError`]: nothing has changed.
    pub fn seal(&mut self, buffer: &mut [u8], length: usize) -> Result<Range<usize>, SealError> {
        if self.core.state != State::Connected {
            return Err(SealError::NotConnected);
        }
        self.core.link.seal(Side::Server, buffer, length)
    }

    /// Closes the session: a `close_notify` is sent. A handshake is abandoned.
    pub fn close(&mut self) {
        if self.core.state == State::Connected {
            self.core.link.send_alert(alert::WARNING, Alert::CLOSE_NOTIFY);
            self.core.closed(CloseReason::ByUs, AlertSeen::Sent(Alert::CLOSE_NOTIFY));
        } else {
            self.core = Core::EMPTY;
        }
    }
}

impl<P: Profile> Default for Connection<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Profile> Drop for Core<P> {
    fn drop(&mut self) {
        self.forget_handshake();
    }
}

impl<P: Profile> core::fmt::Debug for Connection<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection").field("state", &self.core.state).finish_non_exhaustive()
    }
}

/// The connection ID of the first record of a datagram, when it has one: `length` bytes, as all connection IDs of a
/// server have the same length.
pub fn connection_id(datagram: &[u8], length: usize) -> Option<&[u8]> {
    let header = Header::parse(datagram, length)?;
    (header.content == crate::record::content::TLS12_CID).then(|| datagram.get(11..11 + length))?
}
