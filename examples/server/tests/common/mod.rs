//! A device made of `coap-lite` and a socket: it knows nothing of the server's own code.

#![allow(dead_code, unreachable_pub)] // Each test program uses its part.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use coap_lite::{CoapOption, MessageType, Packet};
use coracle_demo_server::{Config, Events, Registration, Retransmission, Server};

/// Long enough for every machine, short enough to fail in.
pub const SOON: Duration = Duration::from_secs(30);
/// Nothing comes after this time on loopback.
pub const NEVER: Duration = Duration::from_millis(150);

pub const TEXT: u16 = 0;
pub const LINK: u16 = 40;
pub const SENML_JSON: u16 = 110;

/// A server whose retransmissions do not make tests slow, and whose first comes later than the answer of a device that has to
/// wait for its turn on a busy machine.
pub fn config() -> Config {
    let retransmission =
        Retransmission { ack_timeout: Duration::from_millis(750), ..Retransmission::default() };
    Config { retransmission, request_timeout: SOON, ..Config::default() }
}

pub fn code(packet: &Packet) -> String {
    packet.header.get_code()
}

pub fn path(packet: &Packet) -> String {
    joined(packet, CoapOption::UriPath, "/")
}

pub fn query(packet: &Packet) -> String {
    joined(packet, CoapOption::UriQuery, "&")
}

pub fn location(packet: &Packet) -> String {
    joined(packet, CoapOption::LocationPath, "/")
}

fn joined(packet: &Packet, option: CoapOption, separator: &str) -> String {
    let parts = packet.get_option(option).into_iter().flatten();
    parts.map(|part| String::from_utf8(part.clone()).unwrap()).collect::<Vec<_>>().join(separator)
}

pub fn number(packet: &Packet, option: CoapOption) -> Option<u32> {
    packet.get_first_option(option).map(|value| value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

pub fn uint(value: u32) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

fn message(kind: MessageType, code: &str, mid: u16, token: &[u8]) -> Packet {
    let mut packet = Packet::new();
    packet.header.set_version(1);
    packet.header.set_type(kind);
    packet.header.set_code(code);
    packet.header.message_id = mid;
    packet.set_token(token.to_vec());
    packet
}

fn with_content(mut packet: Packet, format: u16, payload: &[u8]) -> Packet {
    packet.add_option(CoapOption::ContentFormat, uint(format.into()));
    packet.payload = payload.to_vec();
    packet
}

/// A response in the acknowledgement of `request`.
pub fn piggybacked(request: &Packet, code: &str) -> Packet {
    message(MessageType::Acknowledgement, code, request.header.message_id, request.get_token())
}

/// The same with a payload.
pub fn content(request: &Packet, format: u16, payload: &[u8]) -> Packet {
    with_content(piggybacked(request, "2.05"), format, payload)
}

/// An empty message.
pub fn empty(kind: MessageType, mid: u16) -> Packet {
    message(kind, "0.00", mid, &[])
}

/// What a device does with a request: the messages it sends.
pub type Behaviour = Box<dyn FnMut(&Packet) -> Vec<Packet> + Send>;

pub struct FakeDevice {
    socket: Arc<UdpSocket>,
    server: SocketAddr,
    next_mid: AtomicU16,
    /// Messages that are no requests.
    inbox: Mutex<Receiver<Packet>>,
    /// All requests, duplicates too.
    pub requests: Arc<Mutex<Vec<Packet>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FakeDevice {
    pub fn start(
        server: SocketAddr,
        behaviour: impl FnMut(&Packet) -> Vec<Packet> + Send + 'static,
    ) -> FakeDevice {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let (socket, stop, requests) = (Arc::new(socket), Arc::new(AtomicBool::new(false)), Arc::default());
        let (sender, inbox) = channel();
        let worker = Worker {
            socket: Arc::clone(&socket),
            behaviour: Box::new(behaviour),
            inbox: sender,
            requests: Arc::clone(&requests),
            stop: Arc::clone(&stop),
        };
        let thread = Some(std::thread::spawn(move || worker.run()));
        let next_mid = AtomicU16::new(socket.local_addr().unwrap().port());
        FakeDevice { socket, server, next_mid, inbox: Mutex::new(inbox), requests, stop, thread }
    }

    /// A device that answers nothing.
    pub fn silent(server: SocketAddr) -> FakeDevice {
        FakeDevice::start(server, |_| Vec::new())
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub fn mid(&self) -> u16 {
        self.next_mid.fetch_add(1, Ordering::Relaxed)
    }

    pub fn send_bytes(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.server).unwrap();
    }

    pub fn send(&self, packet: &Packet) {
        self.send_bytes(&packet.to_bytes_unlimited().unwrap());
    }

    /// The next message of the server that is no request.
    pub fn receive(&self, timeout: Duration) -> Option<Packet> {
        self.inbox.lock().unwrap().recv_timeout(timeout).ok()
    }

    /// A request to the server, with path and query.
    pub fn request(&self, kind: MessageType, code: &str, path: &str, query: &str) -> Packet {
        let mid = self.mid();
        let mut packet = message(kind, code, mid, &mid.to_be_bytes());
        for part in path.split('/').filter(|part| !part.is_empty()) {
            packet.add_option(CoapOption::UriPath, part.as_bytes().to_vec());
        }
        for part in query.split('&').filter(|part| !part.is_empty()) {
            packet.add_option(CoapOption::UriQuery, part.as_bytes().to_vec());
        }
        packet
    }

    /// Sends a confirmable request and returns the piggybacked response.
    pub fn ask(&self, code: &str, path: &str, query: &str, content: Option<(u16, &[u8])>) -> Packet {
        let mut packet = self.request(MessageType::Confirmable, code, path, query);
        if let Some((format, payload)) = content {
            packet = with_content(packet, format, payload);
        }
        self.exchange(&packet)
    }

    /// Sends a message and returns the reply to it.
    pub fn exchange(&self, packet: &Packet) -> Packet {
        self.send(packet);
        let reply = self.receive(SOON).expect("the server answers");
        assert_eq!(reply.header.message_id, packet.header.message_id);
        reply
    }

    pub fn register(&self, query: &str, links: &str) -> Packet {
        self.ask("0.02", "/rd", query, Some((LINK, links.as_bytes())))
    }

    /// A notification of `observed`, the request that began the observation.
    pub fn notify(&self, kind: MessageType, observed: &Packet, sequence: u32, payload: &str) -> u16 {
        let mid = self.mid();
        let mut packet = message(kind, "2.05", mid, observed.get_token());
        packet.add_option(CoapOption::Observe, uint(sequence));
        self.send(&with_content(packet, TEXT, payload.as_bytes()));
        mid
    }

    /// A message of its own with the token of a request.
    pub fn separate(&self, kind: MessageType, request: &Packet, code: &str) -> Packet {
        message(kind, code, self.mid(), request.get_token())
    }
}

impl Drop for FakeDevice {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join).transpose().expect("the fake device does not panic");
    }
}

struct Worker {
    socket: Arc<UdpSocket>,
    behaviour: Behaviour,
    inbox: Sender<Packet>,
    requests: Arc<Mutex<Vec<Packet>>>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    fn run(mut self) {
        let mut buffer = [0; 2048];
        while !self.stop.load(Ordering::Relaxed) {
            let Ok((length, server)) = self.socket.recv_from(&mut buffer) else { continue };
            let packet = Packet::from_bytes(&buffer[..length]).unwrap();
            if !(1..32).contains(&u8::from(packet.header.code)) {
                self.inbox.send(packet).unwrap();
                continue;
            }
            self.requests.lock().unwrap().push(packet.clone());
            for reply in (self.behaviour)(&packet) {
                self.socket.send_to(&reply.to_bytes_unlimited().unwrap(), server).unwrap();
            }
        }
    }
}

/// A server, its events, and a registered device with a behaviour.
pub struct Pair {
    pub fake: FakeDevice,
    pub registration: Registration,
    pub events: Events,
    pub server: Server,
}

pub fn pair(config: Config, behaviour: impl FnMut(&Packet) -> Vec<Packet> + Send + 'static) -> Pair {
    let server = Server::start(config).unwrap();
    let events = server.subscribe();
    let fake = FakeDevice::start(server.address(), behaviour);
    assert_eq!(code(&fake.register("ep=dev&lt=60&lwm2m=1.1&b=U", "</1/0>,</3/0>")), "2.01");
    let registration = events.registered("dev", SOON).unwrap();
    Pair { fake, registration, events, server }
}

/// A device that answers 2.05 or 2.04 to everything, and the requests it saw.
pub fn obliging() -> Pair {
    pair(config(), |request| match code(request).as_str() {
        "0.01" => vec![content(request, TEXT, b"77")],
        "0.04" => vec![piggybacked(request, "2.02")],
        _ => vec![piggybacked(request, "2.04")],
    })
}

pub fn last_request(pair: &Pair) -> Packet {
    pair.fake.requests.lock().unwrap().last().unwrap().clone()
}
