//! Counting instructions and stack.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::register::msp;

/// Instructions of one tick: QEMU runs one per ns, and the clock of the board is 25 MHz.
const PER_TICK: u32 = 40;
/// SysTick counts down from here, which is half a second.
const TICKS: u32 = 0x00FF_FFFF;
/// Bytes of stack that are painted.
const ROOM: usize = 32 * 1024;
/// Bytes below the caller that belong to the painting itself.
const OWN: usize = 64;
const PAINT: u32 = 0xC0DE_C0DE;

/// What something took.
#[derive(Clone, Copy, Default)]
pub struct Cost {
    pub instructions: u32,
    pub stack: usize,
}

impl Cost {
    /// Both, one after the other.
    pub fn and(self, other: Self) -> Self {
        Self { instructions: self.instructions + other.instructions, stack: self.stack.max(other.stack) }
    }
}

/// Takes the measure of what it runs, unless it is [`off`](Self::off).
pub struct Meter(Option<SYST>);

impl Meter {
    /// One that only runs.
    #[allow(dead_code, reason = "one of the programs measures all")]
    pub const fn off() -> Self {
        Self(None)
    }

    pub fn new() -> Option<Self> {
        let mut timer = cortex_m::Peripherals::take()?.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(TICKS);
        timer.clear_current();
        timer.enable_counter();
        Some(Self(Some(timer)))
    }

    /// Runs `work`, which answers whether it did what it should.
    #[inline(never)]
    pub fn run(&mut self, work: impl FnOnce() -> bool) -> Cost {
        let Some(timer) = &mut self.0 else {
            assert!(work(), "what is run has failed");
            return Cost::default();
        };
        let top = msp::read() as usize;
        paint(top);
        timer.clear_current();
        // It is reloaded with the next tick.
        while SYST::get_current() == 0 {}
        let _ = timer.has_wrapped();
        let start = SYST::get_current();
        let done = work();
        let end = SYST::get_current();
        let wrapped = if timer.has_wrapped() { TICKS } else { 0 };
        assert!(done, "what is measured has failed");
        Cost { instructions: (start + wrapped - end) * PER_TICK, stack: painted(top) }
    }
}

#[inline(never)]
fn paint(top: usize) {
    let start = (top - ROOM) & !3;
    for address in (start..top - OWN).step_by(4) {
        // SAFETY: the memory below the stack pointer is ours, and nothing lies in it: the stack has 4 MB.
        unsafe { (address as *mut u32).write_volatile(PAINT) };
    }
}

/// Bytes from the lowest word that is no longer as it was painted.
#[inline(never)]
fn painted(top: usize) -> usize {
    let start = (top - ROOM) & !3;
    let changed = (start..top - OWN).step_by(4).find(|address| {
        // SAFETY: as above; it was written by `paint`.
        unsafe { (*address as *const u32).read_volatile() != PAINT }
    });
    changed.map_or(OWN, |address| top - address)
}
