//! Time from the tick counter of the kernel, and back to ticks.

use core::cell::Cell;

use coracle::Instant;

use crate::ffi;
use crate::waker;

/// No wait is longer, in ticks: half of what the counter of the kernel can tell apart, 24 days at 1000 Hz. A wait without
/// limit ends then, which is harmless, and [`Clock`] sees every turn of the counter.
const LONGEST_WAIT: u32 = 1 << 31;

/// Milliseconds since the start, from a counter of 32 bits that begins anew every 49 days at 1000 Hz.
#[derive(Debug)]
pub(crate) struct Clock {
    rate_hz: u32,
    /// Ticks since the start, when last asked.
    last: Cell<u64>,
}

impl Clock {
    pub(crate) const fn new(rate_hz: u32) -> Self {
        Self { rate_hz, last: Cell::new(0) }
    }

    fn ticks(&self) -> u64 {
        let ticks = extend(self.last.get(), ffi::xTaskGetTickCount());
        self.last.set(ticks);
        ticks
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(to_millis(self.ticks(), self.rate_hz))
    }

    /// The tick at which a wait for this point has to end.
    pub(crate) fn alarm(&self, until: Option<Instant>) -> Alarm {
        let now = self.ticks();
        Alarm((now as u32).wrapping_add(ticks_until(until.unwrap_or(Instant::NEVER), now, self.rate_hz)))
    }
}

/// When a wait ends; taken while the network is locked, and waited for while it is not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alarm(u32);

impl Alarm {
    /// Sleeps until then, or until somebody wakes this task.
    pub(crate) fn wait(self) {
        waker::wait(remaining(self.0, ffi::xTaskGetTickCount()));
    }
}

/// Counts on: `ticks` is the counter of the kernel, less than one turn after `last`.
const fn extend(last: u64, ticks: u32) -> u64 {
    last + ticks.wrapping_sub(last as u32) as u64
}

const fn to_millis(ticks: u64, rate_hz: u32) -> u64 {
    if rate_hz == 1000 {
        ticks // without divisions of 64 bits, which are slow where the processor has none
    } else {
        let rate = rate_hz as u64;
        ticks / rate * 1000 + ticks % rate * 1000 / rate
    }
}

/// Ticks from `now` until the first one at which [`to_millis`] is not before `deadline`.
const fn ticks_until(deadline: Instant, now: u64, rate_hz: u32) -> u32 {
    let (ms, rate) = (deadline.as_millis(), rate_hz as u64);
    let target = if rate_hz == 1000 {
        ms
    } else {
        (ms / 1000).saturating_mul(rate).saturating_add((ms % 1000 * rate).div_ceil(1000))
    };
    let ticks = target.saturating_sub(now);
    if ticks > LONGEST_WAIT as u64 { LONGEST_WAIT } else { ticks as u32 }
}

/// Ticks from `now` to `alarm`, none when it has passed.
const fn remaining(alarm: u32, now: u32) -> u32 {
    let ticks = alarm.wrapping_sub(now);
    if ticks > LONGEST_WAIT { 0 } else { ticks }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_extended_over_its_turns() {
        assert_eq!(extend(0, 5), 5);
        assert_eq!(extend(0xffff_fff0, 0x10), 0x1_0000_0010);
        assert_eq!(extend(0x3_0000_0000, 0), 0x3_0000_0000);
        // Up to one tick less than a turn may pass between two looks.
        assert_eq!(extend(0x1_8000_0000, 0x7fff_ffff), 0x2_7fff_ffff);
    }

    #[test]
    fn a_wait_ends_at_the_first_tick_that_is_not_too_early() {
        for rate in [1, 18, 100, 128, 250, 1000, 1024, 32_768] {
            for ms in [0, 1, 9, 10, 11, 999, 1000, 1001, 3_600_123] {
                for now in [0, 1, 7, 100] {
                    let end = now + u64::from(ticks_until(Instant::from_millis(ms), now, rate));
                    assert!(to_millis(end, rate) >= ms, "{rate} Hz, {ms} ms, from {now}");
                    assert!(end == now || to_millis(end - 1, rate) < ms, "{rate} Hz, {ms} ms: a tick late");
                }
            }
        }
    }

    #[test]
    fn waits_without_limit_are_shorter_than_a_turn_of_the_counter() {
        for rate in [1, 100, 1000, 32_768] {
            assert_eq!(ticks_until(Instant::NEVER, 0, rate), LONGEST_WAIT);
            assert_eq!(ticks_until(Instant::ZERO, u64::from(rate), rate), 0);
        }
    }

    #[test]
    fn an_alarm_counts_over_the_turn_and_does_not_wait_for_the_past() {
        assert_eq!(remaining(5, 0xffff_fffb), 10);
        assert_eq!(remaining(0xffff_fffb, 5), 0);
        assert_eq!(remaining(7, 7), 0);
        assert_eq!(remaining(LONGEST_WAIT, 0), LONGEST_WAIT);
    }

    #[test]
    fn time_does_not_overflow() {
        // 500 million years of ticks, at rates that do and do not divide a second.
        for rate in [1000, 1024] {
            assert_eq!(to_millis(u64::from(rate) << 53, rate), 1000 << 53);
        }
    }

    #[test]
    fn the_clock_goes_on_when_the_counter_begins_anew() {
        let _alone = crate::fake::alone();
        let clock = Clock::new(1000);
        crate::fake::set_ticks(u32::MAX);
        let before = clock.now();
        crate::fake::set_ticks(9);
        assert_eq!(clock.now().since(before).as_millis(), 10);
    }
}
