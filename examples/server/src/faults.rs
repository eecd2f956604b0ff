//! A network that drops, duplicates and delays, with a seed, so that a failure can be played again.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::code::Code;
use crate::transport::{PeerId, Received, Transport, Waker};

/// What happens to datagrams of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Impairment {
    /// How many of the next datagrams are lost for certain.
    pub drop_next: u32,
    /// The share of datagrams that are lost, 0.0 to 1.0.
    pub drop: f64,
    /// The share of datagrams that arrive twice, 0.0 to 1.0.
    pub duplicate: f64,
    /// Each datagram waits for up to this time, so that later ones may overtake it.
    pub delay: Duration,
}

/// Misbehaviour for tests. The default has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Faults {
    /// Start of the random numbers: the same seed and traffic give the same losses.
    pub seed: u64,
    /// From devices to the server.
    pub incoming: Impairment,
    /// From the server to devices.
    pub outgoing: Impairment,
    /// How many of the next Register requests are refused with [`Faults::refuse_code`].
    pub refuse_registers: u32,
    /// The answer to a refused Register.
    pub refuse_code: Code,
    /// Answers confirmable requests of devices with an empty ACK, and this much later with a separate response
    /// (RFC 7252 section 5.2.2).
    pub separate_responses: Option<Duration>,
}

impl Default for Faults {
    fn default() -> Self {
        Faults {
            seed: 0,
            incoming: Impairment::default(),
            outgoing: Impairment::default(),
            refuse_registers: 0,
            refuse_code: Code::SERVICE_UNAVAILABLE,
            separate_responses: None,
        }
    }
}

impl Faults {
    /// The same bad network in both directions.
    pub fn network(seed: u64, impairment: Impairment) -> Self {
        Faults { seed, incoming: impairment, outgoing: impairment, ..Faults::default() }
    }
}

/// Small seeded generator (SplitMix64): enough to choose losses, never used for tokens.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn happens(&mut self, share: f64) -> bool {
        f64::from(self.roll() as u32) < share * 4_294_967_296.0
    }

    fn up_to(&mut self, limit: Duration) -> Duration {
        limit.mul_f64(f64::from(self.roll() as u32) / 4_294_967_296.0)
    }
}

/// Datagrams that wait, by due time and a running number that keeps equals in order.
type Waiting = BTreeMap<(Instant, u64), (PeerId, Vec<u8>)>;

/// A transport whose network is bad. The server puts one around its transport; below a security layer, a test can put another.
pub struct Faulty<T> {
    inner: T,
    faults: Faults,
    dice: Dice,
    count: u64,
    incoming: Waiting,
    outgoing: Waiting,
}

impl<T> std::fmt::Debug for Faulty<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Faulty").field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl<T: Transport> Faulty<T> {
    /// Puts a bad network around `inner`. Refused registers and separate responses are not its business.
    pub fn new(inner: T, faults: Faults) -> Self {
        Faulty {
            inner,
            faults,
            dice: Dice(faults.seed),
            count: 0,
            incoming: BTreeMap::new(),
            outgoing: BTreeMap::new(),
        }
    }

    /// Changes the faults; datagrams that wait already keep their time.
    pub fn set(&mut self, faults: Faults) {
        self.faults = faults;
        self.dice = Dice(faults.seed);
    }

    /// When each copy of a datagram arrives; none if it is lost.
    fn fate(dice: &mut Dice, impairment: &mut Impairment) -> Vec<Duration> {
        if impairment.drop_next > 0 {
            impairment.drop_next -= 1;
            return Vec::new();
        }
        let lost = dice.happens(impairment.drop);
        let twice = dice.happens(impairment.duplicate);
        let mut copies = vec![dice.up_to(impairment.delay), dice.up_to(impairment.delay)];
        copies.truncate(if lost { 0 } else { 1 + usize::from(twice) });
        copies
    }

    /// Sends what is due.
    fn flush(&mut self, now: Instant) {
        while let Some(entry) = self.outgoing.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let (peer, datagram) = entry.remove();
            // A send that fails is one more lost datagram: retransmission takes care of it.
            drop(self.inner.send(peer, &datagram));
        }
    }
}

impl<T: Transport> Transport for Faulty<T> {
    fn receive(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<Received> {
        loop {
            let now = Instant::now();
            self.flush(now);
            if let Some(entry) = self.incoming.first_entry().filter(|entry| entry.key().0 <= now) {
                let (peer, datagram) = entry.remove();
                let length = datagram.len().min(buffer.len());
                buffer[..length].copy_from_slice(&datagram[..length]);
                return Ok(Received::Datagram(length, peer));
            }
            let first = |waiting: &Waiting| waiting.first_key_value().map(|((due, _), _)| *due);
            let due = [deadline, first(&self.incoming), first(&self.outgoing)].into_iter().flatten().min();
            match self.inner.receive(buffer, due)? {
                Received::Datagram(length, peer) => {
                    let datagram = buffer.get(..length).unwrap_or_default();
                    for delay in Self::fate(&mut self.dice, &mut self.faults.incoming) {
                        self.count += 1;
                        self.incoming
                            .insert((now.max(Instant::now()) + delay, self.count), (peer, datagram.to_vec()));
                    }
                }
                Received::TimedOut if deadline.is_none_or(|deadline| Instant::now() < deadline) => {}
                other => return Ok(other),
            }
        }
    }

    fn send(&mut self, peer: PeerId, datagram: &[u8]) -> io::Result<()> {
        let now = Instant::now();
        for delay in Self::fate(&mut self.dice, &mut self.faults.outgoing) {
            self.count += 1;
            self.outgoing.insert((now + delay, self.count), (peer, datagram.to_vec()));
        }
        self.flush(now);
        Ok(())
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.inner.local_address()
    }

    fn address_of(&self, peer: PeerId) -> Option<SocketAddr> {
        self.inner.address_of(peer)
    }

    fn waker(&self) -> Waker {
        self.inner.waker()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use super::*;

    const PEER: PeerId = PeerId::Session(7);

    /// Gives out what is queued, then times out; remembers what was sent.
    #[derive(Default)]
    struct Wire {
        queued: VecDeque<u8>,
        sent: Vec<u8>,
    }

    impl Transport for Wire {
        fn receive(&mut self, buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<Received> {
            if let Some(byte) = self.queued.pop_front() {
                buffer[0] = byte;
                return Ok(Received::Datagram(1, PEER));
            }
            let due = deadline.expect("a test never waits without end");
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            Ok(Received::TimedOut)
        }

        fn send(&mut self, _: PeerId, datagram: &[u8]) -> io::Result<()> {
            self.sent.extend(datagram);
            Ok(())
        }

        fn local_address(&self) -> io::Result<SocketAddr> {
            Ok((Ipv4Addr::LOCALHOST, 1).into())
        }

        fn address_of(&self, _: PeerId) -> Option<SocketAddr> {
            None
        }

        fn waker(&self) -> Waker {
            Arc::new(|| ())
        }
    }

    fn pass(faults: Faults, count: u8) -> (Vec<u8>, Vec<u8>) {
        let wire = Wire { queued: (0..count).collect(), ..Wire::default() };
        let mut layer = Faulty::new(wire, faults);
        for byte in 0..count {
            layer.send(PEER, &[byte]).unwrap();
        }
        // A delay begins when the layer gets the datagram, which may be late on a busy machine.
        let delay = faults.incoming.delay.max(faults.outgoing.delay);
        let deadline = Instant::now() + delay + Duration::from_secs(1);
        let mut received = Vec::new();
        let mut buffer = [0; 4];
        while let Received::Datagram(length, peer) = layer.receive(&mut buffer, Some(deadline)).unwrap() {
            assert_eq!((length, peer), (1, PEER));
            received.push(buffer[0]);
        }
        (received, layer.inner.sent)
    }

    #[test]
    fn no_faults_change_nothing() {
        let all: Vec<u8> = (0..100).collect();
        assert_eq!(pass(Faults::default(), 100), (all.clone(), all));
    }

    #[test]
    fn a_seed_repeats_its_losses() {
        let faults = Faults::network(3, Impairment { drop: 0.3, duplicate: 0.2, ..Impairment::default() });
        let (received, sent) = pass(faults, 200);
        assert_eq!(pass(faults, 200), (received.clone(), sent.clone()));
        assert_ne!(pass(Faults { seed: 4, ..faults }, 200).0, received);
        for list in [received, sent] {
            let mut different = list.clone();
            different.dedup();
            assert!((100..180).contains(&different.len()), "{} of 200 arrived", different.len());
            assert!(list.len() > different.len(), "none arrived twice");
        }
    }

    #[test]
    fn delay_changes_the_order_and_loses_nothing() {
        let delay = Duration::from_millis(30);
        let (received, sent) = pass(Faults::network(1, Impairment { delay, ..Impairment::default() }), 50);
        for mut list in [received, sent] {
            assert!(!list.is_sorted());
            list.sort_unstable();
            assert_eq!(list, (0..50).collect::<Vec<u8>>());
        }
    }

    #[test]
    fn the_next_datagrams_can_be_lost_for_certain() {
        let faults =
            Faults { outgoing: Impairment { drop_next: 2, ..Impairment::default() }, ..Faults::default() };
        assert_eq!(pass(faults, 4), (vec![0, 1, 2, 3], vec![2, 3]));
    }
}
