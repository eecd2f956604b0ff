//! GnuTLS's `gnutls-serv`, the peer for raw public keys.

use crate::client_key;
use crate::driver::{Client, PATIENT, SOON};
use coracle_crypto::profiles::{Everything, ShortFirstHello};
use coracle_crypto::{
    Alert, AlertSeen, Backoff, Certificate, CertificateUsage, CipherSuite, Credentials, Event, FailureReason,
    MatchingType, Options, Profile, Psk, PublicKey, RawPublicKey, Security, ServerCertificate, ServerName,
};
use coracle_peer_programs::{Certificates, Peer, Proxy, Weather, available, folder, free_port};
use std::process::Command;

const KEY: &str = "000102030405060708090a0b0c0d0e0f";
const IDENTITY: &str = "Client_identity";
const BASE: &str = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:-CIPHER-ALL";

/// Without extensions in the first hello.
type Short = ShortFirstHello<Everything>;

fn server(priority: &str, arguments: &[&str]) -> Option<Peer> {
    if !available("gnutls-serv", "gnutls-bin") {
        return None;
    }
    let port = free_port();
    let mut command = Command::new("gnutls-serv");
    command.args(["-u", "--echo", "-p", &port.to_string(), "--priority", priority]).args(arguments);
    Some(Peer::start(&mut command, port, "IPv4 0.0.0.0 port"))
}

/// A server that knows one identity.
fn psk_server(priority: &str) -> Option<Peer> {
    let file = folder().join(format!("psk-{}.txt", free_port()));
    std::fs::write(&file, format!("{IDENTITY}:{KEY}\n")).expect("space");
    server(&format!("{BASE}:{priority}"), &["--pskpasswd", file.to_str().expect("a folder of ours")])
}

fn echo<P: Profile>(client: &mut Client<P>, security: &Security<'_>, peer: &Peer) {
    client.send(b"over and back");
    let answer = client.receive(security, SOON);
    assert_eq!(answer.as_deref(), Some(&b"over and back"[..]), "{}", peer.output());
}

fn run(peer: &Peer, security: &Security<'_>, mtu: u16) {
    run_of::<Everything>(peer, security, mtu);
}

fn run_of<P: Profile>(peer: &Peer, security: &Security<'_>, mtu: u16) {
    let mut client = Client::<P>::new(peer.port);
    let connected = client.handshake(security, &Options { mtu, ..Options::DEFAULT });
    let connected = connected.unwrap_or_else(|event| panic!("{event:?}\n{}", peer.output()));
    assert_eq!(connected.suite.number(), security.suites[0]);
    echo(&mut client, security, peer);
    client.close(security);
}

fn psk(suite: CipherSuite, priority: &str) {
    let Some(peer) = psk_server(priority) else { return };
    let key = crate::common::hex(KEY);
    let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
    let suites = [suite.number()];
    let security = Security { suites: &suites, ..Security::new(b"gnutls", credentials) };
    run(&peer, &security, 1200);
    run_of::<Short>(&peer, &security, 1200);
}

#[test]
fn psk_ccm_8() {
    psk(CipherSuite::PskAes128Ccm8, "+PSK:+AES-128-CCM-8:+AEAD");
}

#[test]
fn psk_ccm() {
    psk(CipherSuite::PskAes128Ccm, "+PSK:+AES-128-CCM:+AEAD");
}

#[test]
fn psk_cbc_encrypt_then_mac() {
    psk(CipherSuite::PskAes128CbcSha256, "+PSK:+AES-128-CBC:-MAC-ALL:+SHA256");
}

#[test]
fn psk_cbc_mac_then_encrypt() {
    psk(CipherSuite::PskAes128CbcSha256, "+PSK:+AES-128-CBC:-MAC-ALL:+SHA256:%NO_ETM");
}

#[test]
fn psk_chacha20() {
    psk(CipherSuite::PskChaCha20Poly1305, "+PSK:+CHACHA20-POLY1305:+AEAD");
}

#[test]
fn ecdhe_psk_cbc() {
    psk(
        CipherSuite::EcdhePskAes128CbcSha256,
        "+ECDHE-PSK:+AES-128-CBC:-MAC-ALL:+SHA256:-GROUP-ALL:+GROUP-SECP256R1",
    );
}

#[test]
fn ecdhe_psk_chacha20() {
    psk(
        CipherSuite::EcdhePskChaCha20Poly1305,
        "+ECDHE-PSK:+CHACHA20-POLY1305:+AEAD:-GROUP-ALL:+GROUP-SECP256R1",
    );
}

/// GnuTLS does not tell which identities exist: it goes on with a random key and drops what that does not open.
#[test]
fn an_unknown_identity_looks_like_a_wrong_key() {
    let Some(peer) = psk_server("+PSK:+AES-128-CCM-8:+AEAD") else { return };
    let credentials = Credentials::Psk(Psk::new(b"stranger", b"any key").expect("fine"));
    let mut client = Client::<Everything>::new(peer.port);
    let backoff = Backoff { initial_ms: 200, ..Backoff::DEFAULT };
    let options = Options { backoff, ..Options::DEFAULT };
    let event = client.handshake(&Security::new(b"gnutls", credentials), &options);
    let expected = Event::Failed { reason: FailureReason::FinishedNotAnswered, alert: AlertSeen::None };
    assert_eq!(event, Err(expected), "{}", peer.output());
}

const ECDSA: &str = "-GROUP-ALL:+GROUP-SECP256R1:-SIGN-ALL:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256";

fn certificates(suite: CipherSuite, priority: &str, mtu: u16, more: &[&str]) {
    let Some(certificates) = Certificates::get() else { return };
    let path = |name: &str| certificates.text(name);
    let (certificate, key, ca) = (path("server.pem"), path("server.key"), path("ca.pem"));
    let mut arguments = vec![
        "--x509certfile",
        &certificate,
        "--x509keyfile",
        &key,
        "--x509cafile",
        &ca,
        "--require-client-cert",
    ];
    arguments.extend_from_slice(more);
    let priority = format!("{BASE}:+ECDHE-ECDSA:{priority}:{ECDSA}");
    let Some(peer) = server(&priority, &arguments) else { return };
    let suites = [suite.number()];
    let (signer, chain, ca) =
        (client_key(certificates), [&certificates.client.certificate[..]], &certificates.ca);
    let server = ServerCertificate::new(CertificateUsage::TrustAnchorAssertion, MatchingType::Exact, ca, &[]);
    let own = Certificate::new(&signer, &chain, server.expect("fine")).expect("fine");
    let security = Security {
        suites: &suites,
        server_name: Some(ServerName::parse("127.0.0.1")),
        unix_time: Some(certificates.now),
        ..Security::new(b"gnutls", Credentials::Certificate(own))
    };
    run(&peer, &security, mtu);
    run_of::<Short>(&peer, &security, mtu);
}

#[test]
fn certificates_ccm_8() {
    certificates(CipherSuite::EcdheEcdsaAes128Ccm8, "+AES-128-CCM-8:+AEAD", 1200, &[]);
}

#[test]
fn certificates_ccm_8_small_mtu_both_ways() {
    certificates(CipherSuite::EcdheEcdsaAes128Ccm8, "+AES-128-CCM-8:+AEAD", 300, &["--mtu", "300"]);
}

#[test]
fn certificates_cbc() {
    let priority = "+AES-128-CBC:-MAC-ALL:+SHA256";
    certificates(CipherSuite::EcdheEcdsaAes128CbcSha256, priority, 1200, &[]);
}

#[test]
fn certificates_chacha20() {
    let priority = "+CHACHA20-POLY1305:+AEAD";
    certificates(CipherSuite::EcdheEcdsaChaCha20Poly1305, priority, 1200, &[]);
}

/// A server with raw public keys, and what `run` does with the settings that fit it.
fn raw_public_keys(suite: CipherSuite, priority: &str, run: impl FnOnce(&Peer, &Security<'_>)) {
    let Some(certificates) = Certificates::get() else { return };
    let (key, public) = (certificates.text("server.key"), certificates.text("server.pub.pem"));
    let priority =
        format!("{BASE}:+ECDHE-ECDSA:{priority}:{ECDSA}:-CTYPE-ALL:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK");
    let arguments = ["--rawpkkeyfile", &key, "--rawpkfile", &public, "--require-client-cert"];
    let Some(peer) = server(&priority, &arguments) else { return };
    let signer = client_key(certificates);
    let own = signer.public_key().expect("a key");
    let theirs = PublicKey::parse(&certificates.server.public).expect("a key");
    let suites = [suite.number()];
    let keys = RawPublicKey::new(&signer, &own, &theirs);
    run(&peer, &Security { suites: &suites, ..Security::new(b"gnutls", Credentials::RawPublicKey(keys)) });
}

#[test]
fn raw_public_keys_ccm_8() {
    raw_public_keys(CipherSuite::EcdheEcdsaAes128Ccm8, "+AES-128-CCM-8:+AEAD", |peer, security| {
        run(peer, security, 1200);
        run_of::<Short>(peer, security, 1200);
    });
}

#[test]
fn raw_public_keys_cbc() {
    let suite = CipherSuite::EcdheEcdsaAes128CbcSha256;
    raw_public_keys(suite, "+AES-128-CBC:-MAC-ALL:+SHA256", |peer, security| run(peer, security, 1200));
}

#[test]
fn raw_public_keys_over_140_byte_datagrams() {
    let suite = CipherSuite::EcdheEcdsaAes128Ccm8;
    raw_public_keys(suite, "+AES-128-CCM-8:+AEAD", |peer, security| run(peer, security, 140));
}

#[test]
fn another_server_key_is_refused() {
    raw_public_keys(CipherSuite::EcdheEcdsaAes128Ccm8, "+AES-128-CCM-8:+AEAD", |peer, security| {
        let certificates = Certificates::get().expect("it was there");
        let signer = client_key(certificates);
        let own = signer.public_key().expect("a key");
        // Any key but the server's.
        let keys = RawPublicKey::new(&signer, &own, &own);
        let security = Security { credentials: Credentials::RawPublicKey(keys), ..*security };
        let mut client = Client::<Everything>::new(peer.port);
        let event = client.handshake(&security, &Options::DEFAULT);
        let alert = AlertSeen::Sent(Alert::HANDSHAKE_FAILURE);
        assert_eq!(event, Err(Event::Failed { reason: FailureReason::ServerKeyMismatch, alert }));
    });
}

#[test]
fn resumption() {
    let Some(peer) = psk_server("+PSK:+AES-128-CCM-8:+AEAD:%NO_TICKETS") else { return };
    let key = crate::common::hex(KEY);
    let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
    let security = Security::new(b"gnutls", credentials);
    let mut client = Client::<Everything>::new(peer.port);
    let first = client.handshake(&security, &Options::DEFAULT);
    assert!(first.is_ok_and(|connected| !connected.resumed), "{}", peer.output());
    echo(&mut client, &security, &peer);
    client.close(&security);
    client.renew_socket(peer.port);
    let second = client.handshake(&security, &Options::DEFAULT);
    assert!(second.is_ok_and(|connected| connected.resumed), "{}", peer.output());
    echo(&mut client, &security, &peer);
}

#[test]
fn raw_public_keys_in_bad_weather() {
    std::thread::scope(|scope| {
        for seed in 1..=6 {
            scope.spawn(move || {
                let suite = CipherSuite::EcdheEcdsaAes128Ccm8;
                raw_public_keys(suite, "+AES-128-CCM-8:+AEAD", |peer, security| {
                    bad_weather(seed, peer, security);
                });
            });
            scope.spawn(move || {
                let Some(peer) = psk_server("+PSK:+AES-128-CCM-8:+AEAD") else { return };
                let key = crate::common::hex(KEY);
                let credentials = Credentials::Psk(Psk::new(IDENTITY.as_bytes(), &key).expect("fine"));
                bad_weather(seed, &peer, &Security::new(b"gnutls", credentials));
            });
        }
    });
}

fn bad_weather(seed: u64, peer: &Peer, security: &Security<'_>) {
    let proxy = Proxy::start(peer.port, Weather::BAD, seed);
    let mut client = Client::<Everything>::new(proxy.port);
    let connected = client.handshake(security, &Options { backoff: PATIENT, ..Options::DEFAULT });
    assert!(connected.is_ok(), "seed {seed}: {connected:?}\n{}", peer.output());
    let answered = client.insist(security, b"over and back", |answer| answer.is_some());
    assert!(answered, "seed {seed}: {}", peer.output());
}
