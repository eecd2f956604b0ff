//! Sessions: established ones that nothing in the clear may move, and those that are resumed only as they were.

use crate::alerts::{DECRYPT_ERROR, HANDSHAKE_FAILURE, ILLEGAL_PARAMETER};
use crate::authority::*;
use crate::builder::{Authority, Fields, chain};
use crate::duel::{Duel, IDENTITY, KEY, psk_security};
use crate::hostile::*;
use coracle_crypto::profiles::{Everything, PskCid, PskOnly};
use coracle_crypto::{
    Alert, AlertSeen, CertificateUsage, CloseReason, Credentials, Event, FailureReason, Psk, Security,
};

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
    server.finishes(&mut duel);
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
    server.finishes(&mut duel);
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
        server.finishes(&mut duel);
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

/// RFC 6347 section 4.2.4: what goes out again is the same message, also when the server has declined the session in it. Cookies
/// cover the session id, and a server that has lost its state begins anew with it.
#[test]
fn a_hello_goes_out_again_with_the_session_that_was_declined() {
    let (mut duel, _) = resumable();
    duel.connect();
    let first = duel.sent.last().expect("a hello").clone();
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.server_hello(PSK_CCM_8, &[0xE2; 32], &[extension(23, &[])]);
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    duel.wait();
    assert_eq!(duel.take_sent(), [record(22, 0, 1, &first[13..])]);
    // The handshake goes on, and the new session is the one that is offered next.
    let done = server.say(SERVER_HELLO_DONE, &[]);
    duel.deliver(&done);
    server.read_flight(&mut duel);
    server.finishes(&mut duel);
    assert!(matches!(duel.events[..], [Event::Connected(connected)] if !connected.resumed));
    duel.connect();
    server.read_hello(&mut duel);
    assert_eq!(server.client_session_id, [0xE2; 32]);
}

/// Nor is one of a declined session offered after the handshake in which it was has failed.
#[test]
fn a_declined_session_is_not_offered_again() {
    for done in [false, true] {
        let (mut duel, mut server) = resumable();
        let body = server.server_hello(PSK_CCM_8, &[0xE2; 32], &[extension(23, &[])]);
        let mut flight = server.say(SERVER_HELLO, &body);
        if done {
            flight.extend(server.say(SERVER_HELLO_DONE, &[]));
        }
        duel.deliver(&flight);
        duel.connect();
        server.read_hello(&mut duel);
        assert_eq!(server.client_session_id, [], "{done}");
    }
}

/// Who was trusted by authorities that are not trusted any more, or under another name, is checked again.
#[test]
fn a_session_is_not_offered_when_other_certificates_are_trusted() {
    let world = world();
    let leaf = world.leaf(&Fields::leaf(HOST));
    let other = Authority::new(0x77).own(&Fields::ca("other"));
    let (store, elsewhere): ([&[u8]; 1], [&[u8]; 2]) = ([&world.anchor], [&other, &world.anchor]);
    let offered = |before: Rules<'_>, after: Rules<'_>| {
        let mut duel = Duel::<Everything>::new(before.security());
        let mut server = Hostile { ecdhe: true, ..Hostile::new() };
        server.read_hello(&mut duel);
        let hello = server.server_hello(ECDSA_CCM_8, &[0xD1; 32], &[extension(23, &[])]);
        server.answers_with(&mut duel, &hello, &chain(&[&leaf]));
        server.finishes(&mut duel);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        let mut client = duel.client;
        let mut duel = Duel::<Everything>::new(after.security());
        std::mem::swap(&mut duel.client, &mut client);
        duel.connect();
        server.read_hello(&mut duel);
        server.client_session_id
    };
    let pinned = |store| Rules::new(CertificateUsage::ServiceCertificateConstraint, &leaf, store);
    assert_eq!(offered(pinned(&store), pinned(&store)), [0xD1; 32]);
    assert_eq!(offered(pinned(&store), pinned(&elsewhere)), []);
    assert_eq!(offered(pinned(&store), pinned(&elsewhere[..1])), []);
    // Where the store is not asked it does not matter.
    let issued = |store| Rules::new(CertificateUsage::DomainIssuedCertificate, &leaf, store);
    assert_eq!(offered(issued(&store), issued(&elsewhere)), [0xD1; 32]);
    let strict = Rules::anchor(&world.anchor);
    let any = Rules { policy: strict.policy.allow_any_name(), ..strict };
    let common = Rules { policy: strict.policy.allow_common_name(), ..strict };
    assert_eq!(offered(strict, strict), [0xD1; 32]);
    assert_eq!(offered(any, strict), []);
    assert_eq!(offered(common, strict), []);
}

/// The end of a session comes in the same datagram as its beginning.
#[test]
fn a_session_that_ends_at_once_is_told_of() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let all = [server.change_cipher_spec(), server.finished(), server.protect(21, &[2, 49])].concat();
    duel.deliver(&all);
    let alert = AlertSeen::Received(Alert::ACCESS_DENIED);
    assert_eq!(duel.events, [Event::Closed { reason: CloseReason::Alert, alert }]);
}
