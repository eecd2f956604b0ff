//! Observations at work: what changed, what is due, what was acknowledged (LwM2M Core section 6.4, RFC 7641).

use super::content::Head;
use super::{Engine, with_tree};
use crate::account::ServerIndex;
use crate::coap::Kind;
use crate::event::Event;
use crate::exchange::Exchange;
use crate::format::{Target, choose, encode};
use crate::model::{ContentFormat, Objects, Path, Status};
use crate::observe::{Observation, Store};
use crate::operation::{Tree, readable};
use crate::profile::{Profile, Table};
use crate::registration::News;
use crate::time::Instant;

/// In the subject of an exchange: the message is built from the values as they are, not from the store.
pub(super) const LIVE: u16 = 0x8000;

/// The format in which `path` is to be answered.
pub(super) fn readable_format<P: Profile>(
    tree: &Tree<'_>,
    path: Path,
    accept: Option<u16>,
) -> Result<ContentFormat, Status> {
    choose(accept, readable(tree, path)?, P::FORMATS)
}

/// Writes the values at `path` behind `head`.
pub(super) fn write_value<P: Profile>(
    head: &Head,
    tree: &Tree<'_>,
    path: Path,
    out: &mut [u8],
) -> Result<usize, Status> {
    let object = tree.object_of(path)?;
    head.write(P::BLOCK_EXPONENT, out, &mut |body| encode::<P>(head.format, object, path, body))
}

/// The number at `path`; NaN when it is none, or several.
pub(super) fn number_at(tree: &Tree<'_>, path: Path) -> f64 {
    let mut number = f64::NAN;
    if matches!(readable(tree, path), Ok(Target::Single(_)))
        && let Ok(instance) = tree.instance_of(path)
    {
        // A value that can't be read now is no number.
        let _ = instance.read_at(path, &mut |value| number = value.number().unwrap_or(f64::NAN));
    }
    number
}

/// The observation whose value goes out with `head`: a new one, or that of the same token, which counts on.
pub(super) fn observation(
    tree: &Tree<'_>,
    (server, head): (ServerIndex, &mut Head),
    path: Path,
    now: Instant,
    before: Option<&Observation>,
) -> Observation {
    let mut observation = match before {
        // The answer to a repeated request may be ignored: what is due stays due.
        Some(before) if before.is_for(path, head.format) => Observation { confirmed_at: now, ..*before },
        _ => {
            let last = number_at(tree, path);
            Observation { last, ..Observation::new(server, head.token, path, head.format, now) }
        }
    };
    if let Some(before) = before {
        observation.follow(before);
    }
    head.observe = Some(observation.sequence());
    observation
}

impl<P: Profile> Engine<'_, P> {
    pub(super) fn store(&mut self) -> Store<'_> {
        Store { bytes: self.memory.stored.slots_mut(), used: &mut self.memory.stored_length }
    }

    /// Observations of this server that had to wait may go out again.
    pub(super) fn unblock(&mut self, server: Option<ServerIndex>) {
        for observation in self.memory.observations.slots_mut() {
            if server.is_none_or(|server| server == observation.server) {
                observation.blocked = false;
            }
        }
    }

    /// A confirmable notification was acknowledged.
    pub(super) fn notification_acknowledged(&mut self, now: Instant, index: usize) {
        let Some(exchange) = self.memory.exchanges.slots().get(index) else { return };
        let (live, slot) =
            (exchange.subject() & usize::from(LIVE) != 0, exchange.subject() & !usize::from(LIVE));
        self.finish_exchange(index);
        if !live {
            self.store().remove_first(slot);
        }
        let Some(observation) = self.memory.observations.slots_mut().get_mut(slot) else { return };
        observation.confirmed_at = now;
        observation.in_flight = false;
        if observation.ending && !observation.triggered {
            self.end_observation(slot);
        }
        self.unblock(None);
    }

    /// A confirmable notification got no answer. The value stays until an Update has shown whether the server is there,
    /// unless the server wants none stored (1/x/6).
    pub(super) fn notification_timed_out(&mut self, index: usize) {
        let Some(exchange) = self.memory.exchanges.slots().get(index) else { return };
        let (live, slot) =
            (exchange.subject() & usize::from(LIVE) != 0, exchange.subject() & !usize::from(LIVE));
        let server = exchange.server();
        self.finish_exchange(index);
        // Another server's notification may have waited for the exchange.
        self.unblock(None);
        if let Some(observation) = self.memory.observations.slots_mut().get_mut(slot) {
            if live && observation.triggered {
                let path = observation.path;
                self.memory.events.push(Event::NotificationLost { server, path }); // there is a newer one
            }
            observation.in_flight = false;
            observation.triggered |= live;
            observation.blocked = live;
            observation.due = if live { Instant::ZERO } else { observation.due };
        }
        let Some(account) = self.memory.accounts.slots_mut().get_mut(server.index()) else { return };
        account.registration.suspect = true;
        account.registration.news.add(News::REQUESTED);
        if !account.server.notification_storing() {
            self.drop_stored(server);
        }
    }

    /// Values that the observer in `slot` was to be told, and will not be.
    pub(super) fn tell_lost(&mut self, slot: usize) {
        let stored = self.store().remove_all(slot);
        let Some(observation) = self.memory.observations.slots().get(slot).filter(|o| o.used) else { return };
        let live = usize::from(observation.in_flight && stored == 0);
        let next = observation.triggered && (observation.blocked || P::CONFIRMABLE_NOTIFICATIONS);
        let (server, path) = (observation.server, observation.path);
        for _ in 0..stored + live + usize::from(next) {
            self.memory.events.push(Event::NotificationLost { server, path });
        }
    }

    /// True when values of the observation in `slot` are stored.
    pub(super) fn is_stored(&mut self, slot: usize) -> bool {
        self.store().observations().any(|stored| stored == slot)
    }

    fn drop_stored(&mut self, server: ServerIndex) {
        for slot in 0..P::Observations::CAPACITY {
            let Some(&observation) = self.memory.observations.slots().get(slot) else { break };
            if observation.used && observation.server == server {
                for _ in 0..self.store().remove_all(slot) {
                    self.memory.events.push(Event::NotificationLost { server, path: observation.path });
                }
            }
        }
    }

    /// True when notifications to this server may go out.
    fn is_reachable(&self, server: ServerIndex) -> bool {
        self.account(server).is_some_and(|a| a.registration.is_registered() && !a.registration.suspect)
    }

    /// True when a confirmable notification to this server waits for its acknowledgement: there is one at a time, so that
    /// values arrive in order (NSTART = 1, RFC 7252 section 4.7).
    fn is_notifying(&self, server: ServerIndex) -> bool {
        let mut exchanges = self.memory.exchanges.slots().iter().skip(P::Accounts::CAPACITY);
        exchanges.any(|exchange| exchange.is_for(server))
    }

    /// The next observation that is due at this time.
    pub(super) fn due_observation(&self, now: Instant) -> Option<usize> {
        self.memory.observations.slots().iter().position(|o| o.used && o.deadline() <= now)
    }

    /// Sends a due notification as NON, or lets it wait its turn as CON; the length of a message that is to go out now.
    pub(super) fn notify(
        &mut self,
        now: Instant,
        slot: usize,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Option<(ServerIndex, usize)> {
        let observation = *self.memory.observations.slots().get(slot)?;
        let server = observation.server;
        let (reachable, stored) = (self.is_reachable(server), self.is_stored(slot));
        let confirmable = P::CONFIRMABLE_NOTIFICATIONS
            || observation.in_flight
            || observation.needs_confirmation(now)
            || stored;
        if reachable && !confirmable {
            let message_id = self.next_message_id();
            let out = self.within_limit(server, out);
            let length = self.write_notification(slot, Kind::NonConfirmable, message_id, objects, out);
            self.told(now, slot, message_id, objects);
            return length.map(|length| (server, length));
        }
        let storing = self.account(server).is_some_and(|account| account.server.notification_storing());
        // A message with the values as they are has no copy of its own: what it said must not become the second to last.
        let live = observation.in_flight && !stored;
        if (reachable || storing) && !live && self.store_notification(slot, objects) {
            self.mark_told(now, slot, objects);
            return None;
        }
        // Not before what is stored, which is older.
        if reachable
            && !stored
            && !self.is_notifying(server)
            && self.start_notification(now, server, slot as u16 | LIVE)
        {
            return None;
        }
        if let Some(observation) = self.memory.observations.slots_mut().get_mut(slot) {
            observation.blocked = true;
        }
        None
    }

    /// Puts the values of an observed path into the store; false when there is no room, or they can't be read. Each server has
    /// an equal part of the room: what waits for one that is away must not push out the values of another.
    fn store_notification(&mut self, slot: usize, objects: &mut dyn Objects) -> bool {
        let memory = &mut *self.memory;
        let observations = memory.observations.slots();
        let Some(observation) = observations.get(slot) else { return false };
        let mut store = Store { bytes: memory.stored.slots_mut(), used: &mut memory.stored_length };
        let most = if P::Accounts::CAPACITY > 1 {
            let servers = memory.accounts.slots().iter().filter(|account| account.used).count();
            let part = store.bytes.len().checked_div(servers).unwrap_or(0);
            let same = |slot: usize| observations.get(slot).is_some_and(|o| o.server == observation.server);
            part.saturating_sub(store.used_by(same))
        } else {
            usize::MAX
        };
        let stored = with_tree::<P, _>(&mut memory.accounts, objects, |tree| {
            let object = tree.object_of(observation.path)?;
            readable(tree, observation.path)?;
            store
                .push(slot, most, &mut |body| encode::<P>(observation.format, object, observation.path, body))
        });
        let stored = stored == Ok(true);
        if stored && let Some(observation) = memory.observations.slots_mut().get_mut(slot) {
            observation.ending = false; // the path is back before the server has heard that it was gone
        }
        stored
    }

    /// Begins to send a confirmable notification; false when all exchanges are taken.
    fn start_notification(&mut self, now: Instant, server: ServerIndex, subject: u16) -> bool {
        let message_id = self.next_message_id();
        let slot = usize::from(subject & !LIVE);
        let mut exchanges = self.memory.exchanges.slots_mut().iter_mut().skip(P::Accounts::CAPACITY);
        let Some(exchange) = exchanges.find(|exchange| exchange.is_free()) else { return false };
        let Some(observation) = self.memory.observations.slots_mut().get_mut(slot) else { return false };
        *exchange =
            Exchange::start::<P>(server, subject, message_id, observation.token, now, &mut self.random);
        observation.in_flight = true;
        observation.next_sequence();
        true
    }

    /// Begins to send what is stored.
    pub(super) fn start_stored_notifications(&mut self, now: Instant) {
        for index in 0..P::Accounts::CAPACITY {
            let server = ServerIndex(index as u8);
            if self.is_notifying(server) || !self.is_reachable(server) {
                continue;
            }
            let memory = &mut *self.memory;
            let observations = memory.observations.slots();
            let store = Store { bytes: memory.stored.slots_mut(), used: &mut memory.stored_length };
            let mut queued = store.observations();
            let next =
                queued.find(|slot| observations.get(*slot).is_some_and(|o| o.used && o.server == server));
            drop(queued);
            if let Some(slot) = next {
                self.start_notification(now, server, slot as u16);
            }
        }
    }

    /// Writes the message of an exchange that carries a notification.
    pub(super) fn write_confirmable_notification(
        &mut self,
        now: Instant,
        index: usize,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Option<usize> {
        let exchange = *self.memory.exchanges.slots().get(index)?;
        let (live, slot) =
            (exchange.subject() & usize::from(LIVE) != 0, exchange.subject() & !usize::from(LIVE));
        if !live {
            self.memory.observations.slots_mut().get_mut(slot)?.note_message(exchange.message_id());
            return self.write_stored(slot, exchange.message_id(), out);
        }
        let mut message_id = exchange.message_id();
        if exchange.is_retransmission() {
            // The values are not those of the first transmission: it is another message (RFC 7641 section 4.5.2).
            message_id = self.next_message_id();
            self.memory.exchanges.slots_mut().get_mut(index)?.supersede(message_id, exchange.token());
            let observation = self.memory.observations.slots_mut().get_mut(slot)?;
            observation.next_sequence();
            if observation.triggered {
                let (server, path) = (observation.server, observation.path);
                self.memory.events.push(Event::NotificationLost { server, path });
            }
        }
        let length = self.write_notification(slot, Kind::Confirmable, message_id, objects, out);
        self.told(now, slot, message_id, objects);
        length
    }

    fn write_stored(&mut self, slot: usize, message_id: u16, out: &mut [u8]) -> Option<usize> {
        let memory = &mut *self.memory;
        let observation = memory.observations.slots().get(slot)?;
        let store = Store { bytes: memory.stored.slots_mut(), used: &mut memory.stored_length };
        let payload = store.first(slot)?;
        let head = head(observation, Kind::Confirmable, message_id);
        let written = head.write(P::BLOCK_EXPONENT, out, &mut |body| {
            body.push(payload);
            Ok(())
        });
        written.ok()
    }

    /// Writes a notification of the values as they are. If they can't be read it says so, and ends the observation
    /// (RFC 7641 section 4.2).
    fn write_notification(
        &mut self,
        slot: usize,
        kind: Kind,
        message_id: u16,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Option<usize> {
        let memory = &mut *self.memory;
        let observation = memory.observations.slots_mut().get_mut(slot)?;
        if kind == Kind::NonConfirmable {
            observation.next_sequence();
        }
        let head = head(observation, kind, message_id);
        let written = with_tree::<P, _>(&mut memory.accounts, objects, |tree| {
            readable(tree, observation.path)?;
            write_value::<P>(&head, tree, observation.path, out)
        });
        // A path may be back before the server has heard that it was gone.
        observation.ending = written.is_err();
        match written {
            Ok(length) => Some(length),
            Err(status) => {
                super::content::write_code(kind, status.code(), message_id, observation.token, out)
            }
        }
    }

    /// The values as they are were handed over in the message with this id.
    fn told(&mut self, now: Instant, slot: usize, message_id: u16, objects: &mut dyn Objects) {
        let Some(observation) = self.memory.observations.slots_mut().get_mut(slot) else { return };
        observation.note_message(message_id);
        let ended = observation.ending && !observation.in_flight;
        self.mark_told(now, slot, objects);
        if ended {
            self.end_observation(slot);
        }
    }

    /// The values as they are count as told: what comes next is measured from here.
    fn mark_told(&mut self, now: Instant, slot: usize, objects: &mut dyn Objects) {
        let memory = &mut *self.memory;
        let Some(observation) = memory.observations.slots_mut().get_mut(slot) else { return };
        observation.last =
            with_tree::<P, _>(&mut memory.accounts, objects, |tree| number_at(tree, observation.path));
        (observation.triggered, observation.blocked, observation.sent_at) = (false, false, now);
        if observation.ending {
            observation.due = Instant::NEVER;
        } else {
            self.reschedule(slot);
        }
    }
}

fn head(observation: &Observation, kind: Kind, message_id: u16) -> Head {
    let observe = Some(observation.sequence());
    Head { kind, message_id, token: observation.token, observe, format: observation.format, block: None }
}
