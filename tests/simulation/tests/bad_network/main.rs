//! Scenarios on a bad network, each for many seeds.

mod chaos;
mod notifications;
mod registration;
mod requests;
mod runner;
mod secured;
mod several;

use coracle::{Profile, RegistrationState};
use coracle_simulation::profiles::Confirmable;
use coracle_simulation::{Ask, Memory, Weather, World};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Longest time until a device finds a server that is back: the longest wait with its jitter, a time-out that is under way,
/// and one attempt more for every bad luck that a fine network allows (none).
const HEALS: u64 = (600 + 300 + 93 + 93) * SECOND;

/// Runs a scenario with one server that is reached by plain CoAP.
fn with_one(
    seed: u64,
    weather: Weather,
    lifetime_s: u32,
    scenario: impl FnOnce(&mut World<'_, Confirmable>),
) {
    let mut memory = Memory::new();
    scenario(&mut World::new(&mut memory, seed, weather, lifetime_s, &["coap"]));
}

/// Runs until device and server agree that the device is registered.
fn until_registered<P: Profile>(world: &mut World<'_, P>, server: usize, within: u64) {
    let end = world.now + within;
    let registered = world.run_until(end, |world| is_registered(world, server));
    assert!(registered, "not registered after {within} ms: {:?}", world.state(server));
}

fn is_registered<P: Profile>(world: &World<'_, P>, server: usize) -> bool {
    world.state(server) == RegistrationState::Registered && world.peers[server].script.registered.is_some()
}

fn get(path: &str) -> Ask {
    Ask { method: "GET", path: path.into(), ..Ask::default() }
}

fn observe(path: &str) -> Ask {
    Ask { observe: Some(0), ..get(path) }
}

fn execute(argument: usize) -> Ask {
    Ask {
        method: "POST",
        path: "/33010/0/2".into(),
        payload: Some(format!("0='{argument}'")),
        ..Ask::default()
    }
}
