//! The curve against the crate whose field it stands on: keys, shared secrets, signatures good and bad, points.
//!
//! A byte that says what is wrong with the signature; two scalars, a nonce and a digest, 32 bytes each; then r and s, or a point.
#![no_main]

use coracle_crypto::{Curve, P256, PrivateKey, Signer};
use coracle_fuzz::heap;
use coracle_fuzz::input::Input;
use ecdsa::hazmat::{SignPrimitive, VerifyPrimitive};
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::{EncodedPoint, FieldBytes, NonZeroScalar, PublicKey, SecretKey};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let what = input.byte();
    let [own, other, nonce, digest] = [(); 4].map(|()| number(&mut input));
    points(input.rest());
    let Some((own, point)) = key_pair(&own) else { return };
    let Some((other, other_point)) = key_pair(&other) else { return };

    let secret = agree(&own, &other_point);
    assert_eq!(secret, agree(&other, &point), "both sides have the same secret");
    let theirs = p256::ecdh::diffie_hellman(other.to_nonzero_scalar(), own.public_key().as_affine());
    assert_eq!(secret[..], theirs.raw_secret_bytes()[..], "the crate has the same secret");

    let mut ours = [0; 64];
    let private = PrivateKey::parse(&own.to_bytes()).expect("a good scalar");
    heap::without(|| private.sign(&digest, &mut ours)).expect("it signs");
    let z = FieldBytes::from(digest);
    let key = VerifyingKey::from(own.public_key());
    let signature = Signature::from_slice(&ours).expect("in range");
    assert!(key.as_affine().verify_prehashed(&z, &signature).is_ok(), "the crate takes our signature");

    let nonce = Option::<NonZeroScalar>::from(NonZeroScalar::from_repr(nonce.into()));
    let signed = nonce.and_then(|nonce| own.to_nonzero_scalar().try_sign_prehashed(*nonce, &z).ok());
    let mut bytes: [u8; 64] = signed.map_or(ours, |(signature, _)| signature.to_bytes().into());
    if what & 1 != 0 {
        bytes[usize::from(what >> 2)] ^= 1 << (what >> 1 & 1);
    }
    verify(&key, &point, &digest, &bytes);
    let mut raw = Input::new(data.get(129..).unwrap_or_default());
    verify(&key, &point, &digest, &[number(&mut raw), number(&mut raw)].concat().try_into().expect("64"));
});

/// 32 bytes; where the input ends, small numbers and the like.
fn number(input: &mut Input<'_>) -> [u8; 32] {
    [(); 32].map(|()| input.byte())
}

/// The key of a scalar, and its point by our arithmetic; nothing when it is out of range.
fn key_pair(scalar: &[u8; 32]) -> Option<(SecretKey, [u8; 65])> {
    let mut point = [0; 65];
    let ours = heap::without(|| P256::public_key(scalar, &mut point));
    let theirs = SecretKey::from_bytes(&FieldBytes::from(*scalar)).ok();
    assert_eq!(ours.is_ok(), theirs.is_some(), "the same scalars are in range");
    let key = theirs?;
    assert_eq!(point[..], key.public_key().to_encoded_point(false).as_bytes()[..], "the same public key");
    Some((key, point))
}

fn agree(key: &SecretKey, point: &[u8; 65]) -> [u8; 32] {
    let mut secret = [0; 32];
    heap::without(|| P256::agree(&key.to_bytes().into(), point, &mut secret)).expect("a good point");
    secret
}

fn verify(key: &VerifyingKey, point: &[u8; 65], digest: &[u8; 32], signature: &[u8; 64]) {
    let ours = heap::without(|| P256::verify(point, digest, signature));
    let theirs = Signature::from_slice(signature)
        .and_then(|signature| key.as_affine().verify_prehashed(&FieldBytes::from(*digest), &signature));
    assert_eq!(ours.is_ok(), theirs.is_ok(), "the same signatures are good");
}

/// What is a point is one for both.
fn points(bytes: &[u8]) {
    let Some(bytes) = bytes.first_chunk::<65>() else { return };
    let theirs = EncodedPoint::from_bytes(bytes).ok().and_then(|point| {
        Option::<PublicKey>::from(p256::elliptic_curve::sec1::FromEncodedPoint::from_encoded_point(&point))
    });
    assert_eq!(heap::without(|| P256::is_point(bytes)), theirs.is_some(), "the same points are on the curve");
}
