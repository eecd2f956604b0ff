//! Registrations at work: their times, their messages, and what the answers mean (LwM2M Core section 6.2).

use super::{Engine, with_tree};
use crate::account::{Account, ServerIndex};
use crate::coap::{Block, Code, Kind, Message, Token, Writer, number};
use crate::event::{Event, Failure};
use crate::exchange::{Due, Exchange};
use crate::model::{ContentFormat, Objects};
use crate::operation::registration_links;
use crate::output::Output;
use crate::profile::{Profile, Table};
use crate::registration::{Input, News, Registration, RegistrationState, Upload};
use crate::time::Instant;

/// Separates the segments of a location: no UTF-8 text contains it.
const SEPARATOR: u8 = 0xff;

impl<P: Profile> Engine<'_, P> {
    /// Moves a registration, and begins what the new state needs.
    pub(super) fn apply(&mut self, now: Instant, server: ServerIndex, input: Input) {
        let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()).filter(|a| a.used)
        else {
            return;
        };
        let registration = &mut account.registration;
        if !registration.apply(input, now, registration.told_lifetime_s, &mut self.random) {
            return;
        }
        let state = registration.state;
        let (registers, news) = (state == RegistrationState::Registering, registration.news);
        let updates = state == RegistrationState::Updating;
        // What was written just now may not be among the news yet: another Update tells it.
        if registers || updates && news.contains(News::LIFETIME) {
            registration.told_lifetime_s = account.server.lifetime();
        }
        if registers || updates && news.contains(News::BINDING) {
            registration.told_binding = *account.server.binding();
        }
        registration.suspect |= state == RegistrationState::Reconnecting;
        self.memory.events.push(Event::Registration { server, state });
        match state {
            RegistrationState::Registering => {
                registration.news = News::NONE;
                registration.upload = Upload::NONE;
                registration.location.clear();
                // Now, not when the answer comes: the server may observe before that.
                self.end_observations_of(server);
                self.start_exchange(now, server);
            }
            RegistrationState::Updating => {
                registration.told = core::mem::replace(&mut registration.news, News::NONE);
                registration.upload = Upload::NONE;
                self.start_exchange(now, server);
            }
            RegistrationState::Deregistering => {
                self.end_observations_of(server);
                self.start_exchange(now, server);
            }
            RegistrationState::Registered => self.finish_exchange(server.index()),
            _ => {
                self.finish_exchange(server.index());
                self.release_notifications(server);
            }
        }
    }

    /// Confirmable notifications to a server that is away wait without an exchange.
    fn release_notifications(&mut self, server: ServerIndex) {
        for index in P::Accounts::CAPACITY..P::Exchanges::CAPACITY {
            if Self::OBSERVES
                && self.memory.exchanges.slots().get(index).is_some_and(|exchange| exchange.is_for(server))
            {
                self.notification_timed_out(index);
            }
        }
    }

    fn note_unanswered(&mut self, server: ServerIndex) {
        if let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) {
            (account.registration.suspect, account.registration.unanswered) = (true, true);
        }
    }

    fn start_exchange(&mut self, now: Instant, server: ServerIndex) {
        let message_id = self.next_message_id();
        let token = Token::from_u64(self.random.next_u64());
        let exchange = Exchange::start::<P>(server, 0, message_id, token, now, &mut self.random);
        if let Some(slot) = self.memory.exchanges.slots_mut().get_mut(server.index()) {
            *slot = exchange;
        }
    }

    pub(super) fn finish_exchange(&mut self, index: usize) {
        if let Some(exchange) = self.memory.exchanges.slots_mut().get_mut(index) {
            exchange.finish();
        }
    }

    /// Does what the time asks for.
    pub(super) fn advance(&mut self, now: Instant) {
        for index in 0..P::Exchanges::CAPACITY {
            let Some(exchange) = self.memory.exchanges.slots().get(index) else { break };
            if exchange.due::<P>(now) != Some(Due::TimeOut) {
                continue;
            }
            let server = exchange.server();
            if Self::is_registration(index) || !Self::OBSERVES {
                self.fail(server, Failure::NoAnswer);
                self.finish_exchange(index);
                self.note_unanswered(server);
                self.apply(now, server, Input::TimedOut);
            } else {
                self.note_unanswered(server);
                self.notification_timed_out(index);
            }
        }
        // After the exchanges: one that has timed out may ask for an Update.
        for index in 0..P::Accounts::CAPACITY {
            let server = ServerIndex(index as u8);
            let Some(account) = self.memory.accounts.slots_mut().get_mut(index).filter(|a| a.used) else {
                continue;
            };
            let registered = account.registration.state == RegistrationState::Registered;
            // A server may ask for it before its answer to Register has arrived: it is done then.
            if account.registration.is_registered()
                && let Some(seconds) = account.server.take_disable_requested()
            {
                account.registration.disable_for_s = seconds.max(1);
                self.apply(now, server, Input::Disable);
            } else if registered && !account.registration.news.is_empty() {
                self.apply(now, server, Input::UpdateDue);
            } else if account.registration.deadline() <= now {
                let state = account.registration.state;
                if matches!(state, RegistrationState::Connecting | RegistrationState::Reconnecting) {
                    self.fail(server, Failure::Unreachable);
                }
                self.apply(now, server, Input::Deadline);
            }
        }
    }

    /// Links that have changed since they were first sent, or between two blocks of them, make another message
    /// (RFC 7252 section 4.4), with the patience of the old one.
    pub(super) fn renew_links(&mut self, server: ServerIndex) {
        let memory = &mut *self.memory;
        let account = memory.accounts.slots_mut().get_mut(server.index());
        let exchange = memory.exchanges.slots().get(server.index());
        let Some((account, exchange)) = account.zip(exchange) else { return };
        let registration = &mut account.registration;
        let begun = exchange.is_retransmission() || registration.upload.offset > 0;
        if !(begun && registration.tells_links() && registration.news.contains(News::OBJECTS)) {
            return;
        }
        registration.news.remove(News::OBJECTS);
        registration.upload = Upload::NONE;
        if registration.state == RegistrationState::Registering {
            self.end_observations_of(server); // for the server it is a new registration
        }
        let (message_id, token) = (self.next_message_id(), Token::from_u64(self.random.next_u64()));
        if let Some(exchange) = self.memory.exchanges.slots_mut().get_mut(server.index()) {
            exchange.supersede(message_id, token);
        }
    }

    /// Writes Register, Update or De-register, whichever is under way; `None` when it does not fit.
    pub(super) fn write_registration(
        &mut self,
        server: ServerIndex,
        exchange: &Exchange,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Option<usize> {
        let memory = &mut *self.memory;
        let account = memory.accounts.slots_mut().get_mut(server.index())?;
        let upload = account.registration.upload;
        if !account.registration.tells_links() {
            return start_message(account, &memory.endpoint, exchange, out).finish(0);
        }
        let mut body = [0u8; 0];
        let total = with_tree::<P, _>(&mut memory.accounts, objects, |tree| {
            let mut measured = Output::new(&mut body, 0);
            registration_links(tree, P::FORMATS, &mut measured);
            measured.length().unwrap_or(0)
        });
        let account = memory.accounts.slots_mut().get_mut(server.index())?;
        let mut writer = start_message(account, &memory.endpoint, exchange, out);
        let fits = writer.payload_room().len() >= total && !upload.active;
        let (offset, length) = if fits {
            (0, total)
        } else {
            let block = next_block::<P>(&mut account.registration, writer.payload_room().len(), total)?;
            writer.option_uint(number::BLOCK1, block.to_uint());
            (block.offset(), block.size().min(total.saturating_sub(block.offset())))
        };
        let room = writer.payload_room().get_mut(..length)?;
        with_tree::<P, _>(&mut memory.accounts, objects, |tree| {
            registration_links(tree, P::FORMATS, &mut Output::new(room, offset));
        });
        writer.finish(length)
    }

    /// The answer to Register, Update or De-register.
    pub(super) fn handle_registration_response(
        &mut self,
        now: Instant,
        server: ServerIndex,
        message: &Message<'_>,
    ) {
        let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) else { return };
        let registration = &mut account.registration;
        let block = message.options().find(|option| option.number == number::BLOCK1);
        let block = block.and_then(|option| option.uint(3)).and_then(Block::from_uint);
        let code = message.code();
        if let Some(upload) = next_upload(registration.upload, code, block) {
            registration.upload = upload;
            return self.start_exchange(now, server);
        }
        let failure = match registration.state {
            RegistrationState::Registering if code == Code::CREATED => {
                (!store_location(registration, message)).then_some(Failure::LocationTooLong)
            }
            RegistrationState::Updating if code == Code::CHANGED => None,
            RegistrationState::Deregistering if code == Code::DELETED => None,
            _ => Some(Failure::Refused(code)),
        };
        if failure.is_none() {
            (registration.suspect, registration.unanswered) = (false, false);
            self.unblock(Some(server));
        }
        self.finish_exchange(server.index());
        if let Some(failure) = failure {
            self.fail(server, failure);
        }
        self.apply(now, server, if failure.is_some() { Input::Refused } else { Input::Accepted });
    }
}

/// Keeps the path that the server gave to the registration; false when it is empty or too long.
fn store_location<P: Profile>(registration: &mut Registration<P>, message: &Message<'_>) -> bool {
    let location = &mut registration.location;
    location.clear();
    let segments = message.options().filter(|option| option.number == number::LOCATION_PATH);
    let mut first = true;
    for segment in segments {
        if !(first || location.push(SEPARATOR)) || !location.append(segment.value) {
            return false;
        }
        first = false;
    }
    !first
}

/// Everything of a message but its payload.
fn start_message<'b, P: Profile>(
    account: &Account<P>,
    endpoint: &crate::account::Bounded<P::EndpointName>,
    exchange: &Exchange,
    out: &'b mut [u8],
) -> Writer<'b> {
    let registration = &account.registration;
    let registering = registration.state == RegistrationState::Registering;
    let code = if registration.state == RegistrationState::Deregistering { Code::DELETE } else { Code::POST };
    let mut writer = Writer::new(out, Kind::Confirmable, code, exchange.message_id(), exchange.token());
    if registering {
        writer.option(number::URI_PATH, b"rd");
    } else {
        for segment in registration.location.as_slice().split(|byte| *byte == SEPARATOR) {
            writer.option(number::URI_PATH, segment);
        }
    }
    if code == Code::DELETE {
        return writer;
    }
    if registering || registration.told.contains(News::OBJECTS) {
        writer.option_uint(number::CONTENT_FORMAT, u32::from(ContentFormat::LinkFormat.number()));
    }
    if registering {
        writer.option_parts(number::URI_QUERY, &[b"ep=", endpoint.as_slice()]);
    }
    if registering || registration.told.contains(News::LIFETIME) {
        let mut digits = [0; 10];
        let mut output = Output::new(&mut digits, 0);
        crate::text::write_unsigned(u64::from(registration.told_lifetime_s), &mut output);
        let length = output.length().unwrap_or(0);
        writer.option_parts(number::URI_QUERY, &[b"lt=", digits.get(..length).unwrap_or_default()]);
    }
    if registering {
        let version = P::VERSION;
        let version = [b'0' + version.major % 10, b'.', b'0' + version.minor % 10];
        writer.option_parts(number::URI_QUERY, &[b"lwm2m=", &version]);
    }
    if registering || registration.told.contains(News::BINDING) {
        writer.option_parts(number::URI_QUERY, &[b"b=", registration.told_binding.as_str().as_bytes()]);
    }
    writer
}

/// The block of a registration's links that comes next, as large as the buffer and the server allow.
fn next_block<P: Profile>(registration: &mut Registration<P>, room: usize, total: usize) -> Option<Block> {
    /// Option header, value and the payload marker of a message with Block1.
    const OVERHEAD: usize = 5;
    let upload = &mut registration.upload;
    if !upload.active {
        let exponent = Block::exponent_for(room.checked_sub(OVERHEAD)?).min(P::BLOCK_EXPONENT);
        *upload = Upload { offset: 0, exponent, active: true, last: false };
    }
    let exponent = upload.exponent;
    let number = (upload.offset >> (exponent + 4)) as u32;
    upload.last = total <= upload.offset + (16 << exponent);
    Some(Block { number, more: !upload.last, exponent })
}

/// What to send next after this answer; `None` when the transfer is over, one way or the other (RFC 7959 section 2.5).
fn next_upload(upload: Upload, code: Code, block: Option<Block>) -> Option<Upload> {
    let smaller =
        block.map(|block| block.exponent).filter(|exponent| !upload.active || *exponent < upload.exponent);
    match code {
        // After the last block there is nothing to continue with: that is a refusal.
        Code::CONTINUE if upload.active && !upload.last => {
            let offset = upload.offset + (16 << upload.exponent);
            Some(Upload { offset, exponent: smaller.unwrap_or(upload.exponent), active: true, last: false })
        }
        Code::REQUEST_ENTITY_TOO_LARGE => {
            Some(Upload { offset: 0, exponent: smaller?, active: true, last: false })
        }
        _ => None,
    }
}
