//! Points off the curve, signatures and keys that are none.

use crate::duel::Duel;
use crate::hostile::*;
use crate::raw_keys::{Keys, ecdsa_script, raw_key_extensions, until_key_exchange};
use coracle_crypto::FailureReason;
use coracle_crypto::profiles::PskRpkCid;

const DECODE_ERROR: u8 = 50;
const ILLEGAL_PARAMETER: u8 = 47;
const DECRYPT_ERROR: u8 = 51;

/// Sends one key exchange with these parameters, properly signed.
fn key_exchange_fails(params: &dyn Fn(&Hostile) -> Vec<u8>) -> (FailureReason, u8) {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = until_key_exchange(&mut duel);
    let params = params(&server);
    let body = server.signed(&params);
    let flight = [server.say(SERVER_KEY_EXCHANGE, &body), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    duel.expect_failure()
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
