//! A cipher, a curve and a key that are not the software's: what a port to a chip with a crypto engine provides.

use crate::keys::{Pair, settings, uri};
use crate::peer::Peer;
use crate::profiles::Hardware;
use crate::world::{FIRST, World};
use coracle::crypto::{Aes128, CurveError, P256, PrivateKey, Rng, SignError, Signer, SoftAes};
use coracle::platform::{Entropy, EntropyError};
use coracle::{Client, Credentials, Memory, NewError, SessionEvent};
use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

thread_local! {
    static BLOCKS: Cell<u32> = const { Cell::new(0) };
    static MULTIPLICATIONS: Cell<u32> = const { Cell::new(0) };
}

fn count(counter: &'static std::thread::LocalKey<Cell<u32>>) {
    counter.with(|count| count.set(count.get() + 1));
}

/// Counts what it is asked to do.
pub struct Aes(SoftAes);

impl Aes128 for Aes {
    fn new(key: &[u8; 16]) -> Self {
        Self(SoftAes::new(key))
    }

    fn encrypt_pair(&self, first: &mut [u8; 16], second: &mut [u8; 16]) {
        count(&BLOCKS);
        self.0.encrypt_pair(first, second);
    }

    fn encrypt(&self, block: &mut [u8; 16]) {
        count(&BLOCKS);
        self.0.encrypt(block);
    }

    fn decrypt(&self, block: &mut [u8; 16]) {
        count(&BLOCKS);
        self.0.decrypt(block);
    }
}

/// Counts multiplications.
pub struct Curve;

impl coracle::crypto::Curve for Curve {
    const LINKED: bool = true;
    type Point = [u8; 65];
    type Signature = [u8; 64];

    fn generate(rng: &mut dyn Rng, scalar: &mut [u8; 32]) -> Result<(), CurveError> {
        P256::generate(rng, scalar)
    }

    fn public_key(scalar: &[u8; 32], point: &mut [u8; 65]) -> Result<(), CurveError> {
        count(&MULTIPLICATIONS);
        P256::public_key(scalar, point)
    }

    fn agree(scalar: &[u8; 32], point: &[u8; 65], secret: &mut [u8; 32]) -> Result<(), CurveError> {
        count(&MULTIPLICATIONS);
        P256::agree(scalar, point, secret)
    }

    fn verify(public: &[u8; 65], digest: &[u8; 32], signature: &[u8; 64]) -> Result<(), CurveError> {
        count(&MULTIPLICATIONS);
        P256::verify(public, digest, signature)
    }

    fn is_point(point: &[u8; 65]) -> bool {
        P256::is_point(point)
    }
}

/// A secure element: it signs, and shows no key.
struct SecureElement {
    key: PrivateKey,
    signatures: AtomicU32,
    broken: bool,
}

impl Signer for SecureElement {
    fn sign(&self, digest: &[u8; 32], signature: &mut [u8; 64]) -> Result<(), SignError> {
        self.signatures.fetch_add(1, Ordering::Relaxed);
        if self.broken { Err(SignError) } else { self.key.sign(digest, signature) }
    }
}

fn element(broken: bool) -> &'static SecureElement {
    let key = PrivateKey::parse(&Pair::device().private).expect("in range");
    Box::leak(Box::new(SecureElement { key, signatures: AtomicU32::new(0), broken }))
}

fn world(element: &'static SecureElement) -> World<Hardware> {
    let (uri, own, server) = (uri(0), Pair::device(), Pair::server());
    let mut world = World::new(vec![Peer::new(0)]);
    world.client.set_signer(element);
    // Object 0 has no private key.
    let credentials = Credentials::raw_public_key(&own.public, &[], &server.public);
    assert_eq!(world.client.add_server(&settings(&uri, 1, credentials)), Ok(FIRST));
    world.client.register(world.time(), FIRST);
    world
}

#[test]
fn a_secure_element_signs_and_the_hardware_computes() {
    let element = element(false);
    let mut world = world(element);
    world.expect_registered(FIRST, 1_000);
    assert_eq!(element.signatures.load(Ordering::Relaxed), 1);
    // ECDH, our public key, the server's signature.
    assert_eq!(MULTIPLICATIONS.get(), 3);
    let blocks = BLOCKS.get();
    assert!(blocks > 0);
    assert_eq!(world.text(FIRST, "/33001/0/0"), "7");
    assert!(BLOCKS.get() > blocks);
}

/// A flight that is sent again is written again, but not signed again.
#[test]
fn a_repeated_flight_takes_no_further_signature() {
    let element = element(false);
    let mut world = world(element);
    world.peers[0].hears = 2;
    assert!(world.run(10_000, |world| world.sent.len() >= 5), "three times");
    world.peers[0].hears = u64::MAX;
    world.expect_registered(FIRST, 10_000);
    assert_eq!((element.signatures.load(Ordering::Relaxed), MULTIPLICATIONS.get()), (1, 3));
}

/// No call computes more than one multiplication, so that others get their turn in between.
#[test]
fn a_handshake_computes_in_steps() {
    let mut world = world(element(false));
    let mut out = [0; 1280];
    let mut most = 0;
    for _ in 0..200 {
        while let Some(connect) = world.client.poll_connect() {
            let server = connect.server;
            world.client.connected(world.time(), server);
        }
        let before = MULTIPLICATIONS.get();
        let datagram = world.client.poll_transmit(world.time(), &mut out).map(|sent| sent.datagram.to_vec());
        most = most.max(MULTIPLICATIONS.get() - before);
        if let Some(datagram) = datagram {
            world.peers[0].receive(world.now, 1, &datagram);
        }
        for (_, datagram) in std::mem::take(&mut world.peers[0].out) {
            let before = MULTIPLICATIONS.get();
            world.receive(0, datagram);
            most = most.max(MULTIPLICATIONS.get() - before);
        }
        world.now += 1;
        world.peers[0].flush(world.now);
    }
    assert_eq!(world.peers[0].handshakes, 1);
    assert_eq!((MULTIPLICATIONS.get(), most), (3, 1));
}

#[test]
fn a_secure_element_that_does_not_answer_is_told() {
    let element = element(true);
    let mut world = world(element);
    world.wait(1_000);
    let told = world.told(FIRST);
    let [(_, SessionEvent::HandshakeFailed { reason, .. })] = told[..] else { panic!("{told:?}") };
    assert_eq!(reason, coracle::crypto::FailureReason::SigningFailed);
}

/// CBC asks for decryption, too.
#[test]
fn the_hardware_serves_every_cipher() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.knows.suites = vec![0x00AE];
    let credentials = Credentials::psk(crate::keys::IDENTITY, crate::keys::KEY);
    let mut world = World::<Hardware>::registered(peer, &settings(&uri, 1, credentials));
    let blocks = BLOCKS.get();
    assert_eq!(world.text(FIRST, "/33001/0/0"), "7");
    assert!(BLOCKS.get() > blocks);
    assert_eq!(MULTIPLICATIONS.get(), 0);
}

/// Gives so many times, then no more.
struct Failing(u32);

impl Entropy for Failing {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        self.0 = self.0.checked_sub(1).ok_or(EntropyError)?;
        bytes.fill(0x5A);
        Ok(())
    }
}

/// Without random numbers there is no client, and nothing is sent.
#[test]
fn an_entropy_source_that_fails_is_an_error() {
    let mut memory = Box::new(Memory::<Hardware>::EMPTY);
    let mut calls = 0;
    for gives in 0..10 {
        let things = crate::world::Things::new();
        match Client::new(&mut memory.client, "facade", things, &mut Failing(gives)) {
            Err(error) => {
                assert_eq!(error, NewError::Entropy(EntropyError));
                assert!(error.as_str().contains("random"));
                calls += 1;
            }
            Ok(_) => break,
        }
    }
    assert_eq!(calls, 2, "the engine's seed and the one of DTLS");
}
