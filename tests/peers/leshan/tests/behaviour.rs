//! What Leshan accepts from a device and how its CoAP behaves: facts a device relies on, each proved here, so that a
//! newer Leshan that differs is noticed.

mod support;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use coap_lite::{CoapOption, MessageType, Packet};
use coracle_leshan_peer::{
    Code, Command, Event, Failure, Format, Leshan, Mode, ObjectLink, Options, Value, hex,
};
use support::{Device, PATIENCE, Reply, code, number, option, path};

/// A server and a device that answers every request with what the test puts into the cell.
fn answering() -> (Leshan, Device, Arc<Mutex<Reply>>) {
    let mut server = Leshan::start(Options::default()).unwrap();
    let cell = Arc::new(Mutex::new(Reply::silence()));
    let answer = Arc::clone(&cell);
    let device = Device::start(server.ports().coap, move |_| {
        answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    });
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    (server, device, cell)
}

/// Each case: name, path, payload, and the value Leshan reads at that path, or `None` for a refusal.
fn check_payloads(format: Format, cases: &[(&str, &str, Vec<u8>, Option<Value>)]) {
    if !Leshan::available() {
        return;
    }
    let (mut server, _device, cell) = answering();
    for (name, path, payload, expected) in cases {
        *cell.lock().unwrap() = Reply::content(format, payload);
        match (server.read("dev", path, None), expected) {
            (Ok(answer), Some(value)) => assert_eq!(answer.value(path), Some(value), "{name}"),
            (Err(error), None) => {
                assert_eq!(error.failure(), Some(Failure::InvalidResponse), "{name}: {error}");
            }
            (Ok(answer), None) => panic!("{name} is accepted: {:?}", answer.content),
            (Err(error), Some(_)) => panic!("{name} is refused: {error}"),
        }
    }
}

/// One SenML CBOR record `{n: path, ..}`.
fn record(path: &str, rest: &str) -> Vec<u8> {
    let mut bytes = vec![0x81, 0xa2, 0x00, 0x60 + u8::try_from(path.len()).unwrap()];
    bytes.extend_from_slice(path.as_bytes());
    bytes.extend(octets(rest));
    bytes
}

fn octets(digits: &str) -> Vec<u8> {
    hex::decode(digits).unwrap()
}

const INTEGER: &str = "/3442/0/120";
const UNSIGNED: &str = "/3442/0/125";
const FLOAT: &str = "/3442/0/130";
const BOOLEAN: &str = "/3442/0/140";
const OPAQUE: &str = "/3442/0/150";
const TIME: &str = "/3442/0/160";
const OBJLNK: &str = "/3442/0/170";

const DEVICE: Value = Value::Objlnk(ObjectLink { object: 3, instance: 0 });
const Y2000: Value = Value::Time(946_684_800);

#[test]
fn senml_cbor_lengths_and_names() {
    let battery = "/3/0/9";
    let some = || Some(Value::Integer(95));
    check_payloads(
        Format::SenmlCbor,
        &[
            ("definite array", battery, octets("81a200662f332f302f3902185f"), some()),
            ("indefinite array", battery, octets("9fa200662f332f302f3902185fff"), some()),
            ("indefinite array and map", battery, octets("9fbf00662f332f302f3902185fffff"), some()),
            ("base name with slash and name", battery, octets("81a321652f332f302f00613902185f"), some()),
            ("base name alone", battery, octets("81a221662f332f302f3902185f"), some()),
            ("base name after the value", battery, octets("81a302185f21652f332f302f006139"), some()),
            ("an integer not of the shortest form", battery, octets("81a200662f332f302f390219005f"), some()),
            ("an octet too many", battery, octets("81a200662f332f302f3902185f00"), None),
            ("a record of another path", battery, octets("81a200662f332f302f3802185f"), None),
            ("no record", battery, octets("80"), None),
        ],
    );
}

#[test]
fn senml_cbor_values_keep_to_the_type_of_the_definition() {
    check_payloads(
        Format::SenmlCbor,
        &[
            ("half float", FLOAT, record(FLOAT, "02f93e00"), Some(Value::Float(1.5))),
            ("single float", FLOAT, record(FLOAT, "02fa3fc00000"), Some(Value::Float(1.5))),
            ("double float", FLOAT, record(FLOAT, "02fb3fb999999999999a"), Some(Value::Float(0.1))),
            ("an integer for a float", FLOAT, record(FLOAT, "0214"), None),
            ("a decimal fraction for a float", FLOAT, record(FLOAT, "02c4822018d7"), None),
            ("a whole float for an integer", INTEGER, record(INTEGER, "02f94d00"), None),
            ("text for an integer", INTEGER, record(INTEGER, "03623230"), None),
            ("unsigned", UNSIGNED, record(UNSIGNED, "021bffffffffffffffff"), Some(Value::Unsigned(u64::MAX))),
            ("boolean", BOOLEAN, record(BOOLEAN, "04f5"), Some(Value::Boolean(true))),
            ("a number for a boolean", BOOLEAN, record(BOOLEAN, "0201"), None),
            ("opaque", OPAQUE, record(OPAQUE, "08420102"), Some(Value::Opaque(vec![1, 2]))),
            ("time", TIME, record(TIME, "021a386d4380"), Some(Y2000)),
            ("time with a tag", TIME, record(TIME, "02c11a386d4380"), None),
            ("time as a float", TIME, record(TIME, "02fb41cc36a1c0000000"), None),
            ("object link as vlo", OBJLNK, record(OBJLNK, "63766c6f63333a30"), Some(DEVICE)),
            ("object link as text", OBJLNK, record(OBJLNK, "0363333a30"), Some(DEVICE)),
        ],
    );
}

#[test]
fn senml_json_values_are_converted() {
    let json = |path: &str, rest: &str| format!("[{{\"n\":\"{path}\",{rest}}}]").into_bytes();
    check_payloads(
        Format::SenmlJson,
        &[
            ("an integer for a float", FLOAT, json(FLOAT, r#""v":20"#), Some(Value::Float(20.0))),
            ("a whole float for an integer", INTEGER, json(INTEGER, r#""v":20.0"#), Some(Value::Integer(20))),
            ("a fraction for an integer", INTEGER, json(INTEGER, r#""v":1.5"#), None),
            (
                "base64url without padding",
                OPAQUE,
                json(OPAQUE, r#""vd":"AP8-""#),
                Some(Value::Opaque(vec![0, 255, 62])),
            ),
            ("base64", OPAQUE, json(OPAQUE, r#""vd":"AP8+""#), None),
            ("base64url with padding", OPAQUE, json(OPAQUE, r#""vd":"AA==""#), None),
            ("object link as vlo", OBJLNK, json(OBJLNK, r#""vlo":"3:0""#), Some(DEVICE)),
            ("object link as text", OBJLNK, json(OBJLNK, r#""vs":"3:0""#), Some(DEVICE)),
        ],
    );
}

#[test]
fn cbor_values_keep_to_the_type_of_the_definition() {
    check_payloads(
        Format::Cbor,
        &[
            ("integer", INTEGER, octets("185f"), Some(Value::Integer(95))),
            ("a float for an integer", INTEGER, octets("f94d00"), None),
            ("an integer for a float", FLOAT, octets("14"), None),
            ("half float", FLOAT, octets("f94d00"), Some(Value::Float(20.0))),
            ("time with tag 1", TIME, octets("c11a386d4380"), Some(Y2000)),
            ("time without a tag", TIME, octets("1a386d4380"), None),
            ("object link", OBJLNK, octets("63333a30"), Some(DEVICE)),
            ("a resource instance", "/3442/0/1120/1", octets("05"), Some(Value::Integer(5))),
        ],
    );
}

#[test]
fn text_values() {
    let text = |text: &str| text.as_bytes().to_vec();
    check_payloads(
        Format::Text,
        &[
            ("a float without fraction", FLOAT, text("21"), Some(Value::Float(21.0))),
            ("a float with an exponent", FLOAT, text("1e3"), Some(Value::Float(1000.0))),
            ("an integer with a fraction", INTEGER, text("21.0"), None),
            ("1 for true", BOOLEAN, text("1"), Some(Value::Boolean(true))),
            ("true for true", BOOLEAN, text("true"), None),
            ("base64 with padding", OPAQUE, text("AA=="), Some(Value::Opaque(vec![0]))),
            ("base64 without padding", OPAQUE, text("AA"), None),
            ("an empty string", "/3/0/14", text(""), Some(Value::from(""))),
        ],
    );
}

#[test]
fn tlv_values() {
    check_payloads(
        Format::Tlv,
        &[
            ("float of 4 octets", FLOAT, octets("c48241ac0000"), Some(Value::Float(21.5))),
            ("float of 8 octets", FLOAT, octets("c882084035800000000000"), Some(Value::Float(21.5))),
            ("integer of 3 octets", INTEGER, octets("c378000001"), Some(Value::Integer(1))),
            ("integer of no octet", INTEGER, octets("c078"), None),
            (
                "unsigned is extended like a signed one",
                UNSIGNED,
                octets("c17dff"),
                Some(Value::Unsigned(u64::MAX)),
            ),
            ("unsigned 255", UNSIGNED, octets("c27d00ff"), Some(Value::Unsigned(255))),
            ("a resource inside an instance", "/3/0/9", octets("0300c1095f"), Some(Value::Integer(95))),
            ("a bare resource instance", "/3442/0/1120/1", octets("410102"), Some(Value::Integer(2))),
            ("a resource instance inside its resource", "/3442/0/1120/1", octets("a30460410102"), None),
        ],
    );
}

#[test]
fn links_of_a_register() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let device = Device::start(server.ports().coap, |_| Reply::new(4, 4));
    let query = ["lt=60", "lwm2m=1.1", "b=U"];
    for (links, version) in [
        ("</>;rt=\"oma.lwm2m\";ct=\"60 110 112 11542\",</3/0>", "1.1"),
        ("</>;rt=\"oma.lwm2m\";ct=110,</3/0>", "1.1"),
        ("</3>;ver=1.0,</3/0>", "1.0"),
        ("</3>;ver=1.2", "1.2"),
        ("</lwm2m>;rt=\"oma.lwm2m\",</lwm2m/3/0>", "1.1"),
    ] {
        device.register("dev", &query, links).unwrap_or_else(|_| panic!("{links}"));
        let registration = server.wait_registered("dev", PATIENCE).unwrap();
        assert_eq!(registration.objects.get(&3).map(String::as_str), Some(version), "{links}");
    }
    for links in
        ["</3>;ver=\"1.1\"", "</3/0>;ver=1.1", "</1/0>, </3/0>", "</.well-known/core>,</3/0>", "</3/0>,", ""]
    {
        assert_eq!(
            device.register("dev", &query, links).map_err(|packet| code(&packet)),
            Err(0x80),
            "{links}"
        );
    }
}

#[test]
fn links_of_a_discover() {
    if !Leshan::available() {
        return;
    }
    let (mut server, _device, cell) = answering();
    let mut accepts = |links: &str| {
        *cell.lock().unwrap() = Reply::content(Format::Link, links.as_bytes());
        server.discover("dev", "/3").is_ok()
    };
    for links in [
        "</3>;ver=1.1;pmin=10,</3/0>;pmin=5;pmax=60,</3/0/7>;dim=2,</3/0/7/0>",
        "</3/0/9>,</3/0>,</3>",
        "</3303/0/5700>;gt=25.5;lt=-10;st=0.5",
        "</3303/0/5700>;epmin=1;epmax=2;gt=25",
        "</>;lwm2m=1.1,</0/0>;ssid=101;uri=\"coap://x\"",
    ] {
        assert!(accepts(links), "{links}");
    }
    for links in [
        "</3>;ver=\"1.1\"",
        "</3/0>;pmin=\"10\"",
        "</3/0>;pmin=10.5",
        "</3/0>;pmin",
        "</3303/0/5700>;gt=2e1",
        "</3303/0/5700>;gt=+1",
        "</3303/0/5700>;gt=.5",
        "</3303/0>;gt=1",
        "</3/0>;dim=2",
        "</3303/0/5700>;con=1",
        "</3303/0/5700>;edge=1",
        "</3303/0/5700>;hqmax=1",
        "</3/0>;unknown=1",
        "</3/0>;ct=112",
        "</3/0>, </3/0/1>",
        "</3/0>;pmin=1;pmin=2",
    ] {
        assert!(!accepts(links), "{links}");
    }
}

#[test]
fn exchanges_and_notifications() {
    if !Leshan::available() {
        return;
    }
    let (mut server, device, cell) = answering();
    *cell.lock().unwrap() = Reply::content(Format::Text, b"21.5").separate();
    assert_eq!(server.read("dev", "/3303/0/5700", None).unwrap().coap.kind, "CON");
    let ack = device.next_reply(PATIENCE).unwrap();
    assert_eq!(ack.header.get_type(), MessageType::Acknowledgement, "a separate response is acknowledged");

    *cell.lock().unwrap() = Reply::content(Format::Text, b"21.5").observe(10);
    let mut observe = || server.observe("dev", "/3303/0/5700", None).unwrap().coap.token.unwrap();
    let (old, token) = (observe(), observe());
    // What is expected is waited for; what is not has some time to come.
    let mut answers = |packet: &Packet, (reply, code): (Option<MessageType>, Option<Code>), what: &str| {
        let patience = |is_expected| if is_expected { PATIENCE } else { Duration::from_millis(200) };
        device.send(packet);
        let answer = device.next_reply(patience(reply.is_some())).map(|reply| reply.header.get_type());
        let event = server
            .wait("a notification", patience(code.is_some()), |event| match event {
                Event::Notify(notification) => Some(notification.code),
                _ => None,
            })
            .ok();
        assert_eq!((answer, event), (reply, code), "{what}");
    };
    let (ack, reset) = (Some(MessageType::Acknowledgement), Some(MessageType::Reset));
    let confirmable = MessageType::Confirmable;
    let notification = |kind, token: &[u8], sequence: Option<u32>, text: &str| {
        let mut packet = device.packet(kind, 0x45, token);
        if let Some(sequence) = sequence {
            packet.add_option(CoapOption::Observe, number(sequence));
        }
        packet.add_option(CoapOption::ContentFormat, Vec::new());
        packet.payload = text.as_bytes().to_vec();
        packet
    };
    let content = Some(Code::CONTENT);
    let first = notification(confirmable, &token, Some(11), "22");
    answers(&first, (ack, content), "a notification");
    answers(&first, (ack, None), "a duplicate is acknowledged and not reported");
    let second = notification(MessageType::NonConfirmable, &token, Some(12), "23");
    answers(&second, (None, content), "without acknowledgement");
    let older = notification(confirmable, &token, Some(5), "24");
    answers(&older, (ack, content), "Leshan reports an older sequence number: it does not put them in order");
    answers(&notification(confirmable, &token, Some(13), "abc"), (ack, None), "not decodable");
    answers(&notification(confirmable, &token, None, "25"), (reset, None), "without Observe");
    answers(&notification(confirmable, &token, Some(14), "26"), (ack, content), "still there");
    answers(&notification(confirmable, &old, Some(15), "27"), (reset, None), "the second Observe replaces");
    let unknown = notification(MessageType::NonConfirmable, b"?", Some(1), "28");
    answers(&unknown, (reset, None), "an unknown token");
    answers(&device.packet(confirmable, 0x84, &token), (ack, Some(Code::NOT_FOUND)), "an error");
    answers(&notification(confirmable, &token, Some(16), "29"), (reset, None), "4.04 ends it");
    answers(&device.packet(confirmable, 0, b""), (reset, None), "ping");
}

#[test]
fn an_active_cancel_leaves_the_observation_in_the_server() {
    if !Leshan::available() {
        return;
    }
    let (mut server, device, cell) = answering();
    *cell.lock().unwrap() = Reply::content(Format::Text, b"21.5").observe(10);
    let token = server.observe("dev", "/3303/0/5700", None).unwrap().coap.token.unwrap();
    assert_eq!(server.cancel("dev", "/3303/0/5700").unwrap().coap.token.as_deref(), Some(&token[..]));
    // So a device that goes on notifying is noticed.
    device.notify(MessageType::Confirmable, &token, 11, Format::Text, b"22");
    server.next_notification("dev", PATIENCE).unwrap();
}

#[test]
fn requests_are_repeated_until_acknowledged() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default().setting("COAP.ACK_TIMEOUT", "50[ms]")).unwrap();
    let device = Device::start(server.ports().coap, |_| Reply::silence());
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    device.take_received();
    let command = Command::read("dev", "/3/0").timeout(Duration::from_secs(30));
    assert_eq!(server.run(command).unwrap_err().failure(), Some(Failure::NoAcknowledgement));
    let arrived = device.take_received();
    assert_eq!(arrived.len(), 5, "MAX_RETRANSMIT is 4");
    let first = arrived.first().map(|arrival| &arrival.1);
    assert!(arrived.iter().all(|arrival| Some(&arrival.1) == first), "message id and token stay");
}

#[test]
fn large_payloads_go_in_blocks_of_512() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let blocks = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&blocks);
    let device = Device::start(server.ports().coap, move |request| {
        seen.lock().unwrap().push((option(request, CoapOption::Block1), request.get_token().to_vec()));
        match option(request, CoapOption::Block1) {
            Some(block) if block & 8 != 0 => Reply::new(2, 31).option(27, &number(block)),
            Some(block) => Reply::changed().option(27, &number(block)),
            None if path(request) == "/3/0/14" => Reply::changed(),
            None => Reply::new(4, 4),
        }
    });
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    let mut write = |length: usize| {
        let text = "x".repeat(length);
        let answer =
            server.write("dev", "/3/0/14", Mode::Replace, text.as_str(), Some(Format::Text)).unwrap();
        assert_eq!(answer.code, Code::CHANGED);
        std::mem::take(&mut *blocks.lock().unwrap())
    };
    assert_eq!(write(1024).iter().map(|block| block.0).collect::<Vec<_>>(), [None]);
    let blocks = write(1025);
    assert_eq!(blocks.iter().map(|block| block.0).collect::<Vec<_>>(), [Some(0x0d), Some(0x1d), Some(0x25)]);
    let mut tokens: Vec<_> = blocks.into_iter().map(|block| block.1).collect();
    assert!(tokens.iter().all(|token| token.len() == 8));
    tokens.dedup();
    assert_eq!(tokens.len(), 3, "each block has a token of its own");
}
