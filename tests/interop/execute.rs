//! Execute (LwM2M Core section 6.3.5): with and without arguments, and refused.

use std::collections::BTreeMap;

use coracle::{Event, ServerIndex, model::Path};
use coracle_leshan_peer::{Code, Format, Value};
use coracle_test_device::Boot;
use coracle_test_device::profiles::Plain;

use crate::server::connect;
use crate::transport::{Transport, over_each_transport};
use crate::values::{below, types_of};

over_each_transport!(
    without_arguments,
    arguments_arrive_as_they_were_sent,
    refusals_of_the_application_reach_the_server,
    wrong_targets_are_refused,
    reboot_and_factory_reset_are_answered_and_then_done,
    the_error_codes_are_reset,
);

fn without_arguments(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "execute-plain") else { return };
    assert_eq!(server.execute("/3303/0/5605", None), Code::CHANGED);
    let held = device.look(|things| {
        (things.temperature[0].min_measured_value(), things.temperature[0].max_measured_value())
    });
    assert_eq!(held, (21.5, 21.5));
    let path = Path::resource(3303, 0, 5605);
    device.next_is("Execute", |event| *event == Event::Executed { server: ServerIndex(0), path });
}

fn arguments_arrive_as_they_were_sent(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "execute-arguments") else { return };
    for (arguments, expected) in [
        ("0='hello'", vec![(0, "hello")]),
        ("0", vec![(0, "-")]),
        ("0='a,b',3,9='http://x/y?z=1'", vec![(0, "a,b"), (3, "-"), (9, "http://x/y?z=1")]),
        ("5=''", vec![(5, "")]),
    ] {
        assert_eq!(server.execute("/3442/0/3", Some(arguments)), Code::CHANGED, "{arguments}");
        let expected: BTreeMap<_, _> =
            expected.into_iter().map(|(n, text)| (format!("/3442/0/4/{n}"), Value::from(text))).collect();
        assert_eq!(below(&types_of(&device), "/3442/0/4"), expected, "{arguments}");
    }
    assert_eq!(server.execute("/3442/0/3", None), Code::CHANGED);
    assert!(below(&types_of(&device), "/3442/0/4").is_empty());
}

fn refusals_of_the_application_reach_the_server(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "execute-refused") else { return };
    for (arguments, code) in [
        ("0='busy'", Code(5, 3)),
        ("0='broken'", Code(5, 0)),
        ("0='wrong'", Code::BAD_REQUEST),
        ("0='never'", Code::METHOD_NOT_ALLOWED),
    ] {
        assert_eq!(server.execute("/33001/0/2", Some(arguments)), code, "{arguments}");
    }
    assert_eq!(device.look(|things| things.gate.openings()), 0);
    assert_eq!(device.count(|event| matches!(event, Event::Executed { .. })), 0);
    assert_eq!(server.execute("/33001/0/2", None), Code::CHANGED);
    assert_eq!(server.read("/33001/0/8", Some(Format::Text)).value("/33001/0/8"), Some(&1.into()));
}

/// What cannot be executed.
fn wrong_targets_are_refused(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "execute-wrong") else { return };
    for (path, code) in [
        ("/3/0/0", Code::METHOD_NOT_ALLOWED),
        ("/3/0/9", Code::METHOD_NOT_ALLOWED),
        ("/3/0/99", Code::NOT_FOUND),
        ("/3/7/4", Code::NOT_FOUND),
        ("/9999/0/4", Code::NOT_FOUND),
    ] {
        assert_eq!(server.execute(path, None), code, "{path}");
    }
}

/// LightweightM2M-1.1-int-241: Reboot is answered, and the device registers anew.
fn reboot_and_factory_reset_are_answered_and_then_done(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "execute-reboot") else { return };
    for (path, boot) in [("/3/0/4", Boot::Reboot), ("/3/0/5", Boot::FactoryReset)] {
        server.execute_last(path);
        let registration = server.registered();
        assert!(registration.replaces.is_some(), "a fresh Register, not an Update");
        assert!(!server.unregistered(), "Leshan has finished with the old registration");
        assert_eq!(device.boots().last(), Some(&boot));
    }
    assert_eq!(device.boots(), [Boot::Power, Boot::Reboot, Boot::FactoryReset]);
}

/// The errors of the device are a multiple resource that a server can reset.
fn the_error_codes_are_reset(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "execute-errors") else { return };
    device.update(|things| {
        things.device.raise(coracle::objects::ErrorCode::LowBatteryPower);
        things.device.raise(coracle::objects::ErrorCode::OutOfMemory);
    });
    let errors = || {
        let answer = server.read("/3/0/11", Some(Format::Tlv));
        answer.content.into_values().collect::<Vec<_>>()
    };
    assert_eq!(errors(), [Value::from(1), Value::from(5)]);
    assert_eq!(server.execute("/3/0/12", None), Code::CHANGED);
    assert_eq!(errors(), [Value::from(0)]);
}
