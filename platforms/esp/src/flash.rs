//! The store in the chip's flash.

use coracle_storage::{FlashStore, Layout, LayoutError};
use esp_storage::FlashStorage;

use crate::{PARTITION_TABLE, PartitionError, find_partition};

/// Why there is no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The partition.
    Partition(PartitionError),
    /// The partition does not do for a store.
    Layout(LayoutError),
    /// The partition is encrypted: make a [`FlashStore`] of its encrypted access (`as_nor_flash_encrypted` of
    /// `esp_bootloader_esp_idf::partitions`).
    Encrypted,
}

impl OpenError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Partition(error) => error.as_str(),
            Self::Layout(error) => error.as_str(),
            Self::Encrypted => "the partition is encrypted: open the store over its encrypted access",
        }
    }
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for OpenError {}

/// Opens the store in the partition with this label; each of its sectors is a bank.
///
/// # Errors
/// [`OpenError`]
pub fn open_store<'d>(
    mut flash: FlashStorage<'d>,
    label: &str,
) -> Result<FlashStore<FlashStorage<'d>>, OpenError> {
    let partition = find_partition(&mut flash, PARTITION_TABLE, label).map_err(OpenError::Partition)?;
    if partition.encrypted {
        return Err(OpenError::Encrypted);
    }
    let layout = Layout::of::<FlashStorage<'d>>(partition.offset, partition.length);
    FlashStore::open(flash, layout).map_err(OpenError::Layout)
}
