//! What a server may choose: suites, extensions, curves, kinds of keys, cookies.

use crate::alerts::{
    BAD_CERTIFICATE, DECODE_ERROR, HANDSHAKE_FAILURE, ILLEGAL_PARAMETER, PROTOCOL_VERSION,
    UNEXPECTED_MESSAGE, UNSUPPORTED_EXTENSION,
};
use crate::builder::{Authority, Fields};
use crate::duel::{Duel, KEY, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, ecdsa_script, raw_key_extensions, until_key_exchange};
use coracle_crypto::profiles::{Everything, PskOnly, PskRpkCid};
use coracle_crypto::{
    AlertSeen, Certificate, CertificateUsage, Credentials, Event, FailureReason, MatchingType, Profile,
    Requirement, Security, ServerCertificate, ServerName,
};

/// Sends one `ServerHello` to a fresh client, and tells how it fails.
fn hello_fails<P: Profile>(
    security: Security<'_>,
    body: impl Fn(&Hostile) -> Vec<u8>,
) -> (FailureReason, u8) {
    let mut duel = Duel::<P>::new(security);
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = body(&server);
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    duel.expect_failure()
}

#[test]
fn a_hello_that_chooses_what_was_not_offered_fails() {
    let illegal = (FailureReason::IllegalParameter, ILLEGAL_PARAMETER);
    let ems = extension(23, &[]);
    // Suites: null, renegotiation, known but not offered, unknown.
    for suite in [0x0000, 0x002C, 0x00FF, 0xC0A4, 0xC0AE, 0x00AE, 0x1301, 0xFFFF] {
        let body = |server: &Hostile| server.server_hello(suite, &[], std::slice::from_ref(&ems));
        assert_eq!(hello_fails::<PskOnly>(psk_security(), body), illegal, "{suite:04x}");
    }
    // One that the profile has, but the settings leave out.
    let suites = [0xC0A8];
    let security = Security { suites: &suites, ..psk_security() };
    let body = |server: &Hostile| server.server_hello(0xC0A4, &[], std::slice::from_ref(&ems));
    assert_eq!(hello_fails::<Everything>(security, body), illegal);
    // Versions: DTLS 1.0, 1.3, TLS 1.2, nonsense. Suites with AES-CCM do not exist in others, which is another fault.
    for version in [0xFEFF_u16, 0xFEFC, 0x0303, 0x0000] {
        for (suite, alert) in [
            (0xC0A8, ILLEGAL_PARAMETER),
            (0xC0A4, ILLEGAL_PARAMETER),
            (0xC0AC, ILLEGAL_PARAMETER),
            (0xD003, ILLEGAL_PARAMETER),
            (0xD005, ILLEGAL_PARAMETER),
            (0x00AE, PROTOCOL_VERSION),
            (0xC023, PROTOCOL_VERSION),
            (0x002F, PROTOCOL_VERSION),
        ] {
            let body = |server: &Hostile| {
                let mut body = server.server_hello(suite, &[], std::slice::from_ref(&ems));
                body[..2].copy_from_slice(&version.to_be_bytes());
                body
            };
            let failure = hello_fails::<PskOnly>(psk_security(), body);
            assert_eq!(failure, (FailureReason::ProtocolVersion, alert), "{version:04x} {suite:04x}");
        }
    }
    // Compression.
    let body = |server: &Hostile| {
        let mut body = server.psk_hello();
        body[2 + 32 + 1 + 2] = 1;
        body
    };
    assert_eq!(hello_fails::<PskOnly>(psk_security(), body), illegal);
}

#[test]
fn an_extension_that_was_not_offered_fails() {
    // max_fragment_length, groups, signature algorithms, certificate types, EtM, record size limit, ticket,
    // connection ID, ALPN, heartbeat, unknown.
    for (number, body) in [
        (1, &[1][..]),
        (10, &[0, 2, 0, 23]),
        (13, &[0, 2, 4, 3]),
        (19, &[2]),
        (20, &[2]),
        (22, &[]),
        (28, &[4, 0]),
        (35, &[]),
        (54, &[0]),
        (16, &[0, 3, 2, b'h', b'2']),
        (15, &[1]),
        (0xABCD, &[]),
    ] {
        let extensions = [extension(23, &[]), extension(number, body)];
        let hello = |server: &Hostile| server.server_hello(PSK_CCM_8, &[], &extensions);
        let failure = hello_fails::<PskOnly>(psk_security(), hello);
        assert_eq!(failure, (FailureReason::UnsupportedExtension, UNSUPPORTED_EXTENSION), "{number}");
    }
}

#[test]
fn another_curve_fails() {
    let keys = Keys::new();
    for curve in [1_u16, 22, 24, 25, 29, 0xFF01] {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        let mut server = until_key_exchange(&mut duel);
        let mut params = Hostile::params(&server.point());
        params[1..3].copy_from_slice(&curve.to_be_bytes());
        let body = server.signed(&params);
        let message = server.say(SERVER_KEY_EXCHANGE, &body);
        duel.deliver(&message);
        duel.assert_failed(FailureReason::IllegalParameter, ILLEGAL_PARAMETER);
    }
}

/// CVE-2026-89136, CVE-2026-55960: a raw public key is accepted only where one was asked for.
#[test]
fn a_raw_public_key_that_was_never_offered_is_refused() {
    let authority = Authority::new(0x55);
    let ca = authority.own(&Fields::ca("CA"));
    let usage = CertificateUsage::TrustAnchorAssertion;
    let server_policy = ServerCertificate::new(usage, MatchingType::Exact, &ca, &[]).expect("fine");
    let security = Security {
        server_name: Some(ServerName::Dns("server.example")),
        ..Security::new(b"server", Credentials::Certificate(Certificate::server_only(server_policy)))
    };
    // By the extension.
    let failure = hello_fails::<Everything>(security, |server| {
        server.server_hello(ECDSA_CCM_8, &[], &[extension(23, &[]), extension(20, &[2])])
    });
    assert_eq!(failure, (FailureReason::UnsupportedExtension, UNSUPPORTED_EXTENSION));
    // Without it.
    let mut duel = Duel::<Everything>::new(security);
    let mut server = ecdsa_script();
    server.read_hello(&mut duel);
    let (body, spki) = (server.server_hello(ECDSA_CCM_8, &[], &[extension(23, &[])]), server.spki());
    let messages = [server.say(SERVER_HELLO, &body), server.say(CERTIFICATE, &vec24(&spki))].concat();
    duel.deliver(&messages);
    duel.assert_failed(FailureReason::BadCertificate, BAD_CERTIFICATE);
}

#[test]
fn a_certificate_where_a_raw_public_key_was_negotiated_is_refused() {
    let keys = Keys::new();
    let authority = Authority::new(0x55);
    // For the very key that is pinned.
    let certificate = authority.issue(&Fields::leaf("server.example"), &Hostile::new().spki());
    let mut duel = Duel::<Everything>::new(keys.security());
    let mut server = ecdsa_script();
    server.read_hello(&mut duel);
    let body = server.server_hello(ECDSA_CCM_8, &[], &raw_key_extensions());
    let chain = vec24(&vec24(&certificate));
    let messages = [server.say(SERVER_HELLO, &body), server.say(CERTIFICATE, &chain)].concat();
    duel.deliver(&messages);
    duel.assert_failed(FailureReason::UnsupportedCertificate, HANDSHAKE_FAILURE);
    // And a server that falls back to certificates by leaving the extension out.
    let failure = hello_fails::<Everything>(keys.security(), |server| {
        server.server_hello(ECDSA_CCM_8, &[], &[extension(23, &[])])
    });
    assert_eq!(failure, (FailureReason::UnsupportedCertificate, HANDSHAKE_FAILURE));
    // Or names it.
    let failure = hello_fails::<Everything>(keys.security(), |server| {
        server.server_hello(ECDSA_CCM_8, &[], &[extension(23, &[]), extension(20, &[0])])
    });
    assert_eq!(failure, (FailureReason::IllegalParameter, ILLEGAL_PARAMETER));
}

#[test]
fn cookies_are_bounded_and_kept_to_the_letter() {
    // Any length from 0 to what the profile has room for.
    for length in [0, 1, 16, 32, 255] {
        let mut duel = Duel::<Everything>::new(psk_security());
        let mut server = Hostile::new();
        let first = duel.sent[0].clone();
        server.read_hello(&mut duel);
        let cookie = vec![0xC0; length];
        let request = server.hello_verify_request(0, &cookie);
        duel.deliver(&request);
        assert_eq!(duel.sent.len(), 1, "{length}");
        let second = duel.sent[0].clone();
        // The same hello, but for record and message number, lengths and the cookie.
        let at = 13 + 12 + 2 + 32 + 1;
        assert_eq!(second[at..=at + length], vec8(&cookie));
        assert_eq!(second[17..19], [0, 1]);
        assert_eq!(second[25..at], first[25..at]);
        assert_eq!(second[at + 1 + length..], first[at + 1..]);
    }
    // Longer than the room for it: reported, not cut.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let request = Hostile::new().hello_verify_request(0, &[0; 33]);
    duel.deliver(&request);
    duel.assert_failed(FailureReason::CookieTooLong, HANDSHAKE_FAILURE);
}

#[test]
fn endless_and_truncated_hello_verify_requests_are_bounded() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    duel.clear();
    let mut server = Hostile::new();
    for number in 0..200_u8 {
        let request = server.hello_verify_request(u16::from(number) % 3, &[number; 20]);
        duel.deliver(&request);
    }
    assert_eq!(duel.sent.len(), 2, "one for the first cookie, one for another");
    assert_eq!(duel.events, []);
    // Cut anywhere, as a record and as a message.
    let whole = [&[0xFE, 0xFF][..], &vec8(&[1; 20])].concat();
    for cut in 0..whole.len() {
        let mut duel = Duel::<PskOnly>::new(psk_security());
        let message = fragment(HELLO_VERIFY_REQUEST, cut, 0, 0, &whole[..cut]);
        let request = Hostile::new().plain(22, &message);
        duel.deliver(&request);
        duel.assert_failed(FailureReason::Malformed, DECODE_ERROR);
        duel.connect();
        duel.clear();
        duel.deliver(&request[..request.len() - 1]);
        duel.assert_unmoved();
    }
    // After the server's hello.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.psk_hello();
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    let late = server.hello_verify_request(0, &[9; 16]);
    duel.deliver(&late);
    duel.assert_unmoved();
    let late = server.hello_verify_request(1, &[9; 16]);
    duel.deliver(&late);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

#[test]
fn a_server_without_the_extended_master_secret_fails_by_policy() {
    let without = |server: &Hostile| server.server_hello(PSK_CCM_8, &[], &[extension(0xFF01, &[0])]);
    let failure = hello_fails::<PskOnly>(psk_security(), without);
    assert_eq!(failure, (FailureReason::NoExtendedMasterSecret, HANDSHAKE_FAILURE));
    // Where it is optional, the handshake works with the master secret of RFC 5246.
    let security = Security { extended_master_secret: Requirement::Optional, ..psk_security() };
    let mut duel = Duel::<PskOnly>::new(security);
    let mut server = Hostile { extended_master_secret: false, ..Hostile::new() };
    server.read_hello(&mut duel);
    assert!(server.client_extensions.iter().any(|(number, _)| *number == 23), "it is offered all the same");
    let body = without(&server);
    server.answers(&mut duel, &body);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
}

#[test]
fn a_renegotiation_indication_that_is_not_empty_fails() {
    for body in [&[12][..], &[1, 0], &[12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]] {
        let extensions = [extension(23, &[]), extension(0xFF01, body)];
        let hello = |server: &Hostile| server.server_hello(PSK_CCM_8, &[], &extensions);
        let (reason, alert) = hello_fails::<PskOnly>(psk_security(), hello);
        let expected = if body.len() == 1 {
            (FailureReason::Malformed, DECODE_ERROR)
        } else {
            (FailureReason::IllegalParameter, HANDSHAKE_FAILURE)
        };
        assert_eq!((reason, alert), expected);
    }
}

/// Somebody takes the strong suites out of our hello. The server's Finished covers what it saw, not what we sent.
#[test]
fn a_stripped_hello_is_noticed() {
    let suites = [0xC0A8, 0xC0A4];
    let security = Security { suites: &suites, ..psk_security() };
    let mut duel = Duel::<Everything>::new(security);
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    // The server sees the list without its first suite.
    let at =
        server.transcript.windows(4).position(|window| window == [0xC0, 0xA8, 0xC0, 0xA4]).expect("there");
    server.transcript[at..at + 2].copy_from_slice(&[0xC0, 0xA4]);
    let body = server.server_hello(PSK_CCM_8, &[], &[extension(23, &[])]);
    let flight = [server.say(SERVER_HELLO, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    // The extended master secret covers the hello: already the client's Finished does not open.
    let flights = duel.take_sent().concat();
    let key_exchange = &flights[13..13 + usize::from(u16::from_be_bytes([flights[11], flights[12]]))];
    server.transcript.extend(key_exchange);
    let premaster = [vec16(&vec![0; KEY.len()]), vec16(KEY)].concat();
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&server.transcript);
    server.master = prf(&premaster, "extended master secret", &hash, 48);
    server.expand();
    server.finishes(&mut duel);
    duel.assert_unmoved();
    // It comes to nothing, and says so.
    while duel.client.is_handshaking() {
        assert!(duel.wait());
    }
    let expected = Event::Failed { reason: FailureReason::FinishedNotAnswered, alert: AlertSeen::None };
    assert_eq!(duel.events, [expected]);
}
