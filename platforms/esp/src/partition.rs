//! The partition table of ESP-IDF's bootloader: where in the flash is what.

use embedded_storage::nor_flash::ReadNorFlash;

/// Where the table is, unless the bootloader was built otherwise.
pub const PARTITION_TABLE: u32 = 0x8000;

/// The longest table.
const LENGTH: u32 = 0xc00;
const ENTRY: usize = 32;
const MAGIC: [u8; 2] = [0xaa, 0x50];
/// The flag of a partition whose content the flash encryption hides.
const ENCRYPTED: u32 = 1;

/// A part of the flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Where it begins, in bytes.
    pub offset: u32,
    /// Its length in bytes.
    pub length: u32,
    /// Flash encryption covers it: it is read and written through the encrypted access of the flash only.
    pub encrypted: bool,
}

/// Why there is no partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionError {
    /// The table has none with this label.
    NotFound,
    /// There is no table at this place.
    NoTable,
    /// The flash can't be read.
    Flash,
}

impl PartitionError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => {
                "the partition table has no partition with this label: add it and flash the table"
            }
            Self::NoTable => "there is no partition table: flash one, or check its offset",
            Self::Flash => "the flash can't be read: check its driver",
        }
    }
}

impl core::fmt::Display for PartitionError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for PartitionError {}

/// Aligned, because drivers copy buffers that are not.
#[repr(C, align(4))]
struct Entry([u8; ENTRY]);

/// Looks for a partition in the table at `table`, which is [`PARTITION_TABLE`] as a rule.
///
/// # Errors
/// [`PartitionError`]
pub fn find_partition(
    flash: &mut impl ReadNorFlash,
    table: u32,
    label: &str,
) -> Result<Partition, PartitionError> {
    let mut entry = Entry([0; ENTRY]);
    for at in (0..LENGTH).step_by(ENTRY) {
        flash.read(table + at, &mut entry.0).map_err(|_| PartitionError::Flash)?;
        // Behind the last entry is a digest with another magic number, or erased flash.
        if !entry.0.starts_with(&MAGIC) {
            return Err(if at == 0 { PartitionError::NoTable } else { PartitionError::NotFound });
        }
        let name = entry.0.get(12..28).unwrap_or_default();
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        if name.get(..end) == Some(label.as_bytes()) {
            let encrypted = number(&entry, 28) & ENCRYPTED != 0;
            return Ok(Partition { offset: number(&entry, 4), length: number(&entry, 8), encrypted });
        }
    }
    Err(PartitionError::NotFound)
}

fn number(entry: &Entry, at: usize) -> u32 {
    entry.0.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_storage::nor_flash::{ErrorType, NorFlashErrorKind, check_read};
    use std::vec::Vec;

    struct Flash(Vec<u8>);

    impl ErrorType for Flash {
        type Error = NorFlashErrorKind;
    }

    impl ReadNorFlash for Flash {
        const READ_SIZE: usize = 4;

        fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
            check_read(self, offset, bytes.len())?;
            bytes.copy_from_slice(&self.0[offset as usize..][..bytes.len()]);
            Ok(())
        }

        fn capacity(&self) -> usize {
            self.0.len()
        }
    }

    /// The table of `examples/esp32c3/partitions.csv`, made by esp-idf-defs 0.1.7.
    fn flash() -> Flash {
        let mut bytes = std::vec![0xff; 0x9000];
        let table = include_bytes!("partitions.bin");
        bytes[0x8000..][..table.len()].copy_from_slice(table);
        Flash(bytes)
    }

    #[test]
    fn partitions_are_found_by_their_label() {
        let found = |label| find_partition(&mut flash(), PARTITION_TABLE, label);
        let coracle = Partition { offset: 0x9000, length: 0x4000, encrypted: false };
        assert_eq!(found("coracle"), Ok(coracle));
        assert_eq!(found("phy_init"), Ok(Partition { offset: 0xf000, length: 0x1000, encrypted: false }));
        assert_eq!(found("coracl"), Err(PartitionError::NotFound));
        assert_eq!(found(""), Err(PartitionError::NotFound));
    }

    #[test]
    fn without_a_table_there_is_nothing() {
        let find = |flash: &mut Flash, table| find_partition(flash, table, "coracle");
        assert_eq!(find(&mut flash(), 0x7000), Err(PartitionError::NoTable));
        assert_eq!(find(&mut Flash(std::vec![0xff; 64]), 0x8000), Err(PartitionError::Flash));
        let mut encrypted = flash();
        encrypted.0[0x8000 + 28] |= 1;
        assert!(find(&mut encrypted, 0x8000).unwrap().encrypted);
    }
}
