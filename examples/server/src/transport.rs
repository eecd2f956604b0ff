//! Datagrams in and out. The server above knows peers, not sockets, so that a security layer fits in between.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerId {
    /// A plain datagram transport knows a peer by its address only.
    Address(SocketAddr),
    /// A secured transport knows a session, whose address may change.
    Session(u64),
}

/// What ended the wait in [`Transport::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A datagram: its length in the buffer, and its sender.
    Datagram(usize, PeerId),
    /// The deadline passed.
    TimedOut,
    /// Somebody called the [`Waker`].
    Woken,
}

/// Ends a wait in [`Transport::receive`] from any thread.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Datagrams in and out, blocking until a deadline. A layer (faults, DTLS) wraps another transport, keeps its own
/// timers by waiting no longer than they allow, and shows the server above its payload only.
pub trait Transport: Send {
    /// Waits for a datagram until `deadline` (`None`: without end) or until woken.
    ///
    /// # Errors
    /// The transport is lost for good; noise and unreachable peers are no errors.
    fn receive(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<Received>;

    /// Sends one datagram.
    ///
    /// # Errors
    /// This datagram could not be sent; the transport still works.
    fn send(&mut self, peer: PeerId, datagram: &[u8]) -> io::Result<()>;

    /// The address this transport listens at.
    ///
    /// # Errors
    /// The address is unknown.
    fn local_address(&self) -> io::Result<SocketAddr>;

    /// The present address of a peer.
    fn address_of(&self, peer: PeerId) -> Option<SocketAddr>;

    /// The handle with which other threads end the wait.
    fn waker(&self) -> Waker;

    /// The scheme of the server's URI.
    fn scheme(&self) -> &'static str {
        "coap"
    }
}

impl Transport for Box<dyn Transport> {
    fn receive(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<Received> {
        (**self).receive(buffer, deadline)
    }

    fn send(&mut self, peer: PeerId, datagram: &[u8]) -> io::Result<()> {
        (**self).send(peer, datagram)
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        (**self).local_address()
    }

    fn address_of(&self, peer: PeerId) -> Option<SocketAddr> {
        (**self).address_of(peer)
    }

    fn waker(&self) -> Waker {
        (**self).waker()
    }

    fn scheme(&self) -> &'static str {
        (**self).scheme()
    }
}

/// Plain UDP.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    /// Where wake-ups come from: a second socket whose empty datagrams end the wait of the first one.
    bell: Arc<UdpSocket>,
    bell_address: SocketAddr,
}

impl Udp {
    /// Binds a socket; port 0 takes a free one.
    ///
    /// # Errors
    /// The address is in use or not of this host.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(address)?;
        let mut target = socket.local_addr()?;
        if target.ip().is_unspecified() {
            target.set_ip(match target.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        let bell = UdpSocket::bind(SocketAddr::new(target.ip(), 0))?;
        bell.connect(target)?;
        let bell_address = bell.local_addr()?;
        Ok(Udp { socket, bell: Arc::new(bell), bell_address })
    }
}

impl Transport for Udp {
    fn receive(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<Received> {
        // Zero would mean "for ever", so a deadline that is due still looks for a waiting datagram.
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        self.socket.set_read_timeout(deadline.map(|at| left(at).max(Duration::from_micros(1))))?;
        match self.socket.recv_from(buffer) {
            Ok((_, sender)) if sender == self.bell_address => Ok(Received::Woken),
            Ok((length, sender)) => Ok(Received::Datagram(length, PeerId::Address(sender))),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {
                    Ok(Received::TimedOut)
                }
                // Some systems report here that an earlier datagram reached nobody.
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused => Ok(Received::TimedOut),
                _ => Err(error),
            },
        }
    }

    fn send(&mut self, peer: PeerId, datagram: &[u8]) -> io::Result<()> {
        let PeerId::Address(address) = peer else {
            return Err(io::Error::new(io::ErrorKind::NotFound, "plain UDP has no sessions"));
        };
        self.socket.send_to(datagram, address).map(|_| ())
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn address_of(&self, peer: PeerId) -> Option<SocketAddr> {
        match peer {
            PeerId::Address(address) => Some(address),
            PeerId::Session(_) => None,
        }
    }

    fn waker(&self) -> Waker {
        let bell = Arc::clone(&self.bell);
        // If the datagram finds no place, the queue it would wait in is full, and the wait ends anyway.
        Arc::new(move || drop(bell.send(&[])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_until_the_deadline_a_datagram_or_the_waker() {
        let mut udp = Udp::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let mut buffer = [0; 16];
        let soon = || Some(Instant::now() + Duration::from_millis(20));
        assert_eq!(udp.receive(&mut buffer, soon()).unwrap(), Received::TimedOut);
        assert_eq!(udp.receive(&mut buffer, Some(Instant::now())).unwrap(), Received::TimedOut);

        let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        peer.send_to(b"abc", udp.local_address().unwrap()).unwrap();
        let id = PeerId::Address(peer.local_addr().unwrap());
        assert_eq!(udp.receive(&mut buffer, None).unwrap(), Received::Datagram(3, id));
        assert_eq!(udp.address_of(id), Some(peer.local_addr().unwrap()));

        let wake = udp.waker();
        let thread = std::thread::spawn(move || wake());
        assert_eq!(udp.receive(&mut buffer, None).unwrap(), Received::Woken);
        thread.join().unwrap();
    }

    #[test]
    fn an_unspecified_address_can_be_woken_too() {
        for ip in [IpAddr::from(Ipv4Addr::UNSPECIFIED), Ipv6Addr::UNSPECIFIED.into()] {
            let Ok(mut udp) = Udp::bind((ip, 0).into()) else {
                eprintln!("SKIPPED: this host has no {ip}");
                continue;
            };
            udp.waker()();
            assert_eq!(udp.receive(&mut [0; 16], None).unwrap(), Received::Woken);
        }
    }

    #[test]
    fn a_session_is_unknown_to_plain_udp() {
        let mut udp = Udp::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        assert!(udp.send(PeerId::Session(1), b"x").is_err());
        assert_eq!(udp.address_of(PeerId::Session(1)), None);
    }
}
