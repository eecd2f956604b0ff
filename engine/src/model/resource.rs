//! What can be the field of an object: the types that hold a resource's value.

use super::{Bytes, ObjectLink, Sink, Status, Str, Time, Type, Value};
use crate::text::widen;

/// UTF-8 text of at most `N` bytes.
pub type Text<const N: usize> = heapless::String<N, u16>;

/// At most `N` bytes.
pub type Opaque<const N: usize> = heapless::Vec<u8, N, u16>;

/// A single value, to be read and written as a whole.
///
/// `Value` tells the type it came in; numbers are converted where nothing is lost, everything else is 4.00.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't hold the value of a resource",
    note = "use bool, an integer, f32, f64, Text<N>, Opaque<N>, &'static str, Time or ObjectLink; Option<T> for an optional one; Multiple<T, N> for several instances"
)]
pub trait Scalar: Sized {
    /// The type that the resource has.
    const TYPE: Type;

    /// Hands the value to `sink`.
    fn show(&self, sink: &mut Sink<'_>);

    /// The value of a write.
    ///
    /// # Errors
    /// [`Status::BadRequest`] for another type or a value out of range, [`Status::RequestEntityTooLarge`] for text and
    /// bytes that are longer than the field.
    fn from_value(value: Value<'_>) -> Result<Self, Status>;

    /// Tells whether [`Scalar::from_value`] would accept the value; for large types without building it.
    ///
    /// # Errors
    /// As [`Scalar::from_value`].
    fn check_value(value: Value<'_>) -> Result<(), Status> {
        Self::from_value(value).map(drop)
    }
}

/// A field of a derived object: a [`Scalar`], an `Option` of one, or a [`Multiple`](super::Multiple).
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a resource",
    note = "use bool, an integer, f32, f64, Text<N>, Opaque<N>, &'static str, Time or ObjectLink; Option<T> for an optional one; Multiple<T, N> for several instances"
)]
pub trait Resource {
    /// The type of one value.
    type Scalar: Scalar;
    /// The type that the resource has.
    const TYPE: Type = <Self::Scalar as Scalar>::TYPE;
    /// It has resource instances.
    const MULTIPLE: bool = false;
    /// It is always there.
    const MANDATORY: bool = true;
    /// How many resource instances there can be.
    const CAPACITY: usize = 1;

    /// True when there is a value.
    fn is_present(&self) -> bool {
        true
    }

    /// The id of the `n`th resource instance, ascending.
    fn instance_id(&self, n: usize) -> Option<u16> {
        (n == 0 && self.is_present()).then_some(0)
    }

    /// Hands the value to `sink`.
    ///
    /// # Errors
    /// [`Status::NotFound`] when there is none.
    fn read(&self, instance: u16, sink: &mut Sink<'_>) -> Result<(), Status>;

    /// Tells whether [`Resource::write`] would accept the value.
    ///
    /// # Errors
    /// As [`Scalar::from_value`]; [`Status::NotFound`] for another instance than 0 of a single resource.
    fn check(instance: u16, value: Value<'_>) -> Result<(), Status> {
        if Self::MULTIPLE || instance == 0 { Self::Scalar::check_value(value) } else { Err(Status::NotFound) }
    }

    /// Stores the value.
    ///
    /// # Errors
    /// As [`Resource::check`]; [`Status::RequestEntityTooLarge`] when no more instances fit.
    fn write(&mut self, instance: u16, value: Value<'_>) -> Result<(), Status>;

    /// Removes what can be removed.
    fn clear(&mut self) {}
}

impl<T: Scalar> Resource for T {
    type Scalar = T;

    fn read(&self, instance: u16, sink: &mut Sink<'_>) -> Result<(), Status> {
        single(instance)?;
        self.show(sink);
        Ok(())
    }

    fn write(&mut self, instance: u16, value: Value<'_>) -> Result<(), Status> {
        single(instance)?;
        *self = T::from_value(value)?;
        Ok(())
    }
}

fn single(instance: u16) -> Result<(), Status> {
    if instance == 0 { Ok(()) } else { Err(Status::NotFound) }
}

macro_rules! integer {
    ($($name:ty),*) => {$(
        impl Scalar for $name {
            const TYPE: Type = Type::Integer;

            fn show(&self, sink: &mut Sink<'_>) {
                sink(Value::Integer(i64::from(*self)));
            }

            fn from_value(value: Value<'_>) -> Result<Self, Status> {
                Self::try_from(to_integer(value)?).map_err(|_| Status::BadRequest)
            }
        }
    )*};
}

integer!(i8, i16, i32, i64, u8, u16, u32);

/// A value of an integer field whose type is Unsigned Integer.
pub fn to_unsigned(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Integer(number) => u64::try_from(number).map_or(value, Value::Unsigned),
        _ => value,
    }
}

fn to_integer(value: Value<'_>) -> Result<i64, Status> {
    match value {
        Value::Integer(value) | Value::Time(Time(value)) => Ok(value),
        Value::Unsigned(value) => i64::try_from(value).map_err(|_| Status::BadRequest),
        _ => Err(Status::BadRequest),
    }
}

impl Scalar for u64 {
    const TYPE: Type = Type::Unsigned;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::Unsigned(*self));
    }

    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        match value {
            Value::Unsigned(value) => Ok(value),
            other => Self::try_from(to_integer(other)?).map_err(|_| Status::BadRequest),
        }
    }
}

impl Scalar for bool {
    const TYPE: Type = Type::Boolean;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::Boolean(*self));
    }

    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        match value {
            Value::Boolean(value) => Ok(value),
            _ => Err(Status::BadRequest),
        }
    }
}

impl Scalar for f64 {
    const TYPE: Type = Type::Float;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::Double(*self));
    }

    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        match value {
            Value::Double(value) => Ok(value),
            Value::Single(value) => Ok(widen(value.to_bits(), 23, 8)),
            _ => Err(Status::BadRequest),
        }
    }
}

impl Scalar for f32 {
    const TYPE: Type = Type::Float;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::Single(*self));
    }

    /// Rounds to 32 bits; a number too large for that is refused.
    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        let wide = f64::from_value(value)?;
        let narrow = wide as Self;
        if narrow.is_infinite() && wide.is_finite() { Err(Status::BadRequest) } else { Ok(narrow) }
    }
}

impl Scalar for Time {
    const TYPE: Type = Type::Time;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::Time(*self));
    }

    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        to_integer(value).map(Self)
    }
}

impl Scalar for ObjectLink {
    const TYPE: Type = Type::ObjectLink;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::ObjectLink(*self));
    }

    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        match value {
            Value::ObjectLink(value) => Ok(value),
            _ => Err(Status::BadRequest),
        }
    }
}

/// Text in flash: it can be read only.
impl Scalar for &'static str {
    const TYPE: Type = Type::String;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::text(self));
    }

    fn from_value(_: Value<'_>) -> Result<Self, Status> {
        Err(Status::MethodNotAllowed)
    }
}

impl<const N: usize> Scalar for Text<N> {
    const TYPE: Type = Type::String;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::text(self));
    }

    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        let mut field = Self::new();
        let fits = to_str(value)?.visit(&mut |piece| field.push_str(piece).is_ok());
        if fits { Ok(field) } else { Err(Status::RequestEntityTooLarge) }
    }

    fn check_value(value: Value<'_>) -> Result<(), Status> {
        if to_str(value)?.len() > N { Err(Status::RequestEntityTooLarge) } else { Ok(()) }
    }
}

fn to_str(value: Value<'_>) -> Result<Str<'_>, Status> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Status::BadRequest),
    }
}

impl<const N: usize> Scalar for Opaque<N> {
    const TYPE: Type = Type::Opaque;

    fn show(&self, sink: &mut Sink<'_>) {
        sink(Value::opaque(self));
    }

    fn from_value(value: Value<'_>) -> Result<Self, Status> {
        let mut field = Self::new();
        let fits = to_bytes(value)?.visit(&mut |piece| field.extend_from_slice(piece).is_ok());
        if fits { Ok(field) } else { Err(Status::RequestEntityTooLarge) }
    }

    fn check_value(value: Value<'_>) -> Result<(), Status> {
        if to_bytes(value)?.len() > N { Err(Status::RequestEntityTooLarge) } else { Ok(()) }
    }
}

fn to_bytes(value: Value<'_>) -> Result<Bytes<'_>, Status> {
    match value {
        Value::Opaque(bytes) => Ok(bytes),
        _ => Err(Status::BadRequest),
    }
}
