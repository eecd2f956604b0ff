//! Peers that are built when a test needs them: Mbed TLS (from the sources in a crate, with the system's C compiler)
//! and pion (from the Go module proxy). Both know the connection IDs of RFC 9146.

use crate::driver::{Client, PATIENT, SOON};
use coracle_crypto::profiles::{Everything, PskCid, ShortFirstHello};
use coracle_crypto::{
    Alert, AlertSeen, Backoff, CONTEXT_LEN, CipherSuite, CloseReason, Connection, Credentials, Event,
    FailureReason, Options, Profile, Psk, Requirement, Security,
};
use coracle_peer_programs::built::{self, IDENTITY, KEY, mbedtls};
use coracle_peer_programs::{Peer, Proxy, Weather};
use std::time::Duration;

fn pion(suite: CipherSuite, cid_length: u8) -> Option<Peer> {
    built::pion(suite.number(), cid_length)
}

/// Without extensions in the first hello.
type Short = ShortFirstHello<PskCid>;

fn security(suites: &[u16]) -> Security<'_> {
    let psk = Psk::new(IDENTITY.as_bytes(), &KEY).expect("fine");
    Security { suites, ..Security::new(b"peer", Credentials::Psk(psk)) }
}

fn echo<P: Profile>(client: &mut Client<P>, security: &Security<'_>, peer: &Peer) {
    for text in [&b"over and back"[..], b"and once more"] {
        client.send(text);
        let answer = client.receive(security, SOON);
        assert_eq!(answer.as_deref(), Some(text), "{}", peer.output());
    }
}

/// Handshake and data, then the same after the source port has changed. Answers the client.
fn moves<P: Profile>(peer: &Peer, suite: CipherSuite) -> Client<P> {
    let suites = [suite.number()];
    let security = security(&suites);
    let proxy = Proxy::start(peer.port, Weather::FAIR, 0);
    let mut client = Client::<P>::new(proxy.port);
    let connected = client.handshake(&security, &Options::DEFAULT);
    let connected = connected.unwrap_or_else(|event| panic!("{event:?}\n{}", peer.output()));
    assert_eq!((connected.suite, connected.connection_id), (suite, true));
    echo(&mut client, &security, peer);
    proxy.change_source_port();
    echo(&mut client, &security, peer);
    client
}

#[test]
fn mbedtls_with_its_connection_id_only() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "c0ffee010203") else { return };
    let client = moves::<PskCid>(&peer, CipherSuite::PskAes128Ccm8);
    assert_eq!(client.connection.own_connection_id_len(), 0);
    assert!(peer.wait_for("cid on \n"), "ours is empty: {}", peer.output());
}

/// With a cookie, and without one: then the server answers the short hello, and our alert ends that.
#[test]
fn mbedtls_takes_a_short_hello() {
    let (suite, cid) = ("TLS-PSK-WITH-AES-128-CCM-8", "c0ffee010203");
    for (peer, failed) in [(mbedtls(suite, cid), 0), (built::mbedtls_without_cookies(suite, cid), 1)] {
        let Some(peer) = peer else { return };
        moves::<Short>(&peer, CipherSuite::PskAes128Ccm8);
        assert_eq!(peer.output().matches("FAILED").count(), failed, "{}", peer.output());
    }
}

/// It refuses ECDHE without groups before it looks for a cookie.
#[test]
fn mbedtls_refuses_a_short_hello_with_a_curve() {
    let (suite, cid) = ("TLS-ECDHE-PSK-WITH-AES-128-CBC-SHA256", "c0ffee010203");
    for peer in [mbedtls(suite, cid), built::mbedtls_without_cookies(suite, cid)] {
        let Some(peer) = peer else { return };
        moves::<ShortFirstHello<Everything>>(&peer, CipherSuite::EcdhePskAes128CbcSha256);
        assert_eq!(peer.output().matches("FAILED").count(), 1, "{}", peer.output());
    }
}

#[test]
fn mbedtls_with_connection_ids_both_ways_and_every_cipher() {
    for (suite, name) in [
        (CipherSuite::PskAes128Ccm8, "TLS-PSK-WITH-AES-128-CCM-8"),
        (CipherSuite::PskAes128Ccm, "TLS-PSK-WITH-AES-128-CCM"),
        (CipherSuite::PskAes128CbcSha256, "TLS-PSK-WITH-AES-128-CBC-SHA256"),
        (CipherSuite::PskChaCha20Poly1305, "TLS-PSK-WITH-CHACHA20-POLY1305-SHA256"),
        (CipherSuite::EcdhePskAes128CbcSha256, "TLS-ECDHE-PSK-WITH-AES-128-CBC-SHA256"),
    ] {
        let Some(peer) = mbedtls(name, "c0ffee010203") else { return };
        let client = moves::<Everything>(&peer, suite);
        assert_eq!(client.connection.own_connection_id_len(), 4, "{name}");
    }
}

#[test]
fn mbedtls_with_our_connection_id_only() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "-") else { return };
    let suites = [CipherSuite::PskAes128Ccm8.number()];
    let security = security(&suites);
    let mut client = Client::<Everything>::new(peer.port);
    let connected = client.handshake(&security, &Options::DEFAULT).expect("a handshake");
    assert!(!connected.connection_id);
    assert_eq!(client.connection.own_connection_id_len(), 4);
    echo(&mut client, &security, &peer);
}

#[test]
fn mbedtls_without_connection_ids() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "none") else { return };
    let suites = [CipherSuite::PskAes128Ccm8.number()];
    let security = security(&suites);
    let mut client = Client::<Everything>::new(peer.port);
    let connected = client.handshake(&security, &Options::DEFAULT).expect("a handshake");
    assert!(!connected.connection_id);
    assert_eq!(client.connection.own_connection_id_len(), 0);
    echo(&mut client, &security, &peer);
}

/// A device that lost its RAM and its address goes on with one datagram.
#[test]
fn mbedtls_sees_a_restored_session_from_another_address() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "c0ffee010203") else { return };
    let suites = [CipherSuite::PskAes128Ccm8.number()];
    let security = security(&suites);
    let mut client = moves::<PskCid>(&peer, CipherSuite::PskAes128Ccm8);
    let mut stored = [0; CONTEXT_LEN];
    client.connection.export(0, &mut stored).expect("connected");
    let mut awake = Client::<PskCid>::new(peer.port);
    awake.connection = Connection::new();
    awake.connection.restore(&security, &Options::DEFAULT, &stored).expect("intact");
    awake.connection.export(8, &mut stored).expect("connected");
    echo(&mut awake, &security, &peer);
    // One handshake in all.
    assert!(peer.wait_for("CONNECTED"));
    assert_eq!(peer.output().matches("CONNECTED").count(), 1);
}

#[test]
fn mbedtls_tells_an_unknown_identity() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "none") else { return };
    let stranger = Credentials::Psk(Psk::new(b"stranger", &KEY).expect("fine"));
    let started = std::time::Instant::now();
    let mut client = Client::<PskCid>::new(peer.port);
    let event = client.handshake(&Security::new(b"peer", stranger), &Options::DEFAULT);
    let Err(Event::Failed { reason: FailureReason::UnknownIdentity, alert: AlertSeen::Received(_) }) = event
    else {
        panic!("{event:?}\n{}", peer.output());
    };
    assert!(started.elapsed() < Duration::from_secs(14), "it took {:?}", started.elapsed());
    // The same connection and server, with the right identity, at once.
    client.handshake(&security(&[]), &Options::DEFAULT).expect("a handshake");
}

#[test]
fn mbedtls_tells_a_wrong_key() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "none") else { return };
    let wrong = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), b"not the key").expect("fine"));
    let mut client = Client::<PskCid>::new(peer.port);
    let backoff = Backoff { initial_ms: 200, ..Backoff::DEFAULT };
    let event = client.handshake(&Security::new(b"peer", wrong), &Options { backoff, ..Options::DEFAULT });
    let Err(Event::Failed { reason, .. }) = event else { panic!("{event:?}") };
    assert!(
        matches!(reason, FailureReason::WrongKey | FailureReason::FinishedNotAnswered),
        "{event:?}\n{}",
        peer.output()
    );
}

/// The server closes: the client is told, and can connect anew.
#[test]
fn mbedtls_says_goodbye() {
    let Some(peer) = mbedtls("TLS-PSK-WITH-AES-128-CCM-8", "c0ffee010203") else { return };
    let security = security(&[]);
    let mut client = Client::<PskCid>::new(peer.port);
    client.handshake(&security, &Options::DEFAULT).expect("a handshake");
    client.send(b"goodbye");
    assert_eq!(client.receive(&security, SOON).as_deref(), Some(&b"goodbye"[..]));
    let event = client.event(&security, SOON);
    let alert = AlertSeen::Received(Alert::CLOSE_NOTIFY);
    assert_eq!(event, Some(Event::Closed { reason: CloseReason::ByPeer, alert }), "{}", peer.output());
    client.handshake(&security, &Options::DEFAULT).expect("a handshake");
    echo(&mut client, &security, &peer);
}

#[test]
fn pion_with_connection_id() {
    let Some(peer) = pion(CipherSuite::PskAes128Ccm8, 8) else { return };
    moves::<PskCid>(&peer, CipherSuite::PskAes128Ccm8);
    moves::<Short>(&peer, CipherSuite::PskAes128Ccm8);
    assert!(!peer.output().contains("FAILED"), "{}", peer.output());
}

/// It needs the extended master secret, which a short hello lacks: an alert, and a whole hello.
#[test]
fn pion_without_cookies_refuses_a_short_hello() {
    let Some(peer) = built::pion_without_cookies(CipherSuite::PskAes128Ccm8.number(), 8) else { return };
    moves::<Short>(&peer, CipherSuite::PskAes128Ccm8);
    assert_eq!(peer.output().matches("FAILED").count(), 1, "{}", peer.output());
}

#[test]
fn pion_with_chacha20() {
    let Some(peer) = pion(CipherSuite::PskChaCha20Poly1305, 0) else { return };
    let suites = [CipherSuite::PskChaCha20Poly1305.number()];
    let security = security(&suites);
    let mut client = Client::<Everything>::new(peer.port);
    let connected = client.handshake(&security, &Options::DEFAULT);
    connected.unwrap_or_else(|event| panic!("{event:?}\n{}", peer.output()));
    echo(&mut client, &security, &peer);
}

#[test]
fn pion_in_bad_weather() {
    std::thread::scope(|scope| {
        for seed in 1..=4 {
            scope.spawn(move || {
                let Some(peer) = pion(CipherSuite::PskAes128Ccm8, 8) else { return };
                let proxy = Proxy::start(peer.port, Weather::BAD, seed);
                let mut client = Client::<PskCid>::new(proxy.port);
                let security = security(&[]);
                let options = Options { backoff: PATIENT, ..Options::DEFAULT };
                let connected = client.handshake(&security, &options);
                assert!(connected.is_ok(), "seed {seed}: {connected:?}\n{}", peer.output());
                assert_eq!(security.extended_master_secret, Requirement::Required);
                let answered = client.insist(&security, b"over and back", |answer| answer.is_some());
                assert!(answered, "seed {seed}: {}", peer.output());
            });
        }
    });
}
