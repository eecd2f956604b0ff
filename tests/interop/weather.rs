//! A network that loses a fifth of all datagrams, repeats and reorders others, between the device and Leshan.

use coracle::{Event, RegistrationState};
use coracle_leshan_peer::{Code, Format, Options, Value};
use coracle_peer_programs::Weather;
use coracle_test_device::profiles::Confirmable;

use crate::server::Server;
use crate::transport::{Transport, over_each_transport};

over_each_transport!(what_is_confirmed_happens_once_and_in_order);

const SENSOR: &str = "/3303/0/5700";
const SEEDS: u64 = 4;

/// Executes are not lost and not repeated; confirmable notifications all arrive, in their order.
fn what_is_confirmed_happens_once_and_in_order(over: Transport) {
    let options = Options::default()
        .setting("COAP.ACK_TIMEOUT", "500[ms]")
        .setting("COAP.MAX_RETRANSMIT", "20")
        .setting("COAP.MAX_ACK_TIMEOUT", "2[s]");
    let Some(server) = Server::start(options) else { return };
    std::thread::scope(|scope| {
        for seed in 1..=SEEDS {
            let server = &server;
            scope.spawn(move || one_device(over, server, seed));
        }
    });
}

fn one_device(over: Transport, server: &Server, seed: u64) {
    let mut server = server.endpoint(over, &format!("weather-{seed}"));
    let _proxy = server.behind_proxy(over, Weather::BAD, seed);
    let device = server.start::<Confirmable>();
    server.registered();
    device.wait_state(RegistrationState::Registered);
    server.observe(SENSOR, Some(Format::SenmlCbor));
    for round in 1..=8_u8 {
        device.update(move |things| things.temperature[0].set_sensor_value(round.into()));
        assert_eq!(server.execute("/33001/0/2", None), Code::CHANGED, "seed {seed}");
    }
    let openings = server.read("/33001/0/8", Some(Format::Cbor));
    assert_eq!(openings.value("/33001/0/8"), Some(&8.into()), "seed {seed}");
    // A value whose acknowledgements were all lost comes again, under another message id.
    let mut told = vec![21.5];
    while told.last() != Some(&8.0) {
        let (_, notification) = server.notified(SENSOR);
        if notification.coap.kind == "ACK" {
            continue; // a late copy of the answer to Observe, which Californium takes for a notification
        }
        match notification.content.get(SENSOR) {
            Some(Value::Float(value)) => told.push(*value),
            other => panic!("{other:?}"),
        }
    }
    told.dedup();
    assert_eq!(told, [21.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], "seed {seed}");
    assert_eq!(device.count(|event| matches!(event, Event::NotificationLost { .. })), 0, "seed {seed}");
}
