//! The end of an observation by the server: with a request, or with RST (LwM2M Core section 6.4.3, RFC 7641 section 3.6).

use std::time::Duration;

use coracle::model::Path;
use coracle::{Event, Profile, ServerIndex};
use coracle_leshan_peer::{Code, Command, Format, Value};
use coracle_test_device::Device;
use coracle_test_device::profiles::{Confirmable, Plain};

use crate::server::{Endpoint, connect};
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    with_a_request,
    with_a_request_when_notifications_are_confirmable,
    with_a_reset,
    with_a_reset_of_a_confirmable_notification,
    by_observing_again,
    by_deregistering,
);

const CANCELLED: &str = "/3303/0/5700";
const KEPT: &str = "/3303/1/5700";
const QUIET: Duration = Duration::from_millis(600);

fn measure(device: &Device, celsius: f32) {
    device.update(move |things| {
        things.temperature.iter_mut().for_each(|sensor| sensor.set_sensor_value(celsius));
    });
}

/// Two observations that work.
fn observed<P: Profile + 'static>(over: Transport, name: &str) -> Option<(Device, Endpoint)> {
    let (device, server) = connect::<P>(over, name)?;
    for path in [CANCELLED, KEPT] {
        server.observe(path, Some(Format::Text));
    }
    measure(&device, 1.0);
    for path in [CANCELLED, KEPT] {
        assert_eq!(server.notified(path).1.content.get(path), Some(&Value::Float(1.0)));
    }
    Some((device, server))
}

fn ended(device: &Device) {
    let path = Path::resource(3303, 0, 5700);
    device.next_is("end of the observation", |event| {
        *event == Event::ObservationEnded { server: ServerIndex(0), path }
    });
}

/// Only the other one is told from now on.
fn only_the_other_goes_on(device: &Device, server: &Endpoint) {
    for value in [5.0, 6.0] {
        measure(device, value);
        assert_eq!(server.notified(KEPT).1.content.get(KEPT), Some(&Value::Float(f64::from(value))));
    }
    server.not_notified(CANCELLED, QUIET);
    assert_eq!(device.count(|event| matches!(event, Event::ObservationEnded { .. })), 1);
}

/// LightweightM2M-1.1-int-303: Observe = 1 is answered with the value, and ends it.
fn with_a_request(over: Transport) {
    let Some((device, server)) = observed::<Plain>(over, "cancel-active") else { return };
    let answer = server.run(|name| Command::cancel(name, CANCELLED));
    assert_eq!((answer.code, answer.coap.observe), (Code::CONTENT, None));
    assert_eq!(answer.value(CANCELLED), Some(&Value::Float(1.0)));
    ended(&device);
    only_the_other_goes_on(&device, &server);
}

fn with_a_request_when_notifications_are_confirmable(over: Transport) {
    let Some((device, server)) = observed::<Confirmable>(over, "cancel-active-con") else { return };
    assert_eq!(server.run(|name| Command::cancel(name, CANCELLED)).code, Code::CONTENT);
    ended(&device);
    only_the_other_goes_on(&device, &server);
}

/// LightweightM2M-1.1-int-302: RST in answer to a notification ends that observation, and no other.
fn with_a_reset(over: Transport) {
    let Some((device, server)) = observed::<Plain>(over, "cancel-passive") else { return };
    server.server.with(|leshan| leshan.cancel_passively(&server.name, CANCELLED)).unwrap();
    assert_eq!(
        device.count(|event| matches!(event, Event::ObservationEnded { .. })),
        0,
        "it does not know yet"
    );
    measure(&device, 2.0);
    ended(&device);
    assert_eq!(server.notified(KEPT).1.content.get(KEPT), Some(&Value::Float(2.0)));
    only_the_other_goes_on(&device, &server);
}

fn with_a_reset_of_a_confirmable_notification(over: Transport) {
    let Some((device, server)) = observed::<Confirmable>(over, "cancel-passive-con") else { return };
    server.server.with(|leshan| leshan.cancel_passively(&server.name, CANCELLED)).unwrap();
    // More than one waits in the store when the reset comes: none of them goes out any more.
    for value in [2.0, 3.0, 4.0] {
        measure(&device, value);
    }
    ended(&device);
    for value in [2.0, 3.0, 4.0] {
        assert_eq!(server.notified(KEPT).1.content.get(KEPT), Some(&Value::Float(value)));
    }
    only_the_other_goes_on(&device, &server);
}

/// Observing a path again takes another token: the first observation ends with its next notification.
fn by_observing_again(over: Transport) {
    let Some((device, server)) = observed::<Plain>(over, "cancel-again") else { return };
    server.observe(CANCELLED, Some(Format::SenmlCbor));
    measure(&device, 2.0);
    ended(&device);
    let (_, notification) = server.notified(CANCELLED);
    assert_eq!(notification.coap.format, Some(Format::SenmlCbor.number()));
    server.not_notified(CANCELLED, QUIET);
    measure(&device, 3.0);
    assert_eq!(server.notified(CANCELLED).1.content.get(CANCELLED), Some(&Value::Float(3.0)));
}

/// De-registering ends all of them.
fn by_deregistering(over: Transport) {
    let Some((device, server)) = observed::<Plain>(over, "cancel-deregister") else { return };
    device.deregister();
    assert!(!server.unregistered());
    for path in [Path::resource(3303, 0, 5700), Path::resource(3303, 1, 5700)] {
        device.next_is("end of the observation", |event| {
            *event == Event::ObservationEnded { server: ServerIndex(0), path }
        });
    }
    measure(&device, 9.0);
    server.not_notified(CANCELLED, QUIET);
}
