//! Refusals: the right code, and nothing has changed (LwM2M Core section 6.3 and 6.7).

use coracle::Event;
use coracle_leshan_peer::{Code, Command, Format, Mode, Node, ObjectLink, Value};
use coracle_test_device::profiles::{Plain, Small};

use crate::server::connect;
use crate::transport::{Transport, over_each_transport};
use crate::values::types_of;

over_each_transport!(
    the_security_object_is_out_of_reach,
    what_is_not_there_is_not_found,
    what_the_target_does_not_support_is_not_allowed,
    formats_that_cannot_carry_the_answer_are_not_acceptable,
    payloads_in_other_formats_are_not_supported,
    malformed_payloads_are_bad_requests,
    values_out_of_limits_change_nothing,
    an_incomplete_replacement_is_refused,
    values_that_do_not_fit_change_nothing,
    arguments_outside_of_the_grammar_are_bad_requests,
    a_binding_that_the_device_does_not_have_is_refused,
    non_confirmable_requests_are_answered,
);

const STRUCTURED: [Format; 3] = [Format::SenmlJson, Format::SenmlCbor, Format::Tlv];

/// What the object of refusals holds, to be compared before and after; not the marks of what has changed, which stay as long
/// as nobody observes.
fn gate(device: &coracle_test_device::Device) -> String {
    let text = device.look(|things| format!("{:?}", things.gate));
    text.split(", changes:").next().unwrap_or_default().to_owned()
}

/// LightweightM2M-1.1-int-221: nothing of object 0 is for this interface.
fn the_security_object_is_out_of_reach(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "refuse-security") else { return };
    for path in ["/0", "/0/0", "/0/0/0", "/0/0/3"] {
        assert_eq!(server.read(path, None).code, Code::UNAUTHORIZED, "Read of {path}");
        assert_eq!(server.attributes(path, "pmin=1"), Code::UNAUTHORIZED, "Write-Attributes of {path}");
    }
    assert_eq!(server.run(|name| Command::observe(name, "/0/0")).code, Code::UNAUTHORIZED);
    assert_eq!(server.write("/0/0/0", Mode::Replace, "coap://x", Some(Format::Text)), Code::UNAUTHORIZED);
    assert_eq!(server.run(|name| Command::delete(name, "/0/0")).code, Code::UNAUTHORIZED);
    assert_eq!(server.execute("/0/0/3", None), Code::UNAUTHORIZED);
    let node = Node::instance([(0, "coap://x")]);
    assert_eq!(server.run(|name| Command::create(name, "/0", node)).code, Code::UNAUTHORIZED);
    server.read("/3/0/0", None);
}

fn what_is_not_there_is_not_found(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "refuse-absent") else { return };
    for path in ["/9999", "/9999/0", "/3/1", "/3/0/99", "/3/0/11/7", "/33001/0/9", "/3/0/0/0"] {
        assert_eq!(server.read(path, None).code, Code::NOT_FOUND, "Read of {path}");
        assert_eq!(server.attributes(path, "pmin=1"), Code::NOT_FOUND, "Write-Attributes of {path}");
    }
    assert_eq!(server.write("/3311/7/5851", Mode::Replace, 5, Some(Format::Text)), Code::NOT_FOUND);
    assert_eq!(server.write("/3/0/99", Mode::Replace, 5, Some(Format::Text)), Code::NOT_FOUND);
    assert_eq!(server.run(|name| Command::delete(name, "/3311/7")).code, Code::NOT_FOUND);
}

/// LightweightM2M-1.1-int-256, 680, 685: operations that the target does not have.
fn what_the_target_does_not_support_is_not_allowed(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "refuse-operation") else { return };
    let model = || device.look(|things| things.device.model_number());
    let before = model();
    assert_eq!(server.write("/3/0/1", Mode::Replace, "other", Some(Format::Text)), Code::METHOD_NOT_ALLOWED);
    assert_eq!(model(), before);
    assert_eq!(server.read("/33001/0/1", None).code, Code::METHOD_NOT_ALLOWED, "write-only");
    assert_eq!(server.read("/3/0/4", None).code, Code::METHOD_NOT_ALLOWED, "executable");
    assert_eq!(server.run(|name| Command::observe(name, "/3/0/4")).code, Code::METHOD_NOT_ALLOWED);
    let node = Node::instance([(14, "Z")]);
    let created = server.run(|name| Command::create(name, "/3", node));
    assert_eq!(created.code, Code::METHOD_NOT_ALLOWED);
    for path in ["/3/0", "/3303/1", "/1/0"] {
        assert_eq!(server.run(|name| Command::delete(name, path)).code, Code::METHOD_NOT_ALLOWED, "{path}");
    }
    // One resource that can't be written spoils the whole request.
    let before = device.look(|things| format!("{:?}", things.device));
    for format in STRUCTURED {
        let node =
            Node::instance([(14, Node::from("+03:00")), (0, Node::from("me")), (15, Node::from("UTC"))]);
        assert_eq!(
            server.write("/3/0", Mode::Update, node, Some(format)),
            Code::METHOD_NOT_ALLOWED,
            "{format:?}"
        );
    }
    assert_eq!(device.look(|things| format!("{:?}", things.device)), before);
    assert_eq!(device.count(|event| matches!(event, Event::Written { .. })), 0);
}

fn formats_that_cannot_carry_the_answer_are_not_acceptable(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "refuse-accept") else { return };
    for (path, format) in [
        ("/3/0", Format::Text),
        ("/3/0", Format::Cbor),
        ("/3", Format::Opaque),
        ("/3/0/11", Format::Text),
        ("/3/0/11", Format::Cbor),
        ("/3/0/9", Format::Opaque),
        ("/3/0/9", Format::Json),
    ] {
        assert_eq!(server.read(path, Some(format)).code, Code::NOT_ACCEPTABLE, "{path} in {format:?}");
    }
    for number in [1, 50, 11544, 65535] {
        let answer = server.run(|name| Command::read(name, "/3/0/0").raw_accept(number));
        assert_eq!(answer.code, Code::NOT_ACCEPTABLE, "format {number}");
    }
    let Some((_device, server)) = connect::<Small>(over, "refuse-accept-1.0") else { return };
    for format in [Format::SenmlCbor, Format::SenmlJson, Format::Cbor] {
        assert_eq!(
            server.read("/3/0/9", Some(format)).code,
            Code::NOT_ACCEPTABLE,
            "{format:?} is not linked"
        );
    }
}

fn payloads_in_other_formats_are_not_supported(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "refuse-format") else { return };
    let before = types_of(&device);
    let bent = |path: &str, format: Format, payload: &[u8]| {
        let command = Command::write(&server.name, path, Mode::Replace, "x").raw_payload(format, payload);
        server.run(|_| command).code
    };
    for format in [Format::Other(50), Format::Json, Format::Link, Format::Other(9999)] {
        assert_eq!(bent("/3442/0/110", format, b"x"), Code::UNSUPPORTED_CONTENT_FORMAT, "{format:?}");
    }
    assert_eq!(
        bent("/3442/0/110", Format::Opaque, b"x"),
        Code::UNSUPPORTED_CONTENT_FORMAT,
        "opaque for text"
    );
    assert_eq!(types_of(&device), before);
}

/// Payloads that are no payloads: 4.00, whatever the format.
fn malformed_payloads_are_bad_requests(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "refuse-malformed") else { return };
    let before = types_of(&device);
    let cases: &[(&str, Format, &[u8])] = &[
        ("/3442/0/120", Format::Text, b"12x"),
        ("/3442/0/120", Format::Text, b""),
        ("/3442/0/120", Format::Text, b"99999999999999999999"),
        ("/3442/0/125", Format::Text, b"-1"),
        ("/3442/0/130", Format::Text, b"NaN"),
        ("/3442/0/140", Format::Text, b"true"),
        ("/3442/0/150", Format::Text, b"%%"),
        ("/3442/0/170", Format::Text, b"3"),
        ("/3442/0/110", Format::Text, b"\xff\xfe"),
        ("/3442/0/120", Format::Cbor, b"\x18"),
        ("/3442/0/120", Format::Cbor, b"\x63abc"),
        ("/3442/0/120", Format::Cbor, b"\x01\x02"),
        ("/3442/0/120", Format::Cbor, b"\xf9\x3e\x00"),
        ("/3442/0/120", Format::SenmlJson, b"[{\"n\":\"/3442/0/120\",\"v\":1"),
        ("/3442/0/120", Format::SenmlJson, b"[{\"n\":\"/3442/0/125\",\"v\":1}]"),
        ("/3442/0/120", Format::SenmlJson, b"[{\"n\":\"/3442/0/120\",\"vs\":\"1\"}]"),
        ("/3442/0/120", Format::SenmlJson, b"[{\"n\":\"/3442/0/120\",\"v\":1.5}]"),
        ("/3442/0/120", Format::SenmlJson, b"[]"),
        ("/3442/0/120", Format::SenmlCbor, b"\x81\xa1\x00\x6b/3442/0/120"),
        ("/3442/0/120", Format::SenmlCbor, b"\x80"),
        ("/3442/0/120", Format::SenmlCbor, b"\x81"),
        ("/3442/0/120", Format::Tlv, b"\xc1\x78"),
        ("/3442/0/120", Format::Tlv, b"\xc3\x78\x00\x00\x01"),
        ("/3442/0/120", Format::Tlv, b"\xc1\x7d\x05"),
        ("/3442/0/120", Format::Tlv, b""),
        ("/3442/0", Format::Tlv, b"\xc1\x78\x05\xc1"),
        ("/3442/0/1120", Format::Tlv, b"\x86\x04\x60\x41\x00\x05\x41\x01"),
    ];
    for (path, format, payload) in cases {
        // Leshan wants something that it could send itself, before the payload is put in its place.
        let (node, mode) = match path.rsplit('/').next() {
            Some("0") => (Node::instance([(120, 1)]), Mode::Update),
            Some("1120") => (Node::multiple([(0, 1)]), Mode::Replace),
            Some("110") => (Node::from("x"), Mode::Replace),
            Some("125") => (Node::from(Value::Unsigned(1)), Mode::Replace),
            Some("130") => (Node::from(1.0), Mode::Replace),
            Some("140") => (Node::from(true), Mode::Replace),
            Some("150") => (Node::from(&b"x"[..]), Mode::Replace),
            Some("170") => (Node::from(Value::Objlnk(ObjectLink { object: 3, instance: 0 })), Mode::Replace),
            _ => (Node::from(1), Mode::Replace),
        };
        let command = Command::write(&server.name, path, mode, node).raw_payload(*format, payload);
        let code = server.run(|_| command).code;
        assert_eq!(code, Code::BAD_REQUEST, "{path} {format:?} {payload:02x?}");
    }
    assert_eq!(types_of(&device), before, "nothing has changed");
    assert_eq!(device.count(|event| matches!(event, Event::Written { .. })), 0);
}

/// Values that the object does not take, alone and together with good ones.
fn values_out_of_limits_change_nothing(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "refuse-values") else { return };
    let before = gate(&device);
    let write = |path: &str, node: Node, format| server.write(path, Mode::Update, node, Some(format));
    for format in [Format::Text, Format::Cbor, Format::SenmlJson, Format::SenmlCbor, Format::Tlv] {
        for value in [101, -1, 256, i32::MAX] {
            let code = server.write("/33001/0/3", Mode::Replace, value, Some(format));
            assert_eq!(code, Code::BAD_REQUEST, "{value} in {format:?}");
        }
        assert_eq!(
            server.write("/33001/0/4", Mode::Replace, 11, Some(format)),
            Code::BAD_REQUEST,
            "low > high"
        );
    }
    for format in STRUCTURED {
        for (node, what) in [
            (Node::instance([(3, 10), (4, 11)]), "the second is above its limit"),
            (Node::instance([(4, 3), (5, 2)]), "together they are in the wrong order"),
            (Node::instance([(3, 101), (5, 20)]), "the first is too large"),
        ] {
            assert_eq!(write("/33001/0", node, format), Code::BAD_REQUEST, "{what}, {format:?}");
        }
    }
    assert_eq!(gate(&device), before, "nothing has changed");
    for format in STRUCTURED {
        let node = Node::instance([(4, 30), (5, 40)]);
        assert_eq!(write("/33001/0", node, format), Code::CHANGED, "both move at once, {format:?}");
        let node = Node::instance([(4, -10), (5, 10)]);
        assert_eq!(write("/33001/0", node, format), Code::CHANGED);
    }
    assert_eq!(gate(&device), before);
}

/// A replacing Write that leaves out what is mandatory.
fn an_incomplete_replacement_is_refused(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "refuse-incomplete") else { return };
    let before = gate(&device);
    for format in STRUCTURED {
        let node = Node::instance([(3, 10)]);
        assert_eq!(
            server.write("/33001/0", Mode::Replace, node, Some(format)),
            Code::BAD_REQUEST,
            "{format:?}"
        );
    }
    assert_eq!(gate(&device), before);
    let node = Node::instance([(2, Node::from(1))]);
    assert_eq!(server.write("/1/0", Mode::Replace, node, Some(Format::Tlv)), Code::BAD_REQUEST);
    assert_eq!(server.read("/1/0/1", None).value("/1/0/1"), Some(&300.into()));
}

/// What is longer than its resource. Californium takes 4.13 as an invitation to send blocks, which the device refuses
/// with 4.02 as long as it does not take them; either way nothing has changed.
fn values_that_do_not_fit_change_nothing(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "refuse-large") else { return };
    let before = gate(&device);
    let long = "x".repeat(17);
    for format in [Format::Text, Format::Cbor, Format::SenmlJson, Format::SenmlCbor, Format::Tlv] {
        let code = server.write("/33001/0/1", Mode::Replace, long.as_str(), Some(format));
        assert!(code == Code(4, 13) || code == Code(4, 2), "{code} {format:?}");
    }
    for format in STRUCTURED {
        let node = Node::multiple([(0, 1), (1, 2), (2, 3)]);
        let code = server.write("/33001/0/7", Mode::Replace, node, Some(format));
        assert!(code == Code(4, 13) || code == Code(4, 2), "{code} {format:?}");
        let node = Node::instance([(3, Node::from(10)), (7, Node::multiple([(1, 1), (2, 2)]))]);
        let code = server.write("/33001/0", Mode::Update, node, Some(format));
        assert!(code == Code(4, 13) || code == Code(4, 2), "{code} {format:?}");
    }
    assert_eq!(gate(&device), before);
}

fn arguments_outside_of_the_grammar_are_bad_requests(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "refuse-arguments") else { return };
    for payload in [&b"0='a b'"[..], b"x", b"0=a", b"0,", b"10", b"0='", b"0,0", b"\xff"] {
        let command = Command::execute(&server.name, "/33001/0/2").raw_payload(Format::Text, payload);
        assert_eq!(server.run(|_| command).code, Code::BAD_REQUEST, "{payload:02x?}");
    }
    let command = Command::execute(&server.name, "/33001/0/2").raw_payload(Format::Tlv, b"0");
    assert_eq!(server.run(|_| command).code, Code::UNSUPPORTED_CONTENT_FORMAT);
    assert_eq!(device.look(|things| things.gate.openings()), 0);
}

/// A binding that the device does not have (it has UDP only).
fn a_binding_that_the_device_does_not_have_is_refused(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "refuse-binding") else { return };
    for binding in ["S", "UQ", "T", ""] {
        let code = server.write("/1/0/7", Mode::Replace, binding, Some(Format::Text));
        assert_eq!(code, Code::BAD_REQUEST, "{binding}");
    }
    assert_eq!(server.read("/1/0/7", None).value("/1/0/7"), Some(&"U".into()));
}

/// Non-confirmable requests get non-confirmable answers.
fn non_confirmable_requests_are_answered(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "non-confirmable") else { return };
    let answer = server.run(|name| Command::read(name, "/3/0/0").non_confirmable());
    assert_eq!((answer.code, answer.coap.kind.as_str()), (Code::CONTENT, "NON"));
    let answer = server.run(|name| Command::read(name, "/3/0/99").non_confirmable());
    assert_eq!((answer.code, answer.coap.kind.as_str()), (Code::NOT_FOUND, "NON"));
}
