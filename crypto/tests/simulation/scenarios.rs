//! What has to work whatever the network does.

use crate::common::hex;
use crate::network::Weather;
use crate::world::{Welcome, World};
use coracle_crypto::profiles::{Everything, PskCid, PskOnly, PskRpkCid, ShortFirstHello};
use coracle_crypto::server::{Config, KeyLookup, OwnKey, PskLookup, SessionCache};
use coracle_crypto::{
    Backoff, CipherSuite, Connected, Credentials, Event, FailureReason, Options, PrivateKey, Profile, Psk,
    PublicKey, RawPublicKey, Requirement, Security,
};

pub const IDENTITY: &[u8] = b"Client_identity";
pub const KEY: &[u8] = b"a pre-shared key";

pub struct OneClient;

impl PskLookup for OneClient {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        (identity == IDENTITY).then_some(KEY)
    }
}

pub fn psk_security(key: &[u8]) -> Security<'_> {
    Security::new(b"server", Credentials::Psk(Psk::new(IDENTITY, key).expect("fine")))
}

/// A handshake that has many tries: the network may be bad, but not for ever.
pub const PATIENT: Options = Options {
    mtu: 1200,
    backoff: Backoff { initial_ms: 1_000, max_ms: 8_000, attempts: 40, last_flight_attempts: 40 },
};

/// Runs every seed, or the one of the environment; names the seed that fails.
fn for_seeds(count: u64, run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let one = std::env::var("CORACLE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = one.map_or(0..count, |seed| seed..seed + 1);
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("seed {seed} fails: CORACLE_SEED={seed} runs it alone");
            std::panic::resume_unwind(panic);
        }
    }
}

/// What the latest handshake agreed on. The server may have finished one that the client had abandoned.
fn connected(events: &[Event]) -> Connected {
    match events {
        [.., Event::Connected(connected)] => *connected,
        events => panic!("{events:?}"),
    }
}

pub fn handshake<C: Profile, S: Profile>(world: &mut World<'_, C, S>) -> Connected {
    world.connect();
    assert!(world.run(600_000), "client {:?}, server {:?}", world.client_events, world.server_events);
    let client = connected(&world.client_events);
    let server = connected(&world.server_events);
    assert_eq!((client.suite, client.resumed), (server.suite, server.resumed));
    world.client_says(b"from the client");
    world.server_says(b"from the server");
    client
}

fn psk_in_bad_weather<C: Profile, S: Profile>(suites: &[u16], seeds: u64, mtu: u16) {
    for_seeds(seeds, |seed| {
        let security = Security { suites, ..psk_security(KEY) };
        let config = Config { suites, ..Config::with_psk(&OneClient) };
        let mut world = World::<C, S>::new(seed, Weather::BAD, security, config);
        world.options = Options { mtu, ..PATIENT };
        handshake(&mut world);
        assert_eq!(world.server().peer().psk_identity(), Some(IDENTITY));
    });
}

#[test]
fn psk_2000_seeds() {
    psk_in_bad_weather::<PskOnly, PskOnly>(&[], 2000, 1200);
}

#[test]
fn psk_with_connection_ids_2000_seeds() {
    psk_in_bad_weather::<PskCid, Everything>(&[CipherSuite::PskAes128Ccm8.number()], 2000, 1200);
}

#[test]
fn psk_small_datagrams_500_seeds() {
    psk_in_bad_weather::<Everything, Everything>(&[CipherSuite::PskAes128Ccm8.number()], 500, 140);
}

#[test]
fn psk_with_every_cipher() {
    for suite in
        [CipherSuite::PskAes128Ccm, CipherSuite::PskAes128CbcSha256, CipherSuite::PskChaCha20Poly1305]
    {
        psk_in_bad_weather::<Everything, Everything>(&[suite.number()], 100, 300);
    }
}

#[test]
fn psk_with_forward_secrecy() {
    for suite in [
        CipherSuite::EcdhePskAes128Ccm8,
        CipherSuite::EcdhePskAes128Ccm,
        CipherSuite::EcdhePskAes128CbcSha256,
        CipherSuite::EcdhePskChaCha20Poly1305,
    ] {
        psk_in_bad_weather::<Everything, Everything>(&[suite.number()], 5, 200);
    }
}

/// Keys for the tests: scalars that nobody else should use.
fn private_key(seed: u8) -> PrivateKey {
    PrivateKey::parse(&[seed; 32]).expect("in range")
}

struct OneKey(PublicKey);

impl KeyLookup for OneKey {
    fn is_known(&self, key: &PublicKey) -> bool {
        *key == self.0
    }
}

#[test]
fn raw_public_keys_in_bad_weather() {
    let (client, server) = (private_key(1), private_key(2));
    let client_public = client.public_key().expect("a key");
    let server_public = server.public_key().expect("a key");
    for (mtu, seeds) in [(1200, 20), (140, 20)] {
        for seed in 0..seeds {
            let keys = RawPublicKey::new(&client, &client_public, &server_public);
            let security = Security::new(b"server", Credentials::RawPublicKey(keys));
            let known = OneKey(client_public);
            let own = OwnKey { signer: &server, public: &server_public, chain: &[] };
            let config = Config { own: Some(own), raw_clients: Some(&known), ..Config::NOBODY };
            let mut world = World::<PskRpkCid, Everything>::new(seed, Weather::BAD, security, config);
            world.options = Options { mtu, ..PATIENT };
            let connected = handshake(&mut world);
            assert_eq!(connected.suite, CipherSuite::EcdheEcdsaAes128Ccm8, "seed {seed}");
            assert_eq!(world.server().peer().public_key(), Some(&client_public.point()[..]));
        }
    }
}

fn raw_public_keys(suite: CipherSuite, mtu: u16, seeds: u64) {
    let (client, server) = (private_key(1), private_key(2));
    let client_public = client.public_key().expect("a key");
    let server_public = server.public_key().expect("a key");
    for seed in 0..seeds {
        let keys = RawPublicKey::new(&client, &client_public, &server_public);
        let suites = [suite.number()];
        let security =
            Security { suites: &suites, ..Security::new(b"server", Credentials::RawPublicKey(keys)) };
        let known = OneKey(client_public);
        let own = OwnKey { signer: &server, public: &server_public, chain: &[] };
        let config = Config { own: Some(own), raw_clients: Some(&known), ..Config::NOBODY };
        let mut world = World::<Everything, Everything>::new(seed, Weather::BAD, security, config);
        world.options = Options { mtu, ..PATIENT };
        assert_eq!(handshake(&mut world).suite, suite, "seed {seed}");
        assert_eq!(world.server().peer().public_key(), Some(&client_public.point()[..]));
    }
}

#[test]
fn raw_public_keys_with_every_cipher() {
    for suite in [
        CipherSuite::EcdheEcdsaAes128Ccm,
        CipherSuite::EcdheEcdsaAes128CbcSha256,
        CipherSuite::EcdheEcdsaChaCha20Poly1305,
    ] {
        raw_public_keys(suite, 300, 5);
    }
}

#[test]
fn resumption_in_bad_weather() {
    for_seeds(500, |seed| {
        let cache = SessionCache::<2>::new();
        let config = Config { sessions: Some(&cache), ..Config::with_psk(&OneClient) };
        let mut world = World::<PskCid, Everything>::new(seed, Weather::BAD, psk_security(KEY), config);
        world.options = PATIENT;
        assert!(!handshake(&mut world).resumed);
        for _ in 0..3 {
            assert!(handshake(&mut world).resumed);
        }
        // A server that has forgotten: a full handshake in the same flight.
        world.client.forget_session();
        assert!(!handshake(&mut world).resumed);
    });
}

#[test]
fn a_server_that_lost_its_sessions_leads_to_a_full_handshake() {
    let cache = SessionCache::<1>::new();
    let config = Config { sessions: Some(&cache), ..Config::with_psk(&OneClient) };
    let mut world = World::<PskCid, Everything>::new(1, Weather::FINE, psk_security(KEY), config);
    handshake(&mut world);
    // Another client takes the only place.
    let mut other = World::<PskCid, Everything>::new(2, Weather::FINE, psk_security(KEY), config);
    handshake(&mut other);
    assert!(!handshake(&mut world).resumed);
}

/// Gives up after every step, and starts again on the same object, against the same server.
///
/// A late answer to the abandoned hello can pass for one to the new hello, as nothing is authenticated yet: such a
/// handshake comes to nothing, is reported, and starts once more.
#[test]
fn abandoned_at_every_step_and_restarted() {
    for weather in [Weather::FINE, Weather::BAD] {
        for_seeds(20, |seed| {
            for steps in 0.. {
                let cache = SessionCache::<2>::new();
                let config = Config { sessions: Some(&cache), ..Config::with_psk(&OneClient) };
                let mut world = World::<PskCid, Everything>::new(seed, weather, psk_security(KEY), config);
                world.connect();
                let finished = (0..steps).any(|_| !world.step() || world.both_connected());
                if steps % 3 == 1 {
                    world.client.close(coracle_crypto::Instant::from_millis(world.now));
                    world.transmit();
                }
                let restarted = (0..10).any(|_| {
                    world.connect();
                    world.run(600_000)
                });
                assert!(restarted, "after {steps} steps: {:?}", world.client_events);
                world.client_says(b"from the client");
                if finished {
                    break;
                }
            }
        });
    }
}

#[test]
fn a_wrong_key_fails_after_one_repetition_and_does_not_stick() {
    let mut world = World::<PskCid, Everything>::new(
        3,
        Weather::FINE,
        psk_security(b"not the key"),
        Config::with_psk(&OneClient),
    );
    world.connect();
    assert!(!world.run(60_000));
    assert!(
        matches!(world.client_events[..], [Event::Failed { reason: FailureReason::WrongKey, .. }]),
        "{:?}",
        world.client_events
    );
    assert!(world.now < 2_500, "it took until {}", world.now);
    world.set_security(psk_security(KEY));
    handshake(&mut world);
}

#[test]
fn an_unknown_identity_fails_at_once() {
    let stranger = Credentials::Psk(Psk::new(b"stranger", KEY).expect("fine"));
    let security = Security::new(b"server", stranger);
    let mut world = World::<PskOnly, PskOnly>::new(4, Weather::FINE, security, Config::with_psk(&OneClient));
    world.connect();
    assert!(!world.run(60_000));
    assert!(
        matches!(world.client_events[..], [Event::Failed { reason: FailureReason::UnknownIdentity, .. }]),
        "{:?}",
        world.client_events
    );
}

#[test]
fn a_silent_server_is_reported_on_schedule() {
    let weather = Weather { loss: 100, ..Weather::FINE };
    let mut world =
        World::<PskOnly, PskOnly>::new(5, weather, psk_security(KEY), Config::with_psk(&OneClient));
    world.options = Options { backoff: Backoff::DEFAULT, ..PATIENT };
    let start = world.now;
    world.connect();
    assert!(!world.run(600_000));
    assert!(matches!(world.client_events[..], [Event::Failed { reason: FailureReason::NoAnswer, .. }]));
    assert_eq!(world.now - start, 1_000 + 2_000 + 4_000 + 8_000 + 16_000);
    assert_eq!(world.network.to_server.0, 5);
}

#[test]
fn closing_tells_the_other_side() {
    let mut world =
        World::<PskCid, Everything>::new(6, Weather::FINE, psk_security(KEY), Config::with_psk(&OneClient));
    handshake(&mut world);
    world.client.close(coracle_crypto::Instant::from_millis(world.now));
    world.transmit();
    while world.step() {}
    assert!(matches!(world.server_events[..], [_, Event::Closed { .. }]), "{:?}", world.server_events);
    assert!(matches!(world.client_events[..], [_, Event::Closed { .. }]), "{:?}", world.client_events);
    assert!(world.servers.iter().all(coracle_crypto::server::Connection::is_free));
    // And the other way round.
    handshake(&mut world);
    world.server().close();
    world.transmit();
    while world.step() {}
    assert!(matches!(world.client_events[..], [_, Event::Closed { .. }]), "{:?}", world.client_events);
}

/// Loss and repetitions, but nothing is overtaken.
const IN_ORDER: Weather = Weather { loss: 20, duplication: 10, delay: (50, 50) };

/// Connects to a server of this manner, and once more. Answers how many handshakes it took the first time.
fn after_a_short_hello<C: Profile>(
    (seed, weather): (u64, Weather),
    welcome: Welcome,
    security: Security<'_>,
    config: Config<'_>,
) -> usize {
    let mut world = World::<ShortFirstHello<C>, Everything>::new(seed, weather, security, config);
    (world.options, world.welcome) = (PATIENT, welcome);
    let mut connect = || {
        let begun = (1..=10).find(|_| {
            world.connect();
            world.run(600_000)
        });
        let begun = begun.unwrap_or_else(|| panic!("seed {seed}, {welcome:?}: {:?}", world.client_events));
        let (client, server) = (connected(&world.client_events), connected(&world.server_events));
        assert_eq!((client.suite, client.connection_id), (server.suite, C::CONNECTION_ID));
        world.client_says(b"from the client");
        world.server_says(b"from the server");
        // The server forgets the session: the alert that tells it may be lost.
        world.client.close(coracle_crypto::Instant::from_millis(world.now));
        world.transmit();
        while world.step() {}
        world.servers.clear();
        begun
    };
    let begun = connect();
    connect();
    begun
}

/// Whatever the cookie covers, and whatever is lost: no handshake fails for the short hello.
#[test]
fn a_short_hello_and_cookies_in_bad_weather() {
    for welcome in [Welcome::Cookie, Welcome::CookieOverExtensions] {
        for_seeds(500, |seed| {
            let (security, config) = (psk_security(KEY), Config::with_psk(&OneClient));
            let weather = (seed, Weather::BAD);
            assert_eq!(after_a_short_hello::<PskOnly>(weather, welcome, security, config), 1);
            assert_eq!(after_a_short_hello::<PskCid>(weather, welcome, security, config), 1);
        });
    }
}

/// Servers that ask for no cookie answer the short hello, or refuse it for the lack of an extension. The first handshake
/// connects nevertheless, unless our alert is overtaken by the hello behind it, and ends what that has begun.
#[test]
fn a_short_hello_without_cookies_connects_at_once() {
    for welcome in [Welcome::Answer, Welcome::AnswerOne] {
        for extended_master_secret in [Requirement::Required, Requirement::Optional] {
            for_seeds(300, |seed| {
                let config = Config { extended_master_secret, ..Config::with_psk(&OneClient) };
                let run = |weather| {
                    after_a_short_hello::<PskCid>((seed, weather), welcome, psk_security(KEY), config)
                };
                assert_eq!(run(IN_ORDER), 1, "{welcome:?}, {extended_master_secret:?}");
                assert!(run(Weather::BAD) <= 3, "{welcome:?}, {extended_master_secret:?}");
            });
        }
    }
}

/// Without its extensions a hello says nothing of raw public keys: such a server refuses it.
#[test]
fn a_short_hello_with_raw_public_keys() {
    let (client, server) = (private_key(1), private_key(2));
    let client_public = client.public_key().expect("a key");
    let server_public = server.public_key().expect("a key");
    for welcome in [Welcome::Cookie, Welcome::CookieOverExtensions, Welcome::Answer, Welcome::AnswerOne] {
        for seed in 0..3 {
            let keys = RawPublicKey::new(&client, &client_public, &server_public);
            let security = Security::new(b"server", Credentials::RawPublicKey(keys));
            let known = OneKey(client_public);
            let own = OwnKey { signer: &server, public: &server_public, chain: &[] };
            let config = Config { own: Some(own), raw_clients: Some(&known), ..Config::NOBODY };
            let begun = after_a_short_hello::<PskRpkCid>((seed, IN_ORDER), welcome, security, config);
            assert_eq!(begun, 1, "seed {seed}, {welcome:?}");
        }
    }
}

#[test]
fn hex_is_read() {
    assert_eq!(hex("00 ff 7F"), [0, 255, 127]);
}
