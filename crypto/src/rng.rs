//! Random numbers come from the caller.

/// A source of random numbers fit for keys: a hardware generator, or a generator seeded from one.
///
/// The hello random, the ephemeral keys and the connection IDs are drawn from it. A handshake with a weak source
/// has no security at all.
pub trait Rng {
    /// Fills `out` with random bytes, or fails as a whole. After a failure nothing is sent.
    ///
    /// # Errors
    /// When there are no random numbers now.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError>;
}

/// The source has no random numbers to give (yet): not seeded, or broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RngError;

impl RngError {
    /// The fault and its remedy in a sentence.
    pub const fn text(self) -> &'static str {
        "the random number generator failed: check the entropy source"
    }
}

impl core::fmt::Display for RngError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for RngError {}
