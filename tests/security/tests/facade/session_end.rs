//! Sessions that end: by the server, by the device, and with several messages still in a datagram.

use crate::keys::{IDENTITY, KEY, settings, uri};
use crate::peer::Peer;
use crate::profiles::Normal;
use crate::world::{FIRST, World};
use coracle::crypto::{Alert, AlertSeen, CloseReason};
use coracle::{Credentials, Event, RegistrationState, SessionEvent};

fn world() -> World<Normal> {
    let uri = uri(0);
    let mut world = World::registered(Peer::new(0), &settings(&uri, 1, Credentials::psk(IDENTITY, KEY)));
    world.events.clear();
    world.sent.clear();
    world
}

/// A close_notify is answered and told; the registration is still good, and an Update goes out in a resumed session.
#[test]
fn a_server_that_closes_gets_a_new_session() {
    let mut world = world();
    world.peers[0].close();
    world.pump();
    world.wait(25);
    let closed = |event: &SessionEvent| {
        let alert = AlertSeen::Received(Alert::CLOSE_NOTIFY);
        *event == SessionEvent::Closed { reason: CloseReason::ByPeer, alert }
    };
    assert!(world.told(FIRST).iter().any(|(_, event)| closed(event)), "{:?}", world.events);
    world.expect_registered(FIRST, 1_000);
    assert_eq!((world.peers[0].handshakes, world.peers[0].resumed), (2, 1));
    let paths: Vec<_> = world.peers[0].requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["rd", "rd/1"]);
    // That is no alert to look into.
    assert_eq!(world.ask(FIRST, "/1/0/11").header.get_code(), "4.04");
}

/// It is not pushed around: a server that closes at once, whenever, does not get handshakes without pause.
#[test]
fn a_server_that_always_closes_is_not_flooded() {
    let mut world = world();
    let start = world.now;
    while world.now - start < 600_000 {
        if world.peers[0].has_session() {
            world.peers[0].close();
        }
        world.wait(50);
    }
    assert!(world.peers[0].handshakes < 2_000, "{} handshakes", world.peers[0].handshakes);
    world.expect_registered(FIRST, 91_000);
}

/// Several messages in one datagram are answered each, in one datagram.
#[test]
fn several_messages_in_one_datagram() {
    let mut world = world();
    let paths = ["33001/0/0", "1/0/1", "33001/0/0"];
    let requests: Vec<_> = paths.iter().map(|path| world.peers[0].request(path, None)).collect();
    world.peers[0].send(&requests);
    world.pump();
    world.wait(25);
    let answers: Vec<_> = world.peers[0]
        .answers
        .iter()
        .map(|answer| (answer.get_token().to_vec(), answer.payload.clone()))
        .collect();
    let expected: Vec<_> = requests
        .iter()
        .zip([&b"7"[..], b"300", b"7"])
        .map(|(request, payload)| (request.get_token().to_vec(), payload.to_vec()))
        .collect();
    assert_eq!(answers, expected);
    assert_eq!(world.sent.len(), 1);
}

/// A datagram in which one record is damaged: the others count.
#[test]
fn a_damaged_record_does_not_spoil_its_datagram() {
    let mut world = world();
    let requests: Vec<_> = (0..3).map(|_| world.peers[0].request("33001/0/0", None)).collect();
    world.peers[0].send(&requests);
    let (_, mut datagram) = world.peers[0].out.pop().expect("a datagram");
    let middle = datagram.len() / 2;
    datagram[middle] ^= 1;
    world.receive(0, datagram);
    world.wait(25);
    assert_eq!(world.peers[0].answers.len(), 2);
}

/// Sessions that the device ends itself are no reason to wait, however short.
#[test]
fn short_sessions_by_the_device_are_no_failure() {
    let mut world = world();
    for _ in 0..6 {
        world.client.deregister(world.time(), FIRST);
        world.wait(500);
        assert_eq!(world.state(FIRST), RegistrationState::Idle);
        world.client.register(world.time(), FIRST);
        world.expect_registered(FIRST, 500);
    }
    let failed = |event: &Event| matches!(event, Event::RegistrationFailed { .. });
    assert!(!world.events.iter().any(|(_, event)| failed(event)), "{:?}", world.events);
}

/// De-register says goodbye, and stays away.
#[test]
fn the_end_by_the_device() {
    let mut world = world();
    world.client.deregister(world.time(), FIRST);
    world.wait(100);
    let told = world.told(FIRST);
    let expected =
        SessionEvent::Closed { reason: CloseReason::ByUs, alert: AlertSeen::Sent(Alert::CLOSE_NOTIFY) };
    assert!(matches!(told[..], [(_, event)] if event == expected), "{told:?}");
    assert_eq!(world.state(FIRST), RegistrationState::Idle);
    assert!(!world.peers[0].has_session());
    let sent = world.sent.len();
    world.wait(3_600_000);
    assert_eq!(world.sent.len(), sent);
    // And back again, without the long way.
    world.client.register(world.time(), FIRST);
    world.expect_registered(FIRST, 1_000);
    assert_eq!((world.peers[0].handshakes, world.peers[0].resumed), (2, 1));
}
