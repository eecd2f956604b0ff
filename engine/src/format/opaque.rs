//! Opaque (Content-Format 42): the bytes of one opaque value.

use super::{Encoded, Encoder, Found};
use crate::model::{Path, Status, Type, Value};
use crate::output::Output;

pub(super) struct OpaqueEncoder<'o, 'b>(pub(super) &'o mut Output<'b>);

impl Encoder for OpaqueEncoder<'_, '_> {
    fn value(&mut self, _: Path, value: Value<'_>) {
        match value {
            Value::Opaque(bytes) => self.0.bytes(bytes),
            _ => self.0.fail(Status::NotAcceptable),
        }
    }
}

struct OpaqueValue<'a>(&'a [u8]);

impl Encoded for OpaqueValue<'_> {
    fn value(&self, kind: Type) -> Result<Value<'_>, Status> {
        match kind {
            Type::Opaque => Ok(Value::opaque(self.0)),
            _ => Err(Status::UnsupportedContentFormat),
        }
    }
}

pub(super) fn decode(base: Path, payload: &[u8], found: &mut Found<'_>) -> Result<(), Status> {
    found(base, &OpaqueValue(payload))
}
