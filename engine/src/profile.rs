//! The sizes and choices of a client as one type, written by `coracle-config` from `config.toml`.

use crate::account::Account;
use crate::exchange::{Duplicate, Exchange};
use crate::model::FormatSet;
use crate::observe::{AttributeRecord, Observation};
use crate::{Event, Version};

/// Something a [`Table`] is made of. The empty value must be all zero bytes, or the tables move from `.bss` to flash.
pub trait Slot {
    /// The value of an unused slot.
    const EMPTY: Self;
}

impl Slot for u8 {
    const EMPTY: Self = 0;
}

impl Slot for u16 {
    const EMPTY: Self = 0;
}

/// A fixed number of slots: an array of any length.
///
/// Owners are sized by the [`Profile`], functions take the slice: one copy of the code for all sizes.
pub trait Table<T>: 'static {
    /// The table with every slot empty.
    const EMPTY: Self;
    /// The number of slots.
    const CAPACITY: usize;

    /// The slots.
    fn slots(&self) -> &[T];

    /// The slots.
    fn slots_mut(&mut self) -> &mut [T];
}

impl<T: Slot + 'static, const N: usize> Table<T> for [T; N] {
    const EMPTY: Self = [T::EMPTY; N];
    const CAPACITY: usize = N;

    fn slots(&self) -> &[T] {
        self
    }

    fn slots_mut(&mut self) -> &mut [T] {
        self
    }
}

/// Every size and choice of the engine.
///
/// `config.toml` documents each: meaning, unit, range, RAM.
pub trait Profile: Sized + 'static {
    /// Bytes of an endpoint client name.
    type EndpointName: Table<u8>;
    /// Bytes of a server URI (object 0 resource 0).
    type Uri: Table<u8>;
    /// Bytes of a registration's location, the path that the server answers to Register with.
    type Location: Table<u8>;
    /// Bytes of a public key or identity (object 0 resource 3).
    type Identity: Table<u8>;
    /// Bytes of a server public key (object 0 resource 4).
    type ServerKey: Table<u8>;
    /// Bytes of a secret key (object 0 resource 5).
    type SecretKey: Table<u8>;
    /// Bytes of a server name (object 0 resource 14).
    type ServerName: Table<u8>;
    /// Cipher suites that a server's account may name (object 0 resource 16).
    type SuiteNumbers: Table<u16>;
    /// Servers, each with its instance of objects 0 and 1 and its registration.
    type Accounts: Table<Account<Self>>;
    /// Confirmable messages of ours that wait for an answer: one per server, the rest for notifications.
    type Exchanges: Table<Exchange>;
    /// Requests that are remembered so that a retransmission is not executed again.
    type Duplicates: Table<Duplicate>;
    /// Observations over all servers.
    type Observations: Table<Observation>;
    /// Paths with attributes of their own, over all servers.
    type Attributes: Table<AttributeRecord>;
    /// Bytes for the payloads of confirmable notifications that wait for their turn or their acknowledgement.
    type Stored: Table<u8>;
    /// What the transport under CoAP tells the application, by way of [`Engine::report`](crate::Engine::report).
    type TransportEvent: Copy + core::fmt::Debug + PartialEq + 'static;
    /// Events that wait to be polled.
    type Events: Table<Event<Self::TransportEvent>>;

    /// The content formats that are linked; the first that can represent an answer is used when the server does not ask.
    const FORMATS: FormatSet;
    /// The largest block of a block-wise transfer as an exponent (RFC 7959): 0 = 16 bytes to 6 = 1024 bytes.
    const BLOCK_EXPONENT: u8 = 6;
    /// The protocol version that Register tells.
    const VERSION: Version = Version { major: 1, minor: 1 };
    /// Notifications are confirmable unless an attribute says otherwise.
    const CONFIRMABLE_NOTIFICATIONS: bool = false;
    /// ACK_TIMEOUT of RFC 7252 section 4.8, in milliseconds.
    const ACK_TIMEOUT_MS: u32 = 2_000;
    /// MAX_RETRANSMIT of RFC 7252 section 4.8.
    const MAX_RETRANSMIT: u8 = 4;
    /// The first wait before a lost or refused Register is tried again, in seconds. It doubles up to [`Profile::RETRY_MAX_S`].
    const RETRY_MIN_S: u32 = 5;
    /// The longest wait between attempts to register, in seconds.
    const RETRY_MAX_S: u32 = 600;
}

/// All tables of a client. It is empty at first and lies in `.bss`; the client borrows it.
#[allow(missing_debug_implementations)] // keys are in here
pub struct Memory<P: Profile> {
    pub(crate) endpoint: crate::account::Bounded<P::EndpointName>,
    pub(crate) accounts: P::Accounts,
    pub(crate) exchanges: P::Exchanges,
    pub(crate) duplicates: P::Duplicates,
    pub(crate) observations: P::Observations,
    pub(crate) attributes: P::Attributes,
    pub(crate) stored: P::Stored,
    pub(crate) stored_length: usize,
    pub(crate) events: crate::event::Queue<P::Events>,
}

impl<P: Profile> Memory<P> {
    /// Nothing in use. Put it in a `static`: the value is all zero bytes, and large for a stack.
    pub const EMPTY: Self = Self {
        endpoint: crate::account::Bounded::EMPTY,
        accounts: P::Accounts::EMPTY,
        exchanges: P::Exchanges::EMPTY,
        duplicates: P::Duplicates::EMPTY,
        observations: P::Observations::EMPTY,
        attributes: P::Attributes::EMPTY,
        stored: P::Stored::EMPTY,
        stored_length: 0,
        events: crate::event::Queue::empty(),
    };
}
