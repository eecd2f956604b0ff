//! What is needed of the board: a counter of instructions, the stack, and a line to the host.

use core::arch::asm;
use core::fmt::{self, Write};
use core::ptr;

/// With `-icount shift=0` an instruction takes 1 ns, and the core clock of the board is 25 MHz.
const INSTRUCTIONS_PER_TICK: u32 = 40;
const TICKS: u32 = 0x00ff_ffff;

const CONTROL: *mut u32 = 0xe000_e010 as *mut u32;
const RELOAD: *mut u32 = 0xe000_e014 as *mut u32;
const CURRENT: *mut u32 = 0xe000_e018 as *mut u32;
const COPROCESSORS: *mut u32 = 0xe000_ed88 as *mut u32;

/// Switches the floating-point unit and the counter on.
pub(crate) fn start() {
    // SAFETY: registers of the core, used here and below only.
    unsafe {
        ptr::write_volatile(COPROCESSORS, ptr::read_volatile(COPROCESSORS) | 0x00f0_0000);
        asm!("dsb", "isb");
        ptr::write_volatile(RELOAD, TICKS);
        ptr::write_volatile(CURRENT, 0);
        ptr::write_volatile(CONTROL, 5);
    }
}

/// Counts the instructions of many runs.
#[derive(Default)]
pub(crate) struct Counter {
    ticks: u32,
    runs: u32,
}

impl Counter {
    /// Runs something and counts it. Ticks are coarse; the mean of many runs is not.
    #[inline(always)]
    pub(crate) fn count<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let before = now();
        let result = work();
        self.ticks += before.wrapping_sub(now()) & TICKS;
        self.runs += 1;
        result
    }

    /// Instructions of one run.
    pub(crate) fn mean(&self) -> u32 {
        (u64::from(self.ticks) * u64::from(INSTRUCTIONS_PER_TICK) / u64::from(self.runs.max(1))) as u32
    }
}

#[inline(always)]
fn now() -> u32 {
    // SAFETY: a register of the core without side effects.
    unsafe { ptr::read_volatile(CURRENT) }
}

/// As much stack as is painted, in bytes.
const PAINTED: usize = 64 * 1024;
const PAINT: u32 = 0xcccc_cccc;

/// Runs something; its result, and how many bytes of stack it has used below the frame of the caller.
#[inline(always)]
pub(crate) fn stack_of<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let top = stack_pointer();
    let bottom = top - PAINTED;
    let mut at = bottom;
    while at < top {
        // SAFETY: the free part of the stack; nothing is called in between that would use it.
        unsafe { ptr::write_volatile(at as *mut u32, PAINT) };
        at += 4;
    }
    let result = work();
    let mut at = bottom;
    // SAFETY: as above.
    while at < top && unsafe { ptr::read_volatile(at as *const u32) } == PAINT {
        at += 4;
    }
    (result, top - at)
}

#[inline(always)]
fn stack_pointer() -> usize {
    let pointer;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// The host's standard output, by semihosting.
pub(crate) struct Host;

impl Write for Host {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| {
            semihosting(3, ptr::from_ref(&byte) as usize);
        });
        Ok(())
    }
}

/// Ends the emulator with this code.
pub(crate) fn exit(code: u32) -> ! {
    let block = [0x2_0026, code];
    loop {
        semihosting(0x20, block.as_ptr() as usize);
    }
}

fn semihosting(operation: usize, argument: usize) -> usize {
    let result;
    // SAFETY: the arguments point to what the operation reads.
    unsafe { asm!("bkpt 0xab", inlateout("r0") operation => result, in("r1") argument) };
    result
}
