//! The table of observations: how they begin and end (RFC 7641 section 3).

use super::Engine;
use super::notify::LIVE;
use crate::account::ServerIndex;
use crate::coap::Token;
use crate::event::Event;
use crate::model::Status;
use crate::observe::Observation;
use crate::profile::{Profile, Slot, Table};

impl<P: Profile> Engine<'_, P> {
    /// The slot for an observation: that of the same token, or a free one.
    pub(super) fn observation_slot(&self, server: ServerIndex, token: Token) -> Result<usize, Status> {
        let observations = self.memory.observations.slots();
        let same = |o: &Observation| o.used && o.server == server && o.token == token;
        let slot = observations.iter().position(same).or_else(|| observations.iter().position(|o| !o.used));
        slot.ok_or(Status::ServiceUnavailable)
    }

    /// The observation of this token, if there is one.
    pub(super) fn observation_before(&self, slot: usize) -> Option<Observation> {
        self.memory.observations.slots().get(slot).copied().filter(|observation| observation.used)
    }

    /// True when confirmable notifications of the observation in `slot` are on their way, or wait for it.
    pub(super) fn has_notifications(&mut self, slot: usize) -> bool {
        self.observation_before(slot).is_some_and(|observation| observation.in_flight) || self.is_stored(slot)
    }

    /// The server was asked, and is answered, anew: the observation goes on as it was.
    pub(super) fn renew_observation(&mut self, slot: usize, observation: Observation) {
        if let Some(place) = self.memory.observations.slots_mut().get_mut(slot) {
            *place = observation;
        }
    }

    pub(super) fn start_observation(&mut self, slot: usize, observation: Observation) {
        self.end_observation(slot);
        let event = Event::ObservationStarted { server: observation.server, path: observation.path };
        if let Some(place) = self.memory.observations.slots_mut().get_mut(slot) {
            *place = observation;
        }
        self.reschedule(slot);
        self.memory.events.push(event);
    }

    /// Drops what waits to be told to the observer in `slot`.
    fn end_notifications(&mut self, slot: usize) {
        self.tell_lost(slot);
        for exchange in self.memory.exchanges.slots_mut().iter_mut().skip(P::Accounts::CAPACITY) {
            if !exchange.is_free() && exchange.subject() & !usize::from(LIVE) == slot {
                exchange.finish();
            }
        }
    }

    pub(super) fn end_observation(&mut self, slot: usize) {
        self.end_notifications(slot);
        let Some(observation) = self.memory.observations.slots_mut().get_mut(slot).filter(|o| o.used) else {
            return;
        };
        let event = Event::ObservationEnded { server: observation.server, path: observation.path };
        *observation = Slot::EMPTY;
        self.memory.events.push(event);
        // There may be room now for what had to wait.
        self.unblock(None);
    }

    pub(super) fn end_observations_of(&mut self, server: ServerIndex) {
        if !Self::OBSERVES {
            return;
        }
        for slot in 0..P::Observations::CAPACITY {
            if self.memory.observations.slots().get(slot).is_some_and(|o| o.used && o.server == server) {
                self.end_observation(slot);
            }
        }
    }

    pub(super) fn cancel_by_token(&mut self, server: ServerIndex, token: Token) {
        let same = |o: &Observation| o.used && o.server == server && o.token == token;
        if let Some(slot) = self.memory.observations.slots().iter().position(same) {
            self.end_observation(slot);
        }
    }

    /// RST in answer to a notification cancels it; false when no notification had this message id.
    pub(super) fn cancel_by_message(&mut self, server: ServerIndex, message_id: u16) -> bool {
        let sent = |o: &Observation| {
            o.used && o.server == server && message_id != 0 && o.recent.contains(&message_id)
        };
        let slot = self.memory.observations.slots().iter().position(sent);
        if let Some(slot) = slot {
            self.end_observation(slot);
        }
        slot.is_some()
    }
}
