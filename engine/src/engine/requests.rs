//! Requests of servers: from the checked options to the operation, and its answer.

use super::content::{Head, write_code};
use super::{Engine, saturating, with_tree};
use crate::account::ServerIndex;
use crate::coap::{Code, Kind, Message, Writer, number};
use crate::event::Event;
use crate::exchange::{exchange_lifetime, lookup, remember, room_for};
use crate::model::{ContentFormat, Objects, Path, Status};
use crate::observe::{AttributeRecord, change};
use crate::operation::{
    Depth, Mode, Operation, Request, Tree, create, delete, discover, execute, parse_attributes, write,
};
use crate::profile::{Profile, Table};
use crate::time::Instant;

/// How a change was answered: the code, and the id of the instance that was created.
type Answer = (Code, u16);

/// What a change has done: its answer, whether doing it again would not be the same, and what the application is told.
type Changed<T> = (Answer, bool, Option<Event<T>>);

impl<P: Profile> Engine<'_, P> {
    pub(super) fn handle_request(
        &mut self,
        now: Instant,
        server: ServerIndex,
        message: &Message<'_>,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Option<usize> {
        if let Some(answer) = lookup(self.memory.duplicates.slots(), server, message.message_id(), now) {
            saturating(&mut self.counters.duplicates);
            // A NON that comes again is ignored (RFC 7252 section 4.5).
            return (message.kind() == Kind::Confirmable).then(|| self.write_answer(message, answer, out))?;
        }
        let answered = match &Request::parse(message) {
            Ok(request) => self.answer(now, server, message, request, objects, out),
            // Only who asks for an acknowledgement is told (RFC 7252 section 5.4.1).
            Err(Status::BadOption) if message.kind() == Kind::NonConfirmable => return None,
            Err(status) => Err(*status),
        };
        answered.unwrap_or_else(|status| self.write_answer(message, (status.code(), 0), out))
    }

    fn answer(
        &mut self,
        now: Instant,
        server: ServerIndex,
        message: &Message<'_>,
        request: &Request<'_>,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Result<Option<usize>, Status> {
        if request.path.object_id() == Some(0) {
            return Err(Status::Unauthorized); // LwM2M Core appendix E.1: for bootstrap servers only
        }
        // A read leaves nothing to be done.
        self.pending |= !matches!(request.operation, Operation::Read | Operation::Discover);
        match request.operation {
            // A device that has no room for observations answers as to a Read (RFC 7641 section 4.1).
            Operation::Observe if Self::OBSERVES => self.observe(now, server, message, request, objects, out),
            Operation::Read | Operation::Discover | Operation::Observe | Operation::CancelObservation => {
                self.handle_reading(server, message, request, objects, out).map(Some)
            }
            _ => self.handle_change(now, server, message, request, objects, out),
        }
    }

    /// An answer goes back as it came: in the acknowledgement, or as NON (RFC 7252 section 5.2).
    fn reply_id(&mut self, message: &Message<'_>) -> (Kind, u16) {
        match message.kind() {
            Kind::Confirmable => (Kind::Acknowledgement, message.message_id()),
            _ => (Kind::NonConfirmable, self.next_message_id()),
        }
    }

    fn write_answer(
        &mut self,
        message: &Message<'_>,
        (code, instance): Answer,
        out: &mut [u8],
    ) -> Option<usize> {
        let (kind, id) = self.reply_id(message);
        if code == Code::EMPTY {
            return write_code(kind, code, id, crate::coap::Token::EMPTY, out);
        }
        let mut writer = Writer::new(out, kind, code, id, message.token());
        if code == Code::CREATED {
            let mut digits = [0; 5];
            let mut output = crate::output::Output::new(&mut digits, 0);
            crate::text::write_unsigned(u64::from(instance), &mut output);
            let length = output.length().unwrap_or(0);
            for option in message.options().filter(|option| option.number == number::URI_PATH) {
                writer.option(number::LOCATION_PATH, option.value);
            }
            writer.option(number::LOCATION_PATH, digits.get(..length).unwrap_or_default());
        }
        writer.finish(0)
    }

    /// The head of an answer with a body.
    fn answer_head(&mut self, message: &Message<'_>, request: &Request<'_>) -> Head {
        let (kind, message_id) = self.reply_id(message);
        let (token, block) = (message.token(), request.block2);
        Head { kind, message_id, token, observe: None, format: ContentFormat::LinkFormat, block }
    }

    #[inline(never)] // a stack frame of its own
    fn handle_reading(
        &mut self,
        server: ServerIndex,
        message: &Message<'_>,
        request: &Request<'_>,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Result<usize, Status> {
        let mut head = self.answer_head(message, request);
        if request.operation == Operation::Discover {
            let depth = Depth::parse(request)?;
            let memory = &mut *self.memory;
            let records = (memory.attributes.slots(), server);
            return with_tree::<P, _>(&mut memory.accounts, objects, |tree| {
                head.write(P::BLOCK_EXPONENT, out, &mut |body| {
                    discover::<P>(tree, request.path, depth, records, body)
                })
            });
        }
        if Self::OBSERVES && request.operation == Operation::CancelObservation {
            self.cancel_by_token(server, message.token());
        }
        with_tree::<P, _>(&mut self.memory.accounts, objects, |tree| {
            head.format = super::notify::readable_format::<P>(tree, request.path, request.accept)?;
            super::notify::write_value::<P>(&head, tree, request.path, out)
        })
    }

    /// Anything that changes something is remembered, so that it is done once.
    #[inline(never)] // a stack frame of its own
    fn handle_change(
        &mut self,
        now: Instant,
        server: ServerIndex,
        message: &Message<'_>,
        request: &Request<'_>,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Result<Option<usize>, Status> {
        let slot = room_for(self.memory.duplicates.slots(), now);
        if slot.is_none() && !self.is_repeatable(request, objects) {
            return Err(Status::ServiceUnavailable);
        }
        let (answer, strict, event) = match self.change(server, request, objects) {
            Ok(done) => done,
            Err((status, strict)) => ((status.code(), 0), strict, None),
        };
        if let Some(event) = event {
            self.memory.events.push(event);
        }
        let slot = slot.and_then(|slot| self.memory.duplicates.slots_mut().get_mut(slot));
        remember(slot, (server, message.message_id()), answer, strict, (now, exchange_lifetime::<P>()));
        Ok(self.write_answer(message, answer, out))
    }

    /// True for a change that can as well be made again: there need not be room to remember it.
    fn is_repeatable(&mut self, request: &Request<'_>, objects: &mut dyn Objects) -> bool {
        match request.operation {
            Operation::Create => false,
            Operation::PartialWriteOrExecute => {
                let accounts = &mut self.memory.accounts;
                with_tree::<P, _>(accounts, objects, |tree| tree.is_executable(request.path) != Ok(true))
            }
            _ => true,
        }
    }

    /// Carries out an operation that changes something.
    ///
    /// # Errors
    /// The status, and whether doing it again would not be the same.
    fn change(
        &mut self,
        server: ServerIndex,
        request: &Request<'_>,
        objects: &mut dyn Objects,
    ) -> Result<Changed<P::TransportEvent>, (Status, bool)> {
        let memory = &mut *self.memory;
        let path = request.path;
        let (format, payload) = (request.content_format, request.payload);
        let changed = (Code::CHANGED, 0);
        let done = with_tree::<P, _>(&mut memory.accounts, objects, |tree| match request.operation {
            Operation::Write => {
                write::<P>(tree, path, Mode::Replace, format, payload).map_err(repeatable)?;
                Ok((changed, false, Some(Event::Written { server, path })))
            }
            Operation::PartialWriteOrExecute => {
                if tree.is_executable(path).map_err(repeatable)? {
                    execute(tree, path, format, payload).map_err(|status| (status, true))?;
                    return Ok((changed, true, Some(Event::Executed { server, path })));
                }
                write::<P>(tree, path, Mode::Update, format, payload).map_err(repeatable)?;
                Ok((changed, false, Some(Event::Written { server, path })))
            }
            Operation::Create => {
                let id = create::<P>(tree, request).map_err(repeatable)?;
                let path = path.child(id).unwrap_or(path);
                Ok(((Code::CREATED, id), true, Some(Event::Created { server, path })))
            }
            Operation::Delete => {
                delete(tree, path).map_err(repeatable)?;
                if Self::HAS_ATTRIBUTES {
                    crate::observe::forget(memory.attributes.slots_mut(), path);
                }
                Ok(((Code::DELETED, 0), false, Some(Event::Deleted { server, path })))
            }
            _ if !Self::HAS_ATTRIBUTES => Err(repeatable(Status::MethodNotAllowed)),
            _ => {
                let records = memory.attributes.slots_mut();
                write_attributes(tree, server, request, records).map_err(repeatable)?;
                Ok((changed, false, None))
            }
        })?;
        if Self::OBSERVES && request.operation == Operation::WriteAttributes {
            self.reschedule_below(server, path);
        }
        Ok(done)
    }

    /// Begins an observation, or goes on with one whose request has come again.
    #[inline(never)] // a stack frame of its own
    fn observe(
        &mut self,
        now: Instant,
        server: ServerIndex,
        message: &Message<'_>,
        request: &Request<'_>,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Result<Option<usize>, Status> {
        let (path, token): (Path, _) = (request.path, message.token());
        self.forget_unobserved_changes(objects);
        let slot = self.observation_slot(server, token)?;
        let before = self.observation_before(slot);
        let accounts = &mut self.memory.accounts;
        let format = with_tree::<P, _>(accounts, objects, |tree| {
            super::notify::readable_format::<P>(tree, path, request.accept)
        })?;
        let known = before.is_some_and(|before| before.is_for(path, format));
        if known && self.has_notifications(slot) {
            // A value of now would overtake those that are to be told. They are the response: what is acknowledged is the
            // request alone (RFC 7252 section 5.2.2).
            let confirmable = message.kind() == Kind::Confirmable;
            return Ok(confirmable.then(|| self.write_answer(message, (Code::EMPTY, 0), out)).flatten());
        }
        let mut head = self.answer_head(message, request);
        head.format = format;
        let (length, observation) = with_tree::<P, _>(&mut self.memory.accounts, objects, |tree| {
            let observation =
                super::notify::observation(tree, (server, &mut head), path, now, before.as_ref());
            super::notify::write_value::<P>(&head, tree, path, out).map(|length| (length, observation))
        })?;
        if known {
            self.renew_observation(slot, observation);
        } else {
            self.start_observation(slot, observation);
        }
        Ok(Some(length))
    }
}

#[inline(never)] // a stack frame of its own
fn write_attributes(
    tree: &Tree<'_>,
    server: ServerIndex,
    request: &Request<'_>,
    records: &mut [AttributeRecord],
) -> Result<(), Status> {
    let changes = parse_attributes(tree, request)?;
    change(records, server, request.path, &changes)
}

/// A refusal of something that may as well be tried again.
const fn repeatable(status: Status) -> (Status, bool) {
    (status, false)
}
