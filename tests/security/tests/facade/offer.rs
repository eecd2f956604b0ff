//! What a server's account says about the offer: the name that is indicated (object 0 resource 14), and the suites
//! (resource 16). And which hello has it.

use crate::keys::{Certificates, IDENTITY, KEY, Pair, host, settings, trust, uri};
use crate::peer::Peer;
use crate::profiles::{Normal, Short};
use crate::world::{FIRST, Things, World};
use coracle::crypto::{Alert, AlertSeen, CipherSuite, ConnectError, FailureReason};
use coracle::engine::account::AddServerError as AccountError;
use coracle::{AddServerError, Client, Credentials, RegistrationState, RestoreError, SessionEvent};
use coracle_crypto::RestoreError as SessionError;

const CCM8: [u8; 2] = [0xC0, 0xA8];
const ECDHE_CCM8: [u8; 2] = [0xD0, 0x03];

/// What a hello says.
#[derive(Debug, PartialEq, Eq)]
struct Hello {
    suites: Vec<u16>,
    name: Option<String>,
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Cuts off a part whose length is in front of it, in so many bytes.
fn part<'b>(bytes: &mut &'b [u8], length: usize) -> &'b [u8] {
    let (length, rest) = bytes.split_at(length);
    let (part, rest) = rest.split_at(number(length));
    *bytes = rest;
    part
}

/// A hello of a device, by RFC 6347 section 4.2.1.
fn hello(datagram: &[u8]) -> Hello {
    // Record and handshake header, version, random.
    let mut rest = &datagram[13 + 12 + 2 + 32..];
    let [_session, _cookie] = [part(&mut rest, 1), part(&mut rest, 1)];
    let suites = part(&mut rest, 2).chunks(2).map(|pair| number(pair) as u16).collect();
    let _compression = part(&mut rest, 1);
    let (mut extensions, mut name) = (part(&mut rest, 2), None);
    assert!(rest.is_empty());
    while let Some((kind, behind)) = extensions.split_at_checked(2) {
        extensions = behind;
        let mut body = part(&mut extensions, 2);
        if kind == [0, 0] {
            let mut list = part(&mut body, 2);
            assert_eq!(list[0], 0, "a host name");
            list = &list[1..];
            name = String::from_utf8(part(&mut list, 2).to_vec()).ok();
        }
    }
    Hello { suites, name }
}

fn first_hello(world: &World<Normal>) -> Hello {
    hello(&world.sent.first().expect("a hello").2)
}

#[test]
fn the_host_of_the_uri_is_indicated_unless_there_is_a_name() {
    let uri = uri(0);
    let of = |credentials| {
        let world = World::<Normal>::registered(Peer::new(0), &settings(&uri, 1, credentials));
        first_hello(&world).name
    };
    let psk = Credentials::psk(IDENTITY, KEY);
    assert_eq!(of(psk), Some(host(0)));
    assert_eq!(of(Credentials { server_name: Some(""), ..psk }), Some(host(0)));
    assert_eq!(of(Credentials { server_name: Some("tenant.example"), ..psk }), Some("tenant.example".into()));
    // RFC 6066 section 3: no addresses.
    for address in ["192.0.2.7", "2001:db8::1", "[2001:db8::1]"] {
        assert_eq!(of(Credentials { server_name: Some(address), ..psk }), None);
    }
}

/// The first hello has no extensions then, and the second has all.
#[test]
fn a_short_first_hello_is_a_choice() {
    let uri = uri(0);
    let credentials = Credentials::psk(IDENTITY, KEY);
    let whole = World::<Normal>::registered(Peer::new(0), &settings(&uri, 1, credentials));
    let short = World::<Short>::registered(Peer::new(0), &settings(&uri, 1, credentials));
    let hellos = |sent: &[(u64, usize, Vec<u8>)]| [0, 1].map(|at: usize| hello(&sent[at].2));
    let [first, second] = hellos(&whole.sent);
    assert_eq!((&first.name, &first), (&Some(host(0)), &second));
    let [first, second] = hellos(&short.sent);
    assert_eq!((&first.name, &second.name), (&None, &Some(host(0))));
    assert_eq!(first.suites, second.suites);
    // Two hellos, the last flight, and Register.
    assert_eq!(short.sent.len(), 4);
}

/// The URI is only the address of the server then.
#[test]
fn the_certificate_is_compared_with_the_name() {
    let (uri, own, certificates, name) =
        ("coaps://gateway.example", Pair::device(), Certificates::new(0), host(0));
    let credentials = Credentials { server_name: Some(&name), ..trust(&certificates, &own.private) };
    let world = World::<Normal>::registered(Peer::new(0), &settings(uri, 1, credentials));
    assert_eq!(first_hello(&world).name, Some(name));
}

#[test]
fn a_certificate_with_another_name_fails_though_it_is_that_of_the_host() {
    let (uri, own, certificates, name) = (uri(0), Pair::device(), Certificates::new(0), host(1));
    let credentials = Credentials { server_name: Some(&name), ..trust(&certificates, &own.private) };
    let mut world = World::<Normal>::registering(Peer::new(0), &settings(&uri, 1, credentials));
    expect_failure(&mut world, FailureReason::NameMismatch, AlertSeen::Sent(Alert::BAD_CERTIFICATE));
}

#[track_caller]
fn expect_failure(world: &mut World<Normal>, expected: FailureReason, seen: AlertSeen) {
    assert!(world.run(500, |world| world.state(FIRST) == RegistrationState::Waiting), "{:?}", world.events);
    let told = world.told(FIRST);
    let [(_, SessionEvent::HandshakeFailed { reason, alert })] = told[..] else { panic!("{told:?}") };
    assert_eq!((reason, alert), (expected, seen));
}

#[test]
fn suites_are_offered_in_the_order_of_the_account() {
    let uri = uri(0);
    // The last is that of RFC 5746; this one has no key exchange.
    for (suites, offered) in [
        (&[][..], &[0xC0A8, 0xD003, 0x00FF][..]),
        (&[ECDHE_CCM8, CCM8], &[0xD003, 0xC0A8, 0x00FF]),
        (&[CCM8, ECDHE_CCM8], &[0xC0A8, 0xD003, 0x00FF]),
        (&[ECDHE_CCM8], &[0xD003, 0x00FF]),
        // One for certificates does not fit a pre-shared key.
        (&[[0xC0, 0xAE], CCM8], &[0xC0A8, 0x00FF]),
    ] {
        let credentials = Credentials { suites, ..Credentials::psk(IDENTITY, KEY) };
        let world = World::<Normal>::registered(Peer::new(0), &settings(&uri, 1, credentials));
        assert_eq!(first_hello(&world).suites, offered);
        let told = world.told(FIRST);
        let [(_, SessionEvent::Secured(agreed))] = told[..] else { panic!("{told:?}") };
        assert!(offered.contains(&agreed.suite.number()));
    }
}

/// Though the build has a suite that the server knows, too.
#[test]
fn a_server_with_other_suites_only_refuses() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.knows.suites = vec![CipherSuite::PskAes128Ccm8.number()];
    let credentials = Credentials { suites: &[ECDHE_CCM8], ..Credentials::psk(IDENTITY, KEY) };
    let mut world = World::<Normal>::registering(peer, &settings(&uri, 1, credentials));
    expect_failure(&mut world, FailureReason::Refused, AlertSeen::Received(Alert::HANDSHAKE_FAILURE));
    world.peers[0].knows.suites.clear();
    world.expect_registered(FIRST, 30_000);
}

#[test]
fn faults_are_told_at_once() {
    let uri = uri(0);
    let mut world = World::<Normal>::new(vec![Peer::new(0)]);
    let psk = Credentials::psk(IDENTITY, KEY);
    let mut refused = |credentials| world.client.add_server(&settings(&uri, 1, credentials)).unwrap_err();
    let long = "a-name-of-26-bytes.example";
    let longer = refused(Credentials { server_name: Some(long), ..psk });
    assert_eq!(longer, AddServerError::Account(AccountError::ServerNameTooLong));
    let more = refused(Credentials { suites: &[CCM8; 4], ..psk });
    assert_eq!(more, AddServerError::Account(AccountError::TooManySuites));
    for suites in [&[CCM8, [0x00, 0xAE]][..], &[[0, 0]]] {
        let unknown = refused(Credentials { suites, ..psk });
        assert_eq!(unknown, AddServerError::Security(ConnectError::SuiteNotLinked));
    }
    let none = refused(Credentials { suites: &[[0xC0, 0xAE]], ..psk });
    assert_eq!(none, AddServerError::Security(ConnectError::NoSuite));
    // None of it took a place.
    assert_eq!(world.client.add_server(&settings(&uri, 1, psk)), Ok(FIRST));
}

/// A build without room for them does not ignore them.
#[test]
fn without_room_a_name_or_suite_is_a_fault() {
    let uri = uri(0);
    let mut world = World::<Short>::new(vec![Peer::new(0)]);
    let psk = Credentials::psk(IDENTITY, KEY);
    for (credentials, error) in [
        (Credentials { server_name: Some("a"), ..psk }, AccountError::ServerNameTooLong),
        (Credentials { suites: &[CCM8], ..psk }, AccountError::TooManySuites),
    ] {
        let result = world.client.add_server(&settings(&uri, 1, credentials));
        assert_eq!(result, Err(AddServerError::Account(error)));
        assert!(error.as_str().contains("config.toml"));
    }
}

/// A saved session goes on only with the server that it was made with, and by what the account allows.
#[test]
fn saved_sessions_belong_to_the_name_and_the_suites() {
    let uri = uri(0);
    let psk = Credentials::psk(IDENTITY, KEY);
    let named = Credentials { server_name: Some("tenant.example"), suites: &[CCM8], ..psk };
    let mut world = World::<Normal>::registered(Peer::new(0), &settings(&uri, 1, named));
    let mut out = [0; Client::<'static, Normal, Things>::SAVED_LEN];
    let length = world.client.save(world.time(), FIRST, 0, &mut out).expect("registered");
    let mut wake = |credentials: Credentials<'_>| {
        world.lose_power();
        assert_eq!(world.client.add_server(&settings(&uri, 1, credentials)), Ok(FIRST));
        world.client.restore(world.time(), FIRST, &out[..length])
    };
    for (other, error) in [
        (Credentials { server_name: None, ..named }, SessionError::OtherServer),
        (Credentials { server_name: Some("other.example"), ..named }, SessionError::OtherServer),
        (Credentials { suites: &[ECDHE_CCM8], ..named }, SessionError::DoesNotFit),
    ] {
        assert_eq!(wake(other), Err(RestoreError::Session(error)));
    }
    assert_eq!(wake(named), Ok(()));
    assert_eq!(wake(Credentials { suites: &[ECDHE_CCM8, CCM8], ..named }), Ok(()));
}
