//! Key exchange, extended master secret, resumption.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use coracle_crypto::profiles::{Everything, PskCid, PskOnly};
use coracle_crypto::{
    Alert, AlertSeen, CipherSuite, Credentials, Event, FailureReason, NoCurve, Profile, Psk, Requirement,
    SealError, Security, ServerName, SoftAes,
};

const UNEXPECTED_MESSAGE: u8 = 10;
const HANDSHAKE_FAILURE: u8 = 40;
const ILLEGAL_PARAMETER: u8 = 47;

/// Makes a session that the client keeps, and starts the next handshake. Answers the master secret.
pub fn resumable<P: Profile>(duel: &mut Duel<'_, P>) -> Vec<u8> {
    resumable_with(duel, true)
}

fn resumable_with<P: Profile>(duel: &mut Duel<'_, P>, extended_master_secret: bool) -> Vec<u8> {
    let mut server = Hostile { extended_master_secret, ..Hostile::new() };
    server.read_hello(duel);
    let extensions = if extended_master_secret { vec![extension(23, &[])] } else { vec![] };
    let body = server.server_hello(PSK_CCM_8, &[0xD1; 32], &extensions);
    server.answers(duel, &body);
    server.finishes(duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    duel.clear();
    duel.connect();
    server.master
}

/// Resumes it. Answers the script, connected.
pub fn resume<P: Profile>(duel: &mut Duel<'_, P>, extensions: &[Vec<u8>]) -> Hostile {
    let master = resumable(duel);
    let mut server = Hostile { master, server_random: [0x77; 32], ..Hostile::new() };
    server.read_hello(duel);
    let body = server.server_hello(PSK_CCM_8, &[0xD1; 32], extensions);
    let hello = server.say(SERVER_HELLO, &body);
    server.expand();
    let flight = [hello, server.change_cipher_spec(), server.finished()].concat();
    duel.deliver(&flight);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    server
}

/// It says nothing about the key; it is part of the handshake all the same.
#[test]
fn an_identity_hint_is_ignored() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.psk_hello();
    let flight = [
        server.say(SERVER_HELLO, &body),
        server.say(SERVER_KEY_EXCHANGE, &vec16(b"use another identity")),
        server.say(SERVER_HELLO_DONE, &[]),
    ]
    .concat();
    duel.deliver(&flight);
    server.read_flight(&mut duel);
    assert_eq!(server.client_messages, [(CLIENT_KEY_EXCHANGE, vec16(crate::duel::IDENTITY))]);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
}

/// With pre-shared keys and forward secrecy the point is as little trusted as with certificates.
#[test]
fn points_off_the_curve_are_refused_without_a_signature_too() {
    let suites = [0xD003];
    for change in 0..4 {
        let mut duel = Duel::<Everything>::new(Security { suites: &suites, ..psk_security() });
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let hello = server.server_hello(0xD003, &[], &[extension(23, &[])]);
        let mut point = server.point();
        match change {
            0 => point[64] ^= 1,
            1 => point[0] = 2,
            2 => point[1..].fill(0),
            _ => point = vec![0],
        }
        let exchange = [vec16(b""), Hostile::params(&point)].concat();
        let flight = [
            server.say(SERVER_HELLO, &hello),
            server.say(SERVER_KEY_EXCHANGE, &exchange),
            server.say(SERVER_HELLO_DONE, &[]),
        ]
        .concat();
        duel.deliver(&flight);
        duel.assert_failed(FailureReason::IllegalParameter, ILLEGAL_PARAMETER);
    }
}

/// Our application data waits for the server's Finished.
#[test]
fn nothing_is_sealed_before_the_handshake_is_complete() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let refused =
        |duel: &mut Duel<'_, PskOnly>| duel.client.seal(&mut [0; 100], 4) == Err(SealError::NotConnected);
    assert!(refused(&mut duel));
    let mut server = psk_until_finished(&mut duel);
    assert!(refused(&mut duel));
    duel.deliver(&server.change_cipher_spec());
    assert!(refused(&mut duel));
    assert_eq!(duel.client.payload_limit(), 0);
    let finished = server.finished();
    duel.deliver(&finished);
    assert_eq!(duel.seal(b"now").len(), 13 + 8 + 3 + 8);
}

/// Neither way: a session without the extended master secret is not resumed with it.
#[test]
fn sessions_keep_their_kind_of_master_secret() {
    let security = Security { extended_master_secret: Requirement::Optional, ..psk_security() };
    for (before, after) in [(false, true), (true, false)] {
        let mut duel = Duel::<PskCid>::new(security);
        resumable_with(&mut duel, before);
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        assert_eq!(server.client_session_id, [0xD1; 32]);
        let extensions = if after { vec![extension(23, &[])] } else { vec![] };
        let body = server.server_hello(PSK_CCM_8, &[0xD1; 32], &extensions);
        let hello = server.say(SERVER_HELLO, &body);
        duel.deliver(&hello);
        duel.assert_failed(FailureReason::NoExtendedMasterSecret, HANDSHAKE_FAILURE);
    }
}

/// A server that does not resume says so by another session id, or by none: the handshake is a full one.
#[test]
fn a_session_that_is_refused_costs_no_flight() {
    for id in [&[0xE2; 32][..], &[]] {
        let mut duel = Duel::<PskCid>::new(psk_security());
        resumable(&mut duel);
        let mut server = Hostile::session(&mut duel, id, &[extension(23, &[])]);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        duel.connect();
        server.read_hello(&mut duel);
        assert_eq!(server.client_session_id, id, "the new one is offered next");
    }
}

/// Tickets are not asked for, so none may come.
#[test]
fn a_session_ticket_is_refused() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.psk_hello();
    let ticket = [&[0, 0, 0, 60][..], &vec16(&[7; 40])].concat();
    let flight = [server.say(SERVER_HELLO, &body), server.say(4, &ticket)].concat();
    duel.deliver(&flight);
    duel.assert_failed(FailureReason::UnexpectedMessage, UNEXPECTED_MESSAGE);
}

/// Whatever its bytes: no text is expected in it, and none is made of it.
#[test]
fn an_identity_is_bytes() {
    let identity: Vec<u8> = (0..128).map(|byte| byte * 2 + 1).collect();
    let psk = Psk::new(&identity, crate::duel::KEY).expect("fine");
    let mut duel = Duel::<PskOnly>::new(Security::new(b"server", Credentials::Psk(psk)));
    let mut server = psk_until_finished(&mut duel);
    assert_eq!(server.client_messages, [(CLIENT_KEY_EXCHANGE, vec16(&identity))]);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected());
}

/// Three forgeries are too many.
enum Careful {}

impl Profile for Careful {
    const SUITES: &'static [CipherSuite] = &[CipherSuite::PskAes128Ccm8];
    const RAW_PUBLIC_KEYS: bool = false;
    const CERTIFICATES: bool = false;
    const CONNECTION_ID: bool = false;
    const MAX_FRAGMENT_LENGTH: u16 = 0;
    const RECORD_SIZE_LIMIT: u16 = 0;
    const FAILED_OPEN_LIMIT: u32 = 3;
    type Aes = SoftAes;
    type Curve = NoCurve;
    type KeyBlock = [u8; 40];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 0];
    type PeerCid = [u8; 0];
    type Reassembly = [u8; 0];
    type ReplayWindow = [u32; 2];
}

/// Unlike one that was closed in peace.
#[test]
fn a_session_that_ended_in_a_fatal_alert_is_not_resumed() {
    for (alert, kept) in [([1, 0], true), ([2, 80], false), ([2, 20], false)] {
        let mut duel = Duel::<PskCid>::new(psk_security());
        let mut server = resume(&mut duel, &[extension(23, &[])]);
        let alert = server.protect(21, &alert);
        duel.deliver(&alert);
        assert!(!duel.client.is_connected());
        duel.clear();
        duel.connect();
        server.read_hello(&mut duel);
        assert_eq!(!server.client_session_id.is_empty(), kept);
    }
    // Nor one that too many forgeries have ended, or a handshake that failed.
    let mut duel = Duel::<Careful>::new(psk_security());
    let mut server = resume(&mut duel, &[extension(23, &[])]);
    for number in 0..3 {
        assert!(duel.client.is_connected());
        duel.deliver(&record(23, 1, 1_000 + number, &[0; 17]));
    }
    assert!(!duel.client.is_connected());
    duel.connect();
    server.read_hello(&mut duel);
    assert_eq!(server.client_session_id, []);
    let mut duel = Duel::<PskCid>::new(psk_security());
    resumable(&mut duel);
    duel.deliver(&record(21, 0, 0, &[2, 40]));
    duel.connect();
    server.read_hello(&mut duel);
    assert_eq!(server.client_session_id, []);
}

/// It says so with its keys, but before its Finished: nothing more is to be expected.
#[test]
fn a_server_that_closes_before_its_finished_ends_the_handshake() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let mut server = Hostile::half_way(&mut duel, &[], &[extension(23, &[])]);
    duel.clear();
    let warning = server.protect(21, &[1, 90]);
    let closing = server.protect(21, &[1, 0]);
    let change = server.change_cipher_spec();
    duel.deliver(&[change, warning].concat());
    duel.assert_unmoved();
    duel.deliver(&closing);
    let alert = AlertSeen::Received(Alert::CLOSE_NOTIFY);
    assert_eq!(duel.events, [Event::Failed { reason: FailureReason::Refused, alert }]);
    let sent = duel.take_sent();
    assert_eq!((sent.len(), server.open_client(&sent[0])), (1, Some(vec![1, 0])), "it is answered");
    assert_eq!(duel.client.poll_timeout(), None);
}

/// The server that is asked for by name is part of what a session is kept for. All else is offered as ever.
#[test]
fn a_session_is_offered_with_the_name_that_it_was_made_with() {
    let named = |name| Security { server_name: Some(ServerName::Dns(name)), ..psk_security() };
    let hello = |duel: &mut Duel<'_, PskCid>| {
        let mut server = Hostile::new();
        server.read_hello(duel);
        (server.client_session_id.len(), server.client_extensions)
    };
    let (length, extensions) = hello(&mut Duel::<PskCid>::new(named("tenant.example")));
    assert!(length == 0 && extensions.iter().any(|(number, _)| *number == 0));
    let mut duel = Duel::<PskCid>::new(named("tenant.example"));
    resumable(&mut duel);
    assert_eq!(hello(&mut duel), (32, extensions));
    duel.security = named("another.example");
    duel.connect();
    assert_eq!(hello(&mut duel).0, 0);
}

#[test]
fn a_session_is_offered_together_with_its_suite_or_not_at_all() {
    for (suites, length) in [(&[PSK_CCM_8, 0xC0A4][..], 32), (&[0xC0A4, PSK_CCM_8], 32), (&[0xC0A4], 0)] {
        let mut duel = Duel::<Everything>::new(psk_security());
        resumable(&mut duel);
        duel.security = Security { suites, ..psk_security() };
        duel.connect();
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        assert_eq!(server.client_session_id.len(), length, "{suites:04x?}");
    }
}

/// Asked for in the datagram of the Finished that we have not answered yet: the handshake goes on as if nothing was said.
#[test]
fn a_hello_request_before_our_last_flight_is_ignored() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let master = resumable(&mut duel);
    let mut server = Hostile { master, server_random: [0x77; 32], ..Hostile::new() };
    server.read_hello(&mut duel);
    let body = server.server_hello(PSK_CCM_8, &[0xD1; 32], &[extension(23, &[])]);
    let hello = server.say(SERVER_HELLO, &body);
    server.expand();
    let (change, finished) = (server.change_cipher_spec(), server.finished());
    let request = server.protect(22, &fragment(0, 0, 0, 0, &[]));
    duel.deliver(&[hello, change, finished, request].concat());
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    let sent = duel.take_sent().concat();
    let kinds: Vec<u8> = crate::records::records_of(&sent).iter().map(|record| record[0]).collect();
    assert_eq!(kinds, [20, 22], "ChangeCipherSpec and Finished, no alert");
}
