//! A network that loses, repeats, delays and so reorders datagrams, all from one seed.

use crate::common::SeededRng;

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Percent of datagrams lost.
    pub loss: u64,
    /// Percent of datagrams that arrive twice.
    pub duplication: u64,
    /// Milliseconds that a datagram takes, least and most.
    pub delay: (u64, u64),
}

impl Weather {
    pub const FINE: Self = Self { loss: 0, duplication: 0, delay: (10, 10) };
    pub const BAD: Self = Self { loss: 20, duplication: 10, delay: (10, 400) };
}

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Client,
    Server,
}

/// The datagrams on their way.
#[derive(Debug)]
pub struct Network {
    pub weather: Weather,
    pub rng: SeededRng,
    /// Arrival, order of sending, destination, bytes.
    flying: Vec<(u64, u64, To, Vec<u8>)>,
    sent: u64,
    /// Datagrams and bytes sent to each side.
    pub to_client: (u64, u64),
    pub to_server: (u64, u64),
}

impl Network {
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self {
            weather,
            rng: SeededRng(seed),
            flying: Vec::new(),
            sent: 0,
            to_client: (0, 0),
            to_server: (0, 0),
        }
    }

    pub fn send(&mut self, now: u64, to: To, datagram: &[u8]) {
        let count = if to == To::Client { &mut self.to_client } else { &mut self.to_server };
        count.0 += 1;
        count.1 += datagram.len() as u64;
        let copies = 1 + u64::from(self.rng.chance(self.weather.duplication));
        for _ in 0..copies {
            if !self.rng.chance(self.weather.loss) {
                let (least, most) = self.weather.delay;
                let arrival = now + least + self.rng.below(most - least + 1);
                self.sent += 1;
                self.flying.push((arrival, self.sent, to, datagram.to_vec()));
            }
        }
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<u64> {
        self.flying.iter().map(|datagram| datagram.0).min()
    }

    /// The next datagram that has arrived.
    pub fn receive(&mut self, now: u64) -> Option<(To, Vec<u8>)> {
        let (at, _) = self
            .flying
            .iter()
            .enumerate()
            .filter(|(_, datagram)| datagram.0 <= now)
            .min_by_key(|(_, datagram)| (datagram.0, datagram.1))?;
        let (_, _, to, bytes) = self.flying.swap_remove(at);
        Some((to, bytes))
    }
}
