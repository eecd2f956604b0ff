//! Every fifth datagram is lost: registrations come to be all the same, and go on.

use crate::keys::{Certificates, IDENTITY, KEY, Pair, settings, trust, uri};
use crate::peer::Peer;
use crate::profiles::Normal;
use crate::world::{FIRST, World};
use coracle::{Credentials, RegistrationState};

fn in_bad_weather(seeds: u64, credentials: Credentials<'_>) {
    let uri = uri(0);
    for seed in 0..seeds {
        let mut world = World::<Normal>::new(vec![Peer::new(0)]);
        (world.loss, world.weather.0) = (20, seed);
        assert_eq!(world.client.add_server(&settings(&uri, 1, credentials)), Ok(FIRST), "seed {seed}");
        world.client.register(world.time(), FIRST);
        let registered = |world: &World<Normal>| world.state(FIRST) == RegistrationState::Registered;
        assert!(world.run(600_000, registered), "seed {seed}: {:#?}", world.events);
        // An hour, a new address, a restart of the server: whatever gets lost, it heals.
        world.wait(3_600_000);
        world.address += 1;
        world.wait(900_000);
        world.peers[0].restart();
        world.wait(900_000);
        let back = |world: &World<Normal>| registered(world) && world.peers[0].knows_the_device();
        assert!(world.run(600_000, back), "seed {seed}: {:#?}", world.events);
    }
}

#[test]
fn with_a_pre_shared_key() {
    in_bad_weather(200, Credentials::psk(IDENTITY, KEY));
}

#[test]
fn with_raw_public_keys() {
    let (own, server) = (Pair::device(), Pair::server());
    in_bad_weather(20, Credentials::raw_public_key(&own.public, &own.private, &server.public));
}

#[test]
fn with_certificates() {
    let (own, certificates) = (Pair::device(), Certificates::new(0));
    in_bad_weather(20, trust(&certificates, &own.private));
}
