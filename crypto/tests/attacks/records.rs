//! Forged, replayed, damaged and misplaced records.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use coracle_crypto::profiles::{Everything, PskOnly};
use coracle_crypto::{
    Alert, AlertSeen, CONTEXT_LEN, CloseReason, Connection, Event, ExportError, FailureReason, Options,
    Profile, SealError, Security,
};

pub fn connected() -> (Duel<'static, PskOnly>, Hostile) {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let server = psk_connected(&mut duel);
    (duel, server)
}

/// The session still works.
#[track_caller]
pub fn assert_alive<P: Profile>(duel: &mut Duel<'_, P>, server: &mut Hostile) {
    duel.clear();
    let data = server.protect(23, b"alive");
    duel.deliver(&data);
    assert_eq!(duel.data, [b"alive"]);
    assert!(duel.client.is_connected());
    duel.clear();
}

#[test]
fn replays_inside_and_behind_the_window_are_dropped() {
    let (mut duel, mut server) = connected();
    let records: Vec<Vec<u8>> = (0..200_u8).map(|number| server.protect(23, &[number])).collect();
    // The latest first: everything up to 63 behind it is fresh, once.
    duel.deliver(&records[199]);
    for (number, record) in records.iter().enumerate() {
        duel.data.clear();
        duel.deliver(record);
        let fresh = (136..199).contains(&number);
        assert_eq!(duel.data.len(), usize::from(fresh), "{number}");
    }
    duel.clear();
    for record in &records {
        duel.deliver(record);
    }
    duel.assert_unmoved();
}

#[test]
fn a_forged_record_does_not_move_the_window() {
    let (mut duel, mut server) = connected();
    for number in [1_u64 << 20, (1 << 48) - 1, 1 << 40] {
        let mut forged = server.protect_as(23, 1, number, b"forged");
        *forged.last_mut().expect("a tag") ^= 1;
        duel.deliver(&forged);
        duel.assert_unmoved();
    }
    assert_alive(&mut duel, &mut server);
}

/// CVE-2021-42141: epochs that do not exist (yet).
#[test]
fn other_epochs_are_dropped_and_not_kept() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let epochs = [1, 2, 3, 0x100, 0xFFFF];
    for epoch in epochs {
        for content in [20, 21, 22, 23, 25] {
            for _ in 0..50 {
                duel.deliver(&record(content, epoch, 0, &[0; 200]));
            }
        }
    }
    duel.assert_unmoved();
    let (mut duel, mut server) = connected();
    for epoch in [0, 2, 3, 0xFFFF] {
        // With the right keys, even.
        let sealed = server.protect_as(23, epoch, 77, b"wrong epoch");
        duel.deliver(&sealed);
        duel.assert_unmoved();
    }
    assert_alive(&mut duel, &mut server);
}

#[test]
fn truncated_and_overlong_records_leave_the_next_datagram_alone() {
    let (mut duel, mut server) = connected();
    let good = server.protect(23, b"some data");
    for cut in 0..good.len() {
        duel.deliver(&good[..cut]);
        duel.assert_unmoved();
    }
    for length in [0_u16, 1, 7, 8, 15, 16, 17, 0x3FFF, 0x4800, 0x4801, 0xFFFF] {
        let mut wrong = good.clone();
        wrong[11..13].copy_from_slice(&length.to_be_bytes());
        duel.deliver(&wrong);
        duel.assert_unmoved();
    }
    // An empty record, unknown types and versions, in front of a good one in the same datagram.
    for (content, version) in
        [(22, 0xFEFD_u16), (23, 0xFEFD), (0, 0xFEFD), (24, 0xFEFD), (255, 0xFEFD), (22, 0x0303)]
    {
        let mut odd = record(content, 0, 9, &[]);
        odd[1..3].copy_from_slice(&version.to_be_bytes());
        let next = server.protect(23, b"next");
        duel.deliver(&[odd, next].concat());
        assert_eq!(duel.data, [b"next"], "{content} {version:04x}");
        duel.clear();
    }
    duel.deliver(&good);
    assert_eq!(duel.data, [b"some data"]);
}

#[test]
fn records_shorter_than_nonce_and_tag_are_dropped_and_empty_ones_hand_out_nothing() {
    let (mut duel, mut server) = connected();
    for length in 0..16 {
        duel.deliver(&record(23, 1, 50 + length as u64, &vec![0; length]));
        duel.assert_unmoved();
    }
    for content in [20, 21, 22, 23, 24] {
        let empty = server.protect(content, &[]);
        duel.deliver(&empty);
        duel.assert_unmoved();
    }
    assert_alive(&mut duel, &mut server);
}

#[test]
fn any_flipped_bit_is_dropped_silently_and_the_session_survives() {
    let (mut duel, mut server) = connected();
    let secret = b"a text that must not be seen";
    let good = server.protect(23, secret);
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut damaged = good.clone();
            damaged[at] ^= 1 << bit;
            let left = duel.deliver(&damaged);
            duel.assert_unmoved();
            assert!(!left.windows(8).any(|window| window == &secret[..8]), "plaintext stays readable");
        }
    }
    duel.deliver(&good);
    assert_eq!(duel.data, [secret]);
    assert_alive(&mut duel, &mut server);
}

/// CVE-2022-39368: a flood of bad records neither wears the session out nor makes us talk.
#[test]
fn a_flood_of_bad_tags_is_counted_and_answered_with_silence() {
    let (mut duel, mut server) = connected();
    for number in 0..20_000_u64 {
        let forged = record(23, 1, 1_000 + number, &[number as u8; 40]);
        duel.deliver(&forged);
    }
    duel.assert_unmoved();
    assert_eq!(duel.client.failed_opens(), 20_000);
    assert_alive(&mut duel, &mut server);
}

/// The limit of the profile ends the session: an eight-byte tag must not be guessed at for ever.
#[test]
fn the_forgery_limit_ends_the_session() {
    let (mut duel, server) = connected();
    for number in 0..<PskOnly as Profile>::FAILED_OPEN_LIMIT.into() {
        assert!(duel.client.is_connected());
        duel.deliver(&record(23, 1, 1_000 + number, &[0; 17]));
    }
    // One alert in all, authentic.
    let alert = AlertSeen::Sent(Alert::BAD_RECORD_MAC);
    assert_eq!(duel.events, [Event::Closed { reason: CloseReason::TooManyForgeries, alert }]);
    let sent = duel.take_sent();
    assert_eq!((sent.len(), server.open_client(&sent[0])), (1, Some(vec![2, 20])));
    assert!(!duel.client.is_connected());
    duel.connect();
    psk_connected(&mut duel);
}

#[test]
fn plain_alerts_end_a_handshake_but_never_a_session() {
    // During the handshake they are all that a server without keys can say.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    duel.deliver(&record(21, 0, 0, &[2, 40]));
    let expected = Event::Failed {
        reason: FailureReason::Refused,
        alert: AlertSeen::Received(Alert::HANDSHAKE_FAILURE),
    };
    assert_eq!(duel.events, [expected]);
    // It starts again at once.
    duel.clear();
    duel.connect();
    let mut server = psk_connected(&mut duel);
    // Warnings and malformed ones: nothing.
    let mut other = Duel::<PskOnly>::new(psk_security());
    other.clear();
    for body in [&[1, 112][..], &[1, 100], &[3, 40], &[0, 40], &[2], &[2, 40, 0], &[]] {
        other.deliver(&record(21, 0, 0, body));
        other.assert_unmoved();
    }
    // Afterwards: nothing, whatever they say.
    for code in 0..=255 {
        for level in [1, 2] {
            duel.deliver(&record(21, 0, 9, &[level, code]));
        }
    }
    duel.assert_unmoved();
    assert_alive(&mut duel, &mut server);
    // Not even between ChangeCipherSpec and Finished.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let ccs = server.change_cipher_spec();
    duel.deliver(&ccs);
    duel.deliver(&record(21, 0, 9, &[2, 40]));
    duel.assert_unmoved();
    let finished = server.finished();
    duel.deliver(&finished);
    assert!(duel.client.is_connected());
}

#[test]
fn authentic_alerts_end_the_session() {
    let (mut duel, mut server) = connected();
    let warning = server.protect(21, &[1, 90]);
    duel.deliver(&warning);
    duel.assert_unmoved();
    let fatal = server.protect(21, &[2, 80]);
    duel.deliver(&fatal);
    let alert = AlertSeen::Received(Alert::INTERNAL_ERROR);
    assert_eq!(duel.events, [Event::Closed { reason: CloseReason::Alert, alert }]);
    assert_eq!(duel.sent, Vec::<Vec<u8>>::new(), "a fatal alert is not answered");
}

/// Plain handshake records in an established session: the shape of several denials of service.
#[test]
fn plain_handshake_records_do_not_kill_a_session() {
    let (mut duel, mut server) = connected();
    for number in 0..1000_u64 {
        let hello = server.psk_hello();
        let message = fragment(SERVER_HELLO, hello.len(), (number % 7) as u16, 0, &hello);
        duel.deliver(&record(22, 0, 100 + number, &message));
    }
    duel.assert_unmoved();
    assert_alive(&mut duel, &mut server);
}

/// CVE-2023-6937: nothing may share a record with a ChangeCipherSpec, and no message spans the change of keys.
#[test]
fn a_record_does_not_span_a_key_change() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let data = server.verify_data("server finished");
    let finished = fragment(FINISHED, 12, server.message_seq, 0, &data);
    let together = server.plain(20, &[&[1][..], &finished].concat());
    duel.deliver(&together);
    duel.assert_unmoved();
    // A Finished of which one half comes in the clear, the other protected.
    let mut duel = Duel::<Everything>::new(Security { suites: &[PSK_CCM_8], ..psk_security() });
    let mut server = psk_until_finished(&mut duel);
    let data = server.verify_data("server finished");
    let number = server.message_seq;
    let first = server.plain(22, &fragment(FINISHED, 12, number, 0, &data[..6]));
    let ccs = server.change_cipher_spec();
    let second = server.protect(22, &fragment(FINISHED, 12, number, 6, &data[6..]));
    duel.deliver(&[first, ccs, second].concat());
    assert!(!duel.client.is_connected());
    // Both halves protected are fine.
    let first = server.protect(22, &fragment(FINISHED, 12, number, 0, &data[..6]));
    duel.deliver(&first);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
}

/// CVE-2026-26014: the explicit nonce is the record's number, never random.
#[test]
fn nonces_are_epoch_and_sequence_number() {
    let (mut duel, _) = connected();
    for number in 1..100_u64 {
        let sealed = duel.seal(b"data");
        assert_eq!(sealed[13..21], (1_u64 << 48 | number).to_be_bytes());
        assert_eq!(sealed[13..21], sealed[3..11]);
    }
}

#[test]
fn the_last_sequence_numbers_are_not_used() {
    let (mut duel, _) = connected();
    let mut stored = [0; CONTEXT_LEN];
    duel.client.export(0, &mut stored).expect("connected");
    // The stored number, put close to the end.
    let end: u64 = (1 << 48) - (1 << 16);
    let at = stored.windows(8).position(|window| window == 1_u64.to_be_bytes()).expect("the next number");
    stored[at..at + 8].copy_from_slice(&(end - 2).to_be_bytes());
    let digest = <sha2::Sha256 as sha2::Digest>::digest(
        [b"coracle dtls session", &stored[..CONTEXT_LEN - 8]].concat(),
    );
    stored[CONTEXT_LEN - 8..].copy_from_slice(&digest[..8]);
    duel.client = Connection::new();
    duel.client.restore(&psk_security(), &Options::DEFAULT, &stored).expect("intact");
    assert_eq!(duel.client.export(3, &mut stored), Err(ExportError::Exhausted));
    duel.client.export(2, &mut stored).expect("two are left");
    assert_eq!(duel.seal(b"last but one")[5..11], (end - 2).to_be_bytes()[2..]);
    assert_eq!(duel.seal(b"the last")[5..11], (end - 1).to_be_bytes()[2..]);
    let mut buffer = [0; 100];
    assert_eq!(duel.client.seal(&mut buffer, 4), Err(SealError::Exhausted));
    // The session closes itself: numbers are kept in reserve for that. The next one starts with number 0.
    duel.pump();
    assert_eq!((duel.sent.len(), duel.sent[0][0]), (1, 21));
    assert_eq!(duel.sent[0][5..11], end.to_be_bytes()[2..]);
    let alert = AlertSeen::Sent(Alert::CLOSE_NOTIFY);
    assert_eq!(duel.events, [Event::Closed { reason: CloseReason::Exhausted, alert }]);
    assert_eq!(duel.client.seal(&mut buffer, 4), Err(SealError::NotConnected));
    duel.clear();
    duel.connect();
    psk_connected(&mut duel);
}

/// Decrypted bytes must not stay readable when the tag is wrong.
#[test]
fn a_failed_record_is_wiped() {
    let (mut duel, mut server) = connected();
    let secret = [b"s3cret".repeat(20), vec![0; 3]].concat();
    let mut sealed = server.protect(23, &secret);
    *sealed.last_mut().expect("a tag") ^= 0x80;
    let left = duel.deliver(&sealed);
    assert!(!left.windows(6).any(|window| window == b"s3cret"));
    assert_eq!(left[21..left.len() - 8], vec![0; secret.len()], "zeros, not even the ciphertext");
}
