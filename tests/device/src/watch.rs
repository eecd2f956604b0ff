//! What the thread of a device has told, and waiting for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use coracle::{Event, RegistrationState, ServerIndex};

/// Longer than anything on loopback takes, on a slow machine too, and on a network that loses a fifth of everything.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Why a device began anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// It was started.
    Power,
    /// A server executed Reboot.
    Reboot,
    /// A server executed Factory Reset.
    FactoryReset,
}

/// An event and when the test could first see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted {
    pub(crate) at: Instant,
    pub(crate) event: Event,
}

/// The history of one device.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    history: Mutex<History>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct History {
    events: Vec<Noted>,
    /// Which of the events a test has waited for.
    taken: Vec<bool>,
    boots: Vec<Boot>,
    states: Vec<RegistrationState>,
    waits: u64,
    ended: bool,
}

impl Watch {
    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, change: impl FnOnce(&mut History)) {
        change(&mut self.history());
        self.news.notify_all();
    }

    pub(crate) fn event(&self, event: Event) {
        self.note(|history| {
            if let Event::Registration { server, state } = event
                && let Some(place) = history.states.get_mut(server.index())
            {
                *place = state;
            }
            history.events.push(Noted { at: Instant::now(), event });
            history.taken.push(false);
        });
    }

    pub(crate) fn boot(&self, boot: Boot, servers: usize) {
        self.note(|history| {
            history.boots.push(boot);
            history.states = vec![RegistrationState::Idle; servers];
        });
    }

    pub(crate) fn waits(&self, count: u64) {
        self.history().waits = count;
    }

    pub(crate) fn wait_count(&self) -> u64 {
        self.history().waits
    }

    pub(crate) fn end(&self) {
        self.note(|history| history.ended = true);
    }

    pub(crate) fn boots(&self) -> Vec<Boot> {
        self.history().boots.clone()
    }

    pub(crate) fn state(&self, server: ServerIndex) -> RegistrationState {
        self.history().states.get(server.index()).copied().unwrap_or(RegistrationState::Idle)
    }

    pub(crate) fn servers(&self) -> usize {
        self.history().states.len()
    }

    /// Waits until the condition holds; panics with the history when it does not in time.
    fn until<T>(
        &self,
        what: &str,
        patience: Duration,
        mut condition: impl FnMut(&mut History) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + patience;
        let mut history = self.history();
        loop {
            if let Some(found) = condition(&mut history) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !history.ended, "the device: no {what} in {patience:?}; {history:#?}");
            history = self.news.wait_timeout(history, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn wait_state(&self, server: ServerIndex, state: RegistrationState, patience: Duration) {
        self.until(&format!("state {state:?}"), patience, |history| {
            (history.states.get(server.index()) == Some(&state)).then_some(())
        });
    }

    pub(crate) fn wait_boots(&self, count: usize, patience: Duration) {
        self.until(&format!("{count} boots"), patience, |history| {
            (history.boots.len() >= count).then_some(())
        });
    }

    pub(crate) fn next<T>(
        &self,
        what: &str,
        patience: Duration,
        pick: impl Fn(&Event) -> Option<T>,
    ) -> (Instant, T) {
        self.until(what, patience, |history| {
            let mut unread = history.events.iter().zip(&mut history.taken).filter(|(_, taken)| !**taken);
            unread.find_map(|(noted, taken)| {
                let found = pick(&noted.event)?;
                *taken = true;
                Some((noted.at, found))
            })
        })
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.history().events.iter().map(|noted| noted.event).collect()
    }
}
