//! Eclipse Leshan as a test peer.
//!
//! [`Leshan`] owns a process with an LwM2M server and a bootstrap server on loopback (the Maven project
//! `tests/interop/leshan`). Every wait has an end, and nothing outlives the value.
//!
//! ```no_run
//! use std::time::Duration;
//! use coracle_leshan_peer::{Code, Format, Leshan, Options, Value};
//!
//! # fn main() -> Result<(), coracle_leshan_peer::Error> {
//! if !Leshan::available() {
//!     return Ok(());
//! }
//! let mut server = Leshan::start(Options::default())?;
//! // .. start a device named "ep" that registers at server.coap_uri() ..
//! server.wait_registered("ep", Duration::from_secs(5))?;
//! let answer = server.read("ep", "/3/0/9", Some(Format::SenmlCbor))?;
//! assert_eq!(answer.code, Code::CONTENT);
//! assert_eq!(answer.format(), Some(Format::SenmlCbor));
//! assert_eq!(answer.value("/3/0/9"), Some(&Value::Integer(95)));
//! # Ok(())
//! # }
//! ```

mod answer;
mod bootstrap;
mod command;
mod error;
mod event;
mod format;
pub mod hex;
mod maven;
mod options;
mod process;
mod server;
mod value;

pub use answer::{Answer, Coap, Code, Dtls, Link, Timestamped};
pub use bootstrap::BootstrapStepRequest;
pub use command::{Command, Mode};
pub use error::{Error, Failure};
pub use event::{
    BootstrapStep, CoapTrace, Event, Handshake, Notification, NotifyError, ObservationRef, Presence,
    Registration, Sent, Step, Unregistered,
};
pub use format::Format;
pub use maven::build;
pub use options::{Options, Ports};
pub use server::{Leshan, Ticket};
pub use value::{Node, ObjectLink, Value};
