//! Random numbers from the firmware: FreeRTOS and lwIP have none.

use core::ffi::{c_int, c_void};

use coracle::platform::{Entropy, EntropyError};

/// Fills `length` bytes with random numbers and answers 0, or answers anything else when it has none (yet).
pub type RandomFunction = unsafe extern "C" fn(bytes: *mut c_void, length: usize) -> c_int;

/// A hardware generator behind a C function, such as a vendor's `HAL_RNG` or `TRNG_GetRandomData`.
///
/// A Rust closure or driver implements [`Entropy`] directly.
#[derive(Clone, Copy, Debug)]
pub struct HardwareEntropy(RandomFunction);

impl HardwareEntropy {
    /// Takes random numbers from this function.
    ///
    /// # Safety
    /// The function writes `length` bytes, or answers something else than 0. It may be called from the task that makes the client.
    ///
    /// What it gives must be fit for keys, as [`Entropy`] demands: `rand()`, lwIP's `LWIP_RAND`, tick counters and serial numbers
    /// are not, and whoever guesses them reads and writes the device.
    pub const unsafe fn new(function: RandomFunction) -> Self {
        Self(function)
    }
}

impl Entropy for HardwareEntropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        // SAFETY: the function was promised to write no more than this.
        let result = unsafe { (self.0)(bytes.as_mut_ptr().cast(), bytes.len()) };
        if result == 0 { Ok(()) } else { Err(EntropyError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" fn sevens(bytes: *mut c_void, length: usize) -> c_int {
        // SAFETY: the caller has room for so many bytes.
        unsafe { bytes.cast::<u8>().write_bytes(7, length) };
        0
    }

    unsafe extern "C" fn not_ready(_: *mut c_void, _: usize) -> c_int {
        -1
    }

    #[test]
    fn fills_all_or_fails() {
        let mut bytes = [0; 5];
        // SAFETY: the functions above do what is promised.
        let (mut good, mut bad) = unsafe { (HardwareEntropy::new(sevens), HardwareEntropy::new(not_ready)) };
        assert_eq!(good.fill(&mut bytes), Ok(()));
        assert_eq!(bytes, [7; 5]);
        assert_eq!(bad.fill(&mut bytes), Err(EntropyError));
    }
}
