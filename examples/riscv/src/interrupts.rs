//! Interrupts of the hart: the timer, and through the PLIC the network device.

use riscv::interrupt::Interrupt;
use riscv::register::mie;

const PLIC: usize = 0x0C00_0000;
/// The lines that are let through, for hart 0 in machine mode.
const ENABLED: usize = 0x2000;
const THRESHOLD: usize = 0x20_0000;
const CLAIM: usize = 0x20_0004;

fn register(offset: usize) -> *mut u32 {
    (PLIC + offset) as *mut u32
}

/// Lets a line of the PLIC through.
pub fn allow(line: u32) {
    // SAFETY: registers of the PLIC, which only this file uses; lines up to 31 are in the first word.
    unsafe {
        register(4 * line as usize).write_volatile(1);
        register(ENABLED).write_volatile(1 << line);
        register(THRESHOLD).write_volatile(0);
    }
}

/// From here on handlers run.
pub fn enable() {
    crate::time::reset();
    // SAFETY: the handlers below are ready, and no critical section is open.
    unsafe {
        mie::set_mtimer();
        mie::set_mext();
        riscv::interrupt::enable();
    }
}

#[riscv_rt::core_interrupt(Interrupt::MachineTimer)]
fn timer() {
    crate::time::on_alarm();
}

#[riscv_rt::core_interrupt(Interrupt::MachineExternal)]
fn external() {
    // SAFETY: as above; what was claimed is completed after it was handled.
    unsafe {
        let line = register(CLAIM).read_volatile();
        crate::ethernet::on_interrupt(line);
        register(CLAIM).write_volatile(line);
    }
}
