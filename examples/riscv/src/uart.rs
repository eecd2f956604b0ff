//! The serial port, a 16550.

use core::fmt::{Arguments, Write};

const DATA: *mut u8 = 0x1000_0000 as *mut u8;

struct Uart;

impl Write for Uart {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            // SAFETY: the transmit register, which the emulator's port takes at any time.
            unsafe { DATA.write_volatile(byte) };
        }
        Ok(())
    }
}

/// Prints a line.
pub fn line(text: Arguments<'_>) {
    let _ = writeln!(Uart, "{text}");
}
