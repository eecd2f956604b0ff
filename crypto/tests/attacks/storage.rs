//! Sessions that were stored: nobody gains by it, and no number is used twice.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use coracle_crypto::profiles::{Everything, PskCid};
use coracle_crypto::{CONTEXT_LEN, Connection, ExportError, Profile, SealError};

fn store<P: Profile>(duel: &mut Duel<'_, P>, reserve: u32) -> [u8; CONTEXT_LEN] {
    let mut stored = [0; CONTEXT_LEN];
    duel.client.export(reserve, &mut stored).expect("connected");
    stored
}

fn restore<P: Profile>(duel: &mut Duel<'_, P>, stored: &[u8; CONTEXT_LEN]) {
    duel.client = Connection::new();
    duel.client.restore(&duel.security, &duel.options, stored).expect("intact");
}

/// A server that asks for our last flight of a resumed handshake gets it only as long as there is a number for it. Without
/// one nothing fails, and nothing is due.
#[test]
fn a_repeated_flight_takes_no_number_that_is_stored() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let master = Hostile::session(&mut duel, &[0xD1; 32], &[extension(23, &[])]).master;
    duel.clear();
    duel.connect();
    let mut server = Hostile { master, ..Hostile::new() };
    server.read_hello(&mut duel);
    let body = server.server_hello(PSK_CCM_8, &[0xD1; 32], &[extension(23, &[])]);
    let hello = server.say(SERVER_HELLO, &body);
    server.expand();
    let finished = fragment(FINISHED, 12, 1, 0, &server.verify_data("server finished"));
    let flight = [hello, server.change_cipher_spec(), server.protect(22, &finished)].concat();
    duel.deliver(&flight);
    assert!(duel.client.is_connected());
    duel.clear();
    for (reserve, answers) in [(0, 0), (1, 1)] {
        store(&mut duel, reserve);
        for _ in 0..3 {
            duel.now += 10_000;
            let again = server.protect(22, &finished);
            duel.deliver(&again);
            assert_eq!(duel.client.poll_timeout(), None);
        }
        assert_eq!(duel.take_sent().len(), answers, "{reserve}");
        assert!(duel.client.is_connected());
    }
}

/// RFC 6347 section 4.1: at the end of the numbers are some that only alerts may take. They take each of them once.
#[test]
fn the_last_alert_does_not_use_a_number_twice() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    psk_connected(&mut duel);
    let mut stored = store(&mut duel, 0);
    let end: u64 = (1 << 48) - (1 << 16);
    let at = stored.windows(8).position(|window| window == 1_u64.to_be_bytes()).expect("the next number");
    stored[at..at + 8].copy_from_slice(&(end - 1).to_be_bytes());
    let (body, digest) = stored.split_at_mut(CONTEXT_LEN - 8);
    let expected = <sha2::Sha256 as sha2::Digest>::digest([b"coracle dtls session", &*body].concat());
    digest.copy_from_slice(&expected[..8]);
    restore(&mut duel, &stored);
    let last = store(&mut duel, 1);
    duel.seal(b"the last one");
    let close = |duel: &mut Duel<'_, PskCid>| {
        duel.clear();
        duel.client.close(duel.time());
        duel.pump();
        duel.take_sent()
    };
    assert_eq!(close(&mut duel).len(), 1);
    restore(&mut duel, &last);
    assert_eq!(duel.client.seal(&mut [0; 100], 4), Err(SealError::Exhausted));
    restore(&mut duel, &last);
    assert_eq!(duel.client.export(0, &mut stored), Err(ExportError::Exhausted));
    assert_eq!(close(&mut duel), Vec::<Vec<u8>>::new());
}

/// The limit is for the keys, and those stay the same however often the device sleeps.
#[test]
fn forgeries_are_counted_over_a_sleep() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let server = psk_connected(&mut duel);
    for count in 1..4 {
        let mut forged = server.protect_as(23, 1, 40, b"forged");
        *forged.last_mut().expect("a tag") ^= 1;
        duel.deliver(&forged);
        assert_eq!(duel.client.failed_opens(), count);
        let stored = store(&mut duel, 0);
        restore(&mut duel, &stored);
    }
}

#[test]
fn the_limit_of_the_servers_records_is_kept_over_a_sleep() {
    let mut duel = Duel::<Everything>::new(psk_security());
    let limit = [extension(23, &[]), extension(28, &[0x40, 0])];
    let mut server = Hostile::session(&mut duel, &[], &limit);
    assert!(duel.client.is_connected());
    let stored = store(&mut duel, 0);
    restore(&mut duel, &stored);
    for (length, kept) in [(1_201, 0), (1_200, 1)] {
        let data = server.protect(23, &vec![7; length]);
        duel.deliver(&data);
        assert_eq!(duel.data.len(), kept, "{length}");
    }
}

/// What happened before is of the session before.
#[test]
fn a_restored_session_has_no_events_of_another() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    psk_connected(&mut duel);
    let stored = store(&mut duel, 0);
    duel.connect();
    duel.deliver(&record(21, 0, 9, &[2, 40]));
    duel.connect();
    let mut refused = record(21, 0, 9, &[2, 40]);
    assert!(duel.client.handle_datagram(duel.time(), &duel.security, &mut refused).next().is_none());
    duel.client.restore(&duel.security, &duel.options, &stored).expect("intact");
    assert_eq!(duel.client.poll_event(), None);
    assert!(duel.client.is_connected());
}
