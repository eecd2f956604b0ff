//! Disable (1/x/4) for the time of Disable Timeout (1/x/5): the device de-registers, stays away, and comes back by itself.

use std::time::{Duration, Instant};

use coracle::{Event, RegistrationState, ServerIndex};
use coracle_leshan_peer::{Code, Format, Mode};
use coracle_test_device::Device;
use coracle_test_device::profiles::Plain;

use crate::server::{Server, connect};
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    for_the_time_of_the_disable_timeout,
    until_the_application_registers,
    the_other_server_is_not_concerned,
);

const SERVER: ServerIndex = ServerIndex(0);

/// LightweightM2M-1.1-int-204 writes the timeout; the rest of it is Core section E.2.
fn for_the_time_of_the_disable_timeout(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "disable") else { return };
    assert_eq!(server.write("/1/0/5", Mode::Replace, 3, Some(Format::Text)), Code::CHANGED);
    assert_eq!(server.read("/1/0/5", Some(Format::Text)).value("/1/0/5"), Some(&3.into()));
    for _ in 0..2 {
        // Before the device leaves: its De-register may be seen late.
        let left = Instant::now();
        server.disable("/1/0/4");
        device.wait_state(RegistrationState::Disabled);
        server.registered();
        let away = left.elapsed();
        assert!(away >= Duration::from_millis(2_990) && away < Duration::from_mins(1), "{away:?}");
        device.wait_state(RegistrationState::Registered);
        assert_eq!(server.read("/3/0/0", Some(Format::Text)).code, Code::CONTENT);
    }
    let executed = |event: &Event| matches!(event, Event::Executed { server: SERVER, path } if path.resource_id() == Some(4));
    assert_eq!(device.count(executed), 2);
}

/// Without 1/x/5 it is a day; the application can end it before.
fn until_the_application_registers(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "disable-day") else { return };
    server.disable("/1/0/4");
    device.wait_state(RegistrationState::Disabled);
    server.stays_registered(Duration::from_secs(2));
    assert_eq!(device.state(SERVER), RegistrationState::Disabled);
    device.register();
    server.registered();
    device.wait_state(RegistrationState::Registered);
}

fn the_other_server_is_not_concerned(over: Transport) {
    let Some(first) = Server::shared() else { return };
    let Some(second) = Server::traced() else { return };
    let (first, second) = (first.endpoint(over, "disable-one"), second.endpoint(over, "disable-one"));
    let accounts = [first.account.clone(), second.account.clone().short_server_id(2)];
    let device = Device::start::<Plain>(&first.name, &accounts);
    first.registered();
    second.registered();
    device.wait_state(RegistrationState::Registered);
    assert_eq!(first.write("/1/0/5", Mode::Replace, 2, Some(Format::Text)), Code::CHANGED);
    first.disable("/1/0/4");
    device.wait_state(RegistrationState::Disabled);
    assert_eq!(second.read("/3/0/0", Some(Format::Text)).code, Code::CONTENT);
    first.registered();
    second.stays_registered(Duration::from_millis(100));
}
