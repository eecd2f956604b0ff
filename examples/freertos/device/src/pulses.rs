//! Pulses that an interrupt counts: how fast do they get to the client's task?

use core::sync::atomic::{AtomicU32, Ordering};

use coracle::Instant;
use coracle_demo_app::Log;
use coracle_freertos::Waker;

static COUNT: AtomicU32 = AtomicU32::new(0);
/// When the last one came, in ms.
static LAST_MS: AtomicU32 = AtomicU32::new(0);

/// Counts a pulse, and wakes the client's task; called by the interrupt alone. True when `portYIELD_FROM_ISR` is to be told.
///
/// `now_ms` is the kernel's time (`xTaskGetTickCountFromISR`, at 1000 Hz).
pub fn pulse_from_isr(now_ms: u32) -> bool {
    LAST_MS.store(now_ms, Ordering::Relaxed);
    COUNT.store(COUNT.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
    Waker.wake_from_isr()
}

/// What the client's task has seen of them.
pub(crate) struct Watch {
    count: u32,
    turns: u32,
    latest_ms: u32,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self { count: 0, turns: 0, latest_ms: 0 }
    }

    /// In each turn of the client's task.
    pub(crate) fn look(&mut self, now: Instant) {
        self.turns += 1;
        let count = COUNT.load(Ordering::Acquire);
        if count != self.count {
            let late = (now.as_millis() as u32).wrapping_sub(LAST_MS.load(Ordering::Relaxed));
            self.latest_ms = self.latest_ms.max(late);
            self.count = count;
        }
    }

    pub(crate) fn report(&self, log: Log<'_>) {
        let Self { count, turns, latest_ms } = self;
        log(format_args!(
            "{count} interrupts have woken the client's task, {latest_ms} ms late at most; it had {turns} turns"
        ));
    }
}
