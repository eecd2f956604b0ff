//! Messages out of order, left out, repeated, or choosing what was not offered.

use crate::builder::{Authority, Fields};
use crate::duel::{Duel, IDENTITY, KEY, psk_security};
use crate::hostile::*;
use coracle_crypto::profiles::{Everything, PskCid, PskOnly, PskRpkCid};
use coracle_crypto::{
    AlertSeen, Certificate, CertificateUsage, Credentials, Event, FailureReason, Instant, MatchingType,
    PrivateKey, Profile, Psk, PublicKey, RawPublicKey, Requirement, Security, ServerCertificate, ServerName,
};

const UNEXPECTED_MESSAGE: u8 = 10;
const HANDSHAKE_FAILURE: u8 = 40;
const BAD_CERTIFICATE: u8 = 42;
const ILLEGAL_PARAMETER: u8 = 47;
const DECODE_ERROR: u8 = 50;
const DECRYPT_ERROR: u8 = 51;
const PROTOCOL_VERSION: u8 = 70;
const UNSUPPORTED_EXTENSION: u8 = 110;

/// Keys for the raw public key tests: ours, and the server's that the script signs with.
pub struct Keys {
    own: PrivateKey,
    own_public: PublicKey,
    server: PublicKey,
}

impl Keys {
    pub fn new() -> Self {
        let own = PrivateKey::parse(&[0x33; 32]).expect("in range");
        let own_public = own.public_key().expect("a key");
        let server = PublicKey::parse(&Hostile::new().spki()).expect("a key");
        Self { own, own_public, server }
    }

    pub fn security(&self) -> Security<'_> {
        let keys = RawPublicKey::new(&self.own, &self.own_public, &self.server);
        Security::new(b"server", Credentials::RawPublicKey(keys))
    }
}

pub fn ecdsa_script() -> Hostile {
    Hostile { ecdhe: true, ..Hostile::new() }
}

/// Extensions of the answer with raw public keys both ways.
pub fn raw_key_extensions() -> Vec<Vec<u8>> {
    vec![extension(23, &[]), extension(0xFF01, &[0]), extension(19, &[2]), extension(20, &[2])]
}

/// The server's hello and raw public key have arrived.
pub fn until_key_exchange(duel: &mut Duel<'_, PskRpkCid>) -> Hostile {
    let mut server = ecdsa_script();
    server.read_hello(duel);
    let body = server.server_hello(ECDSA_CCM_8, &[], &raw_key_extensions());
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    let spki = server.spki();
    let certificate = server.say(CERTIFICATE, &vec24(&spki));
    duel.deliver(&certificate);
    assert_eq!(duel.events, []);
    server
}

/// The script itself is right: a handshake that keeps to the rules succeeds, for both kinds of keys.
#[test]
fn the_script_can_keep_to_the_rules() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_connected(&mut duel);
    let hello = server.protect(23, b"hello");
    duel.deliver(&hello);
    assert_eq!(duel.data, [b"hello"]);
    let sealed = duel.seal(b"to you, too");
    assert_eq!(server.open_client(&sealed).as_deref(), Some(&b"to you, too"[..]));

    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = until_key_exchange(&mut duel);
    let body = server.key_exchange();
    let messages = [server.say(SERVER_KEY_EXCHANGE, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&messages);
    server.read_flight(&mut duel);
    let last = [server.change_cipher_spec(), server.finished()].concat();
    duel.deliver(&last);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
}

/// CVE-2014-0224, CVE-2026-93304: a ChangeCipherSpec before our `ClientKeyExchange` must not install keys.
#[test]
fn a_change_cipher_spec_before_the_key_exchange_installs_nothing() {
    for before_done in [true, false] {
        let mut duel = Duel::<PskOnly>::new(psk_security());
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let early = server.change_cipher_spec();
        let body = server.psk_hello();
        let hello = server.say(SERVER_HELLO, &body);
        if before_done {
            duel.deliver(&[&hello[..], &early].concat());
        } else {
            duel.deliver(&[&early[..], &hello].concat());
        }
        // With keys of zeros, as if they had been derived from nothing.
        let finished = server.protect(22, &fragment(FINISHED, 12, 1, 0, &[0; 12]));
        let data = server.protect(23, b"too early");
        duel.deliver(&[finished, data].concat());
        duel.assert_unmoved();
        assert!(!duel.client.is_connected());
        // The handshake goes on as if nothing had been said.
        let done = server.say(SERVER_HELLO_DONE, &[]);
        duel.deliver(&done);
        server.read_flight(&mut duel);
        let finished = server.finished();
        duel.deliver(&finished);
        assert!(!duel.client.is_connected(), "the early one does not count");
        let last = [server.change_cipher_spec(), server.protect(22, &last_message(&server))].concat();
        duel.deliver(&last);
        assert!(duel.client.is_connected());
    }
}

/// The last message of the transcript.
fn last_message(server: &Hostile) -> Vec<u8> {
    server.transcript[server.transcript.len() - 24..].to_vec()
}

/// CVE-2017-7243.
#[test]
fn a_change_cipher_spec_as_the_very_first_packet_is_ignored() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    duel.clear();
    for record in [record(20, 0, 0, &[1]), record(20, 1, 0, &[1]), record(20, 0, 1, &[])] {
        duel.deliver(&record);
        duel.assert_unmoved();
    }
    let mut idle = coracle_crypto::Connection::<PskOnly>::new();
    let mut datagram = record(20, 0, 0, &[1]);
    assert!(idle.handle_datagram(Instant::START, &psk_security(), &mut datagram).next().is_none());
}

#[test]
fn a_finished_before_the_change_cipher_spec_is_dropped() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let finished = server.finished();
    duel.deliver(&finished);
    duel.assert_unmoved();
    assert!(!duel.client.is_connected());
}

#[test]
fn a_finished_in_the_clear_is_dropped() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let data = server.verify_data("server finished");
    let finished = server.say(FINISHED, &data);
    let ccs = server.change_cipher_spec();
    duel.deliver(&finished);
    duel.deliver(&[ccs, finished].concat());
    duel.assert_unmoved();
    assert!(!duel.client.is_connected());
    // Before our own flight it is out of order.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let hello = server.psk_hello();
    let early = [server.say(SERVER_HELLO, &hello), server.say(FINISHED, &[0; 12])].concat();
    duel.deliver(&early);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

#[test]
fn further_and_malformed_change_cipher_specs_are_ignored() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    for body in [&[][..], &[0], &[2], &[1, 1], &[1, 0]] {
        let malformed = server.plain(20, body);
        let finished = server.protect(22, &[0; 24]);
        duel.deliver(&[malformed, finished].concat());
        duel.assert_unmoved();
    }
    let good = [server.change_cipher_spec(), server.change_cipher_spec()].concat();
    duel.deliver(&good);
    let finished = server.finished();
    duel.deliver(&finished);
    assert!(duel.client.is_connected());
    duel.clear();
    let again = server.change_cipher_spec();
    let protected = server.protect(20, &[1]);
    duel.deliver(&[again, protected].concat());
    duel.assert_unmoved();
    let data = server.protect(23, b"still the same keys");
    duel.deliver(&data);
    assert_eq!(duel.data.len(), 1);
}

#[test]
fn a_hello_done_without_the_key_exchange_fails_with_ecdhe() {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = until_key_exchange(&mut duel);
    let done = server.say(SERVER_HELLO_DONE, &[]);
    duel.deliver(&done);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
    // And with a pre-shared key, too.
    let suites = [0xD003];
    let security = Security { suites: &suites, ..psk_security() };
    let mut duel = Duel::<Everything>::new(security);
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.server_hello(0xD003, &[], &[extension(23, &[])]);
    let messages = [server.say(SERVER_HELLO, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&messages);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

/// CVE-2021-34433: the key exchange must be signed, by an algorithm that we offered.
#[test]
fn an_unsigned_or_anonymous_key_exchange_fails() {
    let keys = Keys::new();
    let run = |body: &dyn Fn(&Hostile) -> Vec<u8>| {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        let mut server = until_key_exchange(&mut duel);
        let body = body(&server);
        let message = server.say(SERVER_KEY_EXCHANGE, &body);
        duel.deliver(&message);
        let failure = duel.failure();
        let (reason, alert) = failure.expect("it fails");
        duel.assert_failed(reason, alert);
        (reason, alert)
    };
    let malformed = (FailureReason::Malformed, DECODE_ERROR);
    let illegal = (FailureReason::IllegalParameter, ILLEGAL_PARAMETER);
    let bad = (FailureReason::BadSignature, DECRYPT_ERROR);
    assert_eq!(run(&|server| Hostile::params(&server.point())), malformed);
    assert_eq!(run(&|server| [Hostile::params(&server.point()), vec![4, 3, 0, 0]].concat()), malformed);
    for algorithm in [[0, 0], [4, 0], [0, 3], [4, 1], [2, 3], [5, 3]] {
        let swapped = |server: &Hostile| {
            let mut body = server.key_exchange();
            let at = Hostile::params(&server.point()).len();
            body[at..at + 2].copy_from_slice(&algorithm);
            body
        };
        assert_eq!(run(&swapped), illegal, "{algorithm:?}");
    }
    let other_key = |server: &Hostile| {
        let signing = p256::ecdsa::SigningKey::from_slice(&[0x44; 32]).expect("in range");
        Hostile { signing, ..clone(server) }.key_exchange()
    };
    assert_eq!(run(&other_key), bad);
}

fn clone(server: &Hostile) -> Hostile {
    Hostile {
        client_random: server.client_random.clone(),
        server_random: server.server_random,
        ..Hostile::new()
    }
}

#[test]
fn a_missing_certificate_fails_and_so_does_one_with_a_pre_shared_key() {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = ecdsa_script();
    server.read_hello(&mut duel);
    let body = server.server_hello(ECDSA_CCM_8, &[], &raw_key_extensions());
    let exchange = server.key_exchange();
    let messages = [server.say(SERVER_HELLO, &body), server.say(SERVER_KEY_EXCHANGE, &exchange)].concat();
    duel.deliver(&messages);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);

    let mut duel = Duel::<PskRpkCid>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let (hello, spki) = (server.psk_hello(), server.spki());
    let messages = [server.say(SERVER_HELLO, &hello), server.say(CERTIFICATE, &vec24(&spki))].concat();
    duel.deliver(&messages);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

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
    let (reason, alert) = duel.failure().unwrap_or_else(|| panic!("{:?}", duel.events));
    duel.assert_failed(reason, alert);
    (reason, alert)
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
fn repeated_messages_are_not_processed_again() {
    let keys = Keys::new();
    // The same number: a repetition. It may even say something else.
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = until_key_exchange(&mut duel);
    let body = server.server_hello(ECDSA_CCM_8, &[], &[]);
    let repeated = [
        server.plain(22, &fragment(SERVER_HELLO, body.len(), 0, 0, &body)),
        server.plain(22, &fragment(CERTIFICATE, 3, 1, 0, &[0, 0, 0])),
    ]
    .concat();
    duel.deliver(&repeated);
    duel.assert_unmoved();
    let exchange = server.key_exchange();
    let first = server.say(SERVER_KEY_EXCHANGE, &exchange);
    let second = server.plain(22, &fragment(SERVER_KEY_EXCHANGE, 4, 2, 0, &[0; 4]));
    duel.deliver(&[first, second].concat());
    duel.assert_unmoved();
    // The next number: out of order.
    for kind in [SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE] {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        let mut server = until_key_exchange(&mut duel);
        let exchange = server.key_exchange();
        let first = server.say(SERVER_KEY_EXCHANGE, &exchange);
        duel.deliver(&first);
        let body = match kind {
            SERVER_HELLO => server.server_hello(ECDSA_CCM_8, &[], &raw_key_extensions()),
            CERTIFICATE => vec24(&server.spki()),
            _ => exchange,
        };
        let again = server.say(kind, &body);
        duel.deliver(&again);
        duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
    }
}

#[test]
fn hello_requests_change_nothing_and_nobody_renegotiates() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let request = |server: &mut Hostile| {
        let message = fragment(0, 0, server.message_seq, 0, &[]);
        server.plain(22, &message)
    };
    let early = request(&mut server);
    duel.deliver(&early);
    duel.assert_unmoved();
    let body = server.psk_hello();
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    let middle = request(&mut server);
    duel.deliver(&middle);
    duel.assert_unmoved();
    let done = server.say(SERVER_HELLO_DONE, &[]);
    duel.deliver(&done);
    server.read_flight(&mut duel);
    let last = [server.change_cipher_spec(), server.finished()].concat();
    duel.deliver(&last);
    assert!(duel.client.is_connected());
    duel.clear();
    // In the clear: nothing. Authentic: a warning that we do not renegotiate.
    let plain = request(&mut server);
    duel.deliver(&plain);
    duel.assert_unmoved();
    let protected = server.protect(22, &fragment(0, 0, 3, 0, &[]));
    duel.deliver(&protected);
    let sent = duel.take_sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(server.open_client(&sent[0]), Some(vec![1, 100]), "no_renegotiation");
    assert!(duel.client.is_connected() && duel.events.is_empty());
}

#[test]
fn a_certificate_request_after_the_hello_done_changes_nothing() {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = until_key_exchange(&mut duel);
    let exchange = server.key_exchange();
    let flight = [server.say(SERVER_KEY_EXCHANGE, &exchange), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    server.read_flight(&mut duel);
    let number = server.message_seq;
    let late = fragment(CERTIFICATE_REQUEST, 8, number, 0, &[1, 64, 0, 2, 4, 3, 0, 0]);
    let late = server.plain(22, &late);
    duel.deliver(&late);
    duel.assert_unmoved();
    // Two of them before it: the second is out of order.
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = until_key_exchange(&mut duel);
    let exchange = server.key_exchange();
    let request = [1, 64, 0, 2, 4, 3, 0, 0];
    let flight = [
        server.say(SERVER_KEY_EXCHANGE, &exchange),
        server.say(CERTIFICATE_REQUEST, &request),
        server.say(CERTIFICATE_REQUEST, &request),
    ]
    .concat();
    duel.deliver(&flight);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
    // And none for a pre-shared key.
    let mut duel = Duel::<PskRpkCid>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let hello = server.psk_hello();
    let flight = [server.say(SERVER_HELLO, &hello), server.say(CERTIFICATE_REQUEST, &request)].concat();
    duel.deliver(&flight);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

/// Handshake messages of every kind in an established session, in the clear and protected.
#[test]
fn no_handshake_message_moves_an_established_session() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_connected(&mut duel);
    for kind in (1..=24).chain([67, 254]) {
        for number in [0, 3, 4, 0xFFFF] {
            let body = server.psk_hello();
            let message = fragment(kind, body.len(), number, 0, &body);
            let both = [server.plain(22, &message), server.protect(22, &message)].concat();
            duel.deliver(&both);
            duel.assert_unmoved();
        }
    }
    let data = server.protect(23, b"still here");
    duel.deliver(&data);
    assert_eq!(duel.data, [b"still here"]);
}

/// CVE-2019-20786.
#[test]
fn application_data_in_the_clear_is_dropped() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let forged = |duel: &mut Duel<'_, PskOnly>, server: &mut Hostile| {
        let forged = server.plain(23, b"forged");
        duel.deliver(&forged);
        assert_eq!(duel.data, Vec::<Vec<u8>>::new());
    };
    forged(&mut duel, &mut server);
    let body = server.psk_hello();
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    forged(&mut duel, &mut server);
    let done = server.say(SERVER_HELLO_DONE, &[]);
    duel.deliver(&done);
    server.read_flight(&mut duel);
    forged(&mut duel, &mut server);
    let ccs = server.change_cipher_spec();
    duel.deliver(&ccs);
    forged(&mut duel, &mut server);
    // Even authentic data comes too early before the Finished.
    let early = server.protect(23, b"early");
    duel.deliver(&early);
    assert_eq!(duel.data, Vec::<Vec<u8>>::new());
    let finished = server.finished();
    duel.deliver(&finished);
    assert!(duel.client.is_connected());
    forged(&mut duel, &mut server);
}

#[test]
fn a_finished_with_wrong_data_fails() {
    for at in 0..12 {
        let mut duel = Duel::<PskOnly>::new(psk_security());
        let mut server = psk_until_finished(&mut duel);
        let mut data = server.verify_data("server finished");
        data[at] ^= 1;
        let finished = server.message(FINISHED, &data);
        let last = [server.change_cipher_spec(), server.protect(22, &finished)].concat();
        duel.deliver(&last);
        duel.assert_failed(FailureReason::BadFinished, DECRYPT_ERROR);
        // The alert goes out protected: the server has our keys.
        let sent = duel.take_sent();
        assert_eq!(server.open_client(&sent[0]), Some(vec![2, DECRYPT_ERROR]));
    }
}

#[test]
fn a_finished_of_another_length_fails() {
    for length in [0, 1, 11, 13, 36] {
        let mut duel = Duel::<PskOnly>::new(psk_security());
        let mut server = psk_until_finished(&mut duel);
        let data = prf(&server.master, "server finished", b"", length);
        let finished = server.message(FINISHED, &data);
        let last = [server.change_cipher_spec(), server.protect(22, &finished)].concat();
        duel.deliver(&last);
        duel.assert_failed(FailureReason::Malformed, DECODE_ERROR);
    }
}

#[test]
fn our_own_records_sent_back_are_dropped() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let own = server.client_finished.clone();
    let reflected = [server.change_cipher_spec(), own.clone()].concat();
    duel.deliver(&reflected);
    duel.assert_unmoved();
    // With the right keys, but the data of our own Finished.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let data = server.open_client(&server.client_finished).expect("ours")[12..].to_vec();
    let finished = server.message(FINISHED, &data);
    let last = [server.change_cipher_spec(), server.protect(22, &finished)].concat();
    duel.deliver(&last);
    duel.assert_failed(FailureReason::BadFinished, DECRYPT_ERROR);
    // Application data.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    psk_connected(&mut duel);
    let sealed = duel.seal(b"mirror");
    duel.deliver(&sealed);
    duel.assert_unmoved();
}

/// A session that a server gave us, ready to be resumed: the client has sent its hello.
fn resumable() -> (Duel<'static, PskCid>, Hostile) {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let server = Hostile::session(&mut duel, &[0xD1; 32], &[extension(23, &[])]);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    duel.clear();
    duel.connect();
    let mut resumed = Hostile { master: server.master, ..Hostile::new() };
    resumed.server_random = [0x77; 32];
    resumed.read_hello(&mut duel);
    assert_eq!(resumed.client_session_id, [0xD1; 32]);
    (duel, resumed)
}

#[test]
fn a_session_is_resumed_only_as_it_was() {
    let resume = |suite, extensions: &[Vec<u8>]| {
        let (mut duel, mut server) = resumable();
        let body = server.server_hello(suite, &[0xD1; 32], extensions);
        let hello = server.say(SERVER_HELLO, &body);
        duel.deliver(&hello);
        (duel, server)
    };
    // As it was: it works, and only after the server's Finished.
    let (mut duel, mut server) = resume(PSK_CCM_8, &[extension(23, &[])]);
    server.expand();
    let last = [server.change_cipher_spec(), server.finished()].concat();
    duel.deliver(&last);
    assert!(matches!(duel.events[..], [Event::Connected(connected)] if connected.resumed));
    // Without the extended master secret (RFC 7627).
    let (mut duel, _) = resume(PSK_CCM_8, &[]);
    duel.assert_failed(FailureReason::NoExtendedMasterSecret, HANDSHAKE_FAILURE);
    // The session is not tried again.
    duel.connect();
    let mut server = Hostile::new();
    duel.sent.drain(..1);
    server.read_hello(&mut duel);
    assert_eq!(server.client_session_id, []);
}

#[test]
fn a_session_is_not_resumed_with_another_suite() {
    let suites = [0xC0A8, 0xC0A4];
    let security = Security { suites: &suites, ..psk_security() };
    let mut duel = Duel::<Everything>::new(security);
    Hostile::session(&mut duel, &[0xD1; 32], &[extension(23, &[])]);
    assert!(duel.client.is_connected());
    duel.clear();
    duel.connect();
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.server_hello(0xC0A4, &[0xD1; 32], &[extension(23, &[])]);
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    duel.assert_failed(FailureReason::IllegalParameter, ILLEGAL_PARAMETER);
}

/// The shape of CVE-2026-34873: a session that does not exist must not be resumed with a master secret of zeros.
#[test]
fn a_session_that_was_never_made_is_not_resumed() {
    for session_id in [&[][..], &[0; 32], &[0xD1; 32]] {
        let mut duel = Duel::<PskCid>::new(psk_security());
        let mut server = Hostile { master: vec![0; 48], ..Hostile::new() };
        server.read_hello(&mut duel);
        assert_eq!(server.client_session_id, []);
        let body = server.server_hello(PSK_CCM_8, session_id, &[extension(23, &[])]);
        let hello = server.say(SERVER_HELLO, &body);
        duel.deliver(&hello);
        server.expand();
        let last = [server.change_cipher_spec(), server.finished()].concat();
        duel.deliver(&last);
        duel.assert_unmoved();
        assert!(!duel.client.is_connected());
    }
}

/// CVE-2026-94419: the session of one server is not offered to another, nor with other credentials.
#[test]
fn a_session_of_another_server_is_not_offered() {
    let offered = |security: Security<'static>| {
        let (mut duel, _) = resumable();
        duel.security = security;
        duel.connect();
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        server.client_session_id
    };
    assert_eq!(offered(psk_security()), [0xD1; 32]);
    assert_eq!(offered(Security { server: b"another", ..psk_security() }), []);
    let other_key = Credentials::Psk(Psk::new(IDENTITY, b"another key").expect("fine"));
    assert_eq!(offered(Security::new(b"server", other_key)), []);
    let other_identity = Credentials::Psk(Psk::new(b"another", KEY).expect("fine"));
    assert_eq!(offered(Security::new(b"server", other_identity)), []);
    // Its suite is all that has to be there.
    assert_eq!(offered(Security { suites: &[0xC0A8], ..psk_security() }), [0xD1; 32]);
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
    let flight = [server.say(SERVER_HELLO, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    server.read_flight(&mut duel);
    let last = [server.change_cipher_spec(), server.finished()].concat();
    duel.deliver(&last);
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
    let last = [server.change_cipher_spec(), server.finished()].concat();
    duel.deliver(&last);
    duel.assert_unmoved();
    // It comes to nothing, and says so.
    while duel.client.is_handshaking() {
        assert!(duel.wait());
    }
    let expected = Event::Failed { reason: FailureReason::FinishedNotAnswered, alert: AlertSeen::None };
    assert_eq!(duel.events, [expected]);
}
