//! Records of the CBC suites: faults that must not be told apart, and what the MAC covers.

use crate::connection_ids::inner;
use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use coracle_crypto::Security;
use coracle_crypto::profiles::Everything;

/// Lucky Thirteen, CVE-2013-0169, CVE-2018-0497 and their kind: every fault of a CBC record has one answer, silence,
/// and wipes the record. (That the time is the same is checked by `cargo xtask constant-time`.)
#[test]
fn cbc_faults_cannot_be_told_apart() {
    for encrypt_then_mac in [false, true] {
        let security = Security { suites: &[0x00AE], ..psk_security() };
        let mut duel = Duel::<Everything>::new(security);
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let mut extensions = vec![extension(23, &[])];
        if encrypt_then_mac {
            extensions.push(extension(22, &[]));
        }
        let hello = server.server_hello(0x00AE, &[], &extensions);
        let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
        duel.deliver(&flight);
        let cbc = Cbc::after(&mut duel, &mut server, encrypt_then_mac, &[], &[]);
        let ccs = server.change_cipher_spec();
        let finished = fragment(FINISHED, 12, server.message_seq, 0, &server.verify_data("server finished"));
        duel.deliver(&[ccs, cbc.seal(22, 0, &finished, 0)].concat());
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        duel.clear();
        let good = cbc.seal(23, 1, b"a text of some length", 0);
        for at in 13..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 0x40;
            let left = duel.deliver(&damaged);
            duel.assert_unmoved();
            assert!(!left.windows(6).any(|window| window == b"a text"));
        }
        // Padding longer than the record, with and without a good MAC in front of it.
        for padding in [16, 48, 200, 255] {
            let left = duel.deliver(&cbc.with_padding_byte(23, 2, b"a text of some length", padding));
            duel.assert_unmoved();
            assert!(!left.windows(6).any(|window| window == b"a text"));
        }
        duel.deliver(&good);
        assert_eq!(duel.data, [b"a text of some length"]);
        // More padding than needed is right.
        duel.data.clear();
        duel.deliver(&cbc.seal(23, 3, b"padded", 5));
        assert_eq!(duel.data, [b"padded"]);
    }
}

/// The server's end of CBC records.
struct Cbc {
    mac_key: Vec<u8>,
    key: Vec<u8>,
    encrypt_then_mac: bool,
    /// The connection ID that goes into records to the client.
    cid: Vec<u8>,
}

impl Cbc {
    /// Reads the client's flight, which is protected by CBC and has the server's connection ID, and derives the keys.
    fn after(
        duel: &mut Duel<'_, Everything>,
        server: &mut Hostile,
        encrypt_then_mac: bool,
        own_cid: &[u8],
        cid: &[u8],
    ) -> Self {
        use cbc::cipher::{BlockDecryptMut, KeyIvInit, block_padding::NoPadding};
        let flight = duel.take_sent().concat();
        let length = usize::from(u16::from_be_bytes([flight[11], flight[12]]));
        server.transcript.extend(&flight[13..13 + length]);
        let premaster = [vec16(&vec![0; server.psk.len()]), vec16(&server.psk)].concat();
        let hash = <sha2::Sha256 as sha2::Digest>::digest(&server.transcript);
        server.master = prf(&premaster, "extended master secret", &hash, 48);
        let seed = [&server.server_random[..], &server.client_random].concat();
        let keys = prf(&server.master, "key expansion", &seed, 96);
        // The client's Finished is at the end of its flight.
        let (header, finished) = flight[13 + length + 14..].split_at(13 + own_cid.len());
        let end = if encrypt_then_mac { finished.len() - 32 } else { finished.len() };
        let mut plain = finished[16..end].to_vec();
        let plain = cbc::Decryptor::<aes::Aes128>::new_from_slices(&keys[64..80], &finished[..16])
            .expect("lengths")
            .decrypt_padded_mut::<NoPadding>(&mut plain)
            .expect("whole blocks");
        let inner = 24 + usize::from(!own_cid.is_empty());
        let (covered, mac) = if encrypt_then_mac { finished.split_at(end) } else { plain.split_at(inner) };
        assert_eq!(mac[..32], mac_of(&keys[..32], header, own_cid, covered));
        server.transcript.extend(&plain[..24]);
        Self {
            mac_key: keys[32..64].to_vec(),
            key: keys[80..96].to_vec(),
            encrypt_then_mac,
            cid: cid.to_vec(),
        }
    }

    fn seal(&self, content: u8, sequence: u64, plain: &[u8], more_padding_blocks: usize) -> Vec<u8> {
        let before = plain.len() + if self.encrypt_then_mac { 0 } else { 32 };
        let padding = 15 - before % 16 + 16 * more_padding_blocks;
        self.build(content, sequence, plain, &vec![padding as u8; padding + 1])
    }

    /// One whole block of the given byte, so that it claims a padding of that length.
    fn with_padding_byte(&self, content: u8, sequence: u64, plain: &[u8], byte: u8) -> Vec<u8> {
        let before = plain.len() + if self.encrypt_then_mac { 0 } else { 32 };
        self.build(content, sequence, plain, &vec![byte; 16 - before % 16])
    }

    fn build(&self, content: u8, sequence: u64, plain: &[u8], padding: &[u8]) -> Vec<u8> {
        use cbc::cipher::{BlockEncryptMut, KeyIvInit, block_padding::NoPadding};
        let header = record(if self.cid.is_empty() { content } else { 25 }, 1, sequence, &[]);
        let mac = |covered: &[u8]| mac_of(&self.mac_key, &header, &self.cid, covered);
        let mut data = plain.to_vec();
        if !self.encrypt_then_mac {
            data.extend(mac(plain));
        }
        data.extend(padding);
        let (length, iv) = (data.len(), [0x1F; 16]);
        cbc::Encryptor::<aes::Aes128>::new_from_slices(&self.key, &iv)
            .expect("lengths")
            .encrypt_padded_mut::<NoPadding>(&mut data, length)
            .expect("whole blocks");
        let mut body = [&iv[..], &data].concat();
        if self.encrypt_then_mac {
            body.extend(mac(&body.clone()));
        }
        [&header[..11], &self.cid, &vec16(&body)].concat()
    }
}

/// The MAC of a record with this header (RFC 5246 section 6.2.3.1), or with a connection ID (RFC 9146 sections 5.1 and 5.2).
fn mac_of(key: &[u8], header: &[u8], cid: &[u8], covered: &[u8]) -> [u8; 32] {
    let length = (covered.len() as u16).to_be_bytes();
    if cid.is_empty() {
        return hmac(key, &[&header[3..11], &header[..3], &length, covered]);
    }
    hmac(key, &[&[0xFF; 8], &[25, cid.len() as u8], &header[..11], cid, &length, covered])
}

/// With a connection ID in both directions, and the MAC on either side of the encryption.
#[test]
fn cbc_covers_connection_ids() {
    let cid = [0xC1, 0xD2, 0xE3];
    for encrypt_then_mac in [false, true] {
        let mut duel = Duel::<Everything>::new(Security { suites: &[0x00AE], ..psk_security() });
        let mut server = Hostile::new();
        server.read_hello(&mut duel);
        let (_, offer) = server.client_extensions.iter().find(|(number, _)| *number == 54).expect("offered");
        let own = offer[1..].to_vec();
        let mut extensions = vec![extension(23, &[]), extension(54, &vec8(&cid))];
        if encrypt_then_mac {
            extensions.push(extension(22, &[]));
        }
        let hello = server.server_hello(0x00AE, &[], &extensions);
        let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
        duel.deliver(&flight);
        let cbc = Cbc::after(&mut duel, &mut server, encrypt_then_mac, &cid, &own);
        let ccs = server.change_cipher_spec();
        let finished = fragment(FINISHED, 12, server.message_seq, 0, &server.verify_data("server finished"));
        duel.deliver(&[ccs, cbc.seal(22, 0, &inner(&finished, 22), 0)].concat());
        assert!(duel.client.is_connected(), "{:?}", duel.events);
        duel.clear();
        // Another connection ID is dropped, also where the MAC is right for it.
        let wrong = Cbc { cid: vec![own[0] ^ 1, own[1], own[2], own[3]], ..cbc };
        duel.deliver(&wrong.seal(23, 1, &inner(b"data", 23), 0));
        duel.assert_unmoved();
        let cbc = Cbc { cid: own, ..wrong };
        duel.deliver(&cbc.seal(23, 1, &inner(b"data", 23), 0));
        assert_eq!(duel.data, [b"data"]);
    }
}

/// CVE-2022-23408: initialisation vectors neither repeat nor follow a pattern.
#[test]
fn cbc_initialisation_vectors_never_repeat() {
    let security = Security { suites: &[0x00AE], ..psk_security() };
    let mut duel = Duel::<Everything>::new(security);
    let mut server = Hostile::new();
    server.read_hello(&mut duel);
    let hello = server.server_hello(0x00AE, &[], &[extension(23, &[])]);
    let flight = [server.say(SERVER_HELLO, &hello), server.say(SERVER_HELLO_DONE, &[])].concat();
    duel.deliver(&flight);
    let cbc = Cbc::after(&mut duel, &mut server, false, &[], &[]);
    let ccs = server.change_cipher_spec();
    let finished = fragment(FINISHED, 12, server.message_seq, 0, &server.verify_data("server finished"));
    duel.deliver(&[ccs, cbc.seal(22, 0, &finished, 0)].concat());
    let mut seen = std::collections::BTreeSet::new();
    let mut ones = [0_u32; 128];
    for _ in 0..2_000 {
        let sealed = duel.seal(b"the same data");
        let iv: [u8; 16] = sealed[13..29].try_into().expect("16 bytes");
        assert!(seen.insert(iv), "an IV repeats");
        for (bit, count) in ones.iter_mut().enumerate() {
            *count += u32::from(iv[bit / 8] >> (bit % 8) & 1);
        }
    }
    // Every bit is set about half of the time: 1000 give or take eight standard deviations.
    assert!(ones.iter().all(|count| (820..1180).contains(count)), "{ones:?}");
}
