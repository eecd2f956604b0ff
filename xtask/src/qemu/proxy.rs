//! A UDP proxy between device and server that can lose datagrams.
//!
//! The device knows the proxy's port alone, so the server may end and start again behind it.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread waits before it looks whether it is to end.
const PATIENCE: Duration = Duration::from_millis(100);
/// No datagram is longer.
const ROOM: usize = 65_535;

/// Hears of each lost datagram: where it was to go, and its length.
pub(crate) type OnLoss = Box<dyn Fn(&str, usize) + Send + Sync>;

/// Ends with the value.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    on_loss: OnLoss,
    ended: AtomicBool,
    /// Of a hundred datagrams, how many are lost.
    loss_percent: AtomicU32,
    to_server: Mutex<Way>,
    to_device: Mutex<Way>,
}

/// One direction; its dice are its own, so that its losses do not depend on the traffic of the other one.
struct Way {
    random: u64,
    passed: u32,
    lost: u32,
}

impl Way {
    const fn new(seed: u64) -> Self {
        Self { random: seed, passed: 0, lost: 0 }
    }

    /// Whether the next datagram is lost.
    fn loses(&mut self, percent: u32) -> bool {
        // An LCG's high bits are fair enough for dice.
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let lost = (self.random >> 33) % 100 < u64::from(percent);
        if lost {
            self.lost += 1;
        } else {
            self.passed += 1;
        }
        lost
    }
}

/// Datagrams in both directions since the last look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    pub(crate) passed: u32,
    pub(crate) lost: u32,
}

impl Proxy {
    /// A proxy on a free port of loopback, without loss.
    pub(crate) fn start(server: SocketAddr, seed: u64, on_loss: OnLoss) -> io::Result<Self> {
        let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        front.set_read_timeout(Some(PATIENCE))?;
        let port = front.local_addr()?.port();
        let shared = Arc::new(Shared {
            server,
            on_loss,
            ended: AtomicBool::new(false),
            loss_percent: AtomicU32::new(0),
            to_server: Mutex::new(Way::new(seed)),
            to_device: Mutex::new(Way::new(!seed)),
        });
        let worker = Arc::clone(&shared);
        thread::spawn(move || worker.forward_to_server(&Arc::new(front)));
        Ok(Self { port, shared })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn lose(&self, percent: u32) {
        self.shared.loss_percent.store(percent, Ordering::Relaxed);
    }

    /// Counts from zero again.
    pub(crate) fn take_traffic(&self) -> Traffic {
        let mut traffic = Traffic { passed: 0, lost: 0 };
        for way in [&self.shared.to_server, &self.shared.to_device] {
            let mut way = way.lock().unwrap_or_else(PoisonError::into_inner);
            traffic.passed += std::mem::take(&mut way.passed);
            traffic.lost += std::mem::take(&mut way.lost);
        }
        traffic
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn loses(&self, way: &Mutex<Way>) -> bool {
        let percent = self.loss_percent.load(Ordering::Relaxed);
        way.lock().unwrap_or_else(PoisonError::into_inner).loses(percent)
    }

    /// Each address that the device comes from has a socket to the server of its own.
    fn forward_to_server(self: &Arc<Self>, front: &Arc<UdpSocket>) {
        let mut backs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
        let mut datagram = vec![0; ROOM];
        while !self.ended.load(Ordering::Relaxed) {
            let Ok((length, device)) = front.recv_from(&mut datagram) else { continue };
            if self.loses(&self.to_server) {
                (self.on_loss)("the server", length);
                continue;
            }
            if !backs.contains_key(&device)
                && let Ok(back) = self.back(front, device)
            {
                backs.insert(device, back);
            }
            if let Some(back) = backs.get(&device) {
                // A server that is away loses datagrams like a network does.
                let _ = back.send(&datagram[..length]);
            }
        }
    }

    fn back(self: &Arc<Self>, front: &Arc<UdpSocket>, device: SocketAddr) -> io::Result<Arc<UdpSocket>> {
        let back = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
        back.connect(self.server)?;
        back.set_read_timeout(Some(PATIENCE))?;
        let (shared, front, own) = (Arc::clone(self), Arc::clone(front), Arc::clone(&back));
        thread::spawn(move || shared.forward_to_device(&own, &front, device));
        Ok(back)
    }

    fn forward_to_device(&self, back: &UdpSocket, front: &UdpSocket, device: SocketAddr) {
        let mut datagram = vec![0; ROOM];
        while !self.ended.load(Ordering::Relaxed) {
            // A server that is away refuses what was sent to it: that is no reason to end.
            let Ok(length) = back.recv(&mut datagram) else { continue };
            if self.loses(&self.to_device) {
                (self.on_loss)("the device", length);
            } else {
                let _ = front.send_to(&datagram[..length], device);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(seed: u64) -> (Proxy, UdpSocket, UdpSocket) {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let device = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for socket in [&server, &device] {
            socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        }
        let proxy = Proxy::start(server.local_addr().unwrap(), seed, Box::new(|_, _| {})).unwrap();
        device.connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        (proxy, device, server)
    }

    #[test]
    fn it_forwards_both_ways() {
        let (proxy, device, server) = pair(1);
        let mut datagram = [0; 16];
        device.send(b"ping").unwrap();
        let (length, from) = server.recv_from(&mut datagram).unwrap();
        assert_eq!(&datagram[..length], b"ping");
        server.send_to(b"pong", from).unwrap();
        assert_eq!(device.recv(&mut datagram).unwrap(), 4);
        let traffic = proxy.take_traffic();
        assert_eq!((traffic.passed, traffic.lost), (2, 0));
    }

    #[test]
    fn it_loses_about_as_much_as_it_is_told() {
        let mut way = Way::new(7);
        (0..10_000).for_each(|_| {
            way.loses(20);
        });
        assert!((1_900..2_100).contains(&way.lost), "{}", way.lost);
        assert_eq!(way.passed + way.lost, 10_000);
    }

    #[test]
    fn the_same_seed_loses_the_same() {
        let losses = |seed| {
            let mut way = Way::new(seed);
            (0..100).map(|_| way.loses(20)).collect::<Vec<_>>()
        };
        assert_eq!(losses(5), losses(5));
        assert_ne!(losses(5), losses(6));
    }
}
