//! Reading and writing bytes of the protocol.

mod copy;
mod reader;
mod sink;

pub(crate) use copy::{Filled, copy};
pub(crate) use reader::{Malformed, Reader};
pub(crate) use sink::Sink;
