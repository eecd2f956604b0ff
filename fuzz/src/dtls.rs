//! The two halves of DTLS, in virtual time, and the rules that hold for them whatever comes in.

use coracle_crypto::profiles::{Everything, ShortFirstHello};
use coracle_crypto::server::{self, Config, Cookies, PskLookup, Verdict};
use coracle_crypto::{
    Connection, Credentials, Event, Instant, Options, PrivateKey, Profile, Psk, PublicKey, RawPublicKey, Rng,
    RngError, Security,
};

use crate::heap;

/// The identity of the client.
pub const IDENTITY: &[u8] = b"device";
/// The key that belongs to it.
pub const KEY: &[u8] = b"a pre-shared key";
/// Longer than any datagram of ours.
const TRANSMIT: usize = 1500;

/// Random numbers that can be told beforehand, so that a run can be repeated.
#[derive(Clone, Debug)]
pub struct SeededRng(pub u64);

impl Rng for SeededRng {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        for byte in out {
            self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            *byte = (self.0 >> 56) as u8;
        }
        Ok(())
    }
}

/// The keys of both sides: private scalars of 7 and 9.
#[derive(Debug)]
pub struct Keys {
    client: PrivateKey,
    client_public: PublicKey,
    /// The server's.
    pub server: PrivateKey,
    /// The server's.
    pub server_public: PublicKey,
}

impl Keys {
    /// Computes the public ones.
    pub fn new() -> Self {
        let pair = |last: u8| {
            let mut scalar = [0; 32];
            scalar[31] = last;
            let private = PrivateKey::parse(&scalar).expect("in range");
            let public = private.public_key().expect("in range");
            (private, public)
        };
        let ((client, client_public), (server, server_public)) = (pair(7), pair(9));
        Self { client, client_public, server, server_public }
    }

    /// Security settings with raw public keys.
    pub fn raw_public_key(&self) -> Security<'_> {
        let keys = RawPublicKey::new(&self.client, &self.client_public, &self.server_public);
        Security::new(b"server", Credentials::RawPublicKey(keys))
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

/// Security settings with the pre-shared key.
pub fn psk() -> Security<'static> {
    Security::new(b"server", Credentials::Psk(Psk::new(IDENTITY, KEY).expect("fine")))
}

/// Everything, and the first hello without extensions.
pub type Short = ShortFirstHello<Everything>;

/// A client, and everything that came out of it.
#[derive(Debug)]
pub struct Client<'a, P: Profile = Everything> {
    /// The client under test.
    pub connection: Connection<P>,
    /// Its settings.
    pub security: Security<'a>,
    /// Milliseconds.
    pub now: u64,
    /// Datagrams that nobody has looked at.
    pub sent: Vec<Vec<u8>>,
    /// What it has reported.
    pub events: Vec<Event>,
    /// Application data that it has handed out.
    pub data: Vec<Vec<u8>>,
    rng: SeededRng,
}

impl<'a> Client<'a> {
    /// A client that has sent its first hello.
    pub fn new(security: Security<'a>) -> Self {
        Self::seeded(security, 1)
    }

    /// The same with other random numbers.
    pub fn seeded(security: Security<'a>, seed: u64) -> Self {
        Self::of_profile(security, seed)
    }
}

impl<'a, P: Profile> Client<'a, P> {
    /// The same of another profile.
    pub fn of_profile(security: Security<'a>, seed: u64) -> Self {
        let mut client = Self {
            connection: Connection::new(),
            security,
            now: 1_000,
            sent: Vec::new(),
            events: Vec::new(),
            data: Vec::new(),
            rng: SeededRng(seed),
        };
        client.connect();
        client
    }

    fn time(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// Starts a handshake, whatever was before.
    pub fn connect(&mut self) {
        let now = self.time();
        self.connection.connect(now, &self.security, &Options::DEFAULT).expect("the settings are right");
        self.settle();
    }

    /// Hands a datagram over. Answers how it was left.
    pub fn deliver(&mut self, datagram: &[u8]) -> Vec<u8> {
        let (mut buffer, now) = (datagram.to_vec(), self.time());
        let mut records = heap::without(|| self.connection.handle_datagram(now, &self.security, &mut buffer));
        while let Some(data) = heap::without(|| records.next()) {
            self.data.push(data.to_vec());
        }
        drop(records);
        self.settle();
        buffer
    }

    /// Lets the clock run to the next timer; false when there is none.
    pub fn wait(&mut self) -> bool {
        let Some(at) = self.connection.poll_timeout() else { return false };
        self.now = self.now.max(at.as_millis());
        self.settle();
        true
    }

    /// Everything that the client wants to do at this time. It comes to rest.
    pub fn settle(&mut self) {
        for _ in 0..100 {
            let (now, mut out) = (self.time(), [0; TRANSMIT]);
            let (connection, security, rng) = (&mut self.connection, &self.security, &mut self.rng);
            let length = heap::without(|| {
                if connection.poll_timeout().is_some_and(|at| at <= now) {
                    connection.handle_timeout(now);
                }
                connection.poll_transmit(now, security, rng, &mut out)
            });
            let length = length.expect("there is room, and there are random numbers");
            if let Some(length) = length {
                assert!(length <= usize::from(Options::DEFAULT.mtu), "a datagram of {length} bytes");
                self.sent.push(out[..length].to_vec());
            }
            while let Some(event) = self.connection.poll_event() {
                self.events.push(event);
            }
            if length.is_none() && self.connection.poll_timeout().is_none_or(|at| at > now) {
                return;
            }
        }
        panic!("the client does not come to rest");
    }

    /// Protects application data.
    pub fn seal(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let (headroom, tailroom) = (Connection::<P>::HEADROOM, Connection::<P>::TAILROOM);
        let mut buffer = [&vec![0; headroom][..], data, &vec![0; tailroom]].concat();
        let range = heap::without(|| self.connection.seal(&mut buffer, data.len())).ok()?;
        Some(buffer[range].to_vec())
    }

    /// True when a handshake has ended well since the last look.
    pub fn take_connected(&mut self) -> bool {
        let connected = self.events.iter().any(|event| matches!(event, Event::Connected(_)));
        self.events.clear();
        connected
    }
}

/// The one client that a server knows.
#[derive(Debug)]
pub struct OneClient(pub &'static [u8]);

impl PskLookup for OneClient {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        (identity == IDENTITY).then_some(self.0)
    }
}

/// The server half, for one client.
#[derive(Debug)]
pub struct Server<'a> {
    /// The session with the client.
    pub connection: server::Connection<Everything>,
    config: Config<'a>,
    cookies: Cookies,
    rng: SeededRng,
    accepted: bool,
    /// Handshakes that have ended well.
    pub completed: u32,
    /// Datagrams that nobody has looked at.
    pub sent: Vec<Vec<u8>>,
    /// Application data that came from the client.
    pub data: Vec<Vec<u8>>,
}

impl<'a> Server<'a> {
    /// A server that waits for a client.
    pub fn new(config: Config<'a>) -> Self {
        Self::seeded(config, 2)
    }

    /// The same with other random numbers.
    pub fn seeded(config: Config<'a>, seed: u64) -> Self {
        let mut rng = SeededRng(seed);
        Self {
            connection: server::Connection::new(),
            config,
            cookies: Cookies::new(&mut rng).expect("seeded"),
            rng,
            accepted: false,
            completed: 0,
            sent: Vec::new(),
            data: Vec::new(),
        }
    }

    /// Takes a datagram of the client.
    pub fn deliver(&mut self, now: u64, datagram: &[u8]) {
        let (time, mut out) = (Instant::from_millis(now), [0; TRANSMIT]);
        if !self.accepted || !self.connection.began_with(datagram) {
            match heap::without(|| self.cookies.check(b"client", datagram, &mut out)) {
                Verdict::Answer(length) => self.sent.push(out[..length].to_vec()),
                Verdict::Accept => {
                    heap::without(|| self.connection.accept(&Options::DEFAULT));
                    self.accepted = true;
                }
                Verdict::Ignore => {}
            }
        }
        let (mut buffer, data) = (datagram.to_vec(), &mut self.data);
        // The data is kept on the heap, so it may be used here; the client is watched where it matters.
        self.connection
            .handle_datagram(time, &self.config, &mut buffer, &mut |bytes| data.push(bytes.to_vec()));
        self.settle(now);
    }

    /// When the server wants to be called next.
    pub fn deadline(&self) -> Option<u64> {
        self.connection.poll_timeout().map(Instant::as_millis)
    }

    /// Everything that the server wants to do at this time. It comes to rest.
    pub fn settle(&mut self, now: u64) {
        let time = Instant::from_millis(now);
        for _ in 0..100 {
            let mut out = [0; TRANSMIT];
            let length = heap::without(|| {
                if self.connection.poll_timeout().is_some_and(|at| at <= time) {
                    self.connection.handle_timeout(time);
                }
                self.connection.poll_transmit(time, &self.config, &mut self.rng, &mut out)
            });
            let length = length.expect("there is room, and there are random numbers");
            self.sent.extend(length.map(|length| out[..length].to_vec()));
            while let Some(event) = self.connection.poll_event() {
                self.completed += u32::from(matches!(event, Event::Connected(_)));
            }
            if length.is_none() && self.connection.poll_timeout().is_none_or(|at| at > time) {
                return;
            }
        }
        panic!("the server does not come to rest");
    }

    /// Protects application data.
    pub fn seal(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let (headroom, tailroom) =
            (server::Connection::<Everything>::HEADROOM, server::Connection::<Everything>::TAILROOM);
        let mut buffer = [&vec![0; headroom][..], data, &vec![0; tailroom]].concat();
        let range = self.connection.seal(&mut buffer, data.len()).ok()?;
        Some(buffer[range].to_vec())
    }
}
