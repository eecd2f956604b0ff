//! Fragments that do not fit their message, or each other.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use coracle_crypto::profiles::{Everything, PskCid};
use coracle_crypto::{FailureReason, Security};

/// A client that waits for the server's hello, and what it should be.
fn waiting() -> (Duel<'static, Everything>, Hostile, Vec<u8>) {
    let mut duel = Duel::<Everything>::new(Security { suites: &[PSK_CCM_8], ..psk_security() });
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.psk_hello();
    (duel, server, body)
}

/// Whether the client took the hello: it then waits for the key exchange.
fn takes_done(duel: &mut Duel<'_, Everything>, server: &mut Hostile, body: &[u8]) -> bool {
    server.transcript.extend(fragment(SERVER_HELLO, body.len(), 0, 0, body));
    server.message_seq = 1;
    let done = server.say(SERVER_HELLO_DONE, &[]);
    duel.deliver(&done);
    !duel.sent.is_empty() && duel.failure().is_none()
}

/// Whether the client still takes the hello when it comes in one piece.
fn takes_whole(duel: &mut Duel<'_, Everything>, server: &mut Hostile, body: &[u8]) -> bool {
    let whole = server.plain(22, &fragment(SERVER_HELLO, body.len(), 0, 0, body));
    duel.deliver(&whole);
    takes_done(duel, server, body)
}

/// CVE-2014-0195: fragments that do not fit their message or each other.
#[test]
fn contradicting_fragments_are_dropped() {
    let (mut duel, mut server, body) = waiting();
    let total = body.len();
    let first = server.plain(22, &fragment(SERVER_HELLO, total, 0, 0, &body[..20]));
    duel.deliver(&first);
    let mut changed = body[10..30].to_vec();
    changed[3] ^= 1;
    for bad in [
        fragment(SERVER_HELLO, total, 0, total - 5, &body[..20]),
        fragment(SERVER_HELLO, total, 0, total + 1, &[]),
        fragment(SERVER_HELLO, total, 0, 0xFF_FFFF, &body[..1]),
        fragment(SERVER_HELLO, total + 1, 0, 20, &body[20..]),
        fragment(SERVER_HELLO, total - 1, 0, 20, &body[20..total - 1]),
        fragment(SERVER_HELLO, total, 0, 10, &changed),
        fragment(CERTIFICATE, total, 0, 20, &body[20..]),
    ] {
        let bad = server.plain(22, &bad);
        duel.deliver(&bad);
        duel.assert_unmoved();
    }
    let rest = server.plain(22, &fragment(SERVER_HELLO, total, 0, 15, &body[15..]));
    duel.deliver(&rest);
    assert!(takes_done(&mut duel, &mut server, &body), "{:?}", duel.events);
}

#[test]
fn a_message_longer_than_the_buffer_is_reported() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    // In one piece it may be longer: it is read where it lies.
    let extensions = [extension(23, &[]), extension(54, &[4, 1, 2, 3, 4])];
    let body = server.server_hello(PSK_CCM_8, &[9; 32], &extensions);
    assert!(body.len() > 64);
    let piece = server.plain(22, &fragment(SERVER_HELLO, body.len(), 0, 0, &body[..30]));
    duel.deliver(&piece);
    duel.assert_failed(FailureReason::MessageTooLong, 40);
    duel.clear();
    duel.connect();
    server.read_hello(&mut duel);
    let whole = server.say(SERVER_HELLO, &body);
    duel.deliver(&whole);
    duel.assert_unmoved();
    // Megabytes are claimed, too.
    let huge = server.plain(22, &fragment(SERVER_HELLO_DONE, 0xFF_FFFF, 1, 0, &[0; 50]));
    duel.deliver(&huge);
    duel.assert_failed(FailureReason::MessageTooLong, 40);
}

/// Fragments of messages with the same type but different numbers are never put together.
#[test]
fn fragments_of_different_messages_are_not_merged() {
    let (mut duel, mut server, body) = waiting();
    let total = body.len();
    let mut other = body.clone();
    other[10] ^= 1;
    // Number 1 is that of a server which has sent a HelloVerifyRequest; ours has not, so it is ahead of its time.
    let pieces = [
        server.plain(22, &fragment(SERVER_HELLO, total, 0, 0, &body[..20])),
        server.plain(22, &fragment(SERVER_HELLO, total, 1, 20, &other[20..])),
        server.plain(22, &fragment(SERVER_HELLO, total, 2, 20, &other[20..])),
    ]
    .concat();
    duel.deliver(&pieces);
    duel.assert_unmoved();
    let rest = server.plain(22, &fragment(SERVER_HELLO, total, 0, 20, &body[20..]));
    duel.deliver(&rest);
    assert!(takes_done(&mut duel, &mut server, &body), "{:?}", duel.events);
}

/// CVE-2022-29190: empty fragments neither loop nor count.
#[test]
fn endless_empty_fragments_are_harmless() {
    let (mut duel, mut server, body) = waiting();
    let empty = fragment(SERVER_HELLO, body.len(), 0, 5, &[]);
    let datagram = server.plain(22, &empty.repeat(100));
    for _ in 0..100 {
        duel.deliver(&datagram);
    }
    duel.assert_unmoved();
    assert!(takes_whole(&mut duel, &mut server, &body));
}

/// CVE-2022-29189: messages from the future are not kept. The client has no memory that could grow.
#[test]
fn endless_future_messages_are_dropped() {
    let (mut duel, mut server, body) = waiting();
    for number in 1..3000_u16 {
        let early = server.plain(22, &fragment(SERVER_HELLO_DONE, 0, number, 0, &[]));
        duel.deliver(&early);
        let early = server.plain(22, &fragment(CERTIFICATE, 3000, number, 100, &[7; 50]));
        duel.deliver(&early);
    }
    duel.assert_unmoved();
    assert!(takes_whole(&mut duel, &mut server, &body));
}

/// Bytes that did not arrive are never read: a message with a gap is not a message.
#[test]
fn gaps_are_never_read() {
    let (mut duel, mut server, body) = waiting();
    let total = body.len();
    for (from, to) in [(0, 10), (11, 30), (40, total)] {
        let piece = server.plain(22, &fragment(SERVER_HELLO, total, 0, from, &body[from..to]));
        duel.deliver(&piece);
        duel.assert_unmoved();
    }
    // The same again, and the first gap: still nothing.
    let piece = server.plain(22, &fragment(SERVER_HELLO, total, 0, 5, &body[5..20]));
    duel.deliver(&piece);
    assert!(!takes_done(&mut duel, &mut server, &body));
    let piece = server.plain(22, &fragment(SERVER_HELLO, total, 0, 30, &body[30..40]));
    duel.deliver(&piece);
    duel.assert_unmoved();
    let done = server.plain(22, &fragment(SERVER_HELLO_DONE, 0, 1, 0, &[]));
    duel.deliver(&done);
    assert!(!duel.sent.is_empty());
}
