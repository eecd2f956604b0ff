//! A UDP proxy that loses, repeats and reorders datagrams, and can change the client's address.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// What the proxy does to datagrams, in percent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Lost.
    pub loss: u64,
    /// Delivered twice.
    pub duplication: u64,
    /// Overtaken by the next one or two.
    pub reordering: u64,
}

impl Weather {
    /// Nothing happens.
    pub const FAIR: Self = Self { loss: 0, duplication: 0, reordering: 0 };
    /// A fifth is lost.
    pub const BAD: Self = Self { loss: 20, duplication: 10, reordering: 20 };
}

/// Chances, reproducible from their seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A proxy in front of a server, ended with the value.
#[derive(Debug)]
pub struct Proxy {
    /// Where the client finds it, on 127.0.0.1.
    pub port: u16,
    stop: Arc<AtomicBool>,
    rebind: Arc<AtomicBool>,
    cut: Arc<AtomicBool>,
    /// Datagrams and bytes from the client and from the server.
    counts: Arc<[AtomicU64; 4]>,
}

impl Proxy {
    /// A proxy before a server on 127.0.0.1.
    pub fn start(server_port: u16, weather: Weather, seed: u64) -> Self {
        let front = UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let port = front.local_addr().expect("bound").port();
        let proxy = Self {
            port,
            stop: Arc::default(),
            rebind: Arc::default(),
            cut: Arc::default(),
            counts: Arc::new([const { AtomicU64::new(0) }; 4]),
        };
        let switches = [&proxy.stop, &proxy.rebind, &proxy.cut].map(Arc::clone);
        let counts = Arc::clone(&proxy.counts);
        std::thread::spawn(move || {
            run(&front, ([127, 0, 0, 1], server_port).into(), weather, seed, &switches, &counts);
        });
        proxy
    }

    /// From now on the server sees another source port, and what it sends to the old one is lost.
    pub fn change_source_port(&self) {
        self.rebind.store(true, Ordering::SeqCst);
        while self.rebind.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// From now on everything is lost, or nothing more than before.
    pub fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    /// Datagrams and bytes so far: from the client, then from the server.
    pub fn counts(&self) -> [u64; 4] {
        [0, 1, 2, 3].map(|at: usize| self.counts[at].load(Ordering::SeqCst))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// A datagram that is held back, to be overtaken.
type Held = Option<(Vec<u8>, u8)>;

fn run(
    front: &UdpSocket,
    server: SocketAddr,
    weather: Weather,
    seed: u64,
    [stop, rebind, cut]: &[Arc<AtomicBool>; 3],
    counts: &[AtomicU64; 4],
) {
    let mut rng = Dice(seed);
    let mut back = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    let mut client = None;
    let mut held: [Held; 2] = [None, None];
    let mut buffer = [0; 4096];
    front.set_nonblocking(true).expect("a socket");
    back.set_nonblocking(true).expect("a socket");
    let weather = || if cut.load(Ordering::SeqCst) { Weather { loss: 100, ..weather } } else { weather };
    while !stop.load(Ordering::SeqCst) {
        if rebind.load(Ordering::SeqCst) {
            back = UdpSocket::bind("127.0.0.1:0").expect("loopback");
            back.set_nonblocking(true).expect("a socket");
            rebind.store(false, Ordering::SeqCst);
        }
        let mut idle = true;
        if let Ok((length, from)) = front.recv_from(&mut buffer) {
            client = Some(from);
            idle = false;
            count(&counts[0], &counts[1], length);
            pass(&mut rng, weather(), &mut held[0], &buffer[..length], |datagram| {
                let _ = back.send_to(datagram, server);
            });
        }
        if let (Ok(length), Some(client)) = (back.recv(&mut buffer), client) {
            idle = false;
            count(&counts[2], &counts[3], length);
            pass(&mut rng, weather(), &mut held[1], &buffer[..length], |datagram| {
                let _ = front.send_to(datagram, client);
            });
        }
        if idle {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

fn count(datagrams: &AtomicU64, bytes: &AtomicU64, length: usize) {
    datagrams.fetch_add(1, Ordering::SeqCst);
    bytes.fetch_add(length as u64, Ordering::SeqCst);
}

fn pass(rng: &mut Dice, weather: Weather, held: &mut Held, datagram: &[u8], mut send: impl FnMut(&[u8])) {
    if !rng.chance(weather.loss) {
        if held.is_none() && rng.chance(weather.reordering) {
            *held = Some((datagram.to_vec(), 1 + rng.below(2) as u8));
        } else {
            send(datagram);
            if rng.chance(weather.duplication) {
                send(datagram);
            }
        }
    }
    match held {
        Some((_, wait @ 1..)) => *wait -= 1,
        Some(_) => {
            if let Some((late, _)) = held.take() {
                send(&late);
            }
        }
        None => {}
    }
}
