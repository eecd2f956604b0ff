//! The client: engine, objects and DTLS sessions joined, still without I/O.

use coracle_crypto::{ConnectError, Connection, HmacDrbg, Signer};
use coracle_engine::account::{Account, AddServerError as AccountError, SecurityMode, ServerSettings};
use coracle_engine::model::Objects;
use coracle_engine::profile::Table;
use coracle_engine::{Counters, Engine, Instant, RegistrationState, ServerIndex};
use zeroize::Zeroize;

use crate::credentials::{check_pair, with_security};
use crate::platform::{Entropy, EntropyError};
use crate::session::{Sessions, Way, message_room, options, way};
use crate::{ClientMemory, Event, InvalidUri, Profile, Uri};

/// A server that a driver is to open a way to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The server.
    pub server: ServerIndex,
    /// Where it is.
    pub uri: Uri<'a>,
}

/// A datagram to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit<'o> {
    /// The server that it goes to.
    pub server: ServerIndex,
    /// What is to be sent: a part of the buffer that was handed in.
    pub datagram: &'o [u8],
}

/// Why there is no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewError {
    /// Configuration: the endpoint client name or the memory.
    Engine(coracle_engine::NewError),
    /// The platform has no random numbers.
    Entropy(EntropyError),
}

impl NewError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Engine(error) => error.as_str(),
            Self::Entropy(error) => error.as_str(),
        }
    }
}

impl core::fmt::Display for NewError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for NewError {}

/// Why a server was not added. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddServerError {
    /// The URI.
    Uri(InvalidUri),
    /// `coap://` with keys, or `coaps://` without.
    SchemeAndMode,
    /// A length, the short server id, or there is no room.
    Account(AccountError),
    /// DTLS cannot work with these credentials, or is not part of this build.
    Security(ConnectError),
}

impl AddServerError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uri(error) => error.as_str(),
            Self::SchemeAndMode => {
                "the server URI and the security mode contradict: coaps:// needs credentials, coap:// has none"
            }
            Self::Account(error) => error.as_str(),
            Self::Security(error) => error.text(),
        }
    }
}

impl core::fmt::Display for AddServerError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for AddServerError {}

/// An LwM2M client with its objects.
///
/// It never sends, sleeps or asks for the time. Whoever drives it calls, in any order and as often as there is reason to:
///
/// 1. [`Client::handle_datagram`] for every datagram that comes in, and send what it wrote;
/// 2. [`Client::poll_transmit`] until `None`, and send each message;
/// 3. [`Client::poll_connect`] until `None`: open a way to the server, answer with [`Client::connected`] or
///    [`Client::connection_failed`];
/// 4. [`Client::poll_event`] until `None`;
/// 5. and then waits for a datagram, but not longer than until [`Client::poll_timeout`]. It does not wait when
///    `poll_transmit` was called after the last `poll_connect`: a time that has come may ask for a connection.
///
/// `now` must not run backwards. What is "sent" may get lost: nothing depends on a datagram arriving.
#[allow(missing_debug_implementations)] // keys are in the memory
pub struct Client<'m, P: Profile, O> {
    pub(crate) engine: Engine<'m, P>,
    pub(crate) objects: O,
    pub(crate) sessions: Sessions<'m, P>,
}

/// Keys do not stay behind; the memory can be used again.
impl<P: Profile, O> Drop for Client<'_, P, O> {
    fn drop(&mut self) {
        self.sessions.erase();
    }
}

impl<'m, P: Profile, O: Objects> Client<'m, P, O> {
    /// A client under this endpoint client name.
    ///
    /// # Errors
    /// [`NewError`] when the name does not fit the profile, the memory is in use, or there is no entropy.
    pub fn new(
        memory: &'m mut ClientMemory<P>,
        endpoint: &str,
        objects: O,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, NewError> {
        const { crate::assert_within_budget::<P>() }
        let mut seed = [0; 8];
        entropy.fill(&mut seed).map_err(NewError::Entropy)?;
        if let Some(random) = memory.random.slots_mut().first_mut() {
            let mut seed = [0; HmacDrbg::SEED_LEN];
            entropy.fill(&mut seed).map_err(NewError::Entropy)?;
            random.0.seed(&seed);
            // All keys come from it.
            seed.zeroize();
        }
        let engine = Engine::new(&mut memory.engine, endpoint, u64::from_le_bytes(seed));
        let sessions = Sessions {
            table: &mut memory.sessions,
            random: &mut memory.random,
            signer: None,
            trust_store: &[],
            epoch_s: 0,
        };
        Ok(Self { engine: engine.map_err(NewError::Engine)?, objects, sessions })
    }

    /// Lets a secure element sign, instead of a private key in object 0, for servers that have none there.
    pub const fn set_signer(&mut self, signer: &'m dyn Signer) {
        self.sessions.signer = Some(signer);
    }

    /// Certificates of authorities, in DER, for certificate usages 0 and 1.
    pub const fn set_trust_store(&mut self, certificates: &'m [&'m [u8]]) {
        self.sessions.trust_store = certificates;
    }

    /// What the wall clock says now, in seconds since 1970-01-01T00:00:00Z. Certificates are checked against it; without
    /// it their validity is not looked at, and the event of the handshake says so.
    pub const fn set_unix_time(&mut self, now: Instant, seconds: u64) {
        self.sessions.epoch_s = seconds.saturating_sub(now.since(Instant::ZERO).as_secs());
    }

    /// Adds a server. [`Client::register`] begins to speak with it.
    ///
    /// # Errors
    /// [`AddServerError`]; nothing was changed. A secure element and a trust store have to be set before.
    pub fn add_server(&mut self, settings: &ServerSettings<'_>) -> Result<ServerIndex, AddServerError> {
        let uri = Uri::parse(settings.uri).map_err(AddServerError::Uri)?;
        let plain = settings.credentials.mode == SecurityMode::NoSec;
        if uri.secure == plain {
            return Err(AddServerError::SchemeAndMode);
        }
        if !plain && !P::DTLS {
            return Err(AddServerError::Security(ConnectError::NotLinked));
        }
        let linked = |number: &[u8; 2]| P::SUITES.iter().any(|suite| suite.number().to_be_bytes() == *number);
        if P::DTLS && P::SuiteNumbers::CAPACITY > 0 && !settings.credentials.suites.iter().all(linked) {
            return Err(AddServerError::Security(ConnectError::SuiteNotLinked));
        }
        let server = self.engine.add_server(settings).map_err(AddServerError::Account)?;
        if P::DTLS && !plain {
            let account = self.engine.account(server);
            if let Err(error) = account.map_or(Ok(()), |account| self.check(account)) {
                self.engine.forget_server(server);
                return Err(AddServerError::Security(error));
            }
        }
        Ok(server)
    }

    /// Whether a handshake can be made with what object 0 says.
    fn check(&self, account: &Account<P>) -> Result<(), ConnectError> {
        let object = account.security_object();
        let (signer, trust_store) = (self.sessions.signer, self.sessions.trust_store);
        let mut result = Ok(());
        with_security::<P>(object, signer, trust_store, None, &mut |security| {
            result = Connection::<P>::check(security, &options::<P>());
        })?;
        result?;
        check_pair(object).map_err(ConnectError::Credential)
    }

    /// Registers with a server, and stays registered: it is tried again for ever, with growing waits.
    pub fn register(&mut self, now: Instant, server: ServerIndex) {
        self.engine.start(now, server);
    }

    /// De-registers from a server. The end is [`Event::Registration`] with [`RegistrationState::Idle`]: at once when the server
    /// knows nothing of the device, otherwise with its answer, or without one after MAX_TRANSMIT_WAIT (RFC 7252 section 4.8.2;
    /// 93 s by default). A Register that is under way is waited for before, because the server may have carried it out. Where
    /// there is no way to the server, the registration ends with its lifetime.
    pub fn deregister(&mut self, now: Instant, server: ServerIndex) {
        self.engine.stop(now, server);
    }

    /// Sends an Update to a server now.
    pub fn update_registration(&mut self, server: ServerIndex) {
        self.engine.update(server);
    }

    /// The network has changed: the driver is asked for a new way to a server, and an Update follows. A DTLS session with a
    /// connection ID goes on as it is; another one is resumed, or made anew. A way that is being opened, or secured, is given up
    /// for another one.
    pub fn reconnect(&mut self, now: Instant, server: ServerIndex) {
        let opening = [RegistrationState::Connecting, RegistrationState::Reconnecting];
        if self.engine.state(server).is_some_and(|state| opening.contains(&state)) {
            self.engine.reopen(now, server);
        } else {
            self.engine.disconnected(now, server);
        }
    }

    /// A server to open a way to: resolve the name, open a socket.
    pub fn poll_connect(&mut self) -> Option<Connect<'_>> {
        // `add_server` has checked the URI, and one that a server wrote since is tried again when it is corrected.
        let server = loop {
            let server = self.engine.poll_connect()?;
            if Uri::parse(self.engine.account(server)?.security_object().server_uri()).is_ok() {
                break server;
            }
        };
        let uri = self.engine.account(server)?.security_object().server_uri();
        Uri::parse(uri).ok().map(|uri| Connect { server, uri })
    }

    /// The driver begins anew with other sockets, after it was stopped or the network was: the ways to all servers are opened
    /// again, and those that know the device hear of its new address with an Update.
    pub fn network_restarted(&mut self, now: Instant) {
        for index in 0..P::Accounts::CAPACITY {
            let server = ServerIndex(index as u8);
            match self.engine.state(server) {
                Some(RegistrationState::Registered) => self.engine.disconnected(now, server),
                // In plain CoAP the retransmission brings the new address along.
                Some(RegistrationState::Registering | RegistrationState::Updating)
                    if way(&self.engine, server) == Way::Dtls =>
                {
                    self.engine.disconnected(now, server);
                }
                _ => self.engine.reopen(now, server),
            }
        }
    }

    /// The way to the server is open. Without [`Client::poll_connect`] having asked for it nothing happens.
    pub fn connected(&mut self, now: Instant, server: ServerIndex) {
        let wanted = [RegistrationState::Connecting, RegistrationState::Reconnecting];
        if !self.engine.state(server).is_some_and(|state| wanted.contains(&state)) {
            return;
        }
        match way(&self.engine, server) {
            Way::Plain => self.engine.connected(now, server),
            Way::Dtls => self.sessions.way_is_open(&mut self.engine, now, server),
            Way::None => self.engine.connection_failed(now, server),
        }
    }

    /// The name has no address, or the socket can't be opened. It is tried again later, for ever.
    pub fn connection_failed(&mut self, now: Instant, server: ServerIndex) {
        self.engine.connection_failed(now, server);
    }

    /// Takes a datagram of a server. What has to be answered at once is put into `out`; send the part that is returned.
    ///
    /// The datagram is changed: it is decrypted in place.
    pub fn handle_datagram<'o>(
        &mut self,
        now: Instant,
        server: ServerIndex,
        datagram: &mut [u8],
        out: &'o mut [u8],
    ) -> Option<&'o [u8]> {
        let (engine, objects) = (&mut self.engine, &mut self.objects);
        match way(engine, server) {
            Way::Plain => {
                let length = engine.handle_message(now, server, datagram, objects, out)?;
                out.get(..length)
            }
            Way::Dtls => {
                let answer = self.sessions.handle_datagram(engine, objects, (now, server), datagram, out)?;
                out.get(answer)
            }
            Way::None => None,
        }
    }

    /// Writes the next datagram that is due into `out`. Call it until it answers `None`.
    pub fn poll_transmit<'o>(&mut self, now: Instant, out: &'o mut [u8]) -> Option<Transmit<'o>> {
        if !P::DTLS {
            let message = self.engine.poll_transmit(now, &mut self.objects, out)?;
            return Some(Transmit { server: message.server, datagram: out.get(..message.length)? });
        }
        if let Some((server, length)) = self.sessions.poll_transmit(&mut self.engine, now, out) {
            return Some(Transmit { server, datagram: out.get(..length)? });
        }
        loop {
            let room = message_room::<P>(out);
            let message = self.engine.poll_transmit(now, &mut self.objects, room)?;
            let server = message.server;
            let start = Connection::<P>::HEADROOM;
            let range = match way(&self.engine, server) {
                Way::Plain => Some(start..start + message.length),
                Way::Dtls => self.sessions.seal(server, out, message.length),
                Way::None => None,
            };
            // Without a session a message counts as lost on the way.
            if let Some(range) = range {
                return Some(Transmit { server, datagram: out.get(range)? });
            }
        }
    }

    /// When [`Client::poll_transmit`] has to be called next if nothing else happens; `None` when never. A time in the past
    /// means at once, after others have had their turn: a handshake computes in steps.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let engine = self.engine.poll_timeout();
        if P::DTLS { engine.into_iter().chain(self.sessions.poll_timeout()).min() } else { engine }
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.engine.poll_event()
    }

    /// True when [`Client::poll_event`] has something to tell.
    pub fn has_events(&self) -> bool {
        self.engine.has_events()
    }

    /// The objects, to look at.
    pub const fn objects(&self) -> &O {
        &self.objects
    }

    /// The objects, to change. Observers and servers hear of what changed with the next [`Client::poll_transmit`].
    pub fn update<R>(&mut self, change: impl FnOnce(&mut O) -> R) -> R {
        self.engine.objects_changed();
        change(&mut self.objects)
    }

    /// Where the registration with a server stands.
    pub fn state(&self, server: ServerIndex) -> Option<RegistrationState> {
        self.engine.state(server)
    }

    /// When the next attempt to register with a server is made; `None` when the client does not wait for one.
    pub fn next_attempt(&self, server: ServerIndex) -> Option<Instant> {
        self.engine.next_attempt(server)
    }

    /// All servers.
    pub fn servers(&self) -> impl Iterator<Item = ServerIndex> {
        self.engine.servers()
    }

    /// What object 1 says about a server: its lifetime, for instance, which the server may have changed.
    pub fn server_object(&self, server: ServerIndex) -> Option<&coracle_engine::account::Server> {
        self.engine.account(server).map(Account::server_object)
    }

    /// The endpoint client name.
    pub fn endpoint(&self) -> &str {
        self.engine.endpoint()
    }

    /// Traffic that was dropped.
    pub const fn counters(&self) -> Counters {
        self.engine.counters()
    }
}

/// A client can be made in one task and used in others, one at a time.
const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Client<'static, crate::DefaultProfile, ()>>();
};
