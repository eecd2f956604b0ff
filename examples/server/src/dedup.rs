//! Duplicate detection: a message that comes again gets the same reply again, and is not acted upon (RFC 7252 section 4.5).

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::transport::PeerId;

/// `EXCHANGE_LIFETIME`: how long a message id of a confirmable message stands for it (RFC 7252 section 4.8.2).
const LIFETIME: Duration = Duration::from_secs(247);

/// Beyond this many messages the oldest is forgotten, so that a flood cannot fill the memory.
const CAPACITY: usize = 4096;

type Key = (PeerId, u16);

/// Messages seen lately, with the reply to each.
#[derive(Debug, Default)]
pub(crate) struct Duplicates {
    replies: HashMap<Key, (Instant, Vec<u8>)>,
    order: VecDeque<(Instant, Key)>,
}

impl Duplicates {
    /// The reply to a message that was here before, empty if it had none; `None` if it was not here.
    pub(crate) fn reply(&mut self, now: Instant, key: Key) -> Option<&[u8]> {
        while self
            .order
            .front()
            .is_some_and(|(seen, _)| *seen + LIFETIME <= now || self.order.len() > CAPACITY)
        {
            if let Some((seen, key)) = self.order.pop_front() {
                // A message id that was used anew has a later entry, which stays.
                if self.replies.get(&key).is_some_and(|(last, _)| *last == seen) {
                    self.replies.remove(&key);
                }
            }
        }
        self.replies.get(&key).map(|(_, reply)| reply.as_slice())
    }

    /// Remembers the reply to a message; empty for none.
    pub(crate) fn remember(&mut self, now: Instant, key: Key, reply: Vec<u8>) {
        self.replies.insert(key, (now, reply));
        self.order.push_back((now, key));
    }

    pub(crate) fn clear(&mut self) {
        *self = Duplicates::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId::Session(1);

    #[test]
    fn a_reply_is_kept_for_the_exchange_lifetime() {
        let (mut seen, now) = (Duplicates::default(), Instant::now());
        assert_eq!(seen.reply(now, (PEER, 1)), None);
        seen.remember(now, (PEER, 1), vec![7]);
        seen.remember(now, (PEER, 2), vec![]);
        assert_eq!(seen.reply(now, (PEER, 1)), Some(&[7][..]));
        assert_eq!(seen.reply(now, (PEER, 2)), Some(&[][..]));
        assert_eq!(seen.reply(now, (PeerId::Session(2), 1)), None, "another peer");
        assert_eq!(seen.reply(now + Duration::from_secs(246), (PEER, 1)), Some(&[7][..]));
        assert_eq!(seen.reply(now + LIFETIME, (PEER, 1)), None);
        assert!(seen.replies.is_empty() && seen.order.is_empty());
    }

    #[test]
    fn a_message_id_used_anew_starts_a_new_lifetime() {
        let (mut seen, now) = (Duplicates::default(), Instant::now());
        let later = now + Duration::from_secs(200);
        seen.remember(now, (PEER, 1), vec![1]);
        seen.remember(later, (PEER, 1), vec![2]);
        assert_eq!(seen.reply(now + LIFETIME, (PEER, 1)), Some(&[2][..]));
        assert_eq!(seen.reply(later + LIFETIME, (PEER, 1)), None);
    }

    #[test]
    fn the_number_of_entries_is_bounded() {
        let (mut seen, now) = (Duplicates::default(), Instant::now());
        for mid in 0..u16::MAX {
            seen.remember(now, (PEER, mid), vec![]);
            seen.reply(now, (PEER, mid));
        }
        assert_eq!((seen.replies.len(), seen.order.len()), (CAPACITY, CAPACITY));
        assert_eq!(seen.reply(now, (PEER, 0)), None);
        assert_eq!(seen.reply(now, (PEER, u16::MAX - 1)), Some(&[][..]));
    }
}
