//! The device over the blocking driver: a main loop, or a task of an RTOS.

use coracle::Event;
use coracle::driver::blocking::Driver;
use coracle::objects::DeviceRequest;
use coracle::platform::Network;

use crate::tell::{Log, Story};
use crate::{Demo, Profile, Things};

/// One turn: the world changes if it is time, the driver does what it can without waiting, events go to the log.
///
/// Wait until [`Demo::next`] at the longest ([`Driver::wait_until`]) before the next turn.
pub fn turn<N: Network>(
    driver: &mut Driver<'_, Profile, Things, N>,
    demo: &mut Demo,
    log: Log<'_>,
) -> Option<DeviceRequest> {
    let now = driver.network().now();
    if demo.next() <= now {
        driver.client().update(|things| demo.advance(now, things));
    }
    driver.step();
    events(driver, log)
}

/// What a turn does after the driver's step, for those who let the world change elsewhere: events go to the log.
pub fn events<N: Network>(
    driver: &mut Driver<'_, Profile, Things, N>,
    log: Log<'_>,
) -> Option<DeviceRequest> {
    let mut executed = false;
    while let Some(event) = driver.client().poll_event() {
        executed |= matches!(event, Event::Executed { .. });
        let now = driver.network().now();
        log(format_args!("{}", Story::new(event, driver.client(), now)));
    }
    // Only after an Execute: whoever changes objects makes the driver look at all of them instead of waiting.
    let request =
        executed.then(|| driver.client().update(|things| things.device.take_request())).flatten()?;
    log(format_args!("{}", crate::tell::request(request)));
    Some(request)
}

/// Registers, and serves until a server asks for a reboot.
pub fn run<N: Network>(
    driver: &mut Driver<'_, Profile, Things, N>,
    mut demo: Demo,
    log: Log<'_>,
) -> DeviceRequest {
    driver.register();
    loop {
        if let Some(request) = turn(driver, &mut demo, log) {
            return request;
        }
        driver.wait_until(demo.next());
    }
}
