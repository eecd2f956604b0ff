//! A server that has the right key and says whatever an input wants. It has its own encoders and key schedule.

use ccm::aead::{Aead, KeyInit, Payload};
use ccm::consts::{U8, U12};
use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::dtls::KEY;

const CLIENT_HELLO: u8 = 1;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const FINISHED: u8 = 20;

/// Content types of records.
pub mod content {
    #![expect(missing_docs, reason = "the names are those of RFC 5246")]
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const HANDSHAKE: u8 = 22;
}

type Aead8 = ccm::Ccm<aes::Aes128, U8, U12>;

/// TLS_PSK_WITH_AES_128_CCM_8, the only suite whose keys are derived here.
const SUITE: u16 = 0xC0A8;

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <hmac::Hmac<Sha256> as Mac>::new_from_slice(key).expect("any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// `P_SHA256` (RFC 5246 section 5).
fn prf(secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
    let seed = [label.as_bytes(), seed].concat();
    let (mut a, mut out) = (hmac(secret, &[&seed]), Vec::new());
    while out.len() < length {
        out.extend(hmac(secret, &[&a, &seed]));
        a = hmac(secret, &[&a]);
    }
    out.truncate(length);
    out
}

fn vector16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

fn u24(value: usize) -> [u8; 3] {
    let [_, a, b, c] = (value as u32).to_be_bytes();
    [a, b, c]
}

/// A record, whatever it says.
pub fn record(kind: u8, epoch: u16, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 0xFE, 0xFD];
    record.extend(epoch.to_be_bytes());
    record.extend(&sequence.to_be_bytes()[2..]);
    record.extend(vector16(payload));
    record
}

/// A fragment of a handshake message, whatever it says.
pub fn fragment(kind: u8, total: usize, message_seq: u16, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut fragment = vec![kind];
    fragment.extend(u24(total));
    fragment.extend(message_seq.to_be_bytes());
    fragment.extend(u24(offset));
    fragment.extend(u24(bytes.len()));
    fragment.extend(bytes);
    fragment
}

/// What the server knows and has said.
#[derive(Debug, Default)]
pub struct Forger {
    client_random: Vec<u8>,
    transcript: Vec<u8>,
    /// The number of the next handshake message.
    pub message_seq: u16,
    plain_sequence: u64,
    sequence: u64,
    master: Vec<u8>,
    /// Client key, server key, client salt, server salt.
    keys: Vec<u8>,
    /// The message of the client that is next in line.
    client_seq: u16,
    client_finished: bool,
    /// Hellos heard so far: the server has another random for each.
    hellos: u8,
    /// True once a Finished was sent whose contents are right.
    pub finished: bool,
}

impl Forger {
    /// Looks at what the client has sent: the handshake, as the server has to see it.
    pub fn hear(&mut self, datagram: &[u8]) {
        let mut rest = datagram;
        while let Some((header, payload)) = split_record(rest) {
            rest = &payload[record_length(header)..];
            let payload = &payload[..record_length(header)];
            match (header[0], header[4]) {
                (content::HANDSHAKE, 0) => self.hear_messages(payload),
                (content::HANDSHAKE, 1) => self.hear_finished(header, payload),
                _ => {}
            }
        }
    }

    fn hear_messages(&mut self, mut payload: &[u8]) {
        while let Some((header, rest)) = payload.split_first_chunk::<12>() {
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let Some((body, rest)) = rest.split_at_checked(length) else { return };
            let seq = u16::from_be_bytes([header[4], header[5]]);
            if header[0] == CLIENT_HELLO {
                *self = Self {
                    client_random: body.get(2..34).unwrap_or_default().to_vec(),
                    message_seq: self.message_seq,
                    plain_sequence: self.plain_sequence,
                    client_seq: seq,
                    hellos: self.hellos.wrapping_add(1),
                    ..Self::default()
                };
            }
            if seq == self.client_seq {
                self.client_seq += 1;
                self.transcript.extend(header);
                self.transcript.extend(body);
                if header[0] == CLIENT_KEY_EXCHANGE {
                    self.derive();
                }
            }
            payload = rest;
        }
    }

    fn derive(&mut self) {
        let premaster = [vector16(&vec![0; KEY.len()]), vector16(KEY)].concat();
        self.master = prf(&premaster, "extended master secret", &Sha256::digest(&self.transcript), 48);
        let seed = [&self.server_random()[..], &self.client_random].concat();
        self.keys = prf(&self.master, "key expansion", &seed, 40);
    }

    fn server_random(&self) -> [u8; 32] {
        [self.hellos; 32]
    }

    fn hear_finished(&mut self, header: &[u8; 13], payload: &[u8]) {
        if self.client_finished || self.keys.is_empty() || payload.len() < 16 {
            return;
        }
        let nonce = [&self.keys[32..36], &payload[..8]].concat();
        let aad = additional(header, payload.len() - 16);
        let sealed = Payload { msg: &payload[8..], aad: &aad };
        let key = Aead8::new_from_slice(&self.keys[..16]).expect("16 bytes");
        if let Ok(message) = key.decrypt(nonce.as_slice().into(), sealed) {
            self.client_finished = true;
            self.transcript.extend(message);
        }
    }

    /// A plain record with the next number.
    pub fn plain(&mut self, kind: u8, payload: &[u8]) -> Vec<u8> {
        self.plain_sequence += 1;
        record(kind, 0, self.plain_sequence, payload)
    }

    /// A handshake message with the next number, in one plain record, or in two that meet at `cut`.
    pub fn message(&mut self, kind: u8, body: &[u8], cut: usize) -> Vec<u8> {
        let (seq, total, cut) = (self.message_seq, body.len(), cut.min(body.len()));
        self.message_seq = self.message_seq.wrapping_add(1);
        self.transcript.extend(fragment(kind, total, seq, 0, body));
        let (first, second) = body.split_at(cut);
        let mut datagram = self.plain(content::HANDSHAKE, &fragment(kind, total, seq, 0, first));
        if !second.is_empty() {
            datagram.extend(self.plain(content::HANDSHAKE, &fragment(kind, total, seq, cut, second)));
        }
        datagram
    }

    /// A ServerHello with these extensions behind those that the client insists on.
    pub fn server_hello(&mut self, extensions: &[u8], cut: usize) -> Vec<u8> {
        let extensions = [&[0, 23, 0, 0, 0xFF, 1, 0, 1, 0][..], extensions].concat();
        let mut body = vec![0xFE, 0xFD];
        body.extend(self.server_random());
        body.push(0);
        body.extend(SUITE.to_be_bytes());
        body.push(0);
        body.extend(vector16(&extensions));
        self.message(2, &body, cut)
    }

    /// A protected record with the next number.
    pub fn protect(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
        let header = record(kind, 1, self.sequence, &[]);
        self.sequence += 1;
        let keys = if self.keys.is_empty() { vec![0; 40] } else { self.keys.clone() };
        let nonce = [&keys[36..40], &header[3..11]].concat();
        let aad = additional(&header, plain.len());
        let key = Aead8::new_from_slice(&keys[16..32]).expect("16 bytes");
        let payload = Payload { msg: plain, aad: &aad };
        let sealed = key.encrypt(nonce.as_slice().into(), payload).expect("short enough");
        record(kind, 1, self.sequence - 1, &[&header[3..11], &sealed].concat())
    }

    /// The Finished that belongs to this handshake.
    pub fn finished(&mut self) -> Vec<u8> {
        let data = prf(&self.master, "server finished", &Sha256::digest(&self.transcript), 12);
        self.finished = !self.master.is_empty() && self.client_finished;
        let message = fragment(FINISHED, data.len(), self.message_seq, 0, &data);
        self.protect(content::HANDSHAKE, &message)
    }
}

fn split_record(bytes: &[u8]) -> Option<(&[u8; 13], &[u8])> {
    let (header, payload) = bytes.split_first_chunk::<13>()?;
    (record_length(header) <= payload.len()).then_some((header, payload))
}

fn record_length(header: &[u8; 13]) -> usize {
    u16::from_be_bytes([header[11], header[12]]).into()
}

/// Additional data (RFC 5246 section 6.2.3.3).
fn additional(header: &[u8], length: usize) -> Vec<u8> {
    [&header[3..11], &header[..3], &(length as u16).to_be_bytes()].concat()
}
