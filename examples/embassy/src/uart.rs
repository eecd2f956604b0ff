//! The first serial port, a PL011.

use core::fmt::{Arguments, Write};

const DATA: *mut u32 = 0x4000_C000 as *mut u32;

struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the data register of UART0, which the emulator's port takes at any time.
            unsafe { DATA.write_volatile(u32::from(byte)) };
        }
        Ok(())
    }
}

/// Prints a line.
pub fn line(text: Arguments<'_>) {
    let _ = writeln!(Uart, "{text}");
}
