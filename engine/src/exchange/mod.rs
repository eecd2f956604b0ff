//! Confirmable messages of ours that wait for an answer, and requests of servers that were answered (RFC 7252 section 4).

mod duplicates;

pub use duplicates::Duplicate;
pub(crate) use duplicates::{lookup, remember, room_for};

use crate::account::ServerIndex;
use crate::coap::Token;
use crate::profile::{Profile, Slot};
use crate::random::Random;
use crate::time::{Duration, Instant};

/// Where a confirmable message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// It is sent, for the first time or again, when the deadline has come.
    Unanswered,
    /// An empty acknowledgement came: the response follows in a message of its own (RFC 7252 section 5.2.2).
    Acknowledged,
}

/// What has to be done about an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Transmit,
    TimeOut,
}

/// A confirmable message. It is built anew for every transmission, so only what identifies it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    state: State,
    server: u8,
    transmissions: u8,
    message_id: u16,
    /// What the message is about: for notifications the place of the observation.
    subject: u16,
    token: Token,
    timeout_ms: u32,
    deadline: Instant,
}

impl Slot for Exchange {
    const EMPTY: Self = Self {
        state: State::Free,
        server: 0,
        transmissions: 0,
        message_id: 0,
        subject: 0,
        token: Token::EMPTY,
        timeout_ms: 0,
        deadline: Instant::ZERO,
    };
}

impl Exchange {
    /// A message that is to be sent now.
    pub(crate) fn start<P: Profile>(
        server: ServerIndex,
        subject: u16,
        message_id: u16,
        token: Token,
        now: Instant,
        random: &mut Random,
    ) -> Self {
        // ACK_RANDOM_FACTOR is 1.5 (RFC 7252 section 4.2).
        let timeout_ms = P::ACK_TIMEOUT_MS + random.up_to(P::ACK_TIMEOUT_MS / 2);
        let (state, server) = (State::Unanswered, server.0);
        Self { state, server, transmissions: 0, message_id, subject, token, timeout_ms, deadline: now }
    }

    pub(crate) fn is_free(&self) -> bool {
        self.state == State::Free
    }

    pub(crate) fn is_for(&self, server: ServerIndex) -> bool {
        !self.is_free() && self.server == server.0
    }

    pub(crate) const fn server(&self) -> ServerIndex {
        ServerIndex(self.server)
    }

    pub(crate) const fn subject(&self) -> usize {
        self.subject as usize
    }

    pub(crate) const fn message_id(&self) -> u16 {
        self.message_id
    }

    pub(crate) const fn token(&self) -> Token {
        self.token
    }

    pub(crate) const fn is_retransmission(&self) -> bool {
        self.transmissions > 0
    }

    /// The message says something else now: it is another message, with the patience of the old one
    /// (RFC 7641 section 4.5.2).
    pub(crate) const fn supersede(&mut self, message_id: u16, token: Token) {
        (self.message_id, self.token) = (message_id, token);
    }

    /// When something has to be done; never for a free slot.
    pub(crate) fn deadline(&self) -> Instant {
        if self.is_free() { Instant::NEVER } else { self.deadline }
    }

    /// What has to be done at this time.
    pub(crate) fn due<P: Profile>(&self, now: Instant) -> Option<Due> {
        if self.deadline() > now {
            return None;
        }
        let again = self.state == State::Unanswered && self.transmissions <= P::MAX_RETRANSMIT;
        Some(if again { Due::Transmit } else { Due::TimeOut })
    }

    /// The message was handed over.
    pub(crate) fn transmitted(&mut self, now: Instant) {
        self.transmissions += 1;
        self.deadline = now + Duration::from_millis(u64::from(self.timeout_ms));
        self.timeout_ms = self.timeout_ms.saturating_mul(2);
    }

    /// An empty acknowledgement came. Another one does not make the wait longer.
    pub(crate) fn acknowledged<P: Profile>(&mut self, now: Instant) {
        if self.state != State::Unanswered {
            return;
        }
        self.state = State::Acknowledged;
        self.deadline = now + max_transmit_wait::<P>();
    }

    pub(crate) fn finish(&mut self) {
        *self = Self::EMPTY;
    }
}

/// MAX_TRANSMIT_WAIT: how long the sender of a CON waits for an answer at most (RFC 7252 section 4.8.2): 93 s by default.
pub(crate) fn max_transmit_wait<P: Profile>() -> Duration {
    let rounds = (1u64 << (P::MAX_RETRANSMIT.min(16) + 1)) - 1;
    Duration::from_millis(u64::from(P::ACK_TIMEOUT_MS) * rounds * 3 / 2)
}

/// EXCHANGE_LIFETIME: how long a message id may not be used again (RFC 7252 section 4.8.2): 247 s by default.
pub(crate) fn exchange_lifetime<P: Profile>() -> Duration {
    // MAX_TRANSMIT_SPAN + 2 * MAX_LATENCY (100 s) + PROCESSING_DELAY (ACK_TIMEOUT)
    let rounds = (1u64 << P::MAX_RETRANSMIT.min(16)) - 1;
    Duration::from_millis(u64::from(P::ACK_TIMEOUT_MS) * (rounds * 3 + 2) / 2) + Duration::from_secs(200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::TestProfile;

    fn at(ms: u64) -> Instant {
        Instant::from_millis(ms)
    }

    fn exchange(seed: u64) -> Exchange {
        let mut random = Random::new(seed);
        Exchange::start::<TestProfile>(ServerIndex(0), 0, 1, Token::EMPTY, at(1000), &mut random)
    }

    #[test]
    fn waits_double_and_end() {
        for seed in 0..100 {
            let mut exchange = exchange(seed);
            let mut waits = std::vec::Vec::new();
            let mut now = at(1000);
            while exchange.due::<TestProfile>(now) == Some(Due::Transmit) {
                exchange.transmitted(now);
                waits.push(exchange.deadline().since(now).as_millis());
                assert_eq!(exchange.due::<TestProfile>(now), None);
                now = exchange.deadline();
            }
            assert_eq!(exchange.due::<TestProfile>(now), Some(Due::TimeOut));
            assert_eq!(waits.len(), 5);
            assert!((2_000..=3_000).contains(&waits[0]), "{waits:?}");
            assert!(waits.windows(2).all(|pair| pair[1] == pair[0] * 2));
        }
        assert_ne!(exchange(1).timeout_ms, exchange(2).timeout_ms, "jitter");
    }

    #[test]
    fn an_acknowledged_message_is_not_sent_again() {
        let mut exchange = exchange(0);
        exchange.transmitted(at(1000));
        exchange.acknowledged::<TestProfile>(at(1500));
        assert_eq!(exchange.due::<TestProfile>(at(90_000)), None);
        exchange.acknowledged::<TestProfile>(at(90_000));
        assert_eq!(exchange.due::<TestProfile>(at(94_500)), Some(Due::TimeOut));
    }

    #[test]
    fn times_are_those_of_rfc_7252_section_4_8_2() {
        assert_eq!(max_transmit_wait::<TestProfile>(), Duration::from_secs(93));
        assert_eq!(exchange_lifetime::<TestProfile>(), Duration::from_secs(247));
    }
}
