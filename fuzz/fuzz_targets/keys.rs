//! Private and public keys in every form: what is understood is the same key when it is written and read again.
#![no_main]

use coracle_crypto::{PrivateKey, PublicKey};
use coracle_fuzz::heap;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(public) = heap::without(|| PublicKey::parse(data)) {
        assert_eq!(PublicKey::parse(&public.to_spki()), Ok(public));
        assert_eq!(PublicKey::parse(public.point()), Ok(public));
    }
    if let Ok(private) = heap::without(|| PrivateKey::parse(data)) {
        let public = heap::without(|| private.public_key()).expect("a good scalar has a point");
        assert_eq!(PublicKey::parse(public.point()), Ok(public));
    }
});
