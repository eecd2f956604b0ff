//! Instances that are observed, go, and come back.

use coap_lite::{CoapOption, MessageType, Packet};

use super::{ConfirmableProfile, Rig, Rule, SERVER, set_format};
use crate::Profile;
use crate::model::Text;

fn name(rig: &mut Rig<impl Profile>, text: &str) {
    let text = Text::try_from(text).unwrap();
    rig.change(|things| things.rules.get_mut(0).unwrap().set_name(text));
}

fn insert(rig: &mut Rig<impl Profile>) {
    rig.change(|things| things.rules.insert(0, Rule::default()).ok().unwrap());
}

/// Everything that the device sends now; Updates are answered.
fn all_sent(rig: &mut Rig<impl Profile>) -> std::vec::Vec<Packet> {
    let mut notifications = std::vec::Vec::new();
    while let Some(packet) = rig.sent() {
        if packet.header.get_code() == "0.02" {
            rig.respond(&packet, "2.04", &[]);
        } else {
            notifications.push(packet);
        }
    }
    notifications
}

fn empty(kind: u8, message_id: u16) -> [u8; 4] {
    let [high, low] = message_id.to_be_bytes();
    [0x40 | kind << 4, 0, high, low]
}

fn observed<P: Profile>() -> Rig<P> {
    let mut rig = Rig::<P>::registered_with_profile();
    insert(&mut rig);
    name(&mut rig, "first");
    all_sent(&mut rig);
    let mut request = rig.request("GET /33001/0/0");
    request.add_option(CoapOption::Observe, std::vec![]);
    set_format(&mut request, CoapOption::Accept, 0);
    assert_eq!(rig.exchange(&request).header.get_code(), "2.05");
    rig
}

fn reconnect(rig: &mut Rig<impl Profile>) {
    assert_eq!(rig.engine.poll_connect(), Some(SERVER));
    rig.engine.connected(rig.now(), SERVER);
}

fn expect_observed_on(rig: &mut Rig<impl Profile>) {
    name(rig, "later");
    let sent = all_sent(rig);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload, b"later");
}

#[test]
fn an_instance_that_is_back_before_the_server_heard_of_its_end_is_observed_on() {
    let mut rig = observed::<super::TestProfile>();
    rig.engine.disconnected(rig.now(), SERVER);
    rig.change(|things| assert!(things.rules.remove(0).is_some()));
    rig.expect_silence();
    insert(&mut rig);
    name(&mut rig, "back");
    rig.expect_silence();
    reconnect(&mut rig);
    let sent = all_sent(&mut rig);
    assert_eq!(sent.last().unwrap().payload, b"back");
    if sent[0].header.get_type() == MessageType::Confirmable {
        rig.receive_bytes(&empty(2, sent[0].header.message_id));
    }
    expect_observed_on(&mut rig);
}

#[test]
fn an_instance_that_is_back_before_its_end_was_acknowledged_is_observed_on() {
    let mut rig = observed::<ConfirmableProfile>();
    rig.change(|things| assert!(things.rules.remove(0).is_some()));
    let sent = all_sent(&mut rig);
    assert_eq!(sent[0].header.get_code(), "4.04");
    insert(&mut rig);
    all_sent(&mut rig);
    rig.wait();
    let again = all_sent(&mut rig);
    assert_eq!(again[0].header.get_code(), "2.05");
    rig.receive_bytes(&empty(2, again[0].header.message_id));
    expect_observed_on(&mut rig);
}

#[test]
fn a_replaced_instance_is_told_even_where_nothing_was_set() {
    let mut rig = observed::<super::TestProfile>();
    insert(&mut rig);
    let sent = all_sent(&mut rig);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload, b"");
}

#[test]
fn one_lost_value_is_one_event() {
    use crate::Event;
    let mut rig = Rig::<ConfirmableProfile>::registered_with_profile();
    let mut request = rig.request("GET /33000/0");
    request.add_option(CoapOption::Observe, std::vec![]);
    assert_eq!(rig.exchange(&request).header.get_code(), "2.05");
    rig.change(|things| things.everything.set_integer(1));
    assert_eq!(all_sent(&mut rig).len(), 1);
    rig.change(|things| things.everything.set_integer(2));
    rig.expect_silence();
    rig.events();
    rig.change(|things| {
        things.everything.set_integer(3);
        things.everything.set_unsigned(4);
        things.everything.set_float(5.0);
    });
    rig.expect_silence();
    let lost = rig.events().into_iter().filter(|e| matches!(e, Event::NotificationLost { .. })).count();
    assert_eq!(lost, 1);
}

#[test]
fn attributes_go_with_an_instance_that_the_application_removes() {
    let mut rig = Rig::registered();
    for _ in 0..5 {
        insert(&mut rig);
        all_sent(&mut rig);
        assert_eq!(rig.read("/33001/0", 40).unwrap(), b"</33001/0>,</33001/0/0>");
        assert_eq!(rig.code("PUT /33001/0?pmin=9"), "2.04");
        assert_eq!(rig.code("PUT /33001/0/0?pmin=9"), "2.04");
        rig.change(|things| assert!(things.rules.remove(0).is_some()));
        all_sent(&mut rig);
    }
}
