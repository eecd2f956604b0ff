//! How registrations end: the server wants it, or the application.

use coap_lite::CoapOption;

use super::life_cycle::{connect, start, states};
use super::{Rig, SERVER, options};
use crate::RegistrationState::{Connecting, Deregistering, Disabled, Idle, Registered, Registering, Waiting};
use crate::{Event, Failure};

#[test]
fn disable_deregisters_and_comes_back() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("PUT /1/0/5", 0, b"30"), "2.04");
    assert_eq!(rig.code("POST /1/0/4"), "2.04");
    let delete = rig.sent().expect("De-register");
    assert_eq!(delete.header.get_code(), "0.04");
    assert_eq!(options(&delete, CoapOption::UriPath), ["rd", "a"]);
    rig.respond(&delete, "2.02", &[]);
    assert_eq!(rig.engine.state(SERVER), Some(Disabled));
    let before = rig.now;
    rig.wait();
    assert_eq!(rig.now - before, 30_000);
    rig.expect_silence();
    connect(&mut rig);
}

#[test]
fn a_disable_that_overtakes_the_answer_to_register_is_not_forgotten() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    assert_eq!(rig.code("POST /1/0/4"), "2.04");
    rig.expect_silence();
    rig.respond(&register, "2.01", &["rd", "a"]);
    let delete = rig.sent().expect("De-register");
    assert_eq!(delete.header.get_code(), "0.04");
    rig.respond(&delete, "2.02", &[]);
    assert_eq!(rig.engine.state(SERVER), Some(Disabled));
}

#[test]
fn stopping_deregisters_or_just_ends() {
    let mut rig = Rig::registered();
    rig.engine.stop(rig.now(), SERVER);
    let delete = rig.sent().expect("De-register");
    rig.respond(&delete, "2.02", &[]);
    assert_eq!(states(&mut rig), [Deregistering, Idle]);
    assert!(!rig.wait(), "nothing more to do");

    let mut rig = Rig::registered();
    rig.engine.stop(rig.now(), SERVER);
    for _ in 0..5 {
        rig.sent().expect("De-register");
        rig.wait();
    }
    rig.expect_silence();
    assert_eq!(
        rig.engine.state(SERVER),
        Some(Idle),
        "a server that does not answer does not hold the device"
    );
}

#[test]
fn a_register_that_is_under_way_is_waited_for_and_undone() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    states(&mut rig);
    rig.engine.stop(rig.now(), SERVER);
    rig.wait();
    assert_eq!(rig.sent().expect("Register again").get_token(), register.get_token());
    rig.engine.stop(rig.now(), SERVER);
    rig.respond(&register, "2.01", &["rd", "a"]);
    let delete = rig.sent().expect("De-register");
    assert_eq!(delete.header.get_code(), "0.04");
    assert_eq!(options(&delete, CoapOption::UriPath), ["rd", "a"]);
    rig.respond(&delete, "2.02", &[]);
    assert_eq!(states(&mut rig), [Deregistering, Idle]);
    assert!(!rig.wait(), "nothing more to do");
}

#[test]
fn a_register_that_fails_needs_no_end() {
    for answered in [false, true] {
        let mut rig = Rig::new();
        let register = start(&mut rig);
        rig.engine.stop(rig.now(), SERVER);
        if answered {
            rig.respond(&register, "4.03", &[]);
        } else {
            for _ in 0..4 {
                rig.wait();
                rig.sent().expect("Register again");
            }
            rig.wait();
            rig.expect_silence();
            let failed = Event::RegistrationFailed { server: SERVER, failure: Failure::NoAnswer };
            assert!(rig.events().contains(&failed));
        }
        assert_eq!(rig.engine.state(SERVER), Some(Idle));
        assert!(!rig.wait(), "nothing more to do");
    }
}

#[test]
fn a_register_that_has_not_left_is_not_sent() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    rig.engine.poll_connect();
    rig.engine.connected(rig.now(), SERVER);
    rig.engine.stop(rig.now(), SERVER);
    rig.expect_silence();
    assert_eq!(states(&mut rig), [Connecting, Registering, Idle]);
}

#[test]
fn who_wants_the_registration_again_gets_it() {
    for code in ["2.01", "4.03"] {
        let mut rig = Rig::new();
        let register = start(&mut rig);
        rig.engine.stop(rig.now(), SERVER);
        rig.engine.start(rig.now(), SERVER);
        rig.respond(&register, code, &["rd", "a"]);
        let state = if code == "2.01" { Registered } else { Waiting };
        assert_eq!(rig.engine.state(SERVER), Some(state));
        rig.expect_silence();
    }
}
