//! Requests that were executed, so that a retransmission is answered again and not executed again (RFC 7252 section 4.5).
//!
//! A retransmitted request has its token and path in it, so the code and the id of a created instance are all that an
//! answer needs. Reads are not remembered: doing them again is harmless.

use crate::account::ServerIndex;
use crate::coap::Code;
use crate::profile::Slot;
use crate::time::{Duration, Instant};

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Duplicate {
    pub(crate) used: bool,
    pub(crate) server: u8,
    pub(crate) code: Code,
    /// Doing it again would not be the same as doing it once: Execute and Create.
    pub(crate) strict: bool,
    pub(crate) message_id: u16,
    /// The id of the instance that Create made.
    pub(crate) instance: u16,
    pub(crate) expires: Instant,
}

impl Duplicate {
    pub(crate) const fn is_free(&self) -> bool {
        !self.used
    }

    pub(crate) fn is_for(&self, server: ServerIndex, now: Instant) -> bool {
        self.used && self.server == server.0 && self.expires > now
    }
}

impl Slot for Duplicate {
    const EMPTY: Self = Self {
        used: false,
        server: 0,
        code: Code::EMPTY,
        strict: false,
        message_id: 0,
        instance: 0,
        expires: Instant::ZERO,
    };
}

/// The code, and the created instance, with which a request was answered.
pub(crate) fn lookup(
    table: &[Duplicate],
    server: ServerIndex,
    message_id: u16,
    now: Instant,
) -> Option<(Code, u16)> {
    let same = |entry: &&Duplicate| {
        entry.message_id == message_id && entry.used && entry.server == server.0 && entry.expires > now
    };
    table.iter().find(same).map(|entry| (entry.code, entry.instance))
}

/// The slot that the next request may take: a free or expired one, else the oldest that can be done again.
///
/// `None` when all hold an Execute or Create that a late retransmission could repeat.
pub(crate) fn room_for(table: &[Duplicate], now: Instant) -> Option<usize> {
    let mut best: Option<(usize, Instant)> = None;
    for (index, entry) in table.iter().enumerate() {
        if !entry.used || entry.expires <= now {
            return Some(index);
        }
        if !entry.strict && best.is_none_or(|(_, expires)| entry.expires < expires) {
            best = Some((index, entry.expires));
        }
    }
    best.map(|(index, _)| index)
}

/// Notes the answer to a request.
pub(crate) fn remember(
    slot: Option<&mut Duplicate>,
    (server, message_id): (ServerIndex, u16),
    (code, instance): (Code, u16),
    strict: bool,
    (now, lifetime): (Instant, Duration),
) {
    if let Some(slot) = slot {
        *slot = Duplicate {
            used: true,
            server: server.0,
            code,
            strict,
            message_id,
            instance,
            expires: now + lifetime,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ServerIndex = ServerIndex(0);
    const LIFETIME: Duration = Duration::from_secs(247);

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn add(table: &mut [Duplicate], message_id: u16, strict: bool, now: Instant) -> bool {
        let slot = room_for(table, now);
        let slot = slot.and_then(|index| table.get_mut(index));
        let there = slot.is_some();
        remember(slot, (SERVER, message_id), (Code::CHANGED, 7), strict, (now, LIFETIME));
        there
    }

    #[test]
    fn the_same_id_from_the_same_server_is_a_duplicate_for_a_time() {
        let mut table = [Duplicate::EMPTY; 2];
        assert!(add(&mut table, 5, true, at(10)));
        assert_eq!(lookup(&table, SERVER, 5, at(256)), Some((Code::CHANGED, 7)));
        assert_eq!(lookup(&table, SERVER, 6, at(10)), None);
        assert_eq!(lookup(&table, ServerIndex(1), 5, at(10)), None);
        assert_eq!(lookup(&table, SERVER, 5, at(257)), None);
    }

    #[test]
    fn the_oldest_harmless_one_makes_room() {
        let mut table = [Duplicate::EMPTY; 3];
        assert!(
            add(&mut table, 1, true, at(0))
                && add(&mut table, 2, false, at(2))
                && add(&mut table, 3, false, at(1))
        );
        assert!(add(&mut table, 4, true, at(3)));
        assert_eq!(lookup(&table, SERVER, 3, at(3)), None);
        assert!(lookup(&table, SERVER, 1, at(3)).is_some() && lookup(&table, SERVER, 2, at(3)).is_some());
    }

    #[test]
    fn an_execute_is_not_forgotten_before_its_time() {
        let mut table = [Duplicate::EMPTY; 2];
        assert!(add(&mut table, 1, true, at(0)) && add(&mut table, 2, true, at(1)));
        assert!(!add(&mut table, 3, true, at(200)));
        assert!(lookup(&table, SERVER, 1, at(200)).is_some());
        assert!(add(&mut table, 3, true, at(247)));
    }
}
