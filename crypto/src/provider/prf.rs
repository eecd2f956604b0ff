//! The pseudo-random function of TLS 1.2 with SHA-256 (RFC 5246 section 5). Every suite here uses it.

use super::hmac::HmacKey;
use crate::codec::copy;
use zeroize::Zeroize;

/// Fills `out` with `PRF(secret, label, seeds)`, where the seeds are concatenated.
pub(crate) fn prf(secret: &[u8], label: &[u8], seeds: [&[u8]; 2], out: &mut [u8]) {
    let [first, second] = seeds;
    let key = HmacKey::new(secret);
    let mut a = key.mac(&[label, first, second]);
    let mut chunks = out.chunks_mut(a.len()).peekable();
    while let Some(chunk) = chunks.next() {
        let mut block = key.mac(&[&a, label, first, second]);
        copy(chunk, &block);
        block.zeroize();
        if chunks.peek().is_some() {
            a = key.mac(&[&a]);
        }
    }
    a.zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> std::vec::Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
    }

    /// The `P_SHA256` vector that the TLS working group's list settled on.
    #[test]
    fn p_sha256_vector() {
        let mut out = [0; 100];
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        prf(&secret, b"test label", [&seed, &[]], &mut out);
        let expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af\
                        0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701\
                        87347b66";
        assert_eq!(out.to_vec(), hex(expected));
    }

    #[test]
    fn a_shorter_output_is_a_prefix() {
        let mut long = [0; 96];
        prf(b"secret", b"label", [b"a", b"b"], &mut long);
        for length in 0..96 {
            let mut short = std::vec![0; length];
            prf(b"secret", b"label", [b"ab", b""], &mut short);
            assert_eq!(short, long[..length]);
        }
    }
}
