//! Observe, Notify, and all the ways to end it.

use std::format;
use std::string::String;

use coap_lite::{CoapOption, MessageType, Packet};

use super::{Rig, SERVER, options, set_format, uint};
use crate::Event;
use crate::model::Path;

const FLOAT: &str = "/33000/0/3";

fn observe(rig: &mut Rig, path: &str, format: u16) -> Packet {
    let mut request = rig.request(&format!("GET {path}"));
    request.add_option(CoapOption::Observe, std::vec![]);
    set_format(&mut request, CoapOption::Accept, format);
    let answer = rig.exchange(&request);
    assert_eq!(answer.header.get_code(), "2.05");
    assert!(uint(&answer, CoapOption::Observe).is_some());
    request
}

fn set(rig: &mut Rig, value: f64) {
    rig.change(|things| things.everything.set_float(value));
}

fn notified(rig: &mut Rig, request: &Packet) -> String {
    let notification = rig.sent().expect("a notification");
    assert_eq!(notification.get_token(), request.get_token());
    assert_eq!(notification.header.get_code(), "2.05");
    String::from_utf8(notification.payload).unwrap()
}

#[test]
fn a_change_is_told_and_nothing_else() {
    let mut rig = Rig::registered();
    let request = observe(&mut rig, FLOAT, 0);
    rig.expect_silence();
    set(&mut rig, 21.5);
    rig.expect_silence(); // the same value
    set(&mut rig, 22.0);
    let notification = rig.sent().unwrap();
    assert_eq!(notification.header.get_type(), MessageType::NonConfirmable);
    assert_eq!(notification.payload, b"22");
    let first = uint(&notification, CoapOption::Observe).unwrap();
    rig.change(|things| things.everything.set_boolean(false));
    rig.expect_silence(); // another resource
    set(&mut rig, 23.0);
    let notification = rig.sent().unwrap();
    assert_eq!(notification.get_token(), request.get_token());
    assert!(uint(&notification, CoapOption::Observe).unwrap() > first);
    let started = Event::ObservationStarted { server: SERVER, path: Path::resource(33000, 0, 3) };
    assert_eq!(rig.events(), [started]);
}

#[test]
fn objects_instances_and_resource_instances_can_be_observed() {
    for (path, expected) in [
        ("/33000", r#"[{"bn":"/33000/","n":"0/0","#),
        ("/33000/0", r#"[{"bn":"/33000/0/","n":"0","#),
        ("/33000/0/8", r#"[{"bn":"/33000/0/8/","n":"0","v":1},{"n":"1","v":-8}]"#),
        ("/33000/0/8/0", r#"[{"bn":"/33000/0/8/0","v":1}]"#),
    ] {
        let mut rig = Rig::registered();
        let request = observe(&mut rig, path, 110);
        rig.change(|things| things.everything.several_mut().insert(0, 1).unwrap());
        let payload = notified(&mut rig, &request);
        assert!(payload.starts_with(expected), "{path}: {payload}");
        rig.change(|things| things.everything.several_mut().insert(1, 2).unwrap());
        if path == "/33000/0/8/0" {
            rig.expect_silence(); // the other instance
        } else {
            notified(&mut rig, &request);
        }
    }
}

#[test]
fn an_observer_of_an_object_is_told_of_instances_that_come_and_go() {
    let mut rig = Rig::registered();
    let request = observe(&mut rig, "/33001", 110);
    let told = |rig: &mut Rig| {
        let messages: std::vec::Vec<Packet> = core::iter::from_fn(|| rig.sent()).collect();
        let ours = messages.into_iter().filter(|message| message.get_token() == request.get_token());
        ours.map(|message| String::from_utf8(message.payload).unwrap()).collect::<std::vec::Vec<_>>()
    };
    rig.change(|things| assert!(things.rules.insert(7, super::Rule::default()).is_ok()));
    assert_eq!(told(&mut rig), [r#"[{"bn":"/33001/","n":"7/0","vs":""}]"#]);
    assert_eq!(rig.send("POST /33001", 110, br#"[{"n":"/33001/8/0","vs":"x"}]"#), "2.01");
    let both = r#"[{"bn":"/33001/","n":"7/0","vs":""},{"n":"8/0","vs":"x"}]"#;
    assert_eq!(told(&mut rig), [both], "one notification for the instance and its values");
    rig.change(|things| drop(things.rules.remove(8)));
    assert_eq!(told(&mut rig), [r#"[{"bn":"/33001/","n":"7/0","vs":""}]"#]);
    assert_eq!(rig.code("DELETE /33001/7"), "2.02");
    assert_eq!(told(&mut rig), ["[]"]);
}

#[test]
fn a_servers_write_is_told_to_observers() {
    let mut rig = Rig::registered();
    let request = observe(&mut rig, "/33000/0/0", 0);
    assert_eq!(rig.send("PUT /33000/0/0", 0, b"new"), "2.04");
    assert_eq!(notified(&mut rig, &request), "new");
}

#[test]
fn pmin_holds_back_and_pmax_tells_without_change() {
    let mut rig = Rig::registered();
    assert_eq!(rig.code("PUT /33000/0/3?pmin=5&pmax=20"), "2.04");
    let request = observe(&mut rig, FLOAT, 0);
    rig.now += 1_000;
    set(&mut rig, 1.0);
    let before = rig.now;
    rig.wait();
    assert_eq!(rig.now - before, 4_000);
    set(&mut rig, 2.0);
    assert_eq!(notified(&mut rig, &request), "2", "the value as it is when pmin is over");
    let before = rig.now;
    rig.wait();
    assert_eq!(rig.now - before, 20_000);
    assert_eq!(notified(&mut rig, &request), "2");
}

#[test]
fn changed_attributes_count_at_once_and_are_inherited() {
    let mut rig = Rig::registered();
    let request = observe(&mut rig, FLOAT, 0);
    assert_eq!(rig.code("PUT /33000?pmax=7"), "2.04");
    let before = rig.now;
    rig.wait();
    assert_eq!(rig.now - before, 7_000);
    notified(&mut rig, &request);
    assert_eq!(rig.code("PUT /33000?pmax"), "2.04");
    assert_eq!(rig.send("PUT /1/0/3", 0, b"9"), "2.04");
    let before = rig.now;
    rig.wait();
    assert_eq!(rig.now - before, 9_000, "the server's default");
    notified(&mut rig, &request);
}

#[test]
fn thresholds_and_steps() {
    let mut rig = Rig::registered();
    assert_eq!(rig.code("PUT /33000/0/3?gt=30&lt=10&st=8"), "2.04");
    let request = observe(&mut rig, FLOAT, 0); // 21.5
    for (value, told) in [
        (25.0, false),
        (29.0, false),
        (29.5, true),
        (30.5, true),
        (31.0, false),
        (30.0, true),
        (9.0, true),
        (10.0, true),
        (17.9, false),
        (18.0, true),
    ] {
        set(&mut rig, value);
        if told {
            assert_eq!(notified(&mut rig, &request), format!("{value}"));
        } else {
            rig.expect_silence();
        }
    }
}

#[test]
fn a_crossing_that_waits_for_pmin_is_told_even_if_the_value_returns() {
    let mut rig = Rig::registered();
    assert_eq!(rig.code("PUT /33000/0/3?gt=30&pmin=5"), "2.04");
    let request = observe(&mut rig, FLOAT, 0);
    set(&mut rig, 35.0);
    rig.expect_silence();
    set(&mut rig, 25.0);
    rig.wait();
    assert_eq!(notified(&mut rig, &request), "25");
}

#[test]
fn get_with_observe_1_cancels() {
    let mut rig = Rig::registered();
    let request = observe(&mut rig, FLOAT, 0);
    let mut cancel = rig.request(&format!("GET {FLOAT}"));
    cancel.set_token(request.get_token().to_vec());
    cancel.add_option(CoapOption::Observe, std::vec![1]);
    let answer = rig.exchange(&cancel);
    assert_eq!(answer.header.get_code(), "2.05");
    assert_eq!(uint(&answer, CoapOption::Observe), None);
    set(&mut rig, 1.0);
    rig.expect_silence();
    let ended = Event::ObservationEnded { server: SERVER, path: Path::resource(33000, 0, 3) };
    assert_eq!(rig.events().last(), Some(&ended));
    assert!(
        matches!(rig.engine.poll_timeout(), Some(at) if at.as_millis() > 100_000),
        "only the Update is left"
    );
}

#[test]
fn reset_of_any_recent_notification_cancels() {
    let mut rig = Rig::registered();
    let request = observe(&mut rig, FLOAT, 0);
    let other = observe(&mut rig, "/33000/0/4", 0);
    set(&mut rig, 1.0);
    let first = rig.sent().unwrap();
    set(&mut rig, 2.0);
    assert_eq!(notified(&mut rig, &request), "2");
    let [high, low] = first.header.message_id.to_be_bytes();
    assert!(rig.receive_bytes(&[0x70, 0, high, low]).is_none());
    set(&mut rig, 3.0);
    rig.change(|things| things.everything.set_boolean(false));
    assert_eq!(notified(&mut rig, &other), "0");
    rig.expect_silence();
}

#[test]
fn a_new_observe_with_the_same_token_replaces_the_old_one() {
    let mut rig = Rig::registered();
    let request = observe(&mut rig, FLOAT, 0);
    let mut again = rig.request(&format!("GET {FLOAT}"));
    again.set_token(request.get_token().to_vec());
    again.add_option(CoapOption::Observe, std::vec![]);
    set_format(&mut again, CoapOption::Accept, 110);
    rig.exchange(&again);
    set(&mut rig, 1.0);
    assert_eq!(notified(&mut rig, &request), r#"[{"bn":"/33000/0/3","v":1}]"#);
    rig.expect_silence();
}

#[test]
fn a_full_table_is_an_error() {
    let mut rig = Rig::registered();
    for resource in 0..4 {
        observe(&mut rig, &format!("/33000/0/{resource}"), 112);
    }
    let mut request = rig.request("GET /33000/0/4");
    request.add_option(CoapOption::Observe, std::vec![]);
    let answer = rig.exchange(&request);
    assert_eq!(answer.header.get_code(), "5.03");
    assert!(answer.payload.is_empty());
}

#[test]
fn what_cannot_be_read_cannot_be_observed() {
    let mut rig = Rig::registered();
    for (path, code) in
        [("/33000/0/11", "4.05"), ("/33000/0/20", "4.05"), ("/33000/0/9", "4.04"), ("/", "4.05")]
    {
        let mut request = rig.request(&format!("GET {path}"));
        request.add_option(CoapOption::Observe, std::vec![]);
        assert_eq!(rig.exchange(&request).header.get_code(), code, "{path}");
    }
    let mut request = rig.request("GET /33000/0/0");
    request.add_option(CoapOption::Observe, std::vec![2]);
    assert_eq!(rig.exchange(&request).header.get_code(), "4.00");
}

#[test]
fn a_path_that_goes_away_ends_with_an_error() {
    let mut rig = Rig::registered();
    rig.change(|things| things.rules.insert(3, super::Rule::default()).ok().unwrap());
    let update = rig.sent().unwrap();
    rig.respond(&update, "2.04", &[]);
    let request = observe(&mut rig, "/33001/3", 110);
    assert_eq!(rig.code("DELETE /33001/3"), "2.02");
    let messages: std::vec::Vec<Packet> = core::iter::from_fn(|| rig.sent()).collect();
    let last = messages.iter().find(|message| message.get_token() == request.get_token()).unwrap();
    assert_eq!(last.header.get_code(), "4.04");
    assert_eq!(uint(last, CoapOption::Observe), None);
    let ended = Event::ObservationEnded { server: SERVER, path: Path::instance(33001, 3) };
    assert!(rig.events().contains(&ended));
}

#[test]
fn registering_anew_ends_all_observations() {
    let mut rig = Rig::registered();
    observe(&mut rig, FLOAT, 0);
    rig.wait();
    let update = rig.sent().unwrap();
    rig.respond(&update, "4.04", &[]);
    let register = rig.sent().unwrap();
    rig.respond(&register, "2.01", &["rd", "b"]);
    set(&mut rig, 1.0);
    rig.expect_silence();
}

#[test]
fn an_observer_confirms_its_interest_once_a_day() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("PUT /1/0/1", 0, b"0"), "2.04");
    let update = rig.sent().unwrap();
    assert_eq!(options(&update, CoapOption::UriQuery), ["lt=0"]);
    rig.respond(&update, "2.04", &[]);
    let request = observe(&mut rig, FLOAT, 0);
    rig.now += 24 * 3_600_000;
    set(&mut rig, 1.0);
    let notification = rig.sent().unwrap();
    assert_eq!(notification.header.get_type(), MessageType::Confirmable);
    assert_eq!(notification.get_token(), request.get_token());
    let [high, low] = notification.header.message_id.to_be_bytes();
    assert!(rig.receive_bytes(&[0x60, 0, high, low]).is_none());
    set(&mut rig, 2.0);
    assert_eq!(rig.sent().unwrap().header.get_type(), MessageType::NonConfirmable);
}
