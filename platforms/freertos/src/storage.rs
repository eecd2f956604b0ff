//! What outlives a restart: kept by functions of the firmware, because FreeRTOS has no storage.

use core::ffi::{c_int, c_void};

use coracle::model::Objects;
use coracle::platform::{Key, Storage, StorageError};
use coracle::{Client, Instant, Profile, RestoreError, SaveError, ServerIndex};

/// Copies the value with this number ([`Key::number`]) into `bytes`, which has room for `capacity`.
///
/// The answer is its length, 0 when there is none, negative when the medium failed. When the value is longer than `capacity`
/// nothing is copied.
pub type LoadFunction = unsafe extern "C" fn(key: u16, bytes: *mut c_void, capacity: usize) -> c_int;
/// Replaces the value by `length` bytes, or removes it when there are none; 0, or anything else for an error, after which the
/// old value is still there.
pub type StoreFunction = unsafe extern "C" fn(key: u16, bytes: *const c_void, length: usize) -> c_int;

/// A [`Storage`] behind two C functions: flash, EEPROM, memory that is kept in sleep. An empty value is as none.
///
/// A storage in Rust implements [`Storage`] itself; the crate `coracle-storage` has one over any NOR flash.
#[derive(Clone, Copy, Debug)]
pub struct StorageFunctions {
    load: LoadFunction,
    store: StoreFunction,
}

impl StorageFunctions {
    /// Keeps values with these functions.
    ///
    /// # Safety
    /// They read and write no more bytes than they are told, and do what [`Storage`] says.
    pub const unsafe fn new(load: LoadFunction, store: StoreFunction) -> Self {
        Self { load, store }
    }

    fn replace(&mut self, key: Key, value: &[u8]) -> Result<(), StorageError> {
        // SAFETY: the function was promised to read no more than this.
        let result = unsafe { (self.store)(key.number(), value.as_ptr().cast(), value.len()) };
        if result == 0 { Ok(()) } else { Err(StorageError::Medium) }
    }
}

impl Storage for StorageFunctions {
    fn read<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>, StorageError> {
        // SAFETY: the function was promised to write no more than this.
        let length = unsafe { (self.load)(key.number(), buffer.as_mut_ptr().cast(), buffer.len()) };
        let length = usize::try_from(length).map_err(|_| StorageError::Medium)?;
        let value = buffer.get(..length).ok_or(StorageError::BufferTooSmall(length))?;
        Ok((!value.is_empty()).then_some(value))
    }

    fn write(&mut self, key: Key, value: &[u8]) -> Result<(), StorageError> {
        self.replace(key, value)
    }

    fn remove(&mut self, key: Key) -> Result<(), StorageError> {
        self.replace(key, &[])
    }
}

/// Why a registration was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepError {
    /// The client has nothing that can be saved now.
    Client(SaveError),
    /// The storage.
    Storage(StorageError),
}

/// Why a registration was not taken up again: register anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeUpError {
    /// There is none.
    Empty,
    /// What was kept cannot be used: too old, or of another profile.
    Client(RestoreError),
    /// The storage.
    Storage(StorageError),
}

impl core::fmt::Display for KeepError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Client(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for KeepError {}

impl core::fmt::Display for TakeUpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => f.write_str("no registration was kept"),
            Self::Client(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for TakeUpError {}

/// Keeps the registration with a server before a sleep or a restart: [`Client::save`] into a storage.
///
/// `room` is for the record on its way, [`Client::SAVED_LEN`] bytes, and is cleared afterwards. `reserve` is how many datagrams
/// may still be sent. When it cannot be stored nothing more is sent in the DTLS session, and the next one follows by itself.
///
/// # Errors
/// [`KeepError`]; the storage has no registration then, or the old one.
pub fn keep_registration<P: Profile, O: Objects>(
    client: &mut Client<'_, P, O>,
    now: Instant,
    server: ServerIndex,
    reserve: u32,
    room: &mut [u8],
    storage: &mut impl Storage,
) -> Result<(), KeepError> {
    let saved = client.save(now, server, reserve, room).map_err(KeepError::Client);
    let kept = saved.and_then(|length| {
        let record = room.get(..length).unwrap_or_default();
        storage.write(Key::registration(server), record).map_err(KeepError::Storage)
    });
    if matches!(kept, Err(KeepError::Storage(_))) {
        // The old record may still be there, and knows nothing of this reserve: what was saved is taken back.
        let _ = client.save(now, server, 0, room);
    }
    room.fill(0);
    kept
}

/// Takes up the registration that was kept, instead of [`Client::register`]: [`Client::restore`] from a storage. The record is
/// removed, so that it is used once; keep it again before the next sleep.
///
/// # Errors
/// [`TakeUpError`]; the client can register.
pub fn take_up_registration<P: Profile, O: Objects>(
    client: &mut Client<'_, P, O>,
    now: Instant,
    server: ServerIndex,
    room: &mut [u8],
    storage: &mut impl Storage,
) -> Result<(), TakeUpError> {
    let key = Key::registration(server);
    let restored = match storage.read(key, room) {
        Err(error) => Err(TakeUpError::Storage(error)),
        Ok(None) => Err(TakeUpError::Empty),
        // Not used twice, whatever happens next.
        Ok(Some(record)) => match storage.remove(key) {
            Err(error) => Err(TakeUpError::Storage(error)),
            Ok(()) => client.restore(now, server, record).map_err(TakeUpError::Client),
        },
    };
    room.fill(0);
    restored
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{SERVER, answer, driver, register};
    use crate::fake;
    use coracle::driver::blocking::Driver;
    use coracle::platform::Network;
    use coracle::{DefaultProfile, RegistrationState};
    use std::vec::Vec;

    /// A record, and whether the storage works.
    #[derive(Default)]
    struct Flash {
        record: Vec<u8>,
        broken: bool,
        damaged: bool,
    }

    impl Storage for Flash {
        fn read<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>, StorageError> {
            assert_eq!(key, Key::registration(SERVER));
            if self.broken {
                return Err(StorageError::Medium);
            }
            let room = buffer.get_mut(..self.record.len()).ok_or(StorageError::Full)?;
            room.copy_from_slice(&self.record);
            if self.damaged {
                return Err(StorageError::Corrupt);
            }
            Ok((!room.is_empty()).then_some(room))
        }

        fn write(&mut self, key: Key, value: &[u8]) -> Result<(), StorageError> {
            assert_eq!(key, Key::registration(SERVER));
            if self.broken {
                return Err(StorageError::Medium);
            }
            self.record = value.to_vec();
            Ok(())
        }

        fn remove(&mut self, key: Key) -> Result<(), StorageError> {
            self.write(key, &[])
        }
    }

    const ROOM: usize = Client::<'static, DefaultProfile, ()>::SAVED_LEN;

    #[test]
    fn a_registration_outlives_a_restart_and_is_used_once() {
        let _alone = fake::alone();
        let (mut flash, mut room) = (Flash::default(), [0; ROOM]);
        let mut first = driver();
        register(&mut first);
        let now = first.network().now();
        keep_registration(first.client(), now, SERVER, 0, &mut room, &mut flash).unwrap();
        assert_eq!(room, [0; ROOM], "keys do not stay in the room");
        drop(first);

        let mut second = driver();
        take_up_registration(second.client(), now, SERVER, &mut room, &mut flash).unwrap();
        assert!(flash.record.is_empty());
        second.step();
        while second.client().poll_event().is_some() {}
        second.step();
        answer(0x44, &[]); // 2.04: the server knows the registration
        second.step();
        assert_eq!(second.client().state(SERVER), Some(RegistrationState::Registered));
        let again = take_up_registration(second.client(), now, SERVER, &mut room, &mut flash);
        assert_eq!(again, Err(TakeUpError::Empty));
    }

    #[test]
    fn a_record_that_is_damaged_is_refused_and_the_device_can_register() {
        let _alone = fake::alone();
        let (mut flash, mut room) = (Flash::default(), [0; ROOM]);
        flash.record = Vec::from([1, 2, 3]);
        let mut device = driver();
        let now = device.network().now();
        let taken = take_up_registration(device.client(), now, SERVER, &mut room, &mut flash);
        assert!(matches!(taken, Err(TakeUpError::Client(_))), "{taken:?}");
        // By the storage as well, which may have keys of the record in the room by then.
        let mut flash = Flash { record: Vec::from([1, 2, 3]), damaged: true, ..Flash::default() };
        let taken = take_up_registration(device.client(), now, SERVER, &mut room, &mut flash);
        assert_eq!(taken, Err(TakeUpError::Storage(StorageError::Corrupt)));
        assert_eq!(room, [0; ROOM]);
        register(&mut device);
    }

    #[test]
    fn a_broken_storage_is_told_apart() {
        let _alone = fake::alone();
        let (mut flash, mut room) = (Flash { broken: true, ..Flash::default() }, [0; ROOM]);
        let mut device: Driver<'_, _, _, _> = driver();
        register(&mut device);
        let now = device.network().now();
        let kept = keep_registration(device.client(), now, SERVER, 0, &mut room, &mut flash);
        assert_eq!(kept, Err(KeepError::Storage(StorageError::Medium)));
        assert_eq!(room, [0; ROOM]);
    }

    #[test]
    fn functions_tell_lengths_and_errors() {
        /// A medium with one value, of five bytes; another number fails.
        unsafe extern "C" fn load(key: u16, bytes: *mut c_void, capacity: usize) -> c_int {
            match key {
                7 if capacity >= 5 => {
                    // SAFETY: there is room.
                    unsafe { bytes.cast::<u8>().write_bytes(7, 5) };
                    5
                }
                7 => 5,
                8 => 0,
                _ => -1,
            }
        }
        unsafe extern "C" fn store(_: u16, _: *const c_void, length: usize) -> c_int {
            length as c_int
        }
        // SAFETY: they keep to the lengths.
        let mut storage = unsafe { StorageFunctions::new(load, store) };
        let key = Key::application;
        assert_eq!(storage.read(key(7), &mut [0; 6]), Ok(Some(&[7; 5][..])));
        assert_eq!(storage.read(key(7), &mut [0; 4]), Err(StorageError::BufferTooSmall(5)));
        assert_eq!(storage.read(key(8), &mut [0; 4]), Ok(None));
        assert_eq!(storage.read(key(9), &mut [0; 4]), Err(StorageError::Medium));
        assert_eq!(storage.remove(key(7)), Ok(()));
        assert_eq!(storage.write(key(7), &[1]), Err(StorageError::Medium));
    }
}
