//! Device, servers and network together, in virtual time.

use coap_lite::Packet;
use coracle::platform::PredictableEntropy;
use coracle::{
    Client, ClientMemory, Credentials, Event, Instant, Profile, RegistrationState, ServerIndex,
    ServerSettings,
};

use crate::network::{Datagram, Network, To, Weather};
use crate::objects::Things;
use crate::rng::Rng;
use crate::script::{Ask, Script};
use crate::secure::{Secure, key_of};
use crate::seeds::is_replay;

/// One server, and the way to it.
#[derive(Debug)]
pub struct Peer {
    /// What it does.
    pub script: Script,
    /// DTLS, when it is reached by `coaps://`.
    pub secure: Option<Secure>,
    /// Nothing comes in or goes out.
    pub is_dead: bool,
    /// Its name has no address.
    pub is_unknown: bool,
    /// The port of the device towards this server: another one after each connection.
    port: u32,
}

/// The memory of a device, for [`World::new`].
#[allow(missing_debug_implementations)] // keys are in here
pub struct Memory<P: Profile>(Box<coracle::Memory<P>>);

impl<P: Profile> Memory<P> {
    /// Nothing in use.
    pub fn new() -> Self {
        Self(Box::new(coracle::Memory::EMPTY))
    }

    fn client(&mut self) -> &mut ClientMemory<P> {
        &mut self.0.client
    }
}

impl<P: Profile> Default for Memory<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// Everything.
#[allow(missing_debug_implementations)] // keys are in the client
pub struct World<'m, P: Profile> {
    /// In ms.
    pub now: u64,
    /// For what a scenario leaves to chance.
    pub rng: Rng,
    /// The device.
    pub client: Client<'m, P, Things>,
    /// Its servers.
    pub peers: Vec<Peer>,
    /// What lies between them.
    pub network: Network,
    /// What the device has told, and when.
    pub events: Vec<(u64, Event)>,
    /// Every datagram that the device sent: when, to which server, what. Only plain ones can be read.
    pub sent: Vec<(u64, usize, Vec<u8>)>,
    prints: bool,
    spins: u32,
}

impl<'m, P: Profile> World<'m, P> {
    /// A device that knows these servers (by scheme: `coap` or `coaps`) and has not begun to register.
    pub fn new(
        memory: &'m mut Memory<P>,
        seed: u64,
        weather: Weather,
        lifetime_s: u32,
        schemes: &[&str],
    ) -> Self {
        let mut rng = Rng::new(seed);
        let mut entropy = PredictableEntropy::from_seed(rng.next());
        let mut client =
            Client::new(memory.client(), "device", Things::new(), &mut entropy).expect("a client");
        let mut peers = Vec::new();
        for (index, scheme) in schemes.iter().enumerate() {
            let secure = *scheme == "coaps";
            let key = key_of(index);
            let settings = ServerSettings {
                uri: &format!("{scheme}://server{index}.example"),
                short_server_id: index as u16 + 1,
                lifetime_s,
                store_notifications: true,
                credentials: if secure { Credentials::psk(b"device", &key) } else { Credentials::NONE },
            };
            client.add_server(&settings).expect("a good server");
            let mut script = Script::new(rng.next());
            script.knows_ports = !secure;
            peers.push(Peer {
                script,
                secure: secure.then(|| Secure::new(index, rng.next())),
                is_dead: false,
                is_unknown: false,
                port: 0,
            });
        }
        let network = Network::new(rng.next(), weather);
        let (events, sent) = (Vec::new(), Vec::new());
        Self { now: 0, rng, client, peers, network, events, sent, prints: is_replay(), spins: 0 }
    }

    /// The time as the client has it.
    pub const fn instant(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Registers with all servers.
    pub fn register(&mut self) {
        for index in 0..self.peers.len() {
            self.client.register(self.instant(), ServerIndex(index as u8));
        }
    }

    /// De-registers from all servers.
    pub fn deregister(&mut self) {
        for index in 0..self.peers.len() {
            self.client.deregister(self.instant(), ServerIndex(index as u8));
        }
    }

    /// What the first server does.
    pub fn script(&mut self) -> &mut Script {
        &mut self.peers[0].script
    }

    /// Where the registration with a server stands.
    pub fn state(&self, server: usize) -> RegistrationState {
        self.client.state(ServerIndex(server as u8)).expect("a server")
    }

    /// Begins a request of a server.
    pub fn ask(&mut self, server: usize, ask: Ask) -> Option<usize> {
        let now = self.now;
        self.peers[server].script.ask(now, ask)
    }

    /// Changes the device's objects, and lets it send what follows from that.
    pub fn update<R>(&mut self, change: impl FnOnce(&mut Things) -> R) -> R {
        let result = self.client.update(change);
        self.flush();
        result
    }

    /// Lets this much time pass, in ms.
    pub fn run_for(&mut self, ms: u64) {
        let end = self.now + ms;
        self.run_until(end, |_| false);
    }

    /// Lets time pass until the condition holds, or the time `end` has come; whether it holds.
    pub fn run_until(&mut self, end: u64, mut condition: impl FnMut(&mut Self) -> bool) -> bool {
        loop {
            self.flush();
            if condition(self) {
                return true;
            }
            let next = self.next().map_or(end, |next| next.min(end));
            if next > self.now {
                (self.now, self.spins) = (next, 0);
            } else {
                self.spins += 1;
                assert!(self.spins < 10_000, "{} ms: something is due again and again", self.now);
            }
            if next >= end && self.now >= end {
                self.flush();
                return condition(self);
            }
            self.deliver();
        }
    }

    /// When something happens by itself.
    fn next(&self) -> Option<u64> {
        let client = self.client.poll_timeout().map(Instant::as_millis);
        let peers = self.peers.iter().filter_map(|peer| {
            let secure = peer.secure.as_ref().and_then(Secure::deadline);
            peer.script.deadline().into_iter().chain(secure).min()
        });
        peers.chain(self.network.next_arrival()).chain(client).min()
    }

    fn deliver(&mut self) {
        for peer in &mut self.peers {
            peer.script.handle_timeout(self.now);
        }
        while let Some(datagram) = self.network.receive(self.now) {
            let Datagram { to, server, port, mut bytes } = datagram;
            let peer = &mut self.peers[server];
            if peer.is_dead {
                continue;
            }
            match to {
                // What comes to a port that is no longer open is dropped by the device's system.
                To::Device if peer.port == port => self.hand_over(server, &mut bytes),
                To::Device => {}
                To::Server => match &mut peer.secure {
                    None => {
                        print(self.prints, self.now, "->", server, &bytes);
                        peer.script.handle(self.now, port, &bytes);
                    }
                    Some(secure) => {
                        for message in secure.handle(self.now, port, &bytes) {
                            print(self.prints, self.now, "->", server, &message);
                            peer.script.handle(self.now, port, &message);
                        }
                    }
                },
            }
            self.flush();
        }
    }

    fn hand_over(&mut self, server: usize, bytes: &mut [u8]) {
        let mut out = [0; 1280];
        let index = ServerIndex(server as u8);
        if self.peers[server].secure.is_none() {
            print(self.prints, self.now, "<-", server, bytes);
        }
        if let Some(answer) = self.client.handle_datagram(self.instant(), index, bytes, &mut out) {
            let answer = answer.to_vec();
            self.send(server, answer);
        }
    }

    fn send(&mut self, server: usize, bytes: Vec<u8>) {
        let peer = &self.peers[server];
        self.sent.push((self.now, server, bytes.clone()));
        if !peer.is_dead {
            self.network.send(self.now, &Datagram { to: To::Server, server, port: peer.port, bytes });
        }
    }

    /// Lets everybody send what is due, and the device connect.
    fn flush(&mut self) {
        let mut out = [0; 1280];
        loop {
            while let Some(transmit) = self.client.poll_transmit(self.instant(), &mut out) {
                let (server, bytes) = (transmit.server.index(), transmit.datagram.to_vec());
                self.send(server, bytes);
            }
            let Some(connect) = self.client.poll_connect() else { break };
            let server = connect.server;
            let peer = &mut self.peers[server.index()];
            if peer.is_unknown {
                self.client.connection_failed(self.instant(), server);
            } else {
                peer.port += 1;
                self.client.connected(self.instant(), server);
            }
        }
        while let Some(event) = self.client.poll_event() {
            if self.prints {
                println!("{:9}    {event:?}", self.now);
            }
            self.events.push((self.now, event));
        }
        for (server, peer) in self.peers.iter_mut().enumerate() {
            while let Some((port, message)) = peer.script.poll_transmit(self.now) {
                print(self.prints && !peer.is_dead, self.now, "<~", server, &message);
                match &mut peer.secure {
                    Some(secure) => secure.seal(port, &message),
                    None if peer.is_dead => {}
                    None => self
                        .network
                        .send(self.now, &Datagram { to: To::Device, server, port, bytes: message }),
                }
            }
            while let Some((port, bytes)) =
                peer.secure.as_mut().and_then(|secure| secure.poll_transmit(self.now))
            {
                if !peer.is_dead {
                    self.network.send(self.now, &Datagram { to: To::Device, server, port, bytes });
                }
            }
        }
    }

    /// How many events so far are such.
    pub fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, event)| is(event)).count()
    }
}

/// A line of the traffic, for who looks at one seed.
fn print(prints: bool, now: u64, way: &str, server: usize, message: &[u8]) {
    if prints && let Ok(packet) = Packet::from_bytes(message) {
        println!(
            "{now:9} {way} {server} {:?} {} id {} token {:02x?} {:?}",
            packet.header.get_type(),
            packet.header.get_code(),
            packet.header.message_id,
            packet.get_token(),
            String::from_utf8_lossy(&packet.payload),
        );
    }
}
