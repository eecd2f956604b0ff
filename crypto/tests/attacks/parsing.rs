//! Fragments and messages that do not fit together, and numbers off the curve.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, ecdsa_script, raw_key_extensions, until_key_exchange};
use coracle_crypto::profiles::{Everything, PskCid, PskOnly, PskRpkCid};
use coracle_crypto::{FailureReason, Security};

const DECODE_ERROR: u8 = 50;
const ILLEGAL_PARAMETER: u8 = 47;
const DECRYPT_ERROR: u8 = 51;

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
    let whole = server.plain(22, &fragment(SERVER_HELLO, body.len(), 0, 0, &body));
    duel.deliver(&whole);
    assert!(takes_done(&mut duel, &mut server, &body));
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
    let whole = server.plain(22, &fragment(SERVER_HELLO, body.len(), 0, 0, &body));
    duel.deliver(&whole);
    assert!(takes_done(&mut duel, &mut server, &body));
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

/// Every message of the server's flight, cut at every byte, and with a byte too many.
#[test]
fn messages_cut_anywhere_fail_cleanly() {
    let keys = Keys::new();
    let good = |server: &Hostile, kind: u8| match kind {
        SERVER_HELLO => server.server_hello(ECDSA_CCM_8, &[7; 8], &raw_key_extensions()),
        CERTIFICATE => vec24(&server.spki()),
        SERVER_KEY_EXCHANGE => server.key_exchange(),
        CERTIFICATE_REQUEST => vec![1, 64, 0, 2, 4, 3, 0, 0],
        _ => Vec::new(),
    };
    let order = [SERVER_HELLO, CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE];
    for (at, kind) in order.into_iter().enumerate() {
        let mut script = ecdsa_script();
        script.read_hello(&mut Duel::<PskRpkCid>::new(keys.security()));
        let length = good(&script, kind).len();
        // Where a hello ends before its extensions it is a shorter hello, which fails for want of one of them.
        for cut in (0..length).chain([length + 1]) {
            let mut duel = Duel::<PskRpkCid>::new(keys.security());
            let mut server = ecdsa_script();
            server.read_hello(&mut duel);
            for earlier in &order[..at] {
                let body = good(&server, *earlier);
                let message = server.say(*earlier, &body);
                duel.deliver(&message);
            }
            assert_eq!(duel.events, []);
            let mut body = good(&server, kind);
            body.resize(cut, 0);
            let message = server.say(kind, &body);
            duel.deliver(&message);
            let (reason, alert) = duel.failure().unwrap_or_else(|| panic!("{kind} cut at {cut} of {length}"));
            duel.assert_failed(reason, alert);
            if cut > length {
                assert_eq!((reason, alert), (FailureReason::Malformed, DECODE_ERROR), "{kind} with one more");
            }
        }
    }
}

#[test]
fn hellos_with_odd_fields_fail() {
    let fails = |body: &dyn Fn(&Hostile) -> Vec<u8>| {
        let mut duel = Duel::<PskOnly>::new(psk_security());
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let body = body(&server);
        let hello = server.say(SERVER_HELLO, &body);
        duel.deliver(&hello);
        let (reason, alert) = duel.failure().expect("it fails");
        duel.assert_failed(reason, alert);
        reason
    };
    let ems = extension(23, &[]);
    for length in [33, 64, 255] {
        let long = |server: &Hostile| server.server_hello(PSK_CCM_8, &vec![0; length], &[extension(23, &[])]);
        assert_eq!(fails(&long), FailureReason::Malformed);
    }
    let twice = |server: &Hostile| server.server_hello(PSK_CCM_8, &[], &[ems.clone(), ems.clone()]);
    assert_eq!(fails(&twice), FailureReason::IllegalParameter);
    let overrun = |server: &Hostile| {
        let mut body = server.psk_hello();
        let length = body.len();
        body[length - 3..].copy_from_slice(&[0, 2, 0]);
        body
    };
    assert_eq!(fails(&overrun), FailureReason::Malformed);
    let unknown =
        |server: &Hostile| server.server_hello(PSK_CCM_8, &[], &[ems.clone(), extension(0x4242, b"?")]);
    assert_eq!(fails(&unknown), FailureReason::UnsupportedExtension);
}

#[test]
fn identity_hints_of_any_length() {
    for (claimed, given) in [(0_u16, 0), (1, 1), (600, 600), (1, 0), (0xFFFF, 0), (0xFFFF, 500), (500, 501)] {
        let mut duel = Duel::<PskOnly>::new(psk_security());
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let hello = server.psk_hello();
        let hello = server.say(SERVER_HELLO, &hello);
        duel.deliver(&hello);
        let body = [&claimed.to_be_bytes()[..], &vec![b'h'; given]].concat();
        let exchange = server.say(SERVER_KEY_EXCHANGE, &body);
        duel.deliver(&exchange);
        if usize::from(claimed) == given {
            duel.assert_unmoved();
        } else {
            duel.assert_failed(FailureReason::Malformed, DECODE_ERROR);
        }
    }
}

/// Sends one key exchange with these parameters, properly signed.
fn key_exchange_fails(params: &dyn Fn(&Hostile) -> Vec<u8>) -> (FailureReason, u8) {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = until_key_exchange(&mut duel);
    let params = params(&server);
    let body = server.signed(&params);
    let flight = [server.say(SERVER_KEY_EXCHANGE, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    let (reason, alert) = duel.failure().unwrap_or_else(|| panic!("{:?}", duel.events));
    duel.assert_failed(reason, alert);
    (reason, alert)
}

/// Invalid-curve attacks: only proper points of the one curve are multiplied with our secret.
#[test]
fn points_off_the_curve_are_refused() {
    let illegal = (FailureReason::IllegalParameter, ILLEGAL_PARAMETER);
    let point = |server: &Hostile| server.point();
    for change in 0..6 {
        let params = |server: &Hostile| {
            let mut point = point(server);
            match change {
                // Off the curve; compressed; hybrid; the x of infinity; too short; too long.
                0 => point[64] ^= 1,
                1 => point[0] = 2,
                2 => point[0] = 6,
                3 => point[1..].fill(0),
                4 => point.truncate(64),
                _ => point.push(0),
            }
            Hostile::params(&point)
        };
        assert_eq!(key_exchange_fails(&params), illegal, "{change}");
    }
    // Infinity, and compressed points of the right length.
    for bytes in [&[0][..], &[2; 33], &[3; 33], &[]] {
        assert_eq!(key_exchange_fails(&|_| Hostile::params(bytes)), illegal, "{bytes:?}");
    }
    // Explicit curves.
    for kind in [1, 2, 0, 4, 255] {
        let params = |server: &Hostile| {
            let mut params = Hostile::params(&server.point());
            params[0] = kind;
            params
        };
        assert_eq!(key_exchange_fails(&params), illegal);
    }
}

/// The class of CVE-2022-21449 and CVE-2026-5194: signatures with impossible numbers or sloppy encodings.
#[test]
fn impossible_signatures_are_refused() {
    use crate::builder::{der, sequence};
    let keys = Keys::new();
    let with = |signature: &[u8]| {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        let mut server = until_key_exchange(&mut duel);
        let params = Hostile::params(&server.point());
        let body = [&params[..], &[4, 3], &vec16(signature)].concat();
        let message = server.say(SERVER_KEY_EXCHANGE, &body);
        duel.deliver(&message);
        let (reason, alert) = duel.failure().expect("it fails");
        duel.assert_failed(reason, alert);
        (reason, alert)
    };
    let malformed = (FailureReason::Malformed, DECODE_ERROR);
    let bad = (FailureReason::BadSignature, DECRYPT_ERROR);
    let order = crate::common::hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let positive = |number: &[u8]| der(2, &[&[0][..], number].concat());
    let one = der(2, &[1]);
    let zero = der(2, &[0]);
    assert_eq!(with(&sequence(&[&one, &one])), bad);
    assert_eq!(with(&sequence(&[&positive(&order), &one])), bad);
    assert_eq!(with(&sequence(&[&one, &positive(&order)])), bad);
    assert_eq!(with(&sequence(&[&positive(&[0xFF; 32]), &one])), bad);
    for odd in [
        sequence(&[&zero, &one]),
        sequence(&[&one, &zero]),
        sequence(&[&zero, &zero]),
        sequence(&[&der(2, &[0x81]), &one]),
        sequence(&[&der(2, &[0, 1]), &one]),
        sequence(&[&der(2, &[1; 33]), &one]),
        sequence(&[&one, &one, &one]),
        sequence(&[&one]),
        [sequence(&[&one, &one]), vec![0]].concat(),
        [&[0x30, 0x81, 6][..], &one, &one].concat(),
        [&[0x30, 0x80][..], &one, &one, &[0, 0]].concat(),
        der(0x31, &[&one[..], &one].concat()),
        vec![],
        vec![0x30],
        vec![0x30, 0],
    ] {
        assert_eq!(with(&odd), malformed, "{odd:02x?}");
    }
}

#[test]
fn signatures_over_other_randoms_or_params_are_refused() {
    let keys = Keys::new();
    let bad = (FailureReason::BadSignature, DECRYPT_ERROR);
    let with = |forge: &dyn Fn(&Hostile) -> Vec<u8>| {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        let mut server = until_key_exchange(&mut duel);
        let body = forge(&server);
        let message = server.say(SERVER_KEY_EXCHANGE, &body);
        duel.deliver(&message);
        duel.failure()
    };
    assert_eq!(with(&|server| server.key_exchange()), None);
    // As signed in another session.
    let other = |change_client: bool| {
        move |server: &Hostile| {
            let mut other = Hostile { client_random: server.client_random.clone(), ..Hostile::new() };
            if change_client {
                other.client_random[5] ^= 1;
            } else {
                other.server_random[5] ^= 1;
            }
            other.key_exchange()
        }
    };
    assert_eq!(with(&other(true)), Some(bad));
    assert_eq!(with(&other(false)), Some(bad));
    // The randoms swapped, and without the params.
    let swapped = |server: &Hostile| {
        let client_random = server.server_random.to_vec();
        let server_random = server.client_random.clone().try_into().expect("32 bytes");
        Hostile { client_random, server_random, ..Hostile::new() }.key_exchange()
    };
    assert_eq!(with(&swapped), Some(bad));
    let without = |server: &Hostile| {
        let signed = server.signed(&[]);
        [&Hostile::params(&server.point())[..], &signed].concat()
    };
    assert_eq!(with(&without), Some(bad));
    // Over other params than those sent.
    let exchanged = |server: &Hostile| {
        let ephemeral = p256::SecretKey::from_slice(&[0x12; 32]).expect("in range");
        let point = Hostile { ephemeral, ..Hostile::new() }.point();
        let signed = server.signed(&Hostile::params(&point));
        let params = Hostile::params(&server.point());
        [&params[..], &signed[params.len()..]].concat()
    };
    assert_eq!(with(&exchanged), Some(bad));
}

/// The shape of CVE-2026-9267: a raw public key with lengths that do not fit.
#[test]
fn odd_raw_public_keys_are_refused() {
    let keys = Keys::new();
    let with = |body: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut duel = Duel::<PskRpkCid>::new(keys.security());
        let mut server = ecdsa_script();
        server.read_hello(&mut duel);
        let hello = server.server_hello(ECDSA_CCM_8, &[], &raw_key_extensions());
        let hello = server.say(SERVER_HELLO, &hello);
        duel.deliver(&hello);
        let body = body(&server.spki());
        let certificate = server.say(CERTIFICATE, &body);
        duel.deliver(&certificate);
        duel.failure().map(|(reason, alert)| {
            // RFC 7925 section 6: those about certificates are for certificates.
            assert!(!matches!(alert, 42..=46 | 48 | 49), "{alert}");
            reason
        })
    };
    assert_eq!(with(&vec24), None);
    assert_eq!(with(&|spki| vec24(&spki[..90])), Some(FailureReason::UnsupportedCertificate));
    assert_eq!(with(&|spki| vec24(&[spki, &[0]].concat())), Some(FailureReason::UnsupportedCertificate));
    assert_eq!(with(&|_| vec24(&[])), Some(FailureReason::UnsupportedCertificate));
    assert_eq!(with(&|spki| [&[0, 0, 92][..], spki].concat()), Some(FailureReason::Malformed));
    assert_eq!(with(&|spki| [&[0, 0, 90][..], spki].concat()), Some(FailureReason::Malformed));
    assert_eq!(with(&|spki| [&[0xFF, 0xFF, 0xFF][..], spki].concat()), Some(FailureReason::Malformed));
    assert_eq!(with(&|_| Vec::new()), Some(FailureReason::Malformed));
    // Any bit of it.
    for at in 0..91 {
        let changed = |spki: &[u8]| {
            let mut spki = spki.to_vec();
            spki[at] ^= 1;
            vec24(&spki)
        };
        assert_eq!(with(&changed), Some(FailureReason::ServerKeyMismatch), "{at}");
    }
}
