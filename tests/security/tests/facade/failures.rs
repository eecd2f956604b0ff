//! What can be wrong with a handshake: each is an event of its own, soon, with its alert; and it is tried again.

use crate::keys::{Certificates, IDENTITY, IN_TIME, KEY, Pair, TOO_LATE, settings, trust, uri};
use crate::peer::Peer;
use crate::profiles::Normal;
use crate::world::{FIRST, World};
use coracle::crypto::{Alert, AlertSeen, FailureReason};
use coracle::{Credentials, Event, Failure, RegistrationState, ServerSettings, SessionEvent};
use coracle_crypto::{PrivateKey, PublicKey};

/// The handshake fails for this reason within `limit` ms; the alert can be read afterwards (object 1 resource 11).
#[track_caller]
fn expect(
    world: &mut World<Normal>,
    limit: u64,
    expected: (FailureReason, AlertSeen),
    repair: impl FnOnce(&mut World<Normal>),
) {
    let start = world.now;
    assert!(world.run(limit, |world| world.state(FIRST) == RegistrationState::Waiting), "{:?}", world.events);
    let told = world.told(FIRST);
    let [(at, SessionEvent::HandshakeFailed { reason, alert })] = told[..] else { panic!("{told:?}") };
    assert_eq!((reason, alert), expected);
    assert!(at - start <= limit);
    let failed = Event::RegistrationFailed { server: FIRST, failure: Failure::NotSecured };
    assert!(world.events.iter().any(|(_, event)| *event == failed));
    // Nothing has to be done but to repair it.
    repair(world);
    world.expect_registered(FIRST, 30_000);
    if let Some(Alert(code)) = alert.alert() {
        assert_eq!(world.text(FIRST, "/1/0/11"), code.to_string());
    }
}

fn psk(uri: &str) -> ServerSettings<'_> {
    settings(uri, 1, Credentials::psk(IDENTITY, KEY))
}

#[test]
fn a_wrong_pre_shared_key() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.knows.psk[0].1 = b"another key".to_vec();
    let mut world = World::<Normal>::registering(peer, &psk(&uri));
    let expected = (FailureReason::WrongKey, AlertSeen::Received(Alert::BAD_RECORD_MAC));
    expect(&mut world, 2_000, expected, |world| world.peers[0].knows.psk[0].1 = KEY.to_vec());
}

/// Most servers do not answer when the key is wrong: the attempts of the last flight tell how soon that is known.
#[test]
fn a_wrong_pre_shared_key_without_a_word_of_the_server() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    // It hears both hellos and then, as it seems to the device, nothing.
    peer.hears = 2;
    let mut world = World::<Normal>::registering(peer, &psk(&uri));
    let expected = (FailureReason::FinishedNotAnswered, AlertSeen::None);
    expect(&mut world, 16_000, expected, |world| world.peers[0].hears = u64::MAX);
}

#[test]
fn an_unknown_identity() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.knows.psk[0].0 = b"somebody else".to_vec();
    let mut world = World::<Normal>::registering(peer, &psk(&uri));
    let expected = (FailureReason::UnknownIdentity, AlertSeen::Received(Alert::UNKNOWN_PSK_IDENTITY));
    expect(&mut world, 200, expected, |world| world.peers[0].knows.psk[0].0 = IDENTITY.to_vec());
}

#[test]
fn an_expired_certificate() {
    let (uri, own, certificates) = (uri(0), Pair::device(), Certificates::new(0));
    // The clock may be as wrong as it likes.
    for too_late in [TOO_LATE, u64::MAX] {
        let mut world = World::<Normal>::new(vec![Peer::new(0)]);
        world.client.set_unix_time(coracle::Instant::ZERO, too_late);
        let settings = settings(&uri, 1, trust(&certificates, &own.private));
        assert_eq!(world.client.add_server(&settings), Ok(FIRST));
        world.client.register(world.time(), FIRST);
        let expected = (FailureReason::CertificateExpired, AlertSeen::Sent(Alert::CERTIFICATE_EXPIRED));
        expect(&mut world, 200, expected, |world| world.client.set_unix_time(world.time(), IN_TIME));
    }
}

#[test]
fn a_certificate_of_another_server() {
    let (uri, own, certificates) = (uri(0), Pair::device(), Certificates::new(0));
    let mut peer = Peer::new(0);
    peer.knows.chain = vec![Certificates::new(1).server];
    let mut world = World::registering(peer, &settings(&uri, 1, trust(&certificates, &own.private)));
    let expected = (FailureReason::NameMismatch, AlertSeen::Sent(Alert::BAD_CERTIFICATE));
    let right = Certificates::new(0).server;
    expect(&mut world, 200, expected, |world| world.peers[0].knows.chain = vec![right]);
}

#[test]
fn a_wrong_key_of_the_server() {
    let (uri, own, server) = (uri(0), Pair::device(), Pair::server());
    let credentials = Credentials::raw_public_key(&own.public, &own.private, &server.public);
    let mut peer = Peer::new(0);
    let use_key = |peer: &mut Peer, pair: &Pair| {
        peer.knows.private = PrivateKey::parse(&pair.private).expect("in range");
        peer.knows.public = PublicKey::parse(&pair.public).expect("a point");
    };
    use_key(&mut peer, &Pair::new(9));
    let mut world = World::registering(peer, &settings(&uri, 1, credentials));
    let expected = (FailureReason::ServerKeyMismatch, AlertSeen::Sent(Alert::HANDSHAKE_FAILURE));
    expect(&mut world, 200, expected, |world| use_key(&mut world.peers[0], &server));
}

/// The server does not know the key of the device.
#[test]
fn an_unknown_key_of_the_device() {
    let (uri, own, server) = (uri(0), Pair::new(9), Pair::server());
    let credentials = Credentials::raw_public_key(&own.public, &own.private, &server.public);
    let mut world = World::registering(Peer::new(0), &settings(&uri, 1, credentials));
    let known = PublicKey::parse(&own.public).expect("a point");
    let expected = (FailureReason::CertificateRefused, AlertSeen::Received(Alert::CERTIFICATE_UNKNOWN));
    expect(&mut world, 200, expected, |world| world.peers[0].knows.raw_clients.push(known));
}

#[test]
fn no_common_suite() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.knows.suites = vec![0x00AE];
    let mut world = World::<Normal>::registering(peer, &psk(&uri));
    let expected = (FailureReason::Refused, AlertSeen::Received(Alert::HANDSHAKE_FAILURE));
    expect(&mut world, 200, expected, |world| world.peers[0].knows.suites.clear());
}

#[test]
fn a_silent_server() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.hears = 0;
    let mut world = World::<Normal>::registering(peer, &psk(&uri));
    let expected = (FailureReason::NoAnswer, AlertSeen::None);
    expect(&mut world, 31_000, expected, |world| world.peers[0].hears = u64::MAX);
}

/// Hours later it is still tried, with waits that grow up to `registration.retry_max_s` and half of it.
#[test]
fn no_failure_is_the_last_attempt() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.knows.psk.clear();
    let mut world = World::<Normal>::registering(peer, &psk(&uri));
    let hour = 3_600_000;
    world.wait(6 * hour);
    let told = world.told(FIRST);
    let failed = |event: &SessionEvent| matches!(event, SessionEvent::HandshakeFailed { .. });
    assert!(told.iter().all(|(_, event)| failed(event)));
    let pauses: Vec<u64> = told.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(pauses[0] < 10_000, "the first pause is {} ms", pauses[0]);
    assert!(*pauses.iter().max().expect("several") < 91_000, "{pauses:?}");
    assert!(told.len() > 200, "{} attempts in six hours", told.len());
    world.peers[0] = Peer::new(0);
    world.expect_registered(FIRST, 91_000);
}
