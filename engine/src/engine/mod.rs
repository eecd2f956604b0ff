//! The engine: routing between messages, operations, registrations and observations. Each has its file.

mod changes;
mod content;
mod notify;
mod observations;
mod receive;
mod register;
mod requests;
mod save;
mod saved;
mod transmit;

pub use save::{RestoreError, SaveError};
pub(crate) use saved::{Reader, save_optional};

use crate::account::{AddServerError, ServerIndex, ServerSettings};
use crate::event::{Event, Failure};
use crate::model::Objects;
use crate::operation::{ServerObject, Tree};
use crate::profile::{Memory, Profile, Slot, Table};
use crate::random::Random;
use crate::registration::{Input, News, RegistrationState};
use crate::time::Instant;

/// What a message is for, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The server that it goes to.
    pub server: ServerIndex,
    /// How many bytes of the buffer it fills.
    pub length: usize,
}

/// Traffic that was dropped, as counts. They stop at their largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that were no CoAP messages.
    pub malformed: u16,
    /// Requests that came again.
    pub duplicates: u16,
    /// Messages that belong to nothing: late answers, acknowledgements of nothing.
    pub unexpected: u16,
}

/// Why there is no engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewError {
    /// The endpoint client name is empty, or longer than `client.endpoint_length` of config.toml.
    EndpointName,
    /// Another engine has used the memory: every client needs its own.
    MemoryInUse,
}

impl NewError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndpointName => {
                "the endpoint client name is empty, or longer than client.endpoint_length in config.toml"
            }
            Self::MemoryInUse => "the memory belongs to another client: every client needs its own",
        }
    }
}

impl core::fmt::Display for NewError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for NewError {}

/// CoAP and LwM2M for all servers of a device.
///
/// After every call that takes `now`, call [`Engine::poll_transmit`] until it answers `None`; then wait for a datagram or
/// for [`Engine::poll_timeout`].
#[allow(missing_debug_implementations)] // keys are in the memory
pub struct Engine<'m, P: Profile> {
    memory: &'m mut Memory<P>,
    random: Random,
    message_id: u16,
    /// Something happened that `poll_transmit` has not seen.
    pending: bool,
    counters: Counters,
}

impl<P: Profile> Engine<'_, P> {
    /// Without room for observations no code for them is linked.
    const OBSERVES: bool = P::Observations::CAPACITY > 0;
    /// Without room for attributes no code for them is linked.
    const HAS_ATTRIBUTES: bool = P::Attributes::CAPACITY > 0;
}

impl<'m, P: Profile> Engine<'m, P> {
    /// An engine for an endpoint client name. `seed` should come from a random source: message ids, tokens and jitter
    /// follow from it.
    ///
    /// # Errors
    /// [`NewError`]; nothing was changed.
    pub fn new(memory: &'m mut Memory<P>, endpoint: &str, seed: u64) -> Result<Self, NewError> {
        const {
            assert!(
                P::Exchanges::CAPACITY >= P::Accounts::CAPACITY + Self::OBSERVES as usize,
                "exchanges: one per server, and one for notifications"
            );
            assert!(P::Accounts::CAPACITY > 0 && P::Accounts::CAPACITY < 256, "servers: 1 to 255");
            assert!(P::Observations::CAPACITY < 256, "observations: at most 255");
        }
        if !memory.endpoint.as_slice().is_empty() {
            return Err(NewError::MemoryInUse);
        }
        // With `ep=` before it the name is one option of at most 255 bytes (LwM2M Core section 6.2.1).
        if endpoint.is_empty() || endpoint.len() > 252 || !memory.endpoint.set(endpoint.as_bytes()) {
            return Err(NewError::EndpointName);
        }
        let mut random = Random::new(seed);
        let message_id = random.next_u64() as u16;
        Ok(Self { memory, random, message_id, pending: false, counters: Counters::default() })
    }

    /// Adds a server; its registration begins with [`Engine::start`].
    ///
    /// # Errors
    /// [`AddServerError`]; nothing was changed.
    pub fn add_server(&mut self, settings: &ServerSettings<'_>) -> Result<ServerIndex, AddServerError> {
        let id = settings.short_server_id;
        let taken = self.memory.accounts.slots().iter().any(|a| a.used && a.server.short_server_id() == id);
        if taken || id == 0 || id == u16::MAX {
            return Err(AddServerError::InvalidShortServerId);
        }
        let mut accounts = (0u8..).zip(self.memory.accounts.slots_mut());
        let (index, account) =
            accounts.find(|(_, account)| !account.used).ok_or(AddServerError::TooManyServers)?;
        if let Err(error) = account.security.fill(settings) {
            account.security.erase();
            *account = Slot::EMPTY;
            return Err(error);
        }
        account.server.fill(settings);
        account.used = true;
        self.servers_changed();
        Ok(ServerIndex(index))
    }

    /// Forgets a server, and its keys, that was added but never started.
    pub fn forget_server(&mut self, server: ServerIndex) {
        if self.state(server) == Some(RegistrationState::Idle)
            && let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index())
        {
            account.security.erase();
            *account = Slot::EMPTY;
            self.servers_changed();
        }
    }

    /// Instances of object 1 come and go with the servers: those that know the device are told.
    fn servers_changed(&mut self) {
        self.pending = true;
        for account in self.memory.accounts.slots_mut() {
            if account.registration.state != RegistrationState::Idle {
                account.registration.news.add(News::OBJECTS);
            }
        }
    }

    /// Registers with a server, now and for as long as it takes.
    pub fn start(&mut self, now: Instant, server: ServerIndex) {
        self.pending = true;
        if let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) {
            account.registration.leaving = false;
        }
        self.apply(now, server, Input::Start);
    }

    /// De-registers from a server, and leaves it alone then. Register is waited for when it is under way: the server may have
    /// carried it out, and its answer tells what to de-register from.
    pub fn stop(&mut self, now: Instant, server: ServerIndex) {
        self.pending = true;
        let exchange = self.memory.exchanges.slots().get(server.index());
        let sent = exchange.is_some_and(crate::exchange::Exchange::is_retransmission);
        if let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) {
            let registration = &mut account.registration;
            registration.disable_for_s = 0;
            let _ = account.server.take_disable_requested();
            if registration.state == RegistrationState::Registering && (sent || registration.upload.active) {
                registration.leaving = true;
                return;
            }
        }
        self.apply(now, server, Input::Stop);
    }

    /// The server that the driver is to open a way to; it answers with [`Engine::connected`] or
    /// [`Engine::connection_failed`].
    pub fn poll_connect(&mut self) -> Option<ServerIndex> {
        let mut accounts = (0u8..).zip(self.memory.accounts.slots_mut());
        let (index, account) = accounts.find(|(_, account)| account.registration.connect_wanted)?;
        account.registration.connect_wanted = false;
        Some(ServerIndex(index))
    }

    /// True when the driver has yet to be asked for a way to a server: one from before does not count any more.
    pub fn is_way_wanted(&self, server: ServerIndex) -> bool {
        self.account(server).is_some_and(|account| account.registration.connect_wanted)
    }

    /// The way to a server is open: Register follows, or Update after [`Engine::disconnected`].
    pub fn connected(&mut self, now: Instant, server: ServerIndex) {
        self.pending = true;
        self.apply(now, server, Input::Connected);
    }

    /// The longest message that the way to a server takes, in bytes; 0 for no limit but the buffer.
    pub fn set_message_limit(&mut self, server: ServerIndex, bytes: u16) {
        if let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) {
            account.registration.message_limit = bytes;
        }
    }

    /// The way to a server is open, and is being secured: that ends with [`Engine::connected`] or
    /// [`Engine::securing_failed`], however long it takes.
    pub fn securing(&mut self, server: ServerIndex) {
        if let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) {
            account.registration.wait_for_transport();
        }
    }

    /// The way to a server can't be secured; it is tried again later, for ever.
    pub fn securing_failed(&mut self, now: Instant, server: ServerIndex) {
        self.pending = true;
        self.fail(server, Failure::NotSecured);
        self.apply(now, server, Input::ConnectFailed);
    }

    /// The way to a server is gone, though the registration may still hold: [`Engine::poll_connect`] asks for another one,
    /// and an Update follows.
    pub fn disconnected(&mut self, now: Instant, server: ServerIndex) {
        self.pending = true;
        self.apply(now, server, Input::Disconnected);
    }

    /// The way to a server that was being opened, or secured, is no more: [`Engine::poll_connect`] asks for it again, at once.
    pub fn reopen(&mut self, now: Instant, server: ServerIndex) {
        self.pending = true;
        if let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) {
            account.registration.reopen(now);
        }
    }

    /// Tells the application what the transport has to tell, in order with everything else.
    pub fn report(&mut self, server: ServerIndex, event: P::TransportEvent) {
        self.memory.events.push(Event::Transport { server, event });
    }

    /// Keeps the TLS or DTLS alert that ended the last session with a server (object 1 resource 11).
    pub fn note_alert(&mut self, server: ServerIndex, alert: u8) {
        self.pending = true;
        if let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) {
            account.server.set_tls_dtls_alert_code(Some(alert));
        }
    }

    /// The way to a server can't be opened; it is tried again later, for ever.
    pub fn connection_failed(&mut self, now: Instant, server: ServerIndex) {
        self.pending = true;
        if matches!(self.state(server), Some(RegistrationState::Connecting | RegistrationState::Reconnecting))
        {
            self.fail(server, Failure::Unreachable);
        }
        self.apply(now, server, Input::ConnectFailed);
    }

    /// The application has changed objects: observers and registrations are looked at again.
    pub const fn objects_changed(&mut self) {
        self.pending = true;
    }

    /// Sends an Update to a server as soon as possible.
    pub fn update(&mut self, server: ServerIndex) {
        self.pending = true;
        if let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) {
            account.registration.news.add(News::REQUESTED);
        }
    }

    /// Where the registration with a server stands; `None` when there is no such server.
    pub fn state(&self, server: ServerIndex) -> Option<RegistrationState> {
        self.account(server).map(|account| account.registration.state)
    }

    /// When the next attempt to register is made; `None` when the device does not wait for one.
    pub fn next_attempt(&self, server: ServerIndex) -> Option<Instant> {
        let waits = [RegistrationState::Waiting, RegistrationState::Disabled];
        let registration = &self.account(server)?.registration;
        waits.contains(&registration.state).then(|| registration.deadline())
    }

    /// True when the last confirmable message to a server got no answer: what is known about the way to it may no longer hold.
    pub fn is_unanswered(&self, server: ServerIndex) -> bool {
        self.account(server).is_some_and(|account| account.registration.unanswered)
    }

    /// What objects 0 and 1 say about a server.
    pub fn account(&self, server: ServerIndex) -> Option<&crate::account::Account<P>> {
        self.memory.accounts.slots().get(server.index()).filter(|account| account.used)
    }

    /// All servers.
    pub fn servers(&self) -> impl Iterator<Item = ServerIndex> {
        let accounts = (0u8..).zip(self.memory.accounts.slots());
        accounts.filter(|(_, account)| account.used).map(|(index, _)| ServerIndex(index))
    }

    /// The endpoint client name.
    pub fn endpoint(&self) -> &str {
        self.memory.endpoint.as_str()
    }

    /// Traffic that was dropped.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// True when [`Engine::poll_event`] has something to tell.
    pub fn has_events(&self) -> bool {
        !self.memory.events.is_empty()
    }

    /// The oldest event that was not polled yet.
    pub fn poll_event(&mut self) -> Option<Event<P::TransportEvent>> {
        self.memory.events.pop()
    }

    /// When [`Engine::poll_transmit`] has to be called next if nothing else happens; `None` when never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.pending {
            return Some(Instant::ZERO);
        }
        let accounts = self.memory.accounts.slots().iter().filter(|account| account.used);
        let registrations = accounts.map(|account| account.registration.deadline());
        let exchanges = self.memory.exchanges.slots().iter().map(crate::exchange::Exchange::deadline);
        let observations = self.memory.observations.slots().iter().map(crate::Observation::deadline);
        let mut earliest = registrations.chain(exchanges).min();
        if Self::OBSERVES {
            earliest = earliest.into_iter().chain(observations).min();
        }
        earliest.filter(|instant| *instant != Instant::NEVER)
    }

    fn fail(&mut self, server: ServerIndex, failure: Failure) {
        self.memory.events.push(Event::RegistrationFailed { server, failure });
    }

    /// 0 is left out: it marks free places among the ids that an observation remembers.
    const fn next_message_id(&mut self) -> u16 {
        self.message_id = match self.message_id.wrapping_add(1) {
            0 => 1,
            id => id,
        };
        self.message_id
    }
}

/// Keys do not stay behind; the memory can be used again.
impl<P: Profile> Drop for Engine<'_, P> {
    fn drop(&mut self) {
        self.memory.accounts.slots_mut().iter_mut().for_each(|account| account.security.erase());
        *self.memory = Memory::EMPTY;
    }
}

/// The tree of all objects, from the parts of the engine that it needs, so that the others stay free.
fn with_tree<P: Profile, R>(
    accounts: &mut P::Accounts,
    objects: &mut dyn Objects,
    work: impl FnOnce(&mut Tree<'_>) -> R,
) -> R {
    let mut servers = ServerObject::<P>(accounts.slots_mut());
    work(&mut Tree { servers: &mut servers, objects })
}

const fn saturating(count: &mut u16) {
    *count = count.saturating_add(1);
}
