//! Messages that are cut, and odd fields.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, ecdsa_script, raw_key_extensions};
use coracle_crypto::FailureReason;
use coracle_crypto::profiles::{PskOnly, PskRpkCid};

const DECODE_ERROR: u8 = 50;

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
