//! What several tests need: a profile, objects of every kind, and a server that writes its own bytes.

mod answers;
mod ends;
mod functions;
mod life_cycle;
mod management;
mod notifications;
mod probes;
mod repeats;
mod returns;
mod sleep;

use std::vec::Vec;

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, RequestType};

use crate::account::{Credentials, ServerSettings};
use crate::model::{
    Arguments, Changes, ContentFormat, FormatSet, Instances, Multiple, ObjectLink, Opaque, Proposal, Status,
    Text, Time,
};
use crate::{Engine, Event, Instant, Memory, Profile, RegistrationState, ServerIndex, account, exchange};

/// Small tables, every format.
pub(crate) enum TestProfile {}

impl Profile for TestProfile {
    type EndpointName = [u8; 16];
    type Uri = [u8; 48];
    type Location = [u8; 16];
    type Identity = [u8; 16];
    type ServerKey = [u8; 16];
    type SecretKey = [u8; 16];
    type ServerName = [u8; 12];
    type SuiteNumbers = [u16; 3];
    type Accounts = [account::Account<Self>; 2];
    type Exchanges = [exchange::Exchange; 4];
    type Duplicates = [exchange::Duplicate; 4];
    type Observations = [crate::Observation; 4];
    type Attributes = [crate::AttributeRecord; 4];
    type Stored = [u8; 64];
    type TransportEvent = core::convert::Infallible;
    type Events = [Event; 64];

    const FORMATS: FormatSet = FormatSet::new(&[
        ContentFormat::SenmlCbor,
        ContentFormat::SenmlJson,
        ContentFormat::Tlv,
        ContentFormat::Cbor,
        ContentFormat::Text,
        ContentFormat::Opaque,
    ]);
}

/// As [`TestProfile`], but with confirmable notifications and room for two stored values.
pub(crate) enum ConfirmableProfile {}

impl Profile for ConfirmableProfile {
    type EndpointName = [u8; 16];
    type Uri = [u8; 48];
    type Location = [u8; 16];
    type Identity = [u8; 0];
    type ServerKey = [u8; 0];
    type SecretKey = [u8; 0];
    type ServerName = [u8; 0];
    type SuiteNumbers = [u16; 0];
    type Accounts = [account::Account<Self>; 1];
    type Exchanges = [exchange::Exchange; 4];
    type Duplicates = [exchange::Duplicate; 4];
    type Observations = [crate::Observation; 4];
    type Attributes = [crate::AttributeRecord; 4];
    type Stored = [u8; 10];
    type TransportEvent = core::convert::Infallible;
    type Events = [Event; 64];

    const FORMATS: FormatSet = TestProfile::FORMATS;
    const CONFIRMABLE_NOTIFICATIONS: bool = true;
}

/// One resource of every type, and an executable.
#[derive(coracle_objects_derive::Object)]
#[lwm2m(id = 33000, version = "1.2", crate = crate, validate = limits_in_order)]
#[lwm2m(execute(20 = run), computed(21: u32 = doubled))]
pub(crate) struct Everything {
    #[lwm2m(id = 0, ops = "RW")]
    text: Text<16>,
    #[lwm2m(id = 1, ops = "RW", range = -100..=100)]
    integer: i32,
    #[lwm2m(id = 2, ops = "RW", unsigned)]
    unsigned: u32,
    #[lwm2m(id = 3, ops = "RW")]
    float: f64,
    #[lwm2m(id = 4, ops = "RW")]
    boolean: bool,
    #[lwm2m(id = 5, ops = "RW")]
    opaque: Opaque<8>,
    #[lwm2m(id = 6, ops = "RW")]
    time: Time,
    #[lwm2m(id = 7, ops = "RW")]
    link: ObjectLink,
    #[lwm2m(id = 8, ops = "RW")]
    several: Multiple<i32, 3>,
    #[lwm2m(id = 9, ops = "RW")]
    maybe: Option<f32>,
    #[lwm2m(id = 10, ops = "R")]
    fixed: &'static str,
    #[lwm2m(id = 11, ops = "W")]
    secret: Text<8>,
    #[lwm2m(id = 12, ops = "RW", optional)]
    low: i32,
    #[lwm2m(id = 13, ops = "RW", optional)]
    high: i32,
    pub(crate) runs: Vec<std::string::String>,
    changes: Changes,
}

impl Everything {
    pub(crate) fn new() -> Self {
        Self {
            text: Text::try_from("hello").unwrap(),
            integer: -5,
            unsigned: 200,
            float: 21.5,
            boolean: true,
            opaque: Opaque::from_slice(&[1, 2, 255]).unwrap(),
            time: Time(1_700_000_000),
            link: ObjectLink { object: 3, instance: 0 },
            several: Multiple::from_values([7, -8]),
            maybe: None,
            fixed: "fixed",
            secret: Text::new(),
            low: 0,
            high: 10,
            runs: Vec::new(),
            changes: Changes::NONE,
        }
    }

    fn run(&mut self, arguments: Arguments<'_>) -> Result<(), Status> {
        self.runs.push(arguments.as_str().into());
        if arguments.get(9).is_some() { Err(Status::InternalServerError) } else { Ok(()) }
    }

    fn doubled(&self) -> u32 {
        self.unsigned * 2
    }

    fn limits_in_order(&self, proposed: Proposal<'_>) -> Result<(), Status> {
        let otherwise = |value| if proposed.replaces() { 0 } else { value };
        let low = proposed.get(12).unwrap_or(otherwise(self.low));
        let high = proposed.get(13).unwrap_or(otherwise(self.high));
        if low <= high { Ok(()) } else { Err(Status::BadRequest) }
    }
}

/// An object whose instances servers create.
#[derive(coracle_objects_derive::Object, Default)]
#[lwm2m(id = 33001, crate = crate)]
pub(crate) struct Rule {
    #[lwm2m(id = 0, ops = "RW")]
    name: Text<8>,
    #[lwm2m(id = 1, ops = "RW")]
    weight: Option<i32>,
    #[lwm2m(id = 2, ops = "RW")]
    tags: Option<Multiple<u8, 2>>,
    changes: Changes,
}

#[derive(coracle_objects_derive::Objects)]
#[lwm2m(crate = crate)]
pub(crate) struct Things {
    pub(crate) everything: Everything,
    pub(crate) rules: Instances<Rule, 2>,
}

pub(crate) const SERVER: ServerIndex = ServerIndex(0);

/// A device and the message pipe to its server, in virtual time.
pub(crate) struct Rig<P: Profile = TestProfile> {
    pub(crate) engine: Engine<'static, P>,
    pub(crate) things: Things,
    pub(crate) now: u64,
    pub(crate) next_id: u16,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with_profile()
    }

    /// A rig whose device is registered at `/rd/a`.
    pub(crate) fn registered() -> Self {
        Self::registered_with_profile()
    }
}

impl<P: Profile> Rig<P> {
    pub(crate) fn with_profile() -> Self {
        let memory = std::boxed::Box::leak(std::boxed::Box::new(Memory::EMPTY));
        let mut engine = Engine::new(memory, "device", 42).unwrap();
        let settings = ServerSettings {
            uri: "coap://server",
            short_server_id: 123,
            lifetime_s: 300,
            store_notifications: true,
            credentials: Credentials::NONE,
        };
        assert_eq!(engine.add_server(&settings), Ok(SERVER));
        let things = Things { everything: Everything::new(), rules: Instances::new() };
        Self { engine, things, now: 1_000, next_id: 0x100 }
    }

    pub(crate) fn registered_with_profile() -> Self {
        let mut rig = Self::with_profile();
        rig.engine.start(rig.now(), SERVER);
        assert_eq!(rig.engine.poll_connect(), Some(SERVER));
        rig.engine.connected(rig.now(), SERVER);
        let register = rig.sent().expect("Register");
        rig.respond(&register, "2.01", &["rd", "a"]);
        assert_eq!(rig.engine.state(SERVER), Some(RegistrationState::Registered));
        rig.events();
        rig
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(self.now)
    }

    /// The next message that the device sends by itself at this time.
    pub(crate) fn sent(&mut self) -> Option<Packet> {
        let mut out = [0; 512];
        let transmit = self.engine.poll_transmit(self.now(), &mut self.things, &mut out)?;
        assert_eq!(transmit.server, SERVER);
        Some(Packet::from_bytes(&out[..transmit.length]).unwrap())
    }

    /// Nothing more goes out at this time.
    pub(crate) fn expect_silence(&mut self) {
        let sent = self.sent();
        assert!(sent.is_none(), "{sent:?}");
    }

    /// Lets the time pass until the engine wants to be called; false when it never does.
    pub(crate) fn wait(&mut self) -> bool {
        self.expect_silence();
        let Some(at) = self.engine.poll_timeout() else { return false };
        assert!(at > self.now(), "a deadline in the past is a busy loop");
        self.now = at.as_millis();
        true
    }

    /// Hands bytes to the device; its immediate answer.
    pub(crate) fn receive_bytes(&mut self, bytes: &[u8]) -> Option<Packet> {
        let mut out = [0; 512];
        let length = self.engine.handle_message(self.now(), SERVER, bytes, &mut self.things, &mut out)?;
        Some(Packet::from_bytes(&out[..length]).unwrap())
    }

    pub(crate) fn receive(&mut self, packet: &Packet) -> Option<Packet> {
        self.receive_bytes(&packet.to_bytes().unwrap())
    }

    /// A piggybacked response to a request of the device.
    pub(crate) fn respond(&mut self, request: &Packet, code: &str, location: &[&str]) {
        let mut response = Packet::new();
        response.header.set_type(MessageType::Acknowledgement);
        response.header.set_code(code);
        response.header.message_id = request.header.message_id;
        response.set_token(request.get_token().to_vec());
        location
            .iter()
            .for_each(|segment| response.add_option(CoapOption::LocationPath, segment.as_bytes().to_vec()));
        assert!(self.receive(&response).is_none());
    }

    /// A confirmable request; the method, path and queries in one text: `PUT /3/0?pmin=1`.
    pub(crate) fn request(&mut self, text: &str) -> Packet {
        let (method, target) = text.split_once(' ').unwrap();
        let (path, queries) = target.split_once('?').unwrap_or((target, ""));
        let mut packet = Packet::new();
        packet.header.set_type(MessageType::Confirmable);
        packet.header.code = MessageClass::Request(match method {
            "GET" => RequestType::Get,
            "POST" => RequestType::Post,
            "PUT" => RequestType::Put,
            "DELETE" => RequestType::Delete,
            "FETCH" => RequestType::Fetch,
            "IPATCH" => RequestType::IPatch,
            _ => panic!("{method}"),
        });
        self.next_id += 1;
        packet.header.message_id = self.next_id;
        packet.set_token(self.next_id.to_be_bytes().to_vec());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            packet.add_option(CoapOption::UriPath, segment.as_bytes().to_vec());
        }
        for query in queries.split('&').filter(|query| !query.is_empty()) {
            packet.add_option(CoapOption::UriQuery, query.as_bytes().to_vec());
        }
        packet
    }

    /// Sends a request and checks that the answer belongs to it.
    pub(crate) fn exchange(&mut self, request: &Packet) -> Packet {
        let answer = self.receive(request).expect("an answer");
        assert_eq!(answer.header.get_type(), MessageType::Acknowledgement);
        assert_eq!(answer.header.message_id, request.header.message_id);
        assert_eq!(answer.get_token(), request.get_token());
        answer
    }

    /// A request without payload; the code of its answer.
    pub(crate) fn code(&mut self, text: &str) -> std::string::String {
        let request = self.request(text);
        self.exchange(&request).header.get_code()
    }

    /// A request with a payload; the code of its answer.
    pub(crate) fn send(&mut self, text: &str, format: u16, payload: &[u8]) -> std::string::String {
        let mut request = self.request(text);
        set_format(&mut request, CoapOption::ContentFormat, format);
        request.payload = payload.to_vec();
        self.exchange(&request).header.get_code()
    }

    /// Reads in this format; the payload.
    pub(crate) fn read(&mut self, path: &str, format: u16) -> Result<Vec<u8>, std::string::String> {
        let mut request = self.request(&std::format!("GET {path}"));
        set_format(&mut request, CoapOption::Accept, format);
        let answer = self.exchange(&request);
        if answer.header.get_code() != "2.05" {
            return Err(answer.header.get_code());
        }
        assert_eq!(uint(&answer, CoapOption::ContentFormat), Some(u32::from(format)));
        Ok(answer.payload)
    }

    pub(crate) fn text(&mut self, path: &str) -> std::string::String {
        self.read(path, 0)
            .map_or_else(|code| code, |payload| std::string::String::from_utf8(payload).unwrap())
    }

    pub(crate) fn events(&mut self) -> Vec<Event<P::TransportEvent>> {
        core::iter::from_fn(|| self.engine.poll_event()).collect()
    }

    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Things)) {
        change(&mut self.things);
        self.engine.objects_changed();
    }
}

pub(crate) fn set_format(packet: &mut Packet, option: CoapOption, format: u16) {
    let bytes: Vec<u8> = format.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    packet.add_option(option, bytes);
}

pub(crate) fn uint(packet: &Packet, option: CoapOption) -> Option<u32> {
    let value = packet.get_option(option)?.front()?;
    Some(value.iter().fold(0, |value, byte| (value << 8) | u32::from(*byte)))
}

pub(crate) fn options(packet: &Packet, option: CoapOption) -> Vec<std::string::String> {
    let values = packet.get_option(option).cloned().unwrap_or_default();
    values.into_iter().map(|value| std::string::String::from_utf8(value).unwrap()).collect()
}
