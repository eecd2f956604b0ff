//! Records: nonces, lengths, connection IDs.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use ccm::aead::{Aead, KeyInit, Payload};
use ccm::consts::{U8, U12};
use coracle_crypto::profiles::{Everything, PskCid, PskOnly};
use coracle_crypto::{Profile, Security};

type Ccm8 = ccm::Ccm<aes::Aes128, U8, U12>;

/// A record of the server whose explicit nonce is not its number.
fn protect_with_nonce(server: &Hostile, sequence: u64, explicit: &[u8; 8], plain: &[u8]) -> Vec<u8> {
    let header = record(23, 1, sequence, &[]);
    let nonce = [&server.keys[36..40], explicit].concat();
    let aad = [&header[3..11], &header[..3], &(plain.len() as u16).to_be_bytes()].concat();
    let aead = Ccm8::new_from_slice(&server.keys[16..32]).expect("16 bytes");
    let sealed = aead.encrypt(nonce.as_slice().into(), Payload { msg: plain, aad: &aad }).expect("in range");
    record(23, 1, sequence, &[&explicit[..], &sealed].concat())
}

/// A server may count, or draw, the explicit part of its nonces as it likes.
#[test]
fn the_explicit_nonce_is_taken_from_the_record() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let server = psk_connected(&mut duel);
    for (sequence, explicit) in [(7, [0; 8]), (8, [0xFF; 8]), (9, *b"anything")] {
        let sealed = protect_with_nonce(&server, sequence, &explicit, b"data");
        duel.deliver(&sealed);
        assert_eq!(duel.data.pop().as_deref(), Some(&b"data"[..]), "{explicit:?}");
    }
}

/// A record that no protection makes so long is dropped though it is authentic, and what follows it in its datagram.
#[test]
fn records_longer_than_any_are_dropped() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_connected(&mut duel);
    let longest = (1 << 14) + 2048;
    for (body, kept) in [(longest, 2), (longest + 1, 0), (40_000, 0)] {
        let long = server.protect(23, &vec![7; body - 16]);
        assert_eq!(long.len(), 13 + body);
        let next = server.protect(23, b"next");
        duel.deliver(&[long, next].concat());
        assert_eq!(duel.data.len(), kept, "{body}");
        duel.data.clear();
        let alone = server.protect(23, b"alone");
        duel.deliver(&alone);
        assert_eq!(duel.data.pop().as_deref(), Some(&b"alone"[..]));
    }
    // In the clear, too.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    duel.clear();
    let unknown = fragment(99, longest, 0, 0, &vec![0; longest]);
    duel.deliver(&record(22, 0, 1, &unknown));
    duel.assert_unmoved();
}

/// Connected, the server having answered these limits.
fn limited(limits: &[Vec<u8>]) -> (Duel<'static, Everything>, Hostile) {
    let mut duel = Duel::<Everything>::new(Security { suites: &[PSK_CCM_8], ..psk_security() });
    let server = Hostile::session(&mut duel, &[], &[&[extension(23, &[])], limits].concat());
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    duel.clear();
    (duel, server)
}

/// [`Everything`] asks for 1,024 bytes by one extension and for 1,200 by the other.
#[test]
fn a_server_that_agreed_to_a_limit_is_held_to_it() {
    for (agreed, limit) in [(extension(28, &[0x40, 0]), 1_200), (extension(1, &[2]), 1_024)] {
        let (mut duel, mut server) = limited(&[agreed]);
        for (length, kept) in [(limit, true), (limit + 1, false), (1_000, true)] {
            let data = server.protect(23, &vec![7; length]);
            duel.deliver(&data);
            assert_eq!(duel.data.len(), usize::from(kept), "{length}");
            duel.clear();
        }
    }
    // One that did not is not.
    let (mut duel, mut server) = limited(&[]);
    let data = server.protect(23, &[7; 5_000]);
    duel.deliver(&data);
    assert_eq!(duel.data.len(), 1);
}

/// Whatever it says that it can take.
#[test]
fn no_record_of_ours_is_longer_than_the_protocol_allows() {
    let mut duel = Duel::<Everything>::new(Security { suites: &[PSK_CCM_8], ..psk_security() });
    duel.options.mtu = u16::MAX;
    duel.connect();
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let extensions = [extension(23, &[]), extension(28, &[0xFF, 0xFF])];
    let body = server.server_hello(PSK_CCM_8, &[], &extensions);
    server.answers(&mut duel, &body);
    server.finishes(&mut duel);
    assert_eq!(duel.client.payload_limit(), 1 << 14);
}

const CID: [u8; 3] = [0xC1, 0xD2, 0xE3];

/// The inner plaintext of a record with a connection ID of the server.
fn open_with_cid(keys: &[u8], sealed: &[u8]) -> Vec<u8> {
    assert_eq!((sealed[0], &sealed[11..14]), (25, &CID[..]));
    let nonce = [&keys[32..36], &sealed[16..24]].concat();
    let length = (sealed.len() - 24 - 8) as u16;
    let aad = [&[0xFF; 8][..], &[25, 3], &sealed[..11], &CID, &length.to_be_bytes()].concat();
    let aead = Ccm8::new_from_slice(&keys[..16]).expect("16 bytes");
    let payload = Payload { msg: &sealed[24..], aad: &aad };
    aead.decrypt(nonce.as_slice().into(), payload).expect("authentic")
}

/// A resumed handshake in which the server has answered so.
fn resumed<P: Profile>(answer: &[Vec<u8>]) -> (Duel<'static, P>, Hostile) {
    let mut duel = Duel::<P>::new(psk_security());
    let extensions = [&[extension(23, &[])], answer].concat();
    let server = crate::handshake::resume(&mut duel, &extensions);
    (duel, server)
}

/// From our Finished on, handshake, data and alerts: type 25 outside, the true type behind the content, no padding.
#[test]
fn everything_protected_carries_the_servers_connection_id() {
    let (mut duel, server) = resumed::<PskCid>(&[extension(54, &vec8(&CID))]);
    let flight = duel.take_sent().concat();
    assert_eq!(flight[..14], record(20, 0, 1, &[1]), "a plain record has none");
    let inner = open_with_cid(&server.keys, &flight[14..]);
    assert_eq!((inner[0], inner.len(), inner[24]), (FINISHED, 25, 22));
    let sealed = duel.seal(b"data");
    assert_eq!(open_with_cid(&server.keys, &sealed), b"data\x17");
    let now = duel.time();
    duel.client.close(now);
    duel.pump();
    assert_eq!(open_with_cid(&server.keys, &duel.sent[0]), [1, 0, 21]);
}

/// What was agreed on before does not count: without an answer there are no connection IDs.
#[test]
fn connection_ids_are_agreed_on_anew_when_a_session_is_resumed() {
    let (mut duel, mut server) = resumed::<PskCid>(&[]);
    let flight = duel.take_sent().concat();
    assert_eq!(flight[14], 22);
    assert_eq!(server.open_client(&flight[14..]).map(|message| message.len()), Some(24));
    assert_eq!(duel.seal(b"data")[0], 23);
    let data = server.protect(23, b"data");
    duel.deliver(&data);
    assert_eq!(duel.data, [b"data"]);
}

/// What was agreed on when the session was made holds for those that resume it, even if the server does not repeat it.
#[test]
fn a_fragment_length_outlives_the_handshake() {
    let mut duel = Duel::<Everything>::new(Security { suites: &[PSK_CCM_8], ..psk_security() });
    let made = Hostile::session(&mut duel, &[0xD1; 32], &[extension(23, &[]), extension(1, &[2])]);
    assert_eq!(duel.client.payload_limit(), 1_024);
    for (answer, limit) in
        [(vec![], 1_024), (vec![extension(1, &[2])], 1_024), (vec![extension(28, &[0, 100])], 100)]
    {
        duel.clear();
        duel.connect();
        let mut server = Hostile { master: made.master.clone(), ..Hostile::new() };
        server.read_hello(&mut duel);
        let extensions = [&[extension(23, &[])], &answer[..]].concat();
        let hello = server.server_hello(PSK_CCM_8, &[0xD1; 32], &extensions);
        let hello = server.say(SERVER_HELLO, &hello);
        server.expand();
        let flight = [hello, server.change_cipher_spec(), server.finished()].concat();
        duel.deliver(&flight);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        assert_eq!(duel.client.payload_limit(), limit);
        // Nothing was said of the server's records: they are taken.
        let data = server.protect(23, &[7; 1_500]);
        duel.deliver(&data);
        assert_eq!(duel.data.len(), usize::from(answer.is_empty()));
    }
}

/// The records of a datagram.
pub fn records_of(mut datagram: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while !datagram.is_empty() {
        let length = 13 + usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
        let (record, rest) = datagram.split_at(length);
        records.push(record);
        datagram = rest;
    }
    records
}

/// Each epoch counts its records from 0, without a gap, also where flights are repeated; and none is empty.
#[test]
fn our_records_are_counted_by_epoch_and_never_empty() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    assert!(duel.wait());
    let mut all = duel.sent.concat();
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let hello = server.psk_hello();
    let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    all.extend(duel.sent.concat());
    server.read_flight(&mut duel);
    assert!(duel.wait());
    all.extend(duel.take_sent().concat());
    server.finishes(&mut duel);
    all.extend(duel.seal(b"data"));
    let now = duel.time();
    duel.client.close(now);
    duel.pump();
    all.extend(duel.take_sent().concat());
    let mut next = [0, 0];
    for record in records_of(&all) {
        assert!(record.len() > 13 && matches!(record[0], 20..=23), "{record:02x?}");
        let number = u64::from_be_bytes(record[3..11].try_into().expect("8 bytes"));
        let count = &mut next[(number >> 48) as usize];
        assert_eq!(number & 0xFFFF_FFFF_FFFF, *count);
        *count += 1;
    }
    // Two hellos, two times key exchange and ChangeCipherSpec; two times Finished, data, close_notify.
    assert_eq!(next, [6, 4]);
}
