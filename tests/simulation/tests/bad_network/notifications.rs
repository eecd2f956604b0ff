//! Observed values arrive in order, and none is lost.

use coracle::Event;
use coracle_simulation::profiles::Confirmable;
use coracle_simulation::{Ask, Observed, Weather, World, seeds};

use super::{HEALS, HOUR, MINUTE, SECOND, is_registered, observe, until_registered, with_one};

const COUNT: &str = "/33010/0/0";

/// All observations of a path so far, the oldest first.
fn observations(world: &World<'_, Confirmable>, path: &str) -> Vec<Observed> {
    let script = &world.peers[0].script;
    let all = script.past.iter().chain(script.observed.values());
    all.filter(|observed| observed.path == path).cloned().collect()
}

/// Asks to observe until the server has an observation.
fn until_observed(world: &mut World<'_, Confirmable>, path: &str) {
    while !world.peers[0].script.observed.values().any(|observed| observed.path == path) {
        // An Observe that comes again has the same token, or it would be another observation (RFC 7641 section 3.1).
        world.ask(0, Ask { token: Some(path.bytes().rev().take(8).collect()), ..observe(path) });
        world.run_for(100 * SECOND);
    }
}

fn in_order(observed: &Observed) {
    assert!(observed.values.windows(2).all(|pair| pair[0] < pair[1]), "out of order: {observed:?}");
}

fn lost(world: &World<'_, Confirmable>) -> usize {
    world.count(|event| matches!(event, Event::NotificationLost { .. }))
}

/// As long as the registration lasts each value arrives. When it ends (an Update gets lost five times) the device tells how
/// many values the observer has not got.
#[test]
fn confirmable_values_arrive_in_order_and_none_is_lost() {
    seeds("confirmable_values_arrive", 1_000, |seed| {
        with_one(seed, Weather::BAD, 86_400, |world| {
            world.register();
            until_registered(world, 0, HOUR);
            until_observed(world, COUNT);
            let first = observations(world, COUNT)[0].values[0];
            for _ in 0..60 {
                let later = world.rng.between(0, 30 * SECOND);
                world.run_for(later);
                world.update(|things| things.meter.count_up());
            }
            world.network.weather = Weather::FINE;
            world.run_for(HEALS);
            let all = observations(world, COUNT);
            all.iter().for_each(in_order);
            let last = i64::from(world.client.objects().meter.count());
            let (got, lost) = (&all[0].values, lost(world));
            if world.peers[0].script.registers.len() == 1 {
                assert_eq!((got.len(), lost), ((last - first + 1) as usize, 0), "{got:?}");
            } else {
                let until = *got.last().unwrap();
                assert_eq!(got.len() as i64, until - first + 1, "a value is missing: {got:?}");
            }
        });
    });
}

/// Two observations share the way; each is in order by itself, and a restart of the observation loses nothing either.
#[test]
fn two_observations_of_one_server_are_both_complete() {
    seeds("two_observations_of_one_server", 300, |seed| {
        with_one(seed, Weather { loss: 15, ..Weather::BAD }, 86_400, |world| {
            const OTHER: &str = "/33010/0/3";
            world.register();
            until_registered(world, 0, HOUR);
            until_observed(world, COUNT);
            until_observed(world, OTHER);
            for _ in 0..40 {
                let later = world.rng.between(0, 20 * SECOND);
                world.run_for(later);
                world.update(|things| things.meter.count_up());
                if world.rng.percent(50) {
                    world.update(|things| things.meter.count_other_up());
                }
            }
            world.network.weather = Weather::FINE;
            world.run_for(HEALS);
            if world.peers[0].script.registers.len() > 1 {
                return;
            }
            for path in [COUNT, OTHER] {
                let all = observations(world, path);
                all.iter().for_each(in_order);
                let values = &all.last().unwrap().values;
                assert_eq!(values.len() as i64, values.last().unwrap() - values[0] + 1, "{values:?}");
            }
            assert_eq!(lost(world), 0);
        });
    });
}

/// The server does not answer for a minute or for hours, and comes back as it was.
#[test]
fn values_outlast_an_outage() {
    seeds("values_outlast_an_outage", 1_000, |seed| {
        with_one(seed, Weather::FINE, 86_400, |world| {
            world.register();
            until_registered(world, 0, MINUTE);
            until_observed(world, COUNT);
            world.peers[0].is_dead = true;
            let longest = [10 * SECOND, 5 * MINUTE, 30 * MINUTE][world.rng.between(0, 2) as usize];
            for _ in 0..30 {
                world.update(|things| things.meter.count_up());
                let later = world.rng.between(1, longest);
                world.run_for(later);
            }
            world.peers[0].is_dead = false;
            world.run_for(HEALS);
            assert!(is_registered(world, 0));
            let observed = &observations(world, COUNT)[0];
            in_order(observed);
            let last = world.client.objects().meter.count();
            let all: Vec<i64> = (0..=i64::from(last)).collect();
            assert_eq!((&observed.values, lost(world)), (&all, 0));
        });
    });
}

/// The device gets other addresses. A server that does not know the new one yet rejects what comes from there.
#[test]
fn a_new_address_is_told_before_any_value() {
    seeds("a_new_address_is_told_before", 500, |seed| {
        with_one(seed, Weather { delay: (5, 60), ..Weather::FINE }, 86_400, |world| {
            world.register();
            until_registered(world, 0, MINUTE);
            until_observed(world, COUNT);
            for _ in 0..50 {
                if world.rng.percent(30) {
                    world.client.reconnect(world.instant(), coracle::ServerIndex(0));
                }
                world.update(|things| things.meter.count_up());
                let later = world.rng.between(0, 100);
                world.run_for(later);
            }
            world.run_for(HEALS);
            let observed = &observations(world, COUNT)[0];
            assert_eq!(observed.values, (0..=50).collect::<Vec<i64>>());
            assert_eq!((lost(world), world.peers[0].script.registers.len()), (0, 1));
        });
    });
}

/// When there are more values than room, the newest one arrives, and each of the others is told as lost.
#[test]
fn what_does_not_fit_the_store_is_told() {
    seeds("what_does_not_fit_the_store", 300, |seed| {
        with_one(seed, Weather::FINE, 86_400, |world| {
            world.register();
            until_registered(world, 0, MINUTE);
            until_observed(world, COUNT);
            world.peers[0].is_dead = true;
            for _ in 0..400 {
                world.update(|things| things.meter.count_up());
                let later = world.rng.between(1, 200);
                world.run_for(later);
            }
            world.peers[0].is_dead = false;
            world.run_for(HEALS);
            let observed = &observations(world, COUNT)[0];
            in_order(observed);
            assert_eq!(observed.values.last(), Some(&400), "the newest arrives");
            assert!(observed.values.len() > 100, "those that fit do, too");
            assert_eq!(observed.values.len() + lost(world), 401, "{:?}", observed.values);
        });
    });
}
