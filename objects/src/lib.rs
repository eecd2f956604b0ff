//! LwM2M objects as typed Rust structs: standard objects with behaviour.
//!
//! Objects of the OMA registry without behaviour are generated from `[object.N]` tables of `config.toml`; others are structs
//! that derive `Object`.

#![no_std]

#[cfg(test)]
extern crate std;

mod device;

pub use device::{Board, Device, DeviceRequest, ErrorCode, Identity};
