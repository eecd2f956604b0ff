//! Where keys are, and where they are not.

use crate::keys::{Certificates, IDENTITY, KEY, Pair, settings, trust, uri};
use crate::peer::Peer;
use crate::profiles::Normal;
use crate::world::{FIRST, World};
use coracle::Credentials;
use coracle::crypto::{Credentials as DtlsCredentials, HmacDrbg, PrivateKey, Psk, Security};
use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// What really lies in memory, padding included.
fn memory((address, length): (usize, usize)) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let memory = File::open("/proc/self/mem").expect("Linux has it");
    memory.read_exact_at(&mut bytes, address as u64).expect("it is ours");
    bytes
}

/// Eight bytes in a row that look like no counter or address, and are no part of the identity, which both ends know.
fn is_random(window: &[u8]) -> bool {
    window.iter().collect::<HashSet<_>>().len() >= 6 && !contains(IDENTITY, window)
}

const WINDOW: usize = 8;

fn contains(memory: &[u8], secret: &[u8]) -> bool {
    memory.windows(secret.len()).any(|window| window == secret)
}

/// What both ends of a session have in common is secret, or random at least: nothing of it stays behind.
fn nothing_stays_behind(credentials: Credentials<'_>, secret: &[u8]) {
    let uri = uri(0);
    let world = World::<Normal>::registered(Peer::new(0), &settings(&uri, 1, credentials));
    let at_server = memory(world.peers[0].session_in_memory());
    let place = world.memory;
    let before = memory(place);
    let windows: HashSet<&[u8]> = at_server.windows(WINDOW).filter(|window| is_random(window)).collect();
    let shared = |memory: &[u8]| memory.windows(WINDOW).filter(|window| windows.contains(window)).count();
    // Two keys of 16 bytes and two salts at least: without them the test would see nothing.
    assert!(shared(&before) >= 40 - WINDOW, "the keys are found in {} places", shared(&before));
    assert!(contains(&before, secret), "the secret is found");
    drop(world.client);
    let after = memory(place);
    assert_eq!(shared(&after), 0);
    assert!(!contains(&after, secret));
    // All of it is as empty as at first: a new client can have the memory.
    let random = after.windows(16).filter(|window| window.iter().collect::<HashSet<_>>().len() >= 12);
    assert_eq!(random.count(), 0, "nothing random is left, the state of the generator included");
}

#[test]
fn no_key_outlives_the_client() {
    nothing_stays_behind(Credentials::psk(IDENTITY, KEY), KEY);
}

#[test]
fn no_private_key_outlives_the_client() {
    let (own, server, certificates) = (Pair::device(), Pair::server(), Certificates::new(0));
    let credentials = Credentials::raw_public_key(&own.public, &own.private, &server.public);
    nothing_stays_behind(credentials, &own.private);
    nothing_stays_behind(trust(&certificates, &own.private), &own.private);
}

/// An account that is refused leaves nothing behind, either.
#[test]
fn a_refused_account_leaves_no_key() {
    let (uri, own, other) = (uri(0), Pair::new(0xC3), Pair::server());
    let mut world = World::<Normal>::new(vec![Peer::new(0)]);
    let no_pair = Credentials::raw_public_key(&other.public, &own.private, &other.public);
    assert!(world.client.add_server(&settings(&uri, 1, no_pair)).is_err());
    assert!(!contains(&memory(world.memory), &own.private));
    let too_long = [KEY, &[b'x'; 600]].concat();
    assert!(world.client.add_server(&settings(&uri, 1, Credentials::psk(&too_long, KEY))).is_err());
    assert!(!contains(&memory(world.memory), KEY));
}

/// Neither does what the handshake needed outlive the handshake: the master secret is only kept to be resumed.
#[test]
fn a_closed_session_leaves_no_keys() {
    let uri = uri(0);
    let settings = settings(&uri, 1, Credentials::psk(IDENTITY, KEY));
    let mut world = World::<Normal>::registered(Peer::new(0), &settings);
    let at_server = memory(world.peers[0].session_in_memory());
    let windows: HashSet<&[u8]> = at_server.windows(WINDOW).filter(|window| is_random(window)).collect();
    let shared = |memory: &[u8]| memory.windows(WINDOW).filter(|window| windows.contains(window)).count();
    let before = shared(&memory(world.memory));
    world.client.deregister(world.time(), FIRST);
    world.wait(1_000);
    let after = shared(&memory(world.memory));
    // The id of the session stays: 32 bytes, and what lies at their edges.
    assert!(before >= after + 40 - WINDOW, "{before} places before, {after} after");
    assert!(after <= 32, "{after} places");
}

/// Whatever can be printed prints no secret, in no notation.
#[test]
fn no_debug_output_shows_a_key() {
    let (uri, own) = (uri(0), Pair::new(0xA7));
    let psk = Psk::new(IDENTITY, KEY).expect("fine");
    let mut random = HmacDrbg::EMPTY;
    random.seed(&[0xA7; 48]);
    let mut world =
        World::<Normal>::registered(Peer::new(0), &settings(&uri, 1, Credentials::psk(IDENTITY, KEY)));
    world.ask(FIRST, "/33001/0/0");
    let connection = coracle::crypto::Connection::<coracle::crypto::profiles::Everything>::new();
    let credentials = Credentials::raw_public_key(&own.public, &own.private, &own.public);
    let printed = [
        format!("{psk:?}"),
        format!("{:#?}", Security::new(b"server", DtlsCredentials::Psk(psk))),
        format!("{:?}", PrivateKey::parse(&own.private)),
        format!("{random:?}"),
        format!("{connection:?}"),
        format!("{credentials:#?}"),
        format!("{:#?}", Credentials::psk(IDENTITY, KEY)),
        format!("{:#?}", settings(&uri, 1, credentials)),
        format!("{:#?}", world.events),
        format!("{:#?}", world.client.server_object(FIRST)),
    ]
    .concat();
    let text = String::from_utf8_lossy(KEY);
    let notations = |bytes: &[u8]| {
        let list = |format: fn(&u8) -> String| bytes.iter().map(format).collect::<Vec<_>>();
        let decimal = list(ToString::to_string);
        let hex = list(|byte| format!("{byte:02x}"));
        [
            decimal.join(", "),
            decimal.join(",\n        "),
            hex.concat(),
            hex.join(", "),
            hex.concat().to_uppercase(),
        ]
    };
    for secret in [&KEY[..8], &own.private[..8], &[0xA7; 8]] {
        for notation in notations(secret) {
            assert!(!printed.contains(&notation), "{notation} in {printed}");
        }
    }
    assert!(!printed.contains(&*text), "{printed}");
}
