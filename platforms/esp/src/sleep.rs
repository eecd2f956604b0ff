//! Deep sleep, and the memory that outlives it.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use coracle_storage::Retained;
use esp_hal::peripherals::LPWR;
use esp_hal::rtc_cntl::SocResetReason;
use esp_hal::rtc_cntl::sleep::{LowPower, RtcSleepConfig};

/// Bytes of RTC memory for a saved registration: enough for the default profile and more.
pub const RETAINED_LEN: usize = 4096;

/// RTC memory, powered in deep sleep, left as it is by resets; arbitrary after power-on.
#[esp_hal::ram(unstable(rtc_fast, persistent))]
static mut MEMORY: [u8; RETAINED_LEN] = [0; RETAINED_LEN];

/// Whether [`retained`] was called since the reset: this one is set to `false` by every reset.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The value in RTC memory that outlives deep sleep and resets; `None` if it was taken before.
///
/// An image that never calls this does not have the memory either.
#[allow(unsafe_code)]
pub fn retained() -> Option<Retained<'static>> {
    // The chip has no atomic exchange.
    let taken = critical_section::with(|_| {
        let taken = TAKEN.load(Ordering::Relaxed);
        TAKEN.store(true, Ordering::Relaxed);
        taken
    });
    if taken {
        return None;
    }
    let memory = &raw mut MEMORY;
    // SAFETY: the flag makes this the only reference to the memory that is ever made; all its bit patterns are bytes.
    Some(Retained::new(unsafe { &mut *memory }))
}

/// True when the chip comes out of deep sleep.
pub fn woke_from_deep_sleep() -> bool {
    esp_hal::system::reset_reason() == Some(SocResetReason::CoreDeepSleep)
}

/// Sleeps, and starts the firmware from its beginning after this time. RAM is lost, [`retained`] memory is not.
///
/// Shorter than 10 ms makes no sense, and is taken for 10 ms.
pub fn deep_sleep(low_power: LPWR<'_>, time: Duration) -> ! {
    let time = time.max(Duration::from_millis(10));
    let time = esp_hal::time::Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    let mut low_power = LowPower::new(low_power);
    low_power.set_wakeup_deadline(esp_hal::time::Instant::now() + time);
    low_power.sleep_deep(RtcSleepConfig::deep())
}
