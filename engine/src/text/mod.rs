//! Numbers, base64 and JSON escapes as text, without `core::fmt` and without tables of powers.

mod base64;
mod big;
mod float;
mod integer;
mod json;

pub(crate) use base64::Alphabet;
pub(crate) use base64::Base64;
pub(crate) use base64::encode as encode_base64;
pub(crate) use float::{
    from_decimal, from_integer, narrow, parse as parse_float, widen, write_double, write_single,
};
pub(crate) use integer::{parse_signed, parse_unsigned, write_signed, write_unsigned};
pub(crate) use json::JsonEscaped;
pub(crate) use json::escape as escape_json;
