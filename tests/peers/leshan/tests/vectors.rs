//! The requests Leshan sends, octet by octet: `vectors.txt` has one line `name hexdump` for each, captured at the
//! fake device. Message ids and tokens are random, so they do not count. With `CORACLE_UPDATE_VECTORS=1` this test
//! writes the file in place of comparing it.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use coap_lite::{CoapOption, Packet};
use coracle_leshan_peer::{
    BootstrapStepRequest, Command, Format, Leshan, Mode, Node, ObjectLink, Options, Value, hex,
};
use support::{Device, PATIENCE, Reply, code, option, path};

const EP: &str = "dev";

/// Refuses everything but observations and bootstrap: what the device answers does not matter here.
fn refuse(request: &Packet) -> Reply {
    let observes = option(request, CoapOption::Observe) == Some(0);
    match code(request) {
        1 if observes => Reply::content(Format::Text, b"95").observe(1),
        5 if observes => Reply::content(Format::SenmlJson, br#"[{"n":"/3/0/9","v":95}]"#).observe(1),
        2 if path(request) == "/bs" => Reply::changed(),
        _ => Reply::new(4, 5),
    }
}

fn tagged(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Link => "link",
        Format::Opaque => "opaque",
        Format::Cbor => "cbor",
        Format::SenmlJson => "senml-json",
        Format::SenmlCbor => "senml-cbor",
        Format::Tlv => "tlv",
        Format::Json => "json",
        Format::Other(_) => "other",
    }
}

type Cases = Vec<(String, Command)>;

fn reads() -> Cases {
    let mut cases = Cases::new();
    for target in ["/3", "/3/0", "/3/0/9", "/3/0/7/1"] {
        cases.push((format!("read{}", target.replace('/', "-")), Command::read(EP, target)));
    }
    let formats =
        [Format::Text, Format::Opaque, Format::Cbor, Format::SenmlJson, Format::SenmlCbor, Format::Tlv];
    for format in formats.into_iter().chain([Format::Json]) {
        let command = Command::read(EP, "/3/0/9").format(format);
        cases.push((format!("read-accept-{}", tagged(format)), command));
    }
    for target in ["/3", "/3/0", "/3/0/7"] {
        cases.push((format!("discover{}", target.replace('/', "-")), Command::discover(EP, target)));
    }
    for format in [Format::SenmlJson, Format::SenmlCbor] {
        let command = Command::read_composite(EP, &["/3/0/9", "/3303/0", "/3442/0/1110/1"]).format(format);
        cases.push((format!("read-composite-{}", tagged(format)), command));
    }
    cases
}

/// Values of each type with the id of their resource in object 3442.
fn values() -> Vec<(&'static str, u16, Value)> {
    vec![
        ("string", 110, Value::from("h\u{e9}llo")),
        ("empty-string", 110, Value::from("")),
        ("integer-0", 120, Value::Integer(0)),
        ("integer-127", 120, Value::Integer(127)),
        ("integer-128", 120, Value::Integer(128)),
        ("integer-minus-1", 120, Value::Integer(-1)),
        ("integer-minus-129", 120, Value::Integer(-129)),
        ("integer-max", 120, Value::Integer(i64::MAX)),
        ("integer-min", 120, Value::Integer(i64::MIN)),
        ("unsigned-1", 125, Value::Unsigned(1)),
        ("unsigned-max", 125, Value::Unsigned(u64::MAX)),
        ("float-21.5", 130, Value::Float(21.5)),
        ("float-0.1", 130, Value::Float(0.1)),
        ("float-20", 130, Value::Float(20.0)),
        ("float-1e30", 130, Value::Float(1e30)),
        ("boolean-true", 140, Value::Boolean(true)),
        ("boolean-false", 140, Value::Boolean(false)),
        ("opaque", 150, Value::from(&[0x00u8, 0xff, 0x3e][..])),
        ("time", 160, Value::Time(946_684_800)),
        ("objlnk", 170, Value::Objlnk(ObjectLink { object: 3, instance: 0 })),
        ("corelnk", 180, Value::Corelnk("</3/0>;ver=1.1".to_owned())),
    ]
}

fn writes_of_values() -> Cases {
    let mut cases = Cases::new();
    for (name, id, value) in values() {
        for format in [Format::Text, Format::Cbor, Format::Tlv, Format::SenmlJson, Format::SenmlCbor] {
            let target = format!("/3442/0/{id}");
            let command = Command::write(EP, &target, Mode::Replace, value.clone()).format(format);
            cases.push((format!("write-{}-{name}", tagged(format)), command));
        }
    }
    let octets = Value::from(&[0x00u8, 0xff, 0x3e][..]);
    let command = Command::write(EP, "/3442/0/150", Mode::Replace, octets).format(Format::Opaque);
    cases.push(("write-opaque-opaque".to_owned(), command));
    cases
}

fn writes_at_levels() -> Cases {
    let instance = || {
        Node::instance([
            (110, Node::from("abc")),
            (120, Node::from(5)),
            (1120, Node::multiple([(0, 1), (300, 70_000)])),
        ])
    };
    let mut cases = Cases::new();
    for format in [Format::Tlv, Format::SenmlJson, Format::SenmlCbor] {
        for (word, mode) in [("replace", Mode::Replace), ("update", Mode::Update)] {
            let tail = format!("{}-{word}", tagged(format));
            let command = Command::write(EP, "/3442/0", mode, instance()).format(format);
            cases.push((format!("write-instance-{tail}"), command));
            let multiple = Node::multiple([(0, 1), (300, 70_000)]);
            let command = Command::write(EP, "/3442/0/1120", mode, multiple).format(format);
            cases.push((format!("write-multiple-{tail}"), command));
        }
        let command =
            Command::write(EP, "/3442/0/1120", Mode::Replace, Node::Cleared("integer")).format(format);
        cases.push((format!("write-multiple-empty-{}", tagged(format)), command));
    }
    for format in [Format::Text, Format::Cbor, Format::Tlv, Format::SenmlJson, Format::SenmlCbor] {
        let command = Command::write(EP, "/3442/0/1120/300", Mode::Replace, 70_000).format(format);
        cases.push((format!("write-resource-instance-{}", tagged(format)), command));
    }
    for (name, target, node) in [
        ("single", "/3442/0/120", Node::from(5)),
        ("opaque", "/3442/0/150", Node::from(&[1u8][..])),
        ("multiple", "/3442/0/1120", Node::multiple([(0, 1)])),
        ("instance", "/3442/0", instance()),
    ] {
        cases.push((format!("write-no-format-{name}"), Command::write(EP, target, Mode::Replace, node)));
    }
    for format in [Format::SenmlJson, Format::SenmlCbor] {
        let nodes = [
            ("/3/0/14", Node::from("+02:00")),
            ("/3442/0/120", Node::from(5)),
            ("/3442/0/1120/1", Node::from(7)),
        ];
        let command = Command::write_composite(EP, nodes).format(format);
        cases.push((format!("write-composite-{}", tagged(format)), command));
    }
    cases
}

fn creates() -> Cases {
    let resources = || Node::instance([(5850, Node::from(true)), (5706, Node::from("red"))]);
    let mut cases = Cases::new();
    for format in [Format::Tlv, Format::SenmlJson, Format::SenmlCbor] {
        let name = tagged(format);
        cases.push((format!("create-{name}"), Command::create(EP, "/3311", resources()).format(format)));
        cases.push((format!("create-id-{name}"), Command::create(EP, "/3311/7", resources()).format(format)));
        let two = Node::object([(7, resources()), (8, resources())]);
        cases.push((format!("create-two-{name}"), Command::create(EP, "/3311", two).format(format)));
    }
    cases.push(("create-no-format".to_owned(), Command::create(EP, "/3311", resources())));
    cases
}

fn others() -> Cases {
    let cases = [
        ("execute", Command::execute(EP, "/3/0/4")),
        ("execute-arguments", Command::execute(EP, "/3/0/4").arguments("0='now',1")),
        ("delete", Command::delete(EP, "/3311/7")),
        ("attributes-periods", Command::attributes(EP, "/3303/0", "pmin=1&pmax=5")),
        ("attributes-object", Command::attributes(EP, "/3303", "pmin=10")),
        ("attributes-thresholds", Command::attributes(EP, "/3303/0/5700", "gt=25.5&lt=-10&st=0.5")),
        ("attributes-evaluation", Command::attributes(EP, "/3303/0/5700", "epmin=1&epmax=2")),
        ("attributes-unset", Command::attributes(EP, "/3303/0/5700", "pmin&gt")),
        ("attributes-resource-instance", Command::attributes(EP, "/3442/0/1120/0", "pmin=1")),
        ("observe", Command::observe(EP, "/3303/0/5700")),
        ("cancel", Command::cancel(EP, "/3303/0/5700")),
        ("observe-instance-tlv", Command::observe(EP, "/3303/0").format(Format::Tlv)),
        ("observe-object-senml-cbor", Command::observe(EP, "/3303").format(Format::SenmlCbor)),
        ("observe-accept-text", Command::observe(EP, "/3/0/9").format(Format::Text)),
        ("cancel-accept-text", Command::cancel(EP, "/3/0/9")),
        (
            "observe-composite",
            Command::observe_composite(EP, &["/3/0/9", "/3303/0"]).format(Format::SenmlJson),
        ),
        ("cancel-composite", Command::cancel_composite(EP)),
        ("read-non-confirmable", Command::read(EP, "/3/0/9").non_confirmable()),
    ];
    cases.map(|(name, command)| (name.to_owned(), command)).into()
}

/// One request per case. A case Leshan itself refuses to send has no line.
fn capture_requests(server: &mut Leshan, vectors: &mut Vec<(String, Vec<u8>)>) {
    let device = Device::start(server.ports().coap, refuse);
    device.register_simply(EP);
    server.wait_registered(EP, PATIENCE).unwrap();
    device.take_received();
    let cases = [reads(), writes_of_values(), writes_at_levels(), creates(), others()];
    for (name, command) in cases.into_iter().flatten() {
        let outcome = server.run(command);
        let mut arrived = device.take_received();
        match arrived.pop() {
            Some((_, datagram)) => vectors.push((name, datagram)),
            None => vectors.push((format!("{name} NOT SENT: {}", outcome.unwrap_err()), Vec::new())),
        }
        assert!(arrived.is_empty(), "one datagram per request");
    }
}

fn capture_bootstrap(server: &mut Leshan, vectors: &mut Vec<(String, Vec<u8>)>) {
    let security = Node::instance([
        (0, Node::from("coap://127.0.0.1:5683")),
        (1, Node::from(false)),
        (2, Node::from(3)),
        (10, Node::from(1)),
    ]);
    let account = Node::instance([
        (0, Node::from(1)),
        (1, Node::from(300)),
        (6, Node::from(false)),
        (7, Node::from("U")),
    ]);
    let steps = [
        ("bootstrap-discover", BootstrapStepRequest::discover("/")),
        ("bootstrap-read", BootstrapStepRequest::read("/1/0")),
        ("bootstrap-delete-all", BootstrapStepRequest::delete("/")),
        ("bootstrap-delete-object", BootstrapStepRequest::delete("/0")),
        ("bootstrap-write-instance-tlv", BootstrapStepRequest::write("/0/1", security.clone())),
        (
            "bootstrap-write-object-tlv",
            BootstrapStepRequest::write("/1", Node::object([(0, account.clone())])),
        ),
        (
            "bootstrap-write-instance-senml-cbor",
            BootstrapStepRequest::write("/0/1", security).format(Format::SenmlCbor),
        ),
        (
            "bootstrap-write-instance-senml-json",
            BootstrapStepRequest::write("/1/0", account).format(Format::SenmlJson),
        ),
    ];
    let (names, steps): (Vec<_>, Vec<_>) = steps.into_iter().unzip();
    server.bootstrap_script(EP, &steps).unwrap();
    let device = Device::start(server.ports().bs_coap, refuse);
    assert_eq!(code(&device.request(2, &["bs"], &[format!("ep={EP}")], "")), 0x44);
    server.wait_bootstrap(EP, PATIENCE).unwrap();
    let requests = device.take_received().into_iter().map(|(_, datagram)| datagram);
    let requests = requests.filter(|datagram| datagram.get(1).is_some_and(|code| (1..32).contains(code)));
    let names = names.into_iter().chain(["bootstrap-finish"]);
    vectors.extend(names.map(str::to_owned).zip(requests));
}

/// The datagram without what is random in it.
fn mask(datagram: &[u8]) -> Vec<u8> {
    let mut masked = datagram.to_vec();
    let token = usize::from(datagram.first().map_or(0, |byte| byte & 0x0f));
    for byte in masked.iter_mut().skip(2).take(2 + token) {
        *byte = 0;
    }
    masked
}

#[test]
fn leshan_sends_what_the_vectors_say() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let mut vectors = Vec::new();
    capture_requests(&mut server, &mut vectors);
    capture_bootstrap(&mut server, &mut vectors);

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors.txt");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let known: BTreeMap<&str, Vec<u8>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, digits)| (name, hex::decode(digits).unwrap_or_default()))
        .collect();
    if std::env::var("CORACLE_UPDATE_VECTORS").is_ok() {
        let mut text = String::from(
            "# Requests of Eclipse Leshan 2.0.0-M15 as a device receives them: name, datagram.\n\
             # Written by CORACLE_UPDATE_VECTORS=1 cargo test -p coracle-leshan-peer --test vectors\n",
        );
        for (name, datagram) in &vectors {
            // An old line stays as long as only message id and token differ.
            let line = known.get(name.as_str()).filter(|old| mask(old) == mask(datagram)).unwrap_or(datagram);
            if line.is_empty() {
                writeln!(text, "# {name}").unwrap();
            } else {
                writeln!(text, "{name} {}", hex::encode(line)).unwrap();
            }
        }
        fs::write(&file, text).unwrap();
        return;
    }
    vectors.retain(|(_, datagram)| !datagram.is_empty());
    assert_eq!(known.len(), vectors.len());
    for (name, datagram) in &vectors {
        let line = known.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the file"));
        assert_eq!(hex::encode(&mask(datagram)), hex::encode(&mask(line)), "{name}");
    }
}
