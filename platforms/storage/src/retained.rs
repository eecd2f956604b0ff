//! A value in RAM that stays on while the rest of the chip sleeps.

use coracle::platform::StorageError;

use crate::record::crc;

/// Length, its complement, CRC-32 of the value.
const HEAD: usize = 8;

/// A value, such as what [`Client::save`](coracle::Client::save) wrote, in RAM that stays on in deep sleep: RTC memory, backup
/// SRAM. No erase cycles, no waiting; after a loss of power there is no value, and the device registers anew.
///
/// What the memory holds at power-on is arbitrary: it is taken for a value only if a CRC-32 says so.
#[derive(Debug)]
pub struct Retained<'m> {
    memory: &'m mut [u8],
}

impl<'m> Retained<'m> {
    /// Bytes of memory that a value of this length takes.
    pub const fn space(length: usize) -> usize {
        HEAD + length
    }

    /// Uses this memory, whatever it holds.
    pub const fn new(memory: &'m mut [u8]) -> Self {
        Self { memory }
    }

    /// The value, if there is one.
    pub fn load(&self) -> Option<&[u8]> {
        let (head, rest) = self.memory.split_first_chunk::<HEAD>()?;
        let [a, b, not_a, not_b, sum @ ..] = *head;
        let length = u16::from_le_bytes([a, b]);
        let value = rest.get(..usize::from(length))?;
        let intact = u16::from_le_bytes([not_a, not_b]) == !length && u32::from_le_bytes(sum) == crc(value);
        intact.then_some(value)
    }

    /// Stores what `write` puts into the memory, which is as long as a value may be; `write` tells how many bytes of it.
    /// When it fails there is no value any more.
    ///
    /// # Errors
    /// Those of `write`, or `full` when the memory has not even room for an empty value.
    pub fn store_with<E>(
        &mut self,
        full: E,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        let Some((head, rest)) = self.memory.split_first_chunk_mut::<HEAD>() else { return Err(full) };
        // No value as long as this is under way: a reset in between leaves neither the old nor half of a new one.
        *head = [0; HEAD];
        let length = write(rest)?;
        let length16 = u16::try_from(length).ok();
        let (Some(length), Some(value)) = (length16, rest.get(..length)) else { return Err(full) };
        let lengths = u32::from(length) | u32::from(!length) << 16;
        *head = (u64::from(crc(value)) << 32 | u64::from(lengths)).to_le_bytes();
        Ok(())
    }

    /// Stores a value in the place of the one before.
    ///
    /// # Errors
    /// [`StorageError::Full`] when the memory is too small for it; there is no value then.
    pub fn store(&mut self, value: &[u8]) -> Result<(), StorageError> {
        self.store_with(StorageError::Full, |room| {
            room.get_mut(..value.len()).ok_or(StorageError::Full)?.copy_from_slice(value);
            Ok(value.len())
        })
    }

    /// Forgets the value, and overwrites the memory: keys may be in it.
    pub fn clear(&mut self) {
        self.memory.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_until_it_is_cleared() {
        let mut memory = [0xa5; 32];
        assert_eq!(Retained::new(&mut memory).load(), None);
        Retained::new(&mut memory).store(b"state").unwrap();
        assert_eq!(Retained::new(&mut memory).load(), Some(&b"state"[..]));
        Retained::new(&mut memory).store(b"").unwrap();
        assert_eq!(Retained::new(&mut memory).load(), Some(&b""[..]));
        Retained::new(&mut memory).store(&[7; 24]).unwrap();
        let mut retained = Retained::new(&mut memory);
        retained.clear();
        assert_eq!(retained.load(), None);
        assert_eq!(memory, [0; 32]);
    }

    #[test]
    fn what_does_not_fit_leaves_no_value() {
        let mut memory = [0; Retained::space(4)];
        let mut retained = Retained::new(&mut memory);
        retained.store(b"four").unwrap();
        assert_eq!(retained.store(b"fives"), Err(StorageError::Full));
        assert_eq!(retained.load(), None);
        assert_eq!(retained.store_with("full", |room| Ok(room.len() + 1)), Err("full"));
        assert_eq!(retained.store_with("full", |_| Err("busy")), Err("busy"));
        assert_eq!(retained.load(), None);
        assert_eq!(Retained::new(&mut [0; 7]).store(b""), Err(StorageError::Full));
        assert_eq!(Retained::new(&mut [0; 7]).load(), None);
    }

    #[test]
    fn every_wrong_bit_is_seen() {
        let mut memory = [0; Retained::space(5)];
        Retained::new(&mut memory).store(b"state").unwrap();
        for bit in 0..memory.len() * 8 {
            let mut bad = memory;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Retained::new(&mut bad).load(), None, "bit {bit}");
        }
        assert_eq!(Retained::new(&mut [0; 13]).load(), None);
        assert_eq!(Retained::new(&mut [0xff; 13]).load(), None);
    }
}
