//! Resources with several instances.

use super::{Resource, Scalar, Sink, Status, Value};

/// Up to `N` resource instances, each with an id, in ascending order of the ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Multiple<T, const N: usize> {
    entries: heapless::Vec<(u16, T), N, u16>,
}

impl<T, const N: usize> Multiple<T, N> {
    /// No instances.
    pub const fn new() -> Self {
        Self { entries: heapless::Vec::new() }
    }

    /// Instances 0, 1, 2, ... with these values. `M` must not be larger than `N`; it does not compile otherwise.
    pub fn from_values<const M: usize>(values: [T; M]) -> Self {
        const { assert!(M <= N, "more values than the resource has room for") }
        Self { entries: (0..).zip(values).collect() }
    }

    /// The value of an instance.
    pub fn get(&self, id: u16) -> Option<&T> {
        self.entries.get(self.find(id).ok()?).map(|(_, value)| value)
    }

    /// Sets the value of an instance; it is added when it is not there. The value comes back when there is no room.
    ///
    /// # Errors
    /// The value, when all `N` instances are other ones.
    pub fn insert(&mut self, id: u16, value: T) -> Result<(), T> {
        match self.find(id) {
            Ok(index) => {
                if let Some((_, slot)) = self.entries.get_mut(index) {
                    *slot = value;
                }
                Ok(())
            }
            Err(index) => self.entries.insert(index, (id, value)).map_err(|(_, value)| value),
        }
    }

    /// Removes an instance.
    pub fn remove(&mut self, id: u16) -> Option<T> {
        let index = self.find(id).ok()?;
        (index < self.entries.len()).then(|| self.entries.remove(index).1)
    }

    /// Removes all instances.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Ids and values, by ascending id.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &T)> {
        self.entries.iter().map(|(id, value)| (*id, value))
    }

    /// How many instances there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there are no instances.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn find(&self, id: u16) -> Result<usize, usize> {
        match self.entries.iter().position(|(other, _)| *other >= id) {
            Some(index) if self.entries.get(index).is_some_and(|(other, _)| *other == id) => Ok(index),
            Some(index) => Err(index),
            None => Err(self.entries.len()),
        }
    }
}

impl<T, const N: usize> Default for Multiple<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar, const N: usize> Resource for Multiple<T, N> {
    type Scalar = T;
    const MULTIPLE: bool = true;
    const CAPACITY: usize = N;

    fn instance_id(&self, n: usize) -> Option<u16> {
        self.entries.get(n).map(|(id, _)| *id)
    }

    fn read(&self, instance: u16, sink: &mut Sink<'_>) -> Result<(), Status> {
        self.get(instance).ok_or(Status::NotFound)?.show(sink);
        Ok(())
    }

    fn write(&mut self, instance: u16, value: Value<'_>) -> Result<(), Status> {
        let value = T::from_value(value)?;
        self.insert(instance, value).map_err(|_| Status::RequestEntityTooLarge)
    }

    fn clear(&mut self) {
        self.entries.clear();
    }
}

/// A resource that may be missing. A write makes it present, with a default value before it.
impl<T: Resource + Default> Resource for Option<T> {
    type Scalar = T::Scalar;
    const MULTIPLE: bool = T::MULTIPLE;
    const MANDATORY: bool = false;
    const CAPACITY: usize = T::CAPACITY;

    fn is_present(&self) -> bool {
        self.is_some()
    }

    fn instance_id(&self, n: usize) -> Option<u16> {
        self.as_ref()?.instance_id(n)
    }

    fn read(&self, instance: u16, sink: &mut Sink<'_>) -> Result<(), Status> {
        self.as_ref().ok_or(Status::NotFound)?.read(instance, sink)
    }

    fn write(&mut self, instance: u16, value: Value<'_>) -> Result<(), Status> {
        Self::check(instance, value)?; // a refused value must not make the resource present
        self.get_or_insert_default().write(instance, value)
    }

    fn clear(&mut self) {
        *self = None;
    }
}
