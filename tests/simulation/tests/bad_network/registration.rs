//! Register, Update and De-register where most of it gets lost.

use coap_lite::{CoapOption, Packet};
use coracle::{Event, Failure, RegistrationState, ServerIndex};
use coracle_simulation::{Ask, Weather, seeds};

use super::{HEALS, HOUR, MINUTE, SECOND, is_registered, until_registered, with_one};

#[test]
fn a_registration_heals() {
    seeds("a_registration_heals", 1_000, |seed| {
        with_one(seed, Weather::BAD, 300, |world| {
            world.register();
            until_registered(world, 0, HOUR);
            world.run_for(HOUR);
            world.network.weather = Weather::FINE;
            until_registered(world, 0, HEALS);
            // And stays: one registration, kept by Updates.
            let registers = world.script().registers.len();
            world.run_for(2 * HOUR);
            assert!(is_registered(world, 0));
            assert!(world.script().registers.len() <= registers + 1, "the last one may have been on its way");
        });
    });
}

#[test]
fn an_answer_may_come_apart_from_its_acknowledgement() {
    seeds("an_answer_may_come_apart", 500, |seed| {
        with_one(seed, Weather::BAD, 300, |world| {
            world.script().separate = Some(20 * SECOND);
            world.register();
            until_registered(world, 0, HOUR);
            world.run_for(HOUR);
            world.network.weather = Weather::FINE;
            until_registered(world, 0, HEALS);
        });
    });
}

#[test]
fn a_deregister_ends_whatever_happens() {
    seeds("a_deregister_ends", 1_000, |seed| {
        with_one(seed, Weather::BAD, 300, |world| {
            world.register();
            let later = world.rng.between(0, 10 * MINUTE);
            world.run_for(later);
            world.peers[0].is_dead = world.rng.percent(30);
            let was_registered = world.state(0) == RegistrationState::Registered;
            world.deregister();
            // MAX_TRANSMIT_WAIT is the longest wait for an answer: to De-register, and to Register before it.
            let waits = if world.state(0) == RegistrationState::Registering { 2 } else { 1 };
            let end = world.now + waits * 93 * SECOND;
            let idle = world.run_until(end, |world| world.state(0) == RegistrationState::Idle);
            assert!(idle, "{:?}", world.state(0));
            let answered = !world.peers[0].script.deregisters.is_empty();
            let failed = world
                .count(|event| matches!(event, Event::RegistrationFailed { failure: Failure::NoAnswer, .. }));
            assert!(!was_registered || answered || failed > 0, "it is told that there was no answer");
            let sent = world.sent.len();
            world.run_for(HOUR);
            assert_eq!(world.state(0), RegistrationState::Idle);
            assert_eq!(world.sent.len(), sent, "nothing is sent afterwards");
            assert_eq!(world.client.poll_timeout(), None, "and nothing is waited for");
        });
    });
}

#[test]
fn a_device_that_is_stopped_while_it_registers_leaves_nothing_behind() {
    seeds("stopped_while_it_registers", 1_000, |seed| {
        with_one(seed, Weather::BAD, 86_400, |world| {
            world.register();
            let soon = world.rng.between(0, 5 * SECOND);
            world.run_for(soon);
            world.deregister();
            world.run_for(2 * 93 * SECOND);
            assert_eq!(world.state(0), RegistrationState::Idle);
            let failed = world
                .count(|event| matches!(event, Event::RegistrationFailed { failure: Failure::NoAnswer, .. }));
            let left = world.script().registered.is_some();
            assert!(!left || failed > 0, "the server still knows it, and nobody was told");
        });
    });
}

#[test]
fn a_server_that_forgets_is_told_again() {
    seeds("a_server_that_forgets", 1_000, |seed| {
        with_one(seed, Weather::BAD, 300, |world| {
            world.register();
            until_registered(world, 0, HOUR);
            for _ in 0..5 {
                let later = world.rng.between(0, 10 * MINUTE);
                world.run_for(later);
                world.script().restart();
                assert!(!is_registered(world, 0));
                // With the next Update at the latest, if the network lets it through.
                until_registered(world, 0, 300 * SECOND + 3 * HEALS);
            }
            world.network.weather = Weather::FINE;
            until_registered(world, 0, HEALS);
            world.run_for(MINUTE);
            // Without loss it takes one Update with 4.04, and one Register.
            world.script().restart();
            let (registers, sent) = (world.script().registers.len(), world.sent.len());
            until_registered(world, 0, 300 * SECOND);
            assert_eq!((world.script().registers.len(), world.sent.len()), (registers + 1, sent + 2));
        });
    });
}

#[test]
fn a_server_that_is_away_for_hours_is_found_when_it_is_back() {
    seeds("a_server_that_is_away", 500, |seed| {
        with_one(seed, Weather { loss: 10, ..Weather::BAD }, 300, |world| {
            world.register();
            until_registered(world, 0, HOUR);
            world.peers[0].is_dead = true;
            let before = world.sent.len();
            let hours = world.rng.between(1, 12);
            world.run_for(hours * HOUR);
            // It goes on trying, and not too often: at most ten transmissions in eleven minutes.
            let attempts = (world.sent.len() - before) as u64;
            assert!((5 * hours..=60 * hours).contains(&attempts), "{attempts} datagrams in {hours} hours");
            if world.rng.percent(50) {
                world.script().restart();
            }
            world.peers[0].is_dead = false;
            world.network.weather = Weather::FINE;
            until_registered(world, 0, HEALS);
        });
    });
}

#[test]
fn a_name_without_address_and_a_server_that_refuses_are_tried_for_ever() {
    seeds("a_name_without_address", 500, |seed| {
        with_one(seed, Weather::BAD, 300, |world| {
            world.peers[0].is_unknown = true;
            world.register();
            let hours = world.rng.between(1, 48);
            world.run_for(hours * HOUR);
            assert!(world.sent.is_empty());
            world.peers[0].is_unknown = false;
            world.script().refuses = Some("5.03");
            world.run_for(hours * HOUR);
            assert!(!world.sent.is_empty());
            world.script().refuses = None;
            world.network.weather = Weather::FINE;
            until_registered(world, 0, HEALS);
        });
    });
}

/// The first transmission of each Update: when, and its message id.
fn first_updates(sent: &[(u64, usize, Vec<u8>)]) -> Vec<(u64, u16)> {
    let mut updates: Vec<(u64, u16)> = Vec::new();
    for (at, _, bytes) in sent {
        let packet = Packet::from_bytes(bytes).expect("a message");
        let path = packet.get_option(CoapOption::UriPath).map_or(0, std::collections::LinkedList::len);
        let id = packet.header.message_id;
        if packet.header.get_code() == "0.02" && path == 2 && updates.iter().all(|(_, known)| *known != id) {
            updates.push((*at, id));
        }
    }
    updates
}

/// The server counts the lifetime from when it carried out Register or Update, however late the device hears of it.
#[test]
fn an_update_is_sent_in_time_however_late_the_last_answer_was() {
    seeds("an_update_is_sent_in_time", 1_000, |seed| {
        let mut rng = coracle_simulation::Rng::new(seed ^ 0x5eed);
        let lifetime_s = [30, 60, 120, 300, 600][rng.between(0, 4) as usize];
        with_one(seed, Weather::BAD, lifetime_s, |world| {
            world.register();
            until_registered(world, 0, HOUR);
            world.run_for(HOUR);
            let lifetime = u64::from(lifetime_s) * SECOND;
            let margin = (lifetime / 2).max(lifetime.saturating_sub(93 * SECOND));
            let updates = first_updates(&world.sent);
            let events: Vec<(u64, RegistrationState)> = world
                .events
                .iter()
                .filter_map(|(at, event)| match event {
                    Event::Registration { state, .. } => Some((*at, *state)),
                    _ => None,
                })
                .collect();
            let script = &world.peers[0].script;
            for carried_out in script.registers.iter().chain(&script.updates) {
                // The device may hear of it only after that time, and then it is at once; or never.
                let Some((heard, state)) = events.iter().find(|(at, _)| at >= carried_out) else { continue };
                if *state != RegistrationState::Registered {
                    continue;
                }
                let due = (carried_out + margin).max(*heard);
                let next = updates.iter().find(|(at, _)| at >= carried_out && *at >= *heard);
                let Some((next, _)) = next else { continue };
                assert!(
                    *next <= due,
                    "carried out at {carried_out}, heard at {heard}: Update at {next}, due {due}"
                );
            }
        });
    });
}

#[test]
fn a_lifetime_that_the_server_writes_is_kept() {
    seeds("a_lifetime_that_the_server_writes", 500, |seed| {
        with_one(seed, Weather::BAD, 300, |world| {
            world.register();
            until_registered(world, 0, HOUR);
            let lifetime = world.rng.between(100, 1_000);
            let write = Ask {
                method: "PUT",
                path: "/1/0/1".into(),
                payload: Some(lifetime.to_string()),
                ..Ask::default()
            };
            while world.client.server_object(ServerIndex(0)).unwrap().lifetime() != lifetime as u32 {
                world.ask(0, write.clone());
                world.run_for(10 * SECOND);
            }
            world.network.weather = Weather::FINE;
            until_registered(world, 0, HEALS);
            world.run_for(MINUTE);
            let told = world.script().registered.as_ref().map(|registered| registered.lifetime);
            assert_eq!(told, Some(lifetime));
            let (expired, registers) = (world.script().expired, world.script().registers.len());
            world.run_for(3 * HOUR);
            assert_eq!((world.script().expired, world.script().registers.len()), (expired, registers));
        });
    });
}
