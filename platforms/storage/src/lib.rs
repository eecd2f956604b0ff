//! What a device keeps: values in NOR flash, server settings in any [`Storage`](coracle::platform::Storage), and a saved
//! registration in RAM that stays on during sleep.
//!
//! | type | medium | survives |
//! |---|---|---|
//! | [`FlashStore`] | two or more sectors of any `embedded_storage::nor_flash::NorFlash` | loss of power, at any moment |
//! | [`Retained`] | RAM in an area that is powered in deep sleep | deep sleep, resets |
//!
//! `platforms/posix` has a [`Storage`](coracle::platform::Storage) of files. Nothing here is bound to a chip; nothing
//! allocates, and no call needs more than 200 bytes of stack for its buffers.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod flash;
mod layout;
mod record;
mod retained;
mod server;

pub use flash::FlashStore;
pub use layout::{Layout, LayoutError};
pub use retained::Retained;
pub use server::{ReadServerError, read_server, server_len, write_server};
