//! Which part of the flash a store has, and why it can't have it.

use embedded_storage::nor_flash::NorFlash;

/// Which part of the flash a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Where it begins, in bytes: a multiple of the flash's `ERASE_SIZE`.
    pub offset: u32,
    /// Bytes of one bank: a multiple of `ERASE_SIZE`. All values together have to fit one bank.
    pub bank_len: u32,
    /// Banks, 2 or more. Erasures are spread evenly over them.
    pub banks: u32,
}

impl Layout {
    /// Divides a part of the flash into banks of one `ERASE_SIZE` each, which wears the flash least.
    pub const fn of<F: NorFlash>(offset: u32, length: u32) -> Self {
        let bank_len = F::ERASE_SIZE as u32;
        Self { offset, bank_len, banks: length / bank_len }
    }
}

/// Why there is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutError {
    /// Offset or length of a bank is not a multiple of the flash's `ERASE_SIZE`.
    NotAligned,
    /// There are fewer than two banks: an old value could not be kept while a new one is written.
    TooFewBanks,
    /// The store would reach beyond the end of the flash.
    OutOfBounds,
    /// The flash can't be read.
    Medium,
}

impl LayoutError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAligned => "offset and bank length must be multiples of the flash's erase size",
            Self::TooFewBanks => "a store needs two banks or more, of one erase size each at least",
            Self::OutOfBounds => "the store reaches beyond the end of the flash",
            Self::Medium => "the flash can't be read: check its driver",
        }
    }
}

impl core::fmt::Display for LayoutError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for LayoutError {}
