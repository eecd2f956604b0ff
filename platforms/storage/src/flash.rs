//! A store in NOR flash: banks that take turns, and a log of records in the current one.
//!
//! A value is appended behind the others; the last record of a key counts. When the bank is full, what still counts is copied
//! to the next one, together with the new value, and the head of that bank is written last: it makes the bank the current one.
//! In a record the head is written last as well. So there is one write that decides, and before it all is as it was.

mod access;

use coracle::platform::{Key, Storage, StorageError};
use embedded_storage::nor_flash::NorFlash;

use crate::layout::{Layout, LayoutError};
use crate::record::{BANK_HEAD, Head, MAX_LENGTH, RECORD_HEAD, crc, decode_bank, encode_bank};
use access::CHUNK;

/// The bank with the values.
#[derive(Clone, Copy, Debug)]
struct Bank {
    index: u32,
    generation: u32,
    /// Where the next record goes, from the beginning of the bank.
    end: u32,
    /// Something else than erased flash lies there, of a write that was cut: the next value goes to another bank.
    sealed: bool,
}

/// A record that was found.
#[derive(Clone, Copy)]
struct Found {
    at: u32,
    head: Head,
}

/// Values in NOR flash that no loss of power can damage.
///
/// Every word is written once between two erasures, so flash with ECC or encryption serves as well. Needed are two sectors;
/// more of them wear less: with `n` banks of 4096 bytes and a value of 300 bytes each is erased after `13 n` writes.
/// [`FlashStore::erasures`] counts.
///
/// Damage that a loss of power does not explain (bits that changed) is found by CRC-32: of a value it is reported as
/// [`StorageError::Corrupt`]; where it hits a record's head, the records behind it are lost, and older values show up.
///
/// A write takes two writes of the flash, and now and then, when a bank is full, an erasure: some 50 ms on SPI flash, in
/// which the chip may be unable to do anything else.
#[derive(Debug)]
pub struct FlashStore<F> {
    flash: F,
    layout: Layout,
    current: Option<Bank>,
}

const fn round_up(length: u32, to: u32) -> u32 {
    length.div_ceil(to) * to
}

impl<F: NorFlash> FlashStore<F> {
    const WRITE: u32 = {
        assert!(CHUNK.is_multiple_of(F::READ_SIZE), "the flash is read in units of at most 64 bytes");
        assert!(CHUNK.is_multiple_of(F::WRITE_SIZE), "the flash is written in units of at most 64 bytes");
        assert!(F::ERASE_SIZE.is_multiple_of(CHUNK), "the flash is erased in units of 64 bytes or more");
        F::WRITE_SIZE as u32
    };
    const BANK_HEAD: u32 = round_up(BANK_HEAD as u32, Self::WRITE);
    const RECORD_HEAD: u32 = round_up(RECORD_HEAD as u32, Self::WRITE);

    /// Finds the values in the flash, or that there are none yet. Writes nothing.
    ///
    /// # Errors
    /// [`LayoutError`]
    pub fn open(flash: F, layout: Layout) -> Result<Self, LayoutError> {
        let erase = F::ERASE_SIZE as u32;
        if !layout.offset.is_multiple_of(erase) || !layout.bank_len.is_multiple_of(erase) {
            return Err(LayoutError::NotAligned);
        }
        if layout.banks < 2 || layout.bank_len == 0 {
            return Err(LayoutError::TooFewBanks);
        }
        let length = layout.bank_len.checked_mul(layout.banks);
        let end = length.and_then(|length| layout.offset.checked_add(length));
        if end.is_none_or(|end| end as usize > flash.capacity()) {
            return Err(LayoutError::OutOfBounds);
        }
        let mut store = Self { flash, layout, current: None };
        store.mount().map_err(|_| LayoutError::Medium)?;
        Ok(store)
    }

    /// Bytes of a bank that a value of this length takes. [`Layout::bank_len`] less 16, or the flash's `WRITE_SIZE` if that
    /// is more, is what all values have together.
    pub const fn space(length: usize) -> u32 {
        Self::RECORD_HEAD + round_up(length as u32, Self::WRITE)
    }

    /// How often a bank was erased for a new one in the life of this store: divided by [`Layout::banks`], the erase cycles of
    /// each sector. Flash chips are specified for 10,000 to 100,000.
    pub fn erasures(&self) -> u32 {
        self.current.map_or(0, |bank| bank.generation)
    }

    /// Erases what replaced and removed values have left behind: before a device changes hands, for instance.
    ///
    /// # Errors
    /// [`StorageError::Medium`]; the values are still there.
    pub fn erase_history(&mut self) -> Result<(), StorageError> {
        self.compact(None)?;
        self.erase_others()
    }

    /// Erases all banks but the current one.
    fn erase_others(&mut self) -> Result<(), StorageError> {
        let current = self.current.map_or(0, |bank| bank.index);
        (0..self.layout.banks).filter(|index| *index != current).try_for_each(|index| self.erase(index))
    }

    /// Erases all values, and what replaced and removed ones have left behind.
    ///
    /// # Errors
    /// [`StorageError::Medium`]; some or all values may still be there.
    pub fn erase_all(&mut self) -> Result<(), StorageError> {
        // What still counts is the last to go, and alone in its bank then: a loss of power in between must not bring back what
        // was replaced before, such as a session that has used its record numbers since.
        let mut result = self.erase_history().or_else(|_| self.erase_others());
        if result.is_ok() {
            result = self.erase(self.current.map_or(0, |bank| bank.index));
        }
        self.mount().and(result)
    }

    /// Ends the store and gives the flash back.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Looks for the bank of the last generation that was completed. When the flash can't be read it is still the one from
    /// before, in which nothing is written any more: values that are there must not be taken for none.
    fn mount(&mut self) -> Result<(), StorageError> {
        let found = self.find_current();
        self.current = match found {
            Ok(current) => current,
            Err(_) => self.current.map(|bank| Bank { sealed: true, ..bank }),
        };
        found.map(|_| ())
    }

    fn find_current(&mut self) -> Result<Option<Bank>, StorageError> {
        let mut current: Option<Bank> = None;
        for index in 0..self.layout.banks {
            let mut head = [0; BANK_HEAD];
            self.read_at(index, 0, &mut head)?;
            let Some(generation) = decode_bank(&head) else { continue };
            if current.is_none_or(|bank| bank.generation < generation) {
                current = Some(Bank { index, generation, end: Self::BANK_HEAD, sealed: true });
            }
        }
        if let Some(bank) = &mut current {
            while let Some(found) = self.record(bank.index, bank.end)? {
                bank.end = Self::behind(found);
            }
            bank.sealed = !self.is_blank(bank.index, bank.end)?;
        }
        Ok(current)
    }

    const fn behind(found: Found) -> u32 {
        found.at
            + Self::space(match found.head.value {
                Some((length, _)) => length as usize,
                None => 0,
            })
    }

    /// The record that begins here, if one does.
    fn record(&mut self, bank: u32, at: u32) -> Result<Option<Found>, StorageError> {
        if at + Self::RECORD_HEAD > self.layout.bank_len {
            return Ok(None);
        }
        let mut head = [0; RECORD_HEAD];
        self.read_at(bank, at, &mut head)?;
        let found = Head::decode(&head).map(|head| Found { at, head });
        Ok(found.filter(|found| Self::behind(*found) <= self.layout.bank_len))
    }

    /// The record of a bank that counts for a key.
    fn find(&mut self, bank: Bank, key: Key) -> Result<Option<Found>, StorageError> {
        let (mut at, mut last) = (Self::BANK_HEAD, None);
        while at < bank.end {
            let Some(found) = self.record(bank.index, at)? else { break };
            if found.head.key == key {
                last = Some(found);
            }
            at = Self::behind(found);
        }
        Ok(last.filter(|found| found.head.value.is_some()))
    }

    /// Whether the value that is stored is this one already.
    fn holds(&mut self, bank: Bank, found: Found, value: &[u8]) -> Result<bool, StorageError> {
        if found.head != Head::new(found.head.key, Some(value)) {
            return Ok(false);
        }
        let mut at = found.at + Self::RECORD_HEAD;
        for part in value.chunks(CHUNK) {
            let mut stored = [0; CHUNK];
            let stored = stored.get_mut(..part.len()).ok_or(StorageError::Medium)?;
            self.read_at(bank.index, at, stored)?;
            if stored != part {
                return Ok(false);
            }
            at += part.len() as u32;
        }
        Ok(true)
    }

    /// Makes a key have this value, or none.
    fn replace(&mut self, key: Key, value: Option<&[u8]>) -> Result<(), StorageError> {
        if value.is_some_and(|value| value.len() > MAX_LENGTH) {
            return Err(StorageError::Full);
        }
        if let Some(bank) = self.current {
            match (self.find(bank, key)?, value) {
                (None, None) => return Ok(()),
                (Some(found), Some(value)) if self.holds(bank, found, value)? => return Ok(()),
                _ => {}
            }
            let end = bank.end + Self::space(value.map_or(0, <[u8]>::len));
            if !bank.sealed && end <= self.layout.bank_len {
                if self.append(bank.index, bank.end, key, value).is_ok() {
                    self.current = Some(Bank { end, ..bank });
                    return Ok(());
                }
                // A word that looks erased and can't be written any more: of a write that was cut, or worn out. What lies
                // behind it is lost, so the value goes to another bank with all others.
                self.mount()?;
            }
        } else if value.is_none() {
            return Ok(());
        }
        self.compact(Some((key, value)))
    }

    /// Writes a record; its head, which makes it count, last.
    fn append(&mut self, bank: u32, at: u32, key: Key, value: Option<&[u8]>) -> Result<(), StorageError> {
        self.program(bank, at + Self::RECORD_HEAD, value.unwrap_or_default())?;
        self.program(bank, at, &Head::new(key, value).encode())
    }

    /// Goes on in the next bank, with all that counts and a new value of one key.
    fn compact(&mut self, change: Option<(Key, Option<&[u8]>)>) -> Result<(), StorageError> {
        // Once to see whether all fits, before anything is erased.
        if self.copy_all(None, change)? > self.layout.bank_len {
            return Err(StorageError::Full);
        }
        let first = self.current.map_or(0, |bank| bank.index + 1);
        // A bank that is worn out is passed over. The current one holds all that there is.
        let banks = self.layout.banks;
        let others = banks - u32::from(self.current.is_some());
        let mut result = Err(StorageError::Medium);
        for step in 0..others {
            result = self.move_to((first + step) % banks, change);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn move_to(&mut self, target: u32, change: Option<(Key, Option<&[u8]>)>) -> Result<(), StorageError> {
        self.erase(target)?;
        let end = self.copy_all(Some(target), change)?;
        let generation = self.erasures().saturating_add(1);
        if self.program(target, 0, &encode_bank(generation)).is_err() {
            // It may be there all the same. If that can't be seen now, it must not be seen later, beside the next bank of this
            // generation.
            let _ = self.mount();
            if self.current.is_none_or(|bank| bank.index != target) {
                self.erase(target)?;
            }
            return Err(StorageError::Medium);
        }
        self.current = Some(Bank { index: target, generation, end, sealed: false });
        Ok(())
    }

    /// Copies what counts to another bank, or only counts its bytes; where it ends there.
    fn copy_all(
        &mut self,
        target: Option<u32>,
        change: Option<(Key, Option<&[u8]>)>,
    ) -> Result<u32, StorageError> {
        let mut to = Self::BANK_HEAD;
        if let Some(bank) = self.current {
            let mut at = Self::BANK_HEAD;
            while at < bank.end {
                let Some(found) = self.record(bank.index, at)? else { break };
                at = Self::behind(found);
                let key = found.head.key;
                let changed = change.is_some_and(|(changed, _)| changed == key);
                if changed || self.find(bank, key)?.is_none_or(|last| last.at != found.at) {
                    continue;
                }
                if let Some(target) = target {
                    self.copy(bank, found, target, to)?;
                }
                to += Self::space(found.head.length());
            }
        }
        if let Some((key, value @ Some(bytes))) = change {
            if let Some(target) = target {
                self.append(target, to, key, value)?;
            }
            to += Self::space(bytes.len());
        }
        Ok(to)
    }

    /// Copies a record as it is, with its CRC: damage stays visible.
    fn copy(&mut self, bank: Bank, found: Found, target: u32, to: u32) -> Result<(), StorageError> {
        let (from, to) = (found.at + Self::RECORD_HEAD, to);
        let length = found.head.length();
        for done in (0..length).step_by(CHUNK) {
            let mut part = [0; CHUNK];
            let part = part.get_mut(..CHUNK.min(length - done)).ok_or(StorageError::Medium)?;
            self.read_at(bank.index, from + done as u32, part)?;
            self.program(target, to + Self::RECORD_HEAD + done as u32, part)?;
        }
        self.program(target, to, &found.head.encode())
    }
}

impl<F: NorFlash> Storage for FlashStore<F> {
    fn read<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>, StorageError> {
        let Some(bank) = self.current else { return Ok(None) };
        let Some(found) = self.find(bank, key)? else { return Ok(None) };
        let length = found.head.length();
        let value = buffer.get_mut(..length).ok_or(StorageError::BufferTooSmall(length))?;
        self.read_at(bank.index, found.at + Self::RECORD_HEAD, value)?;
        match found.head.value {
            Some((_, sum)) if sum == crc(value) => Ok(Some(value)),
            _ => Err(StorageError::Corrupt),
        }
    }

    fn write(&mut self, key: Key, value: &[u8]) -> Result<(), StorageError> {
        self.replace(key, Some(value))
    }

    fn remove(&mut self, key: Key) -> Result<(), StorageError> {
        self.replace(key, None)
    }
}
