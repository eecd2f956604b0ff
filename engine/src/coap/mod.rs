//! CoAP messages as bytes (RFC 7252 section 3): checked views to read, a writer to write. No state, no time.

mod block;
mod code;
mod message;
mod option;
mod writer;

pub use block::Block;
pub use code::Code;
pub use message::{Kind, Message, ParseError, Token};
pub use option::{CoapOption, Options, is_critical, number};
pub use writer::Writer;

const VERSION: u8 = 1;
const PAYLOAD_MARKER: u8 = 0xff;
