//! Messages that come in (RFC 7252 section 4).

use super::content::write_code;
use super::{Engine, saturating};
use crate::account::ServerIndex;
use crate::coap::{Code, Kind, Message, ParseError, Token, is_critical, number};
use crate::event::Failure;
use crate::exchange::{exchange_lifetime, lookup, remember, room_for};
use crate::model::Objects;
use crate::profile::{Profile, Table};
use crate::registration::Input;
use crate::time::Instant;

/// False for a response with a critical option that is unknown: it is to be rejected (RFC 7252 section 5.4.1). Those of
/// RFC 7252 and 7959 say nothing about how a response is to be taken.
fn is_understood(message: &Message<'_>) -> bool {
    message.options().all(|option| {
        !is_critical(option.number)
            || matches!(
                option.number,
                number::URI_HOST
                    | number::URI_PORT
                    | number::URI_PATH
                    | number::URI_QUERY
                    | number::ACCEPT
                    | number::BLOCK1
                    | number::BLOCK2
            )
    })
}

impl<P: Profile> Engine<'_, P> {
    /// Takes one CoAP message of a server and writes what has to be answered at once into `out`; its length.
    pub fn handle_message(
        &mut self,
        now: Instant,
        server: ServerIndex,
        message: &[u8],
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Option<usize> {
        self.account(server)?;
        let message = match Message::parse(message) {
            Ok(message) => message,
            Err(error) => {
                saturating(&mut self.counters.malformed);
                let ParseError::Format { kind: Kind::Confirmable, message_id } = error else { return None };
                return write_code(Kind::Reset, Code::EMPTY, message_id, Token::EMPTY, out);
            }
        };
        let code = message.code();
        // A request says itself whether it leaves something to be done.
        self.pending |= !code.is_request();
        match message.kind() {
            // RST is always empty (RFC 7252 section 4.2), ACK has no request.
            kind @ (Kind::Acknowledgement | Kind::Reset)
                if code.is_request() || kind == Kind::Reset && code != Code::EMPTY =>
            {
                saturating(&mut self.counters.unexpected);
                None
            }
            Kind::Confirmable | Kind::NonConfirmable if code.is_request() => {
                self.handle_request(now, server, &message, objects, out)
            }
            Kind::Reset => {
                self.handle_reset(now, server, message.message_id());
                None
            }
            Kind::Acknowledgement if code == Code::EMPTY => {
                self.handle_acknowledgement(now, server, message.message_id());
                None
            }
            // CoAP ping (RFC 7252 section 4.3).
            Kind::Confirmable if code == Code::EMPTY => {
                write_code(Kind::Reset, Code::EMPTY, message.message_id(), Token::EMPTY, out)
            }
            Kind::NonConfirmable if code == Code::EMPTY => None,
            kind => {
                let known = self.handle_response(now, server, &message);
                if kind != Kind::Confirmable {
                    return None;
                }
                let kind = if known { Kind::Acknowledgement } else { Kind::Reset };
                write_code(kind, Code::EMPTY, message.message_id(), Token::EMPTY, out)
            }
        }
    }

    /// The exchange that a message id of ours belongs to.
    fn exchange_of(&self, server: ServerIndex, message_id: u16) -> Option<usize> {
        let exchanges = self.memory.exchanges.slots();
        exchanges.iter().position(|exchange| exchange.is_for(server) && exchange.message_id() == message_id)
    }

    /// Exchanges up to the number of servers are for registrations, the others for notifications.
    pub(super) const fn is_registration(index: usize) -> bool {
        index < P::Accounts::CAPACITY
    }

    fn handle_acknowledgement(&mut self, now: Instant, server: ServerIndex, message_id: u16) {
        let Some(index) = self.exchange_of(server, message_id) else {
            return saturating(&mut self.counters.unexpected);
        };
        if Self::OBSERVES && !Self::is_registration(index) {
            self.notification_acknowledged(now, index);
        } else if let Some(exchange) = self.memory.exchanges.slots_mut().get_mut(index) {
            exchange.acknowledged::<P>(now);
        }
    }

    fn handle_reset(&mut self, now: Instant, server: ServerIndex, message_id: u16) {
        match self.exchange_of(server, message_id) {
            Some(index) if Self::is_registration(index) || !Self::OBSERVES => {
                self.fail(server, Failure::Rejected);
                self.finish_exchange(index);
                self.apply(now, server, Input::Refused);
            }
            _ if Self::OBSERVES && self.cancel_by_message(server, message_id) => {}
            _ => saturating(&mut self.counters.unexpected),
        }
    }

    /// A response, piggybacked or in a message of its own; false when nothing waits for it, or it can't be understood.
    fn handle_response(&mut self, now: Instant, server: ServerIndex, message: &Message<'_>) -> bool {
        let id = (server, message.message_id());
        let exchange = self.memory.exchanges.slots().get(server.index());
        let expected = exchange.is_some_and(|exchange| {
            exchange.is_for(server)
                && is_understood(message)
                && exchange.token() == message.token()
                && (message.kind() != Kind::Acknowledgement || exchange.message_id() == message.message_id())
        });
        if !expected {
            // The acknowledgement of a separate response may have been lost: it is not a stranger's message then.
            let known = message.kind() == Kind::Confirmable
                && lookup(self.memory.duplicates.slots(), server, id.1, now).is_some();
            saturating(if known { &mut self.counters.duplicates } else { &mut self.counters.unexpected });
            return known;
        }
        if message.kind() == Kind::Confirmable {
            let table = self.memory.duplicates.slots_mut();
            let slot = room_for(table, now).and_then(|index| table.get_mut(index));
            remember(slot, id, (Code::EMPTY, 0), false, (now, exchange_lifetime::<P>()));
        }
        self.handle_registration_response(now, server, message);
        true
    }
}
