//! Private keys and ephemeral secrets on P-256.

use crate::memcheck::{public, secret};
use crate::{Operation, publish};
use coracle_crypto::{Curve, P256, PrivateKey, RawPublicKey, Rng, RngError, Signer};

pub(crate) const OPERATIONS: &[Operation] = &[
    ("p256-generate", || publish(&mut ephemeral())),
    ("p256-public-key", public_key),
    ("p256-ecdh", agree),
    ("p256-private-key", parse),
    ("p256-ecdsa", sign),
];

/// Secret numbers.
struct Secrets(u8);

impl Rng for Secrets {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        for byte in out.iter_mut() {
            self.0 = self.0.wrapping_mul(5).wrapping_add(113);
            *byte = self.0;
        }
        secret(out);
        Ok(())
    }
}

fn ephemeral() -> [u8; 32] {
    let mut scalar = [0; 32];
    P256::generate(&mut Secrets(1), &mut scalar).expect("in range");
    scalar
}

fn point_of(scalar: &[u8; 32]) -> [u8; 65] {
    let mut point = [4; 65];
    P256::public_key(scalar, &mut point).expect("in range");
    point
}

fn public_key() {
    let mut point = point_of(&ephemeral());
    let [tag, coordinates @ ..] = &mut point;
    assert_eq!(*tag, 4);
    publish(coordinates);
    assert!(P256::is_point(&point));
}

fn agree() {
    let (ours, theirs) = (ephemeral(), [0x31; 32]);
    let (mut our_point, their_point) = (point_of(&ours), point_of(&theirs));
    public(&mut our_point);
    let (mut shared, mut their_shared) = ([0; 32], [0; 32]);
    P256::agree(&ours, &their_point, &mut shared).expect("in range");
    publish(&mut shared);
    P256::agree(&theirs, &our_point, &mut their_shared).expect("in range");
    assert_eq!(shared, their_shared);
}

/// The scalar 0x3131..31 in SEC 1 (RFC 5915) and in PKCS#8 (RFC 5958), and where it lies.
fn forms() -> [(Vec<u8>, usize); 3] {
    const SCALAR: [u8; 32] = [0x31; 32];
    const ALGORITHM: [u8; 21] =
        [0x30, 0x13, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
    let sec1 = [&[0x30, 0x25, 2, 1, 1, 4, 0x20][..], &SCALAR].concat();
    let pkcs8 = [&[0x30, 0x41, 2, 1, 0][..], &ALGORITHM, &[4, 0x27], &sec1].concat();
    [(SCALAR.to_vec(), 0), (sec1, 7), (pkcs8, 35)]
}

/// Reads a key in each form, and compares it with its public half.
fn parse() {
    let other = PrivateKey::parse(&[0x32; 32]).and_then(|other| other.public_key()).expect("in range");
    for (mut bytes, at) in forms() {
        secret(&mut bytes[at..at + 32]);
        let key = PrivateKey::parse(&bytes).expect("in range");
        let own = key.public_key().expect("in range");
        RawPublicKey::check_pair(&key, &own).expect("a pair");
        RawPublicKey::check_pair(&key, &other).expect_err("no pair");
    }
    let mut large = [0xFF; 32];
    secret(&mut large);
    PrivateKey::parse(&large).expect_err("out of range");
}

fn sign() {
    for byte in [0x31, 0x52] {
        let mut key = PrivateKey::parse(&[byte; 32]).expect("in range");
        let own = key.public_key().expect("in range");
        secret(&mut key);
        let (digest, mut signature) = ([byte; 32], [0; 64]);
        key.sign(&digest, &mut signature).expect("in range");
        publish(&mut signature);
        P256::verify(own.point(), &digest, &signature).expect("a good signature");
    }
}
