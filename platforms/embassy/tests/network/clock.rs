//! The host's clock for `embassy-time`. Its own `std` feature would be there for every test of the workspace, and some have clocks
//! of their own.

use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use embassy_time_driver::{Driver, TICK_HZ};

struct Clock;

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock);

const TICKS_PER_MS: u64 = TICK_HZ / 1_000;

/// Who is to be woken when: at most one time for each task, the earliest.
type Queue = Vec<(u64, Waker)>;

struct Timers {
    start: Instant,
    queue: Mutex<Queue>,
    news: Condvar,
}

static TIMERS: LazyLock<Timers> = LazyLock::new(|| {
    thread::spawn(|| wake_for_ever(&TIMERS));
    Timers { start: Instant::now(), queue: Mutex::default(), news: Condvar::new() }
});

impl Timers {
    fn now(&self) -> u64 {
        let ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        ms.saturating_mul(TICKS_PER_MS)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_for_ever(timers: &Timers) {
    let mut queue = timers.queue();
    loop {
        let now = timers.now();
        let due: Vec<Waker> = queue.extract_if(.., |(at, _)| *at <= now).map(|(_, waker)| waker).collect();
        due.into_iter().for_each(Waker::wake);
        let next = queue.iter().map(|(at, _)| at.saturating_sub(now)).min();
        let wait = Duration::from_millis(next.map_or(1_000, |ticks| ticks.div_ceil(TICKS_PER_MS)));
        queue = timers.news.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0;
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        TIMERS.now()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        let mut queue = TIMERS.queue();
        match queue.iter_mut().find(|(_, other)| other.will_wake(waker)) {
            Some((earliest, _)) => *earliest = at.min(*earliest),
            None => queue.push((at, waker.clone())),
        }
        TIMERS.news.notify_one();
    }
}
