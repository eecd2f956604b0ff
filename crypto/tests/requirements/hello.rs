//! What the client says in its hello, and what it makes of the answers to it.

use crate::builder::{Authority, Fields};
use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, raw_key_extensions};
use coracle_crypto::profiles::{Everything, PskCid, PskOnly, PskRpkCid, PskRpkX509Cid};
use coracle_crypto::{
    Alert, AlertSeen, Certificate, CertificateUsage, ConnectError, Connection, Credentials, Event,
    FailureReason, Instant, MatchingType, Options, Profile, Rng, Security, ServerCertificate, ServerName,
};

const VERSION_1_0: [u8; 2] = [0xFE, 0xFF];

/// The extensions of the first hello.
fn extensions<P: Profile>(security: Security<'_>) -> Vec<(u16, Vec<u8>)> {
    let mut server = Hostile::new();
    server.read_hello(&mut Duel::<P>::new(security));
    server.client_extensions
}

/// Neither heartbeat, compression, SRTP, ALPN, OCSP, cached information, tickets nor truncated MACs; and what there is
/// only where it can be used.
#[test]
fn the_hello_offers_what_is_configured_and_nothing_else() {
    let ems = (23, vec![]);
    let no_cid = (54, vec![0]);
    let groups = (10, vec![0, 2, 0, 23]);
    let formats = (11, vec![1, 0]);
    let algorithms = (13, vec![0, 2, 4, 3]);
    let raw = |number| (number, vec![1, 2]);
    assert_eq!(extensions::<PskOnly>(psk_security()), std::slice::from_ref(&ems));
    assert_eq!(extensions::<PskCid>(psk_security()), [ems.clone(), no_cid.clone()]);
    // Its suites need a curve, and are never used with a pre-shared key.
    assert_eq!(extensions::<PskRpkCid>(psk_security()), [ems.clone(), no_cid.clone()]);
    let keys = Keys::new();
    let with_curve = [ems.clone(), no_cid.clone(), groups.clone(), formats.clone(), algorithms.clone()];
    let expected = [&with_curve[..], &[raw(19), raw(20)]].concat();
    assert_eq!(extensions::<PskRpkCid>(keys.security()), expected);
    // Certificates, and a name.
    let anchor = Authority::new(0x55).own(&Fields::ca("CA"));
    let usage = CertificateUsage::TrustAnchorAssertion;
    let policy = ServerCertificate::new(usage, MatchingType::Exact, &anchor, &[]).expect("fine");
    let certificate = Credentials::Certificate(Certificate::server_only(policy));
    let named = Security {
        server_name: Some(ServerName::Dns("server.example")),
        ..Security::new(b"server", certificate)
    };
    let name = (0, [&[0, 17, 0, 0, 14][..], b"server.example"].concat());
    let expected = [&with_curve[..], &[name]].concat();
    assert_eq!(extensions::<PskRpkX509Cid>(named), expected);
    let literal = Security { server_name: Some(ServerName::parse("192.0.2.1")), ..named };
    assert_eq!(extensions::<PskRpkX509Cid>(literal), with_curve);
    // CBC brings encrypt-then-MAC; the limits are 1,024 (code 2) and 1,200 bytes.
    let all = extensions::<Everything>(psk_security());
    let numbers: Vec<u16> = all.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [23, 54, 10, 11, 22, 1, 28]);
    assert_eq!((all[1].1[0], all[1].1.len()), (4, 5), "our own connection ID, with its length");
    assert_eq!((&all[5].1[..], &all[6].1[..]), (&[2][..], &[0x04, 0xB0][..]));
    let only_ccm = extensions::<Everything>(Security { suites: &[PSK_CCM_8], ..psk_security() });
    let numbers: Vec<u16> = only_ccm.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [23, 54, 1, 28]);
}

#[test]
fn the_hello_has_its_version_the_signalling_suite_last_and_no_compression() {
    let duel = Duel::<PskCid>::new(psk_security());
    let hello = &duel.sent[0];
    assert_eq!(hello[..3], [22, 0xFE, 0xFD]);
    assert_eq!(hello[25..27], [0xFE, 0xFD]);
    // Behind random, session id and cookie: two suites, one way of compression.
    assert_eq!(hello[59..], [&[0, 0, 0, 4, 0xC0, 0xA8, 0x00, 0xFF, 1, 0][..], &hello[69..]].concat());
}

/// No time in front of it, and never the same twice.
#[test]
fn the_random_is_all_random_and_new_in_each_handshake() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut generator = crate::common::SeededRng(7);
    for _ in 0..3 {
        let mut expected = [0; 32];
        generator.fill(&mut expected).expect("it never fails");
        assert_eq!(duel.take_sent()[0][27..59], expected);
        duel.connect();
    }
}

#[test]
fn ephemeral_keys_are_new_in_each_handshake() {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut shares = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let (server, _) = crate::client_certificate::handshake(&mut duel, None, &raw_key_extensions());
        let share = server.client_messages.iter().find(|message| message.0 == CLIENT_KEY_EXCHANGE);
        shares.insert(share.expect("it is sent").1.clone());
        duel.clear();
        duel.connect();
    }
    assert_eq!(shares.len(), 3);
}

/// A server may write 1.0 in the records up to its hello, and in the HelloVerifyRequest: neither says anything.
#[test]
fn either_version_is_taken_before_the_servers_hello_and_one_after_it() {
    for (request_record, request_body, hello_record) in [
        (VERSION_1_0, VERSION_1_0, VERSION_1_0),
        (VERSION_1_0, [0xFE, 0xFD], [0xFE, 0xFD]),
        ([0xFE, 0xFD], VERSION_1_0, [0xFE, 0xFD]),
        ([0xFE, 0xFD], [0xFE, 0xFD], VERSION_1_0),
    ] {
        let mut duel = Duel::<PskOnly>::new(psk_security());
        let mut server = Hostile::new();
        duel.clear();
        let mut request = server.hello_verify_request(0, &[7; 16]);
        request[1..3].copy_from_slice(&request_record);
        request[25..27].copy_from_slice(&request_body);
        duel.deliver(&request);
        server.read_hello(&mut duel);
        server.message_seq = 1;
        let body = server.psk_hello();
        let mut hello = server.say(SERVER_HELLO, &body);
        hello[1..3].copy_from_slice(&hello_record);
        duel.deliver(&hello);
        let done = server.say(SERVER_HELLO_DONE, &[]);
        let mut late = done.clone();
        late[1..3].copy_from_slice(&VERSION_1_0);
        duel.deliver(&late);
        duel.assert_unmoved();
        duel.deliver(&done);
        server.read_flight(&mut duel);
        let mut finished = server.finished();
        duel.deliver(&server.change_cipher_spec());
        // The version is authenticated, and it is compared before that.
        finished[1..3].copy_from_slice(&VERSION_1_0);
        duel.deliver(&finished);
        assert!(!duel.client.is_connected());
        finished[1..3].copy_from_slice(&[0xFE, 0xFD]);
        duel.deliver(&finished);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
    }
}

/// The second hello asks for the same session, and after a cookie the transcript starts with it. A server without state
/// numbers its hello 0 or as the client's, 1.
#[test]
fn a_cookie_changes_nothing_but_itself() {
    for number in [0, 1] {
        let mut duel = Duel::<PskCid>::new(psk_security());
        let master = crate::handshake::resumable(&mut duel);
        let mut server = Hostile { master, server_random: [0x77; 32], ..Hostile::new() };
        server.read_hello(&mut duel);
        let first = server.client_random.clone();
        let request = server.hello_verify_request(0, &[7; 16]);
        duel.deliver(&request);
        server.read_hello(&mut duel);
        assert_eq!((&server.client_random, &server.client_session_id[..]), (&first, &[0xD1; 32][..]));
        server.message_seq = number;
        let body = server.server_hello(PSK_CCM_8, &[0xD1; 32], &[extension(23, &[])]);
        let hello = server.say(SERVER_HELLO, &body);
        server.expand();
        let flight = [hello, server.change_cipher_spec(), server.finished()].concat();
        duel.deliver(&flight);
        assert!(duel.client.is_connected(), "{number}: {:?}", duel.events);
    }
}

#[test]
fn an_unrecognized_name_is_a_warning_or_the_end() {
    let security = Security { server_name: Some(ServerName::Dns("tenant.example")), ..psk_security() };
    let mut duel = Duel::<PskOnly>::new(security);
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let warning = server.plain(21, &[1, 112]);
    // And an empty answer to the name.
    let body = server.server_hello(PSK_CCM_8, &[], &[extension(23, &[]), extension(0, &[])]);
    let flight = [warning, server.say(SERVER_HELLO, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    server.read_flight(&mut duel);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    let mut duel = Duel::<PskOnly>::new(security);
    duel.deliver(&record(21, 0, 0, &[2, 112]));
    let alert = AlertSeen::Received(Alert::UNRECOGNIZED_NAME);
    assert_eq!(duel.events, [Event::Failed { reason: FailureReason::Refused, alert }]);
}

/// The reasons that a caller can act on are told apart; whatever the alert, its code is reported.
#[test]
fn every_fatal_alert_has_a_reason() {
    for code in 0..=255 {
        let expected = match code {
            115 => FailureReason::UnknownIdentity,
            20 | 51 => FailureReason::WrongKey,
            45 => FailureReason::CertificateExpired,
            48 => FailureReason::UnknownCa,
            42 | 43 | 44 | 46 | 49 | 116 => FailureReason::CertificateRefused,
            70 => FailureReason::ProtocolVersion,
            _ => FailureReason::Refused,
        };
        let mut duel = Duel::<PskOnly>::new(psk_security());
        duel.deliver(&record(21, 0, 0, &[2, code]));
        let alert = AlertSeen::Received(Alert(code));
        assert_eq!(duel.events, [Event::Failed { reason: expected, alert }]);
    }
}

/// RFC 7366 section 2: offered with CBC among others, it means nothing for them.
#[test]
fn encrypt_then_mac_is_for_block_ciphers() {
    let mut duel = Duel::<Everything>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.server_hello(PSK_CCM_8, &[], &[extension(23, &[]), extension(22, &[])]);
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    duel.assert_failed(FailureReason::IllegalParameter, 47);
}

#[test]
fn datagram_limits_that_hold_no_finished_are_refused() {
    assert_eq!((Options::DEFAULT.mtu, Options::MTU_MIN), (1200, 128));
    let mut client = Connection::<Everything>::new();
    let mut connect =
        |mtu| client.connect(Instant::START, &psk_security(), &Options { mtu, ..Options::DEFAULT });
    assert_eq!(connect(127), Err(ConnectError::MtuTooSmall));
    assert_eq!(connect(128), Ok(()));
}

/// Neither a server that asks for an older version, nor one that refuses ours, gets another one.
#[test]
fn no_older_version_is_tried() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    for _ in 0..3 {
        duel.clear();
        duel.connect();
        assert_eq!((&duel.sent[0][1..3], &duel.sent[0][25..27]), (&[0xFE, 0xFD][..], &[0xFE, 0xFD][..]));
        let mut alert = record(21, 0, 0, &[2, 70]);
        alert[1..3].copy_from_slice(&VERSION_1_0);
        duel.deliver(&alert);
        let alert = AlertSeen::Received(Alert::PROTOCOL_VERSION);
        assert_eq!(duel.events, [Event::Failed { reason: FailureReason::ProtocolVersion, alert }]);
    }
}
