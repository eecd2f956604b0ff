//! A DTLS client and a server in memory: `coracle-dtls-bench <operation> <times>`.
//!
//! `wire` prints what a handshake and a record put on the wire, `sizes` the size of a connection. Everything else is run
//! under callgrind by `cargo xtask dtls`, which counts only the functions whose names begin with `client`.

#[path = "../../../crypto/tests/attacks/builder.rs"]
#[allow(unreachable_pub, missing_docs)]
mod builder;
mod ccm;
mod pair;

use std::process::ExitCode;

use builder::{Authority, CLIENT_AUTH, Fields, name};
use coracle_crypto::profiles::{PskCid, PskOnly, PskRpkCid, PskRpkX509Cid, ShortFirstHello};
use coracle_crypto::server::{Config, KeyLookup, OwnKey, PskLookup, SessionCache};
use coracle_crypto::{
    Certificate, CertificateUsage, CipherSuite, Connection, Credentials, MatchingType, PrivateKey, Profile,
    Psk, PublicKey, RawPublicKey, Security, ServerCertificate, ServerName,
};
use pair::{AllSuites, Pair};

const IDENTITY: &[u8] = b"Client_identity";
const KEY: &[u8] = b"a pre-shared key";

/// The server's clients.
struct Clients(PublicKey);

impl PskLookup for Clients {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        (identity == IDENTITY).then_some(KEY)
    }
}

impl KeyLookup for Clients {
    fn is_known(&self, key: &PublicKey) -> bool {
        *key == self.0
    }
}

/// Keys and certificates of both sides.
struct World {
    client: PrivateKey,
    client_public: PublicKey,
    server: PrivateKey,
    server_public: PublicKey,
    authority: Vec<u8>,
    client_certificate: Vec<u8>,
    server_certificate: Vec<u8>,
    clients: Clients,
    cache: SessionCache<1>,
}

impl World {
    fn new() -> Self {
        let (client, server) = ([0x31; 32], [0x32; 32]);
        let authority = Authority::new(0x33);
        let spki = |seed: u8| Authority::new(seed).spki();
        let public = |seed: u8| PublicKey::parse(&spki(seed)).expect("a point");
        let device =
            Fields { subject: name(b"device"), purposes: vec![CLIENT_AUTH], names: None, ..Fields::leaf("") };
        Self {
            client: PrivateKey::parse(&client).expect("in range"),
            client_public: public(0x31),
            server: PrivateKey::parse(&server).expect("in range"),
            server_public: public(0x32),
            authority: authority.own(&Fields::ca("CA")),
            client_certificate: authority.issue(&device, &spki(0x31)),
            server_certificate: authority.issue(&Fields::leaf("server.example"), &spki(0x32)),
            clients: Clients(public(0x31)),
            cache: SessionCache::new(),
        }
    }

    fn rpk(&self) -> Security<'_> {
        let keys = RawPublicKey::new(&self.client, &self.client_public, &self.server_public);
        Security::new(b"server", Credentials::RawPublicKey(keys))
    }

    fn x509<'a>(&'a self, chain: &'a [&'a [u8]], usage: CertificateUsage, server: &'a [u8]) -> Security<'a> {
        let policy = ServerCertificate::new(usage, MatchingType::Exact, server, &[]).expect("fine");
        let own = Certificate::new(&self.client, chain, policy).expect("fine");
        Security {
            server_name: Some(ServerName::Dns("server.example")),
            unix_time: Some(1_767_225_600),
            ..Security::new(b"server", Credentials::Certificate(own))
        }
    }

    fn config<'a>(&'a self, chain: &'a [&'a [u8]]) -> Config<'a> {
        Config {
            own: Some(OwnKey { signer: &self.server, public: &self.server_public, chain }),
            raw_clients: Some(&self.clients),
            client_ca: Some(&self.authority),
            unix_time: Some(1_767_225_600),
            ..Config::with_psk(&self.clients)
        }
    }
}

fn psk() -> Security<'static> {
    Security::new(b"server", Credentials::Psk(Psk::new(IDENTITY, KEY).expect("fine")))
}

/// What a handshake is to be measured with.
fn handshake(world: &World, what: &str, times: usize) -> Option<[pair::Traffic; 2]> {
    let (own, chain) = ([&world.client_certificate[..]], [&world.server_certificate[..]]);
    let config = world.config(&chain);
    let with = |suite: CipherSuite| Config { suites: numbers(suite), ..config };
    Some(match what {
        "psk" => run::<PskCid>(psk(), config, times),
        "psk-short" => run::<ShortFirstHello<PskCid>>(psk(), config, times),
        "psk-resumed" => {
            let mut pair = Pair::<PskCid>::new(psk(), Config { sessions: Some(&world.cache), ..config });
            // The first is full; it is not counted (see `FULL` in xtask).
            (0..times).for_each(|_| pair.handshake());
            [pair.from_client, pair.from_server]
        }
        "ecdhe-psk" => run::<AllSuites>(psk(), with(CipherSuite::EcdhePskAes128Ccm8), times),
        "rpk" => run::<PskRpkCid>(world.rpk(), config, times),
        "rpk-short" => run::<ShortFirstHello<PskRpkCid>>(world.rpk(), config, times),
        "x509-pinned" => {
            let pinned = CertificateUsage::DomainIssuedCertificate;
            let security = world.x509(&own, pinned, &world.server_certificate);
            run::<PskRpkX509Cid>(security, config, times)
        }
        "x509-authority" => {
            let anchored = CertificateUsage::TrustAnchorAssertion;
            let security = world.x509(&own, anchored, &world.authority);
            run::<PskRpkX509Cid>(security, config, times)
        }
        _ => return None,
    })
}

fn run<P: Profile>(security: Security<'_>, config: Config<'_>, times: usize) -> [pair::Traffic; 2] {
    let mut pair = Pair::<P>::new(security, config);
    (0..times).for_each(|_| pair.handshake());
    [pair.from_client, pair.from_server]
}

fn numbers(suite: CipherSuite) -> &'static [u16] {
    Box::leak(Box::new([suite.number()]))
}

const SUITES: [(&str, CipherSuite); 4] = [
    ("ccm8", CipherSuite::PskAes128Ccm8),
    ("ccm", CipherSuite::PskAes128Ccm),
    ("cbc", CipherSuite::PskAes128CbcSha256),
    ("chacha", CipherSuite::PskChaCha20Poly1305),
];

/// Seals (or opens) records of a suite: `seal-ccm8-64`.
fn record(world: &World, what: &str, times: usize) -> Option<()> {
    let mut words = what.split('-');
    let (operation, suite, length) = (words.next()?, words.next()?, words.next()?.parse::<usize>().ok()?);
    let mut buffer = [0; 1500];
    if suite == "crate" {
        return ccm::of_the_crate(operation, &mut buffer, length, times);
    }
    let (_, suite) = SUITES.into_iter().find(|(name, _)| *name == suite)?;
    let chain = [&world.server_certificate[..]];
    let config = Config { suites: numbers(suite), ..world.config(&chain) };
    // The one suite that all devices have is measured in their profile.
    if suite == CipherSuite::PskAes128Ccm8 {
        return records(Pair::<PskCid>::new(psk(), config), operation, &mut buffer, length, times);
    }
    records(Pair::<AllSuites>::new(psk(), config), operation, &mut buffer, length, times)
}

fn records<P: Profile>(
    mut pair: Pair<'_, P>,
    operation: &str,
    buffer: &mut [u8],
    length: usize,
    times: usize,
) -> Option<()> {
    pair.handshake();
    match operation {
        "seal" => (0..times).for_each(|_| assert!(pair.seal(buffer, length) > length)),
        "open" => (0..times).for_each(|_| pair.open(buffer, length)),
        _ => return None,
    }
    Some(())
}

/// One line for each handshake and suite: name, datagrams and bytes from the client, and from the server.
fn wire(world: &World) -> Option<()> {
    let handshakes = ["psk", "psk-short", "psk-resumed", "ecdhe-psk", "rpk", "rpk-short"];
    for what in handshakes.into_iter().chain(["x509-pinned", "x509-authority"]) {
        // The second of two can be resumed.
        let times = if what == "psk-resumed" { 2 } else { 1 };
        let [client, server] = handshake(world, what, times)?;
        let certificates = if what.starts_with("x509") { world.client_certificate.len() } else { 0 };
        println!(
            "handshake {what} {} {} {} {} {certificates}",
            client.datagrams, client.bytes, server.datagrams, server.bytes
        );
    }
    let chain = [&world.server_certificate[..]];
    for (name, suite) in SUITES {
        let config = Config { suites: numbers(suite), ..world.config(&chain) };
        let mut buffer = [0; 256];
        let mut with = Pair::<AllSuites>::new(psk(), config);
        with.handshake();
        let with = with.seal(&mut buffer, 64) - 64;
        println!("overhead {name} {} {with}", with - 7);
    }
    // Not computed but seen: the suite of every server, without a connection ID.
    let mut plain = Pair::<PskOnly>::new(psk(), world.config(&chain));
    plain.handshake();
    println!("overhead-without-cid ccm8 {}", plain.seal(&mut [0; 256], 64) - 64);
    Some(())
}

fn sizes() {
    println!("size PskOnly {}", size_of::<Connection<PskOnly>>());
    println!("size PskCid {}", size_of::<Connection<PskCid>>());
    println!("size PskRpkCid {}", size_of::<Connection<PskRpkCid>>());
    println!("size PskRpkX509Cid {}", size_of::<Connection<PskRpkX509Cid>>());
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let world = World::new();
    let done = match &arguments[..] {
        [what] if what == "wire" => wire(&world),
        [what] if what == "sizes" => {
            sizes();
            Some(())
        }
        [what, times] => times.parse().ok().and_then(|times| {
            handshake(&world, what, times).map(drop).or_else(|| record(&world, what, times))
        }),
        _ => None,
    };
    if done.is_none() {
        eprintln!("usage: coracle-dtls-bench wire | sizes | <operation> <times>");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
