//! Records of AES-128-CBC, whose padding tells an attacker more than it should when it takes time: Lucky Thirteen
//! (CVE-2013-0169). And the cookies of a server.

use crate::forge::{self, Damage, IV, KEY, MAC_KEY, RECORD_HEADER, TOTAL, content_len, encrypt, prefix};
use crate::memcheck::{public, secret};
use crate::{Operation, publish};
use coracle_crypto::internals::{HEADER, cbc_open, cbc_seal, hmac};
use coracle_crypto::server::{Cookies, Verdict};
use coracle_crypto::{Rng, RngError};

pub(crate) const OPERATIONS: &[Operation] = &[
    ("cbc-mac-then-encrypt", mac_then_encrypt),
    ("cbc-encrypt-then-mac", encrypt_then_mac),
    ("cbc-seal", seal),
    ("cookie", cookie),
];

/// Opens with keys that are secret.
fn open(encrypt_then_mac: bool, record: &mut [u8]) -> Option<usize> {
    let (mut mac_key, mut key) = (MAC_KEY, KEY);
    secret(&mut mac_key);
    secret(&mut key);
    cbc_open(encrypt_then_mac, &mac_key, &key, record).map(|range| range.len())
}

/// Each length of padding: in good records and in damaged ones.
fn mac_then_encrypt() {
    for padding in 0..=255 {
        for damage in [Damage::Nothing, Damage::StartOfMac, Damage::EndOfMac, Damage::StartOfPadding] {
            let mut record = forge::record(padding, damage);
            let expected = (damage == Damage::Nothing).then_some(content_len(padding));
            assert_eq!(open(false, &mut record), expected, "{padding} {damage:?}");
            if expected.is_some() {
                publish(&mut record[HEADER + 16..]);
            }
        }
    }
    // Padding that is longer than the record.
    let mut data = [0xFF; 48];
    encrypt(&mut data);
    assert_eq!(open(false, &mut [&RECORD_HEADER[..], &IV, &data].concat()), None);
}

/// Padding that is good, and padding that is wrong in an authentic record; each also with a wrong MAC.
fn encrypt_then_mac() {
    for padding in [0, 1, 15, 16, 100, 255_u8] {
        let length = TOTAL - usize::from(padding) - 1;
        for wrong in [0, 0x40] {
            let mut data = [padding; TOTAL];
            data[..length].fill(6);
            data[length] ^= wrong;
            encrypt(&mut data);
            let tag = hmac(&MAC_KEY, &[&prefix(16 + TOTAL)[..], &IV, &data].concat());
            let mut record = [&RECORD_HEADER[..], &IV, &data, &tag].concat();
            let mut forged = record.clone();
            let good = if wrong == 0 { Some(length) } else { None };
            assert_eq!(open(true, &mut record), good, "{padding}");
            *forged.last_mut().expect("a tag") ^= 1;
            assert_eq!(open(true, &mut forged), None);
        }
    }
}

fn seal() {
    for encrypt_then_mac in [false, true] {
        for length in [1, 15, 16, 100] {
            let (mut mac_key, mut key, mut record) = (MAC_KEY, KEY, [0; 256]);
            record[..HEADER].copy_from_slice(&RECORD_HEADER);
            secret(&mut mac_key);
            secret(&mut key);
            secret(&mut record[HEADER + 16..HEADER + 16 + length]);
            let sealed =
                cbc_seal(encrypt_then_mac, &mac_key, &key, &mut record, length).expect("there is room");
            publish(&mut record[HEADER..sealed]);
            assert_eq!(open(encrypt_then_mac, &mut record[..sealed]), Some(length));
        }
    }
}

/// Numbers that are secret.
struct Secrets;

impl Rng for Secrets {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        out.fill(0x5A);
        secret(out);
        Ok(())
    }
}

/// A server tells a good cookie from a wrong one.
fn cookie() {
    let cookies = Cookies::new(&mut Secrets).expect("there are numbers");
    let hello = |cookie: &[u8]| {
        let body = [&[0xFE, 0xFD][..], &[7; 32], &[0, cookie.len() as u8], cookie, &[0, 2, 0xC0, 0xA8, 1, 0]];
        let body = body.concat();
        let length = body.len() as u8;
        let fragment = [&[1, 0, 0, length, 0, 1, 0, 0, 0, 0, 0, length][..], &body].concat();
        [&[22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 5, 0, fragment.len() as u8][..], &fragment].concat()
    };
    let mut out = [0; 64];
    let Verdict::Answer(length) = cookies.check(b"here", &hello(&[]), &mut out) else {
        panic!("a hello without a cookie is asked for one")
    };
    let cookie = &mut out[length - 16..length];
    publish(cookie);
    assert_eq!(cookies.check(b"here", &hello(cookie), &mut [0; 64]), Verdict::Accept);
    cookie[15] ^= 1;
    let mut out_again = [0; 64];
    assert_eq!(cookies.check(b"here", &hello(cookie), &mut out_again), Verdict::Answer(length));
    public(&mut out_again);
}
