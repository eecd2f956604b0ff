//! CoAP and Lightweight M2M without I/O: bytes, time and objects come in as arguments, bytes and events come out.
//!
//! The engine never sleeps, sends or asks for the time. It knows no socket, no task, no heap. Applications use it through
//! the crate `coracle`, which joins it with DTLS and drives it.

#![no_std]

#[cfg(test)]
extern crate std;

pub mod account;
pub mod coap;
mod engine;
mod event;
mod exchange;
mod format;
pub mod model;
mod observe;
mod operation;
mod output;
pub mod profile;
mod random;
mod registration;
mod text;
mod time;

#[cfg(test)]
mod tests;

pub use account::ServerIndex;
pub use engine::{Counters, Engine, NewError, RestoreError, SaveError, Transmit};
pub use event::{Event, Failure};
pub use exchange::{Duplicate, Exchange};
pub use model::Version;
pub use observe::{Attribute, AttributeRecord, Attributes, Observation, Setting};
pub use profile::{Memory, Profile, Slot, Table};
pub use registration::RegistrationState;
pub use time::{Duration, Instant};
