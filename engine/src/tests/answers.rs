//! Answers of servers to what the device asks: which are taken, and which are not.

use coap_lite::{CoapOption, MessageType, Packet};

use super::life_cycle::{connect, start, states};
use super::{Rig, SERVER};
use crate::RegistrationState::{Registered, Registering, Waiting};
use crate::{Event, Failure};

#[test]
fn acknowledgements_without_end_are_no_answer() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    let [high, low] = register.header.message_id.to_be_bytes();
    for _ in 0..100 {
        assert!(rig.receive_bytes(&[0x60, 0, high, low]).is_none());
        rig.expect_silence();
        rig.now += 1_000;
    }
    assert!(states(&mut rig).contains(&Waiting), "MAX_TRANSMIT_WAIT is 93 s");
}

#[test]
fn a_reset_to_register_is_a_refusal() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    let [high, low] = register.header.message_id.to_be_bytes();
    assert!(rig.receive_bytes(&[0x70, 0, high, low]).is_none());
    assert_eq!(rig.engine.state(SERVER), Some(Waiting));
}

#[test]
fn separate_responses_are_acknowledged_even_twice() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    let [high, low] = register.header.message_id.to_be_bytes();
    assert!(rig.receive_bytes(&[0x60, 0, high, low]).is_none());
    rig.now += 10_000;
    rig.expect_silence(); // acknowledged: no retransmission
    let mut response = Packet::new();
    response.header.set_type(MessageType::Confirmable);
    response.header.set_code("2.01");
    response.header.message_id = 0x7777;
    response.set_token(register.get_token().to_vec());
    response.add_option(CoapOption::LocationPath, b"rd".to_vec());
    for _ in 0..2 {
        let answer = rig.receive(&response).expect("ACK");
        assert_eq!(
            (answer.header.get_type(), answer.header.message_id),
            (MessageType::Acknowledgement, 0x7777)
        );
        assert_eq!(answer.header.get_code(), "0.00");
        assert!(answer.get_token().is_empty());
        assert_eq!(rig.engine.state(SERVER), Some(Registered));
    }
    response.header.message_id = 0x7778;
    assert_eq!(rig.receive(&response).unwrap().header.get_type(), MessageType::Reset);
}

#[test]
fn an_answer_with_another_token_or_message_id_is_not_taken() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    let mut other = register.clone();
    other.set_token(std::vec![1, 2, 3]);
    rig.respond(&other, "2.01", &["rd", "x"]);
    let mut other = register.clone();
    other.header.message_id ^= 1;
    rig.respond(&other, "2.01", &["rd", "x"]);
    assert_eq!(rig.engine.state(SERVER), Some(Registering));
    assert_eq!(rig.engine.counters().unexpected, 2);
}

#[test]
fn a_location_that_does_not_fit_is_an_error_that_heals() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    rig.respond(&register, "2.01", &["rd", "longer-than-16-bytes"]);
    assert_eq!(rig.engine.state(SERVER), Some(Waiting));
    assert!(
        rig.events()
            .contains(&Event::RegistrationFailed { server: SERVER, failure: Failure::LocationTooLong })
    );
    rig.wait();
    rig.expect_silence();
    let register = connect(&mut rig);
    rig.respond(&register, "2.01", &["rd", "fits"]);
    assert_eq!(rig.engine.state(SERVER), Some(Registered));
}

#[test]
fn an_answer_with_a_critical_option_that_is_unknown_is_rejected() {
    let mut rig = Rig::new();
    let register = start(&mut rig);
    for kind in [MessageType::Acknowledgement, MessageType::NonConfirmable, MessageType::Confirmable] {
        for option in [9, 13, 65_001] {
            let mut response = Packet::new();
            response.header.set_type(kind);
            response.header.set_code("2.01");
            response.header.message_id = register.header.message_id;
            response.set_token(register.get_token().to_vec());
            response.add_option(CoapOption::LocationPath, b"rd".to_vec());
            response.add_option(CoapOption::from(option), b"x".to_vec());
            let answer = rig.receive(&response).map(|answer| answer.header.get_type());
            let rejected = (kind == MessageType::Confirmable).then_some(MessageType::Reset);
            assert_eq!(answer, rejected, "{kind:?} {option}");
            assert_eq!(rig.engine.state(SERVER), Some(Registering), "{kind:?} {option}");
        }
    }
    // An elective one, and one that says nothing about a response, do no harm.
    let mut response = Packet::new();
    response.header.set_type(MessageType::Acknowledgement);
    response.header.set_code("2.01");
    response.header.message_id = register.header.message_id;
    response.set_token(register.get_token().to_vec());
    response.add_option(CoapOption::UriHost, b"server".to_vec());
    response.add_option(CoapOption::LocationPath, b"rd".to_vec());
    response.add_option(CoapOption::from(65_000), b"x".to_vec());
    assert!(rig.receive(&response).is_none());
    assert_eq!(rig.engine.state(SERVER), Some(Registered));
}

#[test]
fn a_reset_that_is_not_empty_resets_nothing() {
    let mut rig = Rig::registered();
    rig.engine.update(SERVER);
    let update = rig.sent().unwrap();
    let [high, low] = update.header.message_id.to_be_bytes();
    assert!(rig.receive_bytes(&[0x70, 0x45, high, low]).is_none());
    assert_eq!(rig.engine.state(SERVER), Some(crate::RegistrationState::Updating));
}
