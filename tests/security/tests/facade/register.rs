//! Registrations over every kind of credential.

use crate::keys::{Certificates, IDENTITY, IN_TIME, KEY, Pair, settings, trust, uri};
use crate::peer::Peer;
use crate::profiles::{Hardware, Normal};
use crate::world::{FIRST, World};
use coap_lite::RequestType;
use coracle::crypto::{CipherSuite, Connected};
use coracle::{AddServerError, Credentials, RegistrationState, SecurityMode, SessionEvent};
use coracle_crypto::{ConnectError, CredentialError};

/// Registers, answers a request, and de-registers; what the handshake agreed on.
fn live(mut world: World<Normal>) -> Connected {
    let told = world.told(FIRST);
    let [(_, SessionEvent::Secured(agreed))] = told[..] else { panic!("{told:?}") };
    assert_eq!(world.text(FIRST, "/33001/0/0"), "7");
    world.client.deregister(world.time(), FIRST);
    world.wait(1_000);
    assert_eq!(world.state(FIRST), RegistrationState::Idle);
    assert_eq!(world.peers[0].requests.last().expect("a request").method, RequestType::Delete);
    // The session is closed with a close_notify, and the server forgets it.
    assert!(!world.peers[0].has_session());
    let methods: Vec<_> = world.peers[0].requests.iter().map(|request| request.method).collect();
    assert_eq!(methods, [RequestType::Post, RequestType::Delete]);
    agreed
}

#[test]
fn with_a_pre_shared_key() {
    let uri = uri(0);
    let world = World::registered(Peer::new(0), &settings(&uri, 1, Credentials::psk(IDENTITY, KEY)));
    // Three datagrams: hello, hello with cookie, key exchange with Finished. And Register.
    assert_eq!(world.sent.len(), 4);
    let agreed = live(world);
    assert_eq!(agreed.suite, CipherSuite::PskAes128Ccm8);
    assert!(agreed.connection_id && !agreed.resumed && !agreed.time_checked);
}

#[test]
fn with_a_pre_shared_key_and_forward_secrecy() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.knows.suites = vec![CipherSuite::EcdhePskAes128Ccm8.number()];
    let world = World::registered(peer, &settings(&uri, 1, Credentials::psk(IDENTITY, KEY)));
    assert_eq!(live(world).suite, CipherSuite::EcdhePskAes128Ccm8);
}

#[test]
fn with_raw_public_keys() {
    let (uri, own, server) = (uri(0), Pair::device(), Pair::server());
    let credentials = Credentials::raw_public_key(&own.public, &own.private, &server.public);
    let world = World::registered(Peer::new(0), &settings(&uri, 1, credentials));
    assert_eq!(live(world).suite, CipherSuite::EcdheEcdsaAes128Ccm8);
}

#[test]
fn with_certificates_of_an_authority() {
    let (uri, own, certificates) = (uri(0), Pair::device(), Certificates::new(0));
    for checked in [false, true] {
        let mut world = World::<Normal>::new(vec![Peer::new(0)]);
        if checked {
            world.client.set_unix_time(world.time(), IN_TIME);
        }
        let settings = settings(&uri, 1, trust(&certificates, &own.private));
        assert_eq!(world.client.add_server(&settings), Ok(FIRST));
        world.client.register(world.time(), FIRST);
        world.expect_registered(FIRST, 2_000);
        assert_eq!(live(world).time_checked, checked);
    }
}

/// Certificate usage 3, which is the one when nothing is said: this very certificate.
#[test]
fn with_the_very_certificate_of_the_server() {
    let (uri, own, certificates) = (uri(0), Pair::device(), Certificates::new(0));
    let credentials = Credentials::certificate(&certificates.device, &own.private, &certificates.server);
    live(World::registered(Peer::new(0), &settings(&uri, 1, credentials)));
}

/// Faults of the configuration are told before anything is sent, in words.
#[test]
fn unusable_credentials_are_told_at_once() {
    let (own, other, server) = (Pair::device(), Pair::new(9), Pair::server());
    let certificates = Certificates::new(0);
    let mut world = World::<Normal>::new(vec![Peer::new(0)]);
    let uri = uri(0);
    let mut refused = |credentials: Credentials<'_>| {
        let error = world.client.add_server(&settings(&uri, 1, credentials));
        let Err(AddServerError::Security(error)) = error else { panic!("{error:?}") };
        assert!(error.text().len() > 20);
        error
    };
    let credential = |error| ConnectError::Credential(error);
    assert_eq!(refused(Credentials::psk(b"id", b"")), credential(CredentialError::EmptyKey));
    let rpk = Credentials::raw_public_key;
    let not_a_pair = credential(CredentialError::KeysDoNotMatch);
    assert_eq!(refused(rpk(&other.public, &own.private, &server.public)), not_a_pair);
    let x509 = Credentials::certificate(&certificates.device, &other.private, &certificates.server);
    assert_eq!(refused(x509), not_a_pair);
    let range = credential(CredentialError::PrivateKeyRange);
    assert_eq!(refused(rpk(&own.public, &[0; 32], &server.public)), range);
    assert_eq!(refused(rpk(&own.public, &[0xFF; 32], &server.public)), range);
    let format = credential(CredentialError::PrivateKeyFormat);
    assert_eq!(refused(rpk(&own.public, &[7; 31], &server.public)), format);
    let nothing = Credentials::certificate(&certificates.device, &own.private, &[]);
    assert_eq!(refused(nothing), credential(CredentialError::NoServerCertificate));
    assert_eq!(
        world.client.add_server(&settings("coap://server0.example", 1, Credentials::psk(IDENTITY, KEY))),
        Err(AddServerError::SchemeAndMode)
    );
    // None of it took a place.
    let fine = Credentials::psk(IDENTITY, KEY);
    assert_eq!(world.client.add_server(&settings(&uri, 1, fine)), Ok(FIRST));
}

/// Enrolment over secure transport is no mode at all: there is no way to name it.
#[test]
fn modes_without_a_way_are_refused() {
    let mut world = World::<Normal>::new(vec![Peer::new(0)]);
    let psk = Credentials::psk(IDENTITY, KEY);
    let mut refused = |uri, credentials| world.client.add_server(&settings(uri, 1, credentials)).err();
    assert_eq!(refused("coap://server0.example", psk), Some(AddServerError::SchemeAndMode));
    assert_eq!(refused("coaps://server0.example", Credentials::NONE), Some(AddServerError::SchemeAndMode));
    assert_eq!(SecurityMode::from_number(4), None);
    // A build without certificates.
    let mut world = World::<Hardware>::new(vec![Peer::new(0)]);
    let certificate = Credentials::certificate(b"own", b"private", b"theirs");
    let refused = world.client.add_server(&settings("coaps://server0.example", 1, certificate)).err();
    assert_eq!(refused, Some(AddServerError::Security(ConnectError::NotLinked)));
}
