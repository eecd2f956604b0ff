//! The client of DTLS 1.2.
//!
//! ```text
//!      ClientHello  -->
//!                   <--  HelloVerifyRequest         (a cookie, usually)
//!      ClientHello  -->
//!                   <--  ServerHello
//!                        Certificate                ECDHE_ECDSA
//!                        ServerKeyExchange          ECDHE, or a PSK hint
//!                        CertificateRequest         when it wants ours
//!                        ServerHelloDone
//!      Certificate
//!      ClientKeyExchange
//!      CertificateVerify
//!      ChangeCipherSpec
//!      Finished     -->
//!                   <--  ChangeCipherSpec
//!                        Finished
//!
//! Resumed, after the (second) ClientHello:
//!                   <--  ServerHello
//!                        ChangeCipherSpec
//!                        Finished
//!      ChangeCipherSpec
//!      Finished     -->
//! ```
//!
//! Nothing that was sent is stored: a flight that is lost is written again from the randoms, the keys, the
//! credentials and the one signature. A handshake message that arrives in one piece is processed where it lies.

mod endings;
mod established;
mod export;
mod first_hello;
mod hello;
mod receive;
mod server_flight;
mod session;
mod transmit;
mod work;

pub use export::{CONTEXT_LEN, ExportError, RestoreError, SESSION_LEN};
pub use receive::Records;

use crate::credentials::{CredentialError, Credentials, Security};
use crate::event::{AlertSeen, CloseReason, Connected, Event, FailureReason, Pending};
use crate::handshake::reassembly::Reassembly;
use crate::handshake::{RANDOM, VERIFY_DATA};
use crate::link::{Link, Options};
use crate::profile::{Bytes, Linked, Profile};
use crate::provider::Curve;
use crate::provider::sha256::Sha256;
use crate::time::Instant;
use session::Session;

/// Why a handshake cannot start: faults of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// No suite is left: those of the profile, restricted by [`Security::suites`], do not fit the credentials.
    NoSuite,
    /// One of the configured suites is not part of the profile: for callers that want to know; a handshake only leaves
    /// it out.
    SuiteNotLinked,
    /// The profile does not link this kind of credentials.
    NotLinked,
    /// The datagram limit is below [`Options::MTU_MIN`].
    MtuTooSmall,
    /// The credentials cannot be used.
    Credential(CredentialError),
}

impl ConnectError {
    /// The fault and its remedy in a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoSuite => "no cipher suite of this build fits the credentials and the configured suites",
            Self::SuiteNotLinked => {
                "a configured cipher suite is not part of this build: add it to the profile, or leave it out"
            }
            Self::NotLinked => "this kind of credentials is not part of this build: add it to the profile",
            Self::MtuTooSmall => "the datagram limit is below 128 bytes",
            Self::Credential(error) => error.text(),
        }
    }
}

impl core::fmt::Display for ConnectError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for ConnectError {}

/// Where the handshake stands, in the order of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// Nothing is going on.
    Idle,
    /// To be done: draw the random numbers of the hello.
    Start,
    /// `ClientHello` is out; the server's hello is next.
    ServerHello,
    /// Its certificate or raw public key is next.
    ServerCertificate,
    /// Its key exchange is next.
    ServerKeyExchange,
    /// Its `ServerHelloDone` is next, perhaps after a request for our certificate.
    ServerHelloDone,
    /// To be done: draw an ephemeral key, and agree on a secret.
    Agree,
    /// To be done: compute the public part of the ephemeral key.
    Share,
    /// To be done: derive the keys, and sign if asked to.
    Derive,
    /// Our last flight is to be sent or out; the server's `ChangeCipherSpec` and `Finished` are next.
    ServerFinished,
    /// The same in a resumed handshake, where we have not sent ours yet.
    ResumedServerFinished,
    /// Our last flight of a resumed handshake is to be sent.
    ResumedFlight,
    /// Application data flows.
    Connected,
    /// Over; an alert may still have to be sent.
    Ended,
}

/// What we answer a request for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum OwnCertificate {
    NotRequested,
    /// Requested, but we have none that fits: an empty list.
    Empty,
    /// Our raw public key or our chain, with a `CertificateVerify`.
    Sent,
}

/// A DTLS client and its session with one server.
///
/// Its empty value is all zero bytes: a table of connections lies in `.bss`. See the crate's page for how to drive it.
pub struct Connection<P: Profile> {
    core: Core<P>,
    reassembly: Reassembly<P::Reassembly>,
}

/// All of a connection but the buffer in which messages are put together, from which it reads.
#[expect(clippy::struct_excessive_bools, reason = "each was negotiated on its own")]
struct Core<P: Profile> {
    state: State,
    own_certificate: OwnCertificate,
    extended_master_secret: bool,
    resumed: bool,
    time_checked: bool,
    client_raw_public_key: bool,
    server_raw_public_key: bool,
    /// Hellos sent: the `message_seq` of the latest one.
    hellos: u8,
    cookie_len: u8,
    link: Link<P>,
    session: Session<P>,
    client_random: [u8; RANDOM],
    cookie: P::Cookie,
    transcript: Sha256,
    own_finished: [u8; VERIFY_DATA],
    /// While a hello is out, the beginning of what is not to be taken again: see `first_hello`.
    peer_finished: [u8; VERIFY_DATA],
    /// In turn: the key of the server's certificate, its ephemeral key, and ours.
    point: <P::Curve as Curve>::Point,
    /// In turn: our ephemeral secret, and our signature.
    signature: <P::Curve as Curve>::Signature,
}

impl<P: Profile> Core<P> {
    const EMPTY: Self = Self {
        state: State::Idle,
        own_certificate: OwnCertificate::NotRequested,
        extended_master_secret: false,
        resumed: false,
        time_checked: false,
        client_raw_public_key: false,
        server_raw_public_key: false,
        hellos: 0,
        cookie_len: 0,
        link: Link::EMPTY,
        session: Session::EMPTY,
        client_random: [0; RANDOM],
        cookie: P::Cookie::EMPTY,
        transcript: Sha256::IDLE,
        own_finished: [0; VERIFY_DATA],
        peer_finished: [0; VERIFY_DATA],
        point: <P::Curve as Curve>::Point::EMPTY,
        signature: <P::Curve as Curve>::Signature::EMPTY,
    };

    /// The handshake is complete.
    fn connected(&mut self) {
        self.state = State::Connected;
        self.link.timer.stop();
        self.forget_handshake();
        self.session.finish(self.extended_master_secret);
        self.link.pending.connected();
    }

    fn agreed(&self) -> Option<Connected> {
        Some(Connected {
            suite: self.link.layer.suite()?,
            resumed: self.resumed,
            connection_id: !self.link.layer.peer_cid().is_empty(),
            time_checked: self.time_checked,
        })
    }

    /// Whether the hello is being answered: the flight is still our `ClientHello`.
    const fn in_server_flight(&self) -> bool {
        matches!(
            self.state,
            State::ServerHello
                | State::ServerCertificate
                | State::ServerKeyExchange
                | State::ServerHelloDone
                | State::ResumedServerFinished
        )
    }

    /// Only when the timer is due.
    fn handle_timeout(&mut self) {
        let backoff = &self.link.options.backoff;
        let last = self.state == State::ServerFinished;
        let attempts = if last { backoff.last_flight_attempts } else { backoff.attempts };
        if self.link.try_again(attempts) {
            self.repeat_hello();
            return;
        }
        let reason = match self.state {
            State::ServerHello => FailureReason::NoAnswer,
            State::ServerFinished => FailureReason::FinishedNotAnswered,
            _ => FailureReason::Interrupted,
        };
        self.fail(reason, AlertSeen::None);
    }
}

impl<P: Profile> Connection<P> {
    /// A connection that is idle: all zero bytes.
    pub const fn new() -> Self {
        let () = P::CHECKED;
        Self { core: Core::EMPTY, reassembly: Reassembly::EMPTY }
    }

    /// Starts a handshake with the server that `security` describes; what was going on before is abandoned without a
    /// word to the peer. A session held from before is resumed, when it was made with the same server and
    /// credentials.
    ///
    /// # Errors
    /// When the settings cannot work: the connection is as it was.
    pub fn connect(
        &mut self,
        _now: Instant,
        security: &Security<'_>,
        options: &Options,
    ) -> Result<(), ConnectError> {
        Self::check(security, options)?;
        self.core.reset();
        self.core.link.pending = Pending::EMPTY;
        self.core.link.options = *options;
        self.core.session.bind(security);
        self.core.state = State::Start;
        self.core.link.due = true;
        self.reassembly.clear();
        Ok(())
    }

    /// Whether a handshake can start with these settings.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(security: &Security<'_>, options: &Options) -> Result<(), ConnectError> {
        let linked = match &security.credentials {
            Credentials::Psk(_) => P::PSK || P::ECDHE_PSK,
            Credentials::RawPublicKey(_) => P::RAW_PUBLIC_KEYS,
            Credentials::Certificate(_) => P::CERTIFICATES,
        };
        if !linked {
            return Err(ConnectError::NotLinked);
        }
        if let Credentials::Certificate(certificate) = &security.credentials
            && security.server_name.is_none()
            && !certificate.server.is_named()
        {
            return Err(ConnectError::Credential(CredentialError::NoServerName));
        }
        if security.offer(P::SUITES).next().is_none() {
            return Err(ConnectError::NoSuite);
        }
        if options.mtu < Options::MTU_MIN {
            return Err(ConnectError::MtuTooSmall);
        }
        Ok(())
    }

    /// To be called when [`poll_timeout`](Self::poll_timeout) has passed; does nothing before.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.core.link.timer.is_due(now) {
            self.core.handle_timeout();
            self.reassembly.settle();
        }
    }

    /// When something is to be done though nothing arrives: call [`handle_timeout`](Self::handle_timeout), then
    /// [`poll_transmit`](Self::poll_transmit). A moment in the past means at once: a long computation is cut into
    /// steps, so that others get their turn.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.core.state {
            State::Start | State::Agree | State::Share | State::Derive => Some(Instant::START),
            _ if self.core.link.has_output() => Some(Instant::START),
            _ => self.core.link.timer.deadline(),
        }
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        let core = &mut self.core;
        let agreed = core.agreed();
        core.link.pending.take(|| agreed)
    }

    /// Whether application data can flow.
    pub fn is_connected(&self) -> bool {
        self.core.state == State::Connected
    }

    /// What the handshake of the session agreed on; `None` without a session.
    pub fn agreed(&self) -> Option<Connected> {
        self.core.agreed().filter(|_| self.is_connected())
    }

    /// Whether a handshake is going on.
    pub fn is_handshaking(&self) -> bool {
        !matches!(self.core.state, State::Idle | State::Connected | State::Ended)
    }

    /// Closes the session: a `close_notify` is sent, nothing is received any more. A handshake is abandoned. The
    /// session can be resumed by [`connect`](Self::connect).
    pub fn close(&mut self, _now: Instant) {
        match self.core.state {
            State::Connected => self.core.say_goodbye(CloseReason::ByUs),
            State::Idle | State::Ended => {}
            _ => self.core.reset(),
        }
    }

    /// Ends the session on our side without a word, for instance before the network goes away: the traffic keys are
    /// erased, what [`connect`](Self::connect) needs to resume is kept. (To keep the session itself over a sleep, do
    /// nothing, or see [`export`](Self::export).)
    pub fn suspend(&mut self) {
        self.core.reset();
    }

    /// Forgets the session that could be resumed: the next handshake is a full one.
    pub fn forget_session(&mut self) {
        self.core.session.forget();
    }

    /// Reports that a datagram did not fit into the caller's buffer: it must be dropped, not handed over in part.
    pub fn datagram_too_large(&mut self) {
        self.core.link.pending.too_large();
    }

    /// Records so far that failed authentication: forged, damaged, or of an older session.
    pub fn failed_opens(&self) -> u32 {
        self.core.link.layer.failed_opens
    }
}

impl<P: Profile> Default for Connection<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Profile> core::fmt::Debug for Connection<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Connection")
            .field("state", &self.core.state)
            .field("suite", &self.core.link.layer.suite())
            .finish_non_exhaustive()
    }
}
