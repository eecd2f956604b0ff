//! UDP through lwIP's netconn API: one connection for each server, and one wait for all of them.

use core::cell::UnsafeCell;
use core::net::IpAddr;

use coracle::platform::{Connection, Network, local_port};
use coracle::{Instant, ServerIndex, Uri};

use crate::channel::Channel;
use crate::clock::{Alarm, Clock};
use crate::ffi::{self, coracle_freertos_config};
#[cfg(feature = "dns")]
use crate::lookup::{self, Begun, LOOKUPS};
use crate::waker::Waker;

/// There is a network; another one would not be woken.
struct InUse(UnsafeCell<bool>);

// SAFETY: it is looked at while the scheduler is suspended.
unsafe impl Sync for InUse {}

static IN_USE: InUse = InUse(UnsafeCell::new(false));

impl InUse {
    fn replace(&self, value: bool) -> bool {
        ffi::vTaskSuspendAll();
        // SAFETY: no other task runs, and interrupts do not come here.
        let before = unsafe { self.0.get().replace(value) };
        ffi::xTaskResumeAll();
        before
    }
}

/// A look-up that is under way, and whom it is for.
#[cfg(feature = "dns")]
#[derive(Clone, Copy)]
struct Lookup {
    server: ServerIndex,
    port: u16,
}

/// The network of lwIP, for up to `SERVERS` servers.
///
/// There is one in a firmware at a time. The task that has waited for it last is the one that is woken; C code must not
/// delete that task. lwIP must run (`tcpip_init`) before the first server is connected; the interface may come up later.
pub struct LwipNetwork<const SERVERS: usize = 1> {
    channels: [Option<Channel>; SERVERS],
    #[cfg(feature = "dns")]
    lookups: [Option<Lookup>; LOOKUPS],
    clock: Clock,
    local_port: u16,
    /// Where `receive` looks first, so that a busy server does not silence the others.
    next: usize,
    unsent: u32,
}

// SAFETY: netconns may be used from any task, by one at a time, which `&mut self` sees to.
unsafe impl<const SERVERS: usize> Send for LwipNetwork<SERVERS> {}

impl<const SERVERS: usize> LwipNetwork<SERVERS> {
    /// No connections yet: they are opened when the client asks for servers. `None` when there is a network already.
    pub fn new() -> Option<Self> {
        (!IN_USE.replace(true)).then(|| Self {
            channels: [const { None }; SERVERS],
            #[cfg(feature = "dns")]
            lookups: [None; LOOKUPS],
            clock: Clock::new(coracle_freertos_config.tick_rate_hz),
            local_port: 0,
            next: 0,
            unsent: 0,
        })
    }

    /// Sends from this local port; with several servers, from this and the following ones. 0 lets lwIP choose.
    #[must_use]
    pub const fn local_port(mut self, port: u16) -> Self {
        self.local_port = port;
        self
    }

    /// Wakes the task that waits.
    pub const fn waker(&self) -> Waker {
        Waker
    }

    /// Datagrams that lwIP had no memory, no route or no address for; they count as lost on the way. When it grows, raise
    /// `MEMP_NUM_NETBUF`, `MEMP_NUM_PBUF` or `MEM_SIZE`.
    pub const fn unsent(&self) -> u32 {
        self.unsent
    }

    pub(crate) fn alarm(&self, until: Option<Instant>) -> Alarm {
        self.clock.alarm(until)
    }

    fn open(&mut self, server: ServerIndex, address: IpAddr, port: u16) -> Connection {
        let Some(local_port) = local_port(self.local_port, server) else { return Connection::Failed };
        let Some(channel) = self.channels.get_mut(server.index()) else { return Connection::Failed };
        *channel = None; // first, because both may have the same port
        *channel = Channel::open(address, port, local_port);
        if channel.is_some() { Connection::Open } else { Connection::Failed }
    }

    #[cfg(feature = "dns")]
    fn look_up(&mut self, server: ServerIndex, uri: &Uri<'_>) -> Connection {
        match lookup::begin(uri.host) {
            Begun::Found(address) => self.open(server, address, uri.port),
            Begun::Pending(number) => {
                self.lookups[number] = Some(Lookup { server, port: uri.port });
                Connection::Pending
            }
            Begun::Failed => Connection::Failed,
        }
    }
}

impl<const SERVERS: usize> core::fmt::Debug for LwipNetwork<SERVERS> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LwipNetwork").field("servers", &SERVERS).finish_non_exhaustive()
    }
}

impl<const SERVERS: usize> Drop for LwipNetwork<SERVERS> {
    fn drop(&mut self) {
        IN_USE.replace(false);
    }
}

impl<const SERVERS: usize> Network for LwipNetwork<SERVERS> {
    fn connect(&mut self, server: ServerIndex, uri: Uri<'_>) -> Connection {
        #[cfg(feature = "dns")]
        for lookup in &mut self.lookups {
            // What is still under way for this server is out of date.
            *lookup = lookup.filter(|lookup| lookup.server != server);
        }
        if server.index() >= SERVERS {
            return Connection::Failed;
        }
        match uri.host.parse() {
            Ok(address) => self.open(server, address, uri.port),
            #[cfg(feature = "dns")]
            Err(_) => self.look_up(server, &uri),
            #[cfg(not(feature = "dns"))]
            Err(_) => Connection::Failed,
        }
    }

    #[cfg(feature = "dns")]
    fn poll_connection(&mut self) -> Option<(ServerIndex, Connection)> {
        loop {
            let (number, address) = lookup::poll()?;
            // Nobody waits for it any more when a later attempt has overtaken it.
            let Some(Lookup { server, port }) = self.lookups[number].take() else { continue };
            let connection = address.map(|address| self.open(server, address, port));
            return Some((server, connection.unwrap_or(Connection::Failed)));
        }
    }

    fn send(&mut self, server: ServerIndex, datagram: &[u8]) {
        if let Some(Some(channel)) = self.channels.get(server.index())
            && !channel.send(datagram)
        {
            self.unsent = self.unsent.saturating_add(1);
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<(ServerIndex, usize)> {
        for offset in 0..SERVERS {
            let index = (self.next + offset) % SERVERS;
            let Some(Some(channel)) = self.channels.get(index) else { continue };
            if let Some(length) = channel.receive(buffer) {
                self.next = index + 1;
                return Some((ServerIndex(index as u8), length));
            }
        }
        None
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.alarm(until).wait();
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;
    use std::vec::Vec;

    const A: ServerIndex = ServerIndex(0);
    const B: ServerIndex = ServerIndex(1);

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text).unwrap()
    }

    fn network() -> LwipNetwork<2> {
        LwipNetwork::new().unwrap()
    }

    #[test]
    fn datagrams_go_to_their_server_and_come_from_it() {
        let _alone = fake::alone();
        let mut network = network();
        assert_eq!(network.connect(A, uri("coap://192.0.2.1")), Connection::Open);
        assert_eq!(network.connect(B, uri("coap://[2001:db8::1]:7777")), Connection::Open);
        network.send(B, b"to b");
        network.send(A, b"to a");
        assert_eq!(fake::sent(), [(b"to b".to_vec(), 7777), (b"to a".to_vec(), 5683)]);
        fake::deliver(1, b"from b");
        let mut buffer = [0; 16];
        assert_eq!(network.receive(&mut buffer), Some((B, 6)));
        assert_eq!(&buffer[..6], b"from b");
        assert_eq!(network.receive(&mut buffer), None);
        drop(network);
        assert_eq!((fake::connections(), fake::buffers()), (0, 0));
    }

    #[test]
    fn a_busy_server_does_not_silence_another() {
        let _alone = fake::alone();
        let mut network = network();
        network.connect(A, uri("coap://192.0.2.1"));
        network.connect(B, uri("coap://192.0.2.2"));
        for datagram in [b"1", b"2", b"3"] {
            fake::deliver(0, datagram);
        }
        fake::deliver(1, b"b");
        let order: Vec<_> =
            core::iter::from_fn(|| network.receive(&mut [0; 4])).map(|(server, _)| server).collect();
        assert_eq!(order, [A, B, A, A]);
    }

    #[test]
    fn a_datagram_that_does_not_fit_is_dropped_whole() {
        let _alone = fake::alone();
        let mut network = network();
        network.connect(A, uri("coap://192.0.2.1"));
        fake::deliver(0, &[1; 17]);
        fake::deliver(0, &[2; 16]);
        fake::deliver(0, &[]);
        let mut buffer = [0; 16];
        assert_eq!(network.receive(&mut buffer), Some((A, 16)));
        assert_eq!(buffer, [2; 16]);
        assert_eq!(network.receive(&mut buffer), Some((A, 0)));
        assert_eq!(network.receive(&mut buffer), None);
        assert_eq!(fake::buffers(), 0);
    }

    #[test]
    fn a_stack_without_memory_costs_datagrams_and_nothing_else() {
        let _alone = fake::alone();
        let mut network = network();
        fake::fail(true);
        assert_eq!(network.connect(A, uri("coap://192.0.2.1")), Connection::Failed);
        assert_eq!(network.connect(B, uri("coap://known")), Connection::Failed);
        fake::fail(false);
        assert_eq!(network.connect(A, uri("coap://192.0.2.1")), Connection::Open);
        fake::fail(true);
        network.send(A, b"lost");
        fake::fail(false);
        network.send(A, b"sent");
        assert_eq!(fake::sent(), [(b"sent".to_vec(), 5683)]);
        assert_eq!((network.unsent(), fake::buffers()), (1, 0));
    }

    #[test]
    fn a_datagram_ends_the_wait() {
        let _alone = fake::alone();
        let mut network = network();
        network.connect(A, uri("coap://192.0.2.1"));
        let peer = std::thread::spawn(|| {
            fake::await_waiting();
            fake::deliver(0, b"news");
        });
        network.wait(None);
        peer.join().unwrap();
        assert_eq!(network.receive(&mut [0; 8]), Some((A, 4)));
        assert_eq!(fake::timed_out(), 0);
    }

    #[test]
    fn a_datagram_before_the_wait_ends_it_at_once() {
        let _alone = fake::alone();
        let mut network = network();
        network.connect(A, uri("coap://192.0.2.1"));
        fake::deliver(0, b"news");
        network.wait(None);
        assert_eq!(fake::timed_out(), 0);
    }

    #[cfg(feature = "dns")]
    #[test]
    fn names_are_looked_up_aside_and_one_does_not_wait_for_another() {
        let _alone = fake::alone();
        let mut network = network();
        assert_eq!(network.connect(A, uri("coap://slow")), Connection::Pending);
        assert_eq!(network.connect(B, uri("coap://known")), Connection::Open);
        assert_eq!(network.poll_connection(), None);
        assert!(fake::resolve("slow", Some("192.0.2.9")));
        assert_eq!(network.poll_connection(), Some((A, Connection::Open)));
        assert_eq!(network.poll_connection(), None);
        assert_eq!(fake::connections(), 2);
    }

    #[cfg(feature = "dns")]
    #[test]
    fn a_name_without_an_address_fails() {
        let _alone = fake::alone();
        let mut network = network();
        assert_eq!(network.connect(A, uri("coap://nowhere")), Connection::Pending);
        assert!(fake::resolve("nowhere", None));
        assert_eq!(network.poll_connection(), Some((A, Connection::Failed)));
    }

    #[cfg(feature = "dns")]
    #[test]
    fn an_answer_to_an_attempt_that_was_overtaken_is_ignored() {
        let _alone = fake::alone();
        let mut network = network();
        assert_eq!(network.connect(A, uri("coap://old")), Connection::Pending);
        assert_eq!(network.connect(A, uri("coap://new")), Connection::Pending);
        assert!(fake::resolve("old", Some("192.0.2.1")));
        assert_eq!(network.poll_connection(), None);
        assert!(fake::resolve("new", None));
        assert_eq!(network.poll_connection(), Some((A, Connection::Failed)));
    }

    #[cfg(feature = "dns")]
    #[test]
    fn look_ups_beyond_the_table_fail_and_the_table_is_free_again() {
        let _alone = fake::alone();
        let mut network = network();
        for name in ["coap://n0", "coap://n1", "coap://n2", "coap://n3"] {
            assert_eq!(network.connect(A, uri(name)), Connection::Pending);
        }
        assert_eq!(network.connect(B, uri("coap://n4")), Connection::Failed);
        for name in ["n0", "n1", "n2", "n3"] {
            assert!(fake::resolve(name, None));
        }
        assert_eq!(network.poll_connection(), Some((A, Connection::Failed)));
        assert_eq!(network.poll_connection(), None);
        assert_eq!(network.connect(B, uri("coap://n4")), Connection::Pending);
        // The next test finds the table empty.
        assert!(fake::resolve("n4", None));
        assert_eq!(network.poll_connection(), Some((B, Connection::Failed)));
    }

    #[test]
    fn there_is_one_network_and_another_when_it_is_gone() {
        let _alone = fake::alone();
        let first = network();
        assert!(LwipNetwork::<1>::new().is_none());
        drop(first);
        assert!(LwipNetwork::<1>::new().is_some());
    }

    #[test]
    fn there_are_no_local_ports_beyond_the_last() {
        let _alone = fake::alone();
        let mut network = network().local_port(u16::MAX);
        assert_eq!(network.connect(A, uri("coap://192.0.2.1")), Connection::Open);
        assert_eq!(network.connect(B, uri("coap://192.0.2.2")), Connection::Failed);
    }

    #[test]
    fn servers_beyond_the_table_are_refused() {
        let _alone = fake::alone();
        let mut network = network();
        assert_eq!(network.connect(ServerIndex(2), uri("coap://192.0.2.1")), Connection::Failed);
        network.send(ServerIndex(2), b"nobody");
        assert!(fake::sent().is_empty());
    }
}
