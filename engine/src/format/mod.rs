//! Payloads: one file for each content format, both directions (LwM2M Core section 7.4).
//!
//! Encoders are told what a walk over an object finds; decoders tell what they find in a payload. Which of them are
//! linked is decided by [`FormatSet`](crate::model::FormatSet) in `dispatch`.

mod cbor;
mod cbor_value;
mod dispatch;
pub(crate) mod link;
mod number;
mod opaque;
mod senml;
mod senml_cbor;
mod senml_json;
mod text_value;
mod tlv;

pub(crate) use dispatch::{Target, choose, decode, encode, named_instance};

use crate::model::{Path, Status, Type, Value};

/// Writes values in one format.
pub(crate) trait Encoder {
    /// What follows, until [`Encoder::leave`], are the parts of this instance, or of this resource of several instances.
    fn enter(&mut self, path: Path) {
        let _ = path;
    }

    /// The end of what was entered last.
    fn leave(&mut self) {}

    /// A value; `path` leads to a resource, or to a resource instance.
    fn value(&mut self, path: Path, value: Value<'_>);
}

/// A value of a payload that waits to be told its type.
pub(crate) trait Encoded {
    /// The value.
    ///
    /// # Errors
    /// [`Status::BadRequest`] when it is not of this type, [`Status::UnsupportedContentFormat`] when the format can't
    /// carry this type.
    fn value(&self, kind: Type) -> Result<Value<'_>, Status>;
}

/// Receives the values of a payload in their order. `path` leads to a resource or a resource instance.
pub(crate) type Found<'f> = dyn FnMut(Path, &dyn Encoded) -> Result<(), Status> + 'f;

/// `object:instance` as text (LwM2M Core appendix C.2).
fn parse_link(text: &[u8]) -> Result<Value<'static>, Status> {
    let parsed = (|| {
        let at = text.iter().position(|byte| *byte == b':')?;
        let (object, instance) = text.split_at_checked(at)?;
        // 65535 is the null link: it is no id, so it cannot go through the id parser.
        let part = |digits: &[u8]| u16::try_from(crate::text::parse_unsigned(digits)?).ok();
        let link = crate::model::ObjectLink { object: part(object)?, instance: part(instance.get(1..)?)? };
        Some(Value::ObjectLink(link))
    })();
    parsed.ok_or(Status::BadRequest)
}

/// `object:instance` as text.
fn link_text(link: crate::model::ObjectLink, room: &mut [u8; 11]) -> &str {
    let mut out = crate::output::Output::new(room, 0);
    crate::text::write_unsigned(link.object.into(), &mut out);
    out.byte(b':');
    crate::text::write_unsigned(link.instance.into(), &mut out);
    let length = out.length().unwrap_or(0);
    room.get(..length).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default()
}
