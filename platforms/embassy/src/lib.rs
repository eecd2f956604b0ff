//! `embassy-net` for [`coracle::driver::asynchronous`](https://docs.rs/coracle).
//!
//! The driver speaks to a network through the traits of `embedded-nal-async`, of which embassy-net has those of TCP alone.
//! A [`Network`] has the others: one UDP socket, which is all that a client with any number of servers needs, and names.
//!
//! ```
//! use coracle::driver::asynchronous::Shared;
//! use coracle_embassy::{Network, SocketMemory};
//! # use coracle::{Buffers, DefaultProfile, model::Objects};
//! # use embassy_sync::blocking_mutex::raw::NoopRawMutex;
//! use static_cell::ConstStaticCell;
//!
//! // Room for two datagrams in each direction.
//! static SOCKET: ConstStaticCell<SocketMemory<2560, 2560>> = ConstStaticCell::new(SocketMemory::EMPTY);
//!
//! # async fn task<O: Objects>(
//! #     stack: embassy_net::Stack<'static>,
//! #     shared: &Shared<'static, NoopRawMutex, DefaultProfile, O>,
//! #     buffers: &mut Buffers<DefaultProfile>,
//! # ) {
//! let network = &Network::new(stack, SOCKET.take());
//! shared.run(&network, "0.0.0.0:0".parse().unwrap(), buffers).await;
//! # }
//! ```

#![no_std]

#[cfg(test)]
extern crate std;

mod error;
mod socket;

pub use error::Error;
pub use socket::{Bound, Connected};

use core::cell::RefCell;
use core::mem::MaybeUninit;
use core::net::{IpAddr, SocketAddr};

use embassy_net::Stack;
use embassy_net::udp::{PacketMetadata, UdpSocket};
use embedded_nal_async::{AddrType, Dns, UdpStack};

/// Datagrams that wait in one direction.
const QUEUED: usize = 4;

/// The buffers of the socket: `RECEIVE` and `TRANSMIT` bytes for datagrams, up to four in each direction.
///
/// Each must have room for the longest datagram (`datagram.receive` and `datagram.transmit` of config.toml); with room for
/// more no answer is lost while another one is worked on. All zero bytes, so in a `static` it lies in `.bss`.
pub struct SocketMemory<const RECEIVE: usize, const TRANSMIT: usize> {
    // Empty ones are not all zero bytes.
    received: MaybeUninit<[PacketMetadata; QUEUED]>,
    receive: [u8; RECEIVE],
    transmitted: MaybeUninit<[PacketMetadata; QUEUED]>,
    transmit: [u8; TRANSMIT],
}

impl<const RECEIVE: usize, const TRANSMIT: usize> SocketMemory<RECEIVE, TRANSMIT> {
    /// Nothing is in them.
    pub const EMPTY: Self = Self {
        received: MaybeUninit::uninit(),
        receive: [0; RECEIVE],
        transmitted: MaybeUninit::uninit(),
        transmit: [0; TRANSMIT],
    };
}

impl<const RECEIVE: usize, const TRANSMIT: usize> core::fmt::Debug for SocketMemory<RECEIVE, TRANSMIT> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SocketMemory").finish_non_exhaustive()
    }
}

/// One UDP socket of a stack, and the stack's resolver.
///
/// The traits of `embedded-nal-async` are on `&Network`. It can be bound once at a time; what is bound closes the socket
/// when it is dropped.
pub struct Network<'s> {
    stack: Stack<'s>,
    socket: RefCell<UdpSocket<'s>>,
}

impl core::fmt::Debug for Network<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}

impl<'s> Network<'s> {
    /// Takes one of the stack's sockets.
    pub fn new<const RECEIVE: usize, const TRANSMIT: usize>(
        stack: Stack<'s>,
        memory: &'s mut SocketMemory<RECEIVE, TRANSMIT>,
    ) -> Self {
        let SocketMemory { received, receive, transmitted, transmit } = memory;
        let received = received.write([PacketMetadata::EMPTY; QUEUED]);
        let transmitted = transmitted.write([PacketMetadata::EMPTY; QUEUED]);
        let socket = UdpSocket::new(stack, received, receive, transmitted, transmit);
        Self { stack, socket: RefCell::new(socket) }
    }

    /// Binds the socket; port 0 takes any.
    fn bind(&self, local: SocketAddr) -> Result<Bound<'_, 's>, Error> {
        // smoltcp takes an unspecified address for "any" only when there is none.
        let address = if local.ip().is_unspecified() { None } else { Some(socket::endpoint(local)?.addr) };
        let wanted = embassy_net::IpListenEndpoint { addr: address, port: local.port() };
        self.socket.borrow_mut().bind(wanted)?;
        Ok(Bound::new(&self.socket, local.ip()))
    }
}

impl<'n, 's> UdpStack for &'n Network<'s> {
    type Error = Error;
    type Connected = Connected<'n, 's>;
    type UniquelyBound = Bound<'n, 's>;
    type MultiplyBound = Bound<'n, 's>;

    async fn connect_from(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<(SocketAddr, Self::Connected), Error> {
        let bound = self.bind(local)?;
        Ok((bound.local(), Connected::new(bound, remote)))
    }

    async fn bind_single(&self, local: SocketAddr) -> Result<(SocketAddr, Self::UniquelyBound), Error> {
        let bound = self.bind(local)?;
        Ok((bound.local(), bound))
    }

    async fn bind_multiple(&self, local: SocketAddr) -> Result<Self::MultiplyBound, Error> {
        self.bind(local)
    }
}

impl Dns for &Network<'_> {
    type Error = Error;

    async fn get_host_by_name(&self, host: &str, family: AddrType) -> Result<IpAddr, Error> {
        if let Ok(address) = host.parse() {
            return Ok(address);
        }
        self.resolve(host, family).await
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, Error> {
        Err(Error::NotSupported)
    }
}

impl Network<'_> {
    #[cfg(feature = "dns")]
    async fn resolve(&self, host: &str, family: AddrType) -> Result<IpAddr, Error> {
        use embassy_net::dns::DnsQueryType::{A, Aaaa};
        let queries: &[_] = match family {
            AddrType::IPv4 => &[A],
            AddrType::IPv6 => &[Aaaa],
            AddrType::Either if cfg!(feature = "proto-ipv6") => &[Aaaa, A],
            AddrType::Either => &[A],
        };
        for query in queries {
            if let Ok(addresses) = self.stack.dns_query(host, *query).await
                && let Some(address) = addresses.first()
            {
                return Ok((*address).into());
            }
        }
        Err(Error::UnknownHost)
    }

    #[cfg(not(feature = "dns"))]
    #[allow(clippy::unused_async, clippy::unused_self)] // as with the feature
    async fn resolve(&self, _: &str, _: AddrType) -> Result<IpAddr, Error> {
        let _ = self.stack;
        Err(Error::NotSupported)
    }
}
