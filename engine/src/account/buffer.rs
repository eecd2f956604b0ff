//! Text and bytes whose room is a number of the profile.

use crate::model::{Scalar, Sink, Status, Type, Value};
use crate::profile::Table;
use zeroize::Zeroize;

/// At most as many bytes as the table `A` has room for. The empty value is all zeros.
pub struct Bounded<A> {
    length: u16,
    bytes: A,
}

impl<A: Table<u8>> Bounded<A> {
    /// Nothing.
    pub const EMPTY: Self = Self { length: 0, bytes: A::EMPTY };

    /// What is stored.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.slots().get(..usize::from(self.length)).unwrap_or_default()
    }

    /// What is stored, as text; empty when it is not UTF-8.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_slice()).unwrap_or_default()
    }

    /// Stores other bytes; false, and nothing changes, when there is no room for them.
    pub fn set(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() > A::CAPACITY {
            return false;
        }
        self.clear();
        bytes.iter().all(|byte| self.push(*byte))
    }

    /// Forgets what is stored.
    pub fn clear(&mut self) {
        self.bytes.slots_mut().fill(0);
        self.length = 0;
    }

    /// Forgets a key, in a way that the compiler can't leave out.
    pub(crate) fn erase(&mut self) {
        self.bytes.slots_mut().zeroize();
        self.length = 0;
    }

    /// Appends a byte; false when there is no room.
    pub(crate) fn push(&mut self, byte: u8) -> bool {
        match self.bytes.slots_mut().get_mut(usize::from(self.length)) {
            Some(slot) if self.length < u16::MAX => {
                *slot = byte;
                self.length += 1;
                true
            }
            _ => false,
        }
    }

    /// Appends bytes; false when not all fit.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.push(*byte))
    }
}

impl<A: Table<u8>> core::fmt::Debug for Bounded<A> {
    /// The length only: it may be a key.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "[{} of {} bytes]", self.length, A::CAPACITY)
    }
}

/// A [`Bounded`] as a resource of type String (`TEXT`) or Opaque.
pub struct BoundedResource<A, const TEXT: bool> {
    pub(crate) value: Bounded<A>,
}

impl<A: Table<u8>, const TEXT: bool> BoundedResource<A, TEXT> {
    pub(crate) const EMPTY: Self = Self { value: Bounded::EMPTY };
}

impl<A: Table<u8>, const TEXT: bool> core::fmt::Debug for BoundedResource<A, TEXT> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.value.fmt(f)
    }
}

impl<A: Table<u8>, const TEXT: bool> PartialEq for BoundedResource<A, TEXT> {
    fn eq(&self, other: &Self) -> bool {
        self.value.as_slice() == other.value.as_slice()
    }
}

impl<A: Table<u8>, const TEXT: bool> Scalar for BoundedResource<A, TEXT> {
    const TYPE: Type = if TEXT { Type::String } else { Type::Opaque };

    fn show(&self, sink: &mut Sink<'_>) {
        if TEXT {
            sink(Value::text(self.value.as_str()));
        } else {
            sink(Value::opaque(self.value.as_slice()));
        }
    }

    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        let mut field = Self::EMPTY;
        let fits = match value {
            Value::String(text) if TEXT => text.visit(&mut |piece| field.value.append(piece.as_bytes())),
            Value::Opaque(bytes) if !TEXT => bytes.visit(&mut |piece| field.value.append(piece)),
            _ => return Err(Status::BadRequest),
        };
        if fits { Ok(field) } else { Err(Status::RequestEntityTooLarge) }
    }
}
