//! Whether a random number generator is stuck.

use coracle::platform::EntropyError;

/// Words that are looked at and thrown away before the first one is used (NIST SP 800-90B section 4.3).
pub const START_UP_WORDS: usize = 1024;

/// The same word three times in a row is no accident: once in 2^64.
const LIMIT: u8 = 3;

/// The repetition count test of NIST SP 800-90B section 4.4.1, on words of 32 bits.
///
/// It finds a generator that is dead: not clocked, not powered, or torn out. What a chip gives is whitened, so a weak source
/// of noise behind it looks as good as a strong one and is not found by this or any other test.
#[derive(Clone, Copy, Debug)]
pub struct HealthTest {
    last: u32,
    seen: u8,
}

impl HealthTest {
    /// No word so far.
    pub const fn new() -> Self {
        Self { last: 0, seen: 0 }
    }

    /// Runs the start-up test on a generator.
    ///
    /// # Errors
    /// The generator is stuck.
    pub fn start(next: &mut dyn FnMut() -> u32) -> Result<Self, EntropyError> {
        let mut test = Self::new();
        for _ in 0..START_UP_WORDS {
            test.check(next())?;
        }
        Ok(test)
    }

    /// Looks at the next word.
    ///
    /// # Errors
    /// The generator is stuck: from then on every word is refused.
    pub const fn check(&mut self, word: u32) -> Result<u32, EntropyError> {
        if self.seen >= LIMIT {
            return Err(EntropyError);
        }
        self.seen = if self.seen > 0 && word == self.last { self.seen + 1 } else { 1 };
        self.last = word;
        if self.seen >= LIMIT { Err(EntropyError) } else { Ok(word) }
    }

    /// Fills `bytes` with words that pass.
    ///
    /// # Errors
    /// The generator is stuck; nothing of what is in `bytes` may be used.
    pub fn fill(&mut self, bytes: &mut [u8], next: &mut dyn FnMut() -> u32) -> Result<(), EntropyError> {
        for part in bytes.chunks_mut(4) {
            let word = self.check(next())?.to_le_bytes();
            part.iter_mut().zip(word).for_each(|(byte, random)| *byte = random);
        }
        Ok(())
    }
}

impl Default for HealthTest {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stuck_generator_is_found_and_never_trusted_again() {
        assert!(HealthTest::start(&mut || 0).is_err());
        assert!(HealthTest::start(&mut || u32::MAX).is_err());
        let mut test = HealthTest::new();
        let words = [1, 1, 2, 2, 3, 3];
        assert!(words.into_iter().all(|word| test.check(word) == Ok(word)), "two may be equal");
        assert_eq!(test.check(3), Err(EntropyError));
        assert_eq!(test.check(4), Err(EntropyError));
    }

    #[test]
    fn zero_as_the_first_words_counts_as_well() {
        let mut test = HealthTest::new();
        assert_eq!((test.check(0), test.check(0), test.check(0)), (Ok(0), Ok(0), Err(EntropyError)));
    }

    #[test]
    fn bytes_are_filled_to_the_last_one() {
        let mut word = 0x0403_0201;
        let mut next = || {
            word += 0x0404_0404;
            word - 0x0404_0404
        };
        let mut bytes = [0; 7];
        HealthTest::new().fill(&mut bytes, &mut next).unwrap();
        assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 7]);
        let mut count = 0;
        assert!(
            HealthTest::start(&mut || {
                count += 1;
                count
            })
            .is_ok()
        );
        assert_eq!(count as usize, START_UP_WORDS);
        let mut stuck = || 9;
        assert!(HealthTest::new().fill(&mut [0; 12], &mut stuck).is_err());
    }
}
