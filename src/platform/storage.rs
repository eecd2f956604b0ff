//! Values that outlive a loss of power.

use coracle_engine::ServerIndex;

/// Under which number a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u16);

impl Key {
    const SERVER: u16 = 0x8000;
    const REGISTRATION: u16 = 0x8100;

    /// A value of the application; numbers from 0x8000 on are the same as those from 0 on.
    pub const fn application(number: u16) -> Self {
        Self(number & 0x7fff)
    }

    /// What the device knows of a server: address and keys.
    pub const fn server(server: ServerIndex) -> Self {
        Self(Self::SERVER | server.0 as u16)
    }

    /// What [`Client::save`](crate::Client::save) wrote.
    pub const fn registration(server: ServerIndex) -> Self {
        Self(Self::REGISTRATION | server.0 as u16)
    }

    /// The number, which never changes its meaning: it may be written to flash or be part of a file's name.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The key that has this [number](Self::number).
    pub const fn from_number(number: u16) -> Self {
        Self(number)
    }
}

/// Why a value was not read, or not stored. After a failure to store one, the old value is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// There is no room for this value beside the others.
    Full,
    /// The buffer is shorter than the value, which has this many bytes.
    BufferTooSmall(usize),
    /// The stored value is damaged: bits have changed on the medium.
    Corrupt,
    /// The medium can't be read or written, or refuses.
    Medium,
}

impl StorageError {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "the storage is full: remove values, or give it a larger part of the medium",
            Self::BufferTooSmall(_) => {
                "the buffer is shorter than the stored value, whose length the error tells: take a longer one"
            }
            Self::Corrupt => "the stored value is damaged: write it anew",
            Self::Medium => "the storage medium can't be read or written: check its range and its driver",
        }
    }
}

impl core::fmt::Display for StorageError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for StorageError {}

/// Values under keys that outlive a loss of power: what servers are known, registrations of a sleeping device, what the
/// application wants to keep.
///
/// A value is replaced as a whole. Whenever the power goes while it is written, it is afterwards either the old one or the
/// new one, and no other value is touched. Once a call has returned, the new value is there to stay.
///
/// Keys of DTLS are among the values. The trait does not encrypt: a medium that others can read needs encryption below it.
pub trait Storage {
    /// Reads a value into `buffer`; the part that it fills, or `None` when there is none.
    ///
    /// # Errors
    /// [`StorageError::BufferTooSmall`], [`StorageError::Corrupt`], [`StorageError::Medium`].
    fn read<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>, StorageError>;

    /// Stores a value, in the place of the one before. Returns when it is on the medium.
    ///
    /// # Errors
    /// [`StorageError::Full`], [`StorageError::Medium`]; the old value is still there.
    fn write(&mut self, key: Key, value: &[u8]) -> Result<(), StorageError>;

    /// Forgets a value, if there is one. It may stay readable to those who take the medium apart.
    ///
    /// # Errors
    /// [`StorageError::Full`], [`StorageError::Medium`]; the old value is still there.
    fn remove(&mut self, key: Key) -> Result<(), StorageError>;
}
