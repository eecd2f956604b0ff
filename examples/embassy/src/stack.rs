//! How much RAM is in use: cortex-m-rt has painted what lies between static variables and the top of the stack.

/// What cortex-m-rt paints with.
const PAINT: u32 = 0xCCCC_CCCC;

unsafe extern "C" {
    static mut __sdata: u32;
    static mut __sheap: u32;
    static mut _stack_start: u32;
}

fn bounds() -> (*const u32, *const u32, *const u32) {
    (&raw const __sdata, &raw const __sheap, &raw const _stack_start)
}

/// Bytes of static variables, and what is left for the stack.
pub fn memory() -> (usize, usize) {
    let (data, free, top) = bounds();
    (free.addr() - data.addr(), top.addr() - free.addr())
}

/// The most that the stack has ever taken, in bytes.
pub fn peak() -> usize {
    let (_, mut word, top) = bounds();
    // SAFETY: from the end of the static variables to the top of the stack all is RAM, which is only read here.
    while word < top && unsafe { word.read_volatile() } == PAINT {
        word = word.wrapping_add(1);
    }
    top.addr() - word.addr()
}
