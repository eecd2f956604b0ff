//! What the specifications ask of a DTLS client for LwM2M, and the tests that prove it.
//!
//! `*.txt` have the requirements, one a line, each with its section and its tests; `table.rs` checks that they are
//! there. The other files are tests for requirements that no other test program has. The server in them writes its own
//! bytes: it is the one of `attacks`.
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../attacks/builder.rs"]
mod builder;
#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "it is also that of the attacks")]
#[path = "../attacks/duel.rs"]
mod duel;
#[allow(dead_code, reason = "it is also that of the attacks")]
#[path = "../attacks/hostile.rs"]
mod hostile;
#[allow(dead_code, reason = "it is also that of the attacks")]
#[path = "../attacks/raw_keys.rs"]
mod raw_keys;

mod client_certificate;
mod flights;
mod handshake;
mod hello;
mod memory;
mod records;
mod table;
