//! Other people's programs as test peers: child processes ([`Peer`]), the keys that they share with a device
//! ([`Certificates`]), a network that loses datagrams or changes addresses before them ([`Proxy`]), and those that have to be
//! built first ([`built`]).
//!
//! A program that is not installed is reported, unless `CORACLE_PEERS=required` is set: then the test fails.

pub mod built;
mod certificates;
mod go;
mod network;
mod process;

pub use certificates::{Certificates, Identity};
pub use network::{Proxy, Weather};
pub use process::{Peer, available, folder, free_port, missing};
