//! An LwM2M server as a script moves it: it answers registrations, makes requests, and keeps what it is told.

mod registration;

use std::collections::{BTreeMap, VecDeque};

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, RequestType};

use crate::rng::Rng;

/// EXCHANGE_LIFETIME (RFC 7252 section 4.8.2).
const EXCHANGE_LIFETIME: u64 = 247_000;
const MAX_RETRANSMIT: u32 = 4;

/// A device that the server knows.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The last part of its location.
    pub location: String,
    /// In seconds.
    pub lifetime: u64,
    /// When Register or the last Update was carried out, in ms.
    pub since: u64,
    /// Where requests go.
    pub port: u32,
}

/// What a request is to do; as options and payload say.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// GET, PUT, POST or DELETE.
    pub method: &'static str,
    /// Such as `/3/0/1`.
    pub path: String,
    /// 0 to observe, 1 to cancel.
    pub observe: Option<u8>,
    /// In plain text, if there is one.
    pub payload: Option<String>,
    /// That of an observation to be cancelled; otherwise a new one is taken.
    pub token: Option<Vec<u8>>,
}

/// An answer of the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Such as `2.05`.
    pub code: String,
    /// As text.
    pub payload: String,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The device answered.
    Answered(Answer),
    /// The device rejected it (RST).
    Rejected,
    /// No answer to any of five transmissions.
    Unanswered,
}

/// What an observation has brought.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// The path.
    pub path: String,
    /// Every value that was new, in the order of arrival; the first is that of the response.
    pub values: Vec<i64>,
    /// The sequence numbers of the notifications in the same order.
    pub numbers: Vec<u32>,
    /// The error that ended it.
    pub ended: Option<String>,
}

/// A request, or a response apart from its acknowledgement, that waits for an answer.
#[derive(Debug)]
struct Waiting {
    /// The request; `None` for a response.
    request: Option<usize>,
    ask: Ask,
    id: u16,
    token: Vec<u8>,
    bytes: Vec<u8>,
    port: u32,
    transmissions: u32,
    timeout: u64,
    next: u64,
    acknowledged: bool,
}

/// When a message of the device came, and what was answered.
type Seen = (u64, Option<Vec<u8>>);

/// The server.
#[derive(Debug)]
pub struct Script {
    /// The device, while it is registered.
    pub registered: Option<Registered>,
    /// When each Register was carried out, in ms.
    pub registers: Vec<u64>,
    /// When each Update was carried out, in ms.
    pub updates: Vec<u64>,
    /// When each De-register was carried out, in ms.
    pub deregisters: Vec<u64>,
    /// How often a lifetime has ended.
    pub expired: usize,
    /// Observations by token. A new registration forgets them.
    pub observed: BTreeMap<Vec<u8>, Observed>,
    /// Those that were forgotten.
    pub past: Vec<Observed>,
    /// Every request so far, and how it ended.
    pub outcomes: Vec<Option<Outcome>>,
    /// Registrations are answered apart from the acknowledgement, after so many ms at most.
    pub separate: Option<u64>,
    /// Registrations are refused with this code.
    pub refuses: Option<&'static str>,
    /// A notification from another port than that of the registration is a stranger's, and gets RST. (With DTLS the session
    /// tells who it is.)
    pub knows_ports: bool,
    rng: Rng,
    next_id: u16,
    next_token: u64,
    /// By port and message id.
    seen: BTreeMap<(u32, u16), Seen>,
    waiting: Vec<Waiting>,
    out: VecDeque<(u32, Vec<u8>)>,
}

impl Script {
    /// A server that knows nobody. Message ids, jitter and waits follow from the seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let next_id = rng.next() as u16;
        Self {
            registered: None,
            registers: Vec::new(),
            updates: Vec::new(),
            deregisters: Vec::new(),
            expired: 0,
            observed: BTreeMap::new(),
            past: Vec::new(),
            outcomes: Vec::new(),
            separate: None,
            refuses: None,
            knows_ports: false,
            rng,
            next_id,
            next_token: 0,
            seen: BTreeMap::new(),
            waiting: Vec::new(),
            out: VecDeque::new(),
        }
    }

    /// Forgets everything, as a restart does.
    pub fn restart(&mut self) {
        self.registered = None;
        self.past.extend(std::mem::take(&mut self.observed).into_values());
        self.seen.clear();
        let lost = std::mem::take(&mut self.waiting);
        lost.iter().filter_map(|waiting| waiting.request).for_each(|n| self.end(n, Outcome::Unanswered));
        self.out.clear();
    }

    /// Begins a request; its number in [`Script::outcomes`]. `None` when the device is not registered.
    pub fn ask(&mut self, now: u64, ask: Ask) -> Option<usize> {
        let port = self.registered.as_ref()?.port;
        let token = ask.token.clone().unwrap_or_else(|| {
            self.next_token += 1;
            self.next_token.to_be_bytes()[2..].to_vec()
        });
        let mut packet = Packet::new();
        packet.header.set_version(1);
        packet.header.set_type(MessageType::Confirmable);
        packet.header.code = MessageClass::Request(match ask.method {
            "GET" => RequestType::Get,
            "PUT" => RequestType::Put,
            "POST" => RequestType::Post,
            "DELETE" => RequestType::Delete,
            other => panic!("{other}"),
        });
        packet.set_token(token.clone());
        if let Some(observe) = ask.observe {
            packet.add_option(CoapOption::Observe, if observe == 0 { Vec::new() } else { vec![observe] });
        }
        let segments = ask.path.split('/').filter(|segment| !segment.is_empty());
        segments.for_each(|segment| packet.add_option(CoapOption::UriPath, segment.into()));
        if let Some(payload) = &ask.payload {
            packet.add_option(CoapOption::ContentFormat, Vec::new());
            packet.payload = payload.clone().into_bytes();
        }
        self.outcomes.push(None);
        let request = self.outcomes.len() - 1;
        self.start(now, port, Some(request), ask, packet);
        Some(request)
    }

    fn start(&mut self, now: u64, port: u32, request: Option<usize>, ask: Ask, mut packet: Packet) {
        self.next_id = self.next_id.wrapping_add(1);
        packet.header.message_id = self.next_id;
        self.waiting.push(Waiting {
            request,
            ask,
            id: self.next_id,
            token: packet.get_token().to_vec(),
            bytes: packet.to_bytes().expect("a message"),
            port,
            transmissions: 0,
            timeout: self.rng.between(2_000, 3_000),
            next: now,
            acknowledged: false,
        });
    }

    fn end(&mut self, request: usize, outcome: Outcome) {
        self.outcomes[request].get_or_insert(outcome);
    }

    /// The next datagram, and the port of the device that it goes to.
    pub fn poll_transmit(&mut self, now: u64) -> Option<(u32, Vec<u8>)> {
        if let Some(datagram) = self.out.pop_front() {
            return Some(datagram);
        }
        let due = self.waiting.iter_mut().find(|waiting| waiting.next <= now)?;
        if due.transmissions > MAX_RETRANSMIT || due.acknowledged {
            let index = self.waiting.iter().position(|waiting| waiting.next <= now)?;
            let over = self.waiting.remove(index);
            if let Some(request) = over.request {
                self.end(request, Outcome::Unanswered);
            }
            return self.poll_transmit(now);
        }
        due.transmissions += 1;
        due.next = now + due.timeout;
        due.timeout *= 2;
        Some((due.port, due.bytes.clone()))
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<u64> {
        let expiry = self.registered.as_ref().map(Self::expiry).filter(|at| *at < u64::MAX);
        self.waiting.iter().map(|waiting| waiting.next).chain(expiry).min()
    }

    fn expiry(registered: &Registered) -> u64 {
        match registered.lifetime {
            0 => u64::MAX,
            seconds => registered.since + seconds * 1_000 + 1,
        }
    }

    /// Forgets a device whose lifetime is over.
    pub fn handle_timeout(&mut self, now: u64) {
        if self.registered.as_ref().is_some_and(|registered| Self::expiry(registered) <= now) {
            self.registered = None;
            self.expired += 1;
            self.past.extend(std::mem::take(&mut self.observed).into_values());
        }
    }

    /// Takes a message that came from this port of the device.
    pub fn handle(&mut self, now: u64, port: u32, datagram: &[u8]) {
        let packet = Packet::from_bytes(datagram).expect("the device sends messages");
        let (id, kind) = (packet.header.message_id, packet.header.get_type());
        match packet.header.code {
            MessageClass::Request(_) => return self.handle_request(now, port, &packet),
            MessageClass::Empty if kind == MessageType::Reset => return self.handle_reset(id),
            MessageClass::Empty => {
                for waiting in self.waiting.iter_mut().filter(|waiting| waiting.id == id) {
                    waiting.acknowledged = true;
                    waiting.next = now + if waiting.request.is_some() { 93_000 } else { 0 };
                }
                return;
            }
            _ => {}
        }
        let code = packet.header.get_code();
        if kind == MessageType::Acknowledgement {
            let token = packet.get_token();
            let asked = self.waiting.iter().position(|waiting| waiting.id == id && waiting.token == token);
            if let Some(index) = asked {
                self.answered(index, &packet, &code);
            }
            return;
        }
        self.handle_separate(now, port, &packet, &code);
    }

    fn handle_reset(&mut self, id: u16) {
        if let Some(index) = self.waiting.iter().position(|waiting| waiting.id == id) {
            let over = self.waiting.remove(index);
            if let Some(request) = over.request {
                self.end(request, Outcome::Rejected);
            }
        }
    }

    /// A notification, or a response that comes apart from its acknowledgement.
    fn handle_separate(&mut self, now: u64, port: u32, packet: &Packet, code: &str) {
        let (id, token) = (packet.header.message_id, packet.get_token().to_vec());
        let confirmable = packet.header.get_type() == MessageType::Confirmable;
        let empty = |kind, script: &mut Self| {
            let mut reply = Packet::new();
            reply.header.set_version(1);
            reply.header.set_type(kind);
            reply.header.code = MessageClass::Empty;
            reply.header.message_id = id;
            script.out.push_back((port, reply.to_bytes().expect("a message")));
        };
        let asked =
            self.waiting.iter().position(|waiting| waiting.request.is_some() && waiting.token == token);
        let strange = self.knows_ports && self.registered.as_ref().is_some_and(|r| r.port != port);
        if asked.is_none() && (strange || !self.observed.contains_key(&token)) {
            return empty(MessageType::Reset, self);
        }
        if confirmable {
            empty(MessageType::Acknowledgement, self);
        }
        if self.is_repeated(now, port, id) {
            return;
        }
        self.seen.insert((port, id), (now, None));
        match asked {
            Some(index) => self.answered(index, packet, code),
            None => self.notified(&token, packet, code),
        }
    }

    fn is_repeated(&mut self, now: u64, port: u32, id: u16) -> bool {
        self.seen.retain(|_, (at, _)| *at + EXCHANGE_LIFETIME > now);
        self.seen.contains_key(&(port, id))
    }

    fn answered(&mut self, index: usize, packet: &Packet, code: &str) {
        let over = self.waiting.remove(index);
        let Some(request) = over.request else { return };
        if over.ask.observe == Some(0) && packet.get_option(CoapOption::Observe).is_some() {
            let new = Observed { path: over.ask.path.clone(), ..Observed::default() };
            self.observed.entry(over.token.clone()).or_insert(new);
            self.notified(&over.token, packet, code);
        }
        if over.ask.observe == Some(1) {
            self.past.extend(self.observed.remove(&over.token));
        }
        let payload = String::from_utf8_lossy(&packet.payload).into_owned();
        self.end(request, Outcome::Answered(Answer { code: code.to_owned(), payload }));
    }

    /// Keeps a value, unless it is the one that was there already (RFC 7641 section 3.4).
    fn notified(&mut self, token: &[u8], packet: &Packet, code: &str) {
        let Some(observed) = self.observed.get_mut(token) else { return };
        if !code.starts_with("2.") {
            observed.ended = Some(code.to_owned());
            self.past.extend(self.observed.remove(token));
            return;
        }
        let number = uint(packet, CoapOption::Observe).expect("an observe number");
        let value = std::str::from_utf8(&packet.payload).ok().and_then(|text| text.parse().ok());
        let value = value.expect("a number as text");
        if observed.values.last() != Some(&value) {
            observed.values.push(value);
        }
        observed.numbers.push(number);
    }
}

fn uint(packet: &Packet, option: CoapOption) -> Option<u32> {
    let value = packet.get_option(option)?.front()?;
    Some(value.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte)))
}
