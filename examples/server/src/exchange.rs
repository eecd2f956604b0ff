//! Messages that wait for a reply, and their retransmission (RFC 7252 section 4.2). Time comes in as an argument.

use std::time::{Duration, Instant};

use crate::transport::PeerId;

/// When and how often a confirmable message is sent again (RFC 7252 section 4.8).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retransmission {
    /// `ACK_TIMEOUT`: least time until the first retransmission. Default 2 s.
    pub ack_timeout: Duration,
    /// `ACK_RANDOM_FACTOR`: the time is drawn between this times 1 and this times the factor. Default 1.5.
    pub ack_random_factor: f64,
    /// `MAX_RETRANSMIT`: retransmissions, each after twice the time of the one before. Default 4.
    pub max_retransmit: u32,
}

impl Default for Retransmission {
    fn default() -> Self {
        Retransmission { ack_timeout: Duration::from_secs(2), ack_random_factor: 1.5, max_retransmit: 4 }
    }
}

/// How a message is transmitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Confirmable and neither acknowledged nor answered: next transmission, and the wait after that one.
    Confirmable(Instant, Duration),
    /// Nothing more to send.
    Waiting,
}

/// A message on its way. `T` says what it is for.
#[derive(Debug)]
pub(crate) struct Exchange<T> {
    pub(crate) peer: PeerId,
    pub(crate) mid: u16,
    /// Tokens of messages without response (ping, separate response) are `None`.
    pub(crate) token: Option<Vec<u8>>,
    pub(crate) started: Instant,
    pub(crate) transmissions: u32,
    pub(crate) purpose: T,
    datagram: Vec<u8>,
    deadline: Option<Instant>,
    phase: Phase,
}

/// A message to begin with.
#[derive(Debug)]
pub(crate) struct Start<T> {
    pub(crate) peer: PeerId,
    pub(crate) mid: u16,
    pub(crate) token: Option<Vec<u8>>,
    pub(crate) datagram: Vec<u8>,
    pub(crate) confirmable: bool,
    /// First transmission.
    pub(crate) at: Instant,
    /// Time for the response.
    pub(crate) timeout: Option<Duration>,
    pub(crate) purpose: T,
}

/// Something is due.
#[derive(Debug)]
pub(crate) enum Due<T> {
    /// Send these bytes; `true`: again.
    Transmit(PeerId, Vec<u8>, bool),
    NotAcknowledged(Exchange<T>),
    TimedOut(Exchange<T>),
}

/// All messages that wait for a reply.
#[derive(Debug)]
pub(crate) struct Exchanges<T> {
    list: Vec<Exchange<T>>,
    parameters: Retransmission,
}

impl<T> Exchanges<T> {
    pub(crate) fn new(parameters: Retransmission) -> Self {
        Exchanges { list: Vec::new(), parameters }
    }

    /// Adds a message; its first transmission is due at `start.at`. `jitter` (0 to 1) draws the time to the second one.
    pub(crate) fn start(&mut self, start: Start<T>, jitter: f64) {
        let Retransmission { ack_timeout, ack_random_factor, .. } = self.parameters;
        let wait = ack_timeout.mul_f64((1.0 + jitter * (ack_random_factor - 1.0)).max(0.0));
        // A non-confirmable message is a confirmable one that is over with its first transmission.
        let wait = if start.confirmable { wait } else { Duration::MAX };
        self.list.push(Exchange {
            peer: start.peer,
            mid: start.mid,
            token: start.token,
            started: start.at,
            transmissions: 0,
            purpose: start.purpose,
            datagram: start.datagram,
            deadline: start.timeout.map(|timeout| start.at + timeout),
            phase: Phase::Confirmable(start.at, wait),
        });
    }

    /// The next thing that is due.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Due<T>> {
        if let Some(index) = self.list.iter().position(|e| e.deadline.is_some_and(|deadline| deadline <= now))
        {
            return Some(Due::TimedOut(self.list.remove(index)));
        }
        let index =
            self.list.iter().position(|e| matches!(e.phase, Phase::Confirmable(at, _) if at <= now))?;
        let exchange = self.list.get_mut(index)?;
        let Phase::Confirmable(_, wait) = exchange.phase else { return None };
        if exchange.transmissions > self.parameters.max_retransmit {
            return Some(Due::NotAcknowledged(self.list.remove(index)));
        }
        exchange.transmissions += 1;
        exchange.phase = now
            .checked_add(wait)
            .map_or(Phase::Waiting, |next| Phase::Confirmable(next, wait.saturating_mul(2)));
        Some(Due::Transmit(exchange.peer, exchange.datagram.clone(), exchange.transmissions > 1))
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let due = |exchange: &Exchange<T>| match exchange.phase {
            Phase::Confirmable(at, _) => Some(exchange.deadline.map_or(at, |deadline| deadline.min(at))),
            Phase::Waiting => exchange.deadline,
        };
        self.list.iter().filter_map(due).min()
    }

    /// The message is acknowledged: it is not sent again, and one that expects no response is over.
    pub(crate) fn acknowledge(&mut self, peer: PeerId, mid: u16) {
        for exchange in self.list.iter_mut().filter(|e| e.peer == peer && e.mid == mid) {
            exchange.phase = Phase::Waiting;
        }
        self.list.retain(|e| e.peer != peer || e.mid != mid || e.token.is_some() || e.deadline.is_some());
    }

    /// Takes the first exchange that `matches`.
    pub(crate) fn take(&mut self, matches: impl Fn(&Exchange<T>) -> bool) -> Option<Exchange<T>> {
        let index = self.list.iter().position(matches)?;
        Some(self.list.remove(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = PeerId::Session(1);

    fn start(at: Instant, confirmable: bool, timeout: Option<Duration>) -> Start<u8> {
        Start {
            peer: PEER,
            mid: 9,
            token: Some(vec![1]),
            datagram: vec![5],
            confirmable,
            at,
            timeout,
            purpose: 0,
        }
    }

    /// When each transmission happens in ms, and what comes at last.
    fn run(start: Start<u8>, jitter: f64) -> (Vec<u128>, Option<Due<u8>>) {
        let now = start.at;
        let mut exchanges = Exchanges::new(Retransmission::default());
        exchanges.start(start, jitter);
        let mut times = Vec::new();
        while let Some(due) = exchanges.next_due() {
            match exchanges.due(due) {
                Some(Due::Transmit(..)) => times.push((due - now).as_millis()),
                other => return (times, other),
            }
        }
        (times, None)
    }

    #[test]
    fn a_confirmable_message_is_sent_five_times() {
        let (times, end) = run(start(Instant::now(), true, None), 0.0);
        assert_eq!(times, [0, 2000, 6000, 14_000, 30_000]);
        assert!(matches!(end, Some(Due::NotAcknowledged(_))));
        let (times, _) = run(start(Instant::now(), true, None), 1.0);
        assert_eq!(times, [0, 3000, 9000, 21_000, 45_000]);
    }

    #[test]
    fn a_non_confirmable_message_is_sent_once() {
        let (times, end) = run(start(Instant::now(), false, Some(Duration::from_secs(9))), 0.5);
        assert_eq!(times, [0]);
        assert!(matches!(end, Some(Due::TimedOut(_))));
    }

    #[test]
    fn the_deadline_of_the_response_comes_first() {
        let (times, end) = run(start(Instant::now(), true, Some(Duration::from_secs(5))), 0.0);
        assert_eq!(times, [0, 2000]);
        assert!(matches!(end, Some(Due::TimedOut(_))));
    }

    #[test]
    fn an_acknowledgement_ends_retransmission_but_not_the_exchange() {
        let now = Instant::now();
        let mut exchanges = Exchanges::new(Retransmission::default());
        exchanges.start(start(now, true, Some(Duration::from_secs(9))), 0.0);
        exchanges.due(now);
        exchanges.acknowledge(PeerId::Session(2), 9);
        assert_eq!(exchanges.next_due(), Some(now + Duration::from_secs(2)), "another peer's ACK");
        exchanges.acknowledge(PEER, 9);
        assert_eq!(exchanges.next_due(), Some(now + Duration::from_secs(9)));
        exchanges.start(Start { token: None, mid: 10, ..start(now, true, None) }, 0.0);
        exchanges.acknowledge(PEER, 10);
        assert_eq!(exchanges.list.len(), 1, "nothing more is expected for an acknowledged response");
    }
}
