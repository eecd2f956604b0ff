use super::*;
use crate::codec::Reader;
use crate::handshake::fragment::Fragment;
use crate::profiles::PskOnly;
use crate::record::{Header, epoch_of};
use std::vec::Vec;

/// A flight with two long messages and a Finished.
struct Messages(Link<PskOnly>);

const ITEMS: [u8; 4] =
    [kind::CERTIFICATE, kind::CLIENT_KEY_EXCHANGE, kind::CHANGE_CIPHER_SPEC, kind::FINISHED];

impl Source for Messages {
    type Profile = PskOnly;

    fn link(&mut self) -> &mut Link<PskOnly> {
        &mut self.0
    }

    fn write(&self, kind: u8, sink: &mut Sink<'_>) {
        match kind {
            kind::CERTIFICATE => (0..300_u16).for_each(|at| sink.u8(at as u8)),
            kind::CLIENT_KEY_EXCHANGE => (0..40).for_each(|at| sink.u8(100 + at)),
            kind::FINISHED => sink.put(&[9; 12]),
            _ => panic!("no such message"),
        }
    }
}

fn messages() -> Messages {
    let mut messages = Messages(Link::EMPTY);
    messages.0.layer.set_suite(crate::CipherSuite::PskAes128Ccm8);
    messages.0.layer.install_keys().fill(7);
    messages
}

fn flight(record_limit: usize) -> Flight<'static> {
    Flight { side: Side::Client, items: &ITEMS, first_seq: 2, record_limit }
}

/// All datagrams of the flight.
fn datagrams(messages: &mut Messages, mtu: usize, record_limit: usize) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    let mut cursor = Cursor::START;
    loop {
        let mut out = std::vec![0; mtu];
        let (length, next) =
            flight(record_limit).write_datagram(messages, cursor, &mut out).expect("there is room");
        assert!(length > 0);
        out.truncate(length);
        sent.push(out);
        match next {
            Some(next) => cursor = next,
            None => return sent,
        }
    }
}

#[test]
fn every_datagram_size_carries_the_same_flight() {
    for mtu in 60..600 {
        for record_limit in [1 << 14, 512, 64] {
            let mut messages = messages();
            let mut collected: [Vec<u8>; 2] = [Vec::new(), Vec::new()];
            let (mut ccs, mut protected) = (0, 0);
            for datagram in datagrams(&mut messages, mtu, record_limit) {
                assert!(datagram.len() <= mtu);
                let mut rest = &datagram[..];
                while let Some(header) = Header::parse(rest, 0) {
                    let payload = &rest[header.start..header.total()];
                    rest = &rest[header.total()..];
                    if epoch_of(header.number) == 1 {
                        protected += 1;
                    } else if header.content == content::CHANGE_CIPHER_SPEC {
                        assert_eq!(payload, [1]);
                        ccs += 1;
                    } else {
                        assert!(payload.len() <= record_limit);
                        let mut record = Reader(payload);
                        while let Some(fragment) = Fragment::read(&mut record) {
                            let message = &mut collected[usize::from(fragment.message_seq) - 2];
                            assert_eq!(message.len(), fragment.offset, "in order");
                            message.extend(fragment.bytes);
                        }
                        assert!(record.is_empty());
                    }
                }
                assert!(rest.is_empty());
            }
            assert_eq!((ccs, protected), (1, 1));
            assert_eq!(collected[0], (0..300_u16).map(|at| at as u8).collect::<Vec<_>>());
            assert_eq!(collected[1], (100..140).collect::<Vec<u8>>());
        }
    }
}

#[test]
fn messages_share_a_record_where_they_can() {
    let mut messages = messages();
    let sent = datagrams(&mut messages, 1200, 1 << 14);
    assert_eq!(sent.len(), 1);
    let length = 13 + (12 + 300) + (12 + 40) + 14 + 13 + 8 + 24 + 8;
    assert_eq!(sent[0].len(), length);
}

#[test]
fn too_small_a_buffer_changes_nothing() {
    let mut messages = messages();
    let before = messages.0.layer.sequences();
    for room in 0..=25 {
        let mut out = [0; 25];
        let refused = flight(1 << 14).write_datagram(&mut messages, Cursor::START, &mut out[..room]);
        assert!(matches!(refused, Err(TooSmall(needed)) if needed > room), "{room}");
        assert_eq!(messages.0.layer.sequences(), before);
    }
    // A Finished is never cut.
    let at_finished = Cursor { item: 3, offset: 0 };
    let refused = flight(1 << 14).write_datagram(&mut messages, at_finished, &mut [0; 52]);
    assert_eq!(refused.map(|_| ()), Err(TooSmall(53)));
    assert!(flight(1 << 14).write_datagram(&mut messages, at_finished, &mut [0; 53]).is_ok());
}

#[test]
fn a_flight_sent_again_has_new_record_numbers_and_the_same_message_numbers() {
    let mut messages = messages();
    let first = datagrams(&mut messages, 1200, 1 << 14);
    let second = datagrams(&mut messages, 1200, 1 << 14);
    assert_eq!(first[0].len(), second[0].len());
    assert_eq!(messages.0.layer.sequences(), (4, 2));
    assert_ne!(first[0][3..11], second[0][3..11]);
    assert_eq!(first[0][13..200], second[0][13..200]);
}

#[test]
fn alerts_are_protected_when_there_are_keys() {
    let mut messages = messages();
    let layer = &mut messages.0.layer;
    let mut out = [0; 64];
    assert_eq!(write_alert(layer, Side::Client, false, [2, 40], &mut out), Ok(Some(15)));
    assert_eq!(out[13..15], [2, 40]);
    assert_eq!(write_alert(layer, Side::Client, true, [1, 0], &mut out), Ok(Some(13 + 8 + 2 + 8)));
    assert_eq!(write_alert(layer, Side::Client, true, [1, 0], &mut out[..20]), Err(TooSmall(31)));
    // A session that is stored counts on the numbers from here on.
    layer.sequence_end = layer.sequence;
    assert_eq!(write_alert(layer, Side::Client, true, [1, 0], &mut out), Ok(None));
}
