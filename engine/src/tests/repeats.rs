//! What comes twice, late or in the wrong order, and what is repeated.

use std::vec::Vec;

use coap_lite::{CoapOption, MessageType, Packet};

use super::{ConfirmableProfile, Rig, SERVER, options, set_format, uint};
use crate::Profile;
use crate::model::Path;
use crate::{Event, RegistrationState};

const INTEGER: &str = "GET /33000/0/1";
const UNSIGNED: &str = "GET /33000/0/2";

fn observe_request<P: Profile>(rig: &mut Rig<P>, text: &str) -> Packet {
    let mut request = rig.request(text);
    request.add_option(CoapOption::Observe, std::vec![]);
    set_format(&mut request, CoapOption::Accept, 0);
    request
}

/// An observation of a number as text, and its request.
fn observe<P: Profile>(rig: &mut Rig<P>, text: &str) -> Packet {
    let request = observe_request(rig, text);
    assert_eq!(rig.exchange(&request).header.get_code(), "2.05");
    request
}

fn set_integer<P: Profile>(rig: &mut Rig<P>, value: i32) {
    rig.change(|things| things.everything.set_integer(value));
}

fn empty(kind: u8, message_id: u16) -> [u8; 4] {
    let [high, low] = message_id.to_be_bytes();
    [0x40 | kind << 4, 0, high, low]
}

fn acknowledge<P: Profile>(rig: &mut Rig<P>, packet: &Packet) {
    assert_eq!(packet.header.get_type(), MessageType::Confirmable);
    assert!(rig.receive_bytes(&empty(2, packet.header.message_id)).is_none());
}

fn payload(packet: &Packet) -> &str {
    core::str::from_utf8(&packet.payload).unwrap()
}

#[test]
fn an_observe_that_comes_again_does_not_begin_to_count_anew() {
    let mut rig = Rig::registered();
    let request = observe(&mut rig, INTEGER);
    set_integer(&mut rig, 1);
    set_integer(&mut rig, 2);
    let notified = uint(&rig.sent().unwrap(), CoapOption::Observe).unwrap();
    let again = rig.exchange(&request);
    assert_eq!((payload(&again), uint(&again, CoapOption::Observe)), ("2", Some(notified + 1)));
    set_integer(&mut rig, 3);
    assert_eq!(uint(&rig.sent().unwrap(), CoapOption::Observe), Some(notified + 2));
}

#[test]
fn an_observe_that_comes_again_does_not_replace_what_waits_for_pmin() {
    let mut rig = Rig::registered();
    assert_eq!(rig.code("PUT /33000/0/1?pmin=10"), "2.04");
    let request = observe(&mut rig, INTEGER);
    set_integer(&mut rig, 1);
    rig.expect_silence();
    rig.exchange(&request);
    rig.wait();
    assert_eq!(payload(&rig.sent().unwrap()), "1", "the answer to a duplicate may have been ignored");
}

#[test]
fn an_observe_that_comes_again_loses_no_value() {
    let mut rig = Rig::<ConfirmableProfile>::registered_with_profile();
    let request = observe(&mut rig, INTEGER);
    set_integer(&mut rig, 1);
    let first = rig.sent().unwrap();
    set_integer(&mut rig, 2);
    rig.expect_silence();
    // The values that wait are the response: the acknowledgement is empty (RFC 7252 section 5.2.2).
    let answer = rig.receive(&request).unwrap();
    assert_eq!(
        (answer.header.get_type(), answer.header.get_code()),
        (MessageType::Acknowledgement, "0.00".into())
    );
    assert_eq!(answer.header.message_id, request.header.message_id);
    acknowledge(&mut rig, &first);
    let second = rig.sent().unwrap();
    assert_eq!((payload(&first), payload(&second)), ("1", "2"));
    acknowledge(&mut rig, &second);
    // Nothing waits: the answer has the value.
    assert_eq!(payload(&rig.exchange(&request)), "2");
}

#[test]
fn the_newest_value_does_not_overtake_stored_ones() {
    let mut rig = Rig::<ConfirmableProfile>::registered_with_profile();
    observe(&mut rig, UNSIGNED);
    observe(&mut rig, INTEGER);
    rig.change(|things| things.everything.set_unsigned(1));
    let other = rig.sent().unwrap();
    set_integer(&mut rig, 1); // stored behind the one in flight
    rig.expect_silence();
    set_integer(&mut rig, 2); // no room
    rig.expect_silence();
    acknowledge(&mut rig, &other);
    let mut seen = Vec::new();
    while let Some(notification) = rig.sent() {
        seen.push(std::string::String::from(payload(&notification)));
        acknowledge(&mut rig, &notification);
    }
    assert_eq!(seen, ["1", "2"]);
}

#[test]
fn a_repeated_notification_of_the_values_as_they_are_is_a_new_message() {
    let mut rig = Rig::<ConfirmableProfile>::registered_with_profile();
    assert_eq!(rig.code("PUT /33000/0/0?pmin=0"), "2.04");
    let mut request = rig.request("GET /33000/0");
    request.add_option(CoapOption::Observe, std::vec![]);
    set_format(&mut request, CoapOption::Accept, 110);
    rig.exchange(&request);
    set_integer(&mut rig, 1); // too long for the store
    let first = rig.sent().unwrap();
    rig.wait();
    let second = rig.sent().unwrap();
    assert_ne!(first.header.message_id, second.header.message_id);
    assert!(uint(&first, CoapOption::Observe) < uint(&second, CoapOption::Observe));
}

#[test]
fn the_reset_of_message_0_cancels_its_own_observation() {
    let mut rig = Rig::registered();
    observe(&mut rig, INTEGER);
    let other = observe(&mut rig, "GET /33000/0/4");
    loop {
        let value = !rig.things.everything.boolean();
        rig.change(|things| things.everything.set_boolean(value));
        let notification = rig.sent().unwrap();
        assert_eq!(notification.get_token(), other.get_token());
        if notification.header.message_id == u16::MAX {
            break;
        }
    }
    let value = !rig.things.everything.boolean();
    rig.change(|things| things.everything.set_boolean(value));
    let notification = rig.sent().unwrap();
    rig.events();
    rig.receive_bytes(&empty(3, notification.header.message_id));
    assert!(
        rig.events().contains(&Event::ObservationEnded { server: SERVER, path: Path::resource(33000, 0, 4) })
    );
    rig.receive_bytes(&empty(3, 0));
    set_integer(&mut rig, 77);
    assert_eq!(payload(&rig.sent().unwrap()), "77", "the other observation is alive");
}

#[test]
fn a_register_whose_links_have_changed_is_another_message() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    rig.engine.poll_connect();
    rig.engine.connected(rig.now(), SERVER);
    let first = rig.sent().unwrap();
    rig.wait();
    let repeated = rig.sent().unwrap();
    assert_eq!(first.to_bytes().unwrap(), repeated.to_bytes().unwrap());
    rig.change(|things| things.rules.insert(3, super::Rule::default()).ok().unwrap());
    rig.wait();
    let changed = rig.sent().unwrap();
    assert!(payload(&changed).contains("</33001/3>"));
    assert_ne!(first.header.message_id, changed.header.message_id);
    assert_ne!(first.get_token(), changed.get_token());
    rig.respond(&first, "2.01", &["rd", "old"]);
    assert_eq!(rig.engine.state(SERVER), Some(RegistrationState::Registering), "that told the old links");
    rig.respond(&changed, "2.01", &["rd", "new"]);
    rig.expect_silence();
    assert_eq!(rig.engine.state(SERVER), Some(RegistrationState::Registered));
}

#[test]
fn a_repeated_register_tells_the_lifetime_that_the_first_told() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    rig.engine.poll_connect();
    rig.engine.connected(rig.now(), SERVER);
    let first = rig.sent().unwrap();
    // The server has registered the device, but its answer is lost.
    assert_eq!(rig.send("PUT /1/0/1", 0, b"60"), "2.04");
    rig.wait();
    let repeated = rig.sent().unwrap();
    assert_eq!(first.to_bytes().unwrap(), repeated.to_bytes().unwrap());
    rig.respond(&repeated, "2.01", &["rd", "a"]);
    let update = rig.sent().unwrap();
    assert_eq!(options(&update, CoapOption::UriQuery), ["lt=60"]);
}

#[test]
fn stored_values_that_a_new_registration_ends_are_told_as_lost() {
    let mut rig = Rig::<ConfirmableProfile>::registered_with_profile();
    observe(&mut rig, INTEGER);
    set_integer(&mut rig, 1);
    let notification = rig.sent().unwrap();
    set_integer(&mut rig, 2);
    rig.expect_silence();
    rig.engine.update(SERVER);
    let update = rig.sent().unwrap();
    rig.events();
    rig.respond(&update, "4.04", &[]);
    let register = rig.sent().unwrap();
    assert_eq!(options(&register, CoapOption::UriPath), ["rd"]);
    rig.respond(&register, "2.01", &["rd", "b"]);
    let lost = Event::NotificationLost { server: SERVER, path: Path::resource(33000, 0, 1) };
    let count = rig.events().into_iter().filter(|event| *event == lost).count();
    assert_eq!(count, 2);
    assert!(rig.receive_bytes(&empty(2, notification.header.message_id)).is_none());
    rig.expect_silence();
}

#[test]
fn an_observe_that_overtakes_the_answer_to_register_stays() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    rig.engine.poll_connect();
    rig.engine.connected(rig.now(), SERVER);
    let register = rig.sent().unwrap();
    observe(&mut rig, INTEGER);
    rig.respond(&register, "2.01", &["rd", "a"]);
    set_integer(&mut rig, 1);
    assert_eq!(payload(&rig.sent().unwrap()), "1");
}

#[test]
fn a_notification_without_answer_makes_an_update_due_at_once() {
    let mut rig = Rig::<ConfirmableProfile>::registered_with_profile();
    observe(&mut rig, INTEGER);
    set_integer(&mut rig, 1);
    let notification = rig.sent().unwrap();
    let update = loop {
        assert!(rig.wait());
        match rig.sent() {
            Some(again) if again.header.message_id == notification.header.message_id => {}
            other => break other.expect("an Update"),
        }
    };
    assert_eq!(options(&update, CoapOption::UriPath), ["rd", "a"]);
    rig.respond(&update, "2.04", &[]);
    let again = rig.sent().unwrap();
    assert_eq!(payload(&again), "1");
    assert_ne!(again.header.message_id, notification.header.message_id);
}

#[test]
fn what_may_be_done_again_needs_no_room_to_be_remembered() {
    let mut rig = Rig::registered();
    let codes: Vec<_> = (0..5).map(|_| rig.code("POST /33000/0/20")).collect();
    assert_eq!(codes, ["2.04", "2.04", "2.04", "2.04", "5.03"]);
    assert_eq!(rig.send("PUT /33000/0/1", 0, b"7"), "2.04");
    assert_eq!(rig.send("POST /33000/0/1", 0, b"8"), "2.04");
    assert_eq!(rig.code("PUT /33000/0/1?pmin=1"), "2.04");
    assert_eq!(rig.code("DELETE /33001/0"), "4.04");
    assert_eq!(rig.send("POST /33001", 0, b""), "5.03");
    assert_eq!(rig.text("/33000/0/1"), "8");
}
