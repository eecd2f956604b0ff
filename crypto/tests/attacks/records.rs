//! Forged, replayed, damaged and misplaced records.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use ccm::aead::{Aead, KeyInit, Payload};
use ccm::consts::{U8, U12};
use coracle_crypto::profiles::{Everything, PskCid, PskOnly};
use coracle_crypto::{
    Alert, AlertSeen, CONTEXT_LEN, CloseReason, Connection, Event, ExportError, FailureReason, Options,
    Profile, SealError, Security,
};

fn connected() -> (Duel<'static, PskOnly>, Hostile) {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let server = psk_connected(&mut duel);
    (duel, server)
}

/// The session still works.
#[track_caller]
fn assert_alive<P: Profile>(duel: &mut Duel<'_, P>, server: &mut Hostile) {
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

/// Lucky Thirteen, CVE-2013-0169, CVE-2018-0497 and their kind: every fault of a CBC record has one answer, silence,
/// and wipes the record. (That the instructions are the same is measured by `cargo xtask dtls instructions`.)
#[test]
fn cbc_faults_cannot_be_told_apart() {
    for encrypt_then_mac in [false, true] {
        let security = Security { suites: &[0x00AE], ..psk_security() };
        let mut duel = Duel::<Everything>::new(security);
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let mut extensions = vec![extension(23, &[])];
        if encrypt_then_mac {
            extensions.push(extension(22, &[]));
        }
        let hello = server.server_hello(0x00AE, &[], &extensions);
        let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
        duel.deliver(&flight);
        let cbc = Cbc::after(&mut duel, &mut server, encrypt_then_mac, &[], &[]);
        let ccs = server.change_cipher_spec();
        let finished = fragment(FINISHED, 12, server.message_seq, 0, &server.verify_data("server finished"));
        duel.deliver(&[ccs, cbc.seal(22, 0, &finished, 0)].concat());
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        duel.clear();
        let good = cbc.seal(23, 1, b"a text of some length", 0);
        for at in 13..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 0x40;
            let left = duel.deliver(&damaged);
            duel.assert_unmoved();
            assert!(!left.windows(6).any(|window| window == b"a text"));
        }
        // Padding longer than the record, with and without a good MAC in front of it.
        for padding in [16, 48, 200, 255] {
            let left = duel.deliver(&cbc.with_padding_byte(23, 2, b"a text of some length", padding));
            duel.assert_unmoved();
            assert!(!left.windows(6).any(|window| window == b"a text"));
        }
        duel.deliver(&good);
        assert_eq!(duel.data, [b"a text of some length"]);
        // More padding than needed is right.
        duel.data.clear();
        duel.deliver(&cbc.seal(23, 3, b"padded", 5));
        assert_eq!(duel.data, [b"padded"]);
    }
}

/// The server's end of CBC records.
struct Cbc {
    mac_key: Vec<u8>,
    key: Vec<u8>,
    encrypt_then_mac: bool,
    /// The connection ID that goes into records to the client.
    cid: Vec<u8>,
}

impl Cbc {
    /// Reads the client's flight, which is protected by CBC and has the server's connection ID, and derives the keys.
    fn after(
        duel: &mut Duel<'_, Everything>,
        server: &mut Hostile,
        encrypt_then_mac: bool,
        own_cid: &[u8],
        cid: &[u8],
    ) -> Self {
        use cbc::cipher::{BlockDecryptMut, KeyIvInit, block_padding::NoPadding};
        let flight = duel.take_sent().concat();
        let length = usize::from(u16::from_be_bytes([flight[11], flight[12]]));
        server.transcript.extend(&flight[13..13 + length]);
        let premaster = [vec16(&vec![0; server.psk.len()]), vec16(&server.psk)].concat();
        let hash = <sha2::Sha256 as sha2::Digest>::digest(&server.transcript);
        server.master = prf(&premaster, "extended master secret", &hash, 48);
        let seed = [&server.server_random[..], &server.client_random].concat();
        let keys = prf(&server.master, "key expansion", &seed, 96);
        // The client's Finished is at the end of its flight.
        let (header, finished) = flight[13 + length + 14..].split_at(13 + own_cid.len());
        let end = if encrypt_then_mac { finished.len() - 32 } else { finished.len() };
        let mut plain = finished[16..end].to_vec();
        let plain = cbc::Decryptor::<aes::Aes128>::new_from_slices(&keys[64..80], &finished[..16])
            .expect("lengths")
            .decrypt_padded_mut::<NoPadding>(&mut plain)
            .expect("whole blocks");
        let inner = 24 + usize::from(!own_cid.is_empty());
        let (covered, mac) = if encrypt_then_mac { finished.split_at(end) } else { plain.split_at(inner) };
        assert_eq!(mac[..32], mac_of(&keys[..32], header, own_cid, covered));
        server.transcript.extend(&plain[..24]);
        Self {
            mac_key: keys[32..64].to_vec(),
            key: keys[80..96].to_vec(),
            encrypt_then_mac,
            cid: cid.to_vec(),
        }
    }

    fn seal(&self, content: u8, sequence: u64, plain: &[u8], more_padding_blocks: usize) -> Vec<u8> {
        let before = plain.len() + if self.encrypt_then_mac { 0 } else { 32 };
        let padding = 15 - before % 16 + 16 * more_padding_blocks;
        self.build(content, sequence, plain, &vec![padding as u8; padding + 1])
    }

    /// One whole block of the given byte, so that it claims a padding of that length.
    fn with_padding_byte(&self, content: u8, sequence: u64, plain: &[u8], byte: u8) -> Vec<u8> {
        let before = plain.len() + if self.encrypt_then_mac { 0 } else { 32 };
        self.build(content, sequence, plain, &vec![byte; 16 - before % 16])
    }

    fn build(&self, content: u8, sequence: u64, plain: &[u8], padding: &[u8]) -> Vec<u8> {
        use cbc::cipher::{BlockEncryptMut, KeyIvInit, block_padding::NoPadding};
        let header = record(if self.cid.is_empty() { content } else { 25 }, 1, sequence, &[]);
        let mac = |covered: &[u8]| mac_of(&self.mac_key, &header, &self.cid, covered);
        let mut data = plain.to_vec();
        if !self.encrypt_then_mac {
            data.extend(mac(plain));
        }
        data.extend(padding);
        let (length, iv) = (data.len(), [0x1F; 16]);
        cbc::Encryptor::<aes::Aes128>::new_from_slices(&self.key, &iv)
            .expect("lengths")
            .encrypt_padded_mut::<NoPadding>(&mut data, length)
            .expect("whole blocks");
        let mut body = [&iv[..], &data].concat();
        if self.encrypt_then_mac {
            body.extend(mac(&body.clone()));
        }
        [&header[..11], &self.cid, &vec16(&body)].concat()
    }
}

/// The MAC of a record with this header (RFC 5246 section 6.2.3.1), or with a connection ID (RFC 9146 sections 5.1 and 5.2).
fn mac_of(key: &[u8], header: &[u8], cid: &[u8], covered: &[u8]) -> [u8; 32] {
    let length = (covered.len() as u16).to_be_bytes();
    if cid.is_empty() {
        return hmac(key, &[&header[3..11], &header[..3], &length, covered]);
    }
    hmac(key, &[&[0xFF; 8], &[25, cid.len() as u8], &header[..11], cid, &length, covered])
}

/// With a connection ID in both directions, and the MAC on either side of the encryption.
#[test]
fn cbc_covers_connection_ids() {
    let cid = [0xC1, 0xD2, 0xE3];
    for encrypt_then_mac in [false, true] {
        let mut duel = Duel::<Everything>::new(Security { suites: &[0x00AE], ..psk_security() });
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let (_, offer) = server.client_extensions.iter().find(|(number, _)| *number == 54).expect("offered");
        let own = offer[1..].to_vec();
        let mut extensions = vec![extension(23, &[]), extension(54, &vec8(&cid))];
        if encrypt_then_mac {
            extensions.push(extension(22, &[]));
        }
        let hello = server.server_hello(0x00AE, &[], &extensions);
        let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
        duel.deliver(&flight);
        let cbc = Cbc::after(&mut duel, &mut server, encrypt_then_mac, &cid, &own);
        let ccs = server.change_cipher_spec();
        let finished = fragment(FINISHED, 12, server.message_seq, 0, &server.verify_data("server finished"));
        duel.deliver(&[ccs, cbc.seal(22, 0, &inner(&finished, 22), 0)].concat());
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        duel.clear();
        // Another connection ID is dropped, also where the MAC is right for it.
        let wrong = Cbc { cid: vec![own[0] ^ 1, own[1], own[2], own[3]], ..cbc };
        duel.deliver(&wrong.seal(23, 1, &inner(b"data", 23), 0));
        duel.assert_unmoved();
        let cbc = Cbc { cid: own, ..wrong };
        duel.deliver(&cbc.seal(23, 1, &inner(b"data", 23), 0));
        assert_eq!(duel.data, [b"data"]);
    }
}

/// CVE-2022-23408: initialisation vectors neither repeat nor follow a pattern.
#[test]
fn cbc_initialisation_vectors_never_repeat() {
    let security = Security { suites: &[0x00AE], ..psk_security() };
    let mut duel = Duel::<Everything>::new(security);
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let hello = server.server_hello(0x00AE, &[], &[extension(23, &[])]);
    let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    let cbc = Cbc::after(&mut duel, &mut server, false, &[], &[]);
    let ccs = server.change_cipher_spec();
    let finished = fragment(FINISHED, 12, server.message_seq, 0, &server.verify_data("server finished"));
    duel.deliver(&[ccs, cbc.seal(22, 0, &finished, 0)].concat());
    let mut seen = std::collections::BTreeSet::new();
    let mut ones = [0_u32; 128];
    for _ in 0..2_000 {
        let sealed = duel.seal(b"the same data");
        let iv: [u8; 16] = sealed[13..29].try_into().expect("16 bytes");
        assert!(seen.insert(iv), "an IV repeats");
        for (bit, count) in ones.iter_mut().enumerate() {
            *count += u32::from(iv[bit / 8] >> (bit % 8) & 1);
        }
    }
    // Every bit is set about half of the time: 1000 give or take eight standard deviations.
    assert!(ones.iter().all(|count| (820..1180).contains(count)), "{ones:?}");
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

const OWN_CID: usize = 4;

/// A session in which the server puts our connection ID into its records.
fn with_cid() -> (Duel<'static, Everything>, Hostile) {
    let mut duel = Duel::<Everything>::new(Security { suites: &[PSK_CCM_8], ..psk_security() });
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let (_, offer) = server.client_extensions.iter().find(|(number, _)| *number == 54).expect("offered");
    assert_eq!(offer[0], OWN_CID as u8);
    let own = offer[1..].to_vec();
    // The server's own is empty, so that the client's records stay plain.
    let hello = server.server_hello(PSK_CCM_8, &[], &[extension(23, &[]), extension(54, &[0])]);
    let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    server.read_flight(&mut duel);
    let data = server.verify_data("server finished");
    let ccs = server.change_cipher_spec();
    let number = server.message_seq;
    let finished = protect_with_cid(&server, &own, 0, &inner(&fragment(FINISHED, 12, number, 0, &data), 22));
    duel.deliver(&[ccs, finished].concat());
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    duel.clear();
    server.sequence = 1;
    server.client_cid = own;
    (duel, server)
}

/// Inner plaintext of RFC 9146.
fn inner(content: &[u8], kind: u8) -> Vec<u8> {
    [content, &[kind]].concat()
}

/// A record with a connection ID, whatever its inner plaintext.
fn protect_with_cid(server: &Hostile, cid: &[u8], sequence: u64, inner: &[u8]) -> Vec<u8> {
    let number = (1_u64 << 48 | sequence).to_be_bytes();
    let nonce = [&server.keys[36..40], &number].concat();
    let length = (inner.len() as u16).to_be_bytes();
    let aad = [&[0xFF; 8][..], &[25, cid.len() as u8, 25, 0xFE, 0xFD], &number, cid, &length].concat();
    let aead = ccm::Ccm::<aes::Aes128, U8, U12>::new_from_slice(&server.keys[16..32]).expect("16 bytes");
    let sealed = aead.encrypt(nonce.as_slice().into(), Payload { msg: inner, aad: &aad }).expect("in range");
    let body = [&number[..], &sealed].concat();
    [&[25, 0xFE, 0xFD][..], &number, cid, &vec16(&body)].concat()
}

#[test]
fn connection_ids_are_checked_to_the_letter() {
    let (mut duel, server) = with_cid();
    let own = server.client_cid.clone();
    let good = |sequence, inner: &[u8]| protect_with_cid(&server, &own, sequence, inner);
    duel.deliver(&good(1, &inner(b"data", 23)));
    assert_eq!(duel.data, [b"data"]);
    duel.clear();
    // Padding is taken off; all zeros have no type.
    duel.deliver(&good(2, &[&inner(b"padded", 23)[..], &[0; 30]].concat()));
    assert_eq!(duel.data, [b"padded"]);
    duel.clear();
    for (sequence, inner) in [
        (3, vec![0; 20]),
        (4, vec![0]),
        (5, vec![]),
        (6, vec![23]),
        (7, vec![23, 0, 0]),
        (8, inner(b"x", 20)),
    ] {
        duel.deliver(&good(sequence, &inner));
        duel.assert_unmoved();
    }
    for kind in [1, 24, 25, 26, 255] {
        duel.deliver(&good(10 + u64::from(kind), &inner(b"x", kind)));
        duel.assert_unmoved();
    }
    // Another connection ID, with a good tag for it.
    let mut other = own.clone();
    other[0] ^= 1;
    duel.deliver(&protect_with_cid(&server, &other, 300, &inner(b"x", 23)));
    duel.assert_unmoved();
    for wrong in [&own[..3], &[&own[..], &[0]].concat(), &[]] {
        duel.deliver(&protect_with_cid(&server, wrong, 301, &inner(b"x", 23)));
        duel.assert_unmoved();
    }
    // A plain type where the connection ID was agreed on.
    let plain = server.protect_as(23, 1, 302, b"x");
    duel.deliver(&plain);
    duel.assert_unmoved();
    // In epoch 0.
    let mut epoch_0 = good(303, &inner(b"x", 23));
    epoch_0[3..5].copy_from_slice(&[0, 0]);
    duel.deliver(&epoch_0);
    duel.assert_unmoved();
    duel.deliver(&good(304, &inner(b"alive", 23)));
    assert_eq!(duel.data, [b"alive"]);
}

#[test]
fn a_connection_id_record_without_negotiation_is_dropped() {
    let (mut duel, mut server) = connected();
    for cid in [&[][..], &[1, 2, 3, 4]] {
        let sealed = protect_with_cid(&server, cid, 60, &inner(b"x", 23));
        duel.deliver(&sealed);
        duel.assert_unmoved();
    }
    assert_alive(&mut duel, &mut server);
}

/// CVE-2022-46393: lengths in the two directions are independent.
#[test]
fn connection_ids_of_every_length() {
    for length in [0_usize, 1, 6, 8, 9, 32, 33, 254, 255] {
        let mut duel = Duel::<PskCid>::new(psk_security());
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let hello = server.server_hello(
            PSK_CCM_8,
            &[],
            &[extension(23, &[]), extension(54, &vec8(&vec![0xC1; length]))],
        );
        let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
        duel.deliver(&flight);
        if length > 8 {
            duel.assert_failed(FailureReason::ConnectionIdTooLong, 40);
            continue;
        }
        let sent = duel.take_sent().concat();
        let finished = sent.len() - (13 + length + 8 + 24 + usize::from(length > 0) + 8);
        if length == 0 {
            assert_eq!(sent[finished], 22);
        } else {
            assert_eq!(sent[finished], 25, "our Finished carries it, too");
            assert_eq!(sent[finished + 11..finished + 11 + length], vec![0xC1; length]);
        }
    }
    // A length that does not fit its extension.
    for body in [&[5, 1, 2][..], &[1], &[], &[0, 0]] {
        let mut duel = Duel::<PskCid>::new(psk_security());
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let hello = server.server_hello(PSK_CCM_8, &[], &[extension(23, &[]), extension(54, body)]);
        let hello = server.say(SERVER_HELLO, &hello);
        duel.deliver(&hello);
        duel.assert_failed(FailureReason::Malformed, 50);
    }
}

/// After a resumption the connection ID of the new handshake counts, also on our Finished.
#[test]
fn a_resumed_session_uses_its_new_connection_id() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let extensions = [extension(23, &[]), extension(54, &[2, 0xA1, 0xA2])];
    let hello = server.server_hello(PSK_CCM_8, &[0xD1; 32], &extensions);
    let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    let sent = duel.take_sent().concat();
    let key_exchange = 13 + usize::from(u16::from_be_bytes([sent[11], sent[12]]));
    server.transcript.extend(&sent[13..key_exchange]);
    let premaster = [vec16(&vec![0; server.psk.len()]), vec16(&server.psk)].concat();
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&server.transcript);
    server.master = prf(&premaster, "extended master secret", &hash, 48);
    server.expand();
    // The client's Finished has a connection ID; its content follows from the transcript.
    let data = server.verify_data("client finished");
    server.transcript.extend(fragment(FINISHED, 12, 2, 0, &data));
    let last = [server.change_cipher_spec(), server.finished()].concat();
    duel.deliver(&last);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    duel.clear();
    duel.connect();
    let mut resumed = Hostile { master: server.master.clone(), ..Hostile::new() };
    resumed.read_hello(&mut duel);
    let extensions = [extension(23, &[]), extension(54, &[3, 0xB1, 0xB2, 0xB3])];
    let hello = resumed.server_hello(PSK_CCM_8, &[0xD1; 32], &extensions);
    let hello = resumed.say(SERVER_HELLO, &hello);
    resumed.expand();
    let last = [hello, resumed.change_cipher_spec(), resumed.finished()].concat();
    duel.deliver(&last);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    let sent = duel.take_sent().concat();
    assert_eq!(sent[14], 25);
    assert_eq!(sent[14 + 11..14 + 14], [0xB1, 0xB2, 0xB3]);
    assert_eq!(duel.seal(b"x")[11..14], [0xB1, 0xB2, 0xB3]);
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
