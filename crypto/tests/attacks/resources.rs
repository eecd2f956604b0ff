//! Timers, output, buffers, randomness: what a peer, or a fault, could use up.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, until_key_exchange};
use coracle_crypto::profiles::{Everything, PskCid, PskOnly, PskRpkCid};
use coracle_crypto::{
    Alert, AlertSeen, Backoff, CloseReason, Connection, Event, FailureReason, Instant, Options, Rng,
    RngError, SealError, TransmitError,
};

/// A silent server: the hello goes out on schedule, and that is all.
#[test]
fn a_silent_server_gets_a_bounded_number_of_bytes_on_schedule() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let backoff = Backoff { initial_ms: 1_000, max_ms: 5_000, attempts: 6, last_flight_attempts: 3 };
    duel.options = Options { backoff, ..Options::DEFAULT };
    duel.clear();
    let start = duel.now;
    duel.connect();
    let mut times = vec![0];
    while duel.client.is_handshaking() {
        assert!(duel.wait());
        times.push(duel.now - start);
    }
    assert_eq!(times, [0, 1_000, 3_000, 7_000, 12_000, 17_000, 22_000]);
    assert_eq!(duel.sent.len(), 6);
    assert!(duel.sent.concat().len() < 6 * 100);
    assert_eq!(duel.events, [Event::Failed { reason: FailureReason::NoAnswer, alert: AlertSeen::None }]);
    assert_eq!(duel.client.poll_timeout(), None);
    // The same record twice would be a replay: the numbers differ, the message does not.
    assert_eq!(duel.sent[0][13..], duel.sent[5][13..]);
    assert_ne!(duel.sent[0][..13], duel.sent[5][..13]);
}

/// Silence after our last flight has a reason, and a schedule, of its own.
#[test]
fn silence_after_the_last_flight_is_told_apart() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    psk_until_finished(&mut duel);
    let start = duel.now;
    while duel.client.is_handshaking() {
        assert!(duel.wait());
    }
    assert_eq!(duel.now - start, 1_000 + 2_000 + 4_000 + 8_000);
    let expected = Event::Failed { reason: FailureReason::FinishedNotAnswered, alert: AlertSeen::None };
    assert_eq!(duel.events, [expected]);
    // And silence in the middle.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.psk_hello();
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    while duel.client.is_handshaking() {
        assert!(duel.wait());
    }
    assert_eq!(duel.events, [Event::Failed { reason: FailureReason::Interrupted, alert: AlertSeen::None }]);
}

/// A server (or a forger) that repeats its flight ten thousand times gets one flight per timer period.
#[test]
fn a_flood_of_repeated_flights_is_not_amplified() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    duel.clear();
    let body = server.psk_hello();
    let hello = fragment(SERVER_HELLO, body.len(), 0, 0, &body);
    let done = fragment(SERVER_HELLO_DONE, 0, 1, 0, &[]);
    let mut flights = 0;
    for millisecond in 0..10_000 {
        duel.now = 1_000 + millisecond;
        let repeated = server.plain(22, &[&hello[..], &done].concat());
        duel.deliver(&repeated);
        flights += duel.take_sent().len();
        let now = duel.time();
        duel.client.handle_timeout(now);
        duel.pump();
        flights += duel.take_sent().len();
    }
    // One per second at most.
    assert!(flights <= 10, "{flights} flights in ten seconds");
    assert!(flights >= 3, "a repeated flight is answered: {flights}");
}

/// After a resumed handshake our flight may be lost: it is repeated at the server's prompting, until it is confirmed.
#[test]
fn the_last_flight_of_a_resumed_handshake_is_repeated_within_reason() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let hello = server.server_hello(PSK_CCM_8, &[0xD1; 32], &[extension(23, &[])]);
    server.answers(&mut duel, &hello);
    server.finishes(&mut duel);
    duel.clear();
    duel.connect();
    let mut resumed = Hostile { master: server.master, ..Hostile::new() };
    resumed.read_hello(&mut duel);
    let hello = resumed.server_hello(PSK_CCM_8, &[0xD1; 32], &[extension(23, &[])]);
    let hello = resumed.say(SERVER_HELLO, &hello);
    resumed.expand();
    let data = resumed.verify_data("server finished");
    let finished = resumed.message(FINISHED, &data);
    let flight = [hello.clone(), resumed.change_cipher_spec(), resumed.protect(22, &finished)].concat();
    duel.deliver(&flight);
    assert!(duel.client.is_connected());
    assert_eq!(duel.take_sent().len(), 1);
    // The server repeats itself: with a new record, and not more often than once in a period.
    let mut repeated = 0;
    for millisecond in 0..3_000 {
        duel.now += 1;
        let again = [hello.clone(), resumed.protect(22, &finished)].concat();
        duel.deliver(&again);
        repeated += duel.take_sent().len();
        assert!(repeated as u64 <= 1 + millisecond / 1_000);
    }
    assert!(repeated >= 2, "{repeated}");
    // Data of the server is the proof that it has ours.
    let proof = resumed.protect(23, b"data");
    duel.deliver(&proof);
    duel.clear();
    duel.now += 10_000;
    let again = resumed.protect(22, &finished);
    duel.deliver(&again);
    duel.assert_unmoved();
}

/// CVE-2020-27222: whatever was left behind, a new handshake on the same object works.
#[test]
fn a_handshake_abandoned_anywhere_does_not_stick() {
    for stop in 0..5 {
        let mut duel = Duel::<PskCid>::new(psk_security());
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let body = server.psk_hello();
        let hello = server.say(SERVER_HELLO, &body);
        let done = server.say(SERVER_HELLO_DONE, &[]);
        let half = server.plain(22, &fragment(SERVER_HELLO, body.len(), 0, 0, &body[..9]));
        match stop {
            0 => {}
            1 => drop(duel.deliver(&half)),
            2 => drop(duel.deliver(&hello)),
            3 => drop(duel.deliver(&[hello, done].concat())),
            _ => drop(duel.deliver(&server.plain(22, &fragment(99, 0, 0, 0, &[])))),
        }
        duel.clear();
        duel.connect();
        psk_connected(&mut duel);
        // And from an established session, too.
        duel.connect();
        psk_connected(&mut duel);
    }
}

/// CVE-2026-15442: after a close nothing is delivered, whoever closed.
#[test]
fn nothing_is_delivered_after_a_close() {
    // The server closes; its data behind that, in the same datagram and later, is not ours any more.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_connected(&mut duel);
    let datagram =
        [server.protect(23, b"before"), server.protect(21, &[1, 0]), server.protect(23, b"after")].concat();
    duel.deliver(&datagram);
    assert_eq!(duel.data, [b"before"]);
    let alert = AlertSeen::Received(Alert::CLOSE_NOTIFY);
    assert_eq!(duel.events, [Event::Closed { reason: CloseReason::ByPeer, alert }]);
    let answer = duel.take_sent();
    assert_eq!(server.open_client(&answer[0]), Some(vec![1, 0]), "a close_notify is answered");
    duel.clear();
    let late = server.protect(23, b"late");
    duel.deliver(&late);
    duel.assert_unmoved();
    assert_eq!(duel.client.seal(&mut [0; 100], 3), Err(SealError::NotConnected));
    // We close.
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_connected(&mut duel);
    let now = duel.time();
    duel.client.close(now);
    let late = server.protect(23, b"late");
    duel.deliver(&late);
    assert_eq!(duel.data, Vec::<Vec<u8>>::new());
    assert_eq!(duel.sent.len(), 1);
    assert_eq!(server.open_client(&duel.sent[0]), Some(vec![1, 0]));
    assert_eq!(duel.client.seal(&mut [0; 100], 3), Err(SealError::NotConnected));
    duel.clear();
    duel.deliver(&late);
    duel.assert_unmoved();
    // Closing twice, or what is not open, does nothing.
    duel.client.close(now);
    duel.pump();
    duel.assert_unmoved();
}

/// A generator that fails at one of its draws.
struct Failing {
    draws: u32,
    fails_at: u32,
}

impl Rng for Failing {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        self.draws += 1;
        if self.draws - 1 == self.fails_at {
            return Err(RngError);
        }
        out.fill(self.draws as u8);
        Ok(())
    }
}

/// A failing generator is an error at every single draw: nothing is sent, and the call can be repeated.
#[test]
fn a_failing_generator_sends_nothing() {
    // The hello, and with our own connection ID a second draw.
    for (fails_at, draws) in [(0, 1), (1, 2)] {
        let mut client = Connection::<Everything>::new();
        client.connect(Instant::START, &psk_security(), &Options::DEFAULT).expect("fine");
        let mut rng = Failing { draws: 0, fails_at };
        let mut out = [0xEE; 500];
        let failed = client.poll_transmit(Instant::START, &psk_security(), &mut rng, &mut out);
        assert_eq!(failed, Err(TransmitError::Rng(RngError)));
        assert_eq!((rng.draws, out), (draws, [0xEE; 500]));
        let sent = client.poll_transmit(Instant::START, &psk_security(), &mut rng, &mut out);
        let length = sent.expect("it works again").expect("the hello");
        assert!(out[27..59].iter().all(|byte| *byte != 0), "a random of zeros in {:?}", &out[..length]);
    }
    // The ephemeral key.
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = until_key_exchange(&mut duel);
    let exchange = server.key_exchange();
    let flight = [server.say(SERVER_KEY_EXCHANGE, &exchange), server.say(SERVER_HELLO_DONE, &[])].concat();
    let mut flight = flight;
    let now = duel.time();
    assert!(duel.client.handle_datagram(now, &duel.security, &mut flight).next().is_none());
    let mut rng = Failing { draws: 0, fails_at: 0 };
    let mut out = [0; 500];
    let failed = duel.client.poll_transmit(now, &duel.security, &mut rng, &mut out);
    assert_eq!(failed, Err(TransmitError::Rng(RngError)));
    assert_eq!(out, [0; 500]);
    duel.pump();
    server.read_flight(&mut duel);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected());
}

/// A datagram that did not fit is reported and dropped, never parsed in part.
#[test]
fn an_oversized_datagram_is_an_event() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_connected(&mut duel);
    duel.client.datagram_too_large();
    duel.pump();
    assert_eq!(duel.events, [Event::DatagramTooLarge]);
    duel.clear();
    let data = server.protect(23, b"still here");
    duel.deliver(&data);
    assert_eq!(duel.data.len(), 1);
    // Should a caller hand over the start of one after all: the record is not complete, so it is dropped.
    let long = server.protect(23, &[7; 900]);
    duel.clear();
    duel.deliver(&long[..512]);
    duel.assert_unmoved();
}

/// Too small a buffer for sending is an error that changes nothing.
#[test]
fn too_small_a_buffer_changes_nothing() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = server.psk_hello();
    let mut flight = [server.say(SERVER_HELLO, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    let now = duel.time();
    assert!(duel.client.handle_datagram(now, &duel.security, &mut flight).next().is_none());
    for room in 0..25 {
        let mut out = vec![0; room];
        let refused = duel.client.poll_transmit(now, &duel.security, &mut duel.rng, &mut out);
        assert!(matches!(refused, Err(TransmitError::BufferTooSmall { needed }) if needed > room), "{room}");
    }
    duel.pump();
    assert_eq!(duel.sent[0][5..11], [0, 0, 0, 0, 0, 1], "no record number was used up");
    server.read_flight(&mut duel);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected());
    // The same for application data.
    let length = 40;
    let mut buffer = vec![0; Connection::<PskOnly>::HEADROOM + length + 7];
    assert_eq!(duel.client.seal(&mut buffer, length), Err(SealError::BufferTooSmall));
    assert_eq!(duel.client.seal(&mut [0; 2], length), Err(SealError::BufferTooSmall));
    let limit = duel.client.payload_limit();
    assert_eq!(limit, 1200 - 29);
    assert_eq!(duel.client.seal(&mut [0; 3000], limit + 1), Err(SealError::TooLong { limit }));
    let sealed = duel.seal(&vec![1; limit]);
    assert_eq!(sealed.len(), 1200);
    assert_eq!(sealed[5..11], [0, 0, 0, 0, 0, 1], "no record number was used up");
}

/// One forged fragment that comes before the true ones costs one repetition of the flight, not the handshake.
#[test]
fn a_forged_fragment_is_not_in_the_way_for_ever() {
    for forged in [fragment(2, 200, 0, 0, &[1; 10]), fragment(11, 60, 0, 3, &[1; 10])] {
        let mut duel = Duel::<Everything>::new(psk_security());
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let body = server.psk_hello();
        server.message(SERVER_HELLO, &body);
        let (first, second) = body.split_at(body.len() / 2);
        let first = record(22, 0, 1, &fragment(SERVER_HELLO, body.len(), 0, 0, first));
        let second = record(22, 0, 2, &fragment(SERVER_HELLO, body.len(), 0, first.len() - 25, second));
        let done = server.say(SERVER_HELLO_DONE, &[]);
        let flight = [first, second, done].concat();
        duel.deliver(&record(22, 0, 9, &forged));
        duel.deliver(&flight);
        duel.assert_unmoved();
        // Our hello goes out again, and so does the flight of the server.
        duel.wait();
        assert_eq!(duel.take_sent().len(), 1);
        duel.deliver(&flight);
        server.read_flight(&mut duel);
        server.finishes(&mut duel);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
    }
}
