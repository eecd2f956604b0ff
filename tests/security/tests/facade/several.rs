//! A handshake in any state blocks nothing: no other server, no timer, no answer.

use crate::keys::{IDENTITY, KEY, Pair, settings, uri};
use crate::peer::Peer;
use crate::profiles::Normal;
use crate::world::{FIRST, SECOND, World};
use coap_lite::RequestType;
use coracle::{Credentials, RegistrationState};

/// The first server is registered, over DTLS or without; the second answers so many datagrams of the handshake.
fn stuck(plain: bool, credentials: Credentials<'_>, hears: u64) -> World<Normal> {
    let (first, second) = (uri(0), uri(1));
    let mut peers = vec![Peer::new(0), Peer::new(1)];
    peers[0].plain = plain;
    peers[1].hears = hears;
    let mut world = World::new(peers);
    let of_first = if plain { Credentials::NONE } else { Credentials::psk(IDENTITY, KEY) };
    let first = if plain { "coap://server0.example" } else { &first };
    assert_eq!(world.client.add_server(&settings(first, 1, of_first)), Ok(FIRST));
    assert_eq!(world.client.add_server(&settings(&second, 2, credentials)), Ok(SECOND));
    world.client.register(world.time(), FIRST);
    world.expect_registered(FIRST, 2_000);
    world.client.register(world.time(), SECOND);
    world.pump();
    world
}

/// How many datagrams a handshake takes from the device, and Register.
const DATAGRAMS: u64 = 3;

fn nothing_waits(credentials: Credentials<'_>) {
    for hears in 0..DATAGRAMS {
        let mut world = stuck(false, credentials, hears);
        // For longer than all attempts of the handshake, so in each of its states and in the pauses between them.
        for _ in 0..40 {
            let start = world.now;
            assert_eq!(world.text(FIRST, "/33001/0/0"), "7");
            assert!(world.now - start <= 20, "the answer took {} ms", world.now - start);
            world.wait(1_700);
        }
        assert_ne!(world.state(SECOND), RegistrationState::Registered);
        world.peers[1].hears = u64::MAX;
        world.expect_registered(SECOND, 120_000);
        assert_eq!(world.state(FIRST), RegistrationState::Registered);
    }
}

#[test]
fn a_handshake_with_a_pre_shared_key_holds_no_answer_up() {
    nothing_waits(Credentials::psk(IDENTITY, KEY));
}

#[test]
fn a_handshake_with_raw_public_keys_holds_no_answer_up() {
    let (own, server) = (Pair::device(), Pair::server());
    nothing_waits(Credentials::raw_public_key(&own.public, &own.private, &server.public));
}

/// Updates are as punctual as without the other server.
#[test]
fn a_handshake_holds_no_timer_up() {
    let updates = |hears: u64| {
        let mut world = stuck(false, Credentials::psk(IDENTITY, KEY), hears);
        world.wait(1_500_000);
        let posts = world.peers[0].requests.iter().filter(|r| r.method == RequestType::Post);
        posts.map(|request| request.at).collect::<Vec<u64>>()
    };
    let undisturbed = updates(u64::MAX);
    assert!(undisturbed.len() > 5);
    for hears in 0..DATAGRAMS {
        assert_eq!(updates(hears), undisturbed, "with {hears} datagrams heard");
    }
}

/// Plain CoAP and DTLS side by side.
#[test]
fn a_server_without_dtls_is_not_disturbed() {
    let mut world = stuck(true, Credentials::psk(IDENTITY, KEY), 1);
    let request = world.peers[0].request("33001/0/0", None).to_bytes().expect("valid");
    let sent = world.sent.len();
    world.receive(0, request);
    assert_eq!(world.sent[sent].1, 0);
    assert!(world.sent[sent].2.ends_with(b"\xFF7"), "in the clear, and at once");
    world.peers[1].hears = u64::MAX;
    world.expect_registered(SECOND, 120_000);
    assert_eq!(world.text(SECOND, "/33001/0/0"), "7");
}

/// Two handshakes at once.
#[test]
fn handshakes_go_on_side_by_side() {
    let (first, second, own, server) = (uri(0), uri(1), Pair::device(), Pair::server());
    let mut world = World::<Normal>::new(vec![Peer::new(0), Peer::new(1)]);
    let keys = Credentials::raw_public_key(&own.public, &own.private, &server.public);
    assert_eq!(world.client.add_server(&settings(&first, 1, keys)), Ok(FIRST));
    assert_eq!(world.client.add_server(&settings(&second, 2, Credentials::psk(IDENTITY, KEY))), Ok(SECOND));
    world.client.register(world.time(), FIRST);
    world.client.register(world.time(), SECOND);
    let start = world.now;
    world.expect_registered(FIRST, 200);
    world.expect_registered(SECOND, 200);
    assert!(world.now - start <= 100, "no retransmission was needed");
}
