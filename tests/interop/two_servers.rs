//! One device and two servers at once: attributes and observations of each are its own, and what happens to one is no
//! matter of the other.

use std::time::Duration;

use coracle::{Event, RegistrationState, ServerIndex};
use coracle_leshan_peer::{Code, Format, Mode, Value};
use coracle_test_device::Device;
use coracle_test_device::profiles::{Plain, Secure};

use crate::server::{Endpoint, Server};
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    attributes_and_observations_are_of_one_server,
    accounts_of_the_other_server_are_not_shown_as_its_own,
    one_dies_and_the_other_does_not_notice,
);

const FIRST: ServerIndex = ServerIndex(0);
const SECOND: ServerIndex = ServerIndex(1);
const SENSOR: &str = "/3303/0/5700";
const QUIET: Duration = Duration::from_millis(600);

/// A device that is registered with two servers: the first so, the second with plain CoAP.
fn connect(over: Transport, test: &str) -> Option<(Device, Endpoint, Endpoint)> {
    let first = Server::shared()?.endpoint(over, test);
    let second = Server::traced()?.endpoint_named(Transport::Plain, &first.name);
    let accounts = [first.account.clone(), second.account.clone().short_server_id(2)];
    let device = Device::start::<Plain>(&first.name, &accounts);
    first.registered();
    second.registered();
    for server in [FIRST, SECOND] {
        device.wait_state_of(server, RegistrationState::Registered);
    }
    Some((device, first, second))
}

fn measure(device: &Device, celsius: f32) {
    device.update(move |things| things.temperature[0].set_sensor_value(celsius));
}

fn told(server: &Endpoint) -> f64 {
    match server.notified(SENSOR).1.content.get(SENSOR) {
        Some(Value::Float(value)) => *value,
        other => panic!("{other:?}"),
    }
}

fn attributes_and_observations_are_of_one_server(over: Transport) {
    let Some((device, first, second)) = connect(over, "two-observe") else { return };
    assert_eq!(first.attributes(SENSOR, "gt=30"), Code::CHANGED);
    assert_eq!(second.attributes(SENSOR, "pmin=1"), Code::CHANGED);
    assert_eq!(first.discover(SENSOR), [format!("{SENSOR};gt=30")]);
    assert_eq!(second.discover(SENSOR), [format!("{SENSOR};pmin=1")]);
    first.observe(SENSOR, Some(Format::Text));
    second.observe(SENSOR, Some(Format::SenmlCbor));
    measure(&device, 25.0);
    assert_eq!(told(&second), 25.0);
    first.not_notified(SENSOR, QUIET);
    measure(&device, 31.0);
    assert_eq!((told(&first), told(&second)), (31.0, 31.0));
    // One cancels; the other goes on.
    assert_eq!(second.run(|name| coracle_leshan_peer::Command::cancel(name, SENSOR)).code, Code::CONTENT);
    measure(&device, 29.0);
    assert_eq!(told(&first), 29.0);
    second.not_notified(SENSOR, QUIET);
    assert_eq!(device.count(|event| matches!(event, Event::ObservationStarted { .. })), 2);
    // What one writes, the other sees.
    first.observe("/3/0/14", Some(Format::Text));
    assert_eq!(second.write("/3/0/14", Mode::Replace, "-03:00", Some(Format::Text)), Code::CHANGED);
    assert_eq!(first.notified("/3/0/14").1.content.get("/3/0/14"), Some(&"-03:00".into()));
}

/// Each has its instance of object 1, with its own lifetime.
fn accounts_of_the_other_server_are_not_shown_as_its_own(over: Transport) {
    let Some((_device, first, second)) = connect(over, "two-accounts") else { return };
    assert_eq!(first.write("/1/0/1", Mode::Replace, 1000, Some(Format::Text)), Code::CHANGED);
    assert_eq!(first.updated().1.lifetime, 1000);
    second.stays_registered(QUIET);
    assert_eq!(second.write("/1/1/1", Mode::Replace, 2000, Some(Format::Text)), Code::CHANGED);
    assert_eq!(second.updated().1.lifetime, 2000);
    first.stays_registered(QUIET);
    assert_eq!(first.execute("/1/0/8", None), Code::CHANGED);
    first.updated();
    second.stays_registered(QUIET);
    assert_eq!(first.read("/0", Some(Format::Tlv)).code, Code::UNAUTHORIZED);
    assert_eq!(second.read("/0", Some(Format::Tlv)).code, Code::UNAUTHORIZED);
}

fn one_dies_and_the_other_does_not_notice(over: Transport) {
    let Some(mortal) = over.options().and_then(Server::start) else { return };
    let mortal = mortal.endpoint(over, "two-outage");
    let Some(second) = Server::with_connection_ids(Transport::Psk) else { return };
    let second = second.endpoint_named(Transport::Psk, &mortal.name);
    let accounts = [mortal.account.clone().lifetime(4), second.account.clone().short_server_id(2)];
    let device = Device::start::<Secure>(&mortal.name, &accounts);
    mortal.registered();
    second.registered();
    second.observe(SENSOR, Some(Format::Text));
    mortal.observe(SENSOR, Some(Format::Text));
    mortal.server.stop();
    let mut celsius = 0.0_f32;
    while device.state(FIRST) != RegistrationState::Waiting {
        celsius += 1.0;
        measure(&device, celsius);
        assert_eq!(told(&second), f64::from(celsius), "while the device looks for the first");
        assert_eq!(second.read("/3/0/0", Some(Format::Text)).code, Code::CONTENT);
        std::thread::sleep(Duration::from_millis(100));
    }
    mortal.server.resume();
    mortal.registered();
    device.wait_state_of(FIRST, RegistrationState::Registered);
    mortal.observe(SENSOR, Some(Format::Text));
    measure(&device, 99.0);
    assert_eq!((told(&mortal), told(&second)), (99.0, 99.0));
    let registering = Event::Registration { server: SECOND, state: RegistrationState::Registering };
    assert_eq!(device.count(|event| *event == registering), 1, "the second was left in peace");
    second.stays_registered(Duration::from_millis(100));
}
