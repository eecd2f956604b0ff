//! Limits that the two sides tell each other, and servers that do not keep to them.

use crate::duel::{Duel, KEY, psk_security};
use crate::hostile::*;
use coracle_crypto::profiles::Everything;
use coracle_crypto::{Credentials, FailureReason, Psk, Security};

const ILLEGAL_PARAMETER: u8 = 47;

/// [`Everything`] asks for 1,024 bytes by code 2 (RFC 6066), and for 1,200 by RFC 8449.
fn hello(server: &Hostile, limits: &[(u16, &[u8])]) -> Vec<u8> {
    let limits = limits.iter().map(|(number, body)| extension(*number, body));
    let extensions: Vec<_> = [extension(23, &[])].into_iter().chain(limits).collect();
    server.server_hello(PSK_CCM_8, &[], &extensions)
}

fn start<'a>(security: Security<'a>, limits: &[(u16, &[u8])]) -> Duel<'a, Everything> {
    let mut duel = Duel::new(security);
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let body = hello(&server, limits);
    let flight = [server.say(SERVER_HELLO, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    duel
}

#[test]
fn another_limit_than_ours_fails() {
    for (number, body) in [
        // RFC 6066 section 4: the echo must be the same.
        (1, &[1][..]),
        (1, &[3]),
        (1, &[4]),
        (1, &[0]),
        (1, &[255]),
        // RFC 8449 section 4: below 64.
        (28, &[0, 63]),
        (28, &[0, 0]),
    ] {
        let mut duel = start(psk_security(), &[(number, body)]);
        duel.assert_failed(FailureReason::IllegalParameter, ILLEGAL_PARAMETER);
    }
}

/// What the server takes at most bounds our records: application data and handshake messages.
#[test]
fn the_servers_limits_are_kept() {
    for (limits, expected) in [
        (&[][..], 1200 - 29),
        (&[(1_u16, &[2_u8][..])], 1024),
        (&[(28, &[0, 64])], 64),
        (&[(28, &[0x40, 0x00])], 1200 - 29),
    ] {
        let mut duel = Duel::<Everything>::new(psk_security());
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let body = hello(&server, limits);
        server.answers(&mut duel, &body);
        server.finishes(&mut duel);
        assert!(duel.client.is_connected(), "{limits:?}");
        assert_eq!(duel.client.payload_limit(), expected, "{limits:?}");
    }
}

/// RFC 8449 section 5: one replaces the other.
#[test]
fn both_limits_at_once_fail() {
    for limits in [[(1_u16, &[2_u8][..]), (28, &[0, 100])], [(28, &[4, 0]), (1, &[2])]] {
        let mut duel = start(psk_security(), &limits);
        duel.assert_failed(FailureReason::IllegalParameter, ILLEGAL_PARAMETER);
    }
}

#[test]
fn handshake_messages_are_cut_to_the_servers_limit() {
    let identity = [b'i'; 120];
    let psk = Psk::new(&identity, KEY).expect("fine");
    let security = Security { credentials: Credentials::Psk(psk), ..psk_security() };
    let mut duel = start(security, &[(28, &[0, 64])]);
    let flight = duel.take_sent().concat();
    let mut rest = &flight[..];
    let mut records = 0;
    while !rest.is_empty() {
        let length = usize::from(u16::from_be_bytes([rest[11], rest[12]]));
        assert!(length <= 64, "a record of {length} bytes");
        records += 1;
        rest = &rest[13 + length..];
    }
    // The key exchange in three, ChangeCipherSpec, Finished.
    assert_eq!(records, 5);
}
