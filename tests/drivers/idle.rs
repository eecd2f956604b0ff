//! The blocking driver over posix sockets.

use std::time::{Duration, Instant};

use coracle::RegistrationState;
use coracle_demo_server::{Config, Format, Mode, Server};
use coracle_test_device::{Device, Server as Account, profiles};

/// After this nothing of a registration or a request is on its way any more.
const SETTLED: Duration = Duration::from_secs(2);
/// How long an idle registration is watched.
const WATCHED: Duration = Duration::from_mins(1);

/// No tick, no busy loop: the driver sleeps in the kernel until there is something to do.
#[test]
fn an_idle_registration_never_wakes_up() {
    let server = Server::start(Config::default()).expect("a port");
    let device = Device::start::<profiles::Plain>("idle", &[Account::new(server.uri()).lifetime(3_600)]);
    device.wait_state(RegistrationState::Registered);
    std::thread::sleep(SETTLED);
    let (waits, cpu) = (device.waits(), device.cpu_time());
    std::thread::sleep(WATCHED);
    // Asking for the processor time has woken it up once, and it is asked twice.
    let woken = device.waits() - waits;
    assert!(woken <= 1, "woke up {woken} times in {WATCHED:?}");
    let busy = device.cpu_time().saturating_sub(cpu);
    assert!(busy < WATCHED / 100, "busy for {busy:?} of {WATCHED:?}");
    device.stop();
}

/// An Update is one message out and one in: it costs a few wake-ups, and a minute has as many as Updates are due.
#[test]
fn a_minute_has_as_many_wake_ups_as_messages() {
    let server = Server::start(Config::default()).expect("a port");
    // An Update is due after half of so short a lifetime: every 2 s.
    let device = Device::start::<profiles::Plain>("busy", &[Account::new(server.uri()).lifetime(4)]);
    device.wait_state(RegistrationState::Registered);
    let (waits, started) = (device.waits(), Instant::now());
    let updates = |device: &Device| {
        device.count(|event| {
            matches!(event, coracle::Event::Registration { state: RegistrationState::Updating, .. })
        })
    };
    let before = updates(&device);
    std::thread::sleep(WATCHED);
    let (count, woken) = ((updates(&device) - before) as u64, device.waits() - waits);
    assert!(count >= 1, "{:?}", started.elapsed());
    // What a server that had to wait for its turn was sent again, and answered again.
    let repeated = server.stats().duplicates;
    // The time has come, the answer has come; and one more for what the test caught half-way.
    let allowed = 2 * (count + repeated) + 2;
    assert!(woken <= allowed, "{woken} wake-ups for {count} Updates, {repeated} of them repeated");
    device.stop();
}

/// A device that serves requests goes back to sleep after each.
#[test]
fn requests_leave_no_tick_behind() {
    let server = Server::start(Config::default()).expect("a port");
    let events = server.subscribe();
    let device = Device::start::<profiles::Plain>("served", &[Account::new(server.uri()).lifetime(3_600)]);
    events.registered("served", Duration::from_secs(30)).expect("a registration");
    let handle = server.device("served");
    handle.observe("/3303/0/5700", Format::Text).send().expect("an answer");
    handle.write("/3303/0/5750", "x", Mode::Replace, Format::Text).send().expect("an answer");
    device.update(|things| things.temperature[0].set_sensor_value(1.0));
    std::thread::sleep(SETTLED);
    let waits = device.waits();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(device.waits(), waits);
    device.stop();
}
