//! The runner of seeds itself.

use std::panic::{AssertUnwindSafe, catch_unwind};

use coracle_simulation::{Weather, seeds};

use super::{HOUR, with_one};

#[test]
fn a_seed_that_fails_says_how_to_see_it_again() {
    if coracle_simulation::is_replay() {
        return;
    }
    let failure = catch_unwind(AssertUnwindSafe(|| {
        seeds("some_scenario", 10, |seed| assert_ne!(seed, 7, "seven"));
    }));
    let text = *failure.unwrap_err().downcast::<String>().unwrap();
    assert!(text.starts_with("seed 7: ") && text.contains("seven"), "{text}");
    assert!(text.contains("CORACLE_SEED=7 cargo test -p coracle-simulation some_scenario"), "{text}");
}

#[test]
fn the_same_seed_is_the_same_story_and_another_is_another() {
    let story = |seed| {
        let mut sent = Vec::new();
        with_one(seed, Weather::BAD, 60, |world| {
            world.register();
            world.run_for(HOUR);
            sent.clone_from(&world.sent);
        });
        sent
    };
    assert_eq!(story(3), story(3));
    assert_ne!(story(3), story(4));
}
