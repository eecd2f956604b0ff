//! How much RAM is in use.

use core::arch::asm;

/// What the free part of the stack is painted with.
const PAINT: u32 = 0xCCCC_CCCC;

unsafe extern "C" {
    static mut __sdata: u32;
    static mut __edata: u32;
    static mut __sbss: u32;
    static mut __ebss: u32;
    static mut __eheap: u32;
    static mut _stack_start: u32;
}

/// The lowest word that the stack may reach, and the top.
fn bounds() -> (*mut u32, *mut u32) {
    (&raw mut __eheap, &raw mut _stack_start)
}

/// Bytes of static variables, and what is left for the stack.
pub fn memory() -> (usize, usize) {
    let data = (&raw const __edata).addr() - (&raw const __sdata).addr();
    let zeroed = (&raw const __ebss).addr() - (&raw const __sbss).addr();
    let (free, top) = bounds();
    (data + zeroed, top.addr() - free.addr())
}

/// Paints what is below the present frame.
#[inline(never)]
pub fn paint() {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mv {}, sp", out(reg) pointer) };
    let (mut word, _) = bounds();
    while word.addr() < pointer {
        // SAFETY: below the stack pointer, and above all static variables: nobody has anything there.
        unsafe { word.write_volatile(PAINT) };
        word = word.wrapping_add(1);
    }
}

/// The most that the stack has taken since it was painted, in bytes.
pub fn peak() -> usize {
    let (mut word, top) = bounds();
    // SAFETY: from the end of the static variables to the top of the stack all is RAM, which is only read here.
    while word < top && unsafe { word.read_volatile() } == PAINT {
        word = word.wrapping_add(1);
    }
    top.addr() - word.addr()
}
