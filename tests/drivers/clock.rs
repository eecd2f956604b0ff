//! A clock for `embassy-time` that a test moves; each thread, and so each test, has its own.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use embassy_time_driver::{Driver, TICK_HZ};

thread_local! {
    static NOW_MS: Cell<u64> = const { Cell::new(0) };
    static TIMERS: RefCell<Vec<(u64, Waker)>> = const { RefCell::new(Vec::new()) };
}

const TICKS_PER_MS: u64 = TICK_HZ / 1_000;

struct Clock;

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock);

impl Driver for Clock {
    fn now(&self) -> u64 {
        NOW_MS.get() * TICKS_PER_MS
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        TIMERS.with_borrow_mut(|timers| {
            let at = at.div_ceil(TICKS_PER_MS);
            match timers.iter_mut().find(|(_, other)| other.will_wake(waker)) {
                Some((earliest, _)) => *earliest = at.min(*earliest),
                None => timers.push((at, waker.clone())),
            }
        });
        advance(NOW_MS.get());
    }
}

/// In ms.
pub(crate) fn now() -> u64 {
    NOW_MS.get()
}

/// When the next timer is due.
pub(crate) fn next() -> Option<u64> {
    TIMERS.with_borrow(|timers| timers.iter().map(|(at, _)| *at).min())
}

/// Moves the clock, and wakes whoever waited for that time.
pub(crate) fn advance(to: u64) {
    NOW_MS.set(to);
    let due: Vec<Waker> = TIMERS.with_borrow_mut(|timers| {
        let (due, rest) = std::mem::take(timers).into_iter().partition(|(at, _)| *at <= to);
        *timers = rest;
        let due: Vec<(u64, Waker)> = due;
        due.into_iter().map(|(_, waker)| waker).collect()
    });
    due.into_iter().for_each(Waker::wake);
}
