use super::*;
use crate::profiles::Everything;
use std::vec::Vec;

const CIPHERS: [(Cipher, bool); 5] = [
    (Cipher::Ccm8, false),
    (Cipher::Ccm, false),
    (Cipher::CbcSha256, false),
    (Cipher::CbcSha256, true),
    (Cipher::ChaCha20Poly1305, false),
];

const SECRET: [u8; 44] = *b"some bytes that are cut into the keys we use";

fn keys(cipher: Cipher) -> Keys<'static> {
    let (mac, key, iv) = cipher.key_lengths();
    Keys { mac: &SECRET[..mac], key: &SECRET[1..=key], iv: &SECRET[2..2 + iv] }
}

/// Seals `content` in a record with number `0x1_0000_0000_0007` and this connection ID.
fn seal(cipher: Cipher, encrypt_then_mac: bool, cid: &[u8], content: &[u8]) -> Vec<u8> {
    let protection = Protection { cipher, encrypt_then_mac };
    let header_len = 13 + cid.len();
    let mut record = std::vec![0xEE; header_len + protection.sealed_len(content.len()) + 5];
    let kind = if cid.is_empty() { content::APPLICATION_DATA } else { content::TLS12_CID };
    write_header(&mut record, kind, 1 << 48 | 7, cid).expect("room");
    let start = header_len + protection.explicit_len();
    record[start..start + content.len()].copy_from_slice(content);
    let length = protection.seal::<Everything>(keys(cipher), &mut record, header_len, content.len());
    assert_eq!(length, Some(header_len + protection.sealed_len(content.len())));
    assert!(record.ends_with(&[0xEE; 5]), "nothing behind the record was touched");
    record.truncate(record.len() - 5);
    assert_eq!(
        usize::from(u16::from_be_bytes([record[header_len - 2], record[header_len - 1]])),
        record.len() - header_len
    );
    record
}

fn open(cipher: Cipher, encrypt_then_mac: bool, cid_len: usize, record: &mut [u8]) -> Option<Range<usize>> {
    Protection { cipher, encrypt_then_mac }.open::<Everything>(keys(cipher), record, 13 + cid_len)
}

#[test]
fn round_trip_at_every_length() {
    let content: Vec<u8> = (0..=255).collect();
    for (cipher, encrypt_then_mac) in CIPHERS {
        for cid in [&[][..], &[1, 2, 3, 4, 5, 6], &[9; 32]] {
            for length in 0..content.len() {
                let mut record = seal(cipher, encrypt_then_mac, cid, &content[..length]);
                let range = open(cipher, encrypt_then_mac, cid.len(), &mut record).expect("authentic");
                assert_eq!(record[range], content[..length], "{cipher:?} {encrypt_then_mac} {length}");
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_found_and_wipes_the_record() {
    let content = *b"a text that must not be seen";
    for (cipher, encrypt_then_mac) in CIPHERS {
        for cid in [&[][..], &[1, 2, 3]] {
            let good = seal(cipher, encrypt_then_mac, cid, &content);
            for at in 0..good.len() {
                // The two bytes of the length decide how much is handed to `open` in the first place.
                if (11 + cid.len()..13 + cid.len()).contains(&at) {
                    continue;
                }
                for bit in 0..8 {
                    let mut record = good.clone();
                    record[at] ^= 1 << bit;
                    assert_eq!(
                        open(cipher, encrypt_then_mac, cid.len(), &mut record),
                        None,
                        "{cipher:?} {at}"
                    );
                    assert!(!record.windows(8).any(|window| window == &content[..8]));
                }
            }
        }
    }
}

#[test]
fn every_shortened_record_is_refused() {
    for (cipher, encrypt_then_mac) in CIPHERS {
        let good = seal(cipher, encrypt_then_mac, &[], &[7; 40]);
        for length in 0..good.len() {
            let mut record = good[..length].to_vec();
            assert_eq!(open(cipher, encrypt_then_mac, 0, &mut record), None, "{cipher:?} {length}");
        }
    }
}

#[test]
fn overheads_are_those_of_the_specifications() {
    let overhead = |cipher, encrypt_then_mac, cid: &[u8], length: usize| {
        seal(cipher, encrypt_then_mac, cid, &std::vec![0; length + usize::from(!cid.is_empty())]).len()
            - length
    };
    assert_eq!(overhead(Cipher::Ccm8, false, &[], 64), 29);
    assert_eq!(overhead(Cipher::Ccm8, false, &[1; 6], 64), 36);
    assert_eq!(overhead(Cipher::Ccm, false, &[], 64), 37);
    assert_eq!(overhead(Cipher::ChaCha20Poly1305, false, &[], 64), 29);
    assert_eq!(overhead(Cipher::CbcSha256, false, &[], 64), 77);
}

/// RFC 5246 section 6.2.3.3, and RFC 9146 section 5.3.
#[test]
fn additional_data() {
    let mut record = [0; 19];
    write_header(&mut record, content::APPLICATION_DATA, 0x0001_0000_0000_0005, &[]).expect("room");
    let plain = Additional::new(&record[..11], 0x1234).expect("a header");
    assert_eq!(plain.bytes(), [0, 1, 0, 0, 0, 0, 0, 5, 23, 0xFE, 0xFD, 0x12, 0x34]);
    write_header(&mut record, content::TLS12_CID, 0x0001_0000_0000_0005, &[0xC1, 0xD2]).expect("room");
    let with_cid = Additional::new(&record[..13], 0x1234).expect("a header");
    let expected = [
        &[0xFF; 8][..],      // in place of the sequence number
        &[25, 2],            // tls12_cid, length of the connection ID
        &[25, 0xFE, 0xFD],   // tls12_cid, version
        &[0, 1],             // epoch
        &[0, 0, 0, 0, 0, 5], // sequence number
        &[0xC1, 0xD2],       // connection ID
        &[0x12, 0x34],       // length of the inner plaintext
    ]
    .concat();
    assert_eq!(with_cid.bytes(), expected);
}

#[test]
fn nonces_are_made_of_epoch_and_sequence_number() {
    let record = seal(Cipher::Ccm8, false, &[], b"x");
    assert_eq!(record[13..21], record[3..11], "the explicit part is the number in the header");
    let base: Vec<u8> = (0..12).collect();
    let nonce = chacha_nonce(&base, [0, 1, 0, 0, 0, 0, 0, 7]).expect("12 bytes");
    assert_eq!(nonce, [0, 1, 2, 3, 4, 4, 6, 7, 8, 9, 10, 12]);
}

/// Encrypt-then-MAC with a good MAC over bad padding, which only the peer itself could make.
#[test]
fn authentic_records_with_bad_padding_are_refused() {
    for bad in [15, 16, 48, 255] {
        let mut record = seal(Cipher::CbcSha256, true, &[], &[1; 20]);
        let keys = keys(Cipher::CbcSha256);
        let key = keys.key.first_chunk().expect("16 bytes");
        let (header, body) = record.split_at_mut(13);
        let (ciphertext, tag) = body.split_last_chunk_mut::<32>().expect("a tag");
        let (iv, data) = ciphertext.split_first_chunk_mut::<16>().expect("an IV");
        cbc::decrypt::<crate::SoftAes>(key, iv, data);
        *data.last_mut().expect("padding") = bad;
        cbc::encrypt::<crate::SoftAes>(key, iv, data);
        let additional = Additional::new(&header[..11], ciphertext.len()).expect("a header");
        *tag = HmacKey::new(keys.mac).mac(&[additional.bytes(), ciphertext]);
        assert_eq!(open(Cipher::CbcSha256, true, 0, &mut record), None, "{bad}");
    }
}

/// The most that fits is what fits, and one byte more does not.
#[test]
fn the_content_limit_is_exact() {
    for (cipher, encrypt_then_mac) in CIPHERS {
        let protection = Protection { cipher, encrypt_then_mac };
        for body in 0..700 {
            let limit = protection.content_limit(body);
            assert!(protection.sealed_len(limit + 1) > body, "{cipher:?} {encrypt_then_mac} {body}");
            // Where nothing fits, the limit is 0.
            assert!(
                limit == 0 || protection.sealed_len(limit) <= body,
                "{cipher:?} {encrypt_then_mac} {body}"
            );
        }
    }
}
