//! The misbehaviour that tests of devices ask for.

mod common;

use std::time::{Duration, Instant};

use coap_lite::{CoapOption, MessageType};
use common::{FakeDevice, NEVER, SOON, TEXT, code, config, content, empty, pair, path};
use coracle_demo_server::{Config, Event, Faults, Impairment, Retransmission, Server, Value};

fn outgoing(outgoing: Impairment) -> Faults {
    Faults { outgoing, ..Faults::default() }
}

#[test]
fn a_lost_reply_comes_again_for_the_same_request() {
    let server = Server::start(config()).unwrap();
    let events = server.subscribe();
    let fake = FakeDevice::silent(server.address());
    server.set_faults(outgoing(Impairment { drop_next: 1, ..Impairment::default() }));
    let mut packet = fake.request(MessageType::Confirmable, "0.02", "/rd", "ep=dev");
    packet.add_option(CoapOption::ContentFormat, vec![40]);
    packet.payload = b"</1/0>".to_vec();
    fake.send(&packet);
    assert_eq!(fake.receive(NEVER), None);
    assert_eq!(code(&fake.exchange(&packet)), "2.01");
    assert!(matches!(events.next(SOON), Some(Event::Registered(_))));
    assert!(events.next(NEVER).is_none(), "one Register, not two");
}

#[test]
fn a_deaf_server_hears_nothing() {
    let server = Server::start(config()).unwrap();
    let fake = FakeDevice::silent(server.address());
    let incoming = Impairment { drop: 1.0, ..Impairment::default() };
    server.set_faults(Faults { incoming, ..Faults::default() });
    fake.send(&empty(MessageType::Confirmable, 1));
    assert_eq!(fake.receive(NEVER), None);
    server.set_faults(Faults::default());
    assert_eq!(fake.exchange(&empty(MessageType::Confirmable, 2)), empty(MessageType::Reset, 2));
}

#[test]
fn duplicates_and_delays() {
    let server = Server::start(config()).unwrap();
    let fake = FakeDevice::silent(server.address());
    server.set_faults(outgoing(Impairment { duplicate: 1.0, ..Impairment::default() }));
    fake.send(&empty(MessageType::Confirmable, 1));
    assert_eq!(fake.receive(SOON), Some(empty(MessageType::Reset, 1)));
    assert_eq!(fake.receive(SOON), Some(empty(MessageType::Reset, 1)));

    let delay = Duration::from_millis(80);
    server.set_faults(Faults::network(9, Impairment { delay, ..Impairment::default() }));
    let begin = Instant::now();
    for mid in 0..40 {
        fake.send(&empty(MessageType::Confirmable, mid));
    }
    let mids: Vec<u16> = (0..40).map(|_| fake.receive(SOON).unwrap().header.message_id).collect();
    assert!(begin.elapsed() > Duration::from_millis(60), "40 delays of up to 160 ms were all short");
    assert!(!mids.is_sorted());
}

#[test]
fn requests_get_through_a_bad_network() {
    let faults = Faults::network(
        42,
        Impairment { drop: 0.2, duplicate: 0.2, delay: Duration::from_millis(5), ..Impairment::default() },
    );
    let retransmission = Retransmission {
        ack_timeout: Duration::from_millis(10),
        max_retransmit: 12,
        ..Retransmission::default()
    };
    let pair =
        pair(Config { retransmission, request_timeout: Duration::from_mins(1), ..config() }, |request| {
            vec![content(request, TEXT, path(request).as_bytes())]
        });
    pair.server.set_faults(faults);
    for id in 0..20 {
        let answer = pair.server.device("dev").read(&format!("/9999/0/{id}"), None).send().unwrap();
        assert_eq!(answer.value(), Some(Value::from(format!("9999/0/{id}"))));
    }
    assert!(pair.server.stats().retransmissions > 5);
}

#[test]
fn separate_responses_to_a_device() {
    let faults = Faults { separate_responses: Some(Duration::from_millis(30)), ..Faults::default() };
    let server = Server::start(Config { faults, ..config() }).unwrap();
    let fake = FakeDevice::silent(server.address());
    let mut packet = fake.request(MessageType::Confirmable, "0.02", "/rd", "ep=dev");
    packet.add_option(CoapOption::ContentFormat, vec![40]);
    packet.payload = b"</1/0>".to_vec();
    let ack = fake.exchange(&packet);
    assert_eq!(ack, empty(MessageType::Acknowledgement, packet.header.message_id));
    assert_eq!(fake.exchange(&packet), ack, "a duplicate is acknowledged again");
    let response = fake.receive(SOON).unwrap();
    assert_eq!((response.header.get_type(), code(&response)), (MessageType::Confirmable, "2.01".to_owned()));
    assert_eq!(response.get_token(), packet.get_token());
    assert_eq!(fake.receive(SOON), Some(response.clone()), "sent again until it is acknowledged");
    fake.send(&empty(MessageType::Acknowledgement, response.header.message_id));
    while fake.receive(NEVER).is_some() {}
    let before = server.stats().retransmissions;
    assert_eq!(fake.receive(NEVER), None);
    assert_eq!(server.stats().retransmissions, before);
}
