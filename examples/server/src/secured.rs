//! DTLS with pre-shared keys over another transport.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use coracle_crypto::server::{Config, Connection, Cookies, PskLookup, SessionCache, Verdict, connection_id};
use coracle_crypto::{
    CipherSuite, Event, Instant as DtlsInstant, NoCurve, Options, Profile, Rng, RngError, SoftAes,
};

use crate::transport::{PeerId, Received, Transport, Waker};

/// The suites and sizes of the server.
struct Suites;

impl Profile for Suites {
    const SUITES: &'static [CipherSuite] = &[
        CipherSuite::PskAes128Ccm8,
        CipherSuite::PskAes128Ccm,
        CipherSuite::PskChaCha20Poly1305,
        CipherSuite::PskAes128CbcSha256,
    ];
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

/// Bytes of a connection ID.
const CID: usize = 4;
/// Sessions that can be resumed.
const RESUMABLE: usize = 16;
/// Longer than any message.
const ROOM: usize = 65_535;

/// Pre-shared keys by identity.
#[derive(Clone, Default)]
pub struct PreSharedKeys(HashMap<Vec<u8>, Vec<u8>>);

impl PreSharedKeys {
    /// Adds a device, or replaces its key.
    #[must_use]
    pub fn with(mut self, identity: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.0.insert(identity.into(), key.into());
        self
    }
}

impl PskLookup for PreSharedKeys {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        self.0.get(identity).map(Vec::as_slice)
    }
}

impl std::fmt::Debug for PreSharedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PreSharedKeys({} devices)", self.0.len())
    }
}

/// The random source of the system.
struct SystemRng;

impl Rng for SystemRng {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        getrandom::fill(out).map_err(|_| RngError)
    }
}

struct Session {
    connection: Connection<Suites>,
    address: PeerId,
}

/// DTLS over a transport that knows peers by address. The server above sees sessions ([`PeerId::Session`]).
pub struct Secured<T> {
    inner: T,
    keys: PreSharedKeys,
    cookies: Cookies,
    cache: SessionCache<RESUMABLE>,
    sessions: BTreeMap<u64, Session>,
    next: u64,
    start: Instant,
    /// Messages that came with others in one datagram.
    waiting: VecDeque<(u64, Vec<u8>)>,
}

impl<T> std::fmt::Debug for Secured<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secured").field("sessions", &self.sessions.len()).finish_non_exhaustive()
    }
}

impl<T: Transport> Secured<T> {
    /// DTLS over `inner`, for the devices with these keys.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(inner: T, keys: PreSharedKeys) -> io::Result<Self> {
        Ok(Secured {
            inner,
            keys,
            cookies: Cookies::new(&mut SystemRng).map_err(io::Error::other)?,
            cache: SessionCache::new(),
            sessions: BTreeMap::new(),
            next: 0,
            start: Instant::now(),
            waiting: VecDeque::new(),
        })
    }

    fn now(&self) -> DtlsInstant {
        DtlsInstant::from_millis(self.start.elapsed().as_millis() as u64)
    }

    fn config<'a>(keys: &'a PreSharedKeys, cache: &'a SessionCache<RESUMABLE>) -> Config<'a> {
        Config { sessions: Some(cache), ..Config::with_psk(keys) }
    }

    /// Works on a datagram of this address.
    fn arrive(&mut self, address: PeerId, datagram: &mut [u8]) {
        let (now, config) = (self.now(), Self::config(&self.keys, &self.cache));
        let of_cid = connection_id(datagram, CID).and_then(|cid| {
            self.sessions.iter().find(|(_, session)| session.connection.own_connection_id() == cid)
        });
        if let Some((&id, _)) = of_cid {
            self.deliver(id, address, datagram);
            return;
        }
        let begun = self
            .sessions
            .values()
            .any(|session| session.address == address && session.connection.began_with(datagram));
        let mut answer = [0; 64];
        match self.cookies.check(format!("{address:?}").as_bytes(), datagram, &mut answer) {
            Verdict::Answer(length) => {
                let _ = self.inner.send(address, answer.get(..length).unwrap_or_default());
            }
            Verdict::Accept if !begun => {
                let mut connection = Connection::new();
                connection.accept(&Options::DEFAULT);
                connection.handle_datagram(now, &config, datagram, &mut |_| {});
                self.sessions.insert(self.next, Session { connection, address });
                self.next += 1;
            }
            // An old session of the address lives until the new one is complete: each looks whether it can read it.
            _ => {
                let ids: Vec<u64> = self.sessions_of(address);
                for id in ids {
                    self.deliver(id, address, &mut datagram.to_vec());
                }
            }
        }
    }

    fn sessions_of(&self, address: PeerId) -> Vec<u64> {
        self.sessions.iter().filter(|(_, session)| session.address == address).map(|(id, _)| *id).collect()
    }

    fn deliver(&mut self, id: u64, address: PeerId, datagram: &mut [u8]) {
        let (now, config) = (self.now(), Self::config(&self.keys, &self.cache));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let waiting = &mut self.waiting;
        let newest = session
            .connection
            .handle_datagram(now, &config, datagram, &mut |data| waiting.push_back((id, data.to_vec())));
        if newest {
            session.address = address; // RFC 9146 section 6
        }
    }

    /// Sends what the handshakes have to send, and forgets sessions that have ended.
    fn flush(&mut self) {
        let now = self.now();
        let mut completed = Vec::new();
        for (id, session) in &mut self.sessions {
            let config = Self::config(&self.keys, &self.cache);
            let mut out = [0; 1500];
            session.connection.handle_timeout(now);
            while let Ok(Some(length)) =
                session.connection.poll_transmit(now, &config, &mut SystemRng, &mut out)
            {
                // One that is not sent is one more that is lost.
                let _ = self.inner.send(session.address, out.get(..length).unwrap_or_default());
            }
            while let Some(event) = session.connection.poll_event() {
                if matches!(event, Event::Connected(_)) {
                    completed.push((*id, session.address));
                }
            }
        }
        // The client has a new session: it no longer knows the old one.
        for (id, address) in completed {
            self.sessions.retain(|other, session| *other >= id || session.address != address);
        }
        self.sessions.retain(|_, session| !session.connection.is_free());
    }

    fn deadline(&self) -> Option<Instant> {
        let deadlines = self.sessions.values().filter_map(|session| session.connection.poll_timeout());
        deadlines.min().map(|at| self.start + Duration::from_millis(at.as_millis()))
    }
}

impl<T: Transport> Transport for Secured<T> {
    fn receive(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<Received> {
        loop {
            self.flush();
            if let Some((id, message)) = self.waiting.pop_front() {
                let length = message.len().min(buffer.len());
                buffer[..length].copy_from_slice(&message[..length]);
                return Ok(Received::Datagram(length, PeerId::Session(id)));
            }
            let due = deadline.into_iter().chain(self.deadline()).min();
            match self.inner.receive(buffer, due)? {
                Received::Datagram(length, address) => {
                    let mut datagram = buffer.get(..length).unwrap_or_default().to_vec();
                    self.arrive(address, &mut datagram);
                }
                Received::TimedOut if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
                other => return Ok(other),
            }
        }
    }

    fn send(&mut self, peer: PeerId, datagram: &[u8]) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the peer has no session");
        let PeerId::Session(id) = peer else { return Err(gone()) };
        let session = self.sessions.get_mut(&id).ok_or_else(gone)?;
        let (before, behind) = (Connection::<Suites>::HEADROOM, Connection::<Suites>::TAILROOM);
        if datagram.len() > ROOM - before - behind {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the datagram is too long"));
        }
        let mut record = vec![0; before];
        record.extend_from_slice(datagram);
        record.resize(before + datagram.len() + behind, 0);
        let range = session.connection.seal(&mut record, datagram.len()).map_err(io::Error::other)?;
        self.inner.send(session.address, record.get(range).unwrap_or_default())
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.inner.local_address()
    }

    fn address_of(&self, peer: PeerId) -> Option<SocketAddr> {
        let PeerId::Session(id) = peer else { return None };
        self.inner.address_of(self.sessions.get(&id)?.address)
    }

    fn waker(&self) -> Waker {
        self.inner.waker()
    }

    fn scheme(&self) -> &'static str {
        "coaps"
    }
}
