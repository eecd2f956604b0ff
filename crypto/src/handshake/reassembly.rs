//! Putting one fragmented message together (RFC 6347 section 4.2.3).
//!
//! Only the message that is next in line is collected; fragments of later ones are dropped and come again with the
//! peer's retransmission. What was received is kept as a few intervals, so no byte is handed on that did not arrive.

use super::fragment::Fragment;
use crate::codec::copy;
use crate::profile::Bytes;

/// Intervals that are kept: fragments that would need more are dropped.
const GAPS: usize = 4;

/// A message in the making. The empty value is all zero bytes.
pub(crate) struct Reassembly<B> {
    kind: u8,
    /// Fragments have contradicted what was received: one of the two is not the peer's.
    disputed: bool,
    total: u16,
    message_seq: u16,
    /// Received intervals, start and end; empty ones are unused.
    received: [(u16, u16); GAPS],
    buffer: B,
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// Kept; more is missing.
    Incomplete,
    /// The message is complete.
    Complete,
    /// It contradicts what was received, or there are too many gaps.
    Dropped,
    /// The message is longer than the buffer.
    TooLong,
}

impl<B: Bytes> Reassembly<B> {
    pub(crate) const EMPTY: Self = Self {
        kind: 0,
        disputed: false,
        total: 0,
        message_seq: 0,
        received: [(0, 0); GAPS],
        buffer: B::EMPTY,
    };

    pub(crate) const fn clear(&mut self) {
        self.received = [(0, 0); GAPS];
        self.total = 0;
        self.disputed = false;
    }

    /// Begins anew when fragments have contradicted each other, before the peer sends them again: a forged one that came first
    /// is not in the way for ever.
    pub(crate) const fn settle(&mut self) {
        if self.disputed {
            self.clear();
        }
    }

    fn is_empty(&self) -> bool {
        self.received.iter().all(|(start, end)| start == end)
    }

    /// The message, after [`Added::Complete`].
    pub(crate) fn message(&self) -> &[u8] {
        self.buffer.bytes().get(..self.total.into()).unwrap_or_default()
    }

    pub(crate) fn add(&mut self, fragment: &Fragment<'_>) -> Added {
        let total = match u16::try_from(fragment.total) {
            Ok(total) if fragment.total <= B::LEN => total,
            _ => return Added::TooLong,
        };
        if self.is_empty() || self.message_seq != fragment.message_seq {
            self.clear();
            (self.kind, self.total, self.message_seq) = (fragment.kind, total, fragment.message_seq);
        }
        if (self.kind, self.total) != (fragment.kind, total) {
            self.disputed = true;
            return Added::Dropped;
        }
        if fragment.bytes.is_empty() {
            return Added::Dropped;
        }
        // Both fit: the fragment lies within its message.
        let start = fragment.offset as u16;
        let end = start + fragment.bytes.len() as u16;
        if self.contradicts(start, fragment.bytes) {
            self.disputed = true;
            return Added::Dropped;
        }
        let Some(slot) = self.merge(start, end) else { return Added::Dropped };
        if let Some(place) = self.buffer.bytes_mut().get_mut(start.into()..end.into()) {
            copy(place, fragment.bytes);
        }
        if slot == (0, self.total) { Added::Complete } else { Added::Incomplete }
    }

    /// Whether bytes that arrived before differ from those that arrive now.
    fn contradicts(&self, start: u16, bytes: &[u8]) -> bool {
        let end = start + bytes.len() as u16;
        self.received.iter().any(|(from, to)| {
            let (from, to) = ((*from).max(start), (*to).min(end));
            from < to
                && self.buffer.bytes().get(from.into()..to.into())
                    != bytes.get((from - start).into()..(to - start).into())
        })
    }

    /// Joins an interval with those that it touches. Answers the joined one; `None` when there is no place.
    fn merge(&mut self, mut start: u16, mut end: u16) -> Option<(u16, u16)> {
        let touches = |interval: &(u16, u16), start, end| {
            interval.0 != interval.1 && interval.0 <= end && start <= interval.1
        };
        let joins = self.received.iter().any(|interval| touches(interval, start, end));
        let free = self.received.iter().any(|(from, to)| from == to);
        if !joins && !free {
            return None;
        }
        for interval in &mut self.received {
            if touches(interval, start, end) {
                start = start.min(interval.0);
                end = end.max(interval.1);
                *interval = (0, 0);
            }
        }
        let slot = self.received.iter_mut().find(|(from, to)| from == to)?;
        *slot = (start, end);
        Some(*slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(offset: usize, bytes: &[u8]) -> Fragment<'_> {
        Fragment { kind: 11, total: 10, message_seq: 2, offset, bytes }
    }

    const MESSAGE: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    #[test]
    fn any_order_of_pieces_gives_the_message() {
        let cuts = [(0, 3), (3, 4), (4, 8), (8, 10)];
        for order in 0..24 {
            let mut reassembly = Reassembly::<[u8; 16]>::EMPTY;
            let mut left = cuts.to_vec();
            let mut code = order;
            while !left.is_empty() {
                let (from, to) = left.remove(code % left.len());
                code /= 4 - left.len().min(3);
                let added = reassembly.add(&fragment(from, &MESSAGE[from..to]));
                assert_eq!(added == Added::Complete, left.is_empty());
                // A duplicate changes nothing.
                let again = reassembly.add(&fragment(from, &MESSAGE[from..to]));
                assert_eq!(again, added);
            }
            assert_eq!(reassembly.message(), MESSAGE);
        }
    }

    #[test]
    fn contradictions_are_dropped() {
        let mut reassembly = Reassembly::<[u8; 16]>::EMPTY;
        assert_eq!(reassembly.add(&fragment(2, &[2, 3, 4])), Added::Incomplete);
        assert_eq!(reassembly.add(&fragment(4, &[9, 5])), Added::Dropped);
        assert_eq!(reassembly.add(&Fragment { total: 11, ..fragment(0, &[0]) }), Added::Dropped);
        assert_eq!(reassembly.add(&Fragment { kind: 12, ..fragment(0, &[0]) }), Added::Dropped);
        assert_eq!(reassembly.add(&fragment(0, &[])), Added::Dropped);
        assert_eq!(reassembly.add(&fragment(0, &[0, 1, 2])), Added::Incomplete);
        assert_eq!(reassembly.add(&fragment(5, &[5, 6, 7, 8, 9])), Added::Complete);
        assert_eq!(reassembly.message(), MESSAGE);
    }

    #[test]
    fn a_later_message_starts_anew() {
        let mut reassembly = Reassembly::<[u8; 16]>::EMPTY;
        assert_eq!(reassembly.add(&fragment(0, &MESSAGE[..5])), Added::Incomplete);
        let later = Fragment { message_seq: 3, ..fragment(5, &MESSAGE[5..]) };
        assert_eq!(reassembly.add(&later), Added::Incomplete);
        let later = Fragment { message_seq: 3, ..fragment(0, &MESSAGE[..5]) };
        assert_eq!(reassembly.add(&later), Added::Complete);
    }

    #[test]
    fn long_messages_and_many_gaps_are_refused() {
        let mut reassembly = Reassembly::<[u8; 16]>::EMPTY;
        assert_eq!(reassembly.add(&Fragment { total: 17, ..fragment(0, &[0]) }), Added::TooLong);
        assert_eq!(reassembly.add(&Fragment { total: 1 << 23, ..fragment(0, &[0]) }), Added::TooLong);
        for at in [0, 2, 4, 6] {
            assert_eq!(reassembly.add(&fragment(at, &MESSAGE[at..=at])), Added::Incomplete);
        }
        assert_eq!(reassembly.add(&fragment(8, &MESSAGE[8..9])), Added::Dropped);
        assert_eq!(reassembly.add(&fragment(1, &MESSAGE[1..])), Added::Complete);
        let mut none = Reassembly::<[u8; 0]>::EMPTY;
        assert_eq!(none.add(&fragment(0, &[0])), Added::TooLong);
    }
}
