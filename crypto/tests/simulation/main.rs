//! Client and server over a bad network in virtual time: thousands of handshakes over seeds.
//!
//! A failing run prints its seed; `CORACLE_SEED=<seed>` runs that one alone.

#![allow(unreachable_pub, reason = "a test program has no outside")]

#[path = "../common/mod.rs"]
mod common;

mod export;
mod network;
mod scenarios;
mod world;
