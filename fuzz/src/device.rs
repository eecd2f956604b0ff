//! A device in virtual time, and the rules that hold whatever comes in.

use std::collections::{BTreeMap, VecDeque};

use coracle::platform::PredictableEntropy;
use coracle::{Client, Credentials, Instant, Memory, RegistrationState, ServerIndex, ServerSettings};

use crate::message::{ACK, CON, Message, RST, Seen, option};
use crate::objects::Things;
use crate::{Profile, heap};

/// The datagram buffer for what is sent.
const TRANSMIT: usize = 512;
/// How long an id of a confirmable message stands for one message (EXCHANGE_LIFETIME).
const EXCHANGE_LIFETIME_MS: u64 = 247_000;
/// The same for messages that are not confirmed (NON_LIFETIME).
const NON_LIFETIME_MS: u64 = 145_000;

/// What lies between the messages of a server and datagrams.
pub trait Transport {
    /// Takes a datagram of the device: the messages in it. What has to be sent at once goes to `back`.
    fn take(&mut self, now: u64, server: usize, datagram: &[u8], back: &mut Vec<Vec<u8>>) -> Vec<Vec<u8>>;
    /// The datagram that carries a message of the server, if there is a way to send it.
    fn put(&mut self, server: usize, message: Vec<u8>) -> Option<Vec<u8>>;
    /// When the servers have something to send by themselves.
    fn deadline(&self) -> Option<u64> {
        None
    }
    /// Sends that.
    fn tick(&mut self, now: u64, back: &mut Vec<Vec<u8>>) {
        _ = (now, back);
    }
}

/// Messages are datagrams.
#[derive(Debug)]
pub struct Plain;

impl Transport for Plain {
    fn take(&mut self, _: u64, _: usize, datagram: &[u8], _: &mut Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        vec![datagram.to_vec()]
    }

    fn put(&mut self, _: usize, message: Vec<u8>) -> Option<Vec<u8>> {
        Some(message)
    }
}

/// A client, its clock, and what it has sent.
#[allow(missing_debug_implementations)]
pub struct Device<'m> {
    /// The client under test.
    pub client: Client<'m, Profile, Things>,
    /// Milliseconds.
    pub now: u64,
    /// Datagrams that nobody has looked at.
    pub sent: VecDeque<(ServerIndex, Vec<u8>)>,
    /// Whether a way to a server can be opened.
    pub reachable: bool,
    executed: BTreeMap<(u8, u16), u64>,
}

/// Runs `work` with a device that has these servers.
pub fn with(servers: &[(&str, Credentials<'_>)], work: impl FnOnce(&mut Device<'_>)) {
    let mut memory = Box::new(Memory::<Profile>::EMPTY);
    let mut entropy = PredictableEntropy::from_seed(7);
    let client =
        Client::new(&mut memory.client, "device", Things::new(), &mut entropy).expect("fresh memory");
    let sent = VecDeque::new();
    let mut device = Device { client, now: 1_000, sent, reachable: true, executed: BTreeMap::new() };
    for (short_server_id, (uri, credentials)) in (101..).zip(servers) {
        let settings = ServerSettings {
            uri,
            short_server_id,
            lifetime_s: 300,
            store_notifications: true,
            credentials: *credentials,
        };
        device.client.add_server(&settings).expect("it fits");
    }
    work(&mut device);
}

impl Device<'_> {
    fn time(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// All servers.
    pub fn servers(&self) -> Vec<ServerIndex> {
        self.client.servers().collect()
    }

    /// Hands a datagram to the client; its answer.
    pub fn deliver(&mut self, server: ServerIndex, datagram: &[u8]) -> Option<Vec<u8>> {
        let mut datagram = datagram.to_vec();
        let header = datagram.first_chunk::<4>().copied();
        let before = self.client.objects().everything.runs;
        let mut out = [0; TRANSMIT];
        let now = self.time();
        let client = &mut self.client;
        let answer = heap::without(|| client.handle_datagram(now, server, &mut datagram, &mut out));
        let answer = answer.map(<[u8]>::to_vec);
        let runs = self.client.objects().everything.runs - before;
        if let (Some(header), 1..) = (header, runs) {
            self.check_execute(server, header, runs);
        }
        answer
    }

    /// A message is executed once, however often it comes. The header is that of a message, as there is no other way to
    /// execute anything without DTLS; with it nothing can be said here.
    fn check_execute(&mut self, server: ServerIndex, header: [u8; 4], runs: u32) {
        if header[0] >> 6 != 1 {
            return;
        }
        assert_eq!(runs, 1, "a message was executed {runs} times");
        let id = u16::from_be_bytes([header[2], header[3]]);
        let lifetime = if header[0] >> 4 & 3 == CON { EXCHANGE_LIFETIME_MS } else { NON_LIFETIME_MS };
        if let Some(at) = self.executed.insert((server.0, id), self.now) {
            assert!(
                at + lifetime <= self.now,
                "message {id:#x} was executed at {at} ms, and at {} ms",
                self.now
            );
        }
    }

    /// Everything that the client wants to do at this time. It comes to rest.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            let (now, client) = (Instant::from_millis(self.now), &mut self.client);
            let mut out = [0; TRANSMIT];
            let mut quiet = true;
            if let Some(transmit) = heap::without(|| client.poll_transmit(now, &mut out)) {
                self.sent.push_back((transmit.server, transmit.datagram.to_vec()));
                quiet = false;
            }
            while let Some(server) = heap::without(|| client.poll_connect()).map(|connect| connect.server) {
                quiet = false;
                let reachable = self.reachable;
                heap::without(|| {
                    if reachable {
                        client.connected(now, server);
                    } else {
                        client.connection_failed(now, server);
                    }
                });
            }
            while heap::without(|| client.poll_event()).is_some() {}
            if quiet && client.poll_timeout().is_none_or(|at| at > now) {
                return;
            }
        }
        panic!("the client does not come to rest");
    }

    /// Lets the time pass to the next deadline of the client; false when there is none.
    pub fn wait(&mut self) -> bool {
        let Some(at) = self.client.poll_timeout() else { return false };
        self.now = self.now.max(at.as_millis());
        self.settle();
        true
    }

    /// A request without DTLS to the first server's registered device; the answer that comes back.
    pub fn request(&mut self, message: Vec<u8>) -> Seen {
        let answer = self.deliver(ServerIndex(0), &message).expect("an answer");
        Seen::read(&answer)
    }

    /// Starts all registrations that the application has ended or not begun, and those that a server has disabled, which it
    /// may have done for years.
    fn register_all(&mut self) {
        for server in self.servers() {
            let state = self.client.state(server);
            if matches!(state, Some(RegistrationState::Idle | RegistrationState::Disabled)) {
                self.client.register(self.time(), server);
            }
        }
        self.settle();
    }

    /// With servers that answer as they should, the device is registered with all of them before long.
    pub fn recover(&mut self, transport: &mut dyn Transport) {
        self.reachable = true;
        // The longest back-off is 900 s; another server may have asked for an Update or a notification every half second.
        for _ in 0..5_000 {
            self.register_all();
            self.serve(transport);
            let states: Vec<_> = self.servers().into_iter().map(|server| self.client.state(server)).collect();
            if states.iter().all(|state| *state == Some(RegistrationState::Registered)) {
                return;
            }
            // A de-registration that the application has asked for has come to its end: the loop starts again.
            if states.contains(&Some(RegistrationState::Idle)) {
                continue;
            }
            let deadline = self.client.poll_timeout();
            let deadline =
                deadline.expect("the client waits for something as long as it is not registered").as_millis();
            if transport.deadline().is_some_and(|at| at < deadline) {
                self.tick(transport);
            } else {
                self.wait();
            }
        }
        panic!("the client does not register any more");
    }

    /// What servers have to send by themselves comes to the first.
    fn tick(&mut self, transport: &mut dyn Transport) {
        self.now = self.now.max(transport.deadline().unwrap_or_default());
        let mut back = Vec::new();
        transport.tick(self.now, &mut back);
        for datagram in back {
            let answer = self.deliver(ServerIndex(0), &datagram);
            self.sent.extend(answer.map(|answer| (ServerIndex(0), answer)));
        }
        self.settle();
    }

    /// Answers everything that the device has sent.
    fn serve(&mut self, transport: &mut dyn Transport) {
        for _ in 0..200 {
            let Some((server, datagram)) = self.sent.pop_front() else { return };
            let mut back = Vec::new();
            let messages = transport.take(self.now, server.index(), &datagram, &mut back);
            let answers = messages.iter().filter_map(|message| answer(&Seen::read(message)));
            back.extend(answers.filter_map(|answer| transport.put(server.index(), answer)));
            for datagram in back {
                let answer = self.deliver(server, &datagram);
                self.sent.extend(answer.map(|answer| (server, answer)));
                self.settle();
            }
        }
        panic!("the client does not stop talking");
    }

    /// The objects of the device.
    pub fn things(&self) -> &Things {
        self.client.objects()
    }

    /// The application changes something.
    pub fn change(&mut self, work: impl FnOnce(&mut Things)) {
        self.client.update(work);
    }
}

/// What a good server answers.
pub fn answer(seen: &Seen) -> Option<Vec<u8>> {
    let reply = |code: u8| Message::new(ACK, code, seen.id, &seen.token);
    let path = seen.texts(option::URI_PATH);
    let block = seen.options.iter().find(|(number, _)| *number == option::BLOCK1).map(|(_, value)| value);
    match (seen.kind, seen.code, path.len()) {
        // More blocks of a registration follow: 2.31.
        (CON, 2, _) if block.is_some_and(|value| value.last().is_some_and(|last| last & 8 != 0)) => {
            let value = block.map_or(&[][..], Vec::as_slice);
            Some(reply(0x5f).option(option::BLOCK1, value).payload(&[]))
        }
        (CON, 2, 1) => {
            let created =
                reply(0x41).option(option::LOCATION_PATH, b"rd").option(option::LOCATION_PATH, b"7");
            Some(match block {
                Some(value) => created.option(option::BLOCK1, value).payload(&[]),
                None => created.payload(&[]),
            })
        }
        (CON, 2, _) => Some(reply(0x44).payload(&[])),
        (CON, 4, _) => Some(reply(0x42).payload(&[])),
        (CON, 0, _) => Some(Message::new(RST, 0, seen.id, &[]).payload(&[])),
        (CON, 0x40.., _) => Some(Message::new(ACK, 0, seen.id, &[]).payload(&[])),
        _ => None,
    }
}

/// Registers a device with its first server, over plain CoAP.
pub fn registered(work: impl FnOnce(&mut Device<'_>)) {
    with(&[("coap://a", Credentials::NONE)], |device| {
        device.recover(&mut Plain);
        work(device);
    });
}

/// A confirmable request.
pub fn con(code: u8, id: u16) -> Message {
    Message::new(CON, code, id, &id.to_be_bytes())
}
