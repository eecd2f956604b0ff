//! A Lightweight M2M (LwM2M) client for devices with kilobytes of memory: `no_std`, no heap, every buffer and table sized
//! by `config.toml` at build time.
//!
//! # A device in one page
//!
//! Objects are structs. Their setters mark changes, so no observer can be forgotten:
//!
//! ```
//! use coracle::model::{Arguments, Changes, Status, Text};
//!
//! #[derive(coracle::Object)]
//! #[lwm2m(id = 33001, version = "1.0", execute(2 = open))]
//! pub struct Valve {
//!     #[lwm2m(id = 0, ops = "R")]
//!     position: u8,
//!     #[lwm2m(id = 1, ops = "RW")]
//!     label: Text<16>,
//!     changes: Changes,
//! }
//!
//! impl Valve {
//!     fn open(&mut self, arguments: Arguments<'_>) -> Result<(), Status> {
//!         if !arguments.is_empty() {
//!             return Err(Status::BadRequest);
//!         }
//!         self.set_position(100); // written by the macro: marks /33001/0/0 as changed
//!         Ok(())
//!     }
//! }
//!
//! #[derive(coracle::Objects)]
//! pub struct Things {
//!     pub valve: Valve,
//! }
//!
//! // Sizes come from config.toml; the memory is all zeros and lies in .bss.
//! static MEMORY: static_cell::ConstStaticCell<coracle::Memory<coracle::DefaultProfile>> =
//!     static_cell::ConstStaticCell::new(coracle::Memory::EMPTY);
//!
//! // Random numbers for all keys: here of the operating system, on a chip of its generator.
//! struct Generator;
//!
//! impl coracle::platform::Entropy for Generator {
//!     fn fill(&mut self, bytes: &mut [u8]) -> Result<(), coracle::platform::EntropyError> {
//!         let mut source = std::fs::File::open("/dev/urandom").map_err(|_| coracle::platform::EntropyError)?;
//!         std::io::Read::read_exact(&mut source, bytes).map_err(|_| coracle::platform::EntropyError)
//!     }
//! }
//!
//! let things = Things { valve: Valve { position: 0, label: Text::new(), changes: Changes::NONE } };
//! let memory = MEMORY.take();
//! let mut client = coracle::Client::new(&mut memory.client, "urn:dev:os:32473-42", things, &mut Generator)?;
//! let server = client.add_server(&coracle::ServerSettings {
//!     uri: "coap://leshan.example:5683",
//!     short_server_id: 1,
//!     lifetime_s: 300,
//!     store_notifications: true,
//!     credentials: coracle::Credentials::NONE,
//! })?;
//! let now = coracle::Instant::from_millis(0);
//! client.register(now, server);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # DTLS
//!
//! A server with a `coaps://` URI and [`Credentials`] is talked to over DTLS; nothing else changes. `dtls.suites` of
//! `config.toml` says which ciphers are linked.
//!
//! ```
//! let server = coracle::ServerSettings {
//!     uri: "coaps://leshan.example:5684",
//!     short_server_id: 1,
//!     lifetime_s: 300,
//!     store_notifications: true,
//!     credentials: coracle::Credentials::psk(b"device-42", &[0x5A; 16]), // 16 random bytes, of this device alone
//! };
//! ```
//!
//! These [`Credentials`] are the ones of object 0, with its [`CertificateUsage`] and [`MatchingType`]. Those of [`crypto`],
//! which have the same names, are for DTLS without LwM2M. `docs/DTLS.md` of the repository has the suites, keys and
//! certificates, what happens when a handshake fails, deep sleep, and secure elements.
//!
//! # Driving it
//!
//! [`Client`] does no I/O. [`driver::blocking`] turns it into a main loop over any [`platform::Network`] (`coracle-posix` has
//! one); [`driver::asynchronous`] does the same for `embedded-nal-async` and `embassy-time`. Both are loops without
//! protocol in them: an application with a loop of its own calls the client directly.

#![no_std]

#[cfg(test)]
extern crate std;

// What the macros write has to find this crate from inside as well.
extern crate self as coracle;

mod budget;
mod client;
mod credentials;
pub mod driver;
mod event;
pub mod platform;
mod profile;
mod session;
mod sleep;
mod uri;

pub use budget::{TABLE_NAMES, TABLES, assert_within_budget, ram_by_table};
pub use client::{AddServerError, Client, Connect, NewError, Transmit};
/// DTLS without LwM2M and drivers.
pub use coracle_crypto as crypto;
/// The protocol without DTLS and drivers.
pub use coracle_engine as engine;
pub use coracle_engine::account::{
    Binding, CertificateUsage, Credentials, MatchingType, SecurityMode, Server, ServerSettings,
};
/// Paths, values and the traits of objects.
pub use coracle_engine::model;
pub use coracle_engine::{Counters, Duration, Failure, Instant, RegistrationState, ServerIndex};
/// Standard objects.
pub use coracle_objects as objects;
pub use coracle_objects_derive::{Object, Objects};
pub use default_profile::Profile as DefaultProfile;
pub use event::{Event, SessionEvent};
pub use profile::{Buffers, ClientMemory, Memory, Peer, Profile};
pub use session::{Random, Session};
pub use sleep::{RestoreError, SaveError};
pub use uri::{InvalidUri, Uri};

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// And so do those of the page on DTLS.
#[cfg(doctest)]
#[doc = include_str!("../docs/DTLS.md")]
struct Dtls;

/// The profile of this crate's own `config.toml`, for first steps, tests and benches.
#[allow(missing_docs)]
mod default_profile {
    include!(concat!(env!("OUT_DIR"), "/profile.rs"));
}

/// Brings the profile that `coracle_config::profile("config.toml")` wrote in the build script into the crate, as `mod profile`:
/// [`Profile`] is `profile::Profile`, objects of `[object.N]` tables are beside it.
#[macro_export]
macro_rules! include_profile {
    () => {
        /// Generated from config.toml.
        #[allow(missing_docs, dead_code, unreachable_pub, clippy::unreadable_literal)]
        mod profile {
            include!(concat!(env!("OUT_DIR"), "/profile.rs"));
        }
    };
}
