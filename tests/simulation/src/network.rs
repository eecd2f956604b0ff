//! The network: datagrams get lost, are repeated, and overtake each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::rng::Rng;

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Percent of datagrams lost.
    pub loss: u64,
    /// Percent of datagrams that arrive twice.
    pub duplication: u64,
    /// Milliseconds that a datagram takes, least and most: the difference reorders.
    pub delay: (u64, u64),
}

impl Weather {
    /// Nothing gets lost.
    pub const FINE: Self = Self { loss: 0, duplication: 0, delay: (20, 20) };
    /// Three of ten datagrams are lost, one comes twice, and some take longer than a retransmission.
    pub const BAD: Self = Self { loss: 30, duplication: 10, delay: (10, 3_000) };
}

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum To {
    Device,
    Server,
}

/// A datagram on its way: the server that it goes to or comes from, and the port of the device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Datagram {
    pub(crate) to: To,
    pub(crate) server: usize,
    pub(crate) port: u32,
    pub(crate) bytes: Vec<u8>,
}

/// The datagrams that are on their way.
#[derive(Debug)]
pub struct Network {
    /// How bad it is from now on.
    pub weather: Weather,
    rng: Rng,
    /// Arrival, order of sending.
    flying: BinaryHeap<Reverse<(u64, u64, Datagram)>>,
    sent: u64,
}

impl Network {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self { weather, rng: Rng::new(seed), flying: BinaryHeap::new(), sent: 0 }
    }

    /// How many datagrams were handed over so far.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    pub(crate) fn send(&mut self, now: u64, datagram: &Datagram) {
        let copies = 1 + u64::from(self.rng.percent(self.weather.duplication));
        self.sent += 1;
        for copy in 0..copies {
            if !self.rng.percent(self.weather.loss) {
                let (least, most) = self.weather.delay;
                let arrival = now + self.rng.between(least, most);
                self.flying.push(Reverse((arrival, self.sent * 2 + copy, datagram.clone())));
            }
        }
    }

    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.flying.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next datagram that has arrived.
    pub(crate) fn receive(&mut self, now: u64) -> Option<Datagram> {
        if self.next_arrival()? > now {
            return None;
        }
        self.flying.pop().map(|Reverse((.., datagram))| datagram)
    }
}
