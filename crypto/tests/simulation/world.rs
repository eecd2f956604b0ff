//! A client, a server, and the network between them.

use crate::common::SeededRng;
use crate::network::{Network, To, Weather};
use coracle_crypto::server::{self, Config, Cookies, Verdict};
use coracle_crypto::{Connection, Event, Instant, Options, Profile, Security};

/// What a server does with a hello of somebody that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// It asks for a cookie over what both hellos have in common: Scandium.
    Cookie,
    /// Over the extensions, too: tinydtls.
    CookieOverExtensions,
    /// None: it answers, and takes a hello with another random for another client.
    Answer,
    /// None, and it serves one client at a time: another hello is to it a repetition of the first. Mbed TLS, OpenSSL.
    AnswerOne,
}

/// Both ends and the network, in virtual time.
pub struct World<'a, C: Profile, S: Profile> {
    pub now: u64,
    pub client: Connection<C>,
    /// Connections for the one client: its latest hello is not believed before it completes a handshake.
    pub servers: Vec<server::Connection<S>>,
    pub network: Network,
    pub options: Options,
    pub welcome: Welcome,
    security: Security<'a>,
    config: Config<'a>,
    cookies: Cookies,
    client_rng: SeededRng,
    server_rng: SeededRng,
    pub client_events: Vec<Event>,
    pub server_events: Vec<Event>,
    pub at_client: Vec<Vec<u8>>,
    pub at_server: Vec<Vec<u8>>,
    /// Things that happened: arrivals and timers.
    pub steps: u64,
}

impl<'a, C: Profile, S: Profile> World<'a, C, S> {
    pub fn new(seed: u64, weather: Weather, security: Security<'a>, config: Config<'a>) -> Self {
        let mut server_rng = SeededRng(seed ^ 0x5E6E);
        Self {
            now: 1_000,
            client: Connection::new(),
            servers: Vec::new(),
            network: Network::new(seed, weather),
            options: Options::DEFAULT,
            welcome: Welcome::Cookie,
            security,
            config,
            cookies: Cookies::new(&mut server_rng).expect("seeded"),
            client_rng: SeededRng(seed ^ 0xC11E),
            server_rng,
            client_events: Vec::new(),
            server_events: Vec::new(),
            at_client: Vec::new(),
            at_server: Vec::new(),
            steps: 0,
        }
    }

    pub fn set_security(&mut self, security: Security<'a>) {
        self.security = security;
    }

    pub fn connect(&mut self) {
        self.client_events.clear();
        self.server_events.clear();
        self.client.connect(self.time(), &self.security, &self.options).expect("the configuration is right");
        self.transmit();
    }

    fn time(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Everything that both ends have to send now.
    pub fn transmit(&mut self) {
        let mut out = [0; 1500];
        let now = self.time();
        loop {
            let sent = self
                .client
                .poll_transmit(now, &self.security, &mut self.client_rng, &mut out)
                .expect("there is room");
            if let Some(length) = sent {
                assert!(length <= usize::from(self.options.mtu), "a datagram of {length} bytes");
                self.network.send(self.now, To::Server, &out[..length]);
            } else if self.client.poll_timeout().is_none_or(|at| at > now) {
                break;
            } else {
                // The next step of a computation, or a timer that is due.
                self.client.handle_timeout(now);
            }
        }
        for server in &mut self.servers {
            while let Some(length) = server
                .poll_transmit(now, &self.config, &mut self.server_rng, &mut out)
                .expect("there is room")
            {
                self.network.send(self.now, To::Client, &out[..length]);
            }
        }
        while let Some(event) = self.client.poll_event() {
            self.client_events.push(event);
        }
        self.replace_old_server();
    }

    /// The latest connection that completes a handshake replaces those before it.
    fn replace_old_server(&mut self) {
        let mut latest = None;
        for (at, server) in self.servers.iter_mut().enumerate() {
            while let Some(event) = server.poll_event() {
                if matches!(event, Event::Connected(_)) {
                    latest = Some(at);
                }
                self.server_events.push(event);
            }
        }
        self.servers.drain(..latest.unwrap_or(0));
    }

    /// The server's end of the session.
    pub fn server(&mut self) -> &mut server::Connection<S> {
        self.servers.iter_mut().rfind(|server| server.is_connected()).expect("connected")
    }

    pub fn both_connected(&self) -> bool {
        let server = self.server_events.iter().any(|event| matches!(event, Event::Connected(_)));
        self.client.is_connected() && server
    }

    /// The next thing that happens. `false` when nothing ever will.
    pub fn step(&mut self) -> bool {
        let timers = self.servers.iter().map(server::Connection::poll_timeout);
        let timers = timers.chain([self.client.poll_timeout()]).flatten().map(Instant::as_millis);
        let next = timers.chain(self.network.next_arrival()).min();
        let Some(next) = next else { return false };
        self.now = self.now.max(next);
        self.steps += 1;
        match self.network.receive(self.now) {
            Some((To::Client, mut datagram)) => {
                let now = self.time();
                let mut records = self.client.handle_datagram(now, &self.security, &mut datagram);
                while let Some(data) = records.next() {
                    self.at_client.push(data.to_vec());
                }
            }
            Some((To::Server, datagram)) => self.arrive_at_server(datagram),
            None => {
                self.client.handle_timeout(self.time());
                let now = self.time();
                self.servers.iter_mut().for_each(|server| server.handle_timeout(now));
            }
        }
        self.transmit();
        true
    }

    fn arrive_at_server(&mut self, mut datagram: Vec<u8>) {
        let mut answer = [0; 64];
        let now = self.time();
        let begun = match self.welcome {
            Welcome::AnswerOne => !self.servers.is_empty(),
            _ => self.servers.iter().any(|server| server.began_with(&datagram)),
        };
        // Whatever else a cookie is to cover counts as part of the address.
        let covered = if self.welcome == Welcome::CookieOverExtensions { extensions(&datagram) } else { &[] };
        let address = [b"the client", covered].concat();
        let verdict = match (self.welcome, self.cookies.check(&address, &datagram, &mut answer)) {
            (Welcome::Answer | Welcome::AnswerOne, Verdict::Answer(_)) => Verdict::Accept,
            (_, verdict) => verdict,
        };
        match verdict {
            Verdict::Answer(length) => {
                self.network.send(self.now, To::Client, &answer[..length]);
                return;
            }
            Verdict::Accept if !begun => {
                let mut server = server::Connection::new();
                server.accept(&self.options);
                server.handle_datagram(now, &self.config, &mut datagram, &mut |_| {});
                self.servers.push(server);
                return;
            }
            _ => {}
        }
        let at_server = &mut self.at_server;
        for server in &mut self.servers {
            let mut copy = datagram.clone();
            server.handle_datagram(now, &self.config, &mut copy, &mut |data| at_server.push(data.to_vec()));
        }
        self.servers.retain(|server| !server.is_free());
    }

    /// Goes on until both ends are connected, or one reports something else, or `limit` milliseconds have passed.
    pub fn run(&mut self, limit: u64) -> bool {
        let end = self.now + limit;
        while self.now < end {
            if self.both_connected() {
                return true;
            }
            let ended = |event: &Event| !matches!(event, Event::Connected(_));
            if self.client_events.iter().any(ended) || !self.step() {
                return false;
            }
        }
        false
    }

    /// The client sends data, until it arrives.
    pub fn client_says(&mut self, text: &[u8]) {
        for _ in 0..60 {
            let mut buffer = vec![0; Connection::<C>::HEADROOM + text.len() + Connection::<C>::TAILROOM];
            buffer[Connection::<C>::HEADROOM..][..text.len()].copy_from_slice(text);
            let range = self.client.seal(&mut buffer, text.len()).expect("connected");
            self.network.send(self.now, To::Server, &buffer[range]);
            if self.wait_until(|world| world.at_server.iter().any(|data| data == text)) {
                return;
            }
        }
        panic!("the client's data never arrives");
    }

    /// The server sends data, until it arrives.
    pub fn server_says(&mut self, text: &[u8]) {
        let (headroom, tailroom) = (server::Connection::<S>::HEADROOM, server::Connection::<S>::TAILROOM);
        for _ in 0..60 {
            let mut buffer = vec![0; headroom + text.len() + tailroom];
            buffer[headroom..][..text.len()].copy_from_slice(text);
            let range = self.server().seal(&mut buffer, text.len()).expect("connected");
            self.network.send(self.now, To::Client, &buffer[range]);
            if self.wait_until(|world| world.at_client.iter().any(|data| data == text)) {
                return;
            }
        }
        panic!("the server's data never arrives");
    }

    fn wait_until(&mut self, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + 2_000;
        while self.network.next_arrival().is_some_and(|at| at <= end) {
            self.step();
            if done(self) {
                return true;
            }
        }
        self.now = end;
        false
    }
}

/// What comes behind the compression in the hello that a datagram is; nothing for other datagrams.
fn extensions(datagram: &[u8]) -> &[u8] {
    // Where the next field starts, behind one with a length of so many bytes.
    let behind = |at: usize, bytes: usize| {
        let length = datagram.get(at..at + bytes)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        Some(at + bytes + length)
    };
    // Headers, version and random; then session id, cookie, suites, compression.
    let end = [1, 1, 2, 1].into_iter().try_fold(13 + 12 + 34, behind);
    end.filter(|_| datagram[13] == 1).and_then(|end| datagram.get(end..)).unwrap_or_default()
}
