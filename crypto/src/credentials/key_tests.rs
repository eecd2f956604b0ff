use super::*;
use std::vec::Vec;

// openssl ecparam -name prime256v1 -genkey -noout -outform DER
const SEC1: &str = "30770201010420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721a00a06082a8648ce3d030107\
                    a1440342000460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e9\
                    5628bc64f2f1b20c2d7e9f5177a3c294d4462299";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

fn pkcs8() -> Vec<u8> {
    // openssl pkcs8 -topk8 -nocrypt: the parameters of the SEC 1 key move to the outer algorithm.
    let mut inner = hex(SEC1);
    inner.drain(39..51);
    inner[1] -= 12;
    let algorithm = hex("301306072a8648ce3d020106082a8648ce3d030107");
    let body = [&[2, 1, 0][..], &algorithm, &[4, inner.len() as u8], &inner].concat();
    [&[0x30, 0x81, body.len() as u8][..], &body].concat()
}

#[test]
fn all_formats_give_the_same_key() {
    let scalar = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
    let public = PrivateKey::parse(&scalar).and_then(|key| key.public_key()).expect("a key");
    for format in [hex(SEC1), pkcs8()] {
        let key = PrivateKey::parse(&format).expect("a key");
        assert_eq!(key.0[..], scalar);
        assert_eq!(key.public_key(), Ok(public));
    }
    assert_eq!(PublicKey::parse(public.point()), Ok(public));
    assert_eq!(PublicKey::parse(&public.to_spki()), Ok(public));
    assert_eq!(public.point()[..], hex(SEC1)[SEC1.len() / 2 - 65..]);
}

#[test]
fn bad_private_keys_are_told_apart() {
    let fault = |bytes: &[u8]| PrivateKey::parse(bytes).err();
    assert_eq!(fault(&[]), Some(CredentialError::PrivateKeyFormat));
    assert_eq!(fault(&[0; 31]), Some(CredentialError::PrivateKeyFormat));
    assert_eq!(fault(b"-----BEGIN EC PRIVATE KEY-----"), Some(CredentialError::PrivateKeyFormat));
    assert_eq!(fault(&[0; 32]), Some(CredentialError::PrivateKeyRange));
    assert_eq!(fault(&[0xFF; 32]), Some(CredentialError::PrivateKeyRange));
    let mut other_curve = pkcs8();
    // secp384r1 would have another identifier; one byte is enough.
    let at = other_curve.windows(3).position(|window| window == [0x03, 0x01, 0x07]).expect("the curve") + 2;
    other_curve[at] = 8;
    assert_eq!(fault(&other_curve), Some(CredentialError::PrivateKeyAlgorithm));
    for (good, name) in [(hex(SEC1), "SEC 1"), (pkcs8(), "PKCS#8")] {
        for cut in 33..good.len() {
            assert_eq!(fault(&good[..cut]), Some(CredentialError::PrivateKeyFormat), "{name} cut at {cut}");
        }
    }
}

#[test]
fn bad_public_keys_are_told_apart() {
    let fault = |bytes: &[u8]| PublicKey::parse(bytes).err();
    let public = PrivateKey::parse(&[1; 32]).and_then(|key| key.public_key()).expect("a key");
    let good = public.to_spki();
    assert_eq!(fault(&[]), Some(CredentialError::PublicKeyFormat));
    for cut in 0..good.len() {
        if cut != 65 {
            assert_eq!(fault(&good[..cut]), Some(CredentialError::PublicKeyFormat), "cut at {cut}");
        }
    }
    assert_eq!(fault(&[&good[..], &[0]].concat()), Some(CredentialError::PublicKeyFormat));
    let mut point = *public.point();
    point[64] ^= 1;
    assert_eq!(fault(&point), Some(CredentialError::PublicKeyNotOnCurve));
    point[0] = 2;
    assert_eq!(fault(&point), Some(CredentialError::PublicKeyAlgorithm));
    let mut rsa = good;
    rsa[6] ^= 1;
    assert_eq!(fault(&rsa), Some(CredentialError::PublicKeyAlgorithm));
}

#[test]
fn private_keys_are_not_printed() {
    let shown = std::format!("{:?}", PrivateKey::parse(&[0xAB; 32]).expect("in range"));
    assert_eq!(shown, "PrivateKey(..)");
}

#[test]
fn pairs_are_checked() {
    use crate::credentials::RawPublicKey;
    let (one, two) =
        (PrivateKey::parse(&[1; 32]).expect("a key"), PrivateKey::parse(&[2; 32]).expect("a key"));
    let public = one.public_key().expect("a key");
    assert_eq!(RawPublicKey::check_pair(&one, &public), Ok(()));
    assert_eq!(RawPublicKey::check_pair(&two, &public), Err(CredentialError::KeysDoNotMatch));
}
