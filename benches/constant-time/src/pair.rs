//! A client and a server whose secrets are secret to memcheck, and a wire on which nothing is.

use crate::memcheck::{public, secret};
use crate::publish;
use coracle_crypto::profiles::Everything;
use coracle_crypto::server::{self, Config, Cookies, Verdict};
use coracle_crypto::{
    CipherSuite, Connection, Curve, CurveError, HmacDrbg, Instant, Options, P256, PrivateKey, Profile, Rng,
    RngError, Security, SignError, Signer, SoftAes, key_block_len,
};

/// Both ends: every suite, connection IDs, resumption.
pub(crate) enum Both {}

impl Profile for Both {
    const SUITES: &'static [CipherSuite] = Everything::SUITES;
    const RAW_PUBLIC_KEYS: bool = true;
    const CERTIFICATES: bool = true;
    const CONNECTION_ID: bool = true;
    type Aes = SoftAes;
    type Curve = SecretCurve;
    type KeyBlock = [u8; key_block_len(Self::SUITES)];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 4];
    type PeerCid = [u8; 8];
    type Reassembly = [u8; 768];
    type ReplayWindow = [u32; 2];
}

/// The curve of the crate, with ephemeral keys that are secret and public keys that are not.
pub(crate) enum SecretCurve {}

impl Curve for SecretCurve {
    const LINKED: bool = true;
    type Point = [u8; 65];
    type Signature = [u8; 64];

    fn generate(rng: &mut dyn Rng, scalar: &mut [u8; 32]) -> Result<(), CurveError> {
        P256::generate(&mut Secret(rng), scalar)
    }

    fn public_key(scalar: &[u8; 32], point: &mut [u8; 65]) -> Result<(), CurveError> {
        P256::public_key(scalar, point)?;
        public(point);
        Ok(())
    }

    fn agree(scalar: &[u8; 32], point: &[u8; 65], shared: &mut [u8; 32]) -> Result<(), CurveError> {
        P256::agree(scalar, point, shared)
    }

    fn verify(public: &[u8; 65], digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), CurveError> {
        P256::verify(public, digest, signature)
    }

    fn is_point(point: &[u8; 65]) -> bool {
        P256::is_point(point)
    }
}

/// The numbers of another source, which stay secret.
struct Secret<'a>(&'a mut dyn Rng);

impl Rng for Secret<'_> {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        self.0.fill(out)?;
        secret(out);
        Ok(())
    }
}

/// A private key that is secret, and signatures that are not.
pub(crate) struct SecretKey(PrivateKey);

impl SecretKey {
    pub(crate) fn new(mut key: PrivateKey) -> Self {
        secret(&mut key);
        Self(key)
    }
}

impl Signer for SecretKey {
    fn sign(&self, digest: &[u8; 32], signature: &mut [u8; 64]) -> Result<(), SignError> {
        self.0.sign(digest, signature)?;
        publish(signature);
        Ok(())
    }
}

/// Numbers from a secret seed. Those that are drawn for hellos and connection IDs are sent.
struct Numbers(HmacDrbg);

impl Numbers {
    fn new() -> Self {
        let mut seed = [1; HmacDrbg::SEED_LEN];
        secret(&mut seed);
        let mut numbers = Self(HmacDrbg::EMPTY);
        numbers.0.seed(&seed);
        numbers
    }
}

impl Rng for Numbers {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        self.0.fill(out)?;
        publish(out);
        Ok(())
    }
}

pub(crate) const NOW: Instant = Instant::from_millis(1_000);

pub(crate) struct Pair<'a> {
    pub(crate) client: Connection<Both>,
    pub(crate) server: server::Connection<Both>,
    pub(crate) security: Security<'a>,
    config: Config<'a>,
    cookies: Cookies,
    numbers: Numbers,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(security: Security<'a>, config: Config<'a>) -> Self {
        let mut numbers = Numbers::new();
        let cookies = Cookies::new(&mut Secret(&mut numbers)).expect("there are numbers");
        let (client, server) = (Connection::new(), server::Connection::new());
        Self { client, server, security, config, cookies, numbers }
    }

    /// A handshake; whether it came to its end.
    pub(crate) fn handshake(&mut self) -> bool {
        self.server = server::Connection::new();
        self.client.connect(NOW, &self.security, &Options::DEFAULT).expect("the configuration is right");
        let mut out = [0; 1500];
        // As many steps as the longest has datagrams and computations.
        for _ in 0..12 {
            let sent = self.client.poll_transmit(NOW, &self.security, &mut self.numbers, &mut out);
            if let Some(length) = sent.expect("there is room") {
                public(&mut out);
                self.arrive_at_server(&mut out[..length]);
            }
            while let Some(length) = self
                .server
                .poll_transmit(NOW, &self.config, &mut self.numbers, &mut out)
                .expect("there is room")
            {
                public(&mut out);
                self.client_receives(&mut out[..length], &mut |_| {});
            }
        }
        while self.client.poll_event().is_some() {}
        self.client.is_connected() && self.server.is_connected()
    }

    fn arrive_at_server(&mut self, datagram: &mut [u8]) {
        let mut answer = [0; 64];
        if self.server.is_free() {
            match self.cookies.check(b"the client", datagram, &mut answer) {
                Verdict::Answer(length) => {
                    public(&mut answer);
                    self.client_receives(&mut answer[..length], &mut |_| {});
                    return;
                }
                Verdict::Accept => self.server.accept(&Options::DEFAULT),
                Verdict::Ignore => panic!("the client sends something else than a hello"),
            }
        }
        self.server_receives(datagram, &mut |_| {});
    }

    pub(crate) fn client_receives(&mut self, datagram: &mut [u8], data: &mut dyn FnMut(&mut [u8])) {
        let mut records = self.client.handle_datagram(NOW, &self.security, datagram);
        while let Some(content) = records.next() {
            data(content);
        }
    }

    pub(crate) fn server_receives(&mut self, datagram: &mut [u8], data: &mut dyn FnMut(&mut [u8])) {
        self.server.handle_datagram(NOW, &self.config, datagram, data);
    }
}
