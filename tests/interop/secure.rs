//! DTLS sessions from end to end, with each kind of credential: what makes a handshake, and what does not.

use std::time::Duration;

use coracle::crypto::Connected;
use coracle::{Event, RegistrationState, ServerIndex, SessionEvent};
use coracle_leshan_peer::{Code, Format, Value};
use coracle_peer_programs::Weather;
use coracle_test_device::Device;
use coracle_test_device::profiles::{Confirmable, Secure, ShortHello, Small};

use crate::server::{Endpoint, Server};
use crate::transport::{Transport, over_each_credential};

over_each_credential!(
    registered_read_observed_and_gone,
    a_short_first_hello_gets_a_cookie,
    a_restarted_server_is_found_by_itself,
    with_a_connection_id_another_source_port_needs_nothing,
    without_one_the_session_is_resumed_or_made_anew,
);

const SERVER: ServerIndex = ServerIndex(0);
const SENSOR: &str = "/3303/0/5700";

/// The handshakes that were completed so far.
fn handshakes(device: &Device) -> Vec<Connected> {
    let agreed = |event: &Event| match event {
        Event::Transport { event: SessionEvent::Secured(agreed), .. } => Some(*agreed),
        _ => None,
    };
    device.events().iter().filter_map(agreed).collect()
}

fn last_handshake(device: &Device) -> Connected {
    handshakes(device).pop().expect("a handshake")
}

/// A change arrives, and the server gets an answer.
fn works(device: &Device, server: &Endpoint, celsius: f32) {
    notifies(device, server, celsius);
    assert_eq!(server.read("/3/0/0", Some(Format::Text)).value("/3/0/0"), Some(&"Coracle".into()));
}

fn notifies(device: &Device, server: &Endpoint, celsius: f32) {
    device.update(move |things| things.temperature[0].set_sensor_value(celsius));
    let (_, notification) = server.notified(SENSOR);
    assert_eq!(notification.content.get(SENSOR), Some(&Value::Float(celsius.into())));
}

fn start(server: &Endpoint) -> Device {
    let device = server.start::<Secure>();
    let registration = server.registered();
    assert!(registration.secure);
    device.wait_state(RegistrationState::Registered);
    server.observe(SENSOR, Some(Format::SenmlCbor));
    device
}

fn registered_read_observed_and_gone(over: Transport) {
    let Some(server) = Server::with_connection_ids(over) else { return };
    let server = server.endpoint(over, "session");
    let device = server.start::<Secure>();
    let registration = server.registered();
    assert!(registration.secure);
    let dtls = registration.coap.and_then(|coap| coap.dtls).expect("a session");
    let expected = match over {
        Transport::Plain | Transport::Psk => "TLS_PSK_WITH_AES_128_CCM_8",
        Transport::RawPublicKey | Transport::Certificate => "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
    };
    assert_eq!(dtls.cipher, expected);
    device.wait_state(RegistrationState::Registered);
    let agreed = last_handshake(&device);
    assert!(!agreed.resumed && agreed.connection_id, "{agreed:?}");
    assert_eq!(agreed.time_checked, over == Transport::Certificate);

    server.observe(SENSOR, Some(Format::SenmlCbor));
    works(&device, &server, 1.0);
    works(&device, &server, 2.0);
    assert_eq!(server.execute("/1/0/8", None), Code::CHANGED);
    server.updated();
    device.deregister();
    assert!(!server.unregistered());
    device.wait_state(RegistrationState::Idle);
    // From the beginning, after a session that was closed.
    device.register();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    assert_eq!(handshakes(&device).len(), 2);
    assert_eq!(device.alert(SERVER), None);
}

/// Leshan's cookies cover what both hellos have in common: it needs no extension for one. Those of the second hello count.
fn a_short_first_hello_gets_a_cookie(over: Transport) {
    let Some(server) = Server::with_connection_ids(over) else { return };
    let start = |round: u8| {
        let mut server = server.endpoint(over, &format!("short-hello-{round}"));
        let proxy = server.behind_proxy(over, Weather::FAIR, 0);
        let device = server.start::<ShortHello>();
        server.registered();
        // Two hellos, the last flight, and Register.
        (proxy.counts()[0] == 4).then_some((device, server, proxy))
    };
    // To a server that is slow the device repeats itself: that says nothing.
    let (device, server, _proxy) = (0..5).find_map(start).expect("a handshake of three datagrams");
    device.wait_state(RegistrationState::Registered);
    let agreed = last_handshake(&device);
    assert!(!agreed.resumed && agreed.connection_id, "{agreed:?}");
    server.observe(SENSOR, Some(Format::SenmlCbor));
    works(&device, &server, 1.0);
    // The session is offered in a whole hello, and resumed.
    device.deregister();
    server.unregistered();
    device.wait_state(RegistrationState::Idle);
    device.register();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    assert!(last_handshake(&device).resumed, "{:?}", device.events());
    assert_eq!(handshakes(&device).len(), 2);
}

/// Suites that the other profiles have: a tag of 16 bytes, and forward secrecy for a pre-shared key.
#[test]
fn other_suites() {
    let Some(server) = Server::shared() else { return };
    let suite = |server: &Endpoint| {
        let dtls = server.registered().coap.and_then(|coap| coap.dtls).expect("a session");
        assert_eq!(server.read("/3/0/0", None).code, Code::CONTENT);
        dtls.cipher
    };
    let (long, forward) =
        (server.endpoint(Transport::Psk, "suite-ccm"), server.endpoint(Transport::Psk, "suite-ecdhe"));
    let _devices = (long.start::<Small>(), forward.start::<Confirmable>());
    assert_eq!(suite(&long), "TLS_PSK_WITH_AES_128_CCM");
    assert_eq!(suite(&forward), "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256");
}

/// The server forgets sessions and registrations. The next Update tells the device.
fn a_restarted_server_is_found_by_itself(over: Transport) {
    let Some(options) = over.options() else { return };
    let Some(server) = Server::start(options.connection_id(6)) else { return };
    let mut server = server.endpoint(over, "restart");
    server.account = server.account.clone().lifetime(6);
    let device = start(&server);
    server.server.restart();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    let agreed = last_handshake(&device);
    assert!(!agreed.resumed && agreed.connection_id, "{agreed:?}");
    server.observe(SENSOR, Some(Format::SenmlCbor));
    works(&device, &server, 3.0);
}

/// What a NAT does: neither side is asked.
fn with_a_connection_id_another_source_port_needs_nothing(over: Transport) {
    let Some(server) = Server::with_connection_ids(over) else { return };
    let mut server = server.endpoint(over, "roaming");
    let proxy = server.behind_proxy(over, Weather::FAIR, 0);
    let device = start(&server);
    works(&device, &server, 1.0);
    for round in 2..4_u8 {
        proxy.change_source_port();
        notifies(&device, &server, round.into());
        // Leshan sends requests to the address that the last Register or Update came from.
        device.update_registration(SERVER);
        let (_, registration) = server.updated();
        assert_ne!(Some(&registration.address), registration.previous_address.as_ref());
        works(&device, &server, f32::from(round) + 0.5);
    }
    // The device itself may change it as well.
    device.reconnect(SERVER);
    server.updated();
    works(&device, &server, 9.0);
    server.stays_registered(Duration::from_millis(200));
    assert_eq!(handshakes(&device).len(), 1, "{:?}", device.events());
}

/// The server does not know who sends from the new port: the next Update gets no answer.
fn without_one_the_session_is_resumed_or_made_anew(over: Transport) {
    let Some(server) = over.options().and_then(Server::start) else { return };
    let mut server = server.endpoint(over, "stationary");
    let proxy = server.behind_proxy(over, Weather::FAIR, 0);
    let device = start(&server);
    works(&device, &server, 1.0);
    assert!(!last_handshake(&device).connection_id);

    proxy.change_source_port();
    device.update_registration(SERVER);
    server.updated();
    assert!(last_handshake(&device).resumed, "{:?}", device.events());
    works(&device, &server, 2.0);

    // The device knows of the change: no time is lost, and the registration stays.
    device.reconnect(SERVER);
    server.updated();
    assert_eq!((handshakes(&device).len(), last_handshake(&device).resumed), (3, true));
    works(&device, &server, 3.0);

    // The server has forgotten the session.
    server.server.restart();
    device.reconnect(SERVER);
    server.registered();
    device.wait_state(RegistrationState::Registered);
    assert_eq!((handshakes(&device).len(), last_handshake(&device).resumed), (4, false));
    server.observe(SENSOR, Some(Format::SenmlCbor));
    works(&device, &server, 4.0);
}
