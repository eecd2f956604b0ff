//! Attacks on the client by a server (or somebody in between) who does not keep to the protocol.
//!
//! `lines.rs` has the list of what is tried, and the tests of each. The hostile server writes its own bytes: it shares
//! primitives with the client, but no codec.
#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../common/mod.rs"]
mod common;

mod alerts;
mod authority;
mod builder;
mod cbc;
mod certificates;
mod connection_ids;
mod duel;
mod fragments;
mod hello;
mod hostile;
mod key_exchange;
mod limits;
mod lines;
mod names;
mod negotiation;
mod parsing;
mod raw_keys;
mod records;
mod resources;
mod sequences;
mod server_half;
mod sessions;
mod short_hello;
mod state_machine;
mod storage;
