//! Requests to memcheck (valgrind.h, memcheck.h): instructions that do nothing elsewhere.

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
use core::arch::asm;

const RUNNING_ON_VALGRIND: usize = 0x1001;
const COUNT_ERRORS: usize = 0x1201;
const MAKE_MEM_UNDEFINED: usize = 0x4D43_0001;
const MAKE_MEM_DEFINED: usize = 0x4D43_0002;
const GET_VBITS: usize = 0x4D43_0008;

fn request(code: usize, first: usize, second: usize, third: usize) -> usize {
    let request = [code, first, second, third, 0, 0];
    let mut answer = 0_usize;
    // SAFETY: the register that is rotated ends as it was, and an exchange with itself does nothing; valgrind, which knows
    // this sequence, reads the six words of `request` and the memory that they name, and writes to that if at all.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") request.as_ptr(), inout("rdx") answer);
    }
    // SAFETY: as above.
    #[cfg(target_arch = "x86")]
    unsafe {
        asm!("rol edi, 3", "rol edi, 13", "rol edi, 29", "rol edi, 19", "xchg ebx, ebx",
            in("eax") request.as_ptr(), inout("edx") answer);
    }
    let _ = (&request, &mut answer);
    answer
}

/// The address, by which the value may be changed as far as the compiler knows: it must not use a copy from before.
fn address<T: ?Sized>(value: &mut T) -> usize {
    core::ptr::from_mut(value).cast::<u8>().expose_provenance()
}

/// Whether memcheck looks on.
pub(crate) fn is_running() -> bool {
    request(RUNNING_ON_VALGRIND, 0, 0, 0) != 0
}

/// Branches and addresses so far that depended on a secret.
pub(crate) fn errors() -> usize {
    request(COUNT_ERRORS, 0, 0, 0)
}

/// Nothing may depend on this value from now on.
pub(crate) fn secret<T: ?Sized>(value: &mut T) {
    request(MAKE_MEM_UNDEFINED, address(value), size_of_val(value), 0);
}

/// The value is one of those that everybody may know.
pub(crate) fn public<T: ?Sized>(value: &mut T) {
    request(MAKE_MEM_DEFINED, address(value), size_of_val(value), 0);
}

/// Whether all bytes depend on a secret.
pub(crate) fn is_secret(bytes: &mut [u8]) -> bool {
    bytes.iter_mut().all(|byte| {
        let mut bits = 0_u8;
        let known = request(GET_VBITS, address(byte), address(&mut bits), 1);
        known == 1 && bits != 0
    })
}
