//! Values as files of a directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use coracle::platform::{Key, Storage, StorageError};

const LOCK: &str = "lock";
/// The end of the name of a file that is being written.
const UNFINISHED: &str = ".new";

/// Values that outlive a loss of power, one file for each key.
///
/// A file is written beside the old one, forced to the disk, and takes its name then, which the file system does at once.
/// Only the owner may read the files: keys are in them. One process at a time has the directory: two devices that go on with the
/// same DTLS session would use a record number twice.
#[derive(Debug)]
pub struct FileStorage {
    directory: PathBuf,
    /// For `fsync`, so that a new name outlives a loss of power as well.
    handle: File,
    /// Locked as long as it is open.
    _lock: File,
    error: Option<io::Error>,
}

impl FileStorage {
    /// Uses this directory, which is made if it is not there.
    ///
    /// # Errors
    /// The directory can't be made or opened; [`io::ErrorKind::ResourceBusy`] when another process has it.
    pub fn open(directory: impl Into<PathBuf>) -> io::Result<Self> {
        let directory = directory.into();
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(directory.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                let text = format!("{} is in use by another process", directory.display());
                io::Error::new(io::ErrorKind::ResourceBusy, text)
            }
            fs::TryLockError::Error(error) => error,
        })?;
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            // Of a write that was cut.
            if path.to_string_lossy().ends_with(UNFINISHED) {
                fs::remove_file(path)?;
            }
        }
        let handle = File::open(&directory)?;
        Ok(Self { directory, handle, _lock: lock, error: None })
    }

    /// What the system said when [`StorageError::Medium`] or [`StorageError::Full`] was returned last.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    fn path(&self, key: Key) -> PathBuf {
        self.directory.join(format!("{:04x}", key.number()))
    }

    fn note(&mut self, error: io::Error) -> StorageError {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        self.error = Some(error);
        if full { StorageError::Full } else { StorageError::Medium }
    }

    fn replace(&self, path: &Path, value: &[u8]) -> io::Result<()> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(UNFINISHED);
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        file.write_all(value)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        self.handle.sync_all()
    }
}

/// The length of a file, and as much of it as has room.
fn read_file(path: &Path, buffer: &mut [u8]) -> io::Result<usize> {
    let mut file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if let Some(buffer) = buffer.get_mut(..length) {
        file.read_exact(buffer)?;
    }
    Ok(length)
}

impl Storage for FileStorage {
    fn read<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>, StorageError> {
        match read_file(&self.path(key), buffer) {
            Ok(length) => buffer.get(..length).map(Some).ok_or(StorageError::BufferTooSmall(length)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.note(error)),
        }
    }

    fn write(&mut self, key: Key, value: &[u8]) -> Result<(), StorageError> {
        self.replace(&self.path(key), value).map_err(|error| self.note(error))
    }

    fn remove(&mut self, key: Key) -> Result<(), StorageError> {
        let removed = match fs::remove_file(self.path(key)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed,
        };
        removed.and_then(|()| self.handle.sync_all()).map_err(|error| self.note(error))
    }
}
