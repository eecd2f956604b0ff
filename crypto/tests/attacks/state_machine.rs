//! Messages out of order, left out, repeated, or choosing what was not offered.

use crate::alerts::{DECODE_ERROR, DECRYPT_ERROR, ILLEGAL_PARAMETER, UNEXPECTED_MESSAGE};
use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, ecdsa_script, raw_key_extensions, until_key_exchange};
use coracle_crypto::profiles::{Everything, PskOnly, PskRpkCid};
use coracle_crypto::{FailureReason, Instant, Security};

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
    server.finishes(&mut duel);
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
