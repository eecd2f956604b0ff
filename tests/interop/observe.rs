//! Observe and Notify (LwM2M Core section 6.4): what is told, when, and how.

use std::time::{Duration, Instant};

use coracle::model::{Multiple, Time};
use coracle_leshan_peer::{Code, Command, Format, Mode, Node, Value};
use coracle_test_device::Device;
use coracle_test_device::profiles::{Confirmable, Plain};

use crate::server::{Endpoint, connect};
use crate::transport::{Transport, over_each_transport};
use crate::values::{below, types_of};

over_each_transport!(
    every_change_is_told_in_the_format_that_was_asked_for,
    changes_by_servers_are_told,
    objects_and_instances_are_observed,
    multiple_resources_and_their_instances_are_observed,
    periods_bound_the_time_between_notifications,
    default_periods_come_from_the_server_object,
    greater_than,
    less_than,
    step,
    band_and_step,
    attributes_take_effect_on_observations_that_run,
    confirmable_notifications_lose_no_value,
    a_deleted_instance_ends_its_observations,
    a_full_table_is_told,
    a_new_registration_ends_observations,
);

const SENSOR: &str = "/3303/0/5700";
/// Long enough for a notification that must not come to come.
const QUIET: Duration = Duration::from_millis(600);
/// What a slow machine may add to a time.
const SLACK: Duration = Duration::from_secs(15);

fn measure(device: &Device, celsius: f32) {
    device.update(move |things| things.temperature[0].set_sensor_value(celsius));
}

/// The next value of the sensor that is told, and when.
fn told(server: &Endpoint) -> (Instant, f64) {
    let (at, notification) = server.notified(SENSOR);
    match notification.content.get(SENSOR) {
        Some(Value::Float(value)) => (at, *value),
        other => panic!("{other:?}"),
    }
}

/// A notification that is due so many seconds after the one before, which was due so many after the Observe. That one may have
/// been seen late, so what is too early is counted from the Observe. Simulations look at the milliseconds.
fn is_due(what: &str, observed: Instant, [before, at]: [Instant; 2], due_before: u64, due: u64) {
    let (total, span) = (at - observed, at - before);
    assert!(total + Duration::from_millis(10) >= Duration::from_secs(due_before + due), "{what}: {total:?}");
    assert!(span <= Duration::from_secs(due) + SLACK, "{what}: {span:?}");
}

fn every_change_is_told_in_the_format_that_was_asked_for(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-formats") else { return };
    for format in [Format::Text, Format::Cbor, Format::SenmlJson, Format::SenmlCbor, Format::Tlv] {
        let answer = server.observe(SENSOR, Some(format));
        assert_eq!((answer.format(), answer.coap.observe.is_some()), (Some(format), true));
        let mut last = answer.coap.observe;
        for step in 1..=3u8 {
            measure(&device, 30.0 + f32::from(step) / 4.0);
            let (_, notification) = server.notified(SENSOR);
            assert_eq!(notification.code, Code::CONTENT);
            assert_eq!(notification.content.get(SENSOR), Some(&Value::Float(30.0 + f64::from(step) / 4.0)));
            assert_eq!(notification.coap.format, Some(format.number()));
            assert_eq!(notification.coap.kind, "NON");
            assert!(notification.coap.observe > last, "sequence numbers count up");
            last = notification.coap.observe;
        }
        assert_eq!(server.run(|name| Command::cancel(name, SENSOR)).code, Code::CONTENT);
    }
    server.not_notified(SENSOR, QUIET);
}

/// Writes of the server itself and Executes are changes too.
fn changes_by_servers_are_told(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "observe-server") else { return };
    server.observe("/3/0/14", Some(Format::Text));
    assert_eq!(server.write("/3/0/14", Mode::Replace, "-11:00", Some(Format::Text)), Code::CHANGED);
    assert_eq!(server.notified("/3/0/14").1.content.get("/3/0/14"), Some(&"-11:00".into()));
    server.observe("/3303/0/5601", Some(Format::Text));
    assert_eq!(server.execute("/3303/0/5605", None), Code::CHANGED);
    assert_eq!(server.notified("/3303/0/5601").1.content.get("/3303/0/5601"), Some(&Value::Float(21.5)));
    server.observe("/1/0/1", Some(Format::Text));
    assert_eq!(server.write("/1/0/1", Mode::Replace, 500, Some(Format::Text)), Code::CHANGED);
    assert_eq!(server.notified("/1/0/1").1.content.get("/1/0/1"), Some(&500.into()));
}

/// Objects and instances are observed as a whole; instances that are created join in.
fn objects_and_instances_are_observed(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-object") else { return };
    let answer = server.observe("/3442/0", Some(Format::SenmlCbor));
    assert_eq!(answer.content, types_of(&device));
    device.update(|things| {
        things.types.set_integer(1);
        things.types.set_time(Time(2));
        things.types.set_integers(Multiple::from_values([3, 4]));
    });
    let (_, notification) = server.notified("/3442/0");
    assert_eq!(notification.content, types_of(&device), "one notification has all of it");
    server.not_notified("/3442/0", QUIET);

    server.observe("/3311", Some(Format::Tlv));
    let node = Node::instance([(5850, Node::from(true)), (5851, Node::from(33))]);
    let created = server.run(|name| Command::create(name, "/3311/6", node).format(Format::Tlv));
    assert_eq!(created.code, Code::CREATED);
    let (_, notification) = server.notified("/3311");
    assert_eq!(notification.content.get("/3311/6/5851"), Some(&33.into()));
    assert_eq!(notification.content.get("/3311/0/5851"), Some(&0.into()));
    assert_eq!(server.run(|name| Command::delete(name, "/3311/6")).code, Code::DELETED);
    let (_, notification) = server.notified("/3311");
    assert!(notification.content.keys().all(|path| path.starts_with("/3311/0/")), "{notification:?}");
}

/// A multiple resource, and one of its instances: the observer of the instance hears of that one only.
fn multiple_resources_and_their_instances_are_observed(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-multiple") else { return };
    server.observe("/3442/0/1120", Some(Format::SenmlJson));
    server.observe("/3442/0/1120/1", Some(Format::Cbor));
    device.update(|things| things.types.set_integers(Multiple::from_values([-7, 0, 127, 32_768])));
    let (_, notification) = server.notified("/3442/0/1120");
    assert_eq!(notification.content, below(&types_of(&device), "/3442/0/1120"));
    server.not_notified("/3442/0/1120/1", QUIET);
    device.update(|things| things.types.set_integers(Multiple::from_values([-7, 99])));
    assert_eq!(server.notified("/3442/0/1120/1").1.content.get("/3442/0/1120/1"), Some(&99.into()));
    assert_eq!(server.notified("/3442/0/1120").1.content.len(), 2);
}

/// LightweightM2M-1.1-int-301: nothing before pmin, something at pmax.
fn periods_bound_the_time_between_notifications(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-periods") else { return };
    assert_eq!(server.attributes(SENSOR, "pmin=3&pmax=8"), Code::CHANGED);
    let observed = Instant::now();
    server.observe(SENSOR, Some(Format::Text));
    measure(&device, 1.0);
    measure(&device, 2.0);
    let (first, value) = told(&server);
    assert_eq!(value, 2.0, "only the newest of them");
    is_due("pmin", observed, [observed, first], 0, 3);
    let (second, value) = told(&server);
    assert_eq!(value, 2.0, "unchanged");
    is_due("pmax", observed, [first, second], 3, 8);
    measure(&device, 3.0);
    let (third, value) = told(&server);
    assert_eq!(value, 3.0);
    is_due("pmin again", observed, [second, third], 11, 3);
}

/// The server's own periods (1/x/2 and 1/x/3) hold where no attribute says otherwise.
fn default_periods_come_from_the_server_object(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-defaults") else { return };
    assert_eq!(server.write("/1/0/3", Mode::Replace, 6, Some(Format::Text)), Code::CHANGED);
    assert_eq!(server.write("/1/0/2", Mode::Replace, 1, Some(Format::Text)), Code::CHANGED);
    let observed = Instant::now();
    server.observe(SENSOR, Some(Format::Text));
    let (first, value) = told(&server);
    assert_eq!(value, 21.5);
    is_due("default pmax", observed, [observed, first], 0, 6);
    measure(&device, 5.0);
    let (second, value) = told(&server);
    assert_eq!(value, 5.0);
    is_due("default pmin", observed, [first, second], 6, 1);
}

/// gt: crossing it in either direction is told, everything else is not.
fn greater_than(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-gt") else { return };
    assert_eq!(server.attributes(SENSOR, "gt=25"), Code::CHANGED);
    server.observe(SENSOR, Some(Format::Text));
    thresholds(
        &device,
        &server,
        &[(24.0, false), (25.5, true), (30.0, false), (26.0, false), (24.5, true), (1.0, false)],
    );
}

/// lt: crossing it in either direction is told, everything else is not.
fn less_than(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-lt") else { return };
    assert_eq!(server.attributes(SENSOR, "lt=20"), Code::CHANGED);
    server.observe(SENSOR, Some(Format::Text));
    thresholds(&device, &server, &[(20.5, false), (19.5, true), (-5.0, false), (21.0, true), (40.0, false)]);
}

/// st: a change by that much since the last notification is told.
fn step(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-st") else { return };
    assert_eq!(server.attributes(SENSOR, "st=2"), Code::CHANGED);
    server.observe(SENSOR, Some(Format::Text));
    thresholds(
        &device,
        &server,
        &[(22.0, false), (23.0, false), (23.5, true), (22.0, false), (21.5, true), (40.0, true)],
    );
}

/// gt, lt and st together: each of them is a reason.
fn band_and_step(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-band") else { return };
    assert_eq!(server.attributes(SENSOR, "lt=20&gt=30&st=4"), Code::CHANGED);
    server.observe(SENSOR, Some(Format::Text));
    thresholds(
        &device,
        &server,
        &[(23.0, false), (25.5, true), (28.0, false), (30.5, true), (29.0, true), (19.0, true)],
    );
}

fn thresholds(device: &Device, server: &Endpoint, steps: &[(f32, bool)]) {
    for (value, is_told) in steps {
        measure(device, *value);
        if *is_told {
            assert_eq!(told(server).1, f64::from(*value));
        } else {
            server.not_notified(SENSOR, QUIET);
        }
    }
}

/// Attributes may change while the path is observed.
fn attributes_take_effect_on_observations_that_run(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-late") else { return };
    server.observe(SENSOR, Some(Format::Text));
    measure(&device, 1.0);
    assert_eq!(told(&server).1, 1.0);
    assert_eq!(server.attributes("/3303", "pmax=5"), Code::CHANGED);
    assert_eq!(told(&server).1, 1.0, "the pmax of the object");
    assert_eq!(server.attributes("/3303", "pmax"), Code::CHANGED);
    assert_eq!(server.attributes(SENSOR, "gt=50"), Code::CHANGED);
    measure(&device, 2.0);
    server.not_notified(SENSOR, Duration::from_secs(7));
    measure(&device, 51.0);
    assert_eq!(told(&server).1, 51.0);
}

/// Confirmable notifications: every value arrives, in order, each in a message that Leshan acknowledges.
fn confirmable_notifications_lose_no_value(over: Transport) {
    let Some((device, server)) = connect::<Confirmable>(over, "observe-con") else { return };
    server.observe(SENSOR, Some(Format::Text));
    for step in 0..20u8 {
        measure(&device, f32::from(step));
    }
    let mut last = None;
    for step in 0..20u8 {
        let (_, notification) = server.notified(SENSOR);
        assert_eq!(notification.content.get(SENSOR), Some(&Value::Float(f64::from(step))));
        assert_eq!(notification.coap.kind, "CON");
        assert!(notification.coap.observe > last);
        last = notification.coap.observe;
    }
    assert_eq!(device.count(|event| matches!(event, coracle::Event::NotificationLost { .. })), 0);
}

/// A path that goes away ends its observation with 4.04, confirmable or not.
fn a_deleted_instance_ends_its_observations(over: Transport) {
    fn check(device: &Device, server: &Endpoint, kind: &str) {
        server.observe("/3311/0/5851", Some(Format::Text));
        device.update(|things| things.light.remove(0).is_some());
        let (_, notification) = server.notified("/3311/0/5851");
        assert_eq!((notification.code, notification.coap.kind.as_str()), (Code::NOT_FOUND, kind));
        device.next_is("end of the observation", |event| {
            matches!(event, coracle::Event::ObservationEnded { .. })
        });
    }
    let Some((device, server)) = connect::<Plain>(over, "observe-gone-non") else { return };
    check(&device, &server, "NON");
    let Some((device, server)) = connect::<Confirmable>(over, "observe-gone-con") else { return };
    check(&device, &server, "CON");
}

/// One observation more than the table has: 5.03, and the others go on.
fn a_full_table_is_told(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-full") else { return };
    let ids = [110, 120, 125, 130, 140, 150, 160, 170, 1110, 1120, 1125, 1130, 1140, 1150, 1160, 1170];
    for id in ids {
        server.observe(&format!("/3442/0/{id}"), None);
    }
    assert_eq!(server.run(|name| Command::observe(name, SENSOR)).code, Code(5, 3));
    device.update(|things| things.types.set_integer(5));
    assert_eq!(server.notified("/3442/0/120").1.content.get("/3442/0/120"), Some(&5.into()));
    assert_eq!(server.run(|name| Command::cancel(name, "/3442/0/110")).code, Code::CONTENT);
    server.observe(SENSOR, None);
}

/// A new registration ends the observations of the old one.
fn a_new_registration_ends_observations(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "observe-reregister") else { return };
    server.observe(SENSOR, Some(Format::Text));
    server.server.with(|leshan| leshan.drop_registration(&server.name)).unwrap();
    device.update_registration(coracle::ServerIndex(0));
    server.registered();
    device
        .next_is("end of the observation", |event| matches!(event, coracle::Event::ObservationEnded { .. }));
    measure(&device, 9.0);
    server.not_notified(SENSOR, QUIET);
    server.observe(SENSOR, Some(Format::Text));
    measure(&device, 8.0);
    assert_eq!(told(&server).1, 8.0);
}
