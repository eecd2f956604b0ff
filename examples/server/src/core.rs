//! The server without sockets and threads: datagrams, commands and the time go in; datagrams and events come out.

mod inbound;
mod job;
mod responses;

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use coap_lite::{CoapOption, MessageType};

use crate::answer::RequestError;
use crate::dedup::Duplicates;
use crate::event::{Ended, Event};
use crate::exchange::{Due, Exchange, Exchanges, Retransmission, Start};
use crate::faults::Faults;
use crate::message::{self, Malformed, option};
use crate::registry::{Origin, Registry};
use crate::transport::PeerId;
use crate::value::Types;

pub(crate) use job::{Job, Target};

/// The receiver of a raw reply.
pub(crate) type RawReply = Sender<Result<Vec<u8>, RequestError>>;

/// What a message on its way is for.
#[derive(Debug)]
enum Purpose {
    /// A request of the caller.
    Request(Job),
    /// Bytes of the caller; the first message that belongs to them is handed back as it is.
    Probe(RawReply),
    /// A response to a device, sent apart from the acknowledgement.
    Response,
}

/// A path that a device reports.
#[derive(Debug)]
struct Observation {
    token: Vec<u8>,
    endpoint: String,
    peer: PeerId,
    path: String,
    /// Newest sequence number and its time.
    newest: Option<(u32, Instant)>,
    /// The next notification gets RST.
    rejecting: bool,
}

/// Counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Datagrams that came in.
    pub received: u64,
    /// Datagrams that went out (a bad network may lose them behind this point).
    pub sent: u64,
    /// Datagrams that were no CoAP message.
    pub malformed: u64,
    /// Messages that were here before.
    pub duplicates: u64,
    /// Responses and acknowledgements that nothing waited for.
    pub unmatched: u64,
    /// Messages the server sent again.
    pub retransmissions: u64,
    /// How often the thread woke up.
    pub wake_ups: u64,
}

/// Where events go: each subscriber has a channel.
pub(crate) type Subscribers = Arc<Mutex<Vec<Sender<Event>>>>;

/// Locks subscribers; a panic elsewhere cannot leave this list half changed.
pub(crate) fn lock(subscribers: &Subscribers) -> std::sync::MutexGuard<'_, Vec<Sender<Event>>> {
    subscribers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state of a server.
pub(crate) struct Core {
    pub(crate) registry: Registry,
    pub(crate) faults: Faults,
    pub(crate) stats: Stats,
    exchanges: Exchanges<Purpose>,
    duplicates: Duplicates,
    observations: Vec<Observation>,
    next_mid: u16,
    types: Arc<Types>,
    subscribers: Subscribers,
    out: Vec<(PeerId, Vec<u8>)>,
}

impl Core {
    pub(crate) fn new(
        types: Arc<Types>,
        retransmission: Retransmission,
        faults: Faults,
        subscribers: Subscribers,
    ) -> Self {
        Core {
            registry: Registry::default(),
            faults,
            stats: Stats::default(),
            exchanges: Exchanges::new(retransmission),
            duplicates: Duplicates::default(),
            observations: Vec::new(),
            next_mid: u16::from_be_bytes(random()),
            types,
            subscribers,
            out: Vec::new(),
        }
    }

    /// Takes a datagram.
    pub(crate) fn handle_datagram(&mut self, now: Instant, origin: Origin, datagram: &[u8]) {
        self.stats.received += 1;
        if self.probe_reply(now, origin.peer, datagram) {
            return;
        }
        let packet = match message::parse(datagram) {
            Ok(packet) => packet,
            Err(malformed) => {
                self.stats.malformed += 1;
                if let Malformed::Format { confirmable: true, mid } = malformed {
                    self.send(origin.peer, message::empty(MessageType::Reset, mid));
                }
                return;
            }
        };
        let (kind, code, mid) =
            (packet.header.get_type(), u8::from(packet.header.code), packet.header.message_id);
        match (code >> 5, kind) {
            (0, MessageType::Acknowledgement) if code == 0 => self.exchanges.acknowledge(origin.peer, mid),
            (0, MessageType::Reset) if code == 0 => self.reset(origin.peer, mid),
            (0, MessageType::Confirmable | MessageType::NonConfirmable) if code != 0 => {
                self.request(now, origin, &packet);
            }
            (2 | 4 | 5, MessageType::Acknowledgement) => self.piggybacked(now, origin.peer, &packet),
            (2 | 4 | 5, MessageType::Confirmable | MessageType::NonConfirmable) => {
                self.separate(now, origin.peer, &packet);
            }
            // A ping, or a code of a reserved class (RFC 7252 sections 4.2 and 4.3).
            (_, MessageType::Confirmable) => self.send(origin.peer, message::empty(MessageType::Reset, mid)),
            _ => self.stats.unmatched += 1,
        }
    }

    /// Does what is due: retransmissions, time-outs, expired registrations.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(due) = self.exchanges.due(now) {
            match due {
                Due::Transmit(peer, datagram, again) => {
                    self.stats.retransmissions += u64::from(again);
                    self.send(peer, datagram);
                }
                Due::NotAcknowledged(exchange) => {
                    let error = RequestError::NotAcknowledged(exchange.transmissions);
                    fail(exchange, error);
                }
                Due::TimedOut(exchange) => {
                    let error = RequestError::TimedOut(now.saturating_duration_since(exchange.started));
                    fail(exchange, error);
                }
            }
        }
        while let Some(registration) = self.registry.expire(now) {
            self.end_observations(
                |observation| observation.endpoint == registration.endpoint,
                Ended::Deregistered,
            );
            self.emit(&Event::Deregistered { registration, expired: true });
        }
    }

    /// When [`Core::handle_timeout`] has something to do.
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        [self.exchanges.next_due(), self.registry.next_expiry()].into_iter().flatten().min()
    }

    /// Datagrams to send now.
    pub(crate) fn take_output(&mut self) -> Vec<(PeerId, Vec<u8>)> {
        std::mem::take(&mut self.out)
    }

    /// Begins a request to a device.
    pub(crate) fn start_request(&mut self, now: Instant, job: Job) {
        let Some((peer, prefix)) = self.locate(&job.target) else {
            return answer(&job.reply, Err(not_registered(&job.target)));
        };
        let Some(token) = job.token.clone().or_else(|| self.token_for(&job)) else {
            return answer(&job.reply, Err(RequestError::NotObserved(job.path)));
        };
        let kind = if job.confirmable { MessageType::Confirmable } else { MessageType::NonConfirmable };
        let mid = self.mid();
        let mut packet = message::build(kind, job.method, mid, &token);
        let prefix = prefix.split('/').filter(|part| !part.is_empty()).map(|part| part.as_bytes().to_vec());
        for segment in prefix.chain(job.segments.iter().cloned()) {
            packet.add_option(CoapOption::from(option::URI_PATH), segment);
        }
        for (number, value) in &job.options {
            packet.add_option(CoapOption::from(*number), value.clone());
        }
        packet.payload.clone_from(&job.payload);
        self.exchanges.start(
            Start {
                peer,
                mid,
                token: Some(token),
                datagram: message::bytes(&packet),
                confirmable: job.confirmable,
                at: now,
                timeout: Some(job.timeout),
                purpose: Purpose::Request(job),
            },
            jitter(),
        );
    }

    /// Sends bytes as they are; the first message that belongs to them is the reply.
    pub(crate) fn start_probe(
        &mut self,
        now: Instant,
        target: &Target,
        datagram: Vec<u8>,
        timeout: Duration,
        reply: RawReply,
    ) {
        let Some((peer, _)) = self.locate(target) else { return answer(&reply, Err(not_registered(target))) };
        let (mid, token) = probe_identity(&datagram);
        self.exchanges.start(
            Start {
                peer,
                mid,
                token: Some(token),
                datagram,
                confirmable: false,
                at: now,
                timeout: Some(timeout),
                purpose: Purpose::Probe(reply),
            },
            0.0,
        );
    }

    /// Rejects the next notification of a path with RST.
    pub(crate) fn reject_next(&mut self, target: &Target, path: &str) -> Result<(), RequestError> {
        let (peer, _) = self.locate(target).ok_or_else(|| not_registered(target))?;
        let observation =
            self.observations.iter_mut().rfind(|o| o.peer == peer && o.path == path && !o.rejecting);
        observation.ok_or_else(|| RequestError::NotObserved(path.to_owned()))?.rejecting = true;
        Ok(())
    }

    /// Forgets what a restarted server would not know. Nobody is told.
    pub(crate) fn forget(&mut self) {
        self.registry.clear();
        self.observations.clear();
        self.duplicates.clear();
    }

    pub(crate) fn emit(&self, event: &Event) {
        lock(&self.subscribers).retain(|subscriber| subscriber.send(event.clone()).is_ok());
    }

    fn send(&mut self, peer: PeerId, datagram: Vec<u8>) {
        self.stats.sent += 1;
        self.out.push((peer, datagram));
    }

    fn mid(&mut self) -> u16 {
        self.next_mid = self.next_mid.wrapping_add(1);
        self.next_mid
    }

    /// The peer of a target and the alternate path of its objects.
    fn locate(&self, target: &Target) -> Option<(PeerId, String)> {
        match target {
            Target::Endpoint(endpoint) => {
                let registration = self.registry.by_endpoint(endpoint)?;
                Some((registration.peer, registration.prefix().to_owned()))
            }
            Target::Peer(peer) => {
                let prefix = self.registry.by_peer(*peer).map_or("", |registration| registration.prefix());
                Some((*peer, prefix.to_owned()))
            }
        }
    }

    /// The name events give to a target.
    fn name(&self, target: &Target) -> String {
        match target {
            Target::Endpoint(endpoint) => endpoint.clone(),
            Target::Peer(peer) => match (self.registry.by_peer(*peer), peer) {
                (Some(registration), _) => registration.endpoint.clone(),
                (None, PeerId::Address(address)) => address.to_string(),
                (None, PeerId::Session(session)) => format!("session {session}"),
            },
        }
    }

    /// A fresh token; a cancellation has that of its observation (RFC 7641 section 3.6).
    fn token_for(&self, job: &Job) -> Option<Vec<u8>> {
        if job.observe() != Some(1) {
            return Some(random::<8>().to_vec());
        }
        let (peer, _) = self.locate(&job.target)?;
        let observation = self.observations.iter().rfind(|o| o.peer == peer && o.path == job.path)?;
        Some(observation.token.clone())
    }

    fn end_observations(&mut self, ends: impl Fn(&Observation) -> bool, reason: Ended) {
        let (over, rest) = std::mem::take(&mut self.observations).into_iter().partition(|o| ends(o));
        self.observations = rest;
        let over: Vec<Observation> = over;
        for Observation { endpoint, path, .. } in over {
            self.emit(&Event::ObservationEnded { endpoint, path, reason });
        }
    }

    /// RST: whatever was sent under this message id is not wanted.
    fn reset(&mut self, peer: PeerId, mid: u16) {
        match self.exchanges.take(|exchange| exchange.peer == peer && exchange.mid == mid) {
            Some(exchange) => fail(exchange, RequestError::Reset),
            None => self.stats.unmatched += 1,
        }
    }
}

/// Tells whoever waits for an exchange why it is over.
fn fail(exchange: Exchange<Purpose>, error: RequestError) {
    match exchange.purpose {
        Purpose::Request(job) => answer(&job.reply, Err(error)),
        Purpose::Probe(reply) => answer(&reply, Err(error)),
        Purpose::Response => {}
    }
}

/// Hands over a result. A caller that went away does not need it.
pub(crate) fn answer<T>(reply: &Sender<T>, result: T) {
    let _ = reply.send(result);
}

fn not_registered(target: &Target) -> RequestError {
    RequestError::NotRegistered(match target {
        Target::Endpoint(endpoint) => endpoint.clone(),
        Target::Peer(peer) => format!("{peer:?}"),
    })
}

/// Message id and token of bytes that need not be a message.
fn probe_identity(datagram: &[u8]) -> (u16, Vec<u8>) {
    let mid = match datagram {
        [_, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    };
    let length = datagram.first().map_or(0, |first| usize::from(first & 15));
    let token = datagram.get(4..4 + length).filter(|token| token.len() <= 8).unwrap_or_default();
    (mid, token.to_vec())
}

/// Random bytes; tokens and message ids must not be foreseen (RFC 7252 section 11.4).
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has a source of random numbers");
    bytes
}

fn jitter() -> f64 {
    f64::from(u32::from_be_bytes(random())) / f64::from(u32::MAX)
}
