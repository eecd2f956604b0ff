//! The replay window (RFC 6347 section 4.1.2.6): checked before a record is authenticated, moved only after.

use crate::profile::Words;

/// Which of the latest records were received.
#[derive(Clone, Copy)]
pub(crate) struct ReplayWindow<W> {
    /// The highest number received; the lowest bit of the first word stands for it.
    highest: u64,
    seen: W,
}

impl<W: Words> ReplayWindow<W> {
    /// Nothing received: all zero bytes.
    pub(crate) const EMPTY: Self = Self { highest: 0, seen: W::EMPTY };

    /// The window of a restored session: nothing up to `highest` is accepted but what `seen` leaves open.
    pub(crate) fn restored(highest: u64, mut words: impl Iterator<Item = u32>) -> Self {
        let mut seen = W::EMPTY;
        seen.words_mut().iter_mut().for_each(|word| *word = words.next().unwrap_or(!0));
        Self { highest, seen }
    }

    /// The highest number received, and the words of the window.
    pub(crate) fn parts(&self) -> (u64, &[u32]) {
        (self.highest, self.seen.words())
    }

    fn is_empty(&self) -> bool {
        self.seen.words().iter().all(|word| *word == 0)
    }

    /// Whether the record with this number was not seen, and is not too old to tell.
    pub(crate) fn is_fresh(&self, number: u64) -> bool {
        if number > self.highest || self.is_empty() {
            return true;
        }
        let age = self.highest - number;
        let word = self.seen.words().get((age / 32) as usize);
        word.is_some_and(|word| word & (1 << (age % 32)) == 0)
    }

    /// Whether the record is newer than all before it.
    pub(crate) fn is_newest(&self, number: u64) -> bool {
        number > self.highest || self.is_empty()
    }

    /// Marks an authentic record as seen.
    pub(crate) fn mark(&mut self, number: u64) {
        if self.is_newest(number) {
            self.shift(number.saturating_sub(self.highest));
            self.highest = number;
        }
        let age = self.highest - number;
        if let Some(word) = self.seen.words_mut().get_mut((age / 32) as usize) {
            *word |= 1 << (age % 32);
        }
    }

    /// Makes everything `by` records older.
    fn shift(&mut self, by: u64) {
        let words = self.seen.words_mut();
        let whole = usize::try_from(by / 32).unwrap_or(usize::MAX).min(words.len());
        words.rotate_right(whole);
        words.iter_mut().take(whole).for_each(|word| *word = 0);
        let part = by % 32;
        let mut carry = 0;
        for word in words {
            let shifted = u64::from(*word) << part | carry;
            *word = shifted as u32;
            carry = shifted >> 32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn agrees_with_a_plain_set() {
        let mut window = ReplayWindow::<[u32; 2]>::EMPTY;
        let mut seen = BTreeSet::new();
        let mut highest = 0_u64;
        let mut state = 1_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let jump = if state >> 60 == 0 { 200 } else { 5 };
            let number = (highest + (state >> 33) % jump).saturating_sub((state >> 40) % 80);
            let fresh = !seen.contains(&number) && number + 64 > highest;
            assert_eq!(window.is_fresh(number), fresh, "{number} with {highest} highest");
            if fresh {
                window.mark(number);
                seen.insert(number);
                highest = highest.max(number);
                assert!(!window.is_fresh(number));
            }
        }
    }

    #[test]
    fn the_first_record_may_have_any_number() {
        let mut window = ReplayWindow::<[u32; 2]>::EMPTY;
        assert!(window.is_fresh(0) && window.is_newest(0));
        window.mark(0);
        assert!(!window.is_fresh(0) && window.is_fresh(1));
        let mut window = ReplayWindow::<[u32; 3]>::EMPTY;
        window.mark(1 << 47);
        assert!(window.is_fresh((1 << 47) - 95) && !window.is_fresh((1 << 47) - 96));
    }

    #[test]
    fn a_restored_window_with_fewer_words_refuses_the_rest() {
        let window = ReplayWindow::<[u32; 4]>::restored(200, [1, 0].into_iter());
        assert!(!window.is_fresh(200) && window.is_fresh(199) && window.is_fresh(137));
        assert!(!window.is_fresh(136) && window.is_fresh(201));
    }
}
