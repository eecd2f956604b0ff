//! Ciphers, hashes and what is derived with them.

use crate::Operation;
use crate::memcheck::{public, secret};
use crate::publish;
use coracle_crypto::internals::{
    ccm_open, ccm_seal, chacha_open, chacha_seal, hmac, keys, prf, sha256, verify_data,
};
use coracle_crypto::{Aes128, HmacDrbg, Rng, SoftAes};

pub(crate) const OPERATIONS: &[Operation] = &[
    ("aes", aes),
    ("ccm", ccm),
    ("chacha20-poly1305", chacha),
    ("sha-256", hash),
    ("hmac", mac),
    ("prf", pseudo_random),
    ("key-schedule", key_schedule),
    ("drbg", drbg),
];

fn aes() {
    let (mut key, mut first, mut second) = ([7; 16], [1; 16], [2; 16]);
    secret(&mut key);
    secret(&mut first);
    secret(&mut second);
    let cipher = SoftAes::new(&key);
    cipher.encrypt_pair(&mut first, &mut second);
    cipher.encrypt(&mut first);
    cipher.decrypt(&mut first);
    cipher.decrypt(&mut first);
    cipher.decrypt(&mut second);
    publish(&mut first);
    publish(&mut second);
    assert_eq!((first, second), ([1; 16], [2; 16]));
}

/// Lengths of data: none, a part of a block, whole blocks, both.
const LENGTHS: [usize; 5] = [0, 5, 16, 32, 45];

fn ccm() {
    for tag_len in [8, 16] {
        for length in LENGTHS {
            for aad in [&[][..], &[3; 13], &[3; 40]] {
                let (mut key, mut data) = ([7; 16], vec![9; length]);
                secret(&mut key);
                secret(&mut data[..]);
                let mut tag = ccm_seal(&key, &[5; 12], aad, &mut data, tag_len);
                publish(&mut tag);
                publish(&mut data);
                let tag = &mut tag[..tag_len];
                let sealed = data.clone();
                assert!(ccm_open(&key, &[5; 12], aad, &mut data, tag));
                publish(&mut data);
                assert_eq!(data, vec![9; length]);
                data.copy_from_slice(&sealed);
                tag[tag_len - 1] ^= 1;
                assert!(!ccm_open(&key, &[5; 12], aad, &mut data, tag));
                assert_eq!(data, vec![0; length]);
            }
        }
    }
}

fn chacha() {
    for length in LENGTHS.into_iter().chain([64, 150]) {
        let (mut key, mut data) = ([7; 32], vec![9; length]);
        secret(&mut key);
        secret(&mut data[..]);
        let mut tag = chacha_seal(&key, &[5; 12], &[3; 13], &mut data);
        publish(&mut tag);
        publish(&mut data);
        let sealed = data.clone();
        assert!(chacha_open(&key, &[5; 12], &[3; 13], &mut data, &tag));
        publish(&mut data);
        assert_eq!(data, vec![9; length]);
        data.copy_from_slice(&sealed);
        tag[0] ^= 1;
        assert!(!chacha_open(&key, &[5; 12], &[3; 13], &mut data, &tag));
        assert_eq!(data, vec![0; length]);
    }
}

fn hash() {
    for length in [1, 55, 56, 64, 200] {
        let mut data = vec![1; length];
        secret(&mut data[..]);
        publish(&mut sha256(&data));
    }
}

/// Keys shorter and longer than a block.
fn mac() {
    for length in [16, 32, 64, 100] {
        let (mut key, mut data) = (vec![1; length], [2; 70]);
        secret(&mut key[..]);
        publish(&mut hmac(&key, &data));
        secret(&mut data);
        publish(&mut hmac(&key, &data));
    }
}

fn pseudo_random() {
    let (mut key, mut out) = ([1; 48], [0; 100]);
    secret(&mut key);
    prf(&key, b"key expansion", &[2; 64], &mut out);
    publish(&mut out);
}

/// Premaster secret, master secret, key block, Finished; all kinds of pre-shared keys.
fn key_schedule() {
    for length in [1, 16, 64] {
        for (with_curve, extended) in [(false, true), (true, true), (false, false)] {
            let (mut psk, mut shared, mut block) = (vec![1; length], [2; 32], [0; 96]);
            secret(&mut psk[..]);
            secret(&mut shared);
            let mut master = keys(&psk, with_curve.then_some(&shared), extended, &mut block);
            publish(&mut verify_data(&master));
            publish(&mut master);
            publish(&mut block);
        }
    }
}

fn drbg() {
    let (mut seed, mut out) = ([1; HmacDrbg::SEED_LEN], [0; 70]);
    secret(&mut seed);
    let mut drbg = HmacDrbg::EMPTY;
    drbg.seed(&seed);
    drbg.reseed(&seed);
    drbg.fill(&mut out).expect("it has a seed");
    publish(&mut out);
    public(&mut seed);
}
