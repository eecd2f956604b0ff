//! The same over DTLS with pre-shared keys: handshakes get lost as well.

use coracle::{Event, RegistrationState, ServerIndex, SessionEvent};
use coracle_simulation::profiles::Secured;
use coracle_simulation::{Memory, Outcome, Weather, World, seeds};

use super::{HEALS, HOUR, MINUTE, SECOND, execute, get, is_registered, observe, until_registered};

fn with(
    seed: u64,
    weather: Weather,
    lifetime_s: u32,
    schemes: &[&str],
    scenario: impl FnOnce(&mut World<'_, Secured>),
) {
    let mut memory = Memory::new();
    scenario(&mut World::new(&mut memory, seed, weather, lifetime_s, schemes));
}

fn handshakes(world: &World<'_, Secured>, server: usize) -> usize {
    world.peers[server].secure.as_ref().map_or(0, |secure| secure.handshakes)
}

#[test]
fn a_secured_registration_heals() {
    seeds("a_secured_registration_heals", 300, |seed| {
        with(seed, Weather::BAD, 300, &["coaps"], |world| {
            world.register();
            until_registered(world, 0, 6 * HOUR);
            for _ in 0..4 {
                let later = world.rng.between(0, 20 * MINUTE);
                world.run_for(later);
                let peer = &mut world.peers[0];
                match world.rng.between(0, 3) {
                    0 => peer.script.restart(),
                    1 => {
                        peer.script.restart();
                        peer.secure.as_mut().unwrap().restart();
                    }
                    2 => peer.secure.as_mut().unwrap().restart(),
                    _ => peer.is_dead = !peer.is_dead,
                }
            }
            world.peers[0].is_dead = false;
            world.network.weather = Weather::FINE;
            until_registered(world, 0, 2 * HEALS);
            let (registers, before) = (world.script().registers.len(), handshakes(world, 0));
            world.run_for(2 * HOUR);
            assert!(is_registered(world, 0));
            assert!(world.script().registers.len() <= registers + 1);
            assert!(handshakes(world, 0) <= before + 1, "a session lasts");
            world.deregister();
            world.run_for(93 * SECOND);
            assert_eq!(world.state(0), RegistrationState::Idle);
            assert!(world.script().registered.is_none());
        });
    });
}

#[test]
fn nothing_is_executed_twice_over_dtls() {
    seeds("nothing_is_executed_twice_over_dtls", 300, |seed| {
        let weather = Weather { duplication: 40, ..Weather::BAD };
        with(seed, weather, 86_400, &["coaps"], |world| {
            world.register();
            until_registered(world, 0, 6 * HOUR);
            for argument in 0..40 {
                world.ask(0, execute(argument));
                let later = world.rng.between(0, 10 * SECOND);
                world.run_for(later);
            }
            world.run_for(5 * MINUTE);
            let mut runs = world.client.objects().meter.runs().to_vec();
            let all = runs.len();
            runs.sort();
            runs.dedup();
            assert_eq!(runs.len(), all);
            let done = world.peers[0].script.outcomes.iter().filter(
                |outcome| matches!(outcome, Some(Outcome::Answered(answer)) if answer.code == "2.04"),
            );
            assert!(done.count() <= all && all > 20, "{all} of 40");
        });
    });
}

/// The session may be lost on the server's side: then a handshake comes first.
#[test]
fn values_outlast_an_outage_over_dtls() {
    seeds("values_outlast_an_outage_over_dtls", 300, |seed| {
        with(seed, Weather::FINE, 86_400, &["coaps"], |world| {
            world.register();
            until_registered(world, 0, MINUTE);
            world.ask(0, observe("/33010/0/0"));
            world.run_for(SECOND);
            world.peers[0].is_dead = true;
            let longest = [10 * SECOND, 5 * MINUTE, 30 * MINUTE][world.rng.between(0, 2) as usize];
            for _ in 0..30 {
                world.update(|things| things.meter.count_up());
                let later = world.rng.between(1, longest);
                world.run_for(later);
            }
            if seed % 3 == 0 {
                world.peers[0].secure.as_mut().unwrap().restart();
            }
            world.peers[0].is_dead = false;
            world.run_for(2 * HEALS);
            assert!(is_registered(world, 0), "{:?}", world.state(0));
            let observed = world.peers[0].script.observed.values().next().expect("the observation goes on");
            assert_eq!(observed.values, (0..=30).collect::<Vec<i64>>());
        });
    });
}

/// The device gets another address. With a connection ID the session goes on as it is.
#[test]
fn a_new_address_is_told_with_an_update() {
    seeds("a_new_address_is_told", 300, |seed| {
        with(seed, Weather { loss: 10, ..Weather::BAD }, 86_400, &["coaps"], |world| {
            world.register();
            until_registered(world, 0, HOUR);
            for _ in 0..10 {
                world.run_for(5 * MINUTE);
                world.client.reconnect(world.instant(), ServerIndex(0));
            }
            world.network.weather = Weather::FINE;
            until_registered(world, 0, HEALS);
            world.run_for(5 * MINUTE);
            world.ask(0, observe("/33010/0/0"));
            world.run_for(SECOND);
            let before = handshakes(world, 0);
            // A notification that is on its way at that moment is sent again, and is no sign of a lost session.
            world.update(|things| things.meter.count_up());
            world.client.reconnect(world.instant(), ServerIndex(0));
            world.run_for(SECOND);
            let told =
                world.script().observed.values().next().and_then(|observed| observed.values.last().copied());
            assert_eq!(told, Some(1));
            assert!(is_registered(world, 0));
            assert_eq!(handshakes(world, 0), before, "no handshake");
            let read = world.ask(0, get("/33010/0/0")).unwrap();
            world.run_for(100);
            assert!(matches!(&world.script().outcomes[read], Some(Outcome::Answered(_))));
        });
    });
}

/// One server never completes a handshake: its key is another, its answers are lost, or it is silent. The others are
/// answered, observed and updated as if it were not there.
#[test]
fn a_handshake_stops_nobody() {
    seeds("a_handshake_stops_nobody", 200, |seed| {
        with(seed, Weather::FINE, 120, &["coaps", "coap", "coaps"], |world| {
            match seed % 3 {
                0 => world.peers[0].is_dead = true,
                1 => world.peers[0].secure.as_mut().unwrap().refuse_all(),
                _ => world.peers[0].secure.as_mut().unwrap().lose_finished(),
            }
            world.register();
            (1..3).for_each(|server| until_registered(world, server, 10 * SECOND));
            for server in 1..3 {
                world.ask(server, observe("/33010/0/0"));
            }
            world.run_for(SECOND);
            for round in 0..100 {
                let count = world.update(|things| things.meter.count_up());
                for server in 1..3 {
                    let read = world.ask(server, get("/33010/0/0")).unwrap();
                    let run = world.ask(server, execute(round)).unwrap();
                    world.run_for(100);
                    let script = &world.peers[server].script;
                    for request in [read, run] {
                        let outcome = &script.outcomes[request];
                        assert!(matches!(outcome, Some(Outcome::Answered(_))), "{server}: {outcome:?}");
                    }
                    let told = script.observed.values().next().unwrap().values.last();
                    assert_eq!(told, Some(&i64::from(count)));
                }
                let later = world.rng.between(0, 20 * SECOND);
                world.run_for(later);
            }
            for server in 1..3 {
                let script = &world.peers[server].script;
                assert_eq!((script.registers.len(), script.expired), (1, 0), "Updates come in time");
                assert_eq!(script.observed.values().next().unwrap().values.len(), 101);
            }
            assert_eq!(handshakes(world, 0), 0);
            let failed = world.count(|event| {
                matches!(event, Event::Transport { event: SessionEvent::HandshakeFailed { .. }, .. })
            });
            assert!(failed > 0, "the application is told");
        });
    });
}
