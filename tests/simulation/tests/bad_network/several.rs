//! Several servers: what one of them does, or does not do, is nothing to the others.

use coracle::Event;
use coracle_simulation::profiles::Confirmable;
use coracle_simulation::{Memory, Outcome, Weather, World, seeds};

use super::{HEALS, HOUR, MINUTE, SECOND, execute, get, is_registered, observe, until_registered};

fn with_three(
    seed: u64,
    weather: Weather,
    lifetime_s: u32,
    scenario: impl FnOnce(&mut World<'_, Confirmable>),
) {
    let mut memory = Memory::new();
    scenario(&mut World::new(&mut memory, seed, weather, lifetime_s, &["coap"; 3]));
}

#[test]
fn a_dead_server_disturbs_nobody() {
    seeds("a_dead_server_disturbs_nobody", 300, |seed| {
        with_three(seed, Weather::FINE, 300, |world| {
            world.register();
            (0..3).for_each(|server| until_registered(world, server, MINUTE));
            for server in 0..3 {
                world.ask(server, observe("/33010/0/0"));
            }
            world.run_for(SECOND);
            let dead = world.rng.between(0, 2) as usize;
            world.peers[dead].is_dead = true;
            for round in 0..200 {
                let count = world.update(|things| things.meter.count_up());
                for server in (0..3).filter(|server| *server != dead) {
                    let read = world.ask(server, get("/33010/0/0")).unwrap();
                    let run = world.ask(server, execute(round)).unwrap();
                    // No loss, and 20 ms each way: a request is answered, and a value is told, in less than 100 ms.
                    world.run_for(100);
                    let script = &world.peers[server].script;
                    for request in [read, run] {
                        let answered = matches!(&script.outcomes[request], Some(Outcome::Answered(_)));
                        assert!(answered, "{server}: {:?}", script.outcomes[request]);
                    }
                    let told = script.observed.values().next().unwrap().values.last();
                    assert_eq!(told, Some(&i64::from(count)), "server {server} waits for server {dead}");
                }
                world.run_for(30 * SECOND);
            }
            for server in (0..3).filter(|server| *server != dead) {
                let values = &world.peers[server].script.observed.values().next().unwrap().values;
                assert_eq!(values.len(), 201, "none is lost");
                assert!(is_registered(world, server));
                assert_eq!(world.peers[server].script.registers.len(), 1);
            }
        });
    });
}

/// The values that wait for one server take no room from those of another.
#[test]
fn a_dead_server_takes_no_store_from_the_others() {
    seeds("a_dead_server_takes_no_store", 300, |seed| {
        with_three(seed, Weather::FINE, 86_400, |world| {
            world.register();
            (0..3).for_each(|server| until_registered(world, server, MINUTE));
            for server in 0..3 {
                world.ask(server, observe("/33010/0/0"));
            }
            world.run_for(SECOND);
            world.peers[0].is_dead = true;
            for _ in 0..400 {
                world.update(|things| things.meter.count_up());
                world.run_for(10);
            }
            world.run_for(10 * SECOND);
            // Server 0 is given up little by little; the others have a short break of their own.
            world.peers[1].is_dead = true;
            for _ in 0..20 {
                world.update(|things| things.meter.count_up());
                world.run_for(10);
            }
            world.peers[1].is_dead = false;
            world.run_for(HEALS);
            for server in 1..3 {
                let values = &world.peers[server].script.observed.values().next().unwrap().values;
                let last = *values.last().unwrap();
                assert_eq!(last, 420);
            }
            let values = &world.peers[1].script.observed.values().next().unwrap().values;
            assert!((401..=420).all(|value| values.contains(&value)), "{values:?}");
            let lost = |server: u8| {
                world.count(
                    |event| matches!(event, Event::NotificationLost { server: s, .. } if s.0 == server),
                )
            };
            assert!(lost(0) > 0, "the dead one's do not fit");
        });
    });
}

#[test]
fn three_servers_on_a_bad_network_all_heal() {
    seeds("three_servers_on_a_bad_network", 300, |seed| {
        with_three(seed, Weather::BAD, 120, |world| {
            world.register();
            for _ in 0..20 {
                let server = world.rng.between(0, 2) as usize;
                match world.rng.between(0, 3) {
                    0 => world.peers[server].is_dead = !world.peers[server].is_dead,
                    1 => world.peers[server].script.restart(),
                    2 => world.peers[server].is_unknown = !world.peers[server].is_unknown,
                    _ => {
                        world.ask(server, observe("/33010/0/0"));
                    }
                }
                world.update(|things| things.meter.count_up());
                let later = world.rng.between(0, 10 * MINUTE);
                world.run_for(later);
            }
            world.network.weather = Weather::FINE;
            for peer in &mut world.peers {
                (peer.is_dead, peer.is_unknown) = (false, false);
            }
            for server in 0..3 {
                until_registered(world, server, HEALS);
            }
            world.run_for(HOUR);
            (0..3).for_each(|server| until_registered(world, server, MINUTE));
        });
    });
}
