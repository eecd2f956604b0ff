//! A main loop, or an RTOS task, around a client.
//!
//! [`Driver::run`] is the whole loop. An application that has its own poll, select or epoll takes the sockets from its
//! [`Network`] and the time from [`Driver::deadline`], and calls [`Driver::step`] when either says so.

use core::ops::ControlFlow;

use coracle_engine::Instant;
use coracle_engine::model::Objects;

use crate::platform::{Connection, Network};
use crate::{Buffers, Client, Event, Profile};

/// A client, its network, and the buffers between them.
#[allow(missing_debug_implementations)] // keys are in the client
pub struct Driver<'m, P: Profile, O, N> {
    client: Client<'m, P, O>,
    network: N,
    buffers: &'m mut Buffers<P>,
}

impl<'m, P: Profile, O: Objects, N: Network> Driver<'m, P, O, N> {
    /// Puts the parts together.
    pub const fn new(client: Client<'m, P, O>, network: N, buffers: &'m mut Buffers<P>) -> Self {
        Self { client, network, buffers }
    }

    /// Registers with all servers.
    pub fn register(&mut self) {
        self.for_each_server(Client::register);
    }

    /// De-registers from all servers; each ends with an event.
    pub fn deregister(&mut self) {
        self.for_each_server(Client::deregister);
    }

    fn for_each_server(&mut self, act: fn(&mut Client<'m, P, O>, Instant, coracle_engine::ServerIndex)) {
        let now = self.network.now();
        for index in 0..=u8::MAX {
            let server = coracle_engine::ServerIndex(index);
            if self.client.state(server).is_none() {
                break;
            }
            act(&mut self.client, now, server);
        }
    }

    /// Datagrams that are taken in one step at most: a flood of them must not keep the application from its turn.
    const ROUNDS: usize = 32;

    /// Does what can be done now, without waiting; ends early when there are events, so that none is lost, and after some
    /// datagrams. When there is more to do, [`Driver::wait`] returns at once.
    pub fn step(&mut self) {
        for _ in 0..Self::ROUNDS {
            let received = self.receive();
            self.transmit();
            // Last, because a time that has come may ask for a connection: the wait would not end for it.
            let connected = self.open_connections();
            if !(received || connected) || self.client.has_events() {
                break;
            }
        }
    }

    /// Opens the ways that the client wants; true when there is news about one.
    fn open_connections(&mut self) -> bool {
        let mut news = false;
        while let Some(connect) = self.client.poll_connect() {
            let server = connect.server;
            let connection = self.network.connect(server, connect.uri);
            self.note_connection(server, connection);
            news = true;
        }
        while let Some((server, connection)) = self.network.poll_connection() {
            self.note_connection(server, connection);
            news = true;
        }
        news
    }

    fn note_connection(&mut self, server: coracle_engine::ServerIndex, connection: Connection) {
        let now = self.network.now();
        match connection {
            Connection::Open => self.client.connected(now, server),
            Connection::Failed => self.client.connection_failed(now, server),
            Connection::Pending => {}
        }
    }

    /// Takes one datagram and sends its answer; false when there is none.
    fn receive(&mut self) -> bool {
        let (input, output) = self.buffers.split();
        let Some((server, length)) = self.network.receive(input) else { return false };
        let Some(datagram) = input.get_mut(..length) else { return true };
        let now = self.network.now();
        if let Some(answer) = self.client.handle_datagram(now, server, datagram, output) {
            self.network.send(server, answer);
        }
        true
    }

    fn transmit(&mut self) {
        let (_, output) = self.buffers.split();
        while let Some(transmit) = self.client.poll_transmit(self.network.now(), output) {
            self.network.send(transmit.server, transmit.datagram);
        }
    }

    /// When [`Driver::step`] has to be called next if no datagram comes; `None` when never.
    pub fn deadline(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    /// Waits until there is something to do.
    pub fn wait(&mut self) {
        self.wait_until(Instant::NEVER);
    }

    /// Waits until there is something to do, for the client or, at this time, for the application.
    pub fn wait_until(&mut self, application: Instant) {
        if !self.client.has_events() {
            let until = self.client.poll_timeout().unwrap_or(Instant::NEVER).min(application);
            self.network.wait((until != Instant::NEVER).then_some(until));
        }
    }

    /// Steps and waits, and hands every event to `on_event`, until that breaks.
    pub fn run<B>(&mut self, mut on_event: impl FnMut(&mut Self, Event) -> ControlFlow<B>) -> B {
        loop {
            self.step();
            while let Some(event) = self.client.poll_event() {
                if let ControlFlow::Break(result) = on_event(self, event) {
                    return result;
                }
            }
            self.wait();
        }
    }

    /// The client.
    pub const fn client(&mut self) -> &mut Client<'m, P, O> {
        &mut self.client
    }

    /// Ends the driver and gives the network back, for the next one.
    pub fn into_network(self) -> N {
        self.network
    }

    /// The network.
    pub const fn network(&mut self) -> &mut N {
        &mut self.network
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::PredictableEntropy;
    use crate::{Credentials, DefaultProfile, Memory, ServerSettings, Uri};
    use coracle_engine::{Duration, RegistrationState, ServerIndex};
    use std::boxed::Box;

    const SERVER: ServerIndex = ServerIndex(0);

    /// A network whose waits take no time, and whose first connections fail.
    struct Scripted {
        now: Instant,
        failures: u32,
        connects: u32,
        sent: u32,
        /// Datagrams never cease to come.
        flood: bool,
    }

    impl Network for Scripted {
        fn connect(&mut self, _: ServerIndex, _: Uri<'_>) -> Connection {
            self.connects += 1;
            if self.connects > self.failures { Connection::Open } else { Connection::Failed }
        }

        fn send(&mut self, _: ServerIndex, _: &[u8]) {
            self.sent += 1;
        }

        fn receive(&mut self, buffer: &mut [u8]) -> Option<(ServerIndex, usize)> {
            const PING: [u8; 4] = [0x40, 0, 0, 1];
            buffer[..4].copy_from_slice(&PING);
            self.flood.then_some((SERVER, PING.len()))
        }

        fn wait(&mut self, until: Option<Instant>) {
            self.now = until.unwrap_or(Instant::NEVER).max(self.now);
        }

        fn now(&self) -> Instant {
            self.now
        }
    }

    fn driver(failures: u32) -> Driver<'static, DefaultProfile, (), Scripted> {
        let Memory { client, buffers } = Box::leak(Box::new(Memory::<DefaultProfile>::EMPTY));
        let mut client = Client::new(client, "device", (), &mut PredictableEntropy::from_seed(7)).unwrap();
        let settings = ServerSettings {
            uri: "coap://server",
            short_server_id: 1,
            lifetime_s: 300,
            store_notifications: true,
            credentials: Credentials::NONE,
        };
        assert_eq!(client.add_server(&settings), Ok(SERVER));
        let network = Scripted { now: Instant::ZERO, failures, connects: 0, sent: 0, flood: false };
        let mut driver = Driver::new(client, network, buffers);
        driver.register();
        driver
    }

    /// Steps and waits until the client is in this state; how often.
    fn run_to(driver: &mut Driver<'static, DefaultProfile, (), Scripted>, state: RegistrationState) -> u32 {
        for rounds in 0.. {
            driver.step();
            while driver.client.poll_event().is_some() {}
            if driver.client.state(SERVER) == Some(state) {
                return rounds;
            }
            driver.wait();
        }
        unreachable!()
    }

    #[test]
    fn the_first_step_connects_and_registers() {
        let mut driver = driver(0);
        run_to(&mut driver, RegistrationState::Registering);
        driver.step();
        assert_eq!((driver.network.connects, driver.network.sent), (1, 1));
        assert_eq!(driver.network.now, Instant::ZERO);
    }

    #[test]
    fn a_flood_of_datagrams_leaves_the_application_its_turn() {
        let mut driver = driver(0);
        driver.network.flood = true;
        for _ in 0..10 {
            driver.step();
            while driver.client.poll_event().is_some() {}
        }
        assert!((10..=330).contains(&driver.network.sent), "{}", driver.network.sent);
    }

    #[test]
    fn a_failed_connection_is_tried_again_when_the_back_off_is_over_and_not_later() {
        let mut driver = driver(2);
        run_to(&mut driver, RegistrationState::Registering);
        assert_eq!(driver.network.connects, 3);
        // Two waits of the default profile: 5 s and 10 s, half of each as jitter on top.
        assert!(
            driver.network.now <= Instant::ZERO + Duration::from_millis(22_500),
            "{:?}",
            driver.network.now
        );
    }
}
