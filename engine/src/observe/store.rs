//! Payloads of confirmable notifications, in the order in which they became due, until they are acknowledged.

use crate::model::Status;
use crate::output::Output;

/// What precedes a payload: the place of its observation, and its length.
const HEADER: usize = 3;

/// A view of the bytes that the profile gives.
pub(crate) struct Store<'s> {
    pub(crate) bytes: &'s mut [u8],
    pub(crate) used: &'s mut usize,
}

/// Where a record lies.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    observation: usize,
}

impl Store<'_> {
    /// Appends what `encode` writes; false when there is no room for it, or it takes more than `most` bytes.
    ///
    /// # Errors
    /// What `encode` answers; then nothing was stored.
    pub(crate) fn push(
        &mut self,
        observation: usize,
        most: usize,
        encode: &mut dyn FnMut(&mut Output<'_>) -> Result<(), Status>,
    ) -> Result<bool, Status> {
        let start = *self.used;
        let room = self.bytes.get_mut(start..).unwrap_or_default();
        let room = if most < room.len() { room.get_mut(..most).unwrap_or_default() } else { room };
        let Some((header, room)) = room.split_first_chunk_mut::<HEADER>() else { return Ok(false) };
        let available = room.len();
        let mut output = Output::new(room, 0);
        encode(&mut output)?;
        let length = output.length()?;
        let (Ok(observation), Ok(short)) = (u8::try_from(observation), u16::try_from(length)) else {
            return Ok(false);
        };
        if length > available {
            return Ok(false);
        }
        let [high, low] = short.to_be_bytes();
        *header = [observation, high, low];
        *self.used = start + HEADER + length;
        Ok(true)
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        let mut at = 0;
        core::iter::from_fn(move || {
            let record = self.bytes.get(at..*self.used)?;
            let ([observation, high, low], _) = record.split_first_chunk::<HEADER>()?;
            let start = at;
            at += HEADER + usize::from(u16::from_be_bytes([*high, *low]));
            Some(Place { start, end: at, observation: usize::from(*observation) })
        })
    }

    /// How many bytes the records of these observations take.
    pub(crate) fn used_by(&self, is_theirs: impl Fn(usize) -> bool) -> usize {
        let theirs = self.places().filter(|place| is_theirs(place.observation));
        theirs.map(|place| place.end - place.start).sum()
    }

    /// The observations that have records, the oldest record first.
    pub(crate) fn observations(&self) -> impl Iterator<Item = usize> {
        self.places().map(|place| place.observation)
    }

    /// The oldest payload of an observation.
    pub(crate) fn first(&self, observation: usize) -> Option<&[u8]> {
        let place = self.places().find(|place| place.observation == observation)?;
        self.bytes.get(place.start + HEADER..place.end)
    }

    /// Removes the oldest payload of an observation; false when there is none.
    pub(crate) fn remove_first(&mut self, observation: usize) -> bool {
        let Some(place) = self.places().find(|place| place.observation == observation) else { return false };
        let length = place.end - place.start;
        let mut at = place.start;
        // `copy_within` would bring a panic along: byte by byte is short enough for what is stored here.
        while at + length < *self.used {
            let moved = self.bytes.get(at + length).copied().unwrap_or_default();
            if let Some(slot) = self.bytes.get_mut(at) {
                *slot = moved;
            }
            at += 1;
        }
        *self.used -= length;
        true
    }

    /// Removes all payloads of an observation; how many there were.
    pub(crate) fn remove_all(&mut self, observation: usize) -> usize {
        let mut count = 0;
        while self.remove_first(observation) {
            count += 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(store: &mut Store<'_>, observation: usize, payload: &[u8]) -> bool {
        store
            .push(observation, usize::MAX, &mut |out| {
                out.push(payload);
                Ok(())
            })
            .unwrap()
    }

    #[test]
    fn first_in_first_out_for_each_observation() {
        let (mut bytes, mut used) = ([0; 32], 0);
        let mut store = Store { bytes: &mut bytes, used: &mut used };
        assert!(push(&mut store, 1, b"one") && push(&mut store, 2, b"") && push(&mut store, 1, b"three"));
        assert_eq!(store.observations().collect::<std::vec::Vec<_>>(), [1, 2, 1]);
        assert_eq!(store.first(1), Some(&b"one"[..]));
        assert!(store.remove_first(1));
        assert_eq!((store.first(1), store.first(2)), (Some(&b"three"[..]), Some(&b""[..])));
        assert!(store.remove_first(2) && !store.remove_first(2));
        assert!(push(&mut store, 2, b"more"));
        assert_eq!(store.remove_all(1), 1);
        assert_eq!(store.first(2), Some(&b"more"[..]));
        assert_eq!(store.remove_all(2), 1);
        assert_eq!(*store.used, 0);
    }

    #[test]
    fn what_does_not_fit_is_not_stored() {
        let (mut bytes, mut used) = ([0; 8], 0);
        let mut store = Store { bytes: &mut bytes, used: &mut used };
        assert!(!push(&mut store, 0, b"123456"));
        let limited = store.push(0, 6, &mut |out| {
            out.push(b"1234");
            Ok(())
        });
        assert_eq!(limited, Ok(false));
        assert!(push(&mut store, 0, b"1234"));
        assert!(!push(&mut store, 0, b""));
        assert_eq!((store.used_by(|observation| observation == 0), store.used_by(|_| false)), (7, 0));
        assert_eq!(store.first(0), Some(&b"1234"[..]));
        let failed =
            Store { bytes: &mut [0; 8], used: &mut 0 }.push(0, usize::MAX, &mut |_| Err(Status::NotFound));
        assert_eq!(failed, Err(Status::NotFound));
    }
}
