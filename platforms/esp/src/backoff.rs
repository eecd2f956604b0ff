//! Growing waits between attempts.

use core::time::Duration;

/// Waits that double, from one second to a minute.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    next_s: u64,
}

impl Backoff {
    const FIRST_S: u64 = 1;
    const LONGEST_S: u64 = 60;

    /// Nothing has failed yet.
    pub const fn new() -> Self {
        Self { next_s: Self::FIRST_S }
    }

    /// The wait before the next attempt.
    pub const fn wait(&mut self) -> Duration {
        let wait = Duration::from_secs(self.next_s);
        self.next_s *= 2;
        if self.next_s > Self::LONGEST_S {
            self.next_s = Self::LONGEST_S;
        }
        wait
    }

    /// An attempt has succeeded.
    pub const fn reset(&mut self) {
        self.next_s = Self::FIRST_S;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute() {
        let mut backoff = Backoff::new();
        let seconds: std::vec::Vec<u64> = (0..9).map(|_| backoff.wait().as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.wait().as_secs(), 1);
    }
}
