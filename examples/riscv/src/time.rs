//! The time of `embassy-time`: the 10 MHz counter of the CLINT.

use core::cell::RefCell;
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

const COUNTS_PER_MS: u64 = 10_000;
const COMPARE_LOW: *mut u32 = 0x0200_4000 as *mut u32;
const COMPARE_HIGH: *mut u32 = 0x0200_4004 as *mut u32;
const TIME_LOW: *const u32 = 0x0200_BFF8 as *const u32;
const TIME_HIGH: *const u32 = 0x0200_BFFC as *const u32;

struct Clock {
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock { queue: Mutex::new(RefCell::new(Queue::new())) });

fn counts() -> u64 {
    loop {
        // SAFETY: registers that are only read.
        let (high, low, again) =
            unsafe { (TIME_HIGH.read_volatile(), TIME_LOW.read_volatile(), TIME_HIGH.read_volatile()) };
        if high == again {
            return u64::from(high) << 32 | u64::from(low);
        }
    }
}

/// The interrupt comes when the counter reaches this value.
fn compare(counts: u64) {
    // SAFETY: the registers of hart 0, which nothing else uses. With the highest low word first none of the values in between
    // is in the past.
    unsafe {
        COMPARE_LOW.write_volatile(u32::MAX);
        COMPARE_HIGH.write_volatile((counts >> 32) as u32);
        COMPARE_LOW.write_volatile(counts as u32);
    }
}

impl Clock {
    /// Wakes those whose time has come, and sets the alarm for the next one. A time in the past is an interrupt at once.
    fn arm(&self, cs: CriticalSection<'_>) {
        let next = self.queue.borrow_ref_mut(cs).next_expiration(self.now());
        compare(if next == u64::MAX { u64::MAX } else { next.saturating_mul(COUNTS_PER_MS) });
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        counts() / COUNTS_PER_MS
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let is_first = self.queue.borrow_ref_mut(cs).schedule_wake(at, waker);
            if is_first {
                self.arm(cs);
            }
        });
    }
}

/// The alarm.
pub fn on_alarm() {
    critical_section::with(|cs| CLOCK.arm(cs));
}

/// No alarm yet.
pub fn reset() {
    compare(u64::MAX);
}
