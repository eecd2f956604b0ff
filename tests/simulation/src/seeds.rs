//! One scenario, many seeds.

use std::panic::{RefUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Replays one seed.
const SEED: &str = "CORACLE_SEED";
/// Runs this many instead of the usual number.
const SEEDS: &str = "CORACLE_SEEDS";

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: a whole number is needed")))
}

/// True when one seed is looked at: then the traffic is printed.
pub fn is_replay() -> bool {
    number(SEED).is_some()
}

/// Runs a scenario with the seeds from 0 to `count`, on all processors. `CORACLE_SEED=n` runs only that one, and prints its
/// traffic; `CORACLE_SEEDS=n` runs so many.
///
/// # Panics
/// When the scenario does: the message says which seed it was, and how to see it again.
pub fn seeds(name: &str, count: u64, scenario: impl Fn(u64) + Sync + RefUnwindSafe) {
    if let Some(seed) = number(SEED) {
        return scenario(seed);
    }
    let count = number(SEEDS).unwrap_or(count);
    let (next, failed) = (AtomicU64::new(0), Mutex::new(None));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                break;
            }
            if let Err(panic) = catch_unwind(|| scenario(seed)) {
                next.store(count, Ordering::Relaxed);
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                *failed.lock().expect("nobody panics with the lock") = Some((seed, text.unwrap_or_default()));
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let failed = failed.into_inner().expect("nobody panics with the lock");
    if let Some((seed, text)) = failed {
        panic!(
            "seed {seed}: {text}\nsee it again: {SEED}={seed} cargo test -p coracle-simulation {name} -- --nocapture"
        );
    }
}
