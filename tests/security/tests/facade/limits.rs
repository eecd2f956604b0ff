//! Datagrams as short as they may be, and buffers that are too short.

use crate::keys::{Certificates, IDENTITY, KEY, Pair, settings, trust, uri};
use crate::peer::Peer;
use crate::profiles::{Normal, Short};
use crate::world::{FIRST, World};
use coap_lite::CoapOption;
use coracle::{Credentials, RegistrationState, SessionEvent};
use coracle_crypto::{Requirement, TransmitError};

/// Servers must know the extended master secret, unless config.toml says otherwise.
#[test]
fn the_extended_master_secret_is_a_choice() {
    assert_eq!(<Normal as coracle::Profile>::EXTENDED_MASTER_SECRET, Requirement::Required);
    assert_eq!(<Short as coracle::Profile>::EXTENDED_MASTER_SECRET, Requirement::Optional);
}

/// Every flight is cut into datagrams of 192 bytes, and so is everything after it.
#[test]
fn short_datagrams_are_enough_for_everything() {
    let (uri, own, server) = (uri(0), Pair::device(), Pair::server());
    let certificates = Certificates::new(0);
    for credentials in [
        Credentials::psk(IDENTITY, KEY),
        Credentials::raw_public_key(&own.public, &own.private, &server.public),
        trust(&certificates, &own.private),
    ] {
        let mut world = World::<Short>::registered(Peer::new(0), &settings(&uri, 1, credentials));
        let mut note: Vec<u8> = Vec::new();
        for block in 0.. {
            // 64-byte blocks
            let request = world.peers[0].request("33001/0/1", Some(block << 4 | 2));
            world.peers[0].send(std::slice::from_ref(&request));
            world.pump();
            world.wait(25);
            let answer = world.peers[0].answers.pop().expect("an answer");
            assert_eq!(answer.get_token(), request.get_token());
            note.extend(&answer.payload);
            let option = answer.get_first_option(CoapOption::Block2).expect("in blocks");
            if option.last().is_none_or(|last| last & 8 == 0) {
                break;
            }
        }
        assert_eq!(note, [b'n'; 400]);
        assert!(world.largest <= 192, "a datagram of {} bytes", world.largest);
    }
}

/// A longer answer than the transmit buffer holds with its protection goes out in blocks, unasked.
#[test]
fn an_answer_that_does_not_fit_comes_in_blocks() {
    let uri = uri(0);
    let world = World::<Short>::registered(Peer::new(0), &settings(&uri, 1, Credentials::psk(IDENTITY, KEY)));
    let mut world = world;
    let answer = world.ask(FIRST, "/33001/0/1");
    assert!(answer.get_first_option(CoapOption::Block2).is_some());
    assert!(!answer.payload.is_empty() && answer.payload.len() < 192);
    assert!(world.largest <= 192);
}

/// A driver that hands out a shorter buffer than the profile says: told, not tried for ever in a busy loop.
#[test]
fn a_buffer_that_is_too_short_is_an_event_and_no_busy_loop() {
    let uri = uri(0);
    let mut world = World::<Normal>::new(vec![Peer::new(0)]);
    assert_eq!(world.client.add_server(&settings(&uri, 1, Credentials::psk(IDENTITY, KEY))), Ok(FIRST));
    world.client.register(world.time(), FIRST);
    assert!(world.client.poll_transmit(world.time(), &mut []).is_none());
    while world.client.poll_connect().is_some() {
        world.client.connected(world.time(), FIRST);
    }
    let mut out = [0; 20];
    for _ in 0..20 {
        assert!(world.client.poll_transmit(world.time(), &mut out).is_none());
    }
    assert!(world.client.poll_timeout().is_some_and(|at| at > world.time()), "it waits");
    assert_eq!(world.state(FIRST), RegistrationState::Waiting);
    // With a buffer as it should be, it goes on.
    world.expect_registered(FIRST, 30_000);
    let told = world.told(FIRST).first().map(|told| told.1);
    let is_told = |event| matches!(event, SessionEvent::NotTransmitted(TransmitError::BufferTooSmall { needed }) if needed > 20);
    assert!(told.is_some_and(is_told), "{told:?}");
}
