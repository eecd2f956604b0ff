//! The script of a server with raw public keys.

use crate::duel::Duel;
use crate::hostile::*;
use coracle_crypto::profiles::PskRpkCid;
use coracle_crypto::{Credentials, PrivateKey, PublicKey, RawPublicKey, Security};

/// Keys for the raw public key tests: ours, and the server's that the script signs with.
pub struct Keys {
    pub own: PrivateKey,
    pub own_public: PublicKey,
    server: PublicKey,
}

impl Keys {
    pub fn new() -> Self {
        let own = PrivateKey::parse(&[0x33; 32]).expect("in range");
        let own_public = own.public_key().expect("a key");
        let server = PublicKey::parse(&Hostile::new().spki()).expect("a key");
        Self { own, own_public, server }
    }

    pub fn security(&self) -> Security<'_> {
        let keys = RawPublicKey::new(&self.own, &self.own_public, &self.server);
        Security { suites: &[ECDSA_CCM_8], ..Security::new(b"server", Credentials::RawPublicKey(keys)) }
    }
}

pub fn ecdsa_script() -> Hostile {
    Hostile { ecdhe: true, ..Hostile::new() }
}

/// Extensions of the answer with raw public keys both ways.
pub fn raw_key_extensions() -> Vec<Vec<u8>> {
    vec![extension(23, &[]), extension(0xFF01, &[0]), extension(19, &[2]), extension(20, &[2])]
}

/// The server's hello and raw public key have arrived.
pub fn until_key_exchange(duel: &mut Duel<'_, PskRpkCid>) -> Hostile {
    let mut server = ecdsa_script();
    server.read_hello(duel);
    let body = server.server_hello(ECDSA_CCM_8, &[], &raw_key_extensions());
    let hello = server.say(SERVER_HELLO, &body);
    duel.deliver(&hello);
    let spki = server.spki();
    let certificate = server.say(CERTIFICATE, &vec24(&spki));
    duel.deliver(&certificate);
    assert_eq!(duel.events, []);
    server
}
