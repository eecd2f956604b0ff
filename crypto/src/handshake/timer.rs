//! The retransmission timer of a flight (RFC 6347 section 4.2.4).

use crate::time::Instant;

/// How long to wait for an answer to a flight of the handshake, and how often to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Milliseconds until the first retransmission. RFC 6347 says 1,000; RFC 7925 section 11 advises 9,000 for slow
    /// networks.
    pub initial_ms: u32,
    /// The wait doubles after each retransmission up to this: 60,000 at least by RFC 6347.
    pub max_ms: u32,
    /// How often a flight is sent before the handshake fails (at least 1).
    pub attempts: u8,
    /// The same for our last flight, which carries the proof that we have the right key. Servers drop a wrong proof
    /// without a word, so fewer attempts report a wrong key sooner.
    pub last_flight_attempts: u8,
}

impl Backoff {
    /// 1 s, 2 s, 4 s, 8 s, 16 s: 31 s in all, 15 s for the last flight.
    pub const DEFAULT: Self =
        Self { initial_ms: 1_000, max_ms: 60_000, attempts: 5, last_flight_attempts: 4 };
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The timer of the present flight. The empty value is all zero bytes.
#[derive(Clone, Copy)]
pub(crate) struct Timer {
    deadline: Instant,
    last_sent: Instant,
    interval_ms: u32,
    armed: bool,
    /// How often the flight was sent.
    pub(crate) sent: u8,
}

impl Timer {
    pub(crate) const EMPTY: Self =
        Self { deadline: Instant::START, last_sent: Instant::START, interval_ms: 0, armed: false, sent: 0 };

    /// A new handshake.
    pub(crate) const fn restart(&mut self) {
        *self = Self::EMPTY;
    }

    /// A new flight. A wait that has grown is kept until a flight was answered at once (RFC 6347 section 4.2.4.1).
    pub(crate) const fn next_flight(&mut self) {
        let interval_ms = if self.sent > 1 { self.interval_ms } else { 0 };
        *self = Self { interval_ms, ..Self::EMPTY };
    }

    /// The flight was sent: wait for the answer. At the peer's prompting, before the wait was over, that is no attempt of
    /// ours: a peer that repeats itself for ever does not put off the end.
    pub(crate) fn sent(&mut self, now: Instant, backoff: &Backoff) {
        self.last_sent = now;
        if self.armed {
            return;
        }
        self.interval_ms = match self.sent {
            0 => self.interval_ms.max(backoff.initial_ms),
            _ => self.interval_ms.saturating_mul(2).min(backoff.max_ms.max(backoff.initial_ms)),
        };
        self.sent = self.sent.saturating_add(1);
        self.deadline = now.plus_millis(self.interval_ms.into());
        self.armed = true;
    }

    /// The same for the last flight of all, for whose answer nobody waits.
    pub(crate) const fn answered(&mut self, now: Instant) {
        self.last_sent = now;
    }

    pub(crate) const fn stop(&mut self) {
        self.armed = false;
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.armed.then_some(self.deadline)
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.armed && now >= self.deadline
    }

    /// Whether the flight may be sent once more because the peer repeated its own: not within an initial interval of the
    /// last time or of the next, so that replayed datagrams do not make us flood the peer.
    pub(crate) const fn may_answer(&self, now: Instant, backoff: &Backoff) -> bool {
        let interval = backoff.initial_ms as u64;
        let soon = self.armed && self.deadline.millis_since(now) < interval;
        !soon && now.millis_since(self.last_sent) >= interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_doubles_up_to_the_limit() {
        let backoff = Backoff { initial_ms: 1_000, max_ms: 5_000, attempts: 9, last_flight_attempts: 9 };
        let mut timer = Timer::EMPTY;
        let mut now = Instant::START;
        let mut waits = std::vec::Vec::new();
        for _ in 0..5 {
            timer.sent(now, &backoff);
            let deadline = timer.deadline().expect("armed");
            // Sent again because the peer asks for it: nothing changes.
            timer.sent(Instant::from_millis(now.as_millis() + 500), &backoff);
            assert_eq!(timer.deadline(), Some(deadline));
            waits.push(deadline.millis_since(now));
            assert!(!timer.is_due(Instant::from_millis(deadline.as_millis() - 1)) && timer.is_due(deadline));
            now = deadline;
            timer.stop();
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 5_000, 5_000]);
        assert_eq!((timer.sent, timer.deadline()), (5, None));
    }

    /// RFC 6347 section 4.2.4.1: until one was answered without a loss.
    #[test]
    fn a_wait_that_has_grown_is_that_of_the_next_flight() {
        let backoff = Backoff { initial_ms: 1_000, max_ms: 5_000, attempts: 9, last_flight_attempts: 9 };
        let mut timer = Timer::EMPTY;
        let mut wait_of = |attempts| {
            timer.next_flight();
            for _ in 0..attempts {
                timer.stop();
                timer.sent(Instant::START, &backoff);
            }
            timer.deadline().expect("armed").as_millis()
        };
        assert_eq!(
            [1, 2, 1, 1, 4, 2, 1, 1].map(&mut wait_of),
            [1_000, 2_000, 2_000, 1_000, 5_000, 5_000, 5_000, 1_000]
        );
        timer.restart();
        timer.sent(Instant::START, &backoff);
        assert_eq!(timer.deadline(), Some(Instant::from_millis(1_000)));
    }
}
