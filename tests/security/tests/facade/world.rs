//! The device, its servers, and the network between them, in virtual time.

use crate::common::SeededRng;
use crate::peer::Peer;
use coap_lite::Packet;
use coracle::engine::profile::Table;
use coracle::model::{Changes, Text};
use coracle::platform::{Entropy, EntropyError};
use coracle::{
    Client, ClientMemory, Event, Instant, Memory, Profile, RegistrationState, ServerIndex, ServerSettings,
    SessionEvent,
};

/// Milliseconds that a datagram takes.
const DELAY: u64 = 10;
pub const FIRST: ServerIndex = ServerIndex(0);
pub const SECOND: ServerIndex = ServerIndex(1);

/// A vendor's object.
#[derive(coracle::Object)]
#[lwm2m(id = 33001, version = "1.0")]
pub struct Gauge {
    #[lwm2m(id = 0, ops = "RW")]
    value: i32,
    #[lwm2m(id = 1, ops = "RW")]
    note: Text<400>,
    changes: Changes,
}

#[derive(coracle::Objects)]
pub struct Things {
    pub gauge: Gauge,
}

impl Things {
    pub fn new() -> Self {
        let note = Text::try_from("n".repeat(400).as_str()).expect("it fits");
        Self { gauge: Gauge { value: 7, note, changes: Changes::NONE } }
    }
}

/// Random numbers that can be repeated.
pub struct Dice(pub u64);

impl Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let mut rng = SeededRng(self.0);
        self.0 += 1;
        coracle_crypto::Rng::fill(&mut rng, bytes).map_err(|_| EntropyError)
    }
}

/// Where a datagram goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Device,
    Server,
}

struct Datagram {
    arrival: u64,
    to: To,
    server: usize,
    /// The address of the device that it comes from or goes to.
    address: u16,
    bytes: Vec<u8>,
}

pub struct World<P: Profile + 'static> {
    pub now: u64,
    pub client: Client<'static, P, Things>,
    /// Where the client's memory lies: address and length.
    pub memory: (usize, usize),
    pub peers: Vec<Peer>,
    flying: Vec<Datagram>,
    /// The present address of the device.
    pub address: u16,
    /// What happened, and when.
    pub events: Vec<(u64, Event)>,
    /// The datagrams of the device, in order: when, to whom, what.
    pub sent: Vec<(u64, usize, Vec<u8>)>,
    pub largest: usize,
    /// Percent of datagrams that are lost, in both directions, and by which numbers.
    pub loss: u64,
    pub weather: SeededRng,
}

impl<P: Profile> World<P> {
    /// A device that was just switched on, and servers.
    pub fn new(peers: Vec<Peer>) -> Self {
        let (client, memory) = device(1);
        Self {
            now: 5_000,
            client,
            memory,
            peers,
            flying: Vec::new(),
            address: 1,
            events: Vec::new(),
            sent: Vec::new(),
            largest: 0,
            loss: 0,
            weather: SeededRng(0),
        }
    }

    /// One server, with which the device has this account; it registers.
    pub fn registering(peer: Peer, settings: &ServerSettings<'_>) -> Self {
        let mut world = Self::new(vec![peer]);
        assert_eq!(world.client.add_server(settings), Ok(FIRST));
        world.client.register(world.time(), FIRST);
        world.pump();
        world
    }

    /// The same, registered.
    pub fn registered(peer: Peer, settings: &ServerSettings<'_>) -> Self {
        let mut world = Self::registering(peer, settings);
        world.expect_registered(FIRST, 2_000);
        world
    }

    /// The device loses its RAM and its clock; what is to come has not arrived yet.
    pub fn lose_power(&mut self) {
        (self.client, self.memory) = device(1_000 + self.now);
        self.flying.retain(|datagram| datagram.to == To::Server);
        self.events.clear();
        self.sent.clear();
    }

    pub const fn time(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Everything that can be done without letting time pass.
    pub fn pump(&mut self) {
        let mut out = vec![0; P::Transmit::CAPACITY];
        for round in 0.. {
            assert!(round < 100, "the client is busy though no time passes");
            let now = self.time();
            let mut idle = true;
            while let Some(transmit) = self.client.poll_transmit(now, &mut out) {
                let (server, bytes) = (transmit.server.index(), transmit.datagram.to_vec());
                self.send(server, bytes);
                idle = false;
            }
            while let Some(connect) = self.client.poll_connect() {
                let host = connect.uri.host;
                assert!(host.ends_with(".example") || host.parse::<std::net::IpAddr>().is_ok());
                let server = connect.server;
                self.client.connected(now, server);
                idle = false;
            }
            while let Some(event) = self.client.poll_event() {
                self.events.push((self.now, event));
            }
            if idle && self.client.poll_timeout().is_none_or(|at| at > now) {
                break;
            }
        }
        for server in 0..self.peers.len() {
            self.peers[server].flush(self.now);
            for (address, bytes) in std::mem::take(&mut self.peers[server].out) {
                self.fly(To::Device, server, address, bytes);
            }
        }
    }

    fn send(&mut self, server: usize, bytes: Vec<u8>) {
        self.largest = self.largest.max(bytes.len());
        self.sent.push((self.now, server, bytes.clone()));
        self.fly(To::Server, server, self.address, bytes);
    }

    fn fly(&mut self, to: To, server: usize, address: u16, bytes: Vec<u8>) {
        if !self.weather.chance(self.loss) {
            let arrival = self.now + DELAY;
            self.flying.push(Datagram { arrival, to, server, address, bytes });
        }
    }

    /// The next thing that happens; `false` when nothing does until `end`, which is then reached.
    fn step(&mut self, end: u64) -> bool {
        let arrivals = self.flying.iter().map(|datagram| datagram.arrival);
        let timers = self.peers.iter().filter_map(Peer::deadline);
        let timers = timers.chain(self.client.poll_timeout().map(Instant::as_millis));
        let next = arrivals.chain(timers).min().unwrap_or(u64::MAX);
        if next > end {
            self.now = end;
            return false;
        }
        self.now = self.now.max(next);
        let arrived = (0..self.flying.len()).find(|at| self.flying[*at].arrival <= self.now);
        if let Some(at) = arrived {
            let datagram = self.flying.remove(at);
            match datagram.to {
                To::Server => {
                    self.peers[datagram.server].receive(self.now, datagram.address, &datagram.bytes);
                }
                To::Device if datagram.address == self.address => {
                    self.receive(datagram.server, datagram.bytes);
                }
                // Sent to an address that the device no longer has.
                To::Device => {}
            }
        }
        self.pump();
        true
    }

    /// A datagram of a server reaches the device.
    pub fn receive(&mut self, server: usize, mut bytes: Vec<u8>) {
        let mut out = vec![0; P::Transmit::CAPACITY];
        let now = self.time();
        let index = ServerIndex(server as u8);
        let answer = self.client.handle_datagram(now, index, &mut bytes, &mut out);
        if let Some(answer) = answer.map(<[u8]>::to_vec) {
            self.send(server, answer);
        }
    }

    /// What is under way reaches the device, which does nothing else meanwhile.
    pub fn deliver(&mut self) {
        while let Some(next) = self.flying.iter().map(|datagram| datagram.arrival).min() {
            self.now = self.now.max(next);
            let datagram = self.flying.remove(0);
            match datagram.to {
                To::Server => {
                    self.peers[datagram.server].receive(self.now, datagram.address, &datagram.bytes);
                }
                To::Device => self.receive(datagram.server, datagram.bytes),
            }
            for (address, bytes) in std::mem::take(&mut self.peers[datagram.server].out) {
                self.fly(To::Device, datagram.server, address, bytes);
            }
        }
    }

    /// Lets time pass until something holds; `false` when that takes longer than `limit` ms.
    pub fn run(&mut self, limit: u64, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if holds(self) {
                return true;
            }
            if !self.step(end) {
                return holds(self);
            }
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, milliseconds: u64) {
        self.run(milliseconds, |_| false);
    }

    pub fn state(&self, server: ServerIndex) -> RegistrationState {
        self.client.state(server).expect("there is such a server")
    }

    /// Within so many ms the device is registered.
    #[track_caller]
    pub fn expect_registered(&mut self, server: ServerIndex, limit: u64) {
        let done = self.run(limit, |world| {
            world.state(server) == RegistrationState::Registered
                && world.peers[server.index()].knows_the_device()
        });
        assert!(done, "{:?}: {:#?}", self.state(server), self.events);
    }

    /// Everything that DTLS had to tell about a server.
    pub fn told(&self, server: ServerIndex) -> Vec<(u64, SessionEvent)> {
        let about = |(at, event): &(u64, Event)| match event {
            Event::Transport { server: of, event } if *of == server => Some((*at, *event)),
            _ => None,
        };
        self.events.iter().filter_map(about).collect()
    }

    /// A server asks for a resource; the answer, within a second.
    #[track_caller]
    pub fn ask(&mut self, server: ServerIndex, path: &str) -> Packet {
        let index = server.index();
        let request = self.peers[index].request(path, None);
        self.peers[index].send(std::slice::from_ref(&request));
        self.pump();
        let token = request.get_token().to_vec();
        let answered = |world: &Self| world.peers[index].answers.iter().any(|a| a.get_token() == token);
        assert!(self.run(1_000, answered), "no answer to {path}");
        self.peers[index].answers.pop().expect("just seen")
    }

    /// The same as text.
    #[track_caller]
    pub fn text(&mut self, server: ServerIndex, path: &str) -> String {
        String::from_utf8(self.ask(server, path).payload).expect("a text")
    }
}

fn device<P: Profile>(seed: u64) -> (Client<'static, P, Things>, (usize, usize)) {
    let memory: &'static mut ClientMemory<P> = Box::leak(Box::new(Memory::<P>::EMPTY.client));
    let place = (std::ptr::from_ref(memory).addr(), size_of::<ClientMemory<P>>());
    let client = Client::new(memory, "facade", Things::new(), &mut Dice(seed)).expect("it fits");
    (client, place)
}
