//! libcoap's `coap-server`, over OpenSSL and over GnuTLS: real CoAP on top, with other people's codec.

use crate::client_key;
use crate::driver::{Client, SOON};
use coap_lite::{CoapOption, MessageClass, MessageType, Packet, RequestType, ResponseType};
use coracle_crypto::profiles::{Everything, ShortFirstHello};
use coracle_crypto::{
    AlertSeen, Backoff, Certificate, CertificateUsage, CipherSuite, Connected, Credentials, Event,
    FailureReason, MatchingType, Options, Profile, Psk, PublicKey, RawPublicKey, Security, ServerCertificate,
    ServerName,
};
use coracle_peer_programs::{Certificates, Peer, available, free_port};
use std::process::Command;

const KEY: &[u8] = b"0123456789abcdef";
const BACKENDS: [&str; 2] = ["coap-server-openssl", "coap-server-gnutls"];

/// A server; its DTLS is on the port behind that of plain CoAP.
fn server(program: &str, arguments: &[&str]) -> Option<Peer> {
    if !available(program, "libcoap3-bin") {
        return None;
    }
    let port = free_port();
    let mut command = Command::new(program);
    command.args(["-A", "127.0.0.1", "-p", &port.to_string(), "-v", "7"]).args(arguments);
    Some(Peer::start(&mut command, port + 1, &format!("DTLS endpoint 127.0.0.1:{}", port + 1)))
}

fn get(path: &[&str], id: u16) -> Vec<u8> {
    let mut request = Packet::new();
    request.header.set_type(MessageType::Confirmable);
    request.header.code = MessageClass::Request(RequestType::Get);
    request.header.message_id = id;
    request.set_token(id.to_be_bytes().to_vec());
    for segment in path {
        request.add_option(CoapOption::UriPath, segment.as_bytes().to_vec());
    }
    request.to_bytes().expect("a message")
}

/// With a whole first hello, and with a short one.
fn greeted(peer: &Peer, security: &Security<'_>) -> Connected {
    let connected = greeted_by::<Everything>(peer, security);
    assert_eq!(greeted_by::<ShortFirstHello<Everything>>(peer, security), connected);
    connected
}

/// The handshake, the greeting, and a resource that does not exist.
fn greeted_by<P: Profile>(peer: &Peer, security: &Security<'_>) -> Connected {
    let mut client = Client::<P>::new(peer.port);
    let connected = client.handshake(security, &Options::DEFAULT);
    let connected = connected.unwrap_or_else(|event| panic!("{event:?}\n{}", peer.output()));
    let mut ask = |path: &[&str], id: u16| {
        client.send(&get(path, id));
        let answer = client.receive(security, SOON);
        let answer = answer.unwrap_or_else(|| panic!("no answer\n{}", peer.output()));
        let answer = Packet::from_bytes(&answer).expect("a message");
        assert_eq!((answer.header.message_id, answer.get_token()), (id, &id.to_be_bytes()[..]));
        answer
    };
    let greeting = ask(&[], 1);
    assert_eq!(greeting.header.code, MessageClass::Response(ResponseType::Content));
    let text = String::from_utf8_lossy(&greeting.payload).into_owned();
    assert!(text.starts_with("This is a test server made with libcoap"), "{text}");
    let absent = ask(&["no", "such", "thing"], 2);
    assert_eq!(absent.header.code, MessageClass::Response(ResponseType::NotFound));
    client.close(security);
    connected
}

#[test]
fn psk() {
    for program in BACKENDS {
        let key = std::str::from_utf8(KEY).expect("text");
        let Some(peer) = server(program, &["-k", key, "-h", "a hint"]) else { return };
        let psk = Psk::new(b"Client_identity", KEY).expect("fine");
        let connected = greeted(&peer, &Security::new(b"libcoap", Credentials::Psk(psk)));
        assert_eq!(connected.suite, CipherSuite::PskAes128Ccm8, "{program}");
    }
}

#[test]
fn another_key() {
    for program in BACKENDS {
        let key = std::str::from_utf8(KEY).expect("text");
        let Some(peer) = server(program, &["-k", key]) else { return };
        let psk = Psk::new(b"Client_identity", b"another").expect("fine");
        let mut client = Client::<Everything>::new(peer.port);
        let backoff = Backoff { initial_ms: 200, ..Backoff::DEFAULT };
        let event = client.handshake(
            &Security::new(b"libcoap", Credentials::Psk(psk)),
            &Options { backoff, ..Options::DEFAULT },
        );
        let expected = Event::Failed { reason: FailureReason::FinishedNotAnswered, alert: AlertSeen::None };
        assert_eq!(event, Err(expected), "{program}\n{}", peer.output());
    }
}

#[test]
fn certificates() {
    for program in BACKENDS {
        let Some(certificates) = Certificates::get() else { return };
        let (own, key, ca) =
            (certificates.text("server.pem"), certificates.text("server.key"), certificates.text("ca.pem"));
        let Some(peer) = server(program, &["-c", &own, "-j", &key, "-C", &ca]) else { return };
        let (signer, chain) = (client_key(certificates), [&certificates.client.certificate[..]]);
        let usage = CertificateUsage::TrustAnchorAssertion;
        let server = ServerCertificate::new(usage, MatchingType::Exact, &certificates.ca, &[]);
        let own = Certificate::new(&signer, &chain, server.expect("fine")).expect("fine");
        let security = Security {
            server_name: Some(ServerName::parse("127.0.0.1")),
            unix_time: Some(certificates.now),
            ..Security::new(b"libcoap", Credentials::Certificate(own))
        };
        let connected = greeted(&peer, &security);
        assert!(connected.time_checked, "{program}");
        assert_eq!(connected.suite, CipherSuite::EcdheEcdsaAes128Ccm8, "{program}");
    }
}

/// Only the build with GnuTLS has them. Key and public key are one file.
#[test]
fn raw_public_keys() {
    let Some(certificates) = Certificates::get() else { return };
    let both = certificates.path("server.both.pem");
    let read = |name: &str| std::fs::read_to_string(certificates.path(name)).expect("it was made");
    std::fs::write(&both, read("server.key") + &read("server.pub.pem")).expect("space");
    let Some(peer) = server("coap-server-gnutls", &["-M", both.to_str().expect("a folder of ours")]) else {
        return;
    };
    let signer = client_key(certificates);
    let own = signer.public_key().expect("a key");
    let theirs = PublicKey::parse(&certificates.server.public).expect("a key");
    let keys = RawPublicKey::new(&signer, &own, &theirs);
    let connected = greeted(&peer, &Security::new(b"libcoap", Credentials::RawPublicKey(keys)));
    assert_eq!(connected.suite, CipherSuite::EcdheEcdsaAes128Ccm8);
}
