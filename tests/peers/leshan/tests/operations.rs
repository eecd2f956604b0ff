//! The harness and the peer against a fake device: each operation once, and every kind of trouble.

mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use coap_lite::{CoapOption, MessageType, Packet};
use coracle_leshan_peer::{Code, Command, Error, Event, Failure, Format, Leshan, Mode, Node, Options, Value};
use support::{Device, LINKS, PATIENCE, Reply, code, option, path, texts};

/// A device with one battery level, a writable string, a reboot, and a temperature that can be observed.
fn thermometer(request: &Packet) -> Reply {
    match (code(request), path(request).as_str()) {
        (1, "/3/0/9") => Reply::content(Format::Text, b"95"),
        (1, "/3303/0/5700") => {
            let reply = Reply::content(Format::Text, b"21.5");
            if option(request, CoapOption::Observe) == Some(0) { reply.observe(1) } else { reply }
        }
        (1, "/3") => Reply::content(Format::Link, b"</3/0>;pmin=10,</3/0/9>,</3/0/4>"),
        (2, "/3/0/4") if request.payload == b"0='now'" => Reply::changed(),
        (2, "/3/0/4") => Reply::new(4, 0).payload(b"argument 0 is needed"),
        (2, "/3311") => Reply::new(2, 1).option(8, b"3311").option(8, b"7"),
        (3, "/3/0/14") if request.payload == b"+02:00" => Reply::changed(),
        (3, "/3303/0") => Reply::changed(),
        (4, "/3311/7") => Reply::new(2, 2),
        _ => Reply::new(4, 4),
    }
}

#[test]
fn a_device_is_managed_from_register_to_deregister() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let device = Device::start(server.ports().coap, thermometer);
    let location = device.register("dev", &["lt=60", "lwm2m=1.1", "b=U", "sensor=indoor"], LINKS).unwrap();
    let registration = server.wait_registered("dev", PATIENCE).unwrap();
    assert_eq!(location, format!("rd/{}", registration.id));
    assert_eq!((registration.version.as_str(), registration.lifetime), ("1.1", 60));
    assert_eq!((registration.binding.as_str(), registration.queue, registration.secure), ("U", false, false));
    assert_eq!(registration.address, device.address().to_string());
    assert_eq!(registration.attributes, BTreeMap::from([("sensor".to_owned(), "indoor".to_owned())]));
    assert_eq!(registration.query, ["ep=dev", "lt=60", "lwm2m=1.1", "b=U", "sensor=indoor"]);
    assert_eq!(registration.payload, LINKS);
    assert_eq!(registration.formats, Some(vec![0, 40, 42, 60, 110, 112, 11542]));
    assert_eq!(registration.link("/3/0").map(|link| link.attributes.len()), Some(0));

    let answer = server.read("dev", "/3/0/9", Some(Format::Text)).unwrap();
    assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(Format::Text)));
    assert_eq!(answer.content, BTreeMap::from([("/3/0/9".to_owned(), Value::Integer(95))]));
    assert_eq!((answer.coap.payload.as_slice(), answer.coap.kind.as_str()), (&b"95"[..], "ACK"));

    let answer = server.discover("dev", "/3").unwrap();
    assert_eq!(answer.code, Code::CONTENT);
    assert_eq!(
        answer.links.iter().map(|link| link.path.as_str()).collect::<Vec<_>>(),
        ["/3/0", "/3/0/9", "/3/0/4"]
    );
    assert_eq!(answer.links.first().and_then(|link| link.attribute("pmin")), Some("10"));

    let answer = server.write("dev", "/3/0/14", Mode::Replace, "+02:00", Some(Format::Text)).unwrap();
    assert_eq!(answer.code, Code::CHANGED);
    assert_eq!(server.execute("dev", "/3/0/4", Some("0='now'")).unwrap().code, Code::CHANGED);
    let answer = server.execute("dev", "/3/0/4", None).unwrap();
    assert_eq!((answer.code, answer.message.as_deref()), (Code::BAD_REQUEST, Some("argument 0 is needed")));
    assert_eq!(server.write_attributes("dev", "/3303/0", "pmin=1&pmax=5").unwrap().code, Code::CHANGED);
    let light = Node::instance([(5850, Node::from(true))]);
    let answer = server.create("dev", "/3311", light, None).unwrap();
    assert_eq!((answer.code, answer.location.as_deref()), (Code::CREATED, Some("3311/7")));
    assert_eq!(server.delete("dev", "/3311/7").unwrap().code, Code::DELETED);
    assert_eq!(server.read("dev", "/3/0/99", None).unwrap().code, Code::NOT_FOUND);

    assert_eq!(device.update(&location, &["lt=120"]), 0x44);
    let updated = server.wait_updated("dev", PATIENCE).unwrap();
    assert_eq!((updated.lifetime, updated.query.as_slice()), (120, &["lt=120".to_owned()][..]));
    assert_eq!(server.clients().unwrap().len(), 1);
    assert_eq!(device.deregister(&location), 0x42);
    let end = server.wait_unregistered("dev", PATIENCE).unwrap();
    assert_eq!((end.id, end.expired), (registration.id, false));
    assert!(server.clients().unwrap().is_empty());
    server.expect_nothing(Duration::from_millis(100)).unwrap();
}

#[test]
fn an_observation_notifies_until_it_is_cancelled() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let device = Device::start(server.ports().coap, thermometer);
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();

    let answer = server.observe("dev", "/3303/0/5700", Some(Format::Text)).unwrap();
    assert_eq!(answer.value("/3303/0/5700"), Some(&Value::Float(21.5)));
    assert_eq!(answer.coap.observe, Some(1));
    let token = answer.coap.token.clone().unwrap();
    assert_eq!(answer.observation, Some(coracle_leshan_peer::hex::encode(&token)));

    let mid = device.notify(MessageType::Confirmable, &token, 2, Format::Text, b"22.25");
    let notification = server.next_notification("dev", PATIENCE).unwrap();
    assert_eq!(notification.content, BTreeMap::from([("/3303/0/5700".to_owned(), Value::Float(22.25))]));
    assert_eq!((notification.coap.observe, notification.coap.kind.as_str()), (Some(2), "CON"));
    assert_eq!(
        (notification.observation, notification.path.as_deref()),
        (answer.observation.unwrap(), Some("/3303/0/5700"))
    );
    let reply = device.next_reply(PATIENCE).unwrap();
    assert_eq!((reply.header.get_type(), reply.header.message_id), (MessageType::Acknowledgement, mid));

    server.cancel_passively("dev", "/3303/0/5700").unwrap();
    assert!(matches!(server.next_event(PATIENCE), Ok(Event::Cancelled(_))));
    let mid = device.notify(MessageType::Confirmable, &token, 3, Format::Text, b"23");
    let reply = device.next_reply(PATIENCE).unwrap();
    assert_eq!((reply.header.get_type(), reply.header.message_id), (MessageType::Reset, mid));
    server.expect_no_notification(Duration::from_millis(100)).unwrap();
    let error = server.cancel("dev", "/3303/0/5700").unwrap_err();
    assert_eq!(error.failure(), Some(Failure::BadCommand), "{error}");

    server.observe("dev", "/3303/0/5700", Some(Format::Text)).unwrap();
    assert_eq!(server.cancel("dev", "/3303/0/5700").unwrap().code, Code::CONTENT);
}

#[test]
fn expect_nothing_reports_what_came() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    server.expect_nothing(Duration::from_millis(50)).unwrap();
    let device = Device::start(server.ports().coap, thermometer);
    device.register_simply("dev");
    let error = server.expect_nothing(Duration::from_secs(2)).unwrap_err();
    assert!(matches!(&error, Error::Unexpected(text) if text.contains("Registered")), "{error}");
    server.expect_no_notification(Duration::ZERO).unwrap();
    assert_eq!(server.take_events().len(), 1);
    server.expect_nothing(Duration::ZERO).unwrap();
    let begin = Instant::now();
    let error = server.wait_registered("dev", Duration::from_millis(50)).unwrap_err();
    assert!(error.is_timeout() && begin.elapsed() < PATIENCE, "{error}");
}

#[test]
fn bad_commands_are_refused_in_words() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let error = server.read("nobody", "/3/0", None).unwrap_err();
    assert_eq!(error.failure(), Some(Failure::NotRegistered));
    assert!(error.to_string().contains("\"nobody\" is not registered"), "{error}");

    let device = Device::start(server.ports().coap, thermometer);
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    let mut fails = |command: Command, kind: Failure, word: &str| {
        let error = server.run(command).unwrap_err();
        assert_eq!(error.failure(), Some(kind), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    };
    fails(Command::read("dev", "/3/x"), Failure::InvalidRequest, "3/x");
    fails(Command::attributes("dev", "/3/0", "speed=1"), Failure::BadCommand, "speed");
    fails(Command::attributes("dev", "/3/0", "pmin=x"), Failure::BadCommand, "query");
    fails(Command::execute("dev", "/3/0"), Failure::InvalidRequest, "/3/0");
    fails(Command::write("dev", "/3/0", Mode::Replace, "text"), Failure::BadCommand, "resources");
    let wrong_type = Command::write("dev", "/3303/0/5700", Mode::Replace, "text").format(Format::Text);
    fails(wrong_type, Failure::InvalidRequest, "STRING");
    let wrong_format = Command::write("dev", "/3303/0/5700", Mode::Replace, 1.0).format(Format::Opaque);
    fails(wrong_format, Failure::InvalidRequest, "OPAQUE");
    let error = server.add_raw_public_key("dev", b"no key").unwrap_err();
    assert!(error.to_string().contains("SPKI"), "{error}");
    assert_eq!(server.read("dev", "/3/0/9", None).unwrap().code, Code::CONTENT, "still in order");
}

#[test]
fn each_way_a_device_can_fail_has_a_name() {
    if !Leshan::available() {
        return;
    }
    let options =
        Options::default().setting("COAP.ACK_TIMEOUT", "500[ms]").setting("COAP.MAX_RETRANSMIT", "2");
    let mut server = Leshan::start(options).unwrap();
    let device = Device::start(server.ports().coap, |request| match path(request).as_str() {
        "/3/0/0" => Reply::content(Format::SenmlCbor, b"\xff"),
        "/3/0/1" => Reply::content(Format::Other(9999), b"?"),
        "/3/0/2" => Reply::changed(),
        "/3/0/3" => Reply::silence(),
        "/3/0/4" => Reply::ack_only(),
        "/3/0/5" => Reply::reset(),
        "/3/0/6" => Reply::content(Format::Text, b"late").separate(),
        "/3/0/7" => Reply::content(Format::Text, b"1").separate_without_ack(),
        _ => Reply::new(5, 0),
    });
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    let mut failure = |path: &str| {
        let error = server.run(Command::read("dev", path).timeout(Duration::from_secs(10))).unwrap_err();
        let Error::Failed { kind, coap, .. } = error else { panic!("{error}") };
        (kind, coap.map(|coap| coap.payload))
    };
    assert_eq!(failure("/3/0/0"), (Failure::InvalidResponse, Some(vec![0xff])));
    assert_eq!(failure("/3/0/1"), (Failure::InvalidResponse, Some(b"?".to_vec())));
    assert_eq!(failure("/3/0/2"), (Failure::InvalidResponse, Some(vec![])));
    assert_eq!(failure("/3/0/3"), (Failure::NoAcknowledgement, None));
    assert_eq!(failure("/3/0/4"), (Failure::NoResponse, None));
    assert_eq!(failure("/3/0/5"), (Failure::Reset, None));
    let answer = server.read("dev", "/3/0/18", None).unwrap();
    assert_eq!((answer.code, answer.code.is_success()), (Code(5, 0), false));
    let separate = server.read("dev", "/3/0/6/0", None).unwrap();
    assert_eq!((separate.code, separate.coap.kind.as_str()), (Code(5, 0), "ACK"));
    let separate = server.read("dev", "/3/0/7", None).unwrap();
    assert_eq!(separate.coap.kind, "CON");
}

#[test]
fn requests_may_overlap_and_be_bent() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let device = Device::start(server.ports().coap, |request| match path(request).as_str() {
        "/3/0/0" => Reply::silence(),
        "/3/0/1" if request.header.get_type() == MessageType::NonConfirmable => {
            Reply::content(Format::Text, b"non")
        }
        "/3/0/2" if option(request, CoapOption::Accept) == Some(9999) => Reply::new(4, 6),
        "/3/0/14" if request.payload == b"?" && option(request, CoapOption::ContentFormat) == Some(50) => {
            Reply::new(4, 15)
        }
        _ => Reply::new(5, 0),
    });
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    let slow = server.submit(Command::read("dev", "/3/0/0").timeout(Duration::from_millis(800))).unwrap();
    let quick = server.submit(Command::read("dev", "/3/0/1").non_confirmable()).unwrap();
    let answer = server.answer(&quick).unwrap();
    assert_eq!((answer.coap.kind.as_str(), answer.value("/3/0/1")), ("NON", Some(&Value::from("non"))));
    assert_eq!(server.answer(&slow).unwrap_err().failure(), Some(Failure::NoResponse));
    let answer = server.run(Command::read("dev", "/3/0/2").raw_accept(9999)).unwrap();
    assert_eq!(answer.code, Code::NOT_ACCEPTABLE);
    let bent = Command::write("dev", "/3/0/14", Mode::Replace, "x").raw_payload(Format::Other(50), b"?");
    assert_eq!(server.run(bent).unwrap().code, Code::UNSUPPORTED_CONTENT_FORMAT);
}

#[test]
fn composite_operations_and_traces() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default().trace()).unwrap();
    let device = Device::start(server.ports().coap, |request| match code(request) {
        5 => {
            let text = br#"[{"n":"/3/0/9","v":95},{"n":"/3303/0/5700","v":21.5}]"#;
            let reply = Reply::content(Format::SenmlJson, text);
            if option(request, CoapOption::Observe) == Some(0) { reply.observe(1) } else { reply }
        }
        7 => Reply::changed(),
        _ => Reply::new(5, 0),
    });
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    let paths = ["/3/0/9", "/3303/0", "/3/0/0"];
    let answer = server.run(Command::read_composite("dev", &paths).format(Format::SenmlJson)).unwrap();
    assert_eq!((answer.content.len(), answer.missing.as_slice()), (2, &["/3/0/0".to_owned()][..]));
    let write =
        Command::write_composite("dev", [("/3/0/14", Node::from("+01")), ("/3311/0/5850", Node::from(true))]);
    assert_eq!(server.run(write).unwrap().code, Code::CHANGED);
    let answer = server.run(Command::observe_composite("dev", &paths).format(Format::SenmlJson)).unwrap();
    let token = answer.coap.token.unwrap();
    device.notify(MessageType::NonConfirmable, &token, 2, Format::SenmlJson, br#"[{"n":"/3/0/9","v":94}]"#);
    let notification = server.next_notification("dev", PATIENCE).unwrap();
    assert_eq!(notification.content.get("/3/0/9"), Some(&Value::Integer(94)));
    assert_eq!((notification.path, notification.paths.len()), (None, 3));
    assert_eq!(server.run(Command::cancel_composite("dev")).unwrap().code, Code::CONTENT);
    let traced: Vec<_> = server
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Coap(trace) => Some((trace.way, trace.code, trace.coap.kind)),
            _ => None,
        })
        .collect();
    assert_eq!(traced.first(), Some(&("in".to_owned(), Code(0, 2), "CON".to_owned())));
    assert!(traced.contains(&("out".to_owned(), Code(0, 7), "CON".to_owned())));
}

#[test]
fn queue_mode_devices_sleep_and_wake() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default().awake_time(Duration::from_secs(5))).unwrap();
    let device = Device::start(server.ports().coap, thermometer);
    let location = device.register("dev", &["lt=60", "lwm2m=1.1", "b=U", "Q"], LINKS).unwrap();
    assert!(server.wait_registered("dev", PATIENCE).unwrap().queue);
    server.wait("sleep", PATIENCE, |event| matches!(event, Event::Sleeping(_)).then_some(())).unwrap();
    assert_eq!(server.read("dev", "/3/0/9", None).unwrap_err().failure(), Some(Failure::Sleeping));
    server.take_events();
    assert_eq!(device.update(&location, &[]), 0x44);
    server.wait("waking", PATIENCE, |event| matches!(event, Event::Awake(_)).then_some(())).unwrap();
    assert_eq!(server.read("dev", "/3/0/9", None).unwrap().code, Code::CONTENT);
}

#[test]
fn the_server_can_refuse_and_forget() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let device = Device::start(server.ports().coap, thermometer);
    server.refuse("dev", true).unwrap();
    let refused = device.register("dev", &["lt=60", "lwm2m=1.1"], LINKS).unwrap_err();
    assert_eq!(code(&refused), 0x83);
    server.refuse("dev", false).unwrap();
    let location = device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    server.drop_registration("dev").unwrap();
    assert_eq!(device.update(&location, &[]), 0x84);
    assert_eq!(server.drop_registration("dev").unwrap_err().failure(), Some(Failure::NotRegistered));
    server.expect_nothing(Duration::from_millis(100)).unwrap();
}

#[test]
fn a_second_register_replaces_the_first() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let device = Device::start(server.ports().coap, thermometer);
    device.register_simply("dev");
    let first = server.wait_registered("dev", PATIENCE).unwrap();
    device.register_simply("dev");
    let second = server.wait_registered("dev", PATIENCE).unwrap();
    assert_eq!(second.replaces.as_ref(), Some(&first.id));
    assert_eq!(server.wait_unregistered("dev", PATIENCE).unwrap().replaced_by, Some(second.id));
    assert_eq!(texts(&Packet::new(), CoapOption::UriPath), Vec::<String>::new());
}
