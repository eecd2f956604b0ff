//! UDP sockets, one for each server, and the wait for all of them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time;

use coracle::platform::{Connection, Network, local_port};
use coracle::{Instant, ServerIndex, Uri};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::RecvFlags;

use crate::Waker;
use crate::resolver::{Addresses, Resolver};

/// `servers.count` of config.toml is at most 32; one more for the waker.
const DESCRIPTORS: usize = 33;

/// Datagrams that are too long, and errors, that are taken off a socket at a time.
const DROPPED_AT_ONCE: usize = 16;

/// The way to one server.
#[derive(Default)]
struct Channel {
    socket: Option<UdpSocket>,
    /// The look-up that is under way.
    ticket: Option<u64>,
    /// What the system said last when a datagram could not be sent or was not wanted.
    error: Option<io::Error>,
    /// Counts attempts without an answer, so that each takes another address of the server.
    attempts: usize,
    /// The address of the last socket, and whether something has come from there.
    address: Option<SocketAddr>,
    answered: bool,
}

/// The network of a posix host.
pub struct PosixNetwork {
    channels: Vec<Channel>,
    resolver: Resolver,
    waker: Waker,
    started: time::Instant,
    local_port: u16,
    /// Where `receive` looks first, so that a busy server does not silence the others.
    next: usize,
    waits: u64,
}

impl PosixNetwork {
    /// No sockets yet: they are opened when the client asks for servers.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new() -> io::Result<Self> {
        let waker = Waker::new()?;
        Ok(Self {
            channels: Vec::new(),
            resolver: Resolver::new(waker.clone()),
            waker,
            started: time::Instant::now(),
            local_port: 0,
            next: 0,
            waits: 0,
        })
    }

    /// Sends from this local port; with several servers, from this and the following ones. 0 lets the system choose.
    #[must_use]
    pub const fn local_port(mut self, port: u16) -> Self {
        self.local_port = port;
        self
    }

    /// Ends a wait from another thread or a signal handler.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// The descriptors whose readability means that there is something to do, for an application's own poll or epoll. They
    /// change when a server is connected anew: ask again after each step.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let sockets = self.channels.iter().filter_map(|channel| channel.socket.as_ref()).map(AsFd::as_fd);
        core::iter::once(self.waker.descriptor()).chain(sockets)
    }

    /// The socket of one server.
    pub fn socket(&self, server: ServerIndex) -> Option<&UdpSocket> {
        self.channels.get(server.index())?.socket.as_ref()
    }

    /// What went wrong with datagrams to this server since the last call, for instance that nothing listens on its port.
    /// The client goes on trying either way.
    pub fn take_error(&mut self, server: ServerIndex) -> Option<io::Error> {
        self.channels.get_mut(server.index())?.error.take()
    }

    /// How often [`Network::wait`] has returned: an idle client hardly ever wakes up.
    pub const fn waits(&self) -> u64 {
        self.waits
    }

    fn channel(&mut self, server: ServerIndex) -> &mut Channel {
        if self.channels.len() <= server.index() {
            self.channels.resize_with(server.index() + 1, Channel::default);
        }
        &mut self.channels[server.index()]
    }

    /// Opens a socket to one of the addresses: the one that has answered, which may know our session; otherwise another one
    /// at each attempt.
    fn open(&mut self, server: ServerIndex, addresses: &Addresses) -> Connection {
        let Some(port) = local_port(self.local_port, server) else { return Connection::Failed };
        let channel = self.channel(server);
        channel.socket = None;
        let known = channel.address.filter(|address| channel.answered && addresses.contains(address));
        if known.is_none() {
            channel.attempts = channel.attempts.wrapping_add(usize::from(channel.address.is_some()));
        }
        let start = channel.attempts % addresses.len().max(1);
        let rotated = addresses.iter().cycle().skip(start).take(addresses.len()).copied();
        let opened = known.into_iter().chain(rotated).find_map(|address| {
            let socket = open_socket(address, port).map_err(|error| channel.error = Some(error)).ok()?;
            Some((address, socket))
        });
        channel.answered = false;
        channel.address = opened.as_ref().map(|(address, _)| *address).or(channel.address);
        channel.socket = opened.map(|(_, socket)| socket);
        if channel.socket.is_some() { Connection::Open } else { Connection::Failed }
    }
}

fn open_socket(remote: SocketAddr, port: u16) -> io::Result<UdpSocket> {
    let local = match remote {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
    };
    let socket = UdpSocket::bind(local)?;
    socket.set_nonblocking(true)?;
    // The kernel drops what strangers send.
    socket.connect(remote)?;
    Ok(socket)
}

impl core::fmt::Debug for PosixNetwork {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PosixNetwork").field("servers", &self.channels.len()).finish_non_exhaustive()
    }
}

impl Network for PosixNetwork {
    fn connect(&mut self, server: ServerIndex, uri: Uri<'_>) -> Connection {
        self.channel(server).ticket = None;
        if let Some(address) = Resolver::literal(&uri) {
            return self.open(server, &vec![address]);
        }
        let ticket = self.resolver.start(&uri);
        self.channel(server).ticket = ticket;
        if ticket.is_some() { Connection::Pending } else { Connection::Failed }
    }

    fn poll_connection(&mut self) -> Option<(ServerIndex, Connection)> {
        loop {
            let (ticket, addresses) = self.resolver.poll()?;
            let Some(index) = self.channels.iter().position(|channel| channel.ticket == Some(ticket)) else {
                continue; // a later attempt has overtaken it
            };
            let server = ServerIndex(u8::try_from(index).unwrap_or(u8::MAX));
            self.channel(server).ticket = None;
            return Some((server, self.open(server, &addresses)));
        }
    }

    fn send(&mut self, server: ServerIndex, datagram: &[u8]) {
        let channel = self.channel(server);
        let Some(socket) = &channel.socket else { return };
        // What can't be sent counts as lost; the protocol sends again what matters.
        let mut sent = socket.send(datagram);
        if matches!(&sent, Err(error) if error.kind() == io::ErrorKind::ConnectionRefused) {
            // That was about a datagram of before; the system tells it once, instead of sending this one.
            channel.error = sent.err();
            sent = socket.send(datagram);
        }
        if let Err(error) = sent {
            channel.error = Some(error);
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<(ServerIndex, usize)> {
        let count = self.channels.len();
        for offset in 0..count {
            let index = (self.next + offset) % count;
            let channel = &mut self.channels[index];
            let Some(socket) = &channel.socket else { continue };
            // Not without end: more of them may come all the time, and the wait ends at once when they do.
            for _ in 0..DROPPED_AT_ONCE {
                // TRUNC tells the real length, so that a datagram which was cut is not taken for a whole one.
                match rustix::net::recv(socket, &mut *buffer, RecvFlags::TRUNC) {
                    Ok((_, length)) if length <= buffer.len() => {
                        channel.answered = true;
                        self.next = index + 1;
                        return Some((ServerIndex(u8::try_from(index).unwrap_or(u8::MAX)), length));
                    }
                    Ok(_) => {} // too long; the next one may be good
                    Err(rustix::io::Errno::WOULDBLOCK) => break,
                    // An ICMP error for something that was sent, which this call has taken off the socket.
                    Err(error) => {
                        channel.error = Some(error.into());
                        if error != rustix::io::Errno::CONNREFUSED && error != rustix::io::Errno::INTR {
                            break;
                        }
                    }
                }
            }
        }
        None
    }

    fn wait(&mut self, until: Option<Instant>) {
        let timeout = until.map(|instant| {
            let ms = instant.since(self.now()).as_millis();
            Timespec {
                tv_sec: i64::try_from(ms / 1000).unwrap_or(i64::MAX),
                tv_nsec: i64::try_from(ms % 1000).unwrap_or(0) * 1_000_000,
            }
        });
        let mut descriptors: heapless::Vec<PollFd<'_>, DESCRIPTORS> = self
            .descriptors()
            .take(DESCRIPTORS)
            .map(|descriptor| PollFd::from_borrowed_fd(descriptor, PollFlags::IN))
            .collect();
        // A signal ends the wait early, which is harmless.
        let _ = poll(&mut descriptors, timeout.as_ref());
        drop(descriptors);
        self.waker.clear();
        self.waits += 1;
    }

    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ServerIndex = ServerIndex(0);

    fn connected() -> (PosixNetwork, UdpSocket, SocketAddr) {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(time::Duration::from_secs(5))).unwrap();
        let mut network = PosixNetwork::new().unwrap();
        let text = format!("coap://{}", server.local_addr().unwrap());
        assert_eq!(network.connect(SERVER, Uri::parse(&text).unwrap()), Connection::Open);
        network.send(SERVER, b"hello");
        let (_, device) = server.recv_from(&mut [0; 16]).unwrap();
        (network, server, device)
    }

    fn receive(network: &mut PosixNetwork, buffer: &mut [u8]) -> Option<usize> {
        network.wait(Some(Instant::from_millis(network.now().as_millis() + 2_000)));
        network.receive(buffer).map(|(_, length)| length)
    }

    #[test]
    fn datagrams_both_ways() {
        let (mut network, server, device) = connected();
        server.send_to(b"answer", device).unwrap();
        let mut buffer = [0; 16];
        assert_eq!(receive(&mut network, &mut buffer), Some(6));
        assert_eq!(&buffer[..6], b"answer");
        assert_eq!(network.receive(&mut buffer), None);
    }

    #[test]
    fn datagrams_that_do_not_fit_and_those_of_strangers_are_dropped() {
        let (mut network, server, device) = connected();
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        stranger.send_to(b"evil", device).unwrap();
        server.send_to(&[0; 17], device).unwrap();
        server.send_to(&[0; 16], device).unwrap();
        assert_eq!(receive(&mut network, &mut [0; 16]), Some(16));
        assert_eq!(network.receive(&mut [0; 16]), None);
    }

    #[test]
    fn a_port_that_nobody_listens_on_is_no_error() {
        let (mut network, server, _) = connected();
        drop(server);
        for _ in 0..3 {
            network.send(SERVER, b"anyone?");
            assert_eq!(network.receive(&mut [0; 16]), None);
        }
        assert_eq!(network.take_error(SERVER).unwrap().kind(), io::ErrorKind::ConnectionRefused);
        assert!(network.take_error(SERVER).is_none());
    }

    #[test]
    fn a_wait_ends_in_time_and_when_woken() {
        let mut network = PosixNetwork::new().unwrap();
        let before = network.now();
        network.wait(Some(before + coracle::Duration::from_millis(30)));
        assert!(network.now().since(before) >= coracle::Duration::from_millis(30));
        let waker = network.waker();
        let thread = std::thread::spawn(move || waker.wake());
        network.wait(None);
        thread.join().unwrap();
        assert_eq!(network.waits(), 2);
    }

    #[test]
    fn names_are_looked_up_aside() {
        let mut network = PosixNetwork::new().unwrap();
        let local = Uri::parse("coap://localhost:9").unwrap();
        assert_eq!(network.connect(SERVER, local), Connection::Pending);
        let unknown = Uri::parse("coap://no-such-host.invalid").unwrap();
        assert_eq!(network.connect(ServerIndex(1), unknown), Connection::Pending);
        let mut results = Vec::new();
        while results.len() < 2 {
            network.wait(Some(network.now() + coracle::Duration::from_secs(20)));
            results.extend(core::iter::from_fn(|| network.poll_connection()));
        }
        results.sort_by_key(|(server, _)| *server);
        assert_eq!(results, [(SERVER, Connection::Open), (ServerIndex(1), Connection::Failed)]);
    }

    #[test]
    fn every_attempt_takes_another_address() {
        let mut network = PosixNetwork::new().unwrap();
        let addresses = vec!["127.0.0.1:1".parse().unwrap(), "127.0.0.2:1".parse().unwrap()];
        let mut seen = Vec::new();
        for _ in 0..3 {
            assert_eq!(network.open(SERVER, &addresses), Connection::Open);
            seen.push(network.socket(SERVER).unwrap().peer_addr().unwrap());
        }
        assert_eq!(seen, [addresses[0], addresses[1], addresses[0]]);
        assert_eq!(network.open(SERVER, &Vec::new()), Connection::Failed);
    }

    #[test]
    fn an_address_that_has_answered_is_kept_and_one_without_a_way_passed_over() {
        let (mut network, server, device) = connected();
        let good = server.local_addr().unwrap();
        server.send_to(b"answer", device).unwrap();
        assert_eq!(receive(&mut network, &mut [0; 16]), Some(6));
        let other = "127.0.0.9:9".parse().unwrap();
        // Multicast without a scope, which nothing can be connected to.
        let nowhere = "[ff02::1]:9".parse().unwrap();
        let peer = |network: &PosixNetwork| network.socket(SERVER).unwrap().peer_addr().unwrap();
        assert_eq!(network.open(SERVER, &vec![other, good]), Connection::Open);
        assert_eq!(peer(&network), good);
        // It did not answer this time.
        assert_eq!(network.open(SERVER, &vec![good, other]), Connection::Open);
        assert_eq!(peer(&network), other);
        assert_eq!(network.open(SERVER, &vec![nowhere, good]), Connection::Open);
        assert_eq!(peer(&network), good);
    }

    #[test]
    fn a_server_that_is_back_gets_the_first_datagram() {
        let (mut network, server, _) = connected();
        let address = server.local_addr().unwrap();
        drop(server);
        network.send(SERVER, b"lost");
        let server = UdpSocket::bind(address).unwrap();
        server.set_read_timeout(Some(time::Duration::from_secs(5))).unwrap();
        network.send(SERVER, b"arrives");
        let mut buffer = [0; 16];
        assert_eq!(server.recv(&mut buffer).unwrap(), 7);
        assert_eq!(network.take_error(SERVER).unwrap().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn ports_that_do_not_exist_are_no_panic() {
        let mut network = PosixNetwork::new().unwrap().local_port(u16::MAX);
        let uri = Uri::parse("coap://127.0.0.1:9").unwrap();
        assert_eq!(network.connect(ServerIndex(1), uri), Connection::Failed);
    }

    #[test]
    fn descriptors_are_not_lost_when_a_server_is_connected_anew() {
        use std::os::fd::AsRawFd;
        let mut network = PosixNetwork::new().unwrap();
        let addresses = vec!["127.0.0.1:9".parse().unwrap(), "127.0.0.2:9".parse().unwrap()];
        for _ in 0..500 {
            assert_eq!(network.open(SERVER, &addresses), Connection::Open);
        }
        assert_eq!(network.descriptors().count(), 2);
        // The system gives the lowest number that is free; other tests have some as well.
        assert!(network.socket(SERVER).unwrap().as_raw_fd() < 300);
    }
}
