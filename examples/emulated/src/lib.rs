//! What firmware shares that runs in an emulator: semihosting, and the demo device on an Ethernet of the emulator.

#![no_std]

#[cfg(feature = "embassy")]
pub mod device;
pub mod semihosting;
