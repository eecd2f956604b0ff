//! Messages that go out by themselves: registrations, notifications, and retransmissions of both.

use super::{Engine, Transmit};
use crate::account::ServerIndex;
use crate::event::Failure;
use crate::exchange::Due;
use crate::model::Objects;
use crate::profile::{Profile, Table};
use crate::registration::Input;
use crate::time::Instant;

impl<P: Profile> Engine<'_, P> {
    /// Writes the next message into `out`. Call it until it answers `None`.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Option<Transmit> {
        if core::mem::take(&mut self.pending) {
            self.collect_changes(objects);
        }
        loop {
            self.advance(now);
            if Self::OBSERVES {
                self.start_stored_notifications(now);
            }
            let due = |exchange: &crate::Exchange| exchange.due::<P>(now) == Some(Due::Transmit);
            if let Some(index) = self.memory.exchanges.slots().iter().position(due) {
                if let Some(transmit) = self.transmit_exchange(now, index, objects, out) {
                    return Some(transmit);
                }
            } else if let Some(slot) = Self::OBSERVES.then(|| self.due_observation(now)).flatten() {
                if let Some((server, length)) = self.notify(now, slot, objects, out) {
                    return Some(Transmit { server, length });
                }
            } else {
                return None;
            }
        }
    }

    /// Writes the message of an exchange. One that can't be written ends as if it had not been answered.
    fn transmit_exchange(
        &mut self,
        now: Instant,
        index: usize,
        objects: &mut dyn Objects,
        out: &mut [u8],
    ) -> Option<Transmit> {
        let server = self.memory.exchanges.slots().get(index)?.server();
        let registers = Self::is_registration(index) || !Self::OBSERVES;
        if registers {
            self.renew_links(server);
        }
        let exchange = *self.memory.exchanges.slots().get(index)?;
        let out = self.within_limit(server, out);
        let length = if registers {
            self.write_registration(server, &exchange, objects, out)
        } else {
            self.write_confirmable_notification(now, index, objects, out)
        };
        if length.is_some() {
            self.memory.exchanges.slots_mut().get_mut(index)?.transmitted(now);
        } else if registers {
            self.fail(server, Failure::MessageTooLong);
            self.finish_exchange(index);
            self.apply(now, server, Input::Refused);
        } else {
            self.notification_timed_out(index);
        }
        length.map(|length| Transmit { server, length })
    }

    /// As much of a buffer as the way to the server takes.
    pub(super) fn within_limit<'o>(&self, server: ServerIndex, out: &'o mut [u8]) -> &'o mut [u8] {
        match self.account(server).map_or(0, |account| usize::from(account.registration.message_limit)) {
            limit if limit > 0 && limit < out.len() => out.get_mut(..limit).unwrap_or_default(),
            _ => out,
        }
    }
}
