//! The server half of DTLS under a script.

use coracle_crypto::server::{Config, Connection, Cookies, PskLookup, SessionCache, Verdict, connection_id};
use coracle_crypto::{
    CipherSuite, Event, Instant, NoCurve, Options, Profile, Rng as CryptoRng, RngError, SoftAes,
};

use crate::rng::Rng;

/// Bytes of a connection ID.
const CID: usize = 4;

struct Suites;

impl Profile for Suites {
    const SUITES: &'static [CipherSuite] = &[CipherSuite::PskAes128Ccm8];
    const RAW_PUBLIC_KEYS: bool = false;
    const CERTIFICATES: bool = false;
    const CONNECTION_ID: bool = true;
    const FAILED_OPEN_LIMIT: u32 = 0;
    type Aes = SoftAes;
    type Curve = NoCurve;
    type KeyBlock = [u8; coracle_crypto::key_block_len(Self::SUITES)];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; CID];
    type PeerCid = [u8; 32];
    type Reassembly = [u8; 256];
    type ReplayWindow = [u32; 2];
}

/// The pre-shared key of the device with a server: each has another.
pub fn key_of(server: usize) -> [u8; 16] {
    [server as u8 + 1; 16]
}

struct Key([u8; 16]);

impl PskLookup for Key {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        (identity == b"device").then_some(&self.0)
    }
}

impl CryptoRng for Rng {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        out.iter_mut().for_each(|byte| *byte = self.next() as u8);
        Ok(())
    }
}

struct Session {
    connection: Connection<Suites>,
    port: u32,
}

/// DTLS for the one device of a simulation, which may have several sessions while it changes from one to the next.
pub struct Secure {
    key: Key,
    cookies: Cookies,
    cache: SessionCache<4>,
    sessions: Vec<Session>,
    rng: Rng,
    /// Handshakes that were completed.
    pub handshakes: usize,
    /// What the device needs to complete a handshake never leaves.
    loses_finished: bool,
    out: Vec<(u32, Vec<u8>)>,
}

impl std::fmt::Debug for Secure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secure").field("sessions", &self.sessions.len()).finish_non_exhaustive()
    }
}

const fn time(now: u64) -> Instant {
    Instant::from_millis(now)
}

impl Secure {
    pub(crate) fn new(server: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        Self {
            key: Key(key_of(server)),
            cookies: Cookies::new(&mut rng).expect("random numbers"),
            cache: SessionCache::new(),
            sessions: Vec::new(),
            rng,
            handshakes: 0,
            loses_finished: false,
            out: Vec::new(),
        }
    }

    /// From now on it has another key.
    pub fn refuse_all(&mut self) {
        self.key.0[0] ^= 1;
    }

    /// From now on its last flights are lost.
    pub const fn lose_finished(&mut self) {
        self.loses_finished = true;
    }

    /// Forgets all sessions, as a restart does.
    pub fn restart(&mut self) {
        self.sessions.clear();
        self.cache = SessionCache::new();
        self.out.clear();
    }

    /// Takes a datagram; the messages in it.
    pub(crate) fn handle(&mut self, now: u64, port: u32, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        let config = Config { sessions: Some(&self.cache), ..Config::with_psk(&self.key) };
        let of_cid = connection_id(datagram, CID);
        let begun = self.sessions.iter().any(|s| s.port == port && s.connection.began_with(datagram));
        let mut answer = [0; 64];
        match self.cookies.check(&port.to_be_bytes(), datagram, &mut answer) {
            Verdict::Answer(length) => self.out.push((port, answer[..length].to_vec())),
            Verdict::Accept if !begun => {
                let mut connection = Connection::new();
                connection.accept(&Options::DEFAULT);
                connection.handle_datagram(time(now), &config, &mut datagram.to_vec(), &mut |_| {});
                self.sessions.push(Session { connection, port });
            }
            _ => {
                for session in &mut self.sessions {
                    let own = session.connection.own_connection_id();
                    let concerned = match of_cid {
                        Some(cid) => own == cid,
                        None => session.port == port,
                    };
                    if concerned {
                        let newest = session.connection.handle_datagram(
                            time(now),
                            &config,
                            &mut datagram.to_vec(),
                            &mut |data| messages.push(data.to_vec()),
                        );
                        if newest {
                            session.port = port;
                        }
                    }
                }
            }
        }
        messages
    }

    /// Protects a message for the device behind `port`; without a session it is lost.
    pub(crate) fn seal(&mut self, port: u32, message: &[u8]) {
        let (before, behind) = (Connection::<Suites>::HEADROOM, Connection::<Suites>::TAILROOM);
        let usable = |session: &&mut Session| session.port == port && session.connection.is_connected();
        let Some(session) = self.sessions.iter_mut().rev().find(usable) else { return };
        let mut record = vec![0; before];
        record.extend_from_slice(message);
        record.resize(before + message.len() + behind, 0);
        let range = session.connection.seal(&mut record, message.len()).expect("a session");
        self.out.push((port, record[range].to_vec()));
    }

    /// The next datagram, and the port of the device that it goes to.
    pub(crate) fn poll_transmit(&mut self, now: u64) -> Option<(u32, Vec<u8>)> {
        if !self.out.is_empty() {
            return Some(self.out.remove(0));
        }
        let config = Config { sessions: Some(&self.cache), ..Config::with_psk(&self.key) };
        let mut completed = None;
        for (index, session) in self.sessions.iter_mut().enumerate() {
            let mut out = [0; 1500];
            session.connection.handle_timeout(time(now));
            while let Ok(Some(length)) =
                session.connection.poll_transmit(time(now), &config, &mut self.rng, &mut out)
            {
                // The flight with Finished begins with ChangeCipherSpec (20).
                if !(self.loses_finished && out[0] == 20) {
                    self.out.push((session.port, out[..length].to_vec()));
                }
            }
            while let Some(event) = session.connection.poll_event() {
                if matches!(event, Event::Connected(_)) {
                    completed = Some(index);
                }
            }
        }
        if let Some(index) = completed {
            self.handshakes += usize::from(!self.loses_finished);
            let newest = self.sessions.remove(index);
            self.sessions.retain(|session| !session.connection.is_connected());
            self.sessions.push(newest);
        }
        self.sessions.retain(|session| !session.connection.is_free());
        (!self.out.is_empty()).then(|| self.out.remove(0))
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let deadlines = self.sessions.iter().filter_map(|session| session.connection.poll_timeout());
        deadlines.min().map(Instant::as_millis)
    }
}
