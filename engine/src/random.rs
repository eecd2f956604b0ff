//! Jitter, message ids and tokens from a seed, so that a run can be replayed.

/// A small generator (SplitMix64). Not for keys: tokens and jitter only need to be hard to guess off the path.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly from `0..=bound`, good enough for jitter.
    pub(crate) fn up_to(&mut self, bound: u32) -> u32 {
        let wide = (self.next_u64() >> 32) * (u64::from(bound) + 1);
        (wide >> 32) as u32
    }
}

impl core::fmt::Debug for Random {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Random") // the state would tell the next tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_run() {
        let (mut a, mut b) = (Random::new(7), Random::new(7));
        assert!((0..100).all(|_| a.next_u64() == b.next_u64()));
        assert_ne!(Random::new(7).next_u64(), Random::new(8).next_u64());
    }

    #[test]
    fn up_to_stays_inside_and_reaches_both_ends() {
        let mut random = Random::new(1);
        let seen: heapless::Vec<u32, 200> = (0..200).map(|_| random.up_to(3)).collect();
        for value in 0..=3 {
            assert!(seen.contains(&value));
        }
        assert!(seen.iter().all(|v| *v <= 3));
        assert_eq!(random.up_to(0), 0);
    }
}
