//! Optional resources without a length beside them: filled up with zeros, so that they take no memory when the profile has
//! no room for them.

use super::buffer::BoundedResource;
use crate::model::{Resource, Scalar, Sink, Status, Value};
use crate::profile::Table;

/// What is before the zeros at the end.
fn before_zeros<T: Default + PartialEq>(slots: &[T]) -> &[T] {
    let last = slots.iter().rposition(|slot| *slot != T::default());
    slots.get(..last.map_or(0, |last| last + 1)).unwrap_or_default()
}

/// A text; an empty one is none.
#[derive(Debug)]
pub struct PaddedText<A>(A);

impl<A: Table<u8>> PaddedText<A> {
    pub(crate) const EMPTY: Self = Self(A::EMPTY);

    pub(crate) fn as_str(&self) -> Option<&str> {
        let bytes = before_zeros(self.0.slots());
        if bytes.is_empty() { None } else { core::str::from_utf8(bytes).ok() }
    }

    /// Stores another text; false, and nothing changes, when there is no room for it.
    pub(crate) fn set(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() > A::CAPACITY {
            return false;
        }
        self.0.slots_mut().fill(0);
        self.0.slots_mut().iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
        true
    }
}

impl<A: Table<u8>> PartialEq for PaddedText<A> {
    fn eq(&self, other: &Self) -> bool {
        self.0.slots() == other.0.slots()
    }
}

impl<A: Table<u8>> Resource for PaddedText<A> {
    type Scalar = BoundedResource<A, true>;
    const MANDATORY: bool = false;

    fn is_present(&self) -> bool {
        self.as_str().is_some()
    }

    fn read(&self, instance: u16, sink: &mut Sink<'_>) -> Result<(), Status> {
        let text = self.as_str().filter(|_| instance == 0).ok_or(Status::NotFound)?;
        sink(Value::text(text));
        Ok(())
    }

    fn write(&mut self, instance: u16, value: Value<'_>) -> Result<(), Status> {
        if instance != 0 {
            return Err(Status::NotFound);
        }
        let text = Self::Scalar::from_value(value)?;
        if self.set(text.value.as_slice()) { Ok(()) } else { Err(Status::RequestEntityTooLarge) }
    }

    fn clear(&mut self) {
        self.0.slots_mut().fill(0);
    }
}

/// Numbers but 0, each an instance of the resource: its id is the place in the table.
#[derive(Debug)]
pub struct PaddedNumbers<A>(A);

impl<A: Table<u16>> PaddedNumbers<A> {
    pub(crate) const EMPTY: Self = Self(A::EMPTY);

    /// The numbers; 0 for an instance that is missing between others.
    pub(crate) fn as_slice(&self) -> &[u16] {
        before_zeros(self.0.slots())
    }

    /// Stores other numbers, big-endian; false, and nothing changes, when there is no room for them.
    pub(crate) fn set(&mut self, numbers: &[[u8; 2]]) -> bool {
        if numbers.len() > A::CAPACITY {
            return false;
        }
        self.0.slots_mut().fill(0);
        let slots = self.0.slots_mut().iter_mut().zip(numbers);
        slots.for_each(|(slot, number)| *slot = u16::from_be_bytes(*number));
        true
    }
}

impl<A: Table<u16>> PartialEq for PaddedNumbers<A> {
    fn eq(&self, other: &Self) -> bool {
        self.0.slots() == other.0.slots()
    }
}

impl<A: Table<u16>> Resource for PaddedNumbers<A> {
    type Scalar = u16;
    const MULTIPLE: bool = true;
    const MANDATORY: bool = false;
    const CAPACITY: usize = A::CAPACITY;

    fn is_present(&self) -> bool {
        !self.as_slice().is_empty()
    }

    fn instance_id(&self, n: usize) -> Option<u16> {
        (0..).zip(self.as_slice()).filter(|(_, number)| **number != 0).nth(n).map(|(id, _)| id)
    }

    fn read(&self, instance: u16, sink: &mut Sink<'_>) -> Result<(), Status> {
        let number = self.as_slice().get(usize::from(instance)).filter(|number| **number != 0);
        number.ok_or(Status::NotFound)?.show(sink);
        Ok(())
    }

    fn check(_: u16, value: Value<'_>) -> Result<(), Status> {
        if u16::from_value(value)? == 0 { Err(Status::BadRequest) } else { Ok(()) }
    }

    fn write(&mut self, instance: u16, value: Value<'_>) -> Result<(), Status> {
        Self::check(instance, value)?;
        let slot = self.0.slots_mut().get_mut(usize::from(instance)).ok_or(Status::RequestEntityTooLarge)?;
        *slot = u16::from_value(value)?;
        Ok(())
    }

    fn clear(&mut self) {
        self.0.slots_mut().fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn text(resource: &PaddedText<[u8; 4]>) -> Option<String> {
        let mut text = String::new();
        let mut sink = |value: Value<'_>| {
            let Value::String(value) = value else { panic!("{value:?}") };
            value.visit(&mut |piece| {
                text.push_str(piece);
                true
            });
        };
        resource.read(0, &mut sink).ok().map(|()| text)
    }

    fn numbers(resource: &PaddedNumbers<[u16; 3]>) -> Vec<(u16, u16)> {
        let ids = (0..).map_while(|n| resource.instance_id(n));
        let read = |id| {
            let mut number = None;
            let mut sink = |value: Value<'_>| number = u16::from_value(value).ok();
            assert_eq!(resource.read(id, &mut sink), Ok(()));
            (id, number.expect("a number"))
        };
        ids.map(read).collect()
    }

    #[test]
    fn a_text_is_there_when_it_is_not_empty() {
        let mut resource = PaddedText::<[u8; 4]>::EMPTY;
        assert!(!resource.is_present() && text(&resource).is_none());
        assert!(resource.set(b"name"));
        assert_eq!((text(&resource).as_deref(), resource.instance_id(0)), (Some("name"), Some(0)));
        assert!(!resource.set(b"names"));
        assert_eq!(resource.as_str(), Some("name"));
        assert_eq!(resource.write(0, Value::text("names")), Err(Status::RequestEntityTooLarge));
        assert_eq!(resource.write(0, Value::Integer(1)), Err(Status::BadRequest));
        assert_eq!(resource.write(1, Value::text("a")), Err(Status::NotFound));
        assert_eq!(resource.write(0, Value::text("a")), Ok(()));
        assert_eq!(resource.as_str(), Some("a"));
        resource.clear();
        assert!(!resource.is_present());
    }

    #[test]
    fn numbers_keep_their_order() {
        let mut resource = PaddedNumbers::<[u16; 3]>::EMPTY;
        assert!(!resource.is_present() && numbers(&resource).is_empty());
        assert!(resource.set(&[[0xC0, 0xAE], [0xC0, 0xA8]]));
        assert_eq!(numbers(&resource), [(0, 0xC0AE), (1, 0xC0A8)]);
        assert!(!resource.set(&[[1, 0]; 4]));
        assert_eq!(resource.as_slice(), [0xC0AE, 0xC0A8]);
        assert_eq!(resource.write(2, Value::Unsigned(0xAE)), Ok(()));
        assert_eq!(numbers(&resource), [(0, 0xC0AE), (1, 0xC0A8), (2, 0xAE)]);
        resource.clear();
        assert!(!resource.is_present());
    }

    #[test]
    fn instances_may_be_missing_between_others() {
        let mut resource = PaddedNumbers::<[u16; 3]>::EMPTY;
        assert_eq!(resource.write(2, Value::Unsigned(0xAE)), Ok(()));
        assert_eq!(numbers(&resource), [(2, 0xAE)]);
        assert_eq!(resource.read(0, &mut |_| panic!("there is none")), Err(Status::NotFound));
        assert_eq!(resource.write(3, Value::Unsigned(0xAE)), Err(Status::RequestEntityTooLarge));
        for bad in [Value::Unsigned(0), Value::Unsigned(0x1_0000), Value::Integer(-1), Value::text("C0A8")] {
            assert_eq!(resource.write(0, bad), Err(Status::BadRequest), "{bad:?}");
        }
        assert_eq!(numbers(&resource), [(2, 0xAE)]);
    }

    #[test]
    fn without_room_nothing_is_taken_and_nothing_stored() {
        assert_eq!(size_of::<PaddedText<[u8; 0]>>() + size_of::<PaddedNumbers<[u16; 0]>>(), 0);
        let mut resource = PaddedText::<[u8; 0]>::EMPTY;
        assert!(resource.set(b"") && !resource.set(b"a"));
        let mut resource = PaddedNumbers::<[u16; 0]>::EMPTY;
        assert!(resource.set(&[]) && !resource.set(&[[0xC0, 0xA8]]));
        assert_eq!(resource.write(0, Value::Unsigned(0xAE)), Err(Status::RequestEntityTooLarge));
    }
}
