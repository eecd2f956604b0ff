//! Responses and notifications of devices.

use std::time::{Duration, Instant};

use coap_lite::{MessageType, Packet};

use super::{Core, Observation, Purpose, answer, probe_identity};
use crate::answer::{Answer, Carrier};
use crate::code::Code;
use crate::event::{Ended, Event};
use crate::exchange::Exchange;
use crate::format::{PayloadError, Record, newest};
use crate::message::{self, option};
use crate::transport::PeerId;

impl Core {
    /// A response in the acknowledgement of its request (RFC 7252 section 5.2.1).
    pub(super) fn piggybacked(&mut self, now: Instant, peer: PeerId, packet: &Packet) {
        let (mid, token) = (packet.header.message_id, packet.get_token());
        let matches =
            |e: &Exchange<Purpose>| e.peer == peer && e.mid == mid && e.token.as_deref() == Some(token);
        match self.exchanges.take(matches) {
            Some(exchange) => self.complete(now, exchange, packet, Carrier::Piggybacked),
            None => self.stats.unmatched += 1,
        }
    }

    /// A response in a message of its own, or a notification.
    pub(super) fn separate(&mut self, now: Instant, peer: PeerId, packet: &Packet) {
        let mid = packet.header.message_id;
        let confirmable = packet.header.get_type() == MessageType::Confirmable;
        if self.duplicate(now, peer, mid) {
            return;
        }
        let reply = match (self.take_separate(now, peer, packet, confirmable), confirmable) {
            (true, true) => message::empty(MessageType::Acknowledgement, mid),
            (true, false) => Vec::new(),
            // An unwanted notification is rejected, whatever its type (RFC 7641 section 3.6).
            (false, _) => message::empty(MessageType::Reset, mid),
        };
        self.reply(now, peer, mid, reply);
    }

    /// Finds who waits for a message; false if nobody does.
    fn take_separate(&mut self, now: Instant, peer: PeerId, packet: &Packet, confirmable: bool) -> bool {
        let token = packet.get_token().to_vec();
        let notification = message::uint(packet, option::OBSERVE).is_some();
        let observed = self.observations.iter().position(|o| o.peer == peer && o.token == token);
        let pending = |e: &Exchange<Purpose>| e.peer == peer && e.token.as_ref() == Some(&token);
        // A cancellation shares the token of its observation, and its response has no Observe option.
        if let (Some(index), true) = (observed, notification) {
            return self.notification(now, index, packet, confirmable);
        }
        if let Some(exchange) = self.exchanges.take(pending) {
            let carrier = if confirmable { Carrier::Confirmable } else { Carrier::NonConfirmable };
            self.complete(now, exchange, packet, carrier);
            return true;
        }
        if let Some(index) = observed {
            return self.notification(now, index, packet, confirmable);
        }
        self.stats.unmatched += 1;
        false
    }

    /// A notification; false if it is to be rejected.
    fn notification(&mut self, now: Instant, index: usize, packet: &Packet, confirmable: bool) -> bool {
        let code = Code::from_byte(packet.header.code.into());
        let sequence = message::uint(packet, option::OBSERVE);
        let Some(observation) = self.observations.get_mut(index) else { return false };
        if observation.rejecting {
            self.end(index, Ended::Rejected);
            return false;
        }
        if code.is_success() {
            let number = sequence.unwrap_or_default();
            let fresh = sequence.is_none() || is_newer(observation.newest, number, now);
            if fresh {
                observation.newest = Some((number, now));
            }
            let (endpoint, path) = (observation.endpoint.clone(), observation.path.clone());
            let records = self.records(&path, packet);
            let values = records.clone().map(newest);
            let records = records.unwrap_or_default();
            self.emit(&Event::Notification {
                endpoint,
                path,
                sequence: number,
                values,
                records,
                confirmable,
                fresh,
            });
        }
        // An error, or a response without Observe option, is the last one (RFC 7641 sections 3.2 and 4.2).
        if !code.is_success() || sequence.is_none() {
            self.end(index, Ended::ByDevice(code));
        }
        true
    }

    fn end(&mut self, index: usize, reason: Ended) {
        let Observation { endpoint, path, .. } = self.observations.remove(index);
        self.emit(&Event::ObservationEnded { endpoint, path, reason });
    }

    fn records(&self, path: &str, packet: &Packet) -> Result<Vec<Record>, PayloadError> {
        self.answer_of(packet, path.to_owned(), String::new(), Carrier::NonConfirmable).records()
    }

    fn answer_of(&self, packet: &Packet, path: String, request: String, carrier: Carrier) -> Answer {
        Answer {
            request,
            path,
            code: Code::from_byte(packet.header.code.into()),
            format: message::content_format(packet),
            payload: packet.payload.clone(),
            options: message::all_options(packet),
            token: packet.get_token().to_vec(),
            carrier,
            transmissions: 1,
            round_trip: Duration::ZERO,
            types: self.types.clone(),
        }
    }

    /// Hands a response to the caller who waits for it.
    fn complete(&mut self, now: Instant, exchange: Exchange<Purpose>, packet: &Packet, carrier: Carrier) {
        let job = match exchange.purpose {
            Purpose::Request(job) => job,
            Purpose::Probe(reply) => return answer(&reply, Ok(message::bytes(packet))),
            Purpose::Response => return,
        };
        let (observe, endpoint) = (job.observe(), self.name(&job.target));
        let mut result = self.answer_of(packet, job.path, job.line, carrier);
        result.transmissions = exchange.transmissions;
        result.round_trip = now.saturating_duration_since(exchange.started);
        let token = exchange.token.unwrap_or_default();
        match (observe, result.observe()) {
            (Some(0), Some(sequence)) if result.code.is_success() => {
                // A token that observes already is renewed, not doubled (RFC 7641 section 3.1).
                self.observations.retain(|o| o.token != token || o.peer != exchange.peer);
                self.observations.push(Observation {
                    token,
                    endpoint,
                    peer: exchange.peer,
                    path: result.path.clone(),
                    newest: Some((sequence, now)),
                    rejecting: false,
                });
            }
            (Some(1), _) => {
                let peer = exchange.peer;
                self.end_observations(|o| o.token == token && o.peer == peer, Ended::Cancelled);
            }
            _ => {}
        }
        answer(&job.reply, Ok(result));
    }

    /// Hands a datagram to a probe that waits for it, and does what RFC 7252 asks of a receiver.
    pub(super) fn probe_reply(&mut self, now: Instant, peer: PeerId, datagram: &[u8]) -> bool {
        let [first, code, ..] = *datagram else { return false };
        let kind = first >> 4 & 3;
        let (mid, token) = probe_identity(datagram);
        let request = code >> 5 == 0 && code != 0;
        let belongs = |e: &Exchange<Purpose>| {
            let same_message = kind >= 2 && e.mid == mid;
            let same_token = code >> 5 != 0 && e.token.as_ref() == Some(&token);
            matches!(e.purpose, Purpose::Probe(_))
                && e.peer == peer
                && !request
                && (same_message || same_token)
        };
        let Some(exchange) = self.exchanges.take(belongs) else { return false };
        if kind == 0 {
            let ack = message::empty(MessageType::Acknowledgement, mid);
            self.reply(now, peer, mid, ack);
        }
        if let Purpose::Probe(reply) = exchange.purpose {
            answer(&reply, Ok(datagram.to_vec()));
        }
        true
    }
}

/// Whether a notification is newer than the newest one (RFC 7641 section 3.4).
fn is_newer(newest: Option<(u32, Instant)>, number: u32, now: Instant) -> bool {
    let Some((last, at)) = newest else { return true };
    let half = 1 << 23;
    (last < number && number - last < half)
        || (last > number && last - number > half)
        || now.saturating_duration_since(at) > Duration::from_secs(128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_wrap() {
        let now = Instant::now();
        assert!(is_newer(None, 0, now));
        assert!(is_newer(Some((5, now)), 6, now));
        assert!(!is_newer(Some((5, now)), 5, now));
        assert!(!is_newer(Some((6, now)), 5, now));
        assert!(is_newer(Some((0xFF_FFFF, now)), 0, now));
        assert!(!is_newer(Some((0, now)), 0xFF_FFFF, now));
        assert!(is_newer(Some((6, now)), 5, now + Duration::from_secs(129)));
    }
}
