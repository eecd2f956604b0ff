//! The record layer (RFC 6347 section 4.1): headers, protection, replay.

mod header;
mod layer;
mod protect;
mod window;

#[cfg(test)]
pub(crate) use header::write_plain;
pub(crate) use header::{Header, PLAIN_HEADER, PLAINTEXT_MAX, VERSION, VERSION_1_0, content, epoch_of};
pub(crate) use layer::{ALERT_END, Layer, SEQUENCE_END, SealFault, Side};
#[cfg(feature = "constant-time-check")]
pub(crate) use protect::{Keys, Protection};
pub(crate) use window::ReplayWindow;
