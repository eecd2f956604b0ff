//! The store in a flash that loses its power at every word, and in one with faults.

mod medium;

use std::collections::BTreeMap;

use coracle::platform::{Key, Storage, StorageError};
use coracle_storage::{FlashStore, Layout, LayoutError};
use medium::{Medium, SECTOR, Tear};

/// What has to be in the store.
type Values = BTreeMap<u16, Vec<u8>>;
type Store<'m, const W: usize, const R: usize> = FlashStore<&'m mut Medium<W, R>>;

const KEYS: u16 = 3;
/// All values of a history fit a bank, and it is full after a few changes.
const LAYOUT: Layout = Layout { offset: 256, bank_len: 384, banks: 3 };
const LENGTH: usize = 1536;

/// A key and its new value, or that it has none any more.
#[derive(Clone, Debug)]
struct Change(u16, Option<Vec<u8>>);

impl Change {
    fn make<const W: usize, const R: usize>(&self, medium: &mut Medium<W, R>) -> Result<(), StorageError> {
        let mut store = FlashStore::open(medium, LAYOUT).map_err(|_| StorageError::Medium)?;
        match self {
            Self(key, Some(value)) => store.write(Key::application(*key), value),
            Self(key, None) => store.remove(Key::application(*key)),
        }
    }

    fn note(&self, values: &Values) -> Values {
        let mut values = values.clone();
        match self {
            Self(key, Some(value)) => values.insert(*key, value.clone()),
            Self(key, None) => values.remove(key),
        };
        values
    }
}

/// Numbers that look random and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    /// Values that look like erased flash, or like anything.
    fn change(&mut self) -> Change {
        let key = self.below(u64::from(KEYS)) as u16;
        let length = self.below(40) as usize;
        let value = match self.below(8) {
            0 | 1 => None,
            2 => Some(vec![0xff; length]),
            3 => Some(vec![0; length]),
            _ => Some((0..length).map(|_| self.below(256) as u8).collect()),
        };
        Change(key, value)
    }
}

fn read<const W: usize, const R: usize>(store: &mut Store<'_, W, R>, key: u16) -> Option<Vec<u8>> {
    let mut buffer = [0; 1024];
    store.read(Key::application(key), &mut buffer).unwrap().map(<[u8]>::to_vec)
}

fn values<const W: usize, const R: usize>(medium: &mut Medium<W, R>) -> Values {
    let mut store = FlashStore::open(medium, LAYOUT).unwrap();
    (0..KEYS).filter_map(|key| read(&mut store, key).map(|value| (key, value))).collect()
}

/// Makes a change, cut after some steps; what is there then is as before the change or as after it. `None`: the change took
/// fewer steps.
fn cut<const W: usize, const R: usize>(
    medium: &mut Medium<W, R>,
    old: &Values,
    change: &Change,
    (step, tear): (u32, Tear),
) -> Option<Values> {
    medium.cut_after(step, tear);
    let done = change.make(medium).is_ok();
    medium.power_on();
    let found = values(medium);
    assert!(
        (found == *old && !done) || found == change.note(old),
        "{change:?} cut at {step}, {tear:?}: {found:?} instead of {old:?}"
    );
    (!done).then_some(found)
}

/// A history of changes, each of them cut after every number of steps; the change after the cut is cut as well.
fn cut_a_history<const W: usize, const R: usize>(seed: u64) -> u32 {
    let mut medium = Medium::<W, R>::new(LENGTH, seed);
    let (mut numbers, mut expected, mut cuts) = (Numbers(seed), Values::new(), 0);
    let mut change = numbers.change();
    for _ in 0..60 {
        let next = numbers.change();
        for tear in [Tear::Prefix, Tear::Anything] {
            for step in 0.. {
                let mut torn = medium.clone();
                let Some(found) = cut(&mut torn, &expected, &change, (step, tear)) else { break };
                let then = cut(&mut torn, &found, &next, (step % 11, tear)).unwrap_or(next.note(&found));
                next.make(&mut torn).unwrap();
                assert_eq!(values(&mut torn), next.note(&then));
                assert_eq!(torn.twice, 0, "a word was written twice");
                cuts += 1;
            }
        }
        change.make(&mut medium).unwrap();
        expected = change.note(&expected);
        assert_eq!(values(&mut medium), expected);
        change = next;
    }
    assert!(medium.outside_is_untouched(&(256..1408)), "the store has left its range");
    cuts
}

#[test]
fn at_every_cut_of_power_a_value_is_the_old_or_the_new_one() {
    let cuts: u32 = (1..=8).map(cut_a_history::<4, 4>).sum();
    assert!(cuts > 5_000, "{cuts} cuts");
    assert!((1..=3).map(cut_a_history::<1, 1>).sum::<u32>() > 5_000);
    assert!((1..=3).map(cut_a_history::<16, 8>).sum::<u32>() > 1_000);
    assert!((1..=3).map(cut_a_history::<32, 1>).sum::<u32>() > 1_000);
}

#[test]
fn an_open_store_goes_on_after_a_failed_write() {
    let mut medium = Medium::<4, 4>::new(LENGTH, 5);
    let key = Key::application(0);
    FlashStore::open(&mut medium, LAYOUT).unwrap().write(key, b"old").unwrap();
    for step in 0..12 {
        let mut torn = medium.clone();
        torn.cut_after(step, Tear::Prefix);
        let mut store = FlashStore::open(torn, LAYOUT).unwrap();
        let result = store.write(key, b"a new value");
        let mut torn = store.into_flash();
        torn.power_on();
        let mut store = FlashStore::open(torn, LAYOUT).unwrap();
        if result.is_err() {
            store.write(key, b"a new value").unwrap();
        }
        let mut buffer = [0; 16];
        assert_eq!(store.read(key, &mut buffer), Ok(Some(&b"a new value"[..])));
    }
}

#[test]
fn worn_out_sectors_are_passed_over_and_values_kept() {
    let mut medium = Medium::<4, 4>::new(LENGTH, 1);
    medium.worn[4] = true; // the last third of the first bank
    let mut expected = Values::new();
    let mut numbers = Numbers(9);
    for _ in 0..400 {
        let change = numbers.change();
        change.make(&mut medium).unwrap();
        expected = change.note(&expected);
        assert_eq!(values(&mut medium), expected);
    }
    assert!(medium.erasures[7] > 5 && medium.erasures[4] > 5, "{:?}", medium.erasures);
    medium.worn.fill(true);
    assert_eq!(Change(0, Some(vec![1, 2, 3])).make(&mut medium), Err(StorageError::Medium));
    assert_eq!(values(&mut medium), expected);
}

#[test]
fn a_full_store_refuses_and_changes_nothing() {
    let mut medium = Medium::<4, 4>::new(LENGTH, 1);
    let mut store = FlashStore::open(&mut medium, LAYOUT).unwrap();
    let key = Key::application;
    // A bank has 384 bytes, 16 of which are its head; a record's head has 12.
    assert_eq!(store.write(key(0), &[0; 357]), Err(StorageError::Full));
    store.write(key(0), &[1; 356]).unwrap();
    assert_eq!(store.write(key(1), b""), Err(StorageError::Full));
    assert_eq!(store.write(key(0), &[1; 357]), Err(StorageError::Full));
    assert_eq!(read(&mut store, 0), Some(vec![1; 356]));
    assert_eq!(read(&mut store, 1), None);
    // The value itself can be replaced, and removed, without room for both.
    store.write(key(0), &[2; 356]).unwrap();
    assert_eq!(read(&mut store, 0), Some(vec![2; 356]));
    store.remove(key(0)).unwrap();
    assert_eq!(read(&mut store, 0), None);
    assert_eq!(store.write(key(0), &vec![0; 70_000]), Err(StorageError::Full));
    let mut small = [0; 3];
    store.write(key(0), b"four").unwrap();
    assert_eq!(store.read(key(0), &mut small), Err(StorageError::BufferTooSmall(4)));
}

#[test]
fn banks_wear_evenly_and_what_is_there_is_not_written_again() {
    let mut medium = Medium::<4, 4>::new(4096, 1);
    let layout = Layout::of::<Medium<4, 4>>(0, 4096);
    assert_eq!((layout.bank_len, layout.banks), (SECTOR as u32, 32));
    let mut store = FlashStore::open(&mut medium, layout).unwrap();
    store.write(Key::application(7), b"never changes").unwrap();
    for round in 0..2_000_u32 {
        store.write(Key::application(1), &round.to_le_bytes()).unwrap();
        store.write(Key::application(7), b"never changes").unwrap();
    }
    // 128 bytes have room for 16 of the bank, 28 of one value, and 5 records of 16 bytes.
    assert_eq!(store.erasures(), 400);
    let mut buffer = [0; 16];
    assert_eq!(store.read(Key::application(7), &mut buffer), Ok(Some(&b"never changes"[..])));
    let (least, most) = (medium.erasures.iter().min().unwrap(), medium.erasures.iter().max().unwrap());
    assert!(most - least <= 1, "{:?}", medium.erasures);
}

#[test]
fn damage_of_a_value_is_reported_and_not_spread() {
    let mut medium = Medium::<4, 4>::new(LENGTH, 1);
    let key = Key::application;
    let mut store = FlashStore::open(&mut medium, LAYOUT).unwrap();
    store.write(key(0), b"old value").unwrap();
    store.write(key(0), b"new value").unwrap();
    store.write(key(1), b"other").unwrap();
    let at = medium.bytes.windows(9).position(|window| window == b"new value").unwrap();
    medium.bytes[at + 2] ^= 0x10;
    let mut buffer = [0; 64];
    let mut store = FlashStore::open(&mut medium, LAYOUT).unwrap();
    // Not the old value: the device would take it for the new one.
    assert_eq!(store.read(key(0), &mut buffer), Err(StorageError::Corrupt));
    assert_eq!(read(&mut store, 1), Some(b"other".to_vec()));
    // It is still reported when it has been copied to another bank.
    store.erase_history().unwrap();
    assert_eq!(store.read(key(0), &mut buffer), Err(StorageError::Corrupt));
    store.write(key(0), b"new value").unwrap();
    assert_eq!(read(&mut store, 0), Some(b"new value".to_vec()));
}

#[test]
fn whatever_is_in_the_flash_the_store_works() {
    let mut numbers = Numbers(3);
    let mut good = Medium::<4, 4>::new(LENGTH, 1);
    for _ in 0..40 {
        numbers.change().make(&mut good).unwrap();
    }
    for round in 0..4_000 {
        let mut medium = good.clone();
        if round % 2 == 0 {
            // A store with some bytes changed.
            for _ in 0..=numbers.below(20) {
                let at = 256 + numbers.below(1152) as usize;
                medium.bytes[at] = numbers.below(256) as u8;
            }
        } else {
            let share = numbers.below(4);
            medium.bytes.iter_mut().skip(256).take(1152).for_each(|byte| {
                *byte = if numbers.below(4) < share { numbers.below(256) as u8 } else { 0xff };
            });
        }
        let mut store = FlashStore::open(&mut medium, LAYOUT).unwrap();
        let mut buffer = [0; 1024];
        for key in 0..KEYS {
            let _ = store.read(Key::application(key), &mut buffer);
        }
        // Remains of values may take all the room.
        if store.write(Key::application(1), b"value") == Err(StorageError::Full) {
            store.erase_all().unwrap();
            store.write(Key::application(1), b"value").unwrap();
        }
        assert_eq!(read(&mut store, 1).as_deref(), Some(&b"value"[..]));
        assert_eq!(
            read(&mut FlashStore::open(&mut medium, LAYOUT).unwrap(), 1).as_deref(),
            Some(&b"value"[..])
        );
    }
}

#[test]
fn history_can_be_erased() {
    let contains = |medium: &Medium<4, 4>, text: &[u8]| medium.bytes.windows(text.len()).any(|w| w == text);
    let mut medium = Medium::<4, 4>::new(LENGTH, 1);
    let mut store = FlashStore::open(&mut medium, LAYOUT).unwrap();
    for key in [&b"first secret"[..], b"second secret", b"third secret"] {
        store.write(Key::application(1), key).unwrap();
    }
    assert!(contains(&medium, b"first secret"));
    let mut store = FlashStore::open(&mut medium, LAYOUT).unwrap();
    store.erase_history().unwrap();
    assert_eq!(read(&mut store, 1), Some(b"third secret".to_vec()));
    assert!(!contains(&medium, b"first") && !contains(&medium, b"second"));
    let mut store = FlashStore::open(&mut medium, LAYOUT).unwrap();
    store.erase_all().unwrap();
    assert_eq!(read(&mut store, 1), None);
    store.write(Key::application(1), b"again").unwrap();
    assert!(!contains(&medium, b"third"));
    assert!(medium.outside_is_untouched(&(256..1408)));
}

/// Values that were replaced or removed do not come back: among them may be a session whose record numbers were used since.
#[test]
fn erasing_all_that_is_cut_brings_back_no_older_value() {
    let mut whole = Medium::<4, 4>::new(LENGTH, 1);
    let mut store = FlashStore::open(&mut whole, LAYOUT).unwrap();
    // The last of them is in the first bank again.
    for round in 0..100_u8 {
        store.write(Key::application(1), &[round; 20]).unwrap();
        if store.erasures() == 4 {
            break;
        }
    }
    let newest = read(&mut store, 1).unwrap();
    for tear in [Tear::Prefix, Tear::Anything] {
        for step in 0.. {
            let mut medium = whole.clone();
            medium.cut_after(step, tear);
            let done = FlashStore::open(&mut medium, LAYOUT).unwrap().erase_all().is_ok();
            medium.power_on();
            let mut buffer = [0; 64];
            let mut store = FlashStore::open(&mut medium, LAYOUT).unwrap();
            match store.read(Key::application(1), &mut buffer) {
                Ok(Some(value)) => assert_eq!(value, newest, "cut at {step}"),
                Ok(None) | Err(StorageError::Corrupt) => {}
                Err(error) => panic!("{error}"),
            }
            if done {
                break;
            }
        }
    }
}

/// The flash can't be read for a moment, and the bank can't be written any more: the open store goes on, and loses nothing.
#[test]
fn reads_that_fail_for_a_moment_lose_nothing() {
    let (mut failed, key) = (0, Key::application);
    for (good, bad) in (0..300).flat_map(|good| [(good, 1), (good, 2), (good, 12)]) {
        let mut medium = Medium::<4, 4>::new(LENGTH, 3);
        FlashStore::open(&mut medium, LAYOUT).unwrap().write(key(0), b"kept").unwrap();
        medium.worn[2] = true; // the beginning of the first bank
        medium.unreadable = Some((good, bad));
        let Ok(mut store) = FlashStore::open(medium, LAYOUT) else { continue };
        let (mut buffer, mut stored) = ([0; 64], Vec::new());
        for value in [&b"first"[..], b"second", b"third"] {
            if store.write(key(1), value).is_ok() {
                stored.clear();
            } else {
                failed += 1;
            }
            stored.push(value);
            let found = store.read(key(0), &mut buffer);
            assert!(matches!(found, Ok(Some(b"kept")) | Err(_)), "{found:?}: {bad} reads after {good}");
        }
        let mut medium = store.into_flash();
        medium.unreadable = None;
        let mut store = FlashStore::open(medium, LAYOUT).unwrap();
        assert_eq!(store.read(key(0), &mut buffer), Ok(Some(&b"kept"[..])), "{bad} reads after {good}");
        let found = store.read(key(1), &mut buffer).unwrap();
        assert!(found.is_none_or(|found| stored.contains(&found)), "{found:?}: {bad} reads after {good}");
    }
    assert!(failed > 100, "{failed} writes failed");
}

#[test]
fn a_layout_that_does_not_fit_the_flash_is_refused() {
    let open = |offset, bank_len, banks| {
        FlashStore::open(Medium::<4, 4>::new(LENGTH, 1), Layout { offset, bank_len, banks }).err()
    };
    assert_eq!(open(0, 128, 12), None);
    assert_eq!(open(64, 128, 2), Some(LayoutError::NotAligned));
    assert_eq!(open(0, 200, 2), Some(LayoutError::NotAligned));
    assert_eq!(open(0, 128, 1), Some(LayoutError::TooFewBanks));
    assert_eq!(open(0, 0, 2), Some(LayoutError::TooFewBanks));
    assert_eq!(open(0, 128, 13), Some(LayoutError::OutOfBounds));
    assert_eq!(open(1408, 128, 2), Some(LayoutError::OutOfBounds));
    assert_eq!(open(0, 1 << 31, 2), Some(LayoutError::OutOfBounds));
}

#[test]
fn a_flash_that_fails_is_said_to_be_the_medium() {
    let mut medium = Medium::<4, 4>::new(LENGTH, 1);
    Change(0, Some(b"value".to_vec())).make(&mut medium).unwrap();
    medium.cut_after(0, Tear::Prefix);
    assert_eq!(Change(0, Some(b"other".to_vec())).make(&mut medium), Err(StorageError::Medium));
    // Now it is off.
    assert_eq!(FlashStore::open(&mut medium, LAYOUT).err(), Some(LayoutError::Medium));
}
