//! Large unsigned integers, on which both directions of float conversion rest: exact, and without floating point
//! arithmetic, which small cores would have to link.

use core::cmp::Ordering;

/// Enough words for every number that the conversion of a 64-bit float meets: 10^345 and twice that, below 2^1184.
const WORDS: usize = 37;

/// An unsigned integer, least significant word first. Bits beyond the last word are lost; no conversion gets there.
pub(super) struct Big {
    words: [u32; WORDS],
    /// Words from here on are zero.
    used: usize,
}

impl Big {
    pub(super) fn new(value: u64) -> Self {
        let mut words = [0; WORDS];
        let [low, high, ..] = &mut words;
        (*low, *high) = (value as u32, (value >> 32) as u32);
        Self { words, used: 2 }
    }

    fn used(&self) -> impl DoubleEndedIterator<Item = &u32> {
        self.words.iter().take(self.used)
    }

    pub(super) fn multiply(&mut self, factor: u32) {
        let mut carry = 0u64;
        for word in self.words.iter_mut().take(self.used) {
            carry += u64::from(*word) * u64::from(factor);
            *word = carry as u32;
            carry >>= 32;
        }
        self.extend(carry as u32);
    }

    fn extend(&mut self, word: u32) {
        if word > 0
            && let Some(slot) = self.words.get_mut(self.used)
        {
            *slot = word;
            self.used += 1;
        }
    }

    /// Multiplies with `2^bits`.
    pub(super) fn shift(&mut self, bits: u32) {
        for _ in 0..bits / 31 {
            self.multiply(1 << 31);
        }
        self.multiply(1 << (bits % 31));
    }

    /// Multiplies with `10^power`.
    pub(super) fn scale(&mut self, power: u32) {
        (0..power).for_each(|_| self.multiply(10));
    }

    /// Subtracts a number that is not larger.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (word, subtrahend) in self.words.iter_mut().zip(&other.words).take(self.used) {
            let (difference, first) = word.overflowing_sub(*subtrahend);
            let (difference, second) = difference.overflowing_sub(u32::from(borrow));
            *word = difference;
            borrow = first || second;
        }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let used = self.used.max(other.used);
        let (left, right) = (self.words.iter().take(used), other.words.iter().take(used));
        left.rev().cmp(right.rev())
    }

    /// Compares `self + addend * factor` with `other`: from the lowest word up, the last difference counts.
    pub(super) fn compare_sum(&self, addend: &Self, factor: u32, other: &Self) -> Ordering {
        let (mut carry, mut order) = (0u64, Ordering::Equal);
        let used = self.used.max(addend.used).max(other.used);
        for ((word, addend), other) in self.words.iter().zip(&addend.words).zip(&other.words).take(used) {
            carry += u64::from(*word) + u64::from(*addend) * u64::from(factor);
            order = (carry as u32).cmp(other).then(order);
            carry >>= 32;
        }
        if carry > 0 { Ordering::Greater } else { order }
    }

    /// The position of the highest set bit, plus one.
    pub(super) fn bits(&self) -> u32 {
        let top = self.used().enumerate().filter(|(_, word)| **word != 0).last();
        top.map_or(0, |(index, word)| index as u32 * 32 + 32 - word.leading_zeros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic() {
        let mut big = Big::new(1);
        big.scale(300);
        assert_eq!(big.bits(), 997);
        let mut other = Big::new(1);
        other.shift(996);
        assert_eq!(big.compare(&other), Ordering::Greater);
        big.subtract(&other);
        let mut again = Big::new(1);
        again.scale(300);
        assert_eq!(big.compare_sum(&other, 1, &again), Ordering::Equal);
        again.subtract(&Big::new(1));
        assert_eq!(big.compare_sum(&other, 1, &again), Ordering::Greater);
        again.subtract(&other);
        assert_eq!(big.compare_sum(&other, 1, &again), Ordering::Greater);
        assert_eq!(again.compare_sum(&other, 1, &big), Ordering::Greater);
        assert_eq!(again.compare_sum(&Big::new(0), 1, &big), Ordering::Less);
        assert_eq!(again.compare_sum(&Big::new(1), 1, &big), Ordering::Equal);
        assert_eq!(again.compare_sum(&Big::new(1), 2, &big), Ordering::Greater);
        big.subtract(&again);
        big.subtract(&Big::new(1));
        assert_eq!(big.compare(&Big::new(0)), Ordering::Equal);
        assert_eq!((big.bits(), Big::new(1 << 63).bits()), (0, 64));
    }
}
