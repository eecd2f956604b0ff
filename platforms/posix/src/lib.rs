//! Sockets, clock, entropy and storage of a posix host for Coracle.
//!
//! [`PosixNetwork`] implements [`coracle::platform::Network`]: one UDP socket for each server, name look-ups aside, and one
//! wait for all of them. An application with its own poll or epoll adds [`PosixNetwork::descriptors`] to it. [`FileStorage`]
//! implements [`coracle::platform::Storage`].

mod network;
mod resolver;
mod storage;
mod waker;

use coracle::platform::{Entropy, EntropyError};

pub use network::PosixNetwork;
pub use storage::FileStorage;
pub use waker::Waker;

/// The random source of the operating system, seeded from hardware.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(bytes).map_err(|_| EntropyError)
    }
}
