//! The functions of board/board.h.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::fmt::{self, Write};

unsafe extern "C" {
    fn board_write(text: *const c_char, length: usize);
    safe fn board_lock();
    safe fn board_unlock();
    fn board_command_line(line: *mut c_char, size: usize) -> c_int;
    pub(crate) safe fn board_exit(code: u32) -> !;
    pub(crate) safe fn board_reboot() -> !;
    pub(crate) safe fn board_network_start();
    pub(crate) safe fn board_pulses_start(period_ms: u32);
    pub(crate) safe fn board_interrupt(number: c_int);
    safe fn board_heap_peak() -> usize;
    safe fn board_heap_size() -> usize;
    fn board_stack_left(task: *const c_char) -> usize;
    pub(crate) fn board_load(key: u16, bytes: *mut c_void, capacity: usize) -> c_int;
    pub(crate) fn board_store(key: u16, bytes: *const c_void, length: usize) -> c_int;
    pub(crate) safe fn board_boots() -> u32;
    safe fn xTaskGetTickCountFromISR() -> u32;
}

// Of cortex-m-rt's link.x: only their addresses have a meaning.
unsafe extern "C" {
    static __sdata: u8;
    static __edata: u8;
    static __sbss: u8;
    static __ebss: u8;
}

pub(crate) use {
    board_boots as boots, board_exit as exit, board_interrupt as interrupt, board_load as load,
    board_network_start as start_network, board_pulses_start as start_pulses, board_reboot as reboot,
    board_store as store,
};

struct Serial;

impl Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: so many bytes are read.
        unsafe { board_write(text.as_ptr().cast(), text.len()) };
        Ok(())
    }
}

/// A line of the log.
pub(crate) fn log(text: fmt::Arguments<'_>) {
    board_lock();
    let _ = writeln!(Serial, "{text}");
    board_unlock();
}

/// The last words, whoever is writing at the time.
pub(crate) fn last_words(text: fmt::Arguments<'_>) {
    let _ = writeln!(Serial, "{text}");
}

/// What the emulator was told; empty when it does not fit.
pub(crate) fn command_line(room: &mut [u8]) -> &str {
    // SAFETY: the emulator writes no more than the size that it is given.
    let length = unsafe { board_command_line(room.as_mut_ptr().cast(), room.len()) };
    let line = usize::try_from(length).ok().and_then(|length| room.get(..length)).unwrap_or(&[]);
    core::str::from_utf8(line).unwrap_or("").trim_end_matches('\0')
}

/// Bytes of a task's stack that were never used.
pub(crate) fn stack_left(task: &CStr) -> usize {
    // SAFETY: the name is terminated.
    unsafe { board_stack_left(task.as_ptr()) }
}

/// Bytes of the kernel's heap: used at most, and in all.
pub(crate) fn heap() -> (usize, usize) {
    (board_heap_peak(), board_heap_size())
}

/// Bytes of static variables, Rust's and C's.
pub(crate) fn static_ram() -> usize {
    let length = |start: *const u8, end: *const u8| end as usize - start as usize;
    length(&raw const __sdata, &raw const __edata) + length(&raw const __sbss, &raw const __ebss)
}

/// Called by the timer's interrupt.
#[unsafe(no_mangle)]
extern "C" fn board_on_pulse() -> c_int {
    coracle_freertos_device::pulse_from_isr(xTaskGetTickCountFromISR()).into()
}
