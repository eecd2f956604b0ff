//! A scripted server: it takes whatever registers, and asks what a test wants to know.

use crate::common::SeededRng;
use crate::end::End;
use crate::keys::{Certificates, IDENTITY, KEY, Pair};
use coap_lite::{CoapOption, MessageClass, MessageType, Packet, RequestType, ResponseType};
use coracle_crypto::profiles::Everything;
use coracle_crypto::server::{
    Config, Connection, Cookies, KeyLookup, OwnKey, PskLookup, SessionCache, Verdict, connection_id,
};
use coracle_crypto::{
    CipherSuite, Event as DtlsEvent, Instant, Options, P256, PrivateKey, Profile, PublicKey, SoftAes,
    key_block_len,
};

/// Bytes of a connection ID of [`Everything`].
const CID: usize = 4;

/// A server that knows no connection IDs.
enum Anchored {}

impl Profile for Anchored {
    const SUITES: &'static [CipherSuite] = Everything::SUITES;
    const RAW_PUBLIC_KEYS: bool = true;
    const CERTIFICATES: bool = true;
    const CONNECTION_ID: bool = false;
    const FAILED_OPEN_LIMIT: u32 = 0;
    type Aes = SoftAes;
    type Curve = P256;
    type KeyBlock = [u8; key_block_len(Self::SUITES)];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 0];
    type PeerCid = [u8; 0];
    type Reassembly = [u8; 1024];
    type ReplayWindow = [u32; 2];
}

/// What a server knows of its clients, and of itself.
pub struct Knowledge {
    pub psk: Vec<(Vec<u8>, Vec<u8>)>,
    pub private: PrivateKey,
    pub public: PublicKey,
    pub chain: Vec<Vec<u8>>,
    pub raw_clients: Vec<PublicKey>,
    pub client_ca: Option<Vec<u8>>,
    pub suites: Vec<u16>,
}

impl PskLookup for Knowledge {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        self.psk.iter().find(|(known, _)| known == identity).map(|(_, key)| key.as_slice())
    }
}

impl KeyLookup for Knowledge {
    fn is_known(&self, key: &PublicKey) -> bool {
        self.raw_clients.contains(key)
    }
}

struct Session {
    end: Box<dyn End>,
    address: u16,
}

/// A request of the device.
#[derive(Clone, Debug)]
pub struct Request {
    pub at: u64,
    pub method: RequestType,
    pub path: String,
}

/// A scripted server.
pub struct Peer {
    pub knows: Knowledge,
    /// It answers an offered connection ID.
    pub roams: bool,
    /// It keeps sessions to be resumed.
    pub resumes: bool,
    /// It speaks plain CoAP.
    pub plain: bool,
    /// It hears so many datagrams more.
    pub hears: u64,
    pub requests: Vec<Request>,
    pub answers: Vec<Packet>,
    /// Handshakes that came to their end, and how many of them were resumed.
    pub handshakes: u32,
    pub resumed: u32,
    pub dtls_events: Vec<DtlsEvent>,
    known: u32,
    last_known: u32,
    cookies: Cookies,
    cache: SessionCache<4>,
    sessions: Vec<Session>,
    rng: SeededRng,
    message_id: u16,
    /// What is to be sent: address and datagram.
    pub out: Vec<(u16, Vec<u8>)>,
}

impl Peer {
    /// A server that knows the device by pre-shared key, raw public key and certificate.
    pub fn new(number: u8) -> Self {
        let mut rng = SeededRng(u64::from(number) + 77);
        let pair = Pair::server();
        let certificates = Certificates::new(number);
        Self {
            knows: Knowledge {
                psk: vec![(IDENTITY.to_vec(), KEY.to_vec())],
                private: PrivateKey::parse(&pair.private).expect("in range"),
                public: PublicKey::parse(&pair.public).expect("a point"),
                chain: vec![certificates.server],
                raw_clients: vec![PublicKey::parse(&Pair::device().public).expect("a point")],
                client_ca: Some(certificates.authority),
                suites: Vec::new(),
            },
            roams: true,
            resumes: true,
            plain: false,
            hears: u64::MAX,
            requests: Vec::new(),
            answers: Vec::new(),
            handshakes: 0,
            resumed: 0,
            dtls_events: Vec::new(),
            known: 0,
            last_known: 0,
            cookies: Cookies::new(&mut rng).expect("seeded"),
            cache: SessionCache::new(),
            sessions: Vec::new(),
            rng,
            message_id: 0x7000,
            out: Vec::new(),
        }
    }

    fn config<'a>(knows: &'a Knowledge, cache: Option<&'a SessionCache<4>>) -> Config<'a> {
        Config {
            own: Some(OwnKey { signer: &knows.private, public: &knows.public, chain: &[] }),
            raw_clients: Some(knows),
            suites: &knows.suites,
            sessions: cache.map(|cache| cache as _),
            ..Config::with_psk(knows)
        }
    }

    /// Calls `work` with the configuration, which borrows the chain.
    fn with<R>(&mut self, work: impl FnOnce(&mut Vec<Session>, &Config<'_>, &mut SeededRng) -> R) -> R {
        let chain: Vec<&[u8]> = self.knows.chain.iter().map(Vec::as_slice).collect();
        let mut config = Self::config(&self.knows, self.resumes.then_some(&self.cache));
        if let Some(own) = &mut config.own {
            own.chain = &chain;
        }
        config.client_ca = self.knows.client_ca.as_deref();
        work(&mut self.sessions, &config, &mut self.rng)
    }

    /// Takes a datagram that came from this address.
    pub fn receive(&mut self, now: u64, address: u16, datagram: &[u8]) {
        if self.hears == 0 {
            return;
        }
        self.hears -= 1;
        if self.plain {
            if let Some(answer) = self.answer(now, datagram) {
                self.out.push((address, answer));
            }
            return;
        }
        for (at, message) in self.open(Instant::from_millis(now), address, datagram) {
            if let Some(answer) = self.answer(now, &message)
                && let Some(session) = self.sessions.get_mut(at)
            {
                self.out.push((session.address, session.end.protect(&answer)));
            }
        }
        self.flush(now);
    }

    /// The messages of a datagram, and the sessions they belong to.
    fn open(&mut self, now: Instant, address: u16, datagram: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let cid = connection_id(datagram, CID);
        let mut answer = [0; 64];
        let begun = self.sessions.iter().any(|session| session.end.began(datagram));
        match self.cookies.check(&address.to_be_bytes(), datagram, &mut answer) {
            Verdict::Answer(length) => {
                self.out.push((address, answer[..length].to_vec()));
                return Vec::new();
            }
            Verdict::Accept if !begun => {
                let end = self.accept();
                self.sessions.push(Session { end, address });
                let last = self.sessions.len() - 1;
                self.with(|sessions, config, _| {
                    sessions[last].end.take(now, config, &mut datagram.to_vec());
                });
                return Vec::new();
            }
            _ => {}
        }
        self.with(|sessions, config, _| {
            let mut messages = Vec::new();
            for (at, session) in sessions.iter_mut().enumerate() {
                if cid.map_or(session.address == address, |cid| session.end.cid() == cid) {
                    let (newest, found) = session.end.take(now, config, &mut datagram.to_vec());
                    // RFC 9146 section 6
                    if newest && cid.is_some() {
                        session.address = address;
                    }
                    messages.extend(found.into_iter().map(|message| (at, message)));
                }
            }
            messages
        })
    }

    fn accept(&self) -> Box<dyn End> {
        if self.roams {
            let mut connection = Connection::<Everything>::new();
            connection.accept(&Options::DEFAULT);
            Box::new(connection)
        } else {
            let mut connection = Connection::<Anchored>::new();
            connection.accept(&Options::DEFAULT);
            Box::new(connection)
        }
    }

    /// Sends what handshakes have to send, and forgets what is over.
    pub fn flush(&mut self, now: u64) {
        let now = Instant::from_millis(now);
        let mut out = Vec::new();
        self.with(|sessions, config, rng| {
            for session in sessions {
                session.end.expire(now);
                while let Some(datagram) = session.end.transmit(now, config, rng) {
                    out.push((session.address, datagram));
                }
            }
        });
        self.out.extend(out);
        let mut newest = None;
        for (at, session) in self.sessions.iter_mut().enumerate() {
            while let Some(event) = session.end.event() {
                if let DtlsEvent::Connected(agreed) = event {
                    self.handshakes += 1;
                    self.resumed += u32::from(agreed.resumed);
                    newest = Some(at);
                }
                self.dtls_events.push(event);
            }
        }
        // There is one device: its new session replaces the old one.
        self.sessions.drain(..newest.unwrap_or(0));
        self.sessions.retain(|session| !session.end.is_over());
    }

    pub fn deadline(&self) -> Option<u64> {
        self.sessions.iter().filter_map(|session| session.end.deadline()).map(Instant::as_millis).min()
    }

    fn answer(&mut self, now: u64, message: &[u8]) -> Option<Vec<u8>> {
        let packet = Packet::from_bytes(message).expect("the device speaks CoAP");
        let MessageClass::Request(method) = packet.header.code else {
            if matches!(packet.header.code, MessageClass::Response(_)) {
                self.answers.push(packet);
            }
            return None;
        };
        let path = packet.get_option(CoapOption::UriPath).expect("a path");
        let path: Vec<String> =
            path.iter().map(|part| String::from_utf8(part.clone()).expect("a text")).collect();
        let path = path.join("/");
        let code = match method {
            RequestType::Post if path == "rd" => ResponseType::Created,
            RequestType::Post if path == format!("rd/{}", self.known) => ResponseType::Changed,
            RequestType::Delete if path == format!("rd/{}", self.known) => ResponseType::Deleted,
            _ => ResponseType::NotFound,
        };
        let mut answer = Packet::new();
        answer.header.message_id = packet.header.message_id;
        answer.header.set_type(MessageType::Acknowledgement);
        answer.header.code = MessageClass::Response(code);
        answer.set_token(packet.get_token().to_vec());
        let block = packet.get_first_option(CoapOption::Block1);
        if let Some(block) = block {
            answer.add_option(CoapOption::Block1, block.clone());
        }
        if block.and_then(|block| block.last()).is_some_and(|last| last & 8 != 0) {
            answer.header.code = MessageClass::Response(ResponseType::Continue);
            return answer.to_bytes().ok();
        }
        if code == ResponseType::Created {
            self.last_known += 1;
            self.known = self.last_known;
            answer.add_option(CoapOption::LocationPath, b"rd".to_vec());
            answer.add_option(CoapOption::LocationPath, self.known.to_string().into_bytes());
        }
        self.requests.push(Request { at: now, method, path });
        answer.to_bytes().ok()
    }

    /// The whole session with the device is gone, and what the server knew about it.
    pub fn restart(&mut self) {
        self.sessions.clear();
        self.cache = SessionCache::new();
        self.known = 0;
    }

    /// The sessions are gone, but what is needed to resume them, and the registration, are still there.
    pub fn lose_sessions(&mut self) {
        self.sessions.clear();
    }

    pub fn close(&mut self) {
        self.sessions.iter_mut().for_each(|session| session.end.goodbye());
    }

    /// A request for a path; the block of the answer that is wanted, if not the first.
    pub fn request(&mut self, path: &str, block: Option<u8>) -> Packet {
        self.message_id += 1;
        let mut packet = Packet::new();
        packet.header.message_id = self.message_id;
        packet.header.code = MessageClass::Request(RequestType::Get);
        packet.set_token(self.message_id.to_be_bytes().to_vec());
        for part in path.split('/').filter(|part| !part.is_empty()) {
            packet.add_option(CoapOption::UriPath, part.as_bytes().to_vec());
        }
        packet.add_option(CoapOption::Accept, vec![]);
        if let Some(block) = block {
            packet.add_option(CoapOption::Block2, vec![block]);
        }
        packet
    }

    /// Sends messages to the device, all in one datagram.
    pub fn send(&mut self, messages: &[Packet]) {
        let bytes: Vec<Vec<u8>> = messages.iter().map(|message| message.to_bytes().expect("valid")).collect();
        let Some(session) = self.sessions.iter_mut().rfind(|session| session.end.is_open()) else {
            panic!("there is no session")
        };
        let datagram = bytes.iter().flat_map(|message| session.end.protect(message)).collect();
        self.out.push((session.address, datagram));
    }

    /// Where the server's end of the session lies in memory: address and length.
    pub fn session_in_memory(&self) -> (usize, usize) {
        self.sessions.iter().find(|session| session.end.is_open()).expect("a session").end.address_in_memory()
    }

    /// The registration that the server knows.
    pub fn knows_the_device(&self) -> bool {
        self.known != 0
    }

    pub fn has_session(&self) -> bool {
        self.sessions.iter().any(|session| session.end.is_open())
    }
}
