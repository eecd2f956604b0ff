//! When flights are repeated, and how long their datagrams are.

use crate::builder::{Authority, Fields};
use crate::client_certificate::first_flight;
use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, raw_key_extensions};
use coracle_crypto::profiles::{Everything, PskCid, PskOnly, PskRpkCid};
use coracle_crypto::{Alert, AlertSeen, Backoff, Event, FailureReason, Options};

/// The length of the longest datagram since the last look.
fn longest(duel: &mut Duel<'_, impl coracle_crypto::Profile>) -> usize {
    duel.take_sent().iter().map(Vec::len).max().expect("something was sent")
}

/// 1 s at first, twice as long each time, up to 60 s.
#[test]
fn the_timer_doubles_up_to_a_minute() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    duel.options.backoff = Backoff { attempts: 9, ..Backoff::DEFAULT };
    duel.connect();
    let (start, mut last) = (duel.now, duel.now);
    let mut waits = Vec::new();
    while duel.client.is_handshaking() {
        assert!(duel.wait());
        waits.push((duel.now - last) / 1_000);
        last = duel.now;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(duel.now - start, 243_000);
}

/// All of the flight, with the same message numbers in new records, and a Finished that is encrypted anew.
#[test]
fn a_repeated_flight_is_a_new_one_with_the_same_messages() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let server = psk_until_finished(&mut duel);
    let mut numbers = Vec::new();
    let mut finished = std::collections::BTreeSet::new();
    for again in 0..3_u64 {
        assert!(duel.wait());
        let datagram = duel.take_sent().concat();
        let length = usize::from(u16::from_be_bytes([datagram[11], datagram[12]]));
        let (exchange, rest) = datagram.split_at(13 + length);
        let (change, sealed) = rest.split_at(14);
        // The hello and the first time took 0 to 2.
        assert_eq!(exchange[..11], record(22, 0, 3 + 2 * again, &[])[..11]);
        assert_eq!(change, record(20, 0, 4 + 2 * again, &[1]));
        assert_eq!(sealed[..11], record(22, 1, 1 + again, &[])[..11]);
        numbers.push(exchange[13..].to_vec());
        assert_eq!(server.open_client(sealed), server.open_client(&server.client_finished));
        assert!(finished.insert(sealed[21..].to_vec()), "the same ciphertext");
    }
    assert_eq!(numbers[0][4..6], [0, 1]);
    assert!(numbers.iter().all(|message| *message == numbers[0]));
}

/// A server, or a forger, that repeats its flight for ever gets ours again, but no more time.
#[test]
fn repeated_flights_do_not_put_off_the_end() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let start = duel.now;
    let hello = server.psk_hello();
    let hello = fragment(SERVER_HELLO, hello.len(), 0, 0, &hello);
    let mut flights = 0;
    while duel.client.is_handshaking() {
        assert!(duel.now - start < 60_000, "{flights} flights, and no end");
        duel.now += 100;
        let repeated = server.plain(22, &hello);
        duel.deliver(&repeated);
        let now = duel.time();
        duel.client.handle_timeout(now);
        duel.pump();
        flights += duel.take_sent().len();
    }
    assert_eq!(duel.now - start, 15_000);
    assert!((10..=15).contains(&flights), "{flights}");
    let expected = Event::Failed { reason: FailureReason::FinishedNotAnswered, alert: AlertSeen::None };
    assert_eq!(duel.events, [expected]);
}

/// The last flight of an abbreviated handshake is ours: it can be sent again after application data was.
#[test]
fn the_last_flight_is_kept_while_data_is_sent() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let mut server = crate::handshake::resume(&mut duel, &[extension(23, &[])]);
    let ours = server.verify_data("client finished");
    duel.clear();
    let number = server.message_seq - 1;
    // The server does not have it, so it can read neither flight nor data, and repeats its Finished.
    let message = server.transcript[server.transcript.len() - 24..].to_vec();
    assert_eq!(message[4..6], number.to_be_bytes());
    for round in 0..3_u8 {
        let data = duel.seal(&[round; 10]);
        assert_eq!(server.open_client(&data), Some(vec![round; 10]));
        duel.now += 1_000;
        let again = server.protect(22, &message);
        duel.deliver(&again);
        let flight = duel.take_sent().concat();
        assert_eq!(flight[13], 1, "the ChangeCipherSpec");
        let finished = server.open_client(&flight[14..]).expect("the keys agree");
        assert_eq!(finished[12..], ours);
        // Finished, data, Finished, data, ...
        assert_eq!(flight[14 + 5..14 + 11], [0, 0, 0, 0, 0, 2 + 2 * round]);
    }
    assert!(duel.client.is_connected() && duel.events.is_empty());
}

/// Two tries without an answer, and the flight is cut in shorter datagrams: the network may not carry long ones.
#[test]
fn flights_without_an_answer_get_shorter_datagrams() {
    let keys = Keys::new();
    for (mtu, later) in [(600, 300), (300, 256), (200, 200)] {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        duel.options.mtu = mtu;
        duel.connect();
        let mut server = Hostile { ecdhe: true, ..Hostile::new() };
        server.read_hello(&mut duel);
        let mut flight = first_flight(&mut server, None, &raw_key_extensions());
        flight.push(server.message(CERTIFICATE_REQUEST, &[1, 64, 0, 2, 4, 3, 0, 0]));
        flight.push(server.message(SERVER_HELLO_DONE, &[]));
        let flight = server.plain(22, &flight.concat());
        duel.deliver(&flight);
        let first = longest(&mut duel);
        assert!(first <= usize::from(mtu) && first > later - 50, "{mtu}: {first}");
        duel.wait();
        assert_eq!(longest(&mut duel), first, "the second time");
        duel.wait();
        let third = duel.sent.concat();
        assert!(duel.sent.iter().all(|datagram| datagram.len() <= later), "{mtu}");
        // It is as good as the first.
        server.read_flight(&mut duel);
        assert!(third.len() > 300);
        server.finishes(&mut duel);
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        assert_eq!(duel.client.payload_limit(), usize::from(mtu) - 29);
    }
}

/// An SMS has 140 bytes: flights with certificates are cut so small, in both directions.
#[test]
fn datagrams_of_140_bytes_are_enough_for_certificates() {
    use coracle_crypto::{
        Certificate, CertificateUsage, Credentials, MatchingType, PrivateKey, Security, ServerCertificate,
    };
    let own = PrivateKey::parse(&[0x33; 32]).expect("in range");
    let authority = Authority::new(0x55);
    let public = own.public_key().expect("a key").to_spki();
    let (mine, theirs) = (authority.issue(&Fields::leaf("device"), &public), Hostile::new().spki());
    let theirs = authority.issue(&Fields::leaf("server.example"), &theirs);
    let usage = CertificateUsage::DomainIssuedCertificate;
    let policy = ServerCertificate::new(usage, MatchingType::Exact, &theirs, &[]).expect("fine");
    let chain: [&[u8]; 1] = [&mine];
    let certificate = Certificate::new(&own, &chain, policy).expect("fine");
    let security = Security {
        suites: &[ECDSA_CCM_8],
        ..Security::new(b"server", Credentials::Certificate(certificate))
    };
    let mut duel = Duel::<Everything>::new(security);
    duel.options = Options { mtu: 140, ..Options::DEFAULT };
    duel.connect();
    let mut server = Hostile { ecdhe: true, ..Hostile::new() };
    assert!(duel.sent.iter().skip(1).all(|datagram| datagram.len() <= 140));
    server.read_hello(&mut duel);
    let list = vec24(&vec24(&theirs));
    let mut flight = first_flight(&mut server, Some(&list), &[extension(23, &[])]);
    flight.push(server.message(CERTIFICATE_REQUEST, &[1, 64, 0, 2, 4, 3, 0, 0]));
    flight.push(server.message(SERVER_HELLO_DONE, &[]));
    for message in flight {
        let (total, number) = (message.len() - 12, u16::from_be_bytes([message[4], message[5]]));
        for (at, piece) in message[12..].chunks(100).enumerate() {
            let datagram = server.plain(22, &fragment(message[0], total, number, 100 * at, piece));
            duel.deliver(&datagram);
        }
        if total == 0 {
            let datagram = server.plain(22, &message);
            duel.deliver(&datagram);
        }
    }
    assert!(duel.sent.len() >= 4 && duel.sent.iter().all(|datagram| datagram.len() <= 140));
    server.read_flight(&mut duel);
    server.finishes(&mut duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    let limit = duel.client.payload_limit();
    assert_eq!(duel.seal(&vec![1; limit]).len(), 140);
}

/// Else somebody could close the door to alerts early, and be silent then.
#[test]
fn a_change_cipher_spec_does_not_come_before_the_end_of_our_flight() {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    duel.options.mtu = 128;
    duel.connect();
    let mut server = Hostile { ecdhe: true, ..Hostile::new() };
    server.read_hello(&mut duel);
    let mut flight = first_flight(&mut server, None, &raw_key_extensions());
    flight.push(server.message(SERVER_HELLO_DONE, &[]));
    let mut flight = server.plain(22, &flight.concat());
    let (now, mut out) = (duel.time(), [0; 1500]);
    assert!(duel.client.handle_datagram(now, &duel.security, &mut flight).next().is_none());
    while duel.client.poll_transmit(now, &duel.security, &mut duel.rng, &mut out) == Ok(None) {}
    let mut early = server.change_cipher_spec();
    assert!(duel.client.handle_datagram(now, &duel.security, &mut early).next().is_none());
    duel.pump();
    assert!(!duel.sent.is_empty(), "a part of the flight was still to be sent");
    duel.events.clear();
    duel.deliver(&record(21, 0, 9, &[2, 40]));
    let alert = AlertSeen::Received(Alert::HANDSHAKE_FAILURE);
    assert_eq!(duel.events, [Event::Failed { reason: FailureReason::Refused, alert }]);
}

/// Where the first wait was too short for the network, that of the next flight would be, too.
#[test]
fn a_wait_that_has_grown_is_kept_until_a_flight_is_answered_at_once() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let wait = |duel: &mut Duel<'_, PskOnly>| {
        let before = duel.now;
        assert!(duel.wait());
        duel.now - before
    };
    // The hello is lost twice. Its cookie, the server's flight and ours then come through.
    assert_eq!([wait(&mut duel), wait(&mut duel)], [1_000, 2_000]);
    let mut server = Hostile::new();
    let request = server.hello_verify_request(0, &[7; 16]);
    duel.deliver(&request);
    let deadline =
        |duel: &Duel<'_, PskOnly>| duel.client.poll_timeout().expect("it waits").as_millis() - duel.now;
    assert_eq!(deadline(&duel), 4_000);
    server.read_hello(&mut duel);
    server.message_seq = 1;
    let hello = server.psk_hello();
    let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    assert_eq!(deadline(&duel), 1_000);
    // The next handshake begins anew.
    assert_eq!([wait(&mut duel), wait(&mut duel)], [1_000, 2_000]);
    duel.connect();
    assert_eq!(deadline(&duel), 1_000);
}

/// Records of epoch 0 still count: what the server repeats is answered until its Finished is there.
#[test]
fn repeated_flights_are_answered_up_to_the_servers_finished() {
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let mut server = psk_until_finished(&mut duel);
    let hello = server.psk_hello();
    let done = fragment(SERVER_HELLO_DONE, 0, 1, 0, &[]);
    let repeated = [fragment(SERVER_HELLO, hello.len(), 0, 0, &hello), done].concat();
    let change = server.change_cipher_spec();
    duel.deliver(&change);
    duel.now += 1_500;
    let now = duel.time();
    duel.client.handle_timeout(now);
    duel.pump();
    assert_eq!(duel.take_sent().len(), 1, "our own timer");
    duel.now += 1_000;
    let again = server.plain(22, &repeated);
    duel.deliver(&again);
    assert_eq!(duel.take_sent().len(), 1, "our flight once more");
    let finished = server.finished();
    duel.deliver(&finished);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    duel.clear();
    duel.now += 5_000;
    let again = server.plain(22, &repeated);
    duel.deliver(&again);
    duel.assert_unmoved();
}
