//! The first hello without its extensions: what it is, and what becomes of it when something else than a cookie comes.

use crate::duel::{Duel, psk_security};
use crate::hello::Hello;
use crate::hostile::*;
use crate::raw_keys::{Keys, ecdsa_script, raw_key_extensions};
use coracle_crypto::profiles::{Everything, PskCid, PskOnly, PskRpkCid, ShortFirstHello};
use coracle_crypto::{Alert, AlertSeen, Event, FailureReason, Profile, Requirement, Security};

const HANDSHAKE_FAILURE: u8 = 40;
/// What we send to a server that has answered the short hello: its record is the second one.
const OUR_ALERT: [u8; 2] = [2, HANDSHAKE_FAILURE];

type Short = ShortFirstHello<PskOnly>;

/// The only datagram that was sent since the last look.
fn one<P: Profile>(duel: &mut Duel<'_, P>) -> Hello {
    let sent = duel.take_sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    Hello::read(&sent[0])
}

/// An alert of ours and a hello, and nothing else, were sent since the last look.
fn alert_and_hello<P: Profile>(duel: &mut Duel<'_, P>) -> Hello {
    let sent = duel.take_sent();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert_eq!((sent[0][0], &sent[0][13..]), (21, &OUR_ALERT[..]));
    Hello::read(&sent[1])
}

/// The rest of a handshake with a pre-shared key, from the client's latest hello on.
fn connects<P: Profile>(duel: &mut Duel<'_, P>, server: &mut Hostile) {
    let body = server.psk_hello();
    server.answers(duel, &body);
    server.finishes(duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
}

/// A server that has begun anew: another random, and messages that count from this number.
fn anew<P: Profile>(duel: &mut Duel<'_, P>, message_seq: u16) -> Hostile {
    let mut server = Hostile { server_random: [0x77; 32], message_seq, ..Hostile::new() };
    server.read_hello(duel);
    server
}

/// The same but for the cookie and the extensions; and only the second hello is part of the transcript.
#[test]
fn the_first_hello_has_no_extensions_and_the_second_has_all() {
    let mut duel = Duel::<Short>::new(psk_security());
    let first = one(&mut duel);
    assert!(first.is_short() && first.cookie.is_empty() && first.message_seq == 0);
    let mut server = Hostile::new();
    let request = server.hello_verify_request(0, &[7; 16]);
    duel.deliver(&request);
    let second = Hello::read(&duel.sent[0]);
    assert_eq!(second.extensions, [0, 4, 0, 23, 0, 0], "the extended master secret");
    let alike = Hello { record: 1, message_seq: 1, cookie: vec![7; 16], ..first };
    assert_eq!(Hello { extensions: vec![0, 0], ..second }, alike);
    server.read_hello(&mut duel);
    server.message_seq = 1;
    connects(&mut duel, &mut server);
    // A server that asks for cookies is asked so again.
    duel.clear();
    duel.connect();
    assert!(one(&mut duel).is_short());

    let keys = Keys::new();
    let mut duel = Duel::<ShortFirstHello<PskRpkCid>>::new(keys.security());
    assert!(one(&mut duel).is_short());
    let mut server = ecdsa_script();
    let request = server.hello_verify_request(0, &[7; 16]);
    duel.deliver(&request);
    server.read_hello(&mut duel);
    let numbers: Vec<u16> = server.client_extensions.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [23, 54, 10, 11, 13, 19, 20]);
    server.message_seq = 1;
    let (body, spki) = (server.server_hello(ECDSA_CCM_8, &[], &raw_key_extensions()), server.spki());
    server.answers_with(&mut duel, &body, &vec24(&spki));
    server.finishes(&mut duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
}

/// A server may resume it without a cookie: then there is no other hello.
#[test]
fn a_session_is_offered_in_a_whole_hello() {
    let mut duel = Duel::<ShortFirstHello<PskCid>>::new(psk_security());
    let mut server = Hostile::new();
    let request = server.hello_verify_request(0, &[7; 16]);
    duel.deliver(&request);
    server.read_hello(&mut duel);
    server.message_seq = 1;
    let body = server.server_hello(PSK_CCM_8, &[0xD1; 32], &[extension(23, &[])]);
    server.answers(&mut duel, &body);
    server.finishes(&mut duel);
    duel.clear();
    duel.connect();
    let hello = Hello::read(&duel.sent[0]);
    assert_eq!((&hello.session_id[..], hello.is_short()), (&[0xD1; 32][..], false));
    let mut resumed = Hostile { master: server.master, server_random: [0x77; 32], ..Hostile::new() };
    resumed.read_hello(&mut duel);
    let body = resumed.server_hello(PSK_CCM_8, &[0xD1; 32], &[extension(23, &[])]);
    let hello = resumed.say(SERVER_HELLO, &body);
    resumed.expand();
    let flight = [hello, resumed.change_cipher_spec(), resumed.finished()].concat();
    duel.deliver(&flight);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    // And its refusal is that of a whole hello: an alert ends the handshake, and the next one, without a session, is short.
    duel.clear();
    duel.connect();
    assert!(!one(&mut duel).is_short());
    duel.deliver(&record(21, 0, 0, &[2, HANDSHAKE_FAILURE]));
    let alert = AlertSeen::Received(Alert::HANDSHAKE_FAILURE);
    assert_eq!(duel.events, [Event::Failed { reason: FailureReason::Refused, alert }]);
    duel.connect();
    assert!(one(&mut duel).is_short());
}

/// The same hello, but whole, on the schedule of any other; a cookie for either is good for both.
#[test]
fn a_hello_that_is_not_answered_in_time_is_repeated_whole() {
    let mut duel = Duel::<Short>::new(psk_security());
    let (start, first) = (duel.now, one(&mut duel));
    let mut times = Vec::new();
    while duel.client.is_handshaking() {
        assert!(duel.wait());
        times.push(duel.now - start);
        if let Some(datagram) = duel.take_sent().first() {
            let again = Hello::read(datagram);
            assert!(!again.is_short());
            assert_eq!((&again.random, again.message_seq), (&first.random, 0));
        }
    }
    assert_eq!(times, [1_000, 3_000, 7_000, 15_000, 31_000]);
    assert_eq!(duel.events, [Event::Failed { reason: FailureReason::NoAnswer, alert: AlertSeen::None }]);
    // What was only lost changes nothing for the next handshake.
    duel.clear();
    duel.connect();
    assert!(one(&mut duel).is_short());
    assert!(duel.wait());
    let mut server = Hostile::new();
    let request = server.hello_verify_request(0, &[7; 16]);
    duel.deliver(&request);
    server.read_hello(&mut duel);
    server.message_seq = 1;
    connects(&mut duel, &mut server);
}

/// A server that needs no cookie: an alert to end what it has begun, and a new handshake with a whole hello.
#[test]
fn an_answer_without_a_cookie_begins_the_handshake_again() {
    let mut duel = Duel::<Short>::new(psk_security());
    let mut server = Hostile::new();
    let first = Hello::read(&duel.sent[0]);
    server.read_hello(&mut duel);
    let body = server.server_hello(PSK_CCM_8, &[], &[extension(0xFF01, &[0])]);
    let flight = [server.say(SERVER_HELLO, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    let again = alert_and_hello(&mut duel);
    assert!(!again.is_short());
    assert_ne!(again.random, first.random, "a new handshake");
    // The alert has the number in between: a server may count them across both.
    assert_eq!((again.record, again.message_seq), (2, 0));
    duel.assert_unmoved();
    // What it still sends of the old one is nothing to the new one.
    duel.deliver(&flight);
    duel.deliver(&server.change_cipher_spec());
    duel.assert_unmoved();
    duel.wait();
    let mut server = anew(&mut duel, 0);
    assert_eq!(server.client_random, again.random);
    connects(&mut duel, &mut server);
    // It is remembered.
    duel.clear();
    duel.connect();
    let next = one(&mut duel);
    assert!(!next.is_short());
    assert_eq!((next.record, next.message_seq), (0, 0));
    // Of this server.
    duel.security.server = b"another server";
    duel.connect();
    assert!(one(&mut duel).is_short());
}

/// Whatever the alert says: for some servers it is only the extensions that are missing. No alert of ours: nothing is left.
#[test]
fn a_refusal_begins_the_handshake_again() {
    let refusals = (0..=255).map(|code| [2, code]).chain([[1, 0]]);
    for refusal in refusals {
        let mut duel = Duel::<Short>::new(psk_security());
        let first = one(&mut duel);
        duel.deliver(&record(21, 0, 0, &refusal));
        let again = one(&mut duel);
        assert!(!again.is_short() && again.random != first.random && again.record == 1);
        // It may come twice.
        duel.deliver(&record(21, 0, 0, &refusal));
        duel.assert_unmoved();
        duel.wait();
        let mut server = anew(&mut duel, 0);
        connects(&mut duel, &mut server);
        duel.clear();
        duel.connect();
        assert!(!one(&mut duel).is_short(), "it is remembered");
        duel.deliver(&record(21, 0, 0, &refusal));
        assert!(matches!(duel.events[..], [Event::Failed { .. }]), "{:?}", duel.events);
    }
    // Other warnings mean nothing, as ever.
    let mut duel = Duel::<Short>::new(psk_security());
    duel.clear();
    duel.deliver(&record(21, 0, 0, &[1, 112]));
    duel.assert_unmoved();
}

/// What has come of an answer to the short hello is no part of that to the whole one.
#[test]
fn half_an_answer_to_the_short_hello_is_forgotten() {
    let security = Security { suites: &[PSK_CCM_8], ..psk_security() };
    let mut duel = Duel::<ShortFirstHello<Everything>>::new(security);
    let mut server = Hostile::new();
    let old = server.server_hello(PSK_CCM_8, &[0xD1; 32], &[]);
    let half = server.plain(22, &fragment(SERVER_HELLO, old.len(), 0, 0, &old[..10]));
    duel.deliver(&half);
    duel.deliver(&record(21, 0, 0, &[2, HANDSHAKE_FAILURE]));
    let mut server = anew(&mut duel, 0);
    let body = server.psk_hello();
    let (first, second) = body.split_at(20);
    server.message(SERVER_HELLO, &body);
    for (offset, piece) in [(0, first), (20, second)] {
        let datagram = server.plain(22, &fragment(SERVER_HELLO, body.len(), 0, offset, piece));
        duel.deliver(&datagram);
    }
    let done = server.say(SERVER_HELLO_DONE, &[]);
    duel.deliver(&done);
    server.read_flight(&mut duel);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
}

/// Who refuses the whole hello as well, refuses: with its reason, at the second time.
#[test]
fn a_server_that_refuses_both_hellos_ends_the_handshake() {
    let refusal = record(21, 0, 0, &[2, 71]);
    let refused = Event::Failed {
        reason: FailureReason::Refused,
        alert: AlertSeen::Received(Alert::INSUFFICIENT_SECURITY),
    };
    let mut duel = Duel::<Short>::new(psk_security());
    duel.deliver(&refusal);
    duel.deliver(&refusal);
    assert_eq!(duel.events, []);
    assert!(duel.wait());
    duel.deliver(&refusal);
    assert_eq!((&duel.events[..], duel.sent.len()), (&[refused][..], 3));
    // After a cookie for the whole one: at once.
    let mut duel = Duel::<Short>::new(psk_security());
    duel.deliver(&refusal);
    let mut server = Hostile::new();
    let request = server.hello_verify_request(0, &[7; 16]);
    duel.deliver(&request);
    duel.deliver(&refusal);
    assert_eq!(duel.events, [refused]);
    // After a cookie for the short one it may be because of that: once more.
    let mut duel = Duel::<Short>::new(psk_security());
    let request = server.hello_verify_request(0, &[7; 16]);
    duel.deliver(&request);
    duel.clear();
    duel.deliver(&refusal);
    let again = one(&mut duel);
    assert!(!again.is_short() && again.cookie.is_empty() && again.message_seq == 0);
    let mut server = Hostile::new();
    let request = server.hello_verify_request(0, &[8; 16]);
    duel.deliver(&request);
    server.read_hello(&mut duel);
    server.message_seq = 1;
    connects(&mut duel, &mut server);
    // After the server's own hello it is about something else.
    let mut duel = Duel::<Short>::new(psk_security());
    let mut server = Hostile::new();
    let request = server.hello_verify_request(0, &[7; 16]);
    duel.deliver(&request);
    server.read_hello(&mut duel);
    server.message_seq = 1;
    let body = server.psk_hello();
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    duel.deliver(&refusal);
    assert_eq!(duel.events, [refused]);
}

/// The handshake would go on with what the whole hello asked for left out.
#[test]
fn a_server_that_looks_only_at_the_short_hello_gets_a_whole_one_first() {
    let security = Security { extended_master_secret: Requirement::Optional, ..psk_security() };
    for (requests, waits) in [(0, 1), (1, 0), (1, 1)] {
        let mut duel = Duel::<ShortFirstHello<PskCid>>::new(security);
        let mut server = Hostile::new();
        (0..waits).for_each(|_| assert!(duel.wait()));
        for cookie in 0..requests {
            let request = server.hello_verify_request(0, &[cookie; 16]);
            duel.deliver(&request);
        }
        server.read_hello(&mut duel);
        let body = server.server_hello(PSK_CCM_8, &[], &[extension(0xFF01, &[0])]);
        server.message_seq = requests.into();
        let hello = server.say(SERVER_HELLO, &body);
        duel.deliver(&hello);
        let again = alert_and_hello(&mut duel);
        assert!(!again.is_short() && again.cookie.is_empty() && again.message_seq == 0);
        // Also this one may come twice, whatever its number.
        duel.deliver(&hello);
        duel.assert_unmoved();
        // A server that does not know the extension says so a second time: as configured.
        duel.wait();
        let mut server = anew(&mut duel, 0);
        server.extended_master_secret = false;
        let body = server.server_hello(PSK_CCM_8, &[], &[]);
        server.answers(&mut duel, &body);
        server.finishes(&mut duel);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
    }
    // One with the extension can only be for the whole hello.
    let mut duel = Duel::<Short>::new(security);
    assert!(duel.wait());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    connects(&mut duel, &mut server);
    assert_eq!(duel.events.len(), 1);
}

/// The server repeats its answer to the short hello, for our alert was lost. It is sent again, with the next hello.
#[test]
fn a_server_that_has_not_heard_our_alert_gets_it_again() {
    let mut duel = Duel::<Short>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.psk_hello();
    let flight = [server.say(SERVER_HELLO, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    alert_and_hello(&mut duel);
    for _ in 0..2 {
        assert!(duel.wait());
        // To those who say nothing: no alert. It could end what the hello has begun.
        assert!(!one(&mut duel).is_short());
        for _ in 0..10 {
            duel.deliver(&flight);
            duel.assert_unmoved();
        }
        assert!(duel.wait());
        assert!(!alert_and_hello(&mut duel).is_short());
    }
    duel.wait();
    assert_eq!(duel.events, [Event::Failed { reason: FailureReason::NoAnswer, alert: AlertSeen::None }]);
}

/// Servers whose cookies cover the extensions ask twice; and a cookie may expire, as ever.
#[test]
fn three_cookies_are_taken_after_a_short_hello() {
    let mut duel = Duel::<Short>::new(psk_security());
    let first = one(&mut duel);
    let mut server = Hostile::new();
    for number in 1..=3_u8 {
        let request = server.hello_verify_request(0, &[number; 16]);
        duel.deliver(&request);
        let hello = one(&mut duel);
        assert!(!hello.is_short());
        assert_eq!((&hello.random, &hello.cookie[..]), (&first.random, &[number; 16][..]));
        assert_eq!(hello.message_seq, number.into());
    }
    for number in 4..20 {
        let request = server.hello_verify_request(0, &[number; 16]);
        duel.deliver(&request);
        duel.assert_unmoved();
    }
    duel.wait();
    server.read_hello(&mut duel);
    server.message_seq = 3;
    connects(&mut duel, &mut server);
    // Not when the handshake has begun again, with a whole one.
    duel.connect();
    duel.deliver(&record(21, 0, 0, &[2, HANDSHAKE_FAILURE]));
    duel.clear();
    for number in 1..20_u8 {
        let request = server.hello_verify_request(0, &[number; 16]);
        duel.deliver(&request);
    }
    assert_eq!(duel.sent.len(), 2);
}

/// Anybody may forge an alert or a `ServerHello`: all that comes of it is a whole hello, once, and some alerts.
#[test]
fn forged_answers_are_not_amplified() {
    let mut duel = Duel::<Short>::new(psk_security());
    while duel.wait() {}
    let (silent, hello) = (duel.sent.concat().len(), duel.sent[1].len());
    // The same hello for ever, alerts for ever, another hello each time: how often, until the handshake has failed.
    for (kind, least) in [(0, 3_000), (1, 100), (2, 100)] {
        let mut duel = Duel::<Short>::new(psk_security());
        let mut server = Hostile::new();
        let mut forged = 0_u16;
        while duel.client.is_handshaking() {
            if kind == 2 {
                server.server_random[..2].copy_from_slice(&forged.to_be_bytes());
            }
            let body = server.psk_hello();
            let message = fragment(SERVER_HELLO, body.len(), 0, 0, &body);
            let datagram = match kind {
                1 => server.plain(21, &[2, HANDSHAKE_FAILURE]),
                _ => server.plain(22, &message),
            };
            duel.deliver(&datagram);
            forged += 1;
            duel.now += 10;
            let now = duel.time();
            duel.client.handle_timeout(now);
            duel.pump();
        }
        assert!(forged >= least, "{kind}: {forged}");
        let bytes = duel.sent.concat().len();
        assert!(bytes <= silent + hello + 6 * 15, "{kind}: {bytes} instead of {silent} bytes");
        assert_eq!(duel.events.len(), 1, "{:?}", duel.events);
    }
}
