//! Which format an answer has, and the one place that names all of them.
//!
//! The conditions are constants of the profile: a format that is not chosen leaves no code.

use super::{Encoder, Found, cbor_value, opaque, senml, senml_cbor, senml_json, text_value, tlv};
use crate::Profile;
use crate::model::{ContentFormat, FormatSet, Object, Path, Status, Type};
use crate::operation::{Step, walk};
use crate::output::Output;

/// What is to be represented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// One value of this type.
    Single(Type),
    /// Anything else.
    Several,
}

impl Target {
    const fn fits(self, format: ContentFormat) -> bool {
        match format {
            ContentFormat::Text | ContentFormat::Cbor => matches!(self, Self::Single(_)),
            ContentFormat::Opaque => matches!(self, Self::Single(Type::Opaque)),
            ContentFormat::SenmlJson | ContentFormat::SenmlCbor | ContentFormat::Tlv => true,
            ContentFormat::LinkFormat => false,
        }
    }
}

/// The format of an answer: the one that the server accepts, or the first of ours that can represent the target.
///
/// # Errors
/// [`Status::NotAcceptable`] when it is not linked or can't represent the target.
pub(crate) fn choose(
    accept: Option<u16>,
    target: Target,
    formats: FormatSet,
) -> Result<ContentFormat, Status> {
    let candidate = match accept {
        Some(number) => ContentFormat::from_number(number)
            .filter(|format| formats.contains(*format) && target.fits(*format)),
        None => formats.formats().iter().copied().find(|format| target.fits(*format)),
    };
    candidate.ok_or(Status::NotAcceptable)
}

fn feed(object: &dyn Object, path: Path, encoder: &mut dyn Encoder) -> Result<(), Status> {
    walk(object, path, &mut |step| {
        match step {
            Step::Enter(path) => encoder.enter(path),
            Step::Leave => encoder.leave(),
            Step::Value { path, instance } => {
                instance.read_at(path, &mut |value| encoder.value(path, value))?;
            }
        }
        Ok(())
    })
}

/// Writes what can be read at and below `path`.
///
/// # Errors
/// The status of the first value that could not be read or represented.
pub(crate) fn encode<P: Profile>(
    format: ContentFormat,
    object: &dyn Object,
    path: Path,
    out: &mut Output<'_>,
) -> Result<(), Status> {
    match format {
        ContentFormat::Text if const { P::FORMATS.contains(ContentFormat::Text) } => {
            feed(object, path, &mut text_value::TextEncoder(out))
        }
        ContentFormat::Opaque if const { P::FORMATS.contains(ContentFormat::Opaque) } => {
            feed(object, path, &mut opaque::OpaqueEncoder(out))
        }
        ContentFormat::Cbor if const { P::FORMATS.contains(ContentFormat::Cbor) } => {
            feed(object, path, &mut cbor_value::CborEncoder(out))
        }
        ContentFormat::SenmlJson if const { P::FORMATS.contains(ContentFormat::SenmlJson) } => {
            let mut encoder = senml_json::SenmlJsonEncoder::new(out, path);
            feed(object, path, &mut encoder)?;
            encoder.finish();
            Ok(())
        }
        ContentFormat::SenmlCbor if const { P::FORMATS.contains(ContentFormat::SenmlCbor) } => {
            let records = senml::count(object, path)?;
            feed(object, path, &mut senml_cbor::SenmlCborEncoder::new(out, path, records))
        }
        ContentFormat::Tlv if const { P::FORMATS.contains(ContentFormat::Tlv) } => {
            feed(object, path, &mut tlv::TlvEncoder::new(out, object))
        }
        _ => Err(Status::NotAcceptable),
    }?;
    out.length().map(drop)
}

/// Reads the values of a payload that was sent to `base`.
///
/// # Errors
/// [`Status::UnsupportedContentFormat`] when the format is not linked or can't carry the target,
/// [`Status::BadRequest`] when the payload is malformed, and whatever `found` answers.
pub(crate) fn decode<P: Profile>(
    number: Option<u16>,
    target: Target,
    base: Path,
    payload: &[u8],
    found: &mut Found<'_>,
) -> Result<(), Status> {
    // Without the option the payload is plain text (LwM2M Core section 7.4).
    let format = ContentFormat::from_number(number.unwrap_or(ContentFormat::Text.number()))
        .filter(|format| target.fits(*format))
        .ok_or(Status::UnsupportedContentFormat)?;
    match format {
        ContentFormat::Text if const { P::FORMATS.contains(ContentFormat::Text) } => {
            text_value::decode(base, payload, found)
        }
        ContentFormat::Opaque if const { P::FORMATS.contains(ContentFormat::Opaque) } => {
            opaque::decode(base, payload, found)
        }
        ContentFormat::Cbor if const { P::FORMATS.contains(ContentFormat::Cbor) } => {
            cbor_value::decode(base, payload, found)
        }
        ContentFormat::SenmlJson if const { P::FORMATS.contains(ContentFormat::SenmlJson) } => {
            senml_json::decode(base, payload, found)
        }
        ContentFormat::SenmlCbor if const { P::FORMATS.contains(ContentFormat::SenmlCbor) } => {
            senml_cbor::decode(base, payload, found)
        }
        ContentFormat::Tlv if const { P::FORMATS.contains(ContentFormat::Tlv) } => {
            tlv::decode(base, payload, found)
        }
        _ => Err(Status::UnsupportedContentFormat),
    }
}

/// The id of the instance that the payload of a Create names; `None` when the client is to choose one.
///
/// # Errors
/// As [`decode`].
pub(crate) fn named_instance<P: Profile>(
    number: Option<u16>,
    object: Path,
    payload: &[u8],
) -> Result<Option<u16>, Status> {
    if number == Some(ContentFormat::Tlv.number()) && const { P::FORMATS.contains(ContentFormat::Tlv) } {
        return tlv::named_instance(payload);
    }
    let mut named = None;
    decode::<P>(number, Target::Several, object, payload, &mut |path, _| {
        named = named.or(path.instance_id());
        Ok(())
    })?;
    Ok(named)
}
