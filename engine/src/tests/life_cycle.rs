//! Registrations: what they tell, and how they heal.

use coap_lite::{CoapOption, MessageType, Packet};

use super::{Rig, SERVER, options, uint};
use crate::RegistrationState::{Connecting, Reconnecting, Registered, Registering, Waiting};
use crate::coap::Code;
use crate::{Event, Failure};

pub(super) fn start(rig: &mut Rig) -> Packet {
    rig.engine.start(rig.now(), SERVER);
    connect(rig)
}

pub(super) fn connect(rig: &mut Rig) -> Packet {
    assert_eq!(rig.engine.poll_connect(), Some(SERVER));
    assert_eq!(rig.engine.poll_connect(), None);
    rig.engine.connected(rig.now(), SERVER);
    rig.sent().expect("Register")
}

pub(super) fn states(rig: &mut Rig) -> std::vec::Vec<crate::RegistrationState> {
    let state = |event| match event {
        Event::Registration { state, .. } => Some(state),
        _ => None,
    };
    rig.events().into_iter().filter_map(state).collect()
}

#[test]
fn register_tells_what_the_server_must_know() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    assert_eq!(register.header.get_type(), MessageType::Confirmable);
    assert_eq!(register.header.get_code(), "0.02");
    assert_eq!(register.get_token().len(), 8);
    assert_eq!(options(&register, CoapOption::UriPath), ["rd"]);
    assert_eq!(options(&register, CoapOption::UriQuery), ["ep=device", "lt=300", "lwm2m=1.1", "b=U"]);
    assert_eq!(uint(&register, CoapOption::ContentFormat), Some(40));
    let links = std::string::String::from_utf8(register.payload.clone()).unwrap();
    assert_eq!(
        links,
        "</>;rt=\"oma.lwm2m\";ct=\"112 110 11542 60 0 42\",</1>;ver=1.1,</1/0>,</33000>;ver=1.2,</33000/0>,</33001>"
    );
    assert_eq!(states(&mut rig), [Connecting, Registering]);
    rig.respond(&register, "2.01", &["rd", "5a3f"]);
    assert_eq!(states(&mut rig), [Registered]);
}

#[test]
fn updates_keep_the_registration_alive_and_say_nothing_new() {
    let mut rig = Rig::registered();
    for _ in 0..3 {
        let before = rig.now;
        assert!(rig.wait());
        assert_eq!(
            rig.now - before,
            207_000,
            "lifetime of 300 s less the time that retransmissions may take"
        );
        let update = rig.sent().expect("Update");
        assert_eq!(options(&update, CoapOption::UriPath), ["rd", "a"]);
        assert!(options(&update, CoapOption::UriQuery).is_empty() && update.payload.is_empty());
        rig.respond(&update, "2.04", &[]);
    }
}

#[test]
fn a_register_without_answer_is_retransmitted_and_then_tried_again_for_ever() {
    let mut rig = Rig::new();
    let first = start(&mut rig);
    let (mut sent, mut waits) = (1, 0);
    for _ in 0..200 {
        assert!(rig.wait());
        if let Some(again) = rig.sent() {
            sent += 1;
            assert_eq!((again.payload, again.header.get_code()), (first.payload.clone(), "0.02".into()));
        }
        if rig.engine.state(SERVER) == Some(Waiting) {
            waits += 1;
            assert!(rig.wait());
            rig.expect_silence();
            connect(&mut rig);
            sent += 1;
        }
    }
    assert!(waits > 20 && sent / waits == 5, "{sent} messages in {waits} attempts");
    assert!(rig.events().contains(&Event::RegistrationFailed { server: SERVER, failure: Failure::NoAnswer }));
}

#[test]
fn a_refused_register_is_tried_again() {
    for code in ["4.00", "4.03", "4.12", "5.03"] {
        let mut rig = Rig::new();
        let register = start(&mut rig);
        rig.respond(&register, code, &[]);
        let events = rig.events();
        let refused = |event: &Event| matches!(event, Event::RegistrationFailed { failure: Failure::Refused(c), .. } if std::format!("{c}") == code);
        assert!(events.iter().any(refused), "{code}: {events:?}");
        assert!(rig.wait());
        rig.expect_silence();
        let again = connect(&mut rig);
        rig.respond(&again, "2.01", &["rd", "b"]);
        assert_eq!(rig.engine.state(SERVER), Some(Registered));
    }
}

#[test]
fn a_server_that_has_forgotten_the_device_gets_a_new_register_at_once() {
    let mut rig = Rig::registered();
    rig.wait();
    let update = rig.sent().unwrap();
    rig.respond(&update, "4.04", &[]);
    let register = rig.sent().expect("Register at once");
    assert_eq!(options(&register, CoapOption::UriPath), ["rd"]);
    rig.respond(&register, "2.01", &["rd", "c"]);
    rig.wait();
    let update = rig.sent().unwrap();
    assert_eq!(options(&update, CoapOption::UriPath), ["rd", "c"]);
}

#[test]
fn a_lost_update_is_tried_again_on_a_new_way_as_long_as_the_registration_may_hold() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("PUT /1/0/1", 0, b"600"), "2.04");
    let first = rig.sent().expect("Update");
    assert_eq!(options(&first, CoapOption::UriQuery), ["lt=600"]);
    while rig.engine.state(SERVER) != Some(Reconnecting) {
        rig.sent();
        assert!(rig.wait());
        rig.sent();
    }
    let second = connect(&mut rig);
    assert_eq!(options(&second, CoapOption::UriPath), ["rd", "a"]);
    assert_eq!(options(&second, CoapOption::UriQuery), ["lt=600"], "what nobody has heard is told again");
    assert_ne!(second.header.message_id, first.header.message_id);
    while rig.engine.state(SERVER) != Some(Connecting) {
        if rig.engine.poll_connect().is_some() {
            rig.engine.connected(rig.now(), SERVER);
        }
        rig.sent();
        assert!(rig.wait());
        rig.sent();
    }
    assert!(rig.now >= 300_000, "the lifetime that the server knows is over");
    let register = connect(&mut rig);
    assert_eq!(options(&register, CoapOption::UriPath), ["rd"]);
}

#[test]
fn an_update_is_due_by_the_servers_clock() {
    let mut rig = Rig::new();
    let sent = rig.now;
    let register = start(&mut rig);
    for _ in 0..3 {
        rig.wait();
        rig.sent().expect("again");
    }
    assert!(rig.now > sent + 10_000);
    // The server has carried out the first one: its lifetime runs since then.
    rig.respond(&register, "2.01", &["rd", "a"]);
    rig.wait();
    assert_eq!(rig.now, sent + 207_000);
    assert_eq!(options(&rig.sent().unwrap(), CoapOption::UriPath), ["rd", "a"]);
}

#[test]
fn a_server_that_never_has_enough_of_blocks_does_not_hold_the_device() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    rig.engine.poll_connect();
    rig.engine.connected(rig.now(), SERVER);
    let mut blocks = 0;
    loop {
        let mut out = [0; 110];
        let Some(transmit) = rig.engine.poll_transmit(rig.now(), &mut rig.things, &mut out) else { break };
        let packet = Packet::from_bytes(&out[..transmit.length]).unwrap();
        rig.respond(&packet, "2.31", &[]);
        blocks += 1;
        assert!(blocks < 100);
    }
    assert_eq!(rig.engine.state(SERVER), Some(Waiting));
    let refused = Event::RegistrationFailed { server: SERVER, failure: Failure::Refused(Code::CONTINUE) };
    assert!(rig.events().contains(&refused));
}

#[test]
fn a_name_that_cannot_be_resolved_is_tried_again() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    for _ in 0..5 {
        assert_eq!(rig.engine.poll_connect(), Some(SERVER));
        rig.engine.connection_failed(rig.now(), SERVER);
        assert_eq!(rig.engine.state(SERVER), Some(Waiting));
        assert!(rig.wait());
        rig.expect_silence();
        assert_eq!(rig.engine.state(SERVER), Some(Connecting));
    }
    let events = rig.events();
    let failures = events
        .iter()
        .filter(|event| matches!(event, Event::RegistrationFailed { failure: Failure::Unreachable, .. }));
    assert_eq!(failures.count(), 5);
}

#[test]
fn a_driver_that_never_answers_does_not_hold_the_client() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    assert!(rig.wait());
    rig.expect_silence();
    assert_eq!(rig.engine.state(SERVER), Some(Waiting));
}

#[test]
fn what_changes_is_told_with_an_update() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("PUT /1/0/1", 0, b"600"), "2.04");
    let update = rig.sent().expect("Update");
    assert_eq!(options(&update, CoapOption::UriQuery), ["lt=600"]);
    assert!(update.payload.is_empty());
    rig.respond(&update, "2.04", &[]);
    let before = rig.now;
    rig.wait();
    assert_eq!(rig.now - before, 507_000, "the new lifetime counts");
    let update = rig.sent().unwrap();
    rig.respond(&update, "2.04", &[]);

    assert_eq!(rig.code("POST /1/0/8"), "2.04");
    let update = rig.sent().expect("Update trigger");
    assert!(options(&update, CoapOption::UriQuery).is_empty());
    rig.respond(&update, "2.04", &[]);

    rig.change(|things| things.rules.insert(7, super::Rule::default()).ok().unwrap());
    let update = rig.sent().expect("Update with links");
    assert_eq!(uint(&update, CoapOption::ContentFormat), Some(40));
    assert!(update.payload.ends_with(b"</33001/7>"));
    rig.respond(&update, "2.04", &[]);
    assert_eq!(rig.send("PUT /1/0/7", 0, b"U"), "2.04");
    rig.expect_silence(); // the same binding is no news
    assert_eq!(rig.send("PUT /1/0/7", 0, b"S"), "4.00");
}

#[test]
fn news_during_an_update_makes_another_one() {
    let mut rig = Rig::registered();
    rig.send("PUT /1/0/1", 0, b"600");
    let first = rig.sent().unwrap();
    rig.send("PUT /1/0/1", 0, b"700");
    rig.expect_silence();
    rig.respond(&first, "2.04", &[]);
    let second = rig.sent().expect("another Update");
    assert_eq!(options(&second, CoapOption::UriQuery), ["lt=700"]);
}

#[test]
fn links_that_do_not_fit_go_in_blocks() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    rig.engine.poll_connect();
    rig.engine.connected(rig.now(), SERVER);
    let (mut body, mut next) = (std::vec::Vec::new(), 0);
    loop {
        let mut out = [0; 110];
        let transmit = rig.engine.poll_transmit(rig.now(), &mut rig.things, &mut out).expect("a block");
        let packet = Packet::from_bytes(&out[..transmit.length]).unwrap();
        let block = uint(&packet, CoapOption::Block1).expect("Block1");
        assert_eq!((block >> 4, block & 7), (next, 1), "32 bytes each");
        body.extend_from_slice(&packet.payload);
        next += 1;
        let last = block & 8 == 0;
        let mut response = Packet::new();
        response.header.set_type(MessageType::Acknowledgement);
        response.header.set_code(if last { "2.01" } else { "2.31" });
        response.header.message_id = packet.header.message_id;
        response.set_token(packet.get_token().to_vec());
        response.add_option(CoapOption::Block1, std::vec![block as u8]);
        response.add_option(CoapOption::LocationPath, b"rd".to_vec());
        rig.receive(&response);
        if last {
            break;
        }
    }
    assert!(next > 2 && body.ends_with(b"</33001>"), "{next}");
    assert_eq!(rig.engine.state(SERVER), Some(Registered));
}

#[test]
fn a_message_that_does_not_fit_at_all_is_an_error_and_is_tried_again() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), SERVER);
    rig.engine.poll_connect();
    rig.engine.connected(rig.now(), SERVER);
    assert!(rig.engine.poll_transmit(rig.now(), &mut rig.things, &mut [0; 40]).is_none());
    assert!(
        rig.events()
            .contains(&Event::RegistrationFailed { server: SERVER, failure: Failure::MessageTooLong })
    );
    assert_eq!(rig.engine.state(SERVER), Some(Waiting));
}

#[test]
fn a_second_server_has_a_life_of_its_own() {
    use crate::account::{AddServerError, Credentials, ServerSettings};
    let mut rig = Rig::registered();
    let mut settings = ServerSettings {
        uri: "coap://other",
        short_server_id: 123,
        lifetime_s: 60,
        store_notifications: false,
        credentials: Credentials::NONE,
    };
    assert_eq!(rig.engine.add_server(&settings), Err(AddServerError::InvalidShortServerId));
    settings.short_server_id = 124;
    let second = rig.engine.add_server(&settings).unwrap();
    settings.short_server_id = 125;
    assert_eq!(rig.engine.add_server(&settings), Err(AddServerError::TooManyServers));
    rig.engine.start(rig.now(), second);
    rig.engine.poll_connect();
    rig.engine.connection_failed(rig.now(), second);
    assert_eq!(rig.engine.state(SERVER), Some(Registered));
    assert_eq!(rig.engine.state(second), Some(Waiting));
    assert_eq!(rig.text("/1/1/1"), "60");
    assert_eq!(rig.events().last(), Some(&Event::Registration { server: second, state: Waiting }));
}

#[test]
fn a_server_that_is_added_later_is_among_the_links_of_the_next_update() {
    use crate::account::{Credentials, ServerSettings};
    let mut rig = Rig::registered();
    let settings = ServerSettings {
        uri: "coap://other",
        short_server_id: 124,
        lifetime_s: 60,
        store_notifications: false,
        credentials: Credentials::NONE,
    };
    rig.engine.add_server(&settings).unwrap();
    let update = rig.sent().expect("Update");
    let links = std::string::String::from_utf8(update.payload.clone()).unwrap();
    assert!(links.contains("</1/1>"), "{links}");
}
