//! The profile of a whole client, and the memory that it sizes.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use coracle_crypto::{Backoff, Requirement};

use coracle_engine::profile::{Profile as EngineProfile, Slot, Table};

use crate::SessionEvent;
use crate::session::{Random, Session};

/// Every size and choice of a client as one type; `coracle-config` writes it from `config.toml`.
pub trait Profile: EngineProfile<TransportEvent = SessionEvent> + coracle_crypto::Profile {
    /// The largest datagram that is received, in bytes. A longer one is dropped.
    type Receive: Table<u8>;
    /// The largest datagram that is sent, in bytes. Longer answers go out in blocks.
    type Transmit: Table<u8>;
    /// Where the servers are, for the asynchronous driver.
    type Peers: Table<Peer>;
    /// A DTLS session for each server, or none at all.
    type Sessions: Table<Session<Self>>;
    /// One for DTLS, or none at all.
    type Random: Table<Random>;
    /// DTLS is linked.
    const DTLS: bool = !Self::SUITES.is_empty();
    /// Retransmission of handshakes.
    const HANDSHAKE_BACKOFF: Backoff;
    /// Whether servers must know the extended master secret (RFC 7627).
    const EXTENDED_MASTER_SECRET: Requirement;
    /// `name` of config.toml.
    const NAME: &'static str;
    /// `[budget] ram` of config.toml: bytes of static RAM that the client may take.
    const RAM_BUDGET: usize;
}

/// The address of a server, once it is known.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    known: bool,
    address: SocketAddr,
}

impl Peer {
    /// This address.
    pub const fn new(address: SocketAddr) -> Self {
        Self { known: true, address }
    }

    /// The address; `None` as long as the name has not been looked up.
    pub fn address(&self) -> Option<SocketAddr> {
        self.known.then_some(self.address)
    }
}

impl Slot for Peer {
    const EMPTY: Self = Self { known: false, address: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0) };
}

/// All static RAM of a client but its objects. All zero bytes at first: in a `static` it lies in `.bss`.
#[allow(missing_debug_implementations)] // keys are in here
pub struct Memory<P: Profile> {
    /// What [`Client`](crate::Client) borrows.
    pub client: ClientMemory<P>,
    /// What a driver borrows.
    pub buffers: Buffers<P>,
}

/// The tables of a client.
#[allow(missing_debug_implementations)] // keys are in here
pub struct ClientMemory<P: Profile> {
    pub(crate) engine: coracle_engine::Memory<P>,
    pub(crate) sessions: P::Sessions,
    pub(crate) random: P::Random,
}

/// The datagram buffers of a driver.
#[derive(Debug)]
pub struct Buffers<P: Profile> {
    receive: P::Receive,
    transmit: P::Transmit,
}

impl<P: Profile> Memory<P> {
    /// Nothing in use. Put it in a `static`; it is large for a stack.
    pub const EMPTY: Self = {
        crate::assert_within_budget::<P>();
        Self {
            client: ClientMemory {
                engine: coracle_engine::Memory::EMPTY,
                sessions: P::Sessions::EMPTY,
                random: P::Random::EMPTY,
            },
            buffers: Buffers { receive: P::Receive::EMPTY, transmit: P::Transmit::EMPTY },
        }
    };
}

impl<P: Profile> Buffers<P> {
    /// The receive and the transmit buffer.
    pub fn split(&mut self) -> (&mut [u8], &mut [u8]) {
        (self.receive.slots_mut(), self.transmit.slots_mut())
    }
}
