//! What the application and the servers have changed, and which notifications and Updates that makes due.

use super::notify::number_at;
use super::{Engine, with_tree};
use crate::account::{Account, ServerIndex};
use crate::event::{Event, Queue};
use crate::model::{Instance, Level, Objects, Path};
use crate::observe::{AttributeRecord, Observation, effective, is_worth_telling};
use crate::operation::Tree;
use crate::profile::{Profile, Table};
use crate::registration::News;
use crate::time::Instant;

/// A change of `path`: true when it makes a notification due.
fn is_triggered(observation: &Observation, path: Path, tree: &Tree<'_>, records: &[AttributeRecord]) -> bool {
    if !observation.used || !observation.path.overlaps(&path) {
        return false;
    }
    let attributes = effective(records, observation.server, observation.path);
    let number = || number_at(tree, observation.path);
    if attributes.has_conditions() {
        let number = number();
        return (number.is_nan() && observation.last.is_nan())
            || is_worth_telling(observation.last, number, &attributes);
    }
    // A resource is marked as a whole: the observer of one of its instances hears only of that one.
    let other_instance = observation.path.level() == Level::ResourceInstance
        && number().to_bits() == observation.last.to_bits()
        && !observation.last.is_nan();
    !other_instance
}

/// The server's own pmin and pmax (1/x/2 and 1/x/3).
fn default_periods<P: Profile>(accounts: &[Account<P>], server: ServerIndex) -> (Option<u32>, Option<u32>) {
    accounts.get(server.index()).map_or((None, None), |account| {
        (account.server.default_minimum_period(), account.server.default_maximum_period())
    })
}

/// A notification is due. One that could not go out yet is replaced by it.
fn trigger<T, A: Table<Event<T>>>(observation: &mut Observation, events: &mut Queue<A>) {
    if observation.triggered && !observation.blocked {
        return;
    }
    if observation.triggered {
        events.push(Event::NotificationLost { server: observation.server, path: observation.path });
    }
    // Tried again, and only one value is replaced, however many resources have changed.
    (observation.triggered, observation.blocked) = (true, false);
    observation.due = Instant::ZERO; // to be scheduled when all changes are known
}

impl<P: Profile> Engine<'_, P> {
    /// Looks at what the application and the servers have changed.
    pub(super) fn collect_changes(&mut self, objects: &mut dyn Objects) {
        let memory = &mut *self.memory;
        let (observations, events) = (memory.observations.slots_mut(), &mut memory.events);
        let records = memory.attributes.slots_mut();
        let objects_changed = with_tree::<P, _>(&mut memory.accounts, objects, |tree| {
            let (mut n, mut changed) = (0, false);
            while let Some(object) = tree.nth_mut(n) {
                n += 1;
                if object.take_instances_changed() {
                    changed = true;
                    // Instances are part of what an observer of the whole object sees.
                    let path = Path::object(object.definition().id);
                    let observers = observations.iter_mut().filter(|o| o.used && o.path == path);
                    observers.for_each(|observation| trigger(observation, events));
                }
            }
            if Self::HAS_ATTRIBUTES && changed {
                // The application may have removed what they were set for.
                let gone = |path: Path| path.instance_id().is_some() && tree.instance_of(path).is_err();
                records.iter_mut().for_each(|record| record.used &= !gone(record.path));
            }
            changed
        });
        self.note_server_changes(objects_changed);
        if self.is_observed() {
            self.trigger_observations(objects, objects_changed);
        }
    }

    /// True when there is an observation. Marks are not looked at as long as there is none.
    fn is_observed(&self) -> bool {
        Self::OBSERVES && self.memory.observations.slots().iter().any(|observation| observation.used)
    }

    /// The first observer is told what changes from now on.
    pub(super) fn forget_unobserved_changes(&mut self, objects: &mut dyn Objects) {
        if !self.is_observed() {
            with_tree::<P, _>(&mut self.memory.accounts, objects, |tree| {
                let mut cursor = Cursor::default();
                while cursor.next(tree).is_some() {}
            });
        }
    }

    fn trigger_observations(&mut self, objects: &mut dyn Objects, objects_changed: bool) {
        let memory = &mut *self.memory;
        let observations = memory.observations.slots_mut();
        let records = memory.attributes.slots();
        let mut periods_changed = false;
        with_tree::<P, _>(&mut memory.accounts, objects, |tree| {
            let mut cursor = Cursor::default();
            while let Some(path) = cursor.next(tree) {
                periods_changed |= path.object_id() == Some(1);
                for observation in observations.iter_mut() {
                    if observation.triggered && !observation.blocked {
                        continue;
                    }
                    if is_triggered(observation, path, tree, records) {
                        trigger(observation, &mut memory.events);
                    }
                }
            }
            if objects_changed {
                for observation in observations.iter_mut().filter(|o| o.used && !tree.contains(o.path)) {
                    (observation.triggered, observation.ending, observation.due) =
                        (true, true, Instant::ZERO);
                }
            }
        });
        for slot in 0..P::Observations::CAPACITY {
            let needs =
                |o: &Observation| o.used && (periods_changed || o.triggered && o.due == Instant::ZERO);
            if self.memory.observations.slots().get(slot).is_some_and(needs) {
                self.reschedule(slot);
            }
        }
    }

    /// What changed in object 1 and in the list of instances is news for the next Update.
    fn note_server_changes(&mut self, objects_changed: bool) {
        for account in self.memory.accounts.slots_mut().iter_mut().filter(|account| account.used) {
            let news = &mut account.registration.news;
            if objects_changed {
                news.add(News::OBJECTS);
            }
            if account.server.take_update_requested() {
                news.add(News::REQUESTED);
            }
            if account.server.lifetime() != account.registration.told_lifetime_s {
                news.add(News::LIFETIME);
            }
            if *account.server.binding() != account.registration.told_binding {
                news.add(News::BINDING);
            }
        }
    }

    /// Finds out when the observation in `slot` is due.
    pub(super) fn reschedule(&mut self, slot: usize) {
        let memory = &mut *self.memory;
        let Some(observation) = memory.observations.slots_mut().get_mut(slot) else { return };
        if observation.ending {
            observation.due = Instant::ZERO;
            return;
        }
        let attributes = effective(memory.attributes.slots(), observation.server, observation.path);
        observation.schedule(&attributes, default_periods(memory.accounts.slots(), observation.server));
    }

    /// The attributes at `path` have changed.
    pub(super) fn reschedule_below(&mut self, server: ServerIndex, path: Path) {
        for slot in 0..P::Observations::CAPACITY {
            let concerned = |o: &Observation| o.used && o.server == server && path.covers(&o.path);
            if self.memory.observations.slots().get(slot).is_some_and(concerned) {
                self.reschedule(slot);
            }
        }
    }
}

/// Walks over the marks of all instances, clearing them, and tells the paths of what has changed.
#[derive(Default)]
struct Cursor {
    object: usize,
    instance: usize,
}

impl Cursor {
    #[inline(never)]
    fn next(&mut self, tree: &mut Tree<'_>) -> Option<Path> {
        loop {
            let object = tree.nth_mut(self.object)?;
            let Some(id) = object.instance_id(self.instance) else {
                (self.object, self.instance) = (self.object + 1, 0);
                continue;
            };
            let words = object.instance_mut(id).map(Instance::changes).unwrap_or_default();
            let Some((place, word)) = words.iter_mut().enumerate().find(|(_, word)| **word != 0) else {
                self.instance += 1;
                continue;
            };
            let bit = word.trailing_zeros() as usize;
            *word &= *word - 1;
            let definition = object.definition();
            if let Some(resource) = definition.resources.get(place * 32 + bit) {
                return Some(Path::resource(definition.id, id, resource.id));
            }
        }
    }
}
