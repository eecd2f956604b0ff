//! An executor that sleeps by WFI: the emulator takes the WFE of embassy-executor's own one for a pause of no length, and
//! its processor would never rest.

use embassy_executor::{Spawner, raw};
use portable_atomic::{AtomicBool, Ordering};
use static_cell::StaticCell;

static WORK: AtomicBool = AtomicBool::new(false);
static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();

#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    WORK.store(true, Ordering::Release);
}

/// Runs the tasks that `init` spawns, for ever. It may be called once.
pub fn run(init: impl FnOnce(Spawner)) -> ! {
    let executor: &'static raw::Executor = EXECUTOR.init(raw::Executor::new(core::ptr::null_mut()));
    init(executor.spawner());
    loop {
        // SAFETY: this is the only place that polls, and not from within a poll.
        unsafe { executor.poll() };
        // An interrupt that comes after the look at WORK ends the WFI, although it is handled only after it.
        cortex_m::interrupt::free(|_| {
            if !WORK.swap(false, Ordering::AcqRel) {
                cortex_m::asm::wfi();
            }
        });
    }
}
