//! A registration that outlives the device's RAM, and a way to the server that has to be opened anew.

use std::vec::Vec;

use coap_lite::{CoapOption, Packet};

use super::{Rig, SERVER, TestProfile, options, set_format, uint};
use crate::account::{Credentials, ServerSettings};
use crate::{Event, Failure, RegistrationState, RestoreError, SaveError, ServerIndex};

type Engine<'m> = crate::Engine<'m, TestProfile>;

fn save(rig: &Rig) -> Result<Vec<u8>, SaveError> {
    save_with(rig, 0)
}

fn save_with(rig: &Rig, reserve: u32) -> Result<Vec<u8>, SaveError> {
    let mut out = [0xaa; Engine::SAVED_LEN];
    let length = rig.engine.save(rig.now(), SERVER, reserve, &mut out)?;
    Ok(out[..length].to_vec())
}

/// A device that has lost its RAM and its clock.
fn wake(saved: &[u8]) -> Result<Rig, RestoreError> {
    let mut rig = Rig::new();
    rig.now = 7;
    let now = rig.now();
    rig.engine.restore(now, SERVER, saved, &mut rig.things)?;
    Ok(rig)
}

fn connect(rig: &mut Rig) -> Packet {
    assert_eq!(rig.engine.poll_connect(), Some(SERVER));
    rig.engine.connected(rig.now(), SERVER);
    rig.sent().expect("a message")
}

#[test]
fn a_device_that_wakes_goes_on_with_one_message() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("PUT /1/0/1", 0, b"86400"), "2.04");
    let update = rig.sent().unwrap();
    rig.respond(&update, "2.04", &[]);
    let mut rig = wake(&save(&rig).unwrap()).unwrap();
    let update = connect(&mut rig);
    assert_eq!(options(&update, CoapOption::UriPath), ["rd", "a"]);
    assert_eq!(options(&update, CoapOption::UriQuery), [""; 0], "the server knows all of it");
    assert_eq!(update.payload, b"");
    rig.respond(&update, "2.04", &[]);
    assert_eq!(rig.engine.state(SERVER), Some(RegistrationState::Registered));
    rig.next_id = 0x200; // the device still knows the messages of before
    assert_eq!(rig.text("/1/0/1"), "86400");
    rig.expect_silence();
}

#[test]
fn observations_go_on_and_tell_what_changed_meanwhile() {
    let mut rig = Rig::registered();
    assert_eq!(rig.code("PUT /33000/0/1?gt=100"), "2.04");
    let mut observe = |path: &str| {
        let mut request = rig.request(path);
        request.add_option(CoapOption::Observe, std::vec![]);
        set_format(&mut request, CoapOption::Accept, 0);
        let sequence = uint(&rig.exchange(&request), CoapOption::Observe);
        (request.get_token().to_vec(), sequence)
    };
    let (conditional, _) = observe("GET /33000/0/1");
    let (plain, sequence) = observe("GET /33000/0/2");
    let mut rig = wake(&save(&rig).unwrap()).unwrap();
    rig.things.everything.set_unsigned(201);
    let update = connect(&mut rig);
    rig.respond(&update, "2.04", &[]);
    let notified = rig.sent().expect("the value that has changed");
    assert_eq!((notified.get_token(), notified.payload.as_slice()), (&plain[..], &b"201"[..]));
    assert!(uint(&notified, CoapOption::Observe) > sequence);
    rig.expect_silence();
    rig.change(|things| things.everything.set_integer(101));
    assert_eq!(rig.sent().expect("beyond gt").get_token(), conditional);
}

#[test]
fn what_was_executed_before_the_sleep_is_not_executed_again() {
    let mut rig = Rig::registered();
    let execute = rig.request("POST /33000/0/20");
    rig.exchange(&execute);
    assert_eq!(rig.things.everything.runs.len(), 1);
    let mut rig = wake(&save(&rig).unwrap()).unwrap();
    assert_eq!(rig.exchange(&execute).header.get_code(), "2.04");
    assert!(rig.things.everything.runs.is_empty());
}

#[test]
fn after_a_crash_message_ids_and_observe_numbers_are_not_used_again() {
    let mut rig = Rig::registered();
    let mut request = rig.request("GET /33000/0/2");
    request.add_option(CoapOption::Observe, std::vec![]);
    set_format(&mut request, CoapOption::Accept, 0);
    rig.exchange(&request);
    let saved = save_with(&rig, 10).unwrap();
    // What it sends until it crashes, which the server has seen.
    let mut sent = Vec::new();
    for value in 0..5 {
        rig.change(|things| things.everything.set_unsigned(300 + value));
        sent.push(rig.sent().expect("a notification"));
    }
    let mut rig = wake(&saved).unwrap();
    rig.things.everything.set_unsigned(999);
    let update = connect(&mut rig);
    rig.respond(&update, "2.04", &[]);
    let notified = rig.sent().expect("the value that has changed");
    for old in &sent {
        for new in [&update, &notified] {
            assert_ne!(old.header.message_id, new.header.message_id);
        }
        assert!(uint(&notified, CoapOption::Observe) > uint(old, CoapOption::Observe));
    }
}

/// Message ids are counted for all servers together: the reserve is for each of them.
#[test]
fn after_a_crash_message_ids_are_not_used_again_though_there_is_another_server() {
    const OTHER: ServerIndex = ServerIndex(1);
    let mut rig = Rig::registered();
    let settings = ServerSettings {
        uri: "coap://other",
        short_server_id: 5,
        lifetime_s: 300,
        store_notifications: true,
        credentials: Credentials::NONE,
    };
    assert_eq!(rig.engine.add_server(&settings), Ok(OTHER));
    let told = rig.sent().expect("an Update with the new account");
    rig.respond(&told, "2.04", &[]);
    let saved = save_with(&rig, 3).unwrap();
    // Three messages to the other one, and the third to the one that was saved.
    rig.engine.start(rig.now(), OTHER);
    assert_eq!(rig.engine.poll_connect(), Some(OTHER));
    rig.engine.connected(rig.now(), OTHER);
    for (code, another) in [(0x41, true), (0x44, true), (0x44, false)] {
        let mut out = [0; 512];
        let sent = rig.engine.poll_transmit(rig.now(), &mut rig.things, &mut out).expect("a message");
        assert_eq!(sent.server, OTHER);
        let request = Packet::from_bytes(&out[..sent.length]).unwrap();
        let [high, low] = request.header.message_id.to_be_bytes();
        let location: &[u8] = if code == 0x41 { &[0x82, b'r', b'd'] } else { &[] };
        let head = [0x60 | request.get_token().len() as u8, code, high, low];
        let answer = [&head[..], request.get_token(), location].concat();
        let now = rig.now();
        rig.engine.handle_message(now, OTHER, &answer, &mut rig.things, &mut out);
        assert_eq!(rig.engine.state(OTHER), Some(RegistrationState::Registered));
        if another {
            rig.engine.update(OTHER);
        }
    }
    rig.engine.update(SERVER);
    let update = rig.sent().expect("an Update");
    rig = wake(&saved).unwrap();
    assert_ne!(connect(&mut rig).header.message_id, update.header.message_id);
}

#[test]
fn nothing_is_saved_while_the_server_owes_an_answer() {
    let mut rig = Rig::new();
    assert_eq!(save(&rig), Err(SaveError::Busy));
    rig = Rig::registered();
    rig.engine.update(SERVER);
    let update = rig.sent().unwrap();
    assert_eq!(save(&rig), Err(SaveError::Busy));
    rig.respond(&update, "2.04", &[]);
    let length = save(&rig).unwrap().len();
    let mut small = std::vec![0; length - 1];
    assert_eq!(rig.engine.save(rig.now(), SERVER, 0, &mut small), Err(SaveError::TooSmall));
}

#[test]
fn damage_is_noticed_and_changes_nothing() {
    let mut rig = Rig::registered();
    assert_eq!(rig.code("PUT /33000/0/1?pmin=5"), "2.04");
    let saved = save(&rig).unwrap();
    for at in 0..saved.len() {
        for change in [1, 0x80] {
            let mut damaged = saved.clone();
            damaged[at] ^= change;
            assert!(wake(&damaged).is_err(), "byte {at}");
        }
        assert!(wake(&saved[..at]).is_err(), "cut at {at}");
    }
    let mut rig = Rig::new();
    let now = rig.now();
    assert_eq!(rig.engine.restore(now, SERVER, &saved[1..], &mut rig.things), Err(RestoreError::Corrupt));
    assert_eq!(rig.engine.state(SERVER), Some(RegistrationState::Idle));
    assert_eq!((rig.engine.poll_connect(), rig.sent()), (None, None));
    let mut rig = Rig::registered();
    let now = rig.now();
    assert_eq!(rig.engine.restore(now, SERVER, &saved, &mut rig.things), Err(RestoreError::InUse));
}

#[test]
fn a_lost_way_is_opened_anew_and_an_update_follows() {
    let mut rig = Rig::registered();
    rig.engine.disconnected(rig.now(), SERVER);
    assert_eq!(rig.engine.state(SERVER), Some(RegistrationState::Reconnecting));
    rig.expect_silence();
    let update = connect(&mut rig);
    assert_eq!(options(&update, CoapOption::UriPath), ["rd", "a"]);
    rig.respond(&update, "4.04", &[]);
    let register = rig.sent().unwrap();
    assert_eq!(options(&register, CoapOption::UriPath), ["rd"]);
}

#[test]
fn a_way_that_stays_lost_is_tried_again_with_back_off() {
    let mut rig = Rig::registered();
    rig.engine.disconnected(rig.now(), SERVER);
    rig.events();
    assert_eq!(rig.engine.poll_connect(), Some(SERVER));
    rig.engine.securing(SERVER);
    rig.expect_silence();
    assert_eq!(rig.engine.poll_timeout(), None, "the transport has its own time-outs");
    rig.engine.securing_failed(rig.now(), SERVER);
    let failed = Event::RegistrationFailed { server: SERVER, failure: Failure::NotSecured };
    assert_eq!(
        rig.events(),
        [failed, Event::Registration { server: SERVER, state: RegistrationState::Waiting }]
    );
    assert!(rig.wait());
    rig.expect_silence();
    assert_eq!(rig.engine.state(SERVER), Some(RegistrationState::Reconnecting));
    rig.now += 300_000;
    rig.engine.connection_failed(rig.now(), SERVER);
    assert!(rig.wait());
    rig.expect_silence();
    assert_eq!(rig.engine.state(SERVER), Some(RegistrationState::Connecting), "the lifetime is over");
}

#[test]
fn the_last_alert_can_be_read() {
    let mut rig = Rig::registered();
    assert_eq!(rig.text("/1/0/11"), "4.04");
    rig.engine.note_alert(SERVER, 115);
    assert_eq!(rig.text("/1/0/11"), "115");
}

#[test]
fn messages_keep_within_the_limit_of_the_way() {
    let mut rig = Rig::new();
    rig.engine.set_message_limit(SERVER, 80);
    rig.engine.start(rig.now(), SERVER);
    let register = connect(&mut rig);
    assert!(register.to_bytes().unwrap().len() <= 80);
    assert!(register.get_option(CoapOption::Block1).is_some());
}

#[test]
fn a_lifetime_written_while_the_way_is_gone_is_told() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("PUT /1/0/1", 0, b"60"), "2.04");
    rig.engine.disconnected(rig.now(), SERVER);
    let mut update = connect(&mut rig);
    let mut told = options(&update, CoapOption::UriQuery);
    while told.is_empty() {
        rig.respond(&update, "2.04", &[]);
        update = rig.sent().expect("another Update");
        told = options(&update, CoapOption::UriQuery);
    }
    assert_eq!(told, ["lt=60"]);
}
