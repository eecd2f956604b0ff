//! OpenSSL's `s_server`.

use crate::client_key;
use crate::driver::{Client, PATIENT, SOON};
use coracle_crypto::profiles::{Everything, PskCid, ShortFirstHello};
use coracle_crypto::{
    Alert, AlertSeen, Backoff, Certificate, CertificateUsage, CipherSuite, Connected, Credentials, Event,
    FailureReason, MatchingType, Options, Profile, Psk, Security, ServerCertificate, ServerName,
};
use coracle_peer_programs::{Certificates, Peer, Proxy, Weather, available, free_port};
use std::process::Command;
use std::time::{Duration, Instant};

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
const IDENTITY: &str = "Client_identity";

/// Without extensions in the first hello.
type Short = ShortFirstHello<Everything>;

fn key() -> Vec<u8> {
    crate::common::hex(KEY)
}

fn server(arguments: &[&str]) -> Option<Peer> {
    if !available("openssl", "openssl") {
        return None;
    }
    let port = free_port();
    let mut command = Command::new("openssl");
    command.args(["s_server", "-dtls1_2", "-4", "-accept", &port.to_string()]).args(arguments);
    Some(Peer::start(&mut command, port, "ACCEPT"))
}

fn psk_server(cipher: &str, more: &[&str]) -> Option<Peer> {
    let cipher = format!("{cipher}:@SECLEVEL=0");
    let mut arguments = vec!["-nocert", "-psk", KEY, "-psk_identity", IDENTITY, "-cipher", &cipher];
    arguments.extend_from_slice(more);
    server(&arguments)
}

fn certificate_server(certificates: &Certificates, cipher: &str, more: &[&str]) -> Option<Peer> {
    let cipher = format!("{cipher}:@SECLEVEL=0");
    let path = |name: &str| certificates.text(name);
    let (certificate, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
    let mut arguments =
        vec!["-cert", &certificate, "-key", &key, "-CAfile", &ca, "-Verify", "1", "-cipher", &cipher];
    arguments.extend_from_slice(more);
    server(&arguments)
}

/// Data in both directions.
fn exchange<P: Profile>(client: &mut Client<P>, security: &Security<'_>, peer: &mut Peer) {
    client.send(b"from the client\n");
    assert!(peer.wait_for("from the client"), "{}", peer.output());
    peer.type_line("from the server");
    let answer = client.receive(security, SOON);
    assert_eq!(answer.as_deref(), Some(&b"from the server\n"[..]), "{}", peer.output());
}

fn connect<P: Profile>(client: &mut Client<P>, security: &Security<'_>, peer: &Peer) -> Connected {
    let connected = client.handshake(security, &Options::DEFAULT);
    connected.unwrap_or_else(|event| panic!("{event:?}\n{}", peer.output()))
}

fn psk(suite: CipherSuite, cipher: &str, more: &[&str]) {
    psk_of::<Everything>(suite, cipher, more);
}

fn psk_of<P: Profile>(suite: CipherSuite, cipher: &str, more: &[&str]) {
    let Some(mut peer) = psk_server(cipher, more) else { return };
    let key = key();
    let suites = [suite.number()];
    let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
    let security = Security { suites: &suites, ..Security::new(b"openssl", credentials) };
    let mut client = Client::<P>::new(peer.port);
    let connected = connect(&mut client, &security, &peer);
    assert_eq!(connected.suite, suite);
    exchange(&mut client, &security, &mut peer);
    client.close(&security);
}

#[test]
fn psk_ccm_8() {
    psk(CipherSuite::PskAes128Ccm8, "PSK-AES128-CCM8", &[]);
}

#[test]
fn psk_ccm() {
    psk(CipherSuite::PskAes128Ccm, "PSK-AES128-CCM", &[]);
}

#[test]
fn psk_cbc_encrypt_then_mac() {
    psk(CipherSuite::PskAes128CbcSha256, "PSK-AES128-CBC-SHA256", &[]);
}

#[test]
fn psk_cbc_mac_then_encrypt() {
    // Debian's s_server has no switch for it on the command line; the option of its configuration has.
    psk(CipherSuite::PskAes128CbcSha256, "PSK-AES128-CBC-SHA256", &["-no_etm"]);
}

#[test]
fn psk_chacha20() {
    psk(CipherSuite::PskChaCha20Poly1305, "PSK-CHACHA20-POLY1305", &[]);
}

#[test]
fn ecdhe_psk_cbc() {
    psk(CipherSuite::EcdhePskAes128CbcSha256, "ECDHE-PSK-AES128-CBC-SHA256", &[]);
}

#[test]
fn ecdhe_psk_chacha20() {
    psk(CipherSuite::EcdhePskChaCha20Poly1305, "ECDHE-PSK-CHACHA20-POLY1305", &[]);
}

#[test]
fn psk_stateless_cookie() {
    psk(CipherSuite::PskAes128Ccm8, "PSK-AES128-CCM8", &["-listen"]);
}

#[test]
fn psk_short_first_hello() {
    for more in [&[][..], &["-listen"]] {
        psk_of::<Short>(CipherSuite::PskAes128Ccm8, "PSK-AES128-CCM8", more);
    }
}

#[test]
fn psk_hint() {
    psk(CipherSuite::PskAes128Ccm8, "PSK-AES128-CCM8", &["-psk_hint", "some hint"]);
}

#[test]
fn psk_small_mtu() {
    psk(CipherSuite::PskAes128Ccm8, "PSK-AES128-CCM8", &["-mtu", "256"]);
}

/// At most 300 bytes from the client (15 bytes of identity) with a cookie of 16, and less without two extensions.
#[test]
fn psk_takes_three_datagrams_each_way() {
    three_datagrams_each_way::<PskCid>(300);
    three_datagrams_each_way::<ShortFirstHello<PskCid>>(300 - 9);
}

fn three_datagrams_each_way<P: Profile>(limit: u64) {
    let key = key();
    let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
    // Both sides repeat a flight after a second: what takes longer counts repetitions, and is no measurement.
    let measured = std::iter::repeat_with(|| {
        let peer = psk_server("PSK-AES128-CCM8", &[])?;
        let proxy = Proxy::start(peer.port, Weather::FAIR, 0);
        let mut client = Client::<P>::new(proxy.port);
        let started = Instant::now();
        let connected = client.handshake(&Security::new(b"openssl", credentials), &Options::DEFAULT);
        let took = started.elapsed();
        connected.unwrap_or_else(|event| panic!("{event:?}\n{}", peer.output()));
        Some((took, proxy.counts()))
    });
    let in_time = |(took, _): &(Duration, _)| *took < Duration::from_millis(900);
    let measured = measured.take(20).find(|result| result.as_ref().is_none_or(in_time));
    let Some((_, counts)) = measured.expect("a handshake within a second, of twenty") else { return };
    let [sent, sent_bytes, received, received_bytes] = counts;
    assert_eq!((sent, received), (3, 3), "{sent_bytes} and {received_bytes} bytes");
    // The cookie of s_server has the length of SHA-1.
    assert!(sent_bytes <= limit + 20 - 16, "{sent_bytes} bytes");
}

/// Certificate usage 3: the server's own certificate, without an authority.
#[test]
fn the_certificate_of_the_server_is_pinned() {
    let Some(certificates) = Certificates::get() else { return };
    let Some(peer) = certificate_server(certificates, "ECDHE-ECDSA-AES128-CCM8", &[]) else { return };
    let (signer, chain) = (client_key(certificates), [&certificates.client.certificate[..]]);
    let with = |pinned: &[u8]| {
        let usage = CertificateUsage::DomainIssuedCertificate;
        let server = ServerCertificate::new(usage, MatchingType::Exact, pinned, &[]).expect("fine");
        let own = Certificate::new(&signer, &chain, server).expect("fine");
        let security = Security::new(b"openssl", Credentials::Certificate(own));
        Client::<Everything>::new(peer.port).handshake(&security, &Options::DEFAULT)
    };
    let refused = with(&certificates.client.certificate).expect_err("another certificate");
    let alert = AlertSeen::Sent(Alert::BAD_CERTIFICATE);
    assert_eq!(refused, Event::Failed { reason: FailureReason::ServerKeyMismatch, alert });
    with(&certificates.server.certificate).unwrap_or_else(|event| panic!("{event:?}\n{}", peer.output()));
}

fn certificates(suite: CipherSuite, cipher: &str, mtu: u16, more: &[&str]) {
    certificates_of::<Everything>(suite, cipher, mtu, more);
}

/// A mutual handshake with certificates, with the client's datagrams limited to `mtu`.
fn certificates_of<P: Profile>(suite: CipherSuite, cipher: &str, mtu: u16, more: &[&str]) {
    let Some(certificates) = Certificates::get() else { return };
    let Some(mut peer) = certificate_server(certificates, cipher, more) else { return };
    let suites = [suite.number()];
    let (signer, chain, ca) =
        (client_key(certificates), [&certificates.client.certificate[..]], &certificates.ca);
    let server = ServerCertificate::new(CertificateUsage::TrustAnchorAssertion, MatchingType::Exact, ca, &[]);
    let own = Certificate::new(&signer, &chain, server.expect("fine")).expect("fine");
    let security = Security {
        suites: &suites,
        server_name: Some(ServerName::Dns("localhost")),
        unix_time: Some(certificates.now),
        ..Security::new(b"openssl", Credentials::Certificate(own))
    };
    let mut client = Client::<P>::new(peer.port);
    let connected = client.handshake(&security, &Options { mtu, ..Options::DEFAULT });
    let connected = connected.unwrap_or_else(|event| panic!("{event:?}\n{}", peer.output()));
    assert_eq!((connected.suite, connected.time_checked), (suite, true));
    exchange(&mut client, &security, &mut peer);
    client.close(&security);
}

#[test]
fn certificates_ccm_8() {
    certificates(CipherSuite::EcdheEcdsaAes128Ccm8, "ECDHE-ECDSA-AES128-CCM8", 1200, &[]);
}

#[test]
fn certificates_ccm() {
    certificates(CipherSuite::EcdheEcdsaAes128Ccm, "ECDHE-ECDSA-AES128-CCM", 1200, &[]);
}

#[test]
fn certificates_cbc() {
    certificates(CipherSuite::EcdheEcdsaAes128CbcSha256, "ECDHE-ECDSA-AES128-SHA256", 1200, &[]);
}

#[test]
fn certificates_cbc_mac_then_encrypt() {
    let cipher = "ECDHE-ECDSA-AES128-SHA256";
    certificates(CipherSuite::EcdheEcdsaAes128CbcSha256, cipher, 1200, &["-no_etm"]);
}

#[test]
fn certificates_stateless_cookie() {
    certificates(CipherSuite::EcdheEcdsaAes128Ccm8, "ECDHE-ECDSA-AES128-CCM8", 1200, &["-listen"]);
}

#[test]
fn certificates_short_first_hello() {
    for more in [&[][..], &["-listen"]] {
        let suite = CipherSuite::EcdheEcdsaAes128Ccm8;
        certificates_of::<Short>(suite, "ECDHE-ECDSA-AES128-CCM8", 1200, more);
    }
}

#[test]
fn certificates_chacha20() {
    certificates(CipherSuite::EcdheEcdsaChaCha20Poly1305, "ECDHE-ECDSA-CHACHA20-POLY1305", 1200, &[]);
}

#[test]
fn certificates_small_mtu_both_ways() {
    certificates(CipherSuite::EcdheEcdsaAes128Ccm8, "ECDHE-ECDSA-AES128-CCM8", 256, &["-mtu", "256"]);
}

#[test]
fn certificates_over_140_byte_datagrams() {
    certificates(CipherSuite::EcdheEcdsaAes128Ccm8, "ECDHE-ECDSA-AES128-CCM8", 140, &["-mtu", "256"]);
}

#[test]
fn resumption_by_session_id() {
    let Some(mut peer) = psk_server("PSK-AES128-CCM8", &["-no_ticket"]) else { return };
    let key = key();
    let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
    let suites = [CipherSuite::PskAes128Ccm8.number()];
    let security = Security { suites: &suites, ..Security::new(b"openssl", credentials) };
    let mut client = Client::<Everything>::new(peer.port);
    assert!(!connect(&mut client, &security, &peer).resumed);
    exchange(&mut client, &security, &mut peer);
    client.close(&security);
    client.renew_socket(peer.port);
    assert!(connect(&mut client, &security, &peer).resumed, "{}", peer.output());
    exchange(&mut client, &security, &mut peer);
    client.close(&security);
    // Credentials of another server: never offered.
    client.renew_socket(peer.port);
    let other = Security { server: b"another", ..security };
    assert!(!connect(&mut client, &other, &peer).resumed);
}

#[test]
fn an_unknown_session_leads_to_a_full_handshake() {
    let Some(mut peer) = psk_server("PSK-AES128-CCM8", &["-no_ticket"]) else { return };
    let key = key();
    let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
    let security = Security::new(b"openssl", credentials);
    let mut client = Client::<Everything>::new(peer.port);
    connect(&mut client, &security, &peer);
    drop(peer);
    peer = psk_server("PSK-AES128-CCM8", &["-no_ticket"]).expect("it was there");
    client.renew_socket(peer.port);
    assert!(!connect(&mut client, &security, &peer).resumed);
    exchange(&mut client, &security, &mut peer);
}

#[test]
fn a_wrong_key_is_reported() {
    let Some(peer) = psk_server("PSK-AES128-CCM8", &[]) else { return };
    let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), b"not the key").expect("fine"));
    let security = Security::new(b"openssl", credentials);
    let mut client = Client::<Everything>::new(peer.port);
    let backoff = Backoff { initial_ms: 200, ..Backoff::DEFAULT };
    let event = client.handshake(&security, &Options { backoff, ..Options::DEFAULT });
    let event = event.expect_err("the keys differ");
    assert_eq!(
        event,
        Event::Failed { reason: FailureReason::FinishedNotAnswered, alert: AlertSeen::None },
        "{}",
        peer.output()
    );
    // The same connection starts again at once; the server is still busy with its end of the first.
    let peer = psk_server("PSK-AES128-CCM8", &[]).expect("it was there");
    let key = key();
    let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
    client.renew_socket(peer.port);
    connect(&mut client, &Security::new(b"openssl", credentials), &peer);
}

#[test]
fn a_stranger_is_refused_with_an_alert() {
    let Some(certificates) = Certificates::get() else { return };
    let Some(peer) = certificate_server(certificates, "ECDHE-ECDSA-AES128-CCM8", &[]) else { return };
    let (signer, chain) = (client_key(certificates), [&certificates.client.certificate[..]]);
    // Our own certificate as the only anchor: the server's chain does not lead there.
    let server = ServerCertificate::new(
        CertificateUsage::TrustAnchorAssertion,
        MatchingType::Exact,
        &certificates.client.certificate,
        &[],
    );
    let own = Certificate::new(&signer, &chain, server.expect("fine")).expect("fine");
    let security = Security {
        server_name: Some(ServerName::Dns("localhost")),
        ..Security::new(b"openssl", Credentials::Certificate(own))
    };
    let mut client = Client::<Everything>::new(peer.port);
    let event = client.handshake(&security, &Options::DEFAULT).expect_err("no chain");
    let alert = AlertSeen::Sent(Alert::UNKNOWN_CA);
    assert_eq!(event, Event::Failed { reason: FailureReason::UnknownCa, alert });
}

/// PSK through a network that loses a fifth of the datagrams, repeats and reorders some.
#[test]
fn psk_in_bad_weather() {
    in_bad_weather(|seed| {
        let Some(peer) = psk_server("PSK-AES128-CCM8", &[]) else { return };
        let key = key();
        let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
        let security = Security::new(b"openssl", credentials);
        if seed % 2 == 0 {
            bad_weather::<Everything>(seed, &peer, &security);
        } else {
            bad_weather::<Short>(seed, &peer, &security);
        }
    });
}

#[test]
fn certificates_in_bad_weather() {
    in_bad_weather(|seed| {
        let Some(certificates) = Certificates::get() else { return };
        let cipher = "ECDHE-ECDSA-AES128-CCM8";
        let Some(peer) = certificate_server(certificates, cipher, &[]) else { return };
        let (signer, chain, ca) =
            (client_key(certificates), [&certificates.client.certificate[..]], &certificates.ca);
        let server =
            ServerCertificate::new(CertificateUsage::TrustAnchorAssertion, MatchingType::Exact, ca, &[]);
        let own = Certificate::new(&signer, &chain, server.expect("fine")).expect("fine");
        let security = Security {
            server_name: Some(ServerName::Dns("localhost")),
            ..Security::new(b"openssl", Credentials::Certificate(own))
        };
        bad_weather::<Everything>(seed, &peer, &security);
    });
}

/// The client has the last flight here, and has to repeat it.
#[test]
fn resumption_in_bad_weather() {
    in_bad_weather(|seed| {
        let Some(mut peer) = psk_server("PSK-AES128-CCM8", &["-no_ticket"]) else { return };
        let key = key();
        let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
        let security = Security::new(b"openssl", credentials);
        let mut client = Client::<Everything>::new(peer.port);
        connect(&mut client, &security, &peer);
        exchange(&mut client, &security, &mut peer);
        client.close(&security);
        let proxy = Proxy::start(peer.port, Weather::BAD, seed);
        client.renew_socket(proxy.port);
        let connected = client.handshake(&security, &Options { backoff: PATIENT, ..Options::DEFAULT });
        assert!(
            connected.is_ok_and(|connected| connected.resumed),
            "seed {seed}: {connected:?}\n{}",
            peer.output()
        );
        let arrived =
            client.insist(&security, b"after the storm\n", |_| peer.output().contains("after the storm"));
        assert!(arrived, "seed {seed}: {}", peer.output());
    });
}

/// Several seeds side by side: most of their time is waiting.
fn in_bad_weather(run: impl Fn(u64) + Sync) {
    std::thread::scope(|scope| {
        for seed in 1..=6 {
            let run = &run;
            scope.spawn(move || run(seed));
        }
    });
}

fn bad_weather<P: Profile>(seed: u64, peer: &Peer, security: &Security<'_>) {
    let proxy = Proxy::start(peer.port, Weather::BAD, seed);
    let mut client = Client::<P>::new(proxy.port);
    let connected = client.handshake(security, &Options { backoff: PATIENT, ..Options::DEFAULT });
    assert!(connected.is_ok(), "seed {seed}: {connected:?}\n{}", peer.output());
    let arrived =
        client.insist(security, b"from the client\n", |_| peer.output().contains("from the client"));
    assert!(arrived, "seed {seed}: {}", peer.output());
}
