//! Whole sessions. What certificates add to raw public keys is public.

use crate::Operation;
use crate::memcheck::{public, secret};
use crate::pair::{Both, NOW, Pair, SecretKey};
use crate::publish;
use coracle_crypto::server::{Config, KeyLookup, OwnKey, PskLookup, SessionCache};
use coracle_crypto::{
    CONTEXT_LEN, CipherSuite, Connection, Credentials, Options, PrivateKey, Psk, PublicKey, RawPublicKey,
    SESSION_LEN, Security,
};

pub(crate) const OPERATIONS: &[Operation] = &[
    ("handshake-psk-ccm8", || psk(CipherSuite::PskAes128Ccm8)),
    ("handshake-psk-cbc", || psk(CipherSuite::PskAes128CbcSha256)),
    ("handshake-psk-chacha", || psk(CipherSuite::PskChaCha20Poly1305)),
    ("handshake-ecdhe-psk", || psk(CipherSuite::EcdhePskAes128Ccm8)),
    ("handshake-raw-public-keys", raw_public_keys),
    ("handshake-wrong-psk", wrong_psk),
    ("resumption", resumption),
    ("sleep", sleep),
];

const IDENTITY: &[u8] = b"Client_identity";
const KEY: [u8; 16] = *b"a pre-shared key";

/// A key that is secret, and who has it.
struct Key([u8; 16]);

impl Key {
    fn new(mut key: [u8; 16]) -> Self {
        secret(&mut key);
        Self(key)
    }

    fn security(&self) -> Security<'_> {
        Security::new(b"server", Credentials::Psk(Psk::new(IDENTITY, &self.0).expect("16 bytes")))
    }
}

impl PskLookup for Key {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        (identity == IDENTITY).then_some(&self.0)
    }
}

impl KeyLookup for Key {
    fn is_known(&self, _: &PublicKey) -> bool {
        true
    }
}

/// Data in both directions, and a forgery.
fn exchange(pair: &mut Pair<'_>) {
    const START: usize = Connection::<Both>::HEADROOM;
    const DATA: [u8; 40] = [0x77; 40];
    let mut buffer = [0; 200];
    let place = START..START + DATA.len();
    let mut received = 0;
    let mut check = |data: &mut [u8]| {
        publish(data);
        assert_eq!(data, DATA);
        received += 1;
    };
    for _ in 0..2 {
        buffer[place.clone()].copy_from_slice(&DATA);
        secret(&mut buffer[place.clone()]);
        let sealed = pair.client.seal(&mut buffer, DATA.len()).expect("connected");
        publish(&mut buffer[sealed.end - DATA.len()..sealed.end]);
        public(&mut buffer);
        let datagram = &mut buffer[sealed];
        let mut forged = datagram.to_vec();
        *forged.last_mut().expect("it is long") ^= 1;
        pair.server_receives(&mut forged, &mut |_| panic!("a forgery"));
        pair.server_receives(datagram, &mut check);

        buffer[place.clone()].copy_from_slice(&DATA);
        secret(&mut buffer[place.clone()]);
        let sealed = pair.server.seal(&mut buffer, DATA.len()).expect("connected");
        public(&mut buffer);
        let datagram = &mut buffer[sealed];
        let mut forged = datagram.to_vec();
        *forged.last_mut().expect("it is long") ^= 1;
        pair.client_receives(&mut forged, &mut |_| panic!("a forgery"));
        pair.client_receives(datagram, &mut check);
    }
    assert_eq!(received, 4);
}

fn psk(suite: CipherSuite) {
    let (ours, theirs, suites) = (Key::new(KEY), Key::new(KEY), [suite.number()]);
    let mut pair = Pair::new(ours.security(), Config { suites: &suites, ..Config::with_psk(&theirs) });
    assert!(pair.handshake());
    exchange(&mut pair);
}

fn raw_public_keys() {
    let (client, server) = (PrivateKey::parse(&[0x31; 32]), PrivateKey::parse(&[0x32; 32]));
    let (client, server) = (client.expect("in range"), server.expect("in range"));
    let (client_public, server_public) = (client.public_key(), server.public_key());
    let (client_public, server_public) = (client_public.expect("in range"), server_public.expect("in range"));
    let (client, server) = (SecretKey::new(client), SecretKey::new(server));
    let keys = RawPublicKey::new(&client, &client_public, &server_public);
    let anybody = Key::new(KEY);
    let config = Config {
        own: Some(OwnKey { signer: &server, public: &server_public, chain: &[] }),
        raw_clients: Some(&anybody),
        ..Config::NOBODY
    };
    let mut pair = Pair::new(Security::new(b"server", Credentials::RawPublicKey(keys)), config);
    assert!(pair.handshake());
    exchange(&mut pair);
}

fn wrong_psk() {
    let (ours, theirs) = (Key::new(KEY), Key::new([1; 16]));
    let mut pair = Pair::new(ours.security(), Config::with_psk(&theirs));
    assert!(!pair.handshake());
}

fn resumption() {
    let (ours, theirs, sessions) = (Key::new(KEY), Key::new(KEY), SessionCache::<1>::new());
    let mut pair =
        Pair::new(ours.security(), Config { sessions: Some(&sessions), ..Config::with_psk(&theirs) });
    assert!(pair.handshake() && pair.handshake());
    assert!(pair.client.agreed().is_some_and(|agreed| agreed.resumed));
    exchange(&mut pair);
}

/// A device saves its session, and goes on with it.
fn sleep() {
    let (ours, theirs) = (Key::new(KEY), Key::new(KEY));
    let mut pair = Pair::new(ours.security(), Config::with_psk(&theirs));
    assert!(pair.handshake());
    let (mut context, mut session) = ([0; CONTEXT_LEN], [0; SESSION_LEN]);
    pair.client.export_session(&mut session).expect("there is one");
    pair.client.export(8, &mut context).expect("connected");
    pair.client = Connection::new();
    pair.client.restore_session(&pair.security, &session).expect("intact");
    pair.client.restore(&pair.security, &Options::DEFAULT, &context).expect("intact");
    pair.client.export(8, &mut context).expect("connected");
    exchange(&mut pair);
    pair.client.close(NOW);
}
