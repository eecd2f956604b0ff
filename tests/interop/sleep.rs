//! A device that loses its RAM and its address in sleep, and goes on with what it has saved.

use std::time::{Duration, Instant};

use coracle::{Event, RegistrationState, ServerIndex, SessionEvent};
use coracle_leshan_peer::{Format, Value};
use coracle_peer_programs::{Proxy, Weather};
use coracle_test_device::Device;
use coracle_test_device::profiles::Secure;

use crate::server::{Endpoint, Server};
use crate::transport::{Transport, over_each_credential};

over_each_credential!(wakes_with_one_datagram, wakes_and_resumes_without_a_connection_id);

const SERVER: ServerIndex = ServerIndex(0);
const SENSOR: &str = "/3303/0/5700";

/// The RAM is gone, and the NAT has forgotten the device.
fn sleep(device: Device, server: &Endpoint, proxy: &Proxy) -> Device {
    let saved = device.save(SERVER);
    drop(device);
    proxy.change_source_port();
    Device::wake::<Secure>(&server.name, std::slice::from_ref(&server.account), saved)
}

fn handshakes(device: &Device) -> Vec<bool> {
    let resumed = |event: &Event| match event {
        Event::Transport { event: SessionEvent::Secured(agreed), .. } => Some(agreed.resumed),
        _ => None,
    };
    device.events().iter().filter_map(resumed).collect()
}

fn sensor(device: &Device, server: &Endpoint, celsius: f32) {
    device.update(move |things| things.temperature[0].set_sensor_value(celsius));
    let expected = Value::Float(celsius.into());
    // The first notification after a sleep may still have the value at power-on.
    while server.notified(SENSOR).1.content.get(SENSOR) != Some(&expected) {}
}

fn is_served(server: &Endpoint) {
    assert_eq!(server.read("/3/0/0", Some(Format::Text)).value("/3/0/0"), Some(&"Coracle".into()));
}

fn wakes_with_one_datagram(over: Transport) {
    let Some(server) = Server::with_connection_ids(over) else { return };
    let mut server = server.endpoint(over, "sleeper");
    let proxy = server.behind_proxy(over, Weather::FAIR, 0);
    let mut device = server.start::<Secure>();
    let id = server.registered().id;
    device.wait_state(RegistrationState::Registered);
    let mut measured = 0;
    for _ in 0..20 {
        let ([before, ..], started) = (proxy.counts(), Instant::now());
        device = sleep(device, &server, &proxy);
        let (_, update) = server.updated();
        device.wait_state(RegistrationState::Registered);
        assert_eq!(update.id, id, "the registration from before");
        let [after, ..] = proxy.counts();
        // Without an answer in this time the profile sends it again.
        if started.elapsed() < Duration::from_millis(500) {
            assert_eq!(after - before, 1, "the Update is all that it sends");
            measured += 1;
        }
        is_served(&server);
        assert!(handshakes(&device).is_empty(), "the session from before");
        if measured == 3 {
            break;
        }
    }
    assert!(measured > 0, "no Update of twenty was answered in half a second");
    // Observations survive as well.
    server.observe(SENSOR, Some(Format::SenmlCbor));
    sensor(&device, &server, 5.0);
    device = sleep(device, &server, &proxy);
    server.updated();
    sensor(&device, &server, 6.0);
    device.stop();
    assert!(!server.unregistered());
}

fn wakes_and_resumes_without_a_connection_id(over: Transport) {
    let Some(server) = over.options().and_then(Server::start) else { return };
    let mut server = server.endpoint(over, "sleeper");
    let proxy = server.behind_proxy(over, Weather::FAIR, 0);
    let device = server.start::<Secure>();
    let id = server.registered().id;
    device.wait_state(RegistrationState::Registered);
    server.observe(SENSOR, Some(Format::SenmlCbor));
    let device = sleep(device, &server, &proxy);
    assert_eq!(server.updated().1.id, id, "the registration from before");
    assert_eq!(handshakes(&device), [true]);
    is_served(&server);
    sensor(&device, &server, 6.0);
    // The server has forgotten everything meanwhile.
    let saved = device.save(SERVER);
    drop(device);
    server.server.restart();
    let device = Device::wake::<Secure>(&server.name, std::slice::from_ref(&server.account), saved);
    server.registered();
    device.wait_state(RegistrationState::Registered);
    assert_eq!(handshakes(&device), [false]);
    is_served(&server);
}
