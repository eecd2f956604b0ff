//! Observations and notifications, with a device that is not Coracle.

mod common;

use std::time::Duration;

use coap_lite::{CoapOption, MessageType, Packet};
use common::{FakeDevice, NEVER, Pair, SOON, TEXT, code, config, content, empty, last_request, number, pair};
use coracle_demo_server::{Code, Ended, Event, Format, Value};

const PATH: &str = "/3303/0/5700";
const CON: MessageType = MessageType::Confirmable;
const NON: MessageType = MessageType::NonConfirmable;

/// A device that accepts observations, and answers other reads with 21.
fn observable() -> Pair {
    pair(config(), |request| {
        let mut answer = content(request, TEXT, b"21");
        if number(request, CoapOption::Observe) == Some(0) {
            answer.add_option(CoapOption::Observe, vec![5]);
        }
        vec![answer]
    })
}

/// Begins an observation; returns the request the device saw.
fn observe(pair: &Pair) -> Packet {
    let answer = pair.server.device("dev").observe(PATH, Format::Text).send().unwrap();
    assert_eq!((answer.observe(), answer.value()), (Some(5), Some(Value::Float(21.0))));
    assert_eq!(format!("{answer:#}"), "GET /3303/0/5700 (text) observe -> 2.05 Content, 21.0");
    last_request(pair)
}

fn shown(pair: &Pair) -> String {
    pair.events.next(SOON).expect("an event").to_string()
}

#[test]
fn notifications_come_as_events() {
    let pair = observable();
    let request = observe(&pair);
    assert_eq!(number(&request, CoapOption::Accept), Some(0));

    let mid = pair.fake.notify(CON, &request, 6, "21.5");
    assert_eq!(shown(&pair), "notified dev /3303/0/5700 #6 CON, 21.5");
    assert_eq!(pair.fake.receive(SOON), Some(empty(MessageType::Acknowledgement, mid)));
    pair.fake.notify(NON, &request, 7, "22");
    let Some(Event::Notification { endpoint, path, sequence, values, records, confirmable, fresh }) =
        pair.events.next(SOON)
    else {
        panic!("no notification")
    };
    assert_eq!((endpoint.as_str(), path.as_str(), sequence), ("dev", PATH, 7));
    assert_eq!((values.unwrap()[PATH].clone(), records.len()), (Value::Float(22.0), 1));
    assert!(!confirmable && fresh);
    assert_eq!(pair.fake.receive(NEVER), None, "a NON is not acknowledged");

    pair.fake.notify(NON, &request, 4, "20");
    assert_eq!(shown(&pair), "notified dev /3303/0/5700 #4 NON (late), 20.0");
    pair.fake.notify(NON, &request, 8, "warm");
    assert_eq!(shown(&pair), r#"notified dev /3303/0/5700 #8 NON, unreadable: text: "warm" is no Float"#);
    pair.fake.notify(NON, &request, 9, "23");
    assert_eq!(pair.events.notified(PATH, SOON).unwrap()[PATH], Value::Float(23.0));
}

#[test]
fn a_repeated_notification_is_acknowledged_again_and_told_once() {
    let pair = observable();
    let request = observe(&pair);
    let mut packet = pair.fake.separate(CON, &request, "2.05");
    packet.add_option(CoapOption::Observe, vec![6]);
    packet.add_option(CoapOption::ContentFormat, vec![]);
    packet.payload = b"22".to_vec();
    let ack = pair.fake.exchange(&packet);
    assert_eq!(ack, empty(MessageType::Acknowledgement, packet.header.message_id));
    assert_eq!(pair.fake.exchange(&packet), ack);
    assert!(pair.events.next(SOON).is_some());
    assert!(pair.events.next(NEVER).is_none());
}

#[test]
fn cancelled_with_a_request() {
    let pair = observable();
    let request = observe(&pair);
    let answer = pair.server.device("dev").cancel(PATH).accept(Format::Text).send().unwrap();
    assert_eq!(answer.request, "GET /3303/0/5700 (text) cancel");
    assert_eq!(answer.value(), Some(Value::Float(21.0)));
    let cancellation = last_request(&pair);
    assert_eq!(number(&cancellation, CoapOption::Observe), Some(1));
    assert_eq!(cancellation.get_token(), request.get_token());
    assert_eq!(shown(&pair), "observation ended dev /3303/0/5700: cancelled");
    for kind in [CON, NON] {
        let mid = pair.fake.notify(kind, &request, 7, "22");
        assert_eq!(pair.fake.receive(SOON), Some(empty(MessageType::Reset, mid)));
    }
    assert!(pair.events.next(NEVER).is_none());
    assert!(pair.server.device("dev").cancel(PATH).send().is_err());
}

#[test]
fn a_notification_on_its_way_is_not_the_answer_to_a_cancellation() {
    let pair = pair(config(), |request| {
        let mut notification = content(request, TEXT, b"21");
        notification.add_option(CoapOption::Observe, vec![5]);
        if number(request, CoapOption::Observe) == Some(0) {
            return vec![notification];
        }
        notification.header.set_type(NON);
        notification.header.message_id ^= 0x5555;
        vec![notification, content(request, TEXT, b"23")]
    });
    observe(&pair);
    let answer = pair.server.device("dev").cancel(PATH).send().unwrap();
    assert_eq!(answer.value(), Some(Value::Float(23.0)));
    assert_eq!(shown(&pair), "notified dev /3303/0/5700 #5 NON (late), 21.0");
    assert_eq!(shown(&pair), "observation ended dev /3303/0/5700: cancelled");
}

#[test]
fn cancelled_by_rejecting_a_notification() {
    let pair = observable();
    let request = observe(&pair);
    pair.server.device("dev").cancel_by_reset(PATH).unwrap();
    assert!(pair.server.device("dev").cancel_by_reset(PATH).is_err(), "that is on its way already");
    for kind in [CON, NON] {
        let mid = pair.fake.notify(kind, &request, 7, "22");
        assert_eq!(pair.fake.receive(SOON), Some(empty(MessageType::Reset, mid)));
    }
    assert_eq!(shown(&pair), "observation ended dev /3303/0/5700: rejected with RST");
    assert!(pair.events.next(NEVER).is_none());
}

#[test]
fn two_observations_of_one_device() {
    let pair = observable();
    let first = observe(&pair);
    let answer = pair.server.device("dev").observe("/3/0/9", Format::Text).send().unwrap();
    assert_eq!(answer.value(), Some(21.into()));
    let second = last_request(&pair);
    assert_ne!(first.get_token(), second.get_token());
    pair.server.device("dev").cancel_by_reset(PATH).unwrap();
    pair.fake.notify(NON, &first, 6, "22");
    assert_eq!(shown(&pair), "observation ended dev /3303/0/5700: rejected with RST");
    pair.fake.notify(NON, &second, 6, "22");
    assert_eq!(shown(&pair), "notified dev /3/0/9 #6 NON, 22");
}

#[test]
fn observing_again_with_the_same_token_renews() {
    let pair = observable();
    let device = pair.server.device("dev");
    for _ in 0..2 {
        device.observe(PATH, Format::Text).token(&[7]).send().unwrap();
    }
    device.cancel(PATH).send().unwrap();
    assert_eq!(shown(&pair), "observation ended dev /3303/0/5700: cancelled");
    assert!(pair.events.next(NEVER).is_none());
    assert!(device.cancel(PATH).send().is_err(), "there was one observation, not two");
}

#[test]
fn an_observation_the_device_ends() {
    let pair = observable();
    let request = observe(&pair);
    let gone = pair.fake.separate(CON, &request, "4.04");
    assert_eq!(pair.fake.exchange(&gone).header.get_type(), MessageType::Acknowledgement);
    let Some(Event::ObservationEnded { path, reason, .. }) = pair.events.next(SOON) else { panic!("no end") };
    assert_eq!((path.as_str(), reason), (PATH, Ended::ByDevice(Code::NOT_FOUND)));
    let mid = pair.fake.notify(NON, &request, 7, "22");
    assert_eq!(pair.fake.receive(SOON), Some(empty(MessageType::Reset, mid)));
}

#[test]
fn a_device_that_does_not_observe() {
    let pair = pair(config(), |request| vec![content(request, TEXT, b"21")]);
    let answer = pair.server.device("dev").observe(PATH, Format::Text).send().unwrap();
    assert_eq!((answer.observe(), answer.code), (None, Code::CONTENT));
    let mid = pair.fake.notify(CON, &last_request(&pair), 7, "22");
    assert_eq!(pair.fake.receive(SOON), Some(empty(MessageType::Reset, mid)));
}

#[test]
fn the_end_of_a_registration_ends_its_observations() {
    for how in ["again", "delete", "forget"] {
        let pair = observable();
        let request = observe(&pair);
        match how {
            "again" => {
                pair.fake.register("ep=dev&lt=60", "</1/0>");
                assert_eq!(shown(&pair), "observation ended dev /3303/0/5700: registration over");
            }
            "delete" => {
                assert_eq!(code(&pair.fake.ask("0.04", &pair.registration.location, "", None)), "2.02");
                assert_eq!(shown(&pair), "observation ended dev /3303/0/5700: registration over");
            }
            _ => pair.server.forget_all(),
        }
        let mid = pair.fake.notify(CON, &request, 7, "22");
        assert_eq!(pair.fake.receive(SOON), Some(empty(MessageType::Reset, mid)), "{how}");
    }
}

#[test]
fn observations_follow_a_device_to_its_new_address() {
    let pair = observable();
    let request = observe(&pair);
    let moved = FakeDevice::silent(pair.server.address());
    let mid = moved.notify(CON, &request, 6, "22");
    assert_eq!(moved.receive(SOON), Some(empty(MessageType::Reset, mid)), "nobody knows it here yet");
    assert_eq!(code(&moved.ask("0.02", &pair.registration.location, "", None)), "2.04");
    assert!(matches!(pair.events.next(SOON), Some(Event::Updated { changes, .. }) if changes.address));
    moved.notify(CON, &request, 7, "23");
    assert_eq!(shown(&pair), "notified dev /3303/0/5700 #7 CON, 23.0");
}

#[test]
fn a_caller_can_wait_for_a_certain_event() {
    let pair = observable();
    let request = observe(&pair);
    for (sequence, text) in [(6, "1"), (7, "2"), (8, "3")] {
        pair.fake.notify(NON, &request, sequence, text);
    }
    let high = pair.events.wait(SOON, |event| match event {
        Event::Notification { values: Ok(values), .. } if values[PATH] == Value::Float(2.0) => Some(values),
        _ => None,
    });
    assert!(high.is_some());
    assert_eq!(pair.events.notified(PATH, SOON).unwrap()[PATH], Value::Float(3.0));
    assert!(pair.events.notified(PATH, Duration::from_millis(20)).is_none());
    assert_eq!(pair.events.drain().count(), 0);
}
