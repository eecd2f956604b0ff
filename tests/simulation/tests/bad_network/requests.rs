//! What servers ask for is done once.

use std::collections::BTreeMap;

use coracle_simulation::{Answer, Ask, Outcome, Weather, seeds};

use super::{HOUR, MINUTE, SECOND, execute, until_registered, with_one};

fn create(weight: usize) -> Ask {
    Ask { method: "POST", path: "/33011".into(), payload: Some(format!("{weight}")), ..Ask::default() }
}

#[test]
fn nothing_is_executed_twice() {
    seeds("nothing_is_executed_twice", 1_000, |seed| {
        let weather = Weather { duplication: 40, ..Weather::BAD };
        with_one(seed, weather, 86_400, |world| {
            world.register();
            until_registered(world, 0, HOUR);
            let mut requests = Vec::new();
            for _ in 0..40 {
                requests.extend(world.ask(0, execute(requests.len())));
                let later = world.rng.between(0, 10 * SECOND);
                world.run_for(later);
            }
            world.run_for(5 * MINUTE);
            let outcomes = &world.peers[0].script.outcomes;
            let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
            let meter = &world.client.objects().meter;
            meter.runs().iter().for_each(|run| *runs.entry(run.as_str()).or_default() += 1);
            for (argument, request) in requests.iter().enumerate() {
                let count = runs.get(format!("0='{argument}'").as_str()).copied().unwrap_or(0);
                assert!(count <= 1, "Execute {argument} ran {count} times");
                let outcome = outcomes[*request].as_ref().expect("it is over");
                match outcome {
                    Outcome::Answered(answer) if answer.code == "2.04" => assert_eq!(count, 1, "{argument}"),
                    Outcome::Answered(answer) => {
                        assert_eq!((answer.code.as_str(), count), ("5.03", 0), "{argument}");
                    }
                    Outcome::Unanswered => {}
                    Outcome::Rejected => panic!("a request is never rejected"),
                }
            }
            assert!(runs.len() > 20, "most of them arrive: {}", runs.len());
        });
    });
}

#[test]
fn nothing_is_created_twice() {
    seeds("nothing_is_created_twice", 300, |seed| {
        let weather = Weather { duplication: 40, ..Weather::BAD };
        with_one(seed, weather, 86_400, |world| {
            world.register();
            until_registered(world, 0, HOUR);
            let mut requests = Vec::new();
            for _ in 0..10 {
                // An empty payload in plain text is no instance: what counts is TLV, so an empty Create is used.
                requests.extend(world.ask(0, Ask { payload: None, ..create(0) }));
                let later = world.rng.between(0, 10 * SECOND);
                world.run_for(later);
            }
            world.run_for(5 * MINUTE);
            let created = |outcome: &Option<Outcome>| matches!(outcome, Some(Outcome::Answered(Answer { code, .. })) if code == "2.01");
            let outcomes = &world.peers[0].script.outcomes;
            let answered = requests.iter().filter(|request| created(&outcomes[**request])).count();
            let unanswered =
                requests.iter().filter(|request| outcomes[**request] == Some(Outcome::Unanswered)).count();
            let there = world.client.objects().rules.len();
            assert!((answered..=answered + unanswered).contains(&there), "{answered} created, {there} there");
        });
    });
}
