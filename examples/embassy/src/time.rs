//! The time of `embassy-time`: SysTick counts, a timer wakes.
//!
//! A tick each millisecond would be simpler, but a busy emulator loses ticks, and the device's clock would be slow.

use core::cell::RefCell;
use core::task::Waker;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB, SYST};
use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

/// After reset the processor runs from the internal oscillator.
const CORE_HZ: u64 = 12_500_000;
const COUNTS_PER_MS: u64 = CORE_HZ / 1000;
/// SysTick counts down from here, in 1.3 s.
const RELOAD: u32 = 0x00FF_FFFF;

/// The interrupt of the first general-purpose timer.
pub const INTERRUPT: u16 = 19;

#[derive(Clone, Copy)]
struct Alarm;

// SAFETY: the number is that of the data sheet, table 2-9.
unsafe impl InterruptNumber for Alarm {
    fn number(self) -> u16 {
        INTERRUPT
    }
}

/// Registers of the first general-purpose timer (LM3S6965 data sheet, chapter 9).
#[derive(Clone, Copy)]
#[repr(usize)]
enum Timer {
    Configuration = 0x00,
    Mode = 0x04,
    Control = 0x0C,
    InterruptMask = 0x18,
    InterruptClear = 0x24,
    Interval = 0x28,
}

impl Timer {
    fn write(self, value: u32) {
        const BASE: usize = 0x4003_0000;
        // SAFETY: a register of the timer, which nothing else uses.
        unsafe { ((BASE + self as usize) as *mut u32).write_volatile(value) }
    }
}

struct Clock {
    state: Mutex<RefCell<State>>,
}

struct State {
    /// How often SysTick has begun again.
    rounds: u32,
    queue: Queue,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    state: Mutex::new(RefCell::new(State { rounds: 0, queue: Queue::new() })),
});

impl Clock {
    fn counts(&self, cs: CriticalSection<'_>) -> u64 {
        let rounds = self.state.borrow_ref(cs).rounds;
        let left = SYST::get_current();
        // Its handler may not have had its turn yet.
        let (rounds, left) = if SCB::is_pendst_pending() {
            (rounds.wrapping_add(1), SYST::get_current())
        } else {
            (rounds, left)
        };
        // A round ends with 0, whose interrupt is pending already: 0 counts as the start of the next one.
        (u64::from(rounds) << 24) + u64::from((RELOAD + 1 - left) & RELOAD)
    }

    /// Sets the timer for the first of those that wait, and wakes those whose time has come.
    fn arm(&self, cs: CriticalSection<'_>) {
        loop {
            let now = self.counts(cs);
            let next = self.state.borrow_ref_mut(cs).queue.next_expiration(now / COUNTS_PER_MS);
            if next == u64::MAX {
                return;
            }
            // A wait that is too long for the timer is taken in parts.
            let counts = next.saturating_mul(COUNTS_PER_MS).saturating_sub(now);
            if counts > 0 {
                Timer::Control.write(0);
                Timer::Interval.write(u32::try_from(counts).unwrap_or(u32::MAX));
                Timer::Control.write(1);
                return;
            }
        }
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.counts(cs) / COUNTS_PER_MS)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let is_first = self.state.borrow_ref_mut(cs).queue.schedule_wake(at, waker);
            if is_first {
                self.arm(cs);
            }
        });
    }
}

#[cortex_m_rt::exception]
fn SysTick() {
    critical_section::with(|cs| {
        let mut state = CLOCK.state.borrow_ref_mut(cs);
        state.rounds = state.rounds.wrapping_add(1);
    });
}

/// The timer has come to its end.
pub fn on_alarm() {
    Timer::InterruptClear.write(1);
    critical_section::with(|cs| CLOCK.arm(cs));
}

/// Starts counting.
pub fn start() {
    // SAFETY: nothing else uses SysTick.
    let mut systick = unsafe { cortex_m::Peripherals::steal() }.SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(RELOAD);
    systick.clear_current();
    systick.enable_interrupt();
    systick.enable_counter();
    Timer::Control.write(0);
    Timer::Configuration.write(0); // one counter of 32 bits
    Timer::Mode.write(1); // once
    Timer::InterruptMask.write(1);
    // SAFETY: the handler is ready, and no critical section depends on this mask.
    unsafe { NVIC::unmask(Alarm) };
}
