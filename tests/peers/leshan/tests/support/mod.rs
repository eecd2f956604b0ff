//! A fake device: a loopback socket, a codec that is not the project's, and answers the test dictates.

#![allow(dead_code, unreachable_pub)] // Each test program uses its part.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use coap_lite::{CoapOption, MessageClass, MessageType, Packet};
use coracle_leshan_peer::Format;

/// Longer than anything takes here, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Links every device here registers with: both an instance and an object without one.
pub const LINKS: &str =
    "</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542\",</1/0>,</3/0>,</3303/0>,</3311>,</3442/0>";

/// What the device does with a request.
#[derive(Debug, Clone)]
pub struct Reply {
    way: Way,
    code: u8,
    options: Vec<(u16, Vec<u8>)>,
    payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Piggybacked,
    Separate,
    SeparateWithoutAck,
    AckOnly,
    Reset,
    Silence,
}

impl Reply {
    /// A piggybacked response of class and detail.
    pub fn new(class: u8, detail: u8) -> Self {
        Self { way: Way::Piggybacked, code: class << 5 | detail, options: Vec::new(), payload: Vec::new() }
    }

    /// 2.05 with a payload.
    pub fn content(format: Format, payload: &[u8]) -> Self {
        let mut reply = Self::new(2, 5).option(12, &number(u32::from(format.number())));
        reply.payload = payload.to_vec();
        reply
    }

    /// 2.04.
    pub fn changed() -> Self {
        Self::new(2, 4)
    }

    pub fn option(mut self, number: u16, value: &[u8]) -> Self {
        self.options.push((number, value.to_vec()));
        self
    }

    pub fn observe(self, sequence: u32) -> Self {
        self.option(6, &number(sequence))
    }

    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self
    }

    /// An empty acknowledgement, then a confirmable response.
    pub fn separate(mut self) -> Self {
        self.way = Way::Separate;
        self
    }

    /// A confirmable response in place of the acknowledgement.
    pub fn separate_without_ack(mut self) -> Self {
        self.way = Way::SeparateWithoutAck;
        self
    }

    /// An empty acknowledgement and no response.
    pub fn ack_only() -> Self {
        Self { way: Way::AckOnly, ..Self::new(0, 0) }
    }

    /// A reset.
    pub fn reset() -> Self {
        Self { way: Way::Reset, ..Self::new(0, 0) }
    }

    /// Nothing at all.
    pub fn silence() -> Self {
        Self { way: Way::Silence, ..Self::new(0, 0) }
    }
}

/// An unsigned integer option: no leading zero octets (RFC 7252 section 3.2).
pub fn number(value: u32) -> Vec<u8> {
    value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// The code as one octet.
pub fn code(packet: &Packet) -> u8 {
    u8::from(packet.header.code)
}

/// The values of an option as text.
pub fn texts(packet: &Packet, option: CoapOption) -> Vec<String> {
    packet
        .get_option(option)
        .map(|values| values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect())
        .unwrap_or_default()
}

/// `/3/0/0`.
pub fn path(packet: &Packet) -> String {
    format!("/{}", texts(packet, CoapOption::UriPath).join("/"))
}

/// The value of an integer option.
pub fn option(packet: &Packet, option: CoapOption) -> Option<u32> {
    let value = packet.get_first_option(option)?;
    Some(value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

/// A datagram and when it came.
pub type Arrival = (Instant, Vec<u8>);

pub struct Device {
    socket: UdpSocket,
    server: SocketAddr,
    received: Arc<Mutex<Vec<Arrival>>>,
    replies: Receiver<Packet>,
    next: AtomicU16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    /// A device that answers each request as the handler says.
    pub fn start(port: u16, handler: impl FnMut(&Packet) -> Reply + Send + 'static) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, replies) = mpsc::channel();
        let mut machine = Machine {
            socket: socket.try_clone().unwrap(),
            handler,
            received: Arc::clone(&received),
            sender,
            mid: 0x8000,
        };
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                machine.step();
            }
        });
        let server = (Ipv4Addr::LOCALHOST, port).into();
        Self { socket, server, received, replies, next: AtomicU16::new(1), stop, thread: Some(thread) }
    }

    /// Registers; the location is the path the server gave.
    pub fn register(&self, endpoint: &str, query: &[&str], links: &str) -> Result<String, Packet> {
        let mut queries = vec![format!("ep={endpoint}")];
        queries.extend(query.iter().map(|&text| text.to_owned()));
        let response = self.request(2, &["rd"], &queries, links);
        if code(&response) == 0x41 {
            Ok(texts(&response, CoapOption::LocationPath).join("/"))
        } else {
            Err(response)
        }
    }

    /// Registers for a minute with the usual links.
    pub fn register_simply(&self, endpoint: &str) -> String {
        self.register(endpoint, &["lt=60", "lwm2m=1.1", "b=U"], LINKS).unwrap()
    }

    /// Updates; the code of the response.
    pub fn update(&self, location: &str, query: &[&str]) -> u8 {
        let queries: Vec<_> = query.iter().map(|&text| text.to_owned()).collect();
        code(&self.request(2, &location.split('/').collect::<Vec<_>>(), &queries, ""))
    }

    /// De-registers; the code of the response.
    pub fn deregister(&self, location: &str) -> u8 {
        code(&self.request(4, &location.split('/').collect::<Vec<_>>(), &[], ""))
    }

    /// A confirmable request and its response.
    pub fn request(&self, method: u8, path: &[&str], query: &[String], payload: &str) -> Packet {
        let mut packet = self.packet(MessageType::Confirmable, method, &[0x0d]);
        for segment in path {
            packet.add_option(CoapOption::UriPath, segment.as_bytes().to_vec());
        }
        if !payload.is_empty() {
            packet.add_option(CoapOption::ContentFormat, number(40));
        }
        for text in query {
            packet.add_option(CoapOption::UriQuery, text.as_bytes().to_vec());
        }
        packet.payload = payload.as_bytes().to_vec();
        self.send(&packet);
        self.next_reply(PATIENCE).expect("the server answers")
    }

    /// Sends a notification; the message id. Its acknowledgement or reset is a reply.
    pub fn notify(
        &self,
        kind: MessageType,
        token: &[u8],
        sequence: u32,
        format: Format,
        payload: &[u8],
    ) -> u16 {
        let mut packet = self.packet(kind, 0x45, token);
        packet.add_option(CoapOption::Observe, number(sequence));
        packet.add_option(CoapOption::ContentFormat, number(u32::from(format.number())));
        packet.payload = payload.to_vec();
        self.send(&packet);
        packet.header.message_id
    }

    pub fn packet(&self, kind: MessageType, code: u8, token: &[u8]) -> Packet {
        let mut packet = Packet::new();
        packet.header.set_type(kind);
        packet.header.code = MessageClass::from(code);
        packet.header.message_id = self.next.fetch_add(1, Ordering::Relaxed);
        packet.set_token(token.to_vec());
        packet
    }

    pub fn send(&self, packet: &Packet) {
        self.socket.send_to(&packet.to_bytes().unwrap(), self.server).unwrap();
    }

    /// The next message from the server that is no request.
    pub fn next_reply(&self, timeout: Duration) -> Option<Packet> {
        match self.replies.recv_timeout(timeout) {
            Ok(packet) => Some(packet),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the device's thread has ended"),
        }
    }

    /// All datagrams since the last call, with the time of each.
    pub fn take_received(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's side.
struct Machine<F> {
    socket: UdpSocket,
    handler: F,
    received: Arc<Mutex<Vec<Arrival>>>,
    sender: mpsc::Sender<Packet>,
    mid: u16,
}

impl<F: FnMut(&Packet) -> Reply> Machine<F> {
    fn step(&mut self) {
        let mut buffer = [0; 2048];
        let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { return };
        let datagram = buffer.get(..length).unwrap_or_default();
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((Instant::now(), datagram.to_vec()));
        let Ok(packet) = Packet::from_bytes(datagram) else { return };
        if matches!(packet.header.code, MessageClass::Request(_)) {
            let reply = (self.handler)(&packet);
            self.answer(&packet, &reply, from);
        } else {
            let _ = self.sender.send(packet);
        }
    }

    fn answer(&mut self, request: &Packet, reply: &Reply, to: SocketAddr) {
        let mut response = Packet::new();
        response.header.code = MessageClass::from(reply.code);
        response.set_token(request.get_token().to_vec());
        for (number, value) in &reply.options {
            response.add_option(CoapOption::from(*number), value.clone());
        }
        response.payload.clone_from(&reply.payload);
        let mut empty = Packet::new();
        empty.header.code = MessageClass::Empty;
        empty.header.message_id = request.header.message_id;
        let kind = if reply.way == Way::Reset { MessageType::Reset } else { MessageType::Acknowledgement };
        empty.header.set_type(kind);
        if matches!(reply.way, Way::Separate | Way::AckOnly | Way::Reset) {
            self.socket.send_to(&empty.to_bytes().unwrap(), to).unwrap();
        }
        match reply.way {
            Way::Piggybacked => {
                let confirmable = request.header.get_type() == MessageType::Confirmable;
                let kind =
                    if confirmable { MessageType::Acknowledgement } else { MessageType::NonConfirmable };
                response.header.set_type(kind);
                response.header.message_id = request.header.message_id;
            }
            Way::Separate | Way::SeparateWithoutAck => {
                self.mid = self.mid.wrapping_add(1);
                response.header.set_type(MessageType::Confirmable);
                response.header.message_id = self.mid;
            }
            Way::AckOnly | Way::Reset | Way::Silence => return,
        }
        self.socket.send_to(&response.to_bytes().unwrap(), to).unwrap();
    }
}
