//! Bytes of banks: read, written, erased.

use coracle::platform::StorageError;
use embedded_storage::nor_flash::NorFlash;

use super::{FlashStore, round_up};

/// Bytes that are read at once.
pub(super) const CHUNK: usize = 64;

/// Aligned, because drivers copy buffers that are not.
#[repr(C, align(4))]
struct Chunk([u8; CHUNK]);

impl Chunk {
    const fn new() -> Self {
        Self([0xff; CHUNK])
    }
}

impl<F: NorFlash> FlashStore<F> {
    fn start(&self, bank: u32) -> u32 {
        self.layout.offset + bank * self.layout.bank_len
    }

    pub(super) fn erase(&mut self, bank: u32) -> Result<(), StorageError> {
        let start = self.start(bank);
        self.flash.erase(start, start + self.layout.bank_len).map_err(|_| StorageError::Medium)
    }

    /// Reads any part of a bank.
    pub(super) fn read_at(&mut self, bank: u32, mut at: u32, mut out: &mut [u8]) -> Result<(), StorageError> {
        let start = self.start(bank);
        let mut chunk = Chunk::new();
        while !out.is_empty() {
            let inside = at as usize % CHUNK;
            let base = start + at - inside as u32;
            self.flash.read(base, &mut chunk.0).map_err(|_| StorageError::Medium)?;
            let length = out.len().min(CHUNK - inside);
            let (now, later) = out.split_at_mut_checked(length).ok_or(StorageError::Medium)?;
            now.copy_from_slice(chunk.0.get(inside..inside + length).ok_or(StorageError::Medium)?);
            (at, out) = (at + length as u32, later);
        }
        Ok(())
    }

    /// Writes a part of a bank that is erased, and looks whether it is there. `at` is a multiple of `WRITE_SIZE`.
    pub(super) fn program(&mut self, bank: u32, mut at: u32, bytes: &[u8]) -> Result<(), StorageError> {
        let start = self.start(bank);
        for part in bytes.chunks(CHUNK) {
            let mut chunk = Chunk::new();
            chunk.0.get_mut(..part.len()).ok_or(StorageError::Medium)?.copy_from_slice(part);
            let padded = round_up(part.len() as u32, Self::WRITE);
            let words = chunk.0.get(..padded as usize).ok_or(StorageError::Medium)?;
            self.flash.write(start + at, words).map_err(|_| StorageError::Medium)?;
            let mut back = [0; CHUNK];
            let back = back.get_mut(..part.len()).ok_or(StorageError::Medium)?;
            self.read_at(bank, at, back)?;
            if back != part {
                return Err(StorageError::Medium);
            }
            at += padded;
        }
        Ok(())
    }

    /// Whether nothing was written from here to the end of the bank.
    pub(super) fn is_blank(&mut self, bank: u32, mut at: u32) -> Result<bool, StorageError> {
        while at < self.layout.bank_len {
            let mut part = [0; CHUNK];
            let length = CHUNK.min((self.layout.bank_len - at) as usize);
            let part = part.get_mut(..length).ok_or(StorageError::Medium)?;
            self.read_at(bank, at, part)?;
            if part.iter().any(|byte| *byte != 0xff) {
                return Ok(false);
            }
            at += length as u32;
        }
        Ok(true)
    }
}
