//! Update (LwM2M Core section 6.2.2): what makes the device send one, and what it says.

use std::time::{Duration, Instant};

use coracle::model::Instances;
use coracle::{RegistrationState, ServerIndex};
use coracle_leshan_peer::{Code, Format, Mode, Registration};
use coracle_test_device::profiles::Plain;
use coracle_test_device::{Device, LightControl};

use crate::server::{Server, connect};
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    a_written_lifetime_is_told_and_kept,
    a_short_lifetime_is_kept_alive,
    the_trigger_is_followed_by_an_update_without_parameters,
    instances_of_the_application_are_told_when_they_come_and_go,
    values_are_no_reason_for_an_update,
);

const NO_PARAMETERS: [&str; 0] = [];

fn paths(registration: &Registration) -> Vec<&str> {
    registration.links.iter().map(|link| link.path.as_str()).collect()
}

/// LightweightM2M-1.1-int-102: a written lifetime is told at once, and the next Updates follow it.
fn a_written_lifetime_is_told_and_kept(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "update-lifetime") else { return };
    let written = Instant::now();
    assert_eq!(server.write("/1/0/1", Mode::Replace, 12, Some(Format::Text)), Code::CHANGED);
    let (first, registration) = server.updated();
    assert_eq!((registration.lifetime, registration.query.as_slice()), (12, &["lt=12".to_owned()][..]));
    assert_eq!(registration.payload, "");
    let (second, registration) = server.updated();
    assert_eq!(registration.query, NO_PARAMETERS, "nothing new");
    // The first may be seen late: what is too early is counted from the Write.
    assert!(second - written >= Duration::from_secs(5), "{:?}", second - written);
    assert!(second - first < Duration::from_secs(12), "{:?}", second - first);
    assert_eq!(server.read("/1/0/1", Some(Format::Text)).value("/1/0/1"), Some(&12.into()));
}

/// LightweightM2M-1.1-int-107: a short lifetime is kept alive by Updates, and never runs out.
fn a_short_lifetime_is_kept_alive(over: Transport) {
    let Some(server) = Server::shared() else { return };
    let endpoint = server.endpoint(over, "update-short");
    let device = Device::start::<Plain>(&endpoint.name, &[endpoint.account.clone().lifetime(12)]);
    endpoint.registered();
    let mut last = None;
    for _ in 0..3 {
        let (at, registration) = endpoint.updated();
        assert_eq!(registration.lifetime, 12);
        if let Some(last) = last.replace(at) {
            let wait = at - last;
            assert!(wait >= Duration::from_secs(1) && wait < Duration::from_secs(12), "{wait:?}");
        }
    }
    let registering =
        coracle::Event::Registration { server: ServerIndex(0), state: RegistrationState::Registering };
    assert_eq!(device.count(|event| *event == registering), 1, "it registered once");
    device.stop();
    assert!(!endpoint.unregistered(), "de-registered, not expired");
}

/// LightweightM2M-1.1-int-104: the trigger is answered, and an Update without parameters follows.
fn the_trigger_is_followed_by_an_update_without_parameters(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "update-trigger") else { return };
    assert_eq!(server.execute("/1/0/8", None), Code::CHANGED);
    let (_, registration) = server.updated();
    assert_eq!((registration.query.as_slice(), registration.payload.as_str()), (&[][..], ""));
    device.update_registration(ServerIndex(0));
    let (_, registration) = server.updated();
    assert_eq!(registration.query, NO_PARAMETERS, "the application may ask as well");
    assert_eq!(registration.lifetime, 300);
}

fn instances_of_the_application_are_told_when_they_come_and_go(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "update-objects") else { return };
    let light = |instances: &mut Instances<LightControl, 40>, id| {
        assert!(instances.insert(id, LightControl::new()).is_ok());
    };
    device.update(move |things| {
        light(&mut things.light, 9);
        light(&mut things.light, 4);
    });
    let (_, registration) = server.updated();
    assert_eq!(registration.query, NO_PARAMETERS);
    assert_eq!(registration.coap.as_ref().and_then(|coap| coap.format), Some(40));
    assert!(paths(&registration).contains(&"/3311/9") && paths(&registration).contains(&"/3311/4"));
    device.update(|things| things.light.remove(9).is_some());
    let (_, registration) = server.updated();
    assert!(!paths(&registration).contains(&"/3311/9") && paths(&registration).contains(&"/3311/4"));
    device.update(|things| [0, 4].map(|id| things.light.remove(id).is_some()));
    let (_, registration) = server.updated();
    let lights: Vec<_> = paths(&registration).into_iter().filter(|path| path.starts_with("/3311")).collect();
    assert_eq!(lights, ["/3311"], "an object without instances is still told");
}

fn values_are_no_reason_for_an_update(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "update-values") else { return };
    device.update(|things| things.temperature[0].set_sensor_value(1.0));
    assert_eq!(server.write("/3/0/14", Mode::Replace, "Z", Some(Format::Text)), Code::CHANGED);
    assert_eq!(server.write("/1/0/1", Mode::Replace, 300, Some(Format::Text)), Code::CHANGED, "as it was");
    assert_eq!(server.write("/1/0/7", Mode::Replace, "U", Some(Format::Text)), Code::CHANGED, "as it was");
    server.stays_registered(Duration::from_millis(700));
}
