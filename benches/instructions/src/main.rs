//! A device in memory and one request again and again: `coracle-instructions <operation> <times>`, run under callgrind by
//! `cargo xtask instructions`, which counts only what happens inside of [`step`].

#[path = "../../load.rs"]
mod load;

use std::hint::black_box;
use std::process::ExitCode;

use coap_lite::{CoapOption, MessageClass, MessageType, Packet, RequestType};
use coracle::platform::PredictableEntropy;
use coracle::{Client, Credentials, Instant, Memory, ServerIndex, ServerSettings};

use load::{Things, things};

type Bench<'m> = Client<'m, coracle::DefaultProfile, Things>;

const SERVER: ServerIndex = ServerIndex(0);

/// What the client does about one datagram: the answer, and whatever else is due then. This is what is counted.
#[inline(never)]
fn step(client: &mut Bench<'_>, now: Instant, datagram: &mut [u8], out: &mut [u8]) -> usize {
    let answer = client.handle_datagram(now, SERVER, datagram, out);
    let mut sent = answer.map_or(0, <[u8]>::len);
    while let Some(transmit) = client.poll_transmit(now, out) {
        sent += transmit.datagram.len();
    }
    sent
}

/// What the client does about a changed value: the notification.
#[inline(never)]
fn step_notify(client: &mut Bench<'_>, now: Instant, value: f64, out: &mut [u8]) -> usize {
    client.update(|things| things.sensor.set_value(value));
    client.poll_transmit(now, out).map_or(0, |transmit| transmit.datagram.len())
}

/// What the client does when nothing has happened.
#[inline(never)]
fn step_idle(client: &mut Bench<'_>, now: Instant, out: &mut [u8]) -> usize {
    client.poll_transmit(now, out).map_or(0, |transmit| transmit.datagram.len())
}

/// The operations: name, method, path, content format, accept, payload.
type Operation = (&'static str, RequestType, &'static str, Option<u16>, Option<u16>, &'static [u8]);

const OPERATIONS: &[Operation] = &[
    ("read-device-tlv", RequestType::Get, "3/0", None, Some(11542), b""),
    ("read-device-senml-cbor", RequestType::Get, "3/0", None, Some(112), b""),
    ("read-string-text", RequestType::Get, "3/0/0", None, Some(0), b""),
    ("read-string-senml-cbor", RequestType::Get, "3/0/0", None, Some(112), b""),
    ("read-float-text", RequestType::Get, "3303/0/5700", None, Some(0), b""),
    ("read-sensor-senml-cbor", RequestType::Get, "3303/0", None, Some(112), b""),
    ("write-string-text", RequestType::Put, "3303/0/5750", Some(0), None, b"living room"),
    ("write-string-tlv", RequestType::Put, "3303/0/5750", Some(11542), None, b"\xe8\x16\x76\x0bliving room"),
    ("execute", RequestType::Post, "3303/0/5605", None, None, b""),
    ("discover-device", RequestType::Get, "3", None, Some(40), b""),
];

fn packet(operation: &Operation, message_id: u16) -> Packet {
    let (_, method, path, format, accept, payload) = operation;
    let mut packet = Packet::new();
    packet.header.set_type(MessageType::Confirmable);
    packet.header.code = MessageClass::Request(*method);
    packet.header.message_id = message_id;
    packet.set_token(u64::from(message_id).to_be_bytes().to_vec());
    path.split('/').for_each(|segment| packet.add_option(CoapOption::UriPath, segment.into()));
    let mut number = |option, value: &Option<u16>| {
        if let Some(value) = value {
            let bytes = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
            packet.add_option(option, bytes);
        }
    };
    number(CoapOption::ContentFormat, format);
    number(CoapOption::Accept, accept);
    packet.payload = payload.to_vec();
    packet
}

/// A registered client.
fn client<'m>(
    memory: &'m mut coracle::ClientMemory<coracle::DefaultProfile>,
    out: &mut [u8],
) -> Option<Bench<'m>> {
    let now = Instant::from_millis(1);
    let mut client = Client::new(memory, "bench", things(), &mut PredictableEntropy::from_seed(1)).ok()?;
    let settings = ServerSettings {
        uri: "coap://192.0.2.1",
        short_server_id: 1,
        lifetime_s: 86_400,
        store_notifications: true,
        credentials: Credentials::NONE,
    };
    client.add_server(&settings).ok()?;
    client.register(now, SERVER);
    client.poll_connect()?;
    client.connected(now, SERVER);
    let register = Packet::from_bytes(client.poll_transmit(now, out)?.datagram).ok()?;
    let mut created = Packet::new();
    created.header.set_type(MessageType::Acknowledgement);
    created.header.set_code("2.01");
    created.header.message_id = register.header.message_id;
    created.set_token(register.get_token().to_vec());
    ["rd", "5a3f"].iter().for_each(|segment| created.add_option(CoapOption::LocationPath, (*segment).into()));
    client.handle_datagram(now, SERVER, &mut created.to_bytes().ok()?, out);
    (client.state(SERVER) == Some(coracle::RegistrationState::Registered)).then_some(client)
}

fn run(name: &str, times: u32) -> Option<usize> {
    let mut memory = Box::new(Memory::EMPTY);
    let mut out = vec![0; 1280];
    let mut client = client(&mut memory.client, &mut out)?;
    let operation = OPERATIONS.iter().find(|operation| operation.0 == name);
    if name == "notify-float" {
        let mut observe = packet(&("", RequestType::Get, "3303/0/5700", None, Some(0), b""), 9);
        observe.add_option(CoapOption::Observe, vec![]);
        client.handle_datagram(Instant::from_millis(1), SERVER, &mut observe.to_bytes().ok()?, &mut out)?;
    }
    let mut length = 0;
    for n in 0..times {
        // Every request is far from the one before, as the message ids of a day are: duplicates have to be looked for.
        let now = Instant::from_millis(1_000 + u64::from(n) * 1_000);
        length = match (name, operation) {
            ("notify-float", _) => step_notify(&mut client, now, 20.0 + f64::from(n % 2) * 1.3, &mut out),
            ("idle", _) => step_idle(&mut client, now, &mut out),
            (_, operation) => {
                let mut datagram = packet(operation?, 100 + n as u16).to_bytes().ok()?;
                step(&mut client, now, &mut datagram, &mut out)
            }
        };
        while client.poll_event().is_some() {}
        black_box(&out);
    }
    Some(length)
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        OPERATIONS.iter().for_each(|operation| println!("{}", operation.0));
        println!("notify-float\nidle");
        return ExitCode::SUCCESS;
    };
    let times = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(500);
    if let Some(length) = run(&name, times) {
        println!("{length}");
        ExitCode::SUCCESS
    } else {
        eprintln!("{name} did not work");
        ExitCode::FAILURE
    }
}
