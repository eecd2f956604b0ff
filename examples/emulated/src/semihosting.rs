//! Semihosting: the emulator gives the command line, and takes the exit code.
//!
//! The calls are those of "Semihosting for AArch32 and AArch64", and of "RISC-V Semihosting", which has the same numbers.

/// Into the block `{address, length}`.
const SYS_GET_CMDLINE: usize = 0x15;
/// With the block `{reason, code}`.
const SYS_EXIT_EXTENDED: usize = 0x20;
/// `ADP_Stopped_ApplicationExit`: the reason for which the code counts.
const APPLICATION_EXIT: usize = 0x20026;

/// The command line, in `room`; `None` when it does not fit or is no text.
pub fn command_line(room: &mut [u8]) -> Option<&str> {
    let mut block = [room.as_mut_ptr() as usize, room.len()];
    // SAFETY: the block says where `room` is and how long it is; the emulator writes nowhere else but into the block.
    let result = unsafe { call(SYS_GET_CMDLINE, &mut block) };
    let text = core::str::from_utf8(room.get(..block[1])?).ok()?;
    (result == 0).then(|| text.trim_end_matches('\0'))
}

/// Ends the emulator.
pub fn exit(code: u32) -> ! {
    let mut block = [APPLICATION_EXIT, code as usize];
    loop {
        // SAFETY: the emulator reads the block, and does not return.
        unsafe { call(SYS_EXIT_EXTENDED, &mut block) };
    }
}

/// # Safety
/// `block` is what the operation asks for.
#[cfg(target_arch = "arm")]
unsafe fn call(operation: usize, block: &mut [usize; 2]) -> isize {
    let mut result = operation.cast_signed();
    // SAFETY: the breakpoint is the emulator's; it changes r0 and memory that the caller answers for.
    unsafe { core::arch::asm!("bkpt 0xab", inout("r0") result, in("r1") block.as_mut_ptr()) };
    result
}

/// # Safety
/// `block` is what the operation asks for.
#[cfg(target_arch = "riscv32")]
unsafe fn call(operation: usize, block: &mut [usize; 2]) -> isize {
    let mut result = operation.cast_signed();
    // SAFETY: the three instructions, uncompressed and on one page, are the emulator's; they change a0 and memory that the
    // caller answers for.
    unsafe {
        core::arch::asm!(
            ".option push",
            ".option norvc",
            ".balign 16",
            "slli x0, x0, 0x1f",
            "ebreak",
            "srai x0, x0, 7",
            ".option pop",
            inout("a0") result,
            in("a1") block.as_mut_ptr(),
        );
    }
    result
}
