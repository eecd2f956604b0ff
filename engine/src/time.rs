//! Time as the caller tells it: milliseconds since an arbitrary start.

use core::ops::{Add, AddAssign, Sub};

/// A point in time, in milliseconds since an arbitrary start (usually boot). It must not run backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

/// A span of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Instant {
    /// The start of the clock.
    pub const ZERO: Self = Self(0);
    /// A point that is never reached.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `millis` milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the start.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// `seconds` seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The span in milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The span in whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        // 16 bits at a time: small cores have no 64-bit division, and would link a kilobyte for it.
        let (mut seconds, mut rest, mut shift) = (0, 0, 64);
        while shift > 0 {
            shift -= 16;
            let part = (rest << 16) | (self.0 >> shift) as u16 as u32;
            seconds = (seconds << 16) | (part / 1000) as u64;
            rest = part % 1000;
        }
        seconds
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at [`Instant::NEVER`].
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Add for Duration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Duration {
    type Output = Self;

    /// Stops at zero.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_stays_never() {
        assert_eq!(Instant::NEVER + Duration::from_secs(1), Instant::NEVER);
        assert_eq!(Duration::from_secs(u64::MAX), Duration::from_millis(u64::MAX));
    }

    #[test]
    fn seconds_are_whole() {
        for bits in 0..64 {
            for millis in [1u64 << bits, (1 << bits) - 1, (1u64 << bits).wrapping_add(999), u64::MAX >> bits]
            {
                assert_eq!(Duration::from_millis(millis).as_secs(), millis / 1000);
            }
        }
    }

    #[test]
    fn since_stops_at_zero() {
        let (a, b) = (Instant::from_millis(5), Instant::from_millis(8));
        assert_eq!(b.since(a), Duration::from_millis(3));
        assert_eq!(a.since(b), Duration::ZERO);
    }
}
