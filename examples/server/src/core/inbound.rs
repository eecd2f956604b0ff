//! Requests of devices: the registration and reporting interfaces.

use std::time::Instant;

use coap_lite::{CoapOption, MessageType, Packet};

use super::{Core, Purpose, random};
use crate::code::{Code, Method};
use crate::event::{Ended, Event};
use crate::exchange::Start;
use crate::format::{Format, decode};
use crate::message::{self, Refusal, option};
use crate::registry::{Body, Origin};
use crate::transport::PeerId;

/// Critical options this server understands in a request; all others are refused (RFC 7252 section 5.4.1).
const CRITICAL: [u16; 5] =
    [option::URI_HOST, option::URI_PORT, option::URI_PATH, option::URI_QUERY, option::ACCEPT];

/// Code, options and diagnostic payload of a response.
struct Reply {
    code: Code,
    location: Vec<String>,
    reason: String,
}

impl Reply {
    fn code(code: Code) -> Self {
        Reply { code, location: Vec::new(), reason: String::new() }
    }
}

impl Core {
    /// Takes a request of a device.
    pub(super) fn request(&mut self, now: Instant, origin: Origin, packet: &Packet) {
        let confirmable = packet.header.get_type() == MessageType::Confirmable;
        let mid = packet.header.message_id;
        if self.duplicate(now, origin.peer, mid) {
            return;
        }
        let critical =
            packet.options().map(|(number, _)| *number).find(|n| n % 2 == 1 && !CRITICAL.contains(n));
        let reply = match critical {
            Some(_) if !confirmable => {
                // A non-confirmable message with it is rejected as a whole (RFC 7252 section 5.4.1).
                return self.reply(now, origin.peer, mid, message::empty(MessageType::Reset, mid));
            }
            Some(number) => Err(Refusal::new(Code::BAD_OPTION, format!("option {number} is unknown"))),
            None => self.dispatch(now, origin, packet),
        };
        let reply = reply.unwrap_or_else(|Refusal { code, reason }| Reply { reason, ..Reply::code(code) });
        if confirmable && self.faults.separate_responses.is_some() {
            self.reply(now, origin.peer, mid, message::empty(MessageType::Acknowledgement, mid));
            self.respond_later(now, origin, packet, &reply);
            return;
        }
        let response = if confirmable {
            build(&reply, MessageType::Acknowledgement, mid, packet)
        } else {
            let mid = self.mid();
            build(&reply, MessageType::NonConfirmable, mid, packet)
        };
        self.reply(now, origin.peer, mid, message::bytes(&response));
    }

    /// Answers a message that was here before with the same reply.
    pub(super) fn duplicate(&mut self, now: Instant, peer: PeerId, mid: u16) -> bool {
        let Some(reply) = self.duplicates.reply(now, (peer, mid)) else { return false };
        let reply = reply.to_vec();
        self.stats.duplicates += 1;
        if !reply.is_empty() {
            self.send(peer, reply);
        }
        true
    }

    /// Sends a reply (empty: none) and keeps it for duplicates.
    pub(super) fn reply(&mut self, now: Instant, peer: PeerId, mid: u16, datagram: Vec<u8>) {
        self.duplicates.remember(now, (peer, mid), datagram.clone());
        if !datagram.is_empty() {
            self.send(peer, datagram);
        }
    }

    fn respond_later(&mut self, now: Instant, origin: Origin, packet: &Packet, reply: &Reply) {
        let mid = self.mid();
        let response = build(reply, MessageType::Confirmable, mid, packet);
        self.exchanges.start(
            Start {
                peer: origin.peer,
                mid,
                token: None,
                datagram: message::bytes(&response),
                confirmable: true,
                at: now + self.faults.separate_responses.unwrap_or_default(),
                timeout: None,
                purpose: Purpose::Response,
            },
            super::jitter(),
        );
    }

    fn dispatch(&mut self, now: Instant, origin: Origin, packet: &Packet) -> Result<Reply, Refusal> {
        let texts = |number, what| {
            message::texts(packet, number)
                .ok_or_else(|| Refusal::new(Code::BAD_OPTION, format!("{what} is not UTF-8")))
        };
        let path = texts(option::URI_PATH, "Uri-Path")?;
        let queries = texts(option::URI_QUERY, "Uri-Query")?;
        let format = message::content_format(packet);
        let body = Body { queries: &queries, format, payload: &packet.payload };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (path.as_slice(), Method::from_byte(packet.header.code.into())) {
            (["rd"], Method::Post) => self.register(now, origin, body),
            (["rd", id], Method::Post) => self.update(now, origin, body, id),
            (["rd", id], Method::Delete) => self.deregister(id),
            (["dp"], Method::Post) => self.take_send(origin, body),
            (["rd", ..] | ["dp"], method) => Err(Refusal::new(
                Code::METHOD_NOT_ALLOWED,
                format!("{method} is not for /{}", path.join("/")),
            )),
            _ => Err(Refusal::new(Code::NOT_FOUND, format!("no /{}", path.join("/")))),
        }
    }

    fn register(&mut self, now: Instant, origin: Origin, body: Body<'_>) -> Result<Reply, Refusal> {
        let result = if self.faults.refuse_registers > 0 {
            self.faults.refuse_registers -= 1;
            Err(Refusal::new(self.faults.refuse_code, "this Register is refused on purpose"))
        } else {
            self.registry.register(now, origin, body, &location_id()).cloned()
        };
        let registration = result.inspect_err(|refusal| self.refused(origin, refusal))?;
        if registration.replaced {
            // What the device observed for its former registration is gone with it (LwM2M Core section 6.4.3).
            self.end_observations(
                |observation| observation.endpoint == registration.endpoint,
                Ended::Deregistered,
            );
        }
        let location =
            registration.location.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        self.emit(&Event::Registered(registration));
        Ok(Reply { location, ..Reply::code(Code::CREATED) })
    }

    fn update(&mut self, now: Instant, origin: Origin, body: Body<'_>, id: &str) -> Result<Reply, Refusal> {
        let result =
            self.registry.update(now, origin, body, id).map(|(found, changes)| (found.clone(), changes));
        let (registration, changes) = result.inspect_err(|refusal| self.refused(origin, refusal))?;
        for observation in self.observations.iter_mut().filter(|o| o.endpoint == registration.endpoint) {
            observation.peer = registration.peer;
        }
        self.emit(&Event::Updated { registration, changes });
        Ok(Reply::code(Code::CHANGED))
    }

    fn refused(&mut self, origin: Origin, refusal: &Refusal) {
        let Refusal { code, reason } = refusal.clone();
        self.emit(&Event::Refused { address: origin.address, code, reason });
    }

    fn deregister(&mut self, id: &str) -> Result<Reply, Refusal> {
        let registration = self.registry.deregister(id)?;
        self.end_observations(
            |observation| observation.endpoint == registration.endpoint,
            Ended::Deregistered,
        );
        self.emit(&Event::Deregistered { registration, expired: false });
        Ok(Reply::code(Code::DELETED))
    }

    /// The Send operation (LwM2M Core section 6.4.6).
    fn take_send(&mut self, origin: Origin, body: Body<'_>) -> Result<Reply, Refusal> {
        let Some(registration) = self.registry.by_peer(origin.peer) else {
            return Err(Refusal::new(Code::NOT_FOUND, "this device is not registered"));
        };
        let endpoint = registration.endpoint.clone();
        let format =
            body.format.ok_or_else(|| Refusal::new(Code::BAD_REQUEST, "a Send without Content-Format"))?;
        if !matches!(format, Format::SenmlJson | Format::SenmlCbor) {
            return Err(Refusal::new(
                Code::UNSUPPORTED_CONTENT_FORMAT,
                "a Send comes in SenML JSON or SenML CBOR",
            ));
        }
        let records = decode(format, "/", body.payload, &self.types)
            .map_err(|error| Refusal::new(Code::BAD_REQUEST, error.to_string()))?;
        self.emit(&Event::Send { endpoint, records });
        Ok(Reply::code(Code::CHANGED))
    }
}

/// A location nobody can guess, without letters that are easily mistaken. A restarted server makes others, so that a
/// device that knows an old one is told so.
fn location_id() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    random::<8>().iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

/// The response to `request`.
fn build(reply: &Reply, kind: MessageType, mid: u16, request: &Packet) -> Packet {
    let mut response = message::build(kind, reply.code.byte(), mid, request.get_token());
    for part in &reply.location {
        response.add_option(CoapOption::from(option::LOCATION_PATH), part.clone().into_bytes());
    }
    response.payload = reply.reason.clone().into_bytes();
    response
}
