//! Connection IDs (RFC 9146): their lengths, their places, and who must not be believed to have one.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::records::{assert_alive, connected};
use ccm::aead::{Aead, KeyInit, Payload};
use ccm::consts::{U8, U12};
use coracle_crypto::profiles::{Everything, PskCid};
use coracle_crypto::{FailureReason, Security};

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
    server.answers(&mut duel, &hello);
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
pub fn inner(content: &[u8], kind: u8) -> Vec<u8> {
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
