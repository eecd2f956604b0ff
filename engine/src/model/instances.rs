//! Objects whose instances come and go.

use super::{Defined, Definition, Instance, Object, Path, Status};

/// Up to `N` instances of an object that a server, or the application, creates and deletes.
#[derive(Clone, Debug)]
pub struct Instances<T, const N: usize> {
    entries: heapless::Vec<(u16, T), N, u16>,
    changed: bool,
}

impl<T, const N: usize> Instances<T, N> {
    /// No instances.
    pub const fn new() -> Self {
        Self { entries: heapless::Vec::new(), changed: false }
    }

    /// Adds an instance or replaces the one with this id; observers are told of all that is in it.
    ///
    /// # Errors
    /// The instance, when there is no room for another one or the id is the reserved 65535.
    pub fn insert(&mut self, id: u16, mut instance: T) -> Result<(), T>
    where
        T: Instance,
    {
        instance.changes().iter_mut().for_each(|word| *word = u32::MAX);
        if let Some(slot) = self.get_mut(id) {
            *slot = instance;
        } else if id > Path::MAX_ID {
            return Err(instance);
        } else {
            self.entries.push((id, instance)).map_err(|(_, instance)| instance)?;
        }
        self.changed = true;
        Ok(())
    }

    /// Removes an instance.
    pub fn remove(&mut self, id: u16) -> Option<T> {
        let index = self.entries.iter().position(|(other, _)| *other == id)?;
        self.changed = true;
        (index < self.entries.len()).then(|| self.entries.remove(index).1)
    }

    /// The instance with this id.
    pub fn get(&self, id: u16) -> Option<&T> {
        self.iter().find(|(other, _)| *other == id).map(|(_, instance)| instance)
    }

    /// The instance with this id.
    pub fn get_mut(&mut self, id: u16) -> Option<&mut T> {
        self.entries.iter_mut().find(|(other, _)| *other == id).map(|(_, instance)| instance)
    }

    /// Ids and instances.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &T)> {
        self.entries.iter().map(|(id, instance)| (*id, instance))
    }

    /// Ids and instances.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u16, &mut T)> {
        self.entries.iter_mut().map(|(id, instance)| (*id, instance))
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there are no instances.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<T, const N: usize> Default for Instances<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Instance + Defined + Default, const N: usize> Object for Instances<T, N> {
    fn definition(&self) -> &'static Definition {
        T::DEFINITION
    }

    fn instance_id(&self, n: usize) -> Option<u16> {
        self.entries.get(n).map(|(id, _)| *id)
    }

    fn instance(&self, id: u16) -> Option<&dyn Instance> {
        self.get(id).map(|instance| instance as &dyn Instance)
    }

    fn instance_mut(&mut self, id: u16) -> Option<&mut dyn Instance> {
        self.get_mut(id).map(|instance| instance as &mut dyn Instance)
    }

    fn take_instances_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    fn create(&mut self, id: Option<u16>) -> Result<u16, Status> {
        let free = || (0..=Path::MAX_ID).find(|id| self.get(*id).is_none());
        let id = id.or_else(free).ok_or(Status::ServiceUnavailable)?;
        if self.get(id).is_some() {
            return Err(Status::BadRequest);
        }
        self.insert(id, T::default()).map_err(|_| Status::ServiceUnavailable)?;
        Ok(id)
    }

    fn delete(&mut self, id: u16) -> Result<(), Status> {
        self.remove(id).map(drop).ok_or(Status::NotFound)
    }
}
