//! Register and De-register (LwM2M Core section 6.2).

use coracle::RegistrationState;
use coracle_leshan_peer::Format;
use coracle_test_device::Device;
use coracle_test_device::profiles::{Confirmable, Plain, Small};

use crate::server::{Server, connect};
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    a_registration_tells_all_of_the_device,
    a_device_that_stops_deregisters,
    a_device_of_lwm2m_1_0_tells_its_version_and_formats,
    a_device_that_comes_back_replaces_its_registration,
    an_update_that_nobody_knows_becomes_a_register,
    a_refused_register_is_tried_again_until_it_is_accepted,
);

/// LightweightM2M-1.1-int-101: the registration has endpoint, lifetime, version, binding and the objects without /0.
fn a_registration_tells_all_of_the_device(over: Transport) {
    let Some(server) = Server::shared() else { return };
    let endpoint = server.endpoint(over, "register-all");
    let device = Device::start::<Plain>(&endpoint.name, &[endpoint.account.clone().lifetime(1234)]);
    let registration = endpoint.registered();
    assert_eq!(registration.lifetime, 1234);
    assert_eq!((registration.version.as_str(), registration.binding.as_str()), ("1.1", "U"));
    assert!(!registration.queue && registration.sms.is_none());
    assert_eq!(registration.secure, over.is_secure());
    assert_eq!(registration.identity, over.is_secure().then(|| endpoint.name.clone()));
    assert_eq!(registration.query, [&format!("ep={}", endpoint.name), "lt=1234", "lwm2m=1.1", "b=U"]);
    assert_eq!(
        registration.payload,
        "</>;rt=\"oma.lwm2m\";ct=\"0 42 60 110 112 11542\",</1>;ver=1.1,</1/0>,</3>;ver=1.1,</3/0>,\
         </3303>;ver=1.1,</3303/0>,</3303/1>,</3311/0>,</3442/0>,</33001/0>"
    );
    assert_eq!(registration.root, "/");
    assert_eq!(registration.formats, Some(vec![0, 40, 42, 60, 110, 112, 11542]));
    let objects: Vec<(u16, &str)> = registration.objects.iter().map(|(id, v)| (*id, v.as_str())).collect();
    assert_eq!(
        objects,
        [(1, "1.1"), (3, "1.1"), (3303, "1.1"), (3311, "1.0"), (3442, "1.0"), (33001, "1.0")]
    );
    let coap = registration.coap.expect("the request");
    assert_eq!((coap.kind.as_str(), coap.format), ("CON", Some(40)));
    device.wait_state(RegistrationState::Registered);
}

/// LightweightM2M-1.1-int-103, the part that ends a registration.
fn a_device_that_stops_deregisters(over: Transport) {
    let Some((device, endpoint)) = connect::<Confirmable>(over, "deregister") else { return };
    device.stop();
    assert!(!endpoint.unregistered(), "it did not just expire");
    let clients = endpoint.server.with(coracle_leshan_peer::Leshan::clients).unwrap();
    assert!(clients.iter().all(|client| client.endpoint != endpoint.name));
}

fn a_device_of_lwm2m_1_0_tells_its_version_and_formats(over: Transport) {
    let Some(server) = Server::shared() else { return };
    let endpoint = server.endpoint(over, "register-1.0");
    let _device = endpoint.start::<Small>();
    let registration = endpoint.registered();
    assert_eq!((registration.version.as_str(), registration.binding.as_str()), ("1.0", "U"));
    assert_eq!(registration.formats, Some(vec![0, 42, 11542]));
    assert_eq!(endpoint.read("/3303/0", None).format(), Some(Format::Tlv), "the preferred one");
}

fn a_device_that_comes_back_replaces_its_registration(over: Transport) {
    let Some((device, endpoint)) = connect::<Plain>(over, "replace") else { return };
    drop(device); // as if it lost power
    let _device = endpoint.start::<Plain>();
    assert!(endpoint.registered().replaces.is_some());
}

/// LightweightM2M-1.1-int-105: a server that has forgotten the device gets a full Register instead of the Update.
fn an_update_that_nobody_knows_becomes_a_register(over: Transport) {
    let Some((device, endpoint)) = connect::<Plain>(over, "forgotten") else { return };
    endpoint.server.with(|leshan| leshan.drop_registration(&endpoint.name)).unwrap();
    device.update_registration(coracle::ServerIndex(0));
    let again = endpoint.registered();
    assert_eq!(again.query, [&format!("ep={}", endpoint.name), "lt=300", "lwm2m=1.1", "b=U"]);
    device.wait_state(RegistrationState::Registered);
}

/// The state is never a terminal one: a refused Register is tried again.
fn a_refused_register_is_tried_again_until_it_is_accepted(over: Transport) {
    let Some(server) = Server::shared() else { return };
    let endpoint = server.endpoint(over, "refused");
    server.with(|leshan| leshan.refuse(&endpoint.name, true)).unwrap();
    let device = endpoint.start::<Plain>();
    let refusal = |event: &coracle::Event| match event {
        coracle::Event::RegistrationFailed { failure, .. } => Some(*failure),
        _ => None,
    };
    for _ in 0..2 {
        let failure = device.next("refusal", refusal);
        assert_eq!(failure, coracle::Failure::Refused(coracle::engine::coap::Code::FORBIDDEN));
    }
    server.with(|leshan| leshan.refuse(&endpoint.name, false)).unwrap();
    endpoint.registered();
    device.wait_state(RegistrationState::Registered);
    let waits = device.count(|event| {
        matches!(event, coracle::Event::Registration { state: RegistrationState::Waiting, .. })
    });
    assert!(waits >= 2, "{:?}", device.events());
}
