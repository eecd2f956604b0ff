//! The server asks for our certificate.

use crate::builder::{Authority, Fields};
use crate::duel::Duel;
use crate::hostile::*;
use crate::raw_keys::{Keys, raw_key_extensions};
use crate::records::records_of;
use coracle_crypto::profiles::{Everything, PskRpkCid};
use coracle_crypto::{
    Certificate, CertificateUsage, Credentials, Event, MatchingType, Profile, Security, ServerCertificate,
    ServerName,
};
use p256::ecdsa::signature::Verifier;

const CERTIFICATE_VERIFY: u8 = 15;
const HOST: &str = "server.example";
/// Asks for ECDSA with SHA-256 among others.
const REQUEST: [u8; 11] = [2, 1, 64, 0, 4, 6, 3, 4, 3, 0, 0];

/// The server's flight up to the key exchange, with a raw public key or this certificate message.
pub fn first_flight(
    server: &mut Hostile,
    certificate: Option<&[u8]>,
    extensions: &[Vec<u8>],
) -> Vec<Vec<u8>> {
    let hello = server.server_hello(ECDSA_CCM_8, &[], extensions);
    let spki = vec24(&server.spki());
    let exchange = server.key_exchange();
    vec![
        server.message(SERVER_HELLO, &hello),
        server.message(CERTIFICATE, certificate.unwrap_or(&spki)),
        server.message(SERVER_KEY_EXCHANGE, &exchange),
    ]
}

/// A whole handshake with raw public keys, in which our certificate may be asked for. Answers the script, and the digest
/// that a `CertificateVerify` signs.
pub fn handshake<P: Profile>(
    duel: &mut Duel<'_, P>,
    request: Option<&[u8]>,
    extensions: &[Vec<u8>],
) -> (Hostile, Vec<u8>) {
    handshake_with(duel, None, request, extensions)
}

fn handshake_with<P: Profile>(
    duel: &mut Duel<'_, P>,
    certificate: Option<&[u8]>,
    request: Option<&[u8]>,
    extensions: &[Vec<u8>],
) -> (Hostile, Vec<u8>) {
    let mut server = Hostile { ecdhe: true, ..Hostile::new() };
    server.read_hello(duel);
    let mut flight = first_flight(&mut server, certificate, extensions);
    flight.extend(request.map(|request| server.message(CERTIFICATE_REQUEST, request)));
    flight.push(server.message(SERVER_HELLO_DONE, &[]));
    let flight = server.plain(22, &flight.concat());
    duel.deliver(&flight);
    let before = server.transcript.clone();
    server.read_flight(duel);
    server.finishes(duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    // What is signed: everything before the CertificateVerify.
    let mut signed = before;
    for (number, (kind, body)) in server.client_messages.iter().enumerate() {
        if *kind == CERTIFICATE_VERIFY {
            break;
        }
        signed.extend(fragment(*kind, body.len(), 1 + number as u16, 0, body));
    }
    (server, signed)
}

fn kinds(server: &Hostile) -> Vec<u8> {
    server.client_messages.iter().map(|(kind, _)| *kind).collect()
}

/// Whether the signature at the end of our flight is over the handshake so far, by our key.
fn verifies(server: &Hostile, signed: &[u8], keys: &Keys) -> bool {
    let (_, body) = server.client_messages.last().expect("a message");
    assert_eq!(body[..2], [4, 3], "ECDSA with SHA-256");
    let signature = p256::ecdsa::Signature::from_der(&body[4..]).expect("DER");
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(keys.own_public.point()).expect("a point");
    key.verify(signed, &signature).is_ok()
}

#[test]
fn a_raw_public_key_is_sent_with_proof_of_its_possession() {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let (server, signed) = handshake(&mut duel, Some(&REQUEST), &raw_key_extensions());
    assert_eq!(kinds(&server), [CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY]);
    assert_eq!(server.client_messages[0].1, vec24(&keys.own_public.to_spki()));
    assert!(verifies(&server, &signed, &keys));
    assert!(!verifies(&server, &signed[1..], &keys));
    // Nobody asks.
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let (server, _) = handshake(&mut duel, None, &raw_key_extensions());
    assert_eq!(kinds(&server), [CLIENT_KEY_EXCHANGE]);
}

#[test]
fn a_chain_is_sent_with_proof_of_its_possession() {
    let (keys, authority) = (Keys::new(), Authority::new(0x55));
    let anchor = authority.own(&Fields::ca("CA"));
    let own = authority.issue(&Fields::leaf("device"), &keys.own_public.to_spki());
    let usage = CertificateUsage::TrustAnchorAssertion;
    let policy = ServerCertificate::new(usage, MatchingType::Exact, &anchor, &[]).expect("fine");
    let chain: [&[u8]; 2] = [&own, &anchor];
    let mutual = Certificate::new(&keys.own, &chain, policy).expect("fine");
    let theirs = vec24(&vec24(&authority.issue(&Fields::leaf(HOST), &Hostile::new().spki())));
    for (certificate, expected) in [
        (mutual, &[CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY][..]),
        // With none of our own the answer is an empty one.
        (Certificate::server_only(policy), &[CERTIFICATE, CLIENT_KEY_EXCHANGE]),
    ] {
        let security = Security {
            suites: &[ECDSA_CCM_8],
            server_name: Some(ServerName::Dns(HOST)),
            ..Security::new(b"server", Credentials::Certificate(certificate))
        };
        let mut duel = Duel::<Everything>::new(security);
        let extensions = [extension(23, &[])];
        let (server, signed) = handshake_with(&mut duel, Some(&theirs), Some(&REQUEST), &extensions);
        assert_eq!(kinds(&server), expected);
        if expected.len() == 3 {
            let list = [vec24(&own), vec24(&anchor)].concat();
            assert_eq!(server.client_messages[0].1, vec24(&list), "our own first");
            assert!(verifies(&server, &signed, &keys));
        } else {
            assert_eq!(server.client_messages[0].1, [0, 0, 0]);
        }
    }
}

/// Signed is only by an algorithm that the server takes, and sent only the type that it has chosen.
#[test]
fn what_the_server_cannot_take_is_not_sent() {
    let keys = Keys::new();
    let not_raw = [extension(23, &[]), extension(20, &[2])];
    for (request, extensions) in [
        // SHA-384 and SHA-1 only; RSA signatures; RSA certificates; nothing at all.
        (&[1, 64, 0, 4, 5, 3, 2, 3, 0, 0][..], &raw_key_extensions()[..]),
        (&[1, 64, 0, 2, 4, 1, 0, 0], &raw_key_extensions()),
        (&[1, 1, 0, 2, 4, 3, 0, 0], &raw_key_extensions()),
        (&[0, 0, 0, 0, 0], &raw_key_extensions()),
        // No client_certificate_type was chosen: it would be X.509.
        (&REQUEST, &not_raw),
    ] {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        let (server, _) = handshake(&mut duel, Some(request), extensions);
        assert_eq!(kinds(&server), [CERTIFICATE, CLIENT_KEY_EXCHANGE], "{request:?}");
        assert_eq!(server.client_messages[0].1, [0, 0, 0]);
    }
}

/// The digest that is signed is over whole messages, however they were cut: ours by 64 bytes a record here.
#[test]
fn the_transcript_has_whole_messages() {
    let keys = Keys::new();
    let mut duel = Duel::<Everything>::new(keys.security());
    let extensions = [&raw_key_extensions()[..], &[extension(28, &[0, 64])]].concat();
    let mut server = Hostile { ecdhe: true, ..Hostile::new() };
    server.read_hello(&mut duel);
    let mut messages = first_flight(&mut server, None, &extensions);
    messages.push(server.message(CERTIFICATE_REQUEST, &REQUEST));
    messages.push(server.message(SERVER_HELLO_DONE, &[]));
    // Each is cut in three; the end of one shares its record with the start of the next.
    let mut pieces = Vec::new();
    for message in &messages {
        let (total, number) = (message.len() - 12, u16::from_be_bytes([message[4], message[5]]));
        let (first, second) = (total / 3, total / 2);
        for (from, to) in [(0, first), (first, second), (second, total)] {
            if from < to || total == 0 {
                pieces.push(fragment(message[0], total, number, from, &message[12 + from..12 + to]));
            }
            if total == 0 {
                break;
            }
        }
    }
    for pair in pieces.chunks(2) {
        let datagram = server.plain(22, &pair.concat());
        duel.deliver(&datagram);
    }
    server.read_flight(&mut duel);
    assert_eq!(kinds(&server), [CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY]);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
}

/// A server that resumes leaves out what was settled when the session was made.
#[test]
fn a_resumed_session_needs_no_certificate_types() {
    let keys = Keys::new();
    for answer in [&[extension(23, &[])][..], &raw_key_extensions()] {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        let mut server = Hostile { ecdhe: true, ..Hostile::new() };
        server.read_hello(&mut duel);
        let hello = server.server_hello(ECDSA_CCM_8, &[0xD1; 32], &raw_key_extensions());
        let spki = vec24(&server.spki());
        server.answers_with(&mut duel, &hello, &spki);
        server.finishes(&mut duel);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        duel.clear();
        duel.connect();
        let mut resumed = Hostile { master: server.master, server_random: [0x77; 32], ..Hostile::new() };
        resumed.read_hello(&mut duel);
        assert_eq!(resumed.client_session_id, [0xD1; 32]);
        let hello = resumed.server_hello(ECDSA_CCM_8, &[0xD1; 32], answer);
        let hello = resumed.say(SERVER_HELLO, &hello);
        resumed.expand();
        let flight = [hello, resumed.change_cipher_spec(), resumed.finished()].concat();
        duel.deliver(&flight);
        assert!(
            matches!(duel.events[..], [Event::Connected(connected)] if connected.resumed),
            "{:?}",
            duel.events
        );
    }
}

/// Handshake messages, too, and in the clear: no record of ours has more than the server has agreed to.
#[test]
fn a_long_chain_is_cut_to_the_fragment_length() {
    let (keys, authority) = (Keys::new(), Authority::new(0x55));
    let own = authority.issue(&Fields::leaf("device"), &keys.own_public.to_spki());
    let theirs = authority.issue(&Fields::leaf(HOST), &Hostile::new().spki());
    let usage = CertificateUsage::DomainIssuedCertificate;
    let policy = ServerCertificate::new(usage, MatchingType::Exact, &theirs, &[]).expect("fine");
    let chain: [&[u8]; 5] = [&own; 5];
    assert!(chain.concat().len() > 1_500);
    let certificate = Certificate::new(&keys.own, &chain, policy).expect("fine");
    let security = Security {
        suites: &[ECDSA_CCM_8],
        ..Security::new(b"server", Credentials::Certificate(certificate))
    };
    for (answer, expected) in
        [(vec![extension(23, &[]), extension(1, &[2])], true), (vec![extension(23, &[])], false)]
    {
        let mut duel = Duel::<Everything>::new(security);
        duel.options.mtu = 4_000;
        duel.connect();
        let mut server = Hostile { ecdhe: true, ..Hostile::new() };
        server.read_hello(&mut duel);
        let list = vec24(&vec24(&theirs));
        let mut flight = first_flight(&mut server, Some(&list), &answer);
        flight.push(server.message(CERTIFICATE_REQUEST, &REQUEST));
        flight.push(server.message(SERVER_HELLO_DONE, &[]));
        let flight = server.plain(22, &flight.concat());
        duel.deliver(&flight);
        let sent = duel.sent.concat();
        let lengths: Vec<usize> = records_of(&sent).iter().map(|record| record.len() - 13).collect();
        assert_eq!(lengths.iter().all(|length| *length <= 1_024), expected, "{lengths:?}");
        server.read_flight(&mut duel);
        server.finishes(&mut duel);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
    }
}
