//! AES-CCM-8 of the crate `ccm`, doing what sealing and opening a record asks of it.

use ::ccm::aead::{AeadInPlace, KeyInit, generic_array::GenericArray};
use ::ccm::consts::{U8, U12};

type Ccm8 = ::ccm::Ccm<aes::Aes128, U8, U12>;

/// `seal` or `open`, with the key schedule: the client keeps none, either.
pub(crate) fn of_the_crate(operation: &str, buffer: &mut [u8], length: usize, times: usize) -> Option<()> {
    let data = buffer.get_mut(..length)?;
    for number in 0..times {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&(number as u64).to_be_bytes());
        match operation {
            "seal" => drop(client_seal_of_the_crate(&[7; 16], &nonce, data)),
            "open" => {
                let tag = seal(&[7; 16], &nonce, data);
                client_open_of_the_crate(&[7; 16], &nonce, data, &tag);
            }
            _ => return None,
        }
    }
    Some(())
}

fn seal(key: &[u8; 16], nonce: &[u8; 12], data: &mut [u8]) -> [u8; 8] {
    let ccm = Ccm8::new(GenericArray::from_slice(key));
    ccm.encrypt_in_place_detached(nonce.into(), &[0; 13], data).expect("in range").into()
}

#[inline(never)]
fn client_seal_of_the_crate(key: &[u8; 16], nonce: &[u8; 12], data: &mut [u8]) -> [u8; 8] {
    seal(key, nonce, data)
}

#[inline(never)]
fn client_open_of_the_crate(key: &[u8; 16], nonce: &[u8; 12], data: &mut [u8], tag: &[u8; 8]) {
    let ccm = Ccm8::new(GenericArray::from_slice(key));
    ccm.decrypt_in_place_detached(nonce.into(), &[0; 13], data, tag.into()).expect("authentic");
}
