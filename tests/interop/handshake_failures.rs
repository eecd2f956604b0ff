//! Handshakes that must fail: each is told apart as far as the server lets it, is told soon, and ends nothing: when the
//! fault is mended on the server's side, the device is registered without anybody's help.

use std::time::{Duration, Instant};

use coracle::crypto::{Alert, AlertSeen, FailureReason};
use coracle::{Event, Failure, RegistrationState, ServerIndex, SessionEvent};
use coracle_leshan_peer::{Format, Leshan, Options, Value};
use coracle_peer_programs::built::{self, mbedtls};
use coracle_peer_programs::{Certificates, Peer};
use coracle_test_device::profiles::Secure;
use coracle_test_device::{Device, Keys, Server as Account};

use crate::server::{Endpoint, Server};
use crate::transport::{Transport, pre_shared_key};

const SERVER: ServerIndex = ServerIndex(0);
/// From power-on to the event. The profile gives up a last flight after 3.5 s.
const SOON: Duration = Duration::from_mins(1);

/// The next failure of a handshake, and that the device goes on after it.
fn failure(device: &Device) -> (FailureReason, AlertSeen) {
    let found = device.next("failed handshake", |event| match event {
        Event::Transport { server: SERVER, event: SessionEvent::HandshakeFailed { reason, alert } } => {
            Some((*reason, *alert))
        }
        _ => None,
    });
    device.next_is("consequence", |event| {
        *event == Event::RegistrationFailed { server: SERVER, failure: Failure::NotSecured }
    });
    let waiting = Event::Registration { server: SERVER, state: RegistrationState::Waiting };
    device.next_is("wait", |event| *event == waiting);
    found
}

/// Starts the device; the first failure comes soon, and the second is like it.
fn fails_twice(account: &Account, name: &str) -> (Device, FailureReason, AlertSeen) {
    let started = Instant::now();
    let device = Device::start::<Secure>(name, std::slice::from_ref(account));
    let (reason, alert) = failure(&device);
    assert!(started.elapsed() < SOON, "{reason:?} took {:?}", started.elapsed());
    assert_eq!(failure(&device), (reason, alert), "the second time");
    assert_eq!(device.alert(SERVER), alert.alert().map(|alert| alert.0), "object 1 resource 11");
    (device, reason, alert)
}

/// The server was mended: the device comes by itself.
fn comes_back(device: &Device, server: &Endpoint) {
    assert!(server.registered().secure);
    device.wait_state(RegistrationState::Registered);
}

/// Scandium does not say which identities exist: it drops what it can't decrypt, without a word.
#[test]
fn leshan_with_another_pre_shared_key() {
    let Some(server) = Server::shared() else { return };
    let mut server = server.endpoint(Transport::Psk, "wrong-key");
    server.account = server.account.clone().keys(Keys::psk(&server.name, b"another key"));
    let (device, reason, alert) = fails_twice(&server.account, &server.name);
    assert_eq!((reason, alert), (FailureReason::FinishedNotAnswered, AlertSeen::None));
    server.server.with(|leshan| {
        leshan.forget_credentials(&server.name).unwrap();
        leshan.add_psk(&server.name, &server.name, b"another key").unwrap();
    });
    comes_back(&device, &server);
}

#[test]
fn leshan_with_an_unknown_identity() {
    let Some(server) = Server::shared() else { return };
    let mut server = server.endpoint(Transport::Psk, "unknown");
    let key = pre_shared_key("later");
    server.account = server.account.clone().keys(Keys::psk("later", &key));
    let (device, reason, alert) = fails_twice(&server.account, &server.name);
    assert_eq!((reason, alert), (FailureReason::FinishedNotAnswered, AlertSeen::None));
    server.server.with(|leshan| {
        leshan.forget_credentials(&server.name).unwrap();
        leshan.add_psk(&server.name, "later", &key).unwrap();
    });
    comes_back(&device, &server);
}

/// Mbed TLS tells.
#[test]
fn mbedtls_with_another_pre_shared_key() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "c0ffee010203") else { return };
    let (_, reason, alert) = fails_twice(&account(&peer, built::IDENTITY, b"another key"), "wrong-key");
    assert_eq!((reason, alert), (FailureReason::WrongKey, AlertSeen::Received(Alert::BAD_RECORD_MAC)));
}

#[test]
fn mbedtls_with_an_unknown_identity() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "c0ffee010203") else { return };
    let (_, reason, alert) = fails_twice(&account(&peer, "stranger", &built::KEY), "unknown");
    let received = AlertSeen::Received(Alert::UNKNOWN_PSK_IDENTITY);
    assert_eq!((reason, alert), (FailureReason::UnknownIdentity, received));
}

fn account(peer: &Peer, identity: &str, key: &[u8]) -> Account {
    Account::new(format!("coaps://127.0.0.1:{}", peer.port)).keys(Keys::psk(identity, key))
}

/// A server that knows the device by its certificate, and has this one itself.
fn certificate_server(own: &str) -> Option<Server> {
    let certificates = Certificates::get()?;
    let path = |suffix: &str| certificates.path(&format!("{own}.{suffix}"));
    Server::start(Options::default().certificate(
        &path("key.der"),
        &path("pem"),
        &certificates.path("ca.pem"),
    ))
}

#[test]
fn leshan_with_a_certificate_that_has_expired() {
    let Some(certificates) = Certificates::get() else { return };
    certificates.issue_server("expired-server", -1);
    let Some(server) = certificate_server("expired-server") else { return };
    let server = server.endpoint(Transport::Certificate, "late");
    let (_device, reason, alert) = fails_twice(&server.account, &server.name);
    let sent = AlertSeen::Sent(Alert::CERTIFICATE_EXPIRED);
    assert_eq!((reason, alert), (FailureReason::CertificateExpired, sent));
    assert_eq!(server.refused_handshake().alert.as_deref(), Some("CERTIFICATE_EXPIRED"), "it was told");
}

#[test]
fn leshan_sees_that_the_certificate_of_the_device_has_expired() {
    let Some(server) = Server::with_connection_ids(Transport::Certificate) else { return };
    let mut server = server.endpoint(Transport::Certificate, "expired");
    let certificates = Certificates::get().expect("it was there");
    let own = certificates.issue(&server.name, -1);
    server.account =
        server.account.clone().keys(Keys::certified_by(&own.certificate, &own.key, &certificates.ca));
    let (_device, reason, alert) = fails_twice(&server.account, &server.name);
    let received = AlertSeen::Received(Alert::CERTIFICATE_EXPIRED);
    assert_eq!((reason, alert), (FailureReason::CertificateExpired, received));
}

#[test]
fn leshan_with_a_certificate_of_another_authority_or_another_one_than_pinned() {
    let Some(server) = Server::with_connection_ids(Transport::Certificate) else { return };
    let certificates = Certificates::get().expect("it was there");
    let other = &certificates.client;
    for (test, authority, reason, alert) in [
        ("authority", true, FailureReason::UnknownCa, Alert::UNKNOWN_CA),
        ("pinned", false, FailureReason::ServerKeyMismatch, Alert::BAD_CERTIFICATE),
    ] {
        let server = server.endpoint(Transport::Certificate, test);
        let own = certificates.issue(&server.name, 2);
        let keys = if authority { Keys::certified_by } else { Keys::pinned };
        let keys = keys(&own.certificate, &own.key, &other.certificate);
        let (_device, found, seen) = fails_twice(&server.account.clone().keys(keys), &server.name);
        assert_eq!((found, seen), (reason, AlertSeen::Sent(alert)));
    }
}

#[test]
fn leshan_with_another_raw_public_key() {
    let Some(server) = Server::with_connection_ids(Transport::RawPublicKey) else { return };
    let server = server.endpoint(Transport::RawPublicKey, "wrong-server");
    let certificates = Certificates::get().expect("it was there");
    let own = certificates.issue(&server.name, 2);
    let keys = Keys::raw_public_key(&own.public, &own.key, &certificates.client.public);
    let (_device, reason, alert) = fails_twice(&server.account.clone().keys(keys), &server.name);
    let sent = AlertSeen::Sent(Alert::HANDSHAKE_FAILURE);
    assert_eq!((reason, alert), (FailureReason::ServerKeyMismatch, sent));
}

/// Leshan takes any key in the handshake and looks at it when the device registers.
#[test]
fn leshan_does_not_know_the_raw_public_key_until_it_does() {
    let Some(server) = Server::with_connection_ids(Transport::RawPublicKey) else { return };
    let mut server = server.endpoint(Transport::RawPublicKey, "stranger");
    let certificates = Certificates::get().expect("it was there");
    let own = certificates.issue("stranger-other", 2);
    let keys = Keys::raw_public_key(&own.public, &own.key, &certificates.server.public);
    server.account = server.account.clone().keys(keys);
    let device = server.start::<Secure>();
    let failure = Failure::Refused(coracle::engine::coap::Code::FORBIDDEN);
    for _ in 0..2 {
        let refused = Event::RegistrationFailed { server: SERVER, failure };
        device.next_is("refusal", |event| *event == refused);
    }
    server.server.with(|leshan| {
        leshan.forget_credentials(&server.name).unwrap();
        leshan.add_raw_public_key(&server.name, &own.public).unwrap();
    });
    comes_back(&device, &server);
}

/// What one server's handshakes do is no matter of the other; and it can read what the alert was.
#[test]
fn the_other_server_is_served_and_told() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "c0ffee010203") else { return };
    let Some(server) = Server::shared() else { return };
    let server = server.endpoint(Transport::Psk, "beside");
    let failing = account(&peer, "stranger", &built::KEY);
    let good = server.account.clone().short_server_id(2);
    let device = Device::start::<Secure>(&server.name, &[failing, good]);
    server.registered();
    assert_eq!(failure(&device).0, FailureReason::UnknownIdentity);
    let clients = server.server.with(Leshan::clients).unwrap();
    assert!(clients.iter().any(|client| client.endpoint == server.name));
    failure(&device);
    assert_eq!(device.state(ServerIndex(1)), RegistrationState::Registered);
    let alert = server.read("/1/0/11", Some(Format::Text));
    assert_eq!(alert.value("/1/0/11"), Some(&Value::Unsigned(Alert::UNKNOWN_PSK_IDENTITY.0.into())));
}
