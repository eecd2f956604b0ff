//! A client that several tasks use.

use core::mem::MaybeUninit;
use core::ops::ControlFlow;

use coracle::driver::blocking::Driver;
use coracle::model::Objects;
use coracle::{Instant, Profile, RegistrationState, ServerIndex};

use crate::LwipNetwork;
use crate::mutex::Mutex;
use crate::waker::{self, Waker};

/// The driver that is shared: a client over lwIP.
pub type LwipDriver<'m, P, O, const SERVERS: usize = 1> = Driver<'m, P, O, LwipNetwork<SERVERS>>;

/// A client that one task runs, and any others use.
///
/// It is held by a mutex of the kernel with priority inheritance while the client's task works, but not while it waits, so
/// that others have it at once most of the time. The longest that they wait is for one datagram with its answer, or for one
/// step of a handshake. Interrupts cannot use it: they put what they have where the turn of [`SharedClient::run`] finds it, and
/// call [`Waker::wake_from_isr`].
#[allow(missing_debug_implementations)] // keys are in the client
pub struct SharedClient<P: Profile + 'static, O: 'static, const SERVERS: usize = 1> {
    driver: Mutex<LwipDriver<'static, P, O, SERVERS>>,
}

impl<P: Profile + Send, O: Objects + Send, const SERVERS: usize> SharedClient<P, O, SERVERS> {
    /// Shares a driver, in memory that stays: that of a `static_cell::StaticCell`, for instance. Nothing is allocated.
    ///
    /// # Panics
    /// When the mutex of the kernel is larger than any that is known (`StaticSemaphore_t`, 96 bytes on 32-bit processors).
    pub fn share(
        memory: &'static mut MaybeUninit<Self>,
        driver: LwipDriver<'static, P, O, SERVERS>,
    ) -> &'static Self {
        let shared = memory.write(Self { driver: Mutex::new(driver) });
        // SAFETY: the memory is static, and only shared references leave this function.
        unsafe { shared.driver.init() };
        shared
    }

    /// Uses the client, and everything else that its driver has. `work` must not use this `SharedClient` again: it would wait
    /// for itself.
    pub fn with<R>(&self, work: impl FnOnce(&mut LwipDriver<'static, P, O, SERVERS>) -> R) -> R {
        let result = self.driver.lock(work);
        Waker.wake();
        result
    }

    /// Changes objects; observers hear of it at once. `change` must not use this `SharedClient` again.
    pub fn update<R>(&self, change: impl FnOnce(&mut O) -> R) -> R {
        self.with(|driver| driver.client().update(change))
    }

    /// Where the registration with a server stands.
    pub fn state(&self, server: ServerIndex) -> Option<RegistrationState> {
        self.driver.lock(|driver| driver.client().state(server))
    }

    /// Wakes the client's task for a turn.
    pub const fn waker(&self) -> Waker {
        Waker
    }

    /// Runs the client in the calling task, and no other, until `turn` breaks. `turn` is called whenever something has
    /// happened, and not later than at the time that it has answered last ([`Instant::NEVER`] when only events matter). It
    /// takes the events, and must not use this `SharedClient`.
    pub fn run<B>(
        &self,
        mut turn: impl FnMut(&mut LwipDriver<'static, P, O, SERVERS>) -> ControlFlow<B, Instant>,
    ) -> B {
        waker::attach();
        loop {
            let alarm = self.driver.lock(|driver| {
                driver.step();
                match turn(driver) {
                    ControlFlow::Break(result) => ControlFlow::Break(result),
                    ControlFlow::Continue(next) => {
                        let until = driver.deadline().unwrap_or(Instant::NEVER).min(next);
                        let has_events = driver.client().has_events();
                        let until = if has_events { Instant::ZERO } else { until };
                        ControlFlow::Continue(driver.network().alarm(Some(until)))
                    }
                }
            });
            match alarm {
                ControlFlow::Break(result) => {
                    waker::detach();
                    return result;
                }
                ControlFlow::Continue(alarm) => alarm.wait(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{SERVER, Things, driver, register};
    use crate::fake;
    use coracle::DefaultProfile;
    use coracle::platform::{Connection, Network};
    use std::boxed::Box;

    type Shared = SharedClient<DefaultProfile, Things>;

    /// A client that is registered, and the memory that it is in.
    fn shared() -> (&'static Shared, *mut MaybeUninit<Shared>) {
        let mut driver = driver();
        register(&mut driver);
        let memory = Box::into_raw(Box::new(MaybeUninit::uninit()));
        // SAFETY: the box is ours until `end`.
        (Shared::share(unsafe { &mut *memory }, driver), memory)
    }

    /// The network is free again for the next test.
    fn end(memory: *mut MaybeUninit<Shared>) {
        // SAFETY: the tasks of the test have ended, and nobody uses the client after this.
        unsafe { Box::from_raw(memory).assume_init_drop() };
    }

    /// The client's task, which ends when so much was counted. Nothing but a wake-up brings its next turn.
    fn until_counted(shared: &'static Shared, end: u32) -> std::thread::JoinHandle<u32> {
        std::thread::spawn(move || {
            shared.run(|driver| {
                while driver.client().poll_event().is_some() {}
                let counted = driver.client().objects().counted();
                if counted == end {
                    ControlFlow::Break(counted)
                } else {
                    ControlFlow::Continue(Instant::NEVER)
                }
            })
        })
    }

    #[test]
    fn tasks_change_values_while_another_one_runs_the_client() {
        let _alone = fake::alone();
        let (shared, memory) = shared();
        let client = until_counted(shared, 400);
        let tasks: [_; 4] = core::array::from_fn(|_| {
            std::thread::spawn(|| (0..100).for_each(|_| shared.update(Things::count)))
        });
        tasks.into_iter().for_each(|task| task.join().unwrap());
        assert_eq!(client.join().unwrap(), 400);
        assert_eq!(shared.state(SERVER), Some(RegistrationState::Registered));
        end(memory);
    }

    #[test]
    fn another_task_that_opens_a_way_does_not_take_the_wake_ups() {
        let _alone = fake::alone();
        let (shared, memory) = shared();
        let client = until_counted(shared, 1);
        fake::await_waiting();
        for uri in [
            "coap://192.0.2.1",
            #[cfg(feature = "dns")]
            "coap://known",
        ] {
            let uri = coracle::Uri::parse(uri).unwrap();
            assert_eq!(shared.with(|driver| driver.network().connect(SERVER, uri)), Connection::Open);
        }
        // It waits again; this change brings it the turn in which it ends.
        std::thread::sleep(core::time::Duration::from_millis(50));
        shared.update(Things::count);
        for _ in 0..200 {
            if client.is_finished() {
                client.join().unwrap();
                return end(memory);
            }
            std::thread::sleep(core::time::Duration::from_millis(10));
        }
        panic!("the client's task was not woken");
    }

    #[test]
    fn an_interrupt_brings_a_turn_and_nothing_else_does() {
        let _alone = fake::alone();
        let (shared, memory) = shared();
        let turns = std::sync::Arc::new(core::sync::atomic::AtomicU32::new(0));
        let seen = turns.clone();
        let client = std::thread::spawn(move || {
            shared.run(|driver| {
                while driver.client().poll_event().is_some() {}
                match seen.fetch_add(1, core::sync::atomic::Ordering::SeqCst) {
                    0..=2 => ControlFlow::Continue(Instant::NEVER),
                    _ => ControlFlow::Break(()),
                }
            });
        });
        while !client.is_finished() {
            fake::await_waiting_or(|| client.is_finished());
            let _ = shared.waker().wake_from_isr();
        }
        client.join().unwrap();
        assert_eq!(turns.load(core::sync::atomic::Ordering::SeqCst), 4);
        assert_eq!(fake::timed_out(), 0, "no wait ran its time");
        end(memory);
    }
}
