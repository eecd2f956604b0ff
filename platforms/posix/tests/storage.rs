//! Values as files.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use coracle::ServerIndex;
use coracle::platform::{Key, Storage, StorageError};
use coracle_posix::FileStorage;

/// A directory that is not there yet.
fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    directory
}

fn read(storage: &mut FileStorage, key: Key) -> Option<Vec<u8>> {
    storage.read(key, &mut [0; 64]).unwrap().map(<[u8]>::to_vec)
}

#[test]
fn values_are_there_after_a_restart_and_for_the_owner_alone() {
    let directory = directory("values").join("below");
    let (one, other) = (Key::application(1), Key::server(ServerIndex(0)));
    let mut storage = FileStorage::open(&directory).unwrap();
    assert_eq!(read(&mut storage, one), None);
    storage.write(one, b"first").unwrap();
    storage.write(one, b"second").unwrap();
    storage.write(other, b"").unwrap();
    drop(storage);
    let mut storage = FileStorage::open(&directory).unwrap();
    assert_eq!(read(&mut storage, one), Some(b"second".to_vec()));
    assert_eq!(read(&mut storage, other), Some(Vec::new()));
    assert_eq!(storage.read(one, &mut [0; 5]), Err(StorageError::BufferTooSmall(6)));
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&directory.join("0001"))), (0o700, 0o600));
    storage.remove(one).unwrap();
    storage.remove(one).unwrap();
    assert_eq!(read(&mut storage, one), None);
}

#[test]
fn a_write_that_was_cut_leaves_the_old_value() {
    let directory = directory("cut");
    let key = Key::application(7);
    let mut storage = FileStorage::open(&directory).unwrap();
    storage.write(key, b"old").unwrap();
    drop(storage);
    fs::write(directory.join("0007.new"), b"ne").unwrap();
    let mut storage = FileStorage::open(&directory).unwrap();
    assert_eq!(read(&mut storage, key), Some(b"old".to_vec()));
    assert!(!directory.join("0007.new").exists());
    storage.write(key, b"new").unwrap();
    assert_eq!(read(&mut storage, key), Some(b"new".to_vec()));
}

#[test]
fn one_owner_at_a_time() {
    let directory = directory("owner");
    let storage = FileStorage::open(&directory).unwrap();
    let error = FileStorage::open(&directory).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    assert!(error.to_string().contains("in use"), "{error}");
    drop(storage);
    FileStorage::open(&directory).unwrap();
}

#[test]
fn what_the_system_says_is_kept() {
    let directory = directory("faults");
    let key = Key::application(1);
    let mut storage = FileStorage::open(&directory).unwrap();
    storage.write(key, b"old").unwrap();
    // Nobody, root neither, can write a file over a directory.
    fs::create_dir(directory.join("0001.new")).unwrap();
    assert_eq!(storage.write(key, b"new"), Err(StorageError::Medium));
    assert_eq!(storage.take_error().unwrap().kind(), ErrorKind::IsADirectory);
    assert!(storage.take_error().is_none());
    assert_eq!(read(&mut storage, key), Some(b"old".to_vec()));
    fs::create_dir(directory.join("0002")).unwrap();
    assert_eq!(storage.read(Key::application(2), &mut [0; 4096]), Err(StorageError::Medium));
}
