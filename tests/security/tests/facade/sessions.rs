//! Sessions that outlive what happens to the network and to the server.

use crate::keys::{IDENTITY, KEY, settings, uri};
use crate::peer::Peer;
use crate::profiles::Normal;
use crate::world::{FIRST, World};
use coap_lite::RequestType;
use coracle::{Credentials, Event, Failure, RegistrationState, SessionEvent};

fn world(change: impl FnOnce(&mut Peer)) -> World<Normal> {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    change(&mut peer);
    let mut world = World::registered(peer, &settings(&uri, 1, Credentials::psk(IDENTITY, KEY)));
    world.events.clear();
    world.sent.clear();
    world.peers[0].requests.clear();
    world
}

/// The paths of the requests since the last look.
fn requests(world: &mut World<Normal>) -> Vec<String> {
    let take = std::mem::take(&mut world.peers[0].requests);
    take.into_iter().map(|request| format!("{:?} {}", request.method, request.path)).collect()
}

/// A server that has lost everything does not answer the Update: a new handshake follows, in which it says so, and a new
/// registration.
#[test]
fn a_restarted_server_is_registered_with_anew() {
    for roams in [true, false] {
        let mut world = world(|peer| peer.roams = roams);
        world.peers[0].restart();
        world.client.update_registration(FIRST);
        world.pump();
        assert_eq!(world.state(FIRST), RegistrationState::Updating);
        // 62 s of retransmissions and half of it as jitter (RFC 7252 section 4.8.2: MAX_TRANSMIT_WAIT is 93 s), and the first
        // wait of the back-off.
        world.expect_registered(FIRST, 94_000 + 7_500);
        assert_eq!(requests(&mut world), ["Post rd/1", "Post rd"]);
        assert_eq!((world.peers[0].handshakes, world.peers[0].resumed), (2, 0));
        let failed = Event::RegistrationFailed { server: FIRST, failure: Failure::NoAnswer };
        assert!(world.events.iter().any(|(_, event)| *event == failed));
        assert_eq!(world.text(FIRST, "/33001/0/0"), "7");
    }
}

/// With a connection ID a new address is nothing but the source of the next datagram.
#[test]
fn a_new_address_with_a_connection_id_takes_no_datagram_of_its_own() {
    let mut world = world(|_| ());
    // The device does not notice: a NAT has given it another port.
    world.address = 2;
    world.client.update_registration(FIRST);
    world.pump();
    world.expect_registered(FIRST, 1_000);
    assert_eq!(world.sent.len(), 1);
    assert_eq!(requests(&mut world), ["Post rd/1"]);
    assert_eq!(world.text(FIRST, "/33001/0/0"), "7", "the server has followed");
    // The application has noticed.
    world.sent.clear();
    world.address = 3;
    world.client.reconnect(world.time(), FIRST);
    world.pump();
    world.expect_registered(FIRST, 1_000);
    assert_eq!(world.sent.len(), 1);
    assert_eq!(requests(&mut world), ["Post rd/1"]);
    assert_eq!(world.peers[0].handshakes, 1);
    assert!(world.told(FIRST).is_empty());
}

/// The address changes while a handshake is under way, and the application notices: the answers of the server are lost with
/// the old address, and the handshake begins anew at once.
#[test]
fn a_new_address_during_a_handshake_makes_another_one() {
    let uri = uri(0);
    for ms in (0..60).step_by(5) {
        let mut peer = Peer::new(0);
        peer.roams = false;
        let settings = settings(&uri, 1, Credentials::psk(IDENTITY, KEY));
        let mut world = World::<Normal>::registering(peer, &settings);
        world.wait(ms);
        world.address = 2;
        let connecting = world.state(FIRST) == RegistrationState::Connecting;
        world.client.reconnect(world.time(), FIRST);
        world.pump();
        // While Register is under way the first wait of the back-off comes before.
        world.expect_registered(FIRST, if connecting { 500 } else { 8_000 });
    }
}

/// The driver takes in datagrams before it opens the new way. What ends on the old one is not taken for it.
#[test]
fn a_handshake_on_the_way_of_before_does_not_count() {
    let mut world = World::<Normal>::new(vec![Peer::new(0)]);
    let uri = uri(0);
    let settings = settings(&uri, 1, Credentials::psk(IDENTITY, KEY));
    assert_eq!(world.client.add_server(&settings), Ok(FIRST));
    world.client.register(world.time(), FIRST);
    world.pump();
    assert!(world.run(1_000, |world| world.sent.len() == 3), "the last flight is out");
    // Its answer comes in when the application has had enough of this way, and before the driver has its turn.
    world.client.reconnect(world.time(), FIRST);
    world.deliver();
    assert!(matches!(world.client.poll_event(), Some(Event::Transport { .. })));
    assert_eq!(world.state(FIRST), RegistrationState::Connecting);
    world.address = 2;
    world.pump();
    world.expect_registered(FIRST, 1_000);
    assert_eq!(world.peers[0].handshakes, 2);
}

/// Without one the session is resumed.
#[test]
fn a_new_address_without_a_connection_id_leads_to_resumption() {
    let mut world = world(|peer| peer.roams = false);
    world.address = 2;
    world.client.reconnect(world.time(), FIRST);
    world.pump();
    world.expect_registered(FIRST, 1_000);
    assert_eq!((world.peers[0].handshakes, world.peers[0].resumed), (2, 1));
    // The registration goes on: an Update, not a Register.
    assert_eq!(requests(&mut world), ["Post rd/1"]);
    // Hello, hello with cookie, Finished, Update.
    assert_eq!(world.sent.len(), 4);
}

/// And when the server cannot resume: a full handshake within the same flight.
#[test]
fn a_new_address_without_anything_leads_to_a_full_handshake() {
    let mut world = world(|peer| (peer.roams, peer.resumes) = (false, false));
    world.address = 2;
    world.client.reconnect(world.time(), FIRST);
    world.pump();
    world.expect_registered(FIRST, 1_000);
    assert_eq!((world.peers[0].handshakes, world.peers[0].resumed), (2, 0));
    assert_eq!(requests(&mut world), ["Post rd/1"]);
    assert_eq!(world.sent.len(), 4);
}

/// The device does not notice that its address has changed: the Update gets no answer, then it heals by itself.
#[test]
fn an_unnoticed_new_address_without_a_connection_id_heals() {
    let mut world = world(|peer| peer.roams = false);
    world.address = 2;
    world.client.update_registration(FIRST);
    world.pump();
    world.expect_registered(FIRST, 94_000);
    assert_eq!((world.peers[0].handshakes, world.peers[0].resumed), (2, 1));
}

/// Idle for hours: the session is still the one of the first day.
#[test]
fn a_session_lasts_as_long_as_its_registration() {
    let mut world = world(|_| ());
    world.wait(24 * 3_600_000);
    assert_eq!(world.peers[0].handshakes, 1);
    assert!(world.told(FIRST).is_empty());
    assert!(world.peers[0].requests.iter().all(|request| request.method == RequestType::Post));
    assert!(world.peers[0].requests.len() >= 24 * 12);
}

/// A datagram of the device is sealed for one session: what was under way when the session ended is not sent in the next.
#[test]
fn a_lost_session_with_a_connection_id_is_noticed_and_replaced() {
    let mut world = world(|_| ());
    world.peers[0].lose_sessions();
    world.client.reconnect(world.time(), FIRST);
    world.pump();
    // It believes in its connection ID, and sends the Update at once; but then it makes sure.
    world.expect_registered(FIRST, 94_000);
    assert_eq!((world.peers[0].handshakes, world.peers[0].resumed), (2, 1));
    let secured = world.told(FIRST);
    assert!(matches!(secured[..], [(_, SessionEvent::Secured(agreed))] if agreed.resumed), "{secured:?}");
}
