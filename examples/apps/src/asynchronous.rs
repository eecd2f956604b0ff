//! The device over the asynchronous driver: a future beside the one that drives the client.

use coracle::driver::asynchronous::Shared;
use coracle::objects::DeviceRequest;
use coracle::{Event, Instant, ServerIndex};
use coracle_storage::Retained;
use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_time::{Duration, Timer};

use crate::tell::{Log, Story};
use crate::{Demo, Profile, Things, sleep};

/// The clock of the driver.
pub fn now() -> Instant {
    Instant::from_millis(embassy_time::Instant::now().as_millis())
}

/// Registers, changes the world and tells events, until a server asks for a reboot.
///
/// Run [`Shared::run`] beside it, in a task of its own or joined.
pub async fn run<M: RawMutex>(
    shared: &Shared<'_, M, Profile, Things>,
    mut demo: Demo,
    log: Log<'_>,
) -> DeviceRequest {
    shared.register(ServerIndex(0));
    loop {
        let next = Timer::at(embassy_time::Instant::from_millis(demo.next().as_millis()));
        match select(shared.next_event(), next).await {
            Either::First(event) => {
                shared.with(|client| log(format_args!("{}", Story::new(event, client, now()))));
                if matches!(event, Event::Executed { .. })
                    && let Some(request) = shared.update(|things| things.device.take_request())
                {
                    log(format_args!("{}", crate::tell::request(request)));
                    return request;
                }
            }
            Either::Second(()) => shared.update(|things| demo.advance(now(), things)),
        }
    }
}

/// How the time awake of a device ends that sleeps otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awake {
    /// The server has nothing to say any more, and what the next wake needs is saved: nothing may be sent any more.
    Done,
    /// A server asks for a reboot.
    Request(DeviceRequest),
}

/// Tells events until nothing has happened for `quiet`, and the device can sleep.
///
/// Drop the future of [`Shared::run`] then.
pub async fn awake<M: RawMutex>(
    shared: &Shared<'_, M, Profile, Things>,
    retained: &mut Retained<'_>,
    quiet: Duration,
    log: Log<'_>,
) -> Awake {
    loop {
        let Either::First(event) = select(shared.next_event(), Timer::after(quiet)).await else {
            if shared.with(|client| sleep::before_sleep(client, now(), retained)).is_ok() {
                return Awake::Done;
            }
            continue;
        };
        shared.with(|client| log(format_args!("{}", Story::new(event, client, now()))));
        if matches!(event, Event::Executed { .. })
            && let Some(request) = shared.update(|things| things.device.take_request())
        {
            log(format_args!("{}", crate::tell::request(request)));
            return Awake::Request(request);
        }
    }
}
