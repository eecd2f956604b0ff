//! The bound socket.

use core::cell::RefCell;
use core::future::poll_fn;
use core::net::{IpAddr, SocketAddr};
use core::task::Poll;

use embassy_net::IpEndpoint;
use embassy_net::udp::UdpSocket;
use embassy_time::{Duration, with_timeout};
use embedded_nal_async::{ConnectedUdp, UnconnectedUdp};

use crate::Error;

/// How long a datagram waits for room in the transmit buffer. Then it is lost, as it might be on the way: a neighbour that
/// does not answer must not stop a client that has other servers, and timers.
const PATIENCE: Duration = Duration::from_secs(1);

/// The socket while it is bound.
pub struct Bound<'n, 's> {
    socket: &'n RefCell<UdpSocket<'s>>,
    address: IpAddr,
}

impl core::fmt::Debug for Bound<'_, '_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Bound").field("local", &self.local()).finish()
    }
}

impl Drop for Bound<'_, '_> {
    fn drop(&mut self) {
        self.socket.borrow_mut().close();
    }
}

impl<'n, 's> Bound<'n, 's> {
    pub(crate) const fn new(socket: &'n RefCell<UdpSocket<'s>>, address: IpAddr) -> Self {
        Self { socket, address }
    }

    /// The address and port that it is bound to; the address may be unspecified.
    pub fn local(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.socket.borrow().endpoint().port)
    }

    async fn send_to(&self, remote: SocketAddr, datagram: &[u8]) -> Result<(), Error> {
        let remote = endpoint(remote)?;
        // Borrowed for each poll anew: no borrow is held while others run.
        let send = poll_fn(|cx| self.socket.borrow().poll_send_to(datagram, remote, cx));
        with_timeout(PATIENCE, send).await.map_err(|_| Error::Stalled)?.map_err(Error::from)
    }

    /// The next datagram that fits the buffer; its length, and from where to where it was sent.
    async fn receive_from(&self, buffer: &mut [u8]) -> (usize, SocketAddr, SocketAddr) {
        poll_fn(|cx| {
            loop {
                match self.socket.borrow().poll_recv_from(buffer, cx) {
                    Poll::Ready(Ok((length, from))) => {
                        let local = from.local_address.map_or(self.address, IpAddr::from);
                        let local = SocketAddr::new(local, self.socket.borrow().endpoint().port);
                        return Poll::Ready((length, local, from.endpoint.into()));
                    }
                    // Too long: it is dropped. An error would make the driver bind anew, as often as a stranger likes.
                    Poll::Ready(Err(_)) => {}
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }
}

/// An address as the stack has it.
pub(crate) fn endpoint(address: SocketAddr) -> Result<IpEndpoint, Error> {
    match address {
        #[cfg(feature = "proto-ipv4")]
        SocketAddr::V4(address) => Ok(IpEndpoint::new((*address.ip()).into(), address.port())),
        #[cfg(feature = "proto-ipv6")]
        SocketAddr::V6(address) => Ok(IpEndpoint::new((*address.ip()).into(), address.port())),
        #[allow(unreachable_patterns)] // with both features
        _ => Err(Error::NoRoute),
    }
}

impl UnconnectedUdp for Bound<'_, '_> {
    type Error = Error;

    async fn send(&mut self, _: SocketAddr, remote: SocketAddr, data: &[u8]) -> Result<(), Error> {
        self.send_to(remote, data).await
    }

    async fn receive_into(&mut self, buffer: &mut [u8]) -> Result<(usize, SocketAddr, SocketAddr), Error> {
        Ok(self.receive_from(buffer).await)
    }
}

/// The socket, with one peer.
#[derive(Debug)]
pub struct Connected<'n, 's> {
    bound: Bound<'n, 's>,
    remote: SocketAddr,
}

impl<'n, 's> Connected<'n, 's> {
    pub(crate) const fn new(bound: Bound<'n, 's>, remote: SocketAddr) -> Self {
        Self { bound, remote }
    }
}

impl ConnectedUdp for Connected<'_, '_> {
    type Error = Error;

    async fn send(&mut self, data: &[u8]) -> Result<(), Error> {
        self.bound.send_to(self.remote, data).await
    }

    async fn receive_into(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        loop {
            let (length, _, remote) = self.bound.receive_from(buffer).await;
            if remote == self.remote {
                return Ok(length);
            }
        }
    }
}
