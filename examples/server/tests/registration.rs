//! The registration interface, with a device that is not Coracle.

mod common;

use std::time::{Duration, Instant};

use coap_lite::{CoapOption, MessageType};
use common::{FakeDevice, LINK, NEVER, SENML_JSON, SOON, TEXT, code, config, empty, location, pair};
use coracle_demo_server::{Changes, Event, Faults, PeerId, Server, Value};

#[test]
fn register_update_deregister() {
    let server = Server::start(config()).unwrap();
    let events = server.subscribe();
    let fake = FakeDevice::silent(server.address());

    let created =
        fake.register("ep=urn:dev:1&lt=60&lwm2m=1.1&b=U&Q", r#"</>;rt="oma.lwm2m";ct=60,</1/0>,</3/0>"#);
    assert_eq!(code(&created), "2.01");
    assert_eq!(created.header.get_type(), MessageType::Acknowledgement);
    let registration = events.registered("urn:dev:1", SOON).unwrap();
    assert_eq!(format!("/{}", location(&created)), registration.location);
    assert_eq!((registration.lifetime, registration.queue, registration.links.len()), (60, true, 2));
    assert_eq!(registration.address, fake.address());
    assert_eq!(registration.peer, PeerId::Address(fake.address()));
    assert_eq!(server.registrations(), std::slice::from_ref(&registration));
    assert_eq!(server.device("urn:dev:1").registration(), Some(registration.clone()));
    assert_eq!(
        Event::Registered(registration.clone()).to_string(),
        format!(
            "registered urn:dev:1, lifetime 60 s, LwM2M 1.1, binding U, queue mode, 2 links, {}",
            fake.address()
        )
    );

    let location = registration.location.clone();
    assert_eq!(code(&fake.ask("0.02", &location, "lt=90", None)), "2.04");
    let Some(Event::Updated { registration, changes }) = events.next(SOON) else { panic!("no update") };
    assert_eq!(registration.lifetime, 90);
    assert_eq!(changes, Changes { lifetime: true, ..Changes::default() });
    assert_eq!(code(&fake.ask("0.02", &location, "", Some((LINK, b"</1/0>")))), "2.04");
    assert_eq!(events.next(SOON).unwrap().to_string(), "updated urn:dev:1, 1 link");

    assert_eq!(code(&fake.ask("0.04", &location, "", None)), "2.02");
    assert_eq!(events.next(SOON).unwrap().to_string(), "de-registered urn:dev:1");
    assert_eq!(code(&fake.ask("0.02", &location, "", None)), "4.04");
    assert_eq!(code(&fake.ask("0.04", &location, "", None)), "4.04");
    assert!(server.registrations().is_empty());
}

#[test]
fn wrong_requests_get_the_right_code() {
    let server = Server::start(config()).unwrap();
    let events = server.subscribe();
    let fake = FakeDevice::silent(server.address());
    let links = Some((LINK, &b"</1/0>"[..]));
    for (method, path, query, content, expected) in [
        ("0.02", "/rd", "lt=60", links, "4.00"),
        ("0.02", "/rd", "ep=a&lt=x", links, "4.00"),
        ("0.02", "/rd", "ep=a", None, "4.00"),
        ("0.02", "/rd", "ep=a", Some((LINK, &b"</1"[..])), "4.00"),
        ("0.02", "/rd", "ep=a", Some((TEXT, &b"</1/0>"[..])), "4.15"),
        ("0.02", "/rd", "ep=a&lwm2m=9.9", links, "4.12"),
        ("0.01", "/rd", "", None, "4.05"),
        ("0.03", "/rd/abc", "", None, "4.05"),
        ("0.02", "/rd/abc", "", None, "4.04"),
        ("0.02", "/rd/abc/d", "", None, "4.05"),
        ("0.02", "/bs", "ep=a", None, "4.04"),
        ("0.02", "/", "", None, "4.04"),
        ("0.02", "/dp", "", Some((SENML_JSON, &b"[]"[..])), "4.04"),
        ("0.07", "/dp", "", None, "4.05"),
    ] {
        let answer = fake.ask(method, path, query, content);
        assert_eq!(code(&answer), expected, "{method} {path}?{query}");
        assert!(!answer.payload.is_empty(), "an error says why");
    }
    let refused = events.next(SOON).unwrap().to_string();
    assert_eq!(refused, format!("refused {}: 4.00 Bad Request (no endpoint name (ep))", fake.address()));
    assert!(server.registrations().is_empty());
}

#[test]
fn critical_options_and_pings() {
    let server = Server::start(config()).unwrap();
    let fake = FakeDevice::silent(server.address());
    let mut packet = fake.request(MessageType::Confirmable, "0.02", "/rd", "ep=a");
    packet.add_option(CoapOption::Unknown(9999), vec![1]);
    assert_eq!(code(&fake.exchange(&packet)), "4.02");
    let mut packet = fake.request(MessageType::NonConfirmable, "0.02", "/rd", "ep=a");
    packet.add_option(CoapOption::Unknown(9999), vec![1]);
    assert_eq!(fake.exchange(&packet).header.get_type(), MessageType::Reset);
    let mut packet = fake.request(MessageType::Confirmable, "0.01", "/rd", "");
    packet.add_option(CoapOption::Unknown(9998), vec![1]);
    assert_eq!(code(&fake.exchange(&packet)), "4.05", "elective options are ignored");
    let ping = empty(MessageType::Confirmable, 77);
    assert_eq!(fake.exchange(&ping), empty(MessageType::Reset, 77));
}

#[test]
fn a_repeated_register_is_taken_once() {
    let server = Server::start(config()).unwrap();
    let events = server.subscribe();
    let fake = FakeDevice::silent(server.address());
    let mut packet = fake.request(MessageType::Confirmable, "0.02", "/rd", "ep=a");
    packet.add_option(CoapOption::ContentFormat, vec![40]);
    packet.payload = b"</1/0>".to_vec();
    let first = fake.exchange(&packet);
    assert_eq!(fake.exchange(&packet), first, "the same reply again");
    assert_eq!(server.stats().duplicates, 1);
    assert!(matches!(events.next(SOON), Some(Event::Registered(_))));
    assert!(events.next(NEVER).is_none());
}

#[test]
fn a_non_confirmable_register_gets_a_non_confirmable_response() {
    let server = Server::start(config()).unwrap();
    let fake = FakeDevice::silent(server.address());
    let mut packet = fake.request(MessageType::NonConfirmable, "0.02", "/rd", "ep=a");
    packet.add_option(CoapOption::ContentFormat, vec![40]);
    packet.payload = b"</1/0>".to_vec();
    fake.send(&packet);
    let response = fake.receive(SOON).unwrap();
    assert_eq!((response.header.get_type(), code(&response)), (MessageType::NonConfirmable, "2.01".into()));
    assert_eq!(response.get_token(), packet.get_token());
    fake.send(&packet);
    assert_eq!(fake.receive(SOON), Some(response));
}

#[test]
fn registering_again_replaces() {
    let pair = pair(config(), |_| Vec::new());
    let again = pair.fake.register("ep=dev&lt=60", "</1/0>");
    assert_eq!(code(&again), "2.01");
    let registration = pair.events.registered("dev", SOON).unwrap();
    assert!(registration.replaced && registration.location != pair.registration.location);
    assert_eq!(code(&pair.fake.ask("0.02", &pair.registration.location, "", None)), "4.04");
    assert_eq!(code(&pair.fake.ask("0.02", &registration.location, "", None)), "2.04");
}

#[test]
fn a_registration_expires() {
    let server = Server::start(config()).unwrap();
    let events = server.subscribe();
    let fake = FakeDevice::silent(server.address());
    let begin = Instant::now();
    fake.register("ep=dev&lt=1", "</1/0>");
    assert!(events.registered("dev", SOON).is_some());
    let event = events.next(SOON).unwrap();
    assert_eq!(event.to_string(), "expired dev");
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert!(server.registrations().is_empty());
}

#[test]
fn a_device_may_change_its_address() {
    let pair = pair(config(), |_| Vec::new());
    let moved =
        FakeDevice::start(pair.server.address(), |request| vec![common::piggybacked(request, "2.04")]);
    assert_eq!(code(&moved.ask("0.02", &pair.registration.location, "", None)), "2.04");
    let device = pair.server.device("dev");
    assert_eq!(device.registration().unwrap().address, moved.address());
    assert!(device.execute("/3/0/4", "").send().unwrap().code.is_success());
    assert!(pair.fake.requests.lock().unwrap().is_empty());
}

#[test]
fn sends_are_taken() {
    let pair = pair(config(), |_| Vec::new());
    let payload = br#"[{"bn":"/3303/0/","n":"5700","t":-5,"v":20},{"n":"5700","v":21.5}]"#;
    let ask = |format, payload| code(&pair.fake.ask("0.02", "/dp", "", Some((format, payload))));
    assert_eq!(ask(SENML_JSON, payload), "2.04");
    let Some(Event::Send { endpoint, records }) = pair.events.next(SOON) else { panic!("no Send") };
    assert_eq!((endpoint.as_str(), records.len()), ("dev", 2));
    assert_eq!((records[0].time, &records[0].value), (Some(-5.0), &Value::Float(20.0)));
    assert_eq!(Event::Send { endpoint, records }.to_string(), "sent dev, /3303/0/5700 = 21.5");
    assert_eq!(ask(SENML_JSON, b"[{}"), "4.00");
    assert_eq!(ask(TEXT, b"1"), "4.15");
    assert!(pair.events.next(NEVER).is_none());
}

#[test]
fn a_server_that_forgets() {
    let pair = pair(config(), |_| Vec::new());
    pair.server.forget_all();
    assert_eq!(code(&pair.fake.ask("0.02", &pair.registration.location, "", None)), "4.04");
    assert!(pair.server.registrations().is_empty());
    assert!(pair.server.device("dev").read("/3/0", None).send().is_err());
}

#[test]
fn a_server_that_starts_again_on_its_port() {
    let server = Server::start(config()).unwrap();
    let (address, fake) = (server.address(), FakeDevice::silent(server.address()));
    let first = fake.register("ep=dev", "</1/0>");
    let device = server.device("dev");
    let restart = server.stop();
    assert_eq!(restart.bind, address);
    assert_eq!(device.read("/3/0", None).send().unwrap_err().to_string(), "the server has ended");
    fake.send(&fake.request(MessageType::Confirmable, "0.02", &location(&first), ""));
    assert!(fake.receive(NEVER).is_none(), "a stopped server is silent");

    let server = Server::start(restart).unwrap();
    assert_eq!(server.address(), address);
    assert_eq!(code(&fake.ask("0.02", &location(&first), "", None)), "4.04");
    assert_eq!(code(&fake.register("ep=dev", "</1/0>")), "2.01");
    assert!(Server::start(server.stop()).is_ok());
}

#[test]
fn registers_refused_on_purpose() {
    let refuse_code = coracle_demo_server::Code::FORBIDDEN;
    let faults = Faults { refuse_registers: 2, refuse_code, ..Faults::default() };
    let server = Server::start(coracle_demo_server::Config { faults, ..config() }).unwrap();
    let fake = FakeDevice::silent(server.address());
    let codes: Vec<String> = (0..3).map(|_| code(&fake.register("ep=dev", "</1/0>"))).collect();
    assert_eq!(codes, ["4.03", "4.03", "2.01"]);
}

#[test]
fn an_address_in_use_is_an_error() {
    let server = Server::start(config()).unwrap();
    assert!(Server::start(coracle_demo_server::Config { bind: server.address(), ..config() }).is_err());
}
