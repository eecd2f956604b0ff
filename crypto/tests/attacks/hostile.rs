//! A server that says whatever a test wants, in whatever order. It has its own encoders and key schedule.

use crate::builder::spki;
use crate::duel::{Duel, KEY};
use ccm::aead::{Aead, KeyInit, Payload};
use ccm::consts::{U8, U12};
use coracle_crypto::Profile;
use hmac::Mac;
use p256::ecdsa::signature::Signer;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use sha2::{Digest, Sha256};

pub const CLIENT_HELLO: u8 = 1;
pub const SERVER_HELLO: u8 = 2;
pub const HELLO_VERIFY_REQUEST: u8 = 3;
pub const CERTIFICATE: u8 = 11;
pub const SERVER_KEY_EXCHANGE: u8 = 12;
pub const CERTIFICATE_REQUEST: u8 = 13;
pub const SERVER_HELLO_DONE: u8 = 14;
pub const CLIENT_KEY_EXCHANGE: u8 = 16;
pub const FINISHED: u8 = 20;

pub const PSK_CCM_8: u16 = 0xC0A8;
pub const ECDSA_CCM_8: u16 = 0xC0AE;

pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <hmac::Hmac<Sha256> as Mac>::new_from_slice(key).expect("any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// `P_SHA256` of RFC 5246.
pub fn prf(secret: &[u8], label: &str, seed: &[u8], length: usize) -> Vec<u8> {
    let seed = [label.as_bytes(), seed].concat();
    let mut a = hmac(secret, &[&seed]);
    let mut out = Vec::new();
    while out.len() < length {
        out.extend(hmac(secret, &[&a, &seed]));
        a = hmac(secret, &[&a]);
    }
    out.truncate(length);
    out
}

pub fn vec8(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8][..], bytes].concat()
}

pub fn vec16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

pub fn vec24(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
}

pub fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vec16(body)].concat()
}

/// A plain record.
pub fn record(content: u8, epoch: u16, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![content, 0xFE, 0xFD];
    record.extend(epoch.to_be_bytes());
    record.extend(&sequence.to_be_bytes()[2..]);
    record.extend(vec16(payload));
    record
}

/// A fragment of a handshake message, whatever it claims.
pub fn fragment(kind: u8, total: usize, message_seq: u16, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut fragment = vec![kind];
    fragment.extend(&(total as u32).to_be_bytes()[1..]);
    fragment.extend(message_seq.to_be_bytes());
    fragment.extend(&(offset as u32).to_be_bytes()[1..]);
    fragment.extend(vec24(bytes));
    fragment
}

/// What the script knows and has sent.
pub struct Hostile {
    pub psk: Vec<u8>,
    pub client_random: Vec<u8>,
    pub server_random: [u8; 32],
    /// The session id, cookie and extensions of the client's latest hello.
    pub client_session_id: Vec<u8>,
    pub client_extensions: Vec<(u16, Vec<u8>)>,
    /// Everything that both sides take for the handshake.
    pub transcript: Vec<u8>,
    pub message_seq: u16,
    pub plain_sequence: u64,
    pub sequence: u64,
    pub master: Vec<u8>,
    /// client key, server key, client salt, server salt
    pub keys: Vec<u8>,
    pub extended_master_secret: bool,
    pub ephemeral: p256::SecretKey,
    pub signing: p256::ecdsa::SigningKey,
    /// Set for suites with an ephemeral key exchange.
    pub ecdhe: bool,
    /// The connection ID that goes into records to the client.
    pub client_cid: Vec<u8>,
    pub client_finished: Vec<u8>,
    /// The present message of the client, as far as its fragments have come.
    pub partial: Vec<u8>,
    /// The messages of the client's last flight: type and body.
    pub client_messages: Vec<(u8, Vec<u8>)>,
}

impl Hostile {
    pub fn new() -> Self {
        Self {
            psk: KEY.to_vec(),
            client_random: Vec::new(),
            server_random: [0x5E; 32],
            client_session_id: Vec::new(),
            client_extensions: Vec::new(),
            transcript: Vec::new(),
            message_seq: 0,
            plain_sequence: 0,
            sequence: 0,
            master: Vec::new(),
            keys: Vec::new(),
            extended_master_secret: true,
            ephemeral: p256::SecretKey::from_slice(&[0x11; 32]).expect("in range"),
            signing: p256::ecdsa::SigningKey::from_slice(&[0x22; 32]).expect("in range"),
            ecdhe: false,
            client_cid: Vec::new(),
            client_finished: Vec::new(),
            partial: Vec::new(),
            client_messages: Vec::new(),
        }
    }

    /// A handshake by a pre-shared key up to the end of the client's flight; the session gets this id.
    pub fn half_way<P: Profile>(duel: &mut Duel<'_, P>, id: &[u8], extensions: &[Vec<u8>]) -> Self {
        let mut server = Self::new();
        server.read_hello(duel);
        let body = server.server_hello(PSK_CCM_8, id, extensions);
        server.answers(duel, &body);
        server
    }

    /// The same to its end.
    pub fn session<P: Profile>(duel: &mut Duel<'_, P>, id: &[u8], extensions: &[Vec<u8>]) -> Self {
        let mut server = Self::half_way(duel, id, extensions);
        server.finishes(duel);
        server
    }

    /// Sends a hello with this body and ends the flight, and reads the client's.
    pub fn answers<P: Profile>(&mut self, duel: &mut Duel<'_, P>, hello: &[u8]) {
        let flight = [self.say(SERVER_HELLO, hello), self.say(SERVER_HELLO_DONE, &[])].concat();
        duel.deliver(&flight);
        self.read_flight(duel);
    }

    /// The same with a certificate or a raw public key, and a key exchange.
    pub fn answers_with<P: Profile>(&mut self, duel: &mut Duel<'_, P>, hello: &[u8], certificate: &[u8]) {
        let exchange = self.key_exchange();
        let flight = [
            self.say(SERVER_HELLO, hello),
            self.say(CERTIFICATE, certificate),
            self.say(SERVER_KEY_EXCHANGE, &exchange),
            self.say(SERVER_HELLO_DONE, &[]),
        ]
        .concat();
        duel.deliver(&flight);
        self.read_flight(duel);
    }

    /// Sends the last flight.
    pub fn finishes<P: Profile>(&mut self, duel: &mut Duel<'_, P>) {
        let last = [self.change_cipher_spec(), self.finished()].concat();
        duel.deliver(&last);
    }

    /// Reads the client's latest hello: the handshake starts with it.
    pub fn read_hello<P: Profile>(&mut self, duel: &mut Duel<'_, P>) {
        let sent = duel.take_sent();
        let message = &sent.last().expect("a hello")[13..];
        assert_eq!(message[0], CLIENT_HELLO);
        self.transcript = message.to_vec();
        let body = &message[12..];
        self.client_random = body[2..34].to_vec();
        let mut rest = &body[34..];
        let mut take8 = || {
            let length = usize::from(rest[0]);
            let taken = rest[1..=length].to_vec();
            rest = &rest[1 + length..];
            taken
        };
        self.client_session_id = take8();
        take8();
        let suites = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        let mut rest = &rest[2 + suites + 2 + 2..];
        self.client_extensions.clear();
        while !rest.is_empty() {
            let number = u16::from_be_bytes([rest[0], rest[1]]);
            let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            self.client_extensions.push((number, rest[4..4 + length].to_vec()));
            rest = &rest[4 + length..];
        }
    }

    /// A message with the next number, without a record; part of the transcript.
    pub fn message(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let message = fragment(kind, body.len(), self.message_seq, 0, body);
        self.message_seq += 1;
        self.transcript.extend(&message);
        message
    }

    /// A plain record with the next number.
    pub fn plain(&mut self, content: u8, payload: &[u8]) -> Vec<u8> {
        self.plain_sequence += 1;
        record(content, 0, self.plain_sequence, payload)
    }

    /// A message in a plain record.
    pub fn say(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let message = self.message(kind, body);
        self.plain(22, &message)
    }

    pub fn hello_verify_request(&mut self, message_seq: u16, cookie: &[u8]) -> Vec<u8> {
        let body = [&[0xFE, 0xFF][..], &vec8(cookie)].concat();
        let message = fragment(HELLO_VERIFY_REQUEST, body.len(), message_seq, 0, &body);
        self.plain(22, &message)
    }

    pub fn server_hello(&self, suite: u16, session_id: &[u8], extensions: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![0xFE, 0xFD];
        body.extend(self.server_random);
        body.extend(vec8(session_id));
        body.extend(suite.to_be_bytes());
        body.push(0);
        if !extensions.is_empty() {
            body.extend(vec16(&extensions.concat()));
        }
        body
    }

    /// The usual answer for PSK.
    pub fn psk_hello(&self) -> Vec<u8> {
        self.server_hello(PSK_CCM_8, &[], &[extension(23, &[]), extension(0xFF01, &[0])])
    }

    /// An uncompressed point.
    pub fn point(&self) -> Vec<u8> {
        self.ephemeral.public_key().to_encoded_point(false).as_bytes().to_vec()
    }

    pub fn params(point: &[u8]) -> Vec<u8> {
        [&[3, 0, 23][..], &vec8(point)].concat()
    }

    /// The key exchange of `ECDHE_ECDSA` with these parameters, signed by our key.
    pub fn signed(&self, params: &[u8]) -> Vec<u8> {
        let signed = [&self.client_random, &self.server_random[..], params].concat();
        let signature: p256::ecdsa::Signature = self.signing.sign(&signed);
        [params, &[4, 3], &vec16(signature.to_der().as_bytes())].concat()
    }

    pub fn key_exchange(&self) -> Vec<u8> {
        self.signed(&Self::params(&self.point()))
    }

    /// The SubjectPublicKeyInfo of our signing key.
    pub fn spki(&self) -> Vec<u8> {
        spki(self.signing.verifying_key().to_encoded_point(false).as_bytes())
    }

    /// Reads the client's last flight, and derives the keys from it.
    pub fn read_flight<P: Profile>(&mut self, duel: &mut Duel<'_, P>) {
        let datagrams = duel.take_sent();
        let mut rest = &datagrams.concat()[..];
        while !rest.is_empty() {
            let cid = if rest[0] == 25 { self.client_cid_out() } else { 0 };
            let length = usize::from(u16::from_be_bytes([rest[11 + cid], rest[12 + cid]]));
            let payload = &rest[13 + cid..13 + cid + length];
            if rest[0] == 22 && rest[3..5] == [0, 0] {
                self.read_messages(payload);
            } else if rest[3..5] == [0, 1] {
                self.client_finished = rest[..13 + cid + length].to_vec();
            }
            rest = &rest[13 + cid + length..];
        }
        if !self.keys.is_empty() {
            // Our own Finished covers the client's.
            let opened = self.open_client(&self.client_finished.clone()).expect("the keys agree");
            self.transcript.extend(opened);
        }
    }

    /// Length of the connection ID that the client puts in its records.
    fn client_cid_out(&self) -> usize {
        self.client_cid.len()
    }

    fn read_messages(&mut self, mut payload: &[u8]) {
        while !payload.is_empty() {
            let number = |at: usize| usize::from(u16::from_be_bytes([payload[at], payload[at + 1]]));
            let (kind, total, message_seq, offset, length) =
                (payload[0], number(2), number(4) as u16, number(7), number(10));
            assert_eq!(offset, self.partial.len(), "the client sends its fragments in order");
            self.partial.extend(&payload[12..12 + length]);
            payload = &payload[12 + length..];
            if self.partial.len() == total {
                let body = std::mem::take(&mut self.partial);
                // The hash is over whole messages (RFC 6347 section 4.2.6).
                self.transcript.extend(fragment(kind, total, message_seq, 0, &body));
                if kind == CLIENT_KEY_EXCHANGE {
                    self.derive(&body);
                }
                self.client_messages.push((kind, body));
            }
        }
    }

    fn derive(&mut self, key_exchange: &[u8]) {
        let premaster = if self.ecdhe {
            let point = p256::PublicKey::from_sec1_bytes(&key_exchange[1..]).expect("a point");
            let shared = p256::ecdh::diffie_hellman(self.ephemeral.to_nonzero_scalar(), point.as_affine());
            shared.raw_secret_bytes().to_vec()
        } else {
            [vec16(&vec![0; self.psk.len()]), vec16(&self.psk)].concat()
        };
        self.master = if self.extended_master_secret {
            prf(&premaster, "extended master secret", &Sha256::digest(&self.transcript), 48)
        } else {
            prf(&premaster, "master secret", &[&self.client_random, &self.server_random[..]].concat(), 48)
        };
        self.expand();
    }

    pub fn expand(&mut self) {
        let seed = [&self.server_random[..], &self.client_random].concat();
        self.keys = prf(&self.master, "key expansion", &seed, 40);
    }

    pub fn verify_data(&self, label: &str) -> Vec<u8> {
        prf(&self.master, label, &Sha256::digest(&self.transcript), 12)
    }

    fn aead(key: &[u8]) -> ccm::Ccm<aes::Aes128, U8, U12> {
        ccm::Ccm::new_from_slice(key).expect("16 bytes")
    }

    /// Additional data of RFC 5246.
    fn additional(header: &[u8], length: usize) -> Vec<u8> {
        [&header[3..11], &header[..3], &(length as u16).to_be_bytes()].concat()
    }

    /// A protected record with the server's keys.
    pub fn protect_as(&self, content: u8, epoch: u16, sequence: u64, plain: &[u8]) -> Vec<u8> {
        let header = record(content, epoch, sequence, &[]);
        let keys = if self.keys.is_empty() { vec![0; 40] } else { self.keys.clone() };
        let nonce = [&keys[36..40], &header[3..11]].concat();
        let aad = Self::additional(&header, plain.len());
        let payload = Payload { msg: plain, aad: &aad };
        let sealed = Self::aead(&keys[16..32]).encrypt(nonce.as_slice().into(), payload).expect("in range");
        record(content, epoch, sequence, &[&header[3..11], &sealed].concat())
    }

    /// A protected record with the next number.
    pub fn protect(&mut self, content: u8, plain: &[u8]) -> Vec<u8> {
        self.sequence += 1;
        self.protect_as(content, 1, self.sequence - 1, plain)
    }

    /// The plaintext of a record of the client.
    pub fn open_client(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let nonce = [&self.keys[32..36], &sealed[13..21]].concat();
        let aad = Self::additional(&sealed[..13], sealed.len() - 13 - 16);
        let payload = Payload { msg: &sealed[21..], aad: &aad };
        Self::aead(&self.keys[..16]).decrypt(nonce.as_slice().into(), payload).ok()
    }

    pub fn change_cipher_spec(&mut self) -> Vec<u8> {
        self.plain(20, &[1])
    }

    pub fn finished(&mut self) -> Vec<u8> {
        let data = if self.master.is_empty() { vec![0; 12] } else { self.verify_data("server finished") };
        let message = self.message(FINISHED, &data);
        self.protect(22, &message)
    }
}

/// A PSK handshake up to the client's last flight.
pub fn psk_until_finished<P: Profile>(duel: &mut Duel<'_, P>) -> Hostile {
    let mut server = Hostile::new();
    server.read_hello(duel);
    let body = server.psk_hello();
    server.answers(duel, &body);
    server
}

/// A whole PSK handshake.
pub fn psk_connected<P: Profile>(duel: &mut Duel<'_, P>) -> Hostile {
    let mut server = psk_until_finished(duel);
    server.finishes(duel);
    assert!(duel.client.is_connected(), "{:?}", duel.events);
    duel.clear();
    server
}
