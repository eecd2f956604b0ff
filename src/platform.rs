//! What a platform has to give: the traits that `platforms/*` implement.

use coracle_engine::{Instant, ServerIndex};

mod storage;

use crate::Uri;

pub use storage::{Key, Storage, StorageError};

/// A source of random numbers that nobody can guess: a hardware generator, or an operating system that has one.
///
/// What it gives must be fit for keys: full entropy, independent of anything an attacker can see, control or repeat.
/// The time, the address, a serial number, a fixed seed, noise of an unspecified analogue input are not. Message ids,
/// tokens, jitter and all secrets of DTLS follow from it: with a source that can be guessed there is no security at all.
/// A platform that has none cannot implement this trait honestly; for emulators and tests there is
/// `PredictableEntropy`, behind the feature `predictable-entropy`.
pub trait Entropy {
    /// Fills `bytes`, or fails as a whole. It is asked for 56 bytes when the client is made.
    ///
    /// # Errors
    /// When there are no random numbers (yet).
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The source has no random numbers to give: not ready, or broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntropyError;

impl EntropyError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        "the random number generator failed: check the entropy source of the platform"
    }
}

impl core::fmt::Display for EntropyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for EntropyError {}

/// No entropy at all: the same numbers for the same seed, for emulators and tests that have to be repeated.
///
/// Whoever knows or guesses the seed knows all keys.
#[cfg(any(test, feature = "predictable-entropy"))]
#[derive(Debug)]
pub struct PredictableEntropy(u64);

#[cfg(any(test, feature = "predictable-entropy"))]
impl PredictableEntropy {
    /// Numbers that follow from `seed`.
    pub const fn from_seed(seed: u64) -> Self {
        Self(seed)
    }
}

#[cfg(any(test, feature = "predictable-entropy"))]
impl Entropy for PredictableEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        for byte in bytes {
            // SplitMix64
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed ^ (mixed >> 31)) as u8;
        }
        Ok(())
    }
}

/// How an attempt to open a way to a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Datagrams can be sent.
    Open,
    /// The name is still being looked up; [`Network::poll_connection`] tells the end.
    Pending,
    /// The name has no address, or there is no socket.
    Failed,
}

/// The local port of a server when the servers have ports in a row from `first` on; 0 lets the system choose. `None` beyond the
/// last port that there is.
pub const fn local_port(first: u16, server: ServerIndex) -> Option<u16> {
    if first == 0 { Some(0) } else { first.checked_add(server.0 as u16) }
}

/// Datagrams to and from servers, and the clock, for [`driver::blocking`](crate::driver::blocking).
///
/// Only [`Network::wait`] may take time. Name look-ups that would are done aside ([`Connection::Pending`]).
pub trait Network {
    /// Opens a way to a server, replacing the one before: look up the name, open a socket.
    fn connect(&mut self, server: ServerIndex, uri: Uri<'_>) -> Connection;

    /// A look-up that was pending and has ended.
    fn poll_connection(&mut self) -> Option<(ServerIndex, Connection)> {
        None
    }

    /// Sends a datagram. A failure is treated as if the datagram had been lost on the way.
    fn send(&mut self, server: ServerIndex, datagram: &[u8]);

    /// Takes a datagram that has come in, without waiting for one; its length. Datagrams from strangers, and those that do
    /// not fit the buffer, are dropped here.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(ServerIndex, usize)>;

    /// Waits until a datagram may be there, a look-up may have ended, the application has something to do, or the time has
    /// come; `None` waits without limit.
    fn wait(&mut self, until: Option<Instant>);

    /// The time. It must not run backwards.
    fn now(&self) -> Instant;
}
