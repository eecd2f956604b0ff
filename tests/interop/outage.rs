//! Servers, networks and names that are not there for a time: the device finds back by itself, and loses nothing that it
//! promised to keep.

use std::time::Duration;

use coracle::{Event, Failure, RegistrationState, ServerIndex};
use coracle_leshan_peer::{Format, Value};
use coracle_peer_programs::Weather;
use coracle_test_device::Device;
use coracle_test_device::profiles::{Confirmable, Plain};

use crate::server::{Endpoint, Server};
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    a_server_that_is_away_and_comes_back,
    a_server_that_comes_later_than_the_device,
    a_network_that_is_away_and_comes_back,
    a_name_that_is_not_known_at_first,
    a_name_with_an_address_where_nobody_listens,
);

const SERVER: ServerIndex = ServerIndex(0);
const SENSOR: &str = "/3303/0/5700";

fn failed(event: &Event) -> Option<Failure> {
    match event {
        Event::RegistrationFailed { server: SERVER, failure } => Some(*failure),
        _ => None,
    }
}

/// What an attempt without an answer ends with.
fn no_answer(over: Transport) -> Failure {
    if over.is_secure() { Failure::NotSecured } else { Failure::NoAnswer }
}

fn is_served(server: &Endpoint) {
    assert_eq!(server.read("/3/0/0", Some(Format::Text)).value("/3/0/0"), Some(&"Coracle".into()));
}

fn a_server_that_is_away_and_comes_back(over: Transport) {
    let Some(server) = over.options().and_then(Server::start) else { return };
    let mut server = server.endpoint(over, "outage");
    server.account = server.account.clone().lifetime(6);
    let device = server.start::<Plain>();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    for _ in 0..2 {
        server.server.stop();
        // The Update first, then Register, with growing waits.
        device.wait_state(RegistrationState::Waiting);
        while device.next("failure", failed) != no_answer(over) {}
        server.server.resume();
        server.registered();
        device.wait_state(RegistrationState::Registered);
        is_served(&server);
    }
    device.stop();
    assert!(!server.unregistered());
}

fn a_server_that_comes_later_than_the_device(over: Transport) {
    let Some(server) = over.options().and_then(Server::start) else { return };
    let server = server.endpoint(over, "early");
    server.server.stop();
    let device = server.start::<Plain>();
    for _ in 0..2 {
        assert_eq!(device.next("failure", failed), no_answer(over));
    }
    server.server.resume();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    is_served(&server);
}

/// The server keeps the registration meanwhile. Confirmable notifications wait, and arrive in their order.
fn a_network_that_is_away_and_comes_back(over: Transport) {
    let Some(server) = Server::shared() else { return };
    let mut server = server.endpoint(over, "cut");
    let proxy = server.behind_proxy(over, Weather::FAIR, 0);
    let device = server.start::<Confirmable>();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    server.observe(SENSOR, Some(Format::SenmlCbor));
    proxy.cut(true);
    for celsius in 1..=5_u8 {
        device.update(move |things| things.temperature[0].set_sensor_value(celsius.into()));
        std::thread::sleep(Duration::from_millis(400));
    }
    proxy.cut(false);
    for celsius in 1..=5_u8 {
        let (_, notification) = server.notified(SENSOR);
        assert_eq!(notification.content.get(SENSOR), Some(&Value::Float(celsius.into())));
    }
    is_served(&server);
    assert_eq!(device.count(|event| matches!(event, Event::NotificationLost { .. })), 0);
}

/// DNS that fails at first start.
fn a_name_that_is_not_known_at_first(over: Transport) {
    let Some(server) = Server::shared() else { return };
    let server = named(over, &server.endpoint(over, "nameless"));
    let device =
        Device::start_where_names_are::<Plain>(false, &server.name, std::slice::from_ref(&server.account));
    for _ in 0..3 {
        assert_eq!(device.next("failure", failed), Failure::Unreachable);
    }
    device.mend_names();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    is_served(&server);
}

/// `localhost` is two addresses where there is IPv6, and Leshan listens on one of them.
fn a_name_with_an_address_where_nobody_listens(over: Transport) {
    let Some(server) = Server::shared() else { return };
    let server = named(over, &server.endpoint(over, "named"));
    let device = server.start::<Plain>();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    is_served(&server);
    device.stop();
    assert!(!server.unregistered());
}

/// The same server by a name.
fn named(over: Transport, server: &Endpoint) -> Endpoint {
    let ports = server.server.with(|leshan| leshan.ports());
    let (scheme, port) = if over.is_secure() { ("coaps", ports.coaps) } else { ("coap", ports.coap) };
    let account = server.account.clone().uri(format!("{scheme}://localhost:{port}"));
    Endpoint { server: server.server.clone(), name: server.name.clone(), account }
}
