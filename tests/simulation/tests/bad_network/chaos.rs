//! Everything at once: whatever happens, device and servers find together again.

use coracle::{Profile, RegistrationState, ServerIndex};
use coracle_simulation::profiles::{Confirmable, Secured};
use coracle_simulation::{Ask, Memory, Weather, World, seeds};

use super::{HEALS, HOUR, MINUTE, SECOND, execute, get, observe, until_registered};

/// Something happens to one server, or to the network, or the application does something.
fn event<P: Profile>(world: &mut World<'_, P>) {
    let server = world.rng.between(0, world.peers.len() as u64 - 1) as usize;
    let (now, index) = (world.instant(), ServerIndex(server as u8));
    let peer = &mut world.peers[server];
    match world.rng.between(0, 17) {
        0 => peer.is_dead = !peer.is_dead,
        1 => peer.is_unknown = !peer.is_unknown,
        2 => peer.script.restart(),
        3 => peer.secure.iter_mut().for_each(coracle_simulation::Secure::restart),
        4 => peer.script.refuses = if peer.script.refuses.is_some() { None } else { Some("4.00") },
        5 => peer.script.separate = if peer.script.separate.is_some() { None } else { Some(30 * SECOND) },
        6 => world.network.weather = [Weather::FINE, Weather::BAD][(now.as_millis() % 2) as usize],
        7 => world.client.deregister(now, index),
        8 => world.client.register(now, index),
        9 => world.client.reconnect(now, index),
        10 => world.client.update_registration(index),
        11 => _ = world.ask(server, observe("/33010/0/0")),
        12 => {
            let token = world.peers[server].script.observed.keys().next().cloned();
            if token.is_some() {
                world.ask(server, Ask { observe: Some(1), token, ..get("/33010/0/0") });
            }
        }
        13 => _ = world.ask(server, execute(0)),
        14 => _ = world.ask(server, Ask { method: "POST", path: "/1/0/8".into(), ..Ask::default() }),
        15 => _ = world.ask(server, Ask { method: "POST", path: "/1/0/4".into(), ..Ask::default() }),
        16 => {
            let payload = Some([60, 300, 86_400][(now.as_millis() % 3) as usize].to_string());
            world.ask(server, Ask { method: "PUT", path: "/1/0/1".into(), payload, ..Ask::default() });
        }
        _ => _ = world.ask(server, Ask { method: "POST", path: "/33011".into(), ..Ask::default() }),
    }
}

fn scenario<P: Profile>(seed: u64, schemes: &[&str]) {
    let mut memory = Memory::<P>::new();
    let mut world = World::new(&mut memory, seed, Weather::BAD, 120, schemes);
    world.register();
    for _ in 0..100 {
        event(&mut world);
        world.update(|things| things.meter.count_up());
        let later = [100, 10 * SECOND, 5 * MINUTE][world.rng.between(0, 2) as usize];
        let later = world.rng.between(0, later);
        world.run_for(later);
    }
    // Everything becomes good again, and the device is told to register where it was told not to.
    world.network.weather = Weather::FINE;
    for peer in &mut world.peers {
        (peer.is_dead, peer.is_unknown, peer.script.refuses) = (false, false, None);
    }
    world.run_for(93 * SECOND);
    world.register();
    // A Disable lasts a day when the server says nothing else.
    let within = HEALS.max(25 * HOUR);
    for server in 0..schemes.len() {
        until_registered(&mut world, server, within);
    }
    // A server that has lost its session cannot reach the device before that has something to tell.
    (0..schemes.len() as u8).for_each(|server| world.client.update_registration(ServerIndex(server)));
    world.run_for(HEALS);
    for server in 0..schemes.len() {
        // One that is observed anew hears of the next change.
        let token = world.peers[server].script.observed.keys().next().cloned();
        world.ask(server, Ask { token, ..observe("/33010/0/0") });
    }
    world.run_for(HOUR);
    let count = world.update(|things| things.meter.count_up());
    world.run_for(HOUR);
    for server in 0..schemes.len() {
        until_registered(&mut world, server, MINUTE);
        let script = &world.peers[server].script;
        let observed = script.observed.values().find(|observed| observed.values.last().is_some());
        let observed = observed.expect("an observation");
        assert_eq!(observed.values.last(), Some(&i64::from(count)), "server {server}");
    }
    world.deregister();
    world.run_for(93 * SECOND);
    for server in 0..schemes.len() {
        assert_eq!(world.state(server), RegistrationState::Idle);
    }
    assert_eq!(world.client.poll_timeout(), None, "nothing is left to do");
}

#[test]
fn chaos_with_one_server() {
    seeds("chaos_with_one_server", 1_000, |seed| scenario::<Confirmable>(seed, &["coap"]));
}

#[test]
fn chaos_with_three_servers() {
    seeds("chaos_with_three_servers", 300, |seed| scenario::<Confirmable>(seed, &["coap"; 3]));
}

#[test]
fn chaos_over_dtls() {
    seeds("chaos_over_dtls", 300, |seed| scenario::<Secured>(seed, &["coaps", "coap", "coaps"]));
}
