//! Write (LwM2M Core section 6.3.3): every format at every level, replacing and partial.

use std::collections::BTreeMap;

use coracle::{Event, ServerIndex, model::Path};
use coracle_leshan_peer::{Code, Command, Format, Mode, Node, ObjectLink, Value};
use coracle_test_device::Device;
use coracle_test_device::profiles::Plain;

use crate::server::{Endpoint, connect};
use crate::transport::{Transport, over_each_transport};
use crate::values::{below, types_of};

over_each_transport!(
    resources_of_every_type_in_every_format,
    resource_instances_of_every_type_in_every_format,
    multiple_resources_are_replaced_and_updated,
    instances_are_replaced_and_updated,
    the_server_object_is_written_and_restored,
    the_device_object_takes_time_and_zone,
    a_secret_is_written_but_not_read,
    requests_may_overlap,
);

/// The formats that can carry several values.
const STRUCTURED: [Format; 3] = [Format::SenmlJson, Format::SenmlCbor, Format::Tlv];
/// Those that carry one value of any type.
const SINGLE: [Format; 5] = [Format::Text, Format::Cbor, Format::SenmlJson, Format::SenmlCbor, Format::Tlv];

fn objlnk(object: u16, instance: u16) -> Value {
    Value::Objlnk(ObjectLink { object, instance })
}

/// Leshan writes these wrongly in TLV: unsigned numbers above 2^63 in one byte, as if they were negative, and times after
/// 2038 cut to 32 bits.
fn leshan_cannot(value: &Value, format: Format) -> bool {
    let too_large = match value {
        Value::Unsigned(number) => i64::try_from(*number).is_err(),
        Value::Time(seconds) => i32::try_from(*seconds).is_err(),
        _ => false,
    };
    too_large && format == Format::Tlv
}

/// For every type the id of its resource in object 3442, and values to write there, an easy one last.
fn samples() -> Vec<(u16, Vec<Value>)> {
    let texts = ["", "plain", "quotes \" \\ \n \u{1f6f6}"];
    vec![
        (110, texts.into_iter().map(Value::from).collect()),
        (120, [0, -1, 300, i64::MIN, i64::MAX].into_iter().map(Value::from).collect()),
        (125, [0, 200, u64::MAX, 65_535, 1 << 40].into_iter().map(Value::Unsigned).collect()),
        (130, [0.0, -0.25, 20.0, 0.1, 1e300].into_iter().map(Value::from).collect()),
        (140, [true, false].into_iter().map(Value::from).collect()),
        (150, [&[][..], &[0], &[0, 255, 62, 63, 1]].into_iter().map(Value::from).collect()),
        (160, [0, 4_294_967_296, 946_684_800].into_iter().map(Value::Time).collect()),
        (170, vec![objlnk(3, 0), objlnk(65535, 65535)]),
    ]
}

/// Writes and wants 2.04 and the value in the device.
fn write(device: &Device, server: &Endpoint, path: &str, value: &Value, format: Option<Format>) {
    let code = server.write(path, Mode::Replace, value.clone(), format);
    assert_eq!(code, Code::CHANGED, "{value:?} to {path} in {format:?}");
    assert_eq!(types_of(device).get(path), Some(value), "{path} in {format:?}");
}

/// LightweightM2M-1.1-int-205, 212, 227: single resources.
fn resources_of_every_type_in_every_format(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "write-resources") else { return };
    for (id, values) in samples() {
        let path = format!("/3442/0/{id}");
        for format in SINGLE {
            for value in values.iter().filter(|value| !leshan_cannot(value, format)) {
                write(&device, &server, &path, value, Some(format));
            }
        }
        write(&device, &server, &path, &values[0], None);
    }
    for value in [&[][..], &[1, 2, 3]] {
        write(&device, &server, "/3442/0/150", &value.into(), Some(Format::Opaque));
    }
    let path = Path::resource(3442, 0, 110);
    let is_written = |event: &Event| *event == Event::Written { server: ServerIndex(0), path };
    assert_eq!(device.count(is_written), 16, "each write is an event");
}

/// LightweightM2M-1.1-int-228: resource instances, those that are there and new ones.
fn resource_instances_of_every_type_in_every_format(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "write-instances") else { return };
    for (id, values) in samples() {
        for path in [format!("/3442/0/{}/0", 1000 + id), format!("/3442/0/{}/6", 1000 + id)] {
            let mut before = types_of(&device);
            for format in SINGLE {
                for value in values.iter().filter(|value| !leshan_cannot(value, format)) {
                    write(&device, &server, &path, value, Some(format));
                }
            }
            let mut after = types_of(&device);
            after.remove(&path);
            before.remove(&path);
            assert_eq!(after, before, "nothing but {path} has changed");
        }
    }
}

/// Multiple resources: replacing removes what is not named, a partial write leaves it.
fn multiple_resources_are_replaced_and_updated(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "write-multiple") else { return };
    for (id, values) in samples() {
        let path = format!("/3442/0/{}", 1000 + id);
        let (first, last) = (values[0].clone(), values[values.len() - 1].clone());
        for format in STRUCTURED {
            let node = Node::multiple([(0, first.clone()), (7, last.clone())]);
            assert_eq!(
                server.write(&path, Mode::Replace, node, Some(format)),
                Code::CHANGED,
                "{path} in {format:?}"
            );
            let expected: BTreeMap<_, _> =
                [(format!("{path}/0"), first.clone()), (format!("{path}/7"), last.clone())].into();
            assert_eq!(below(&types_of(&device), &path), expected, "{path} replaced in {format:?}");

            let node = Node::multiple([(2, first.clone()), (7, first.clone())]);
            assert_eq!(
                server.write(&path, Mode::Update, node, Some(format)),
                Code::CHANGED,
                "{path} in {format:?}"
            );
            let expected: BTreeMap<_, _> =
                [0, 2, 7].into_iter().map(|n| (format!("{path}/{n}"), first.clone())).collect();
            assert_eq!(below(&types_of(&device), &path), expected, "{path} updated in {format:?}");
        }
    }
}

/// LightweightM2M-1.1-int-226: a partial write of an instance changes only what it names, a replacing one all the rest.
fn instances_are_replaced_and_updated(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "write-instance") else { return };
    for format in STRUCTURED {
        assert_eq!(server.execute("/3442/0/0", None), Code::CHANGED);
        let mut expected = types_of(&device);
        let node = Node::instance([
            (120, Node::from(77)),
            (110, Node::from("seventy-seven")),
            (1120, Node::multiple([(1, 78), (9, 79)])),
        ]);
        assert_eq!(server.write("/3442/0", Mode::Update, node, Some(format)), Code::CHANGED, "{format:?}");
        expected.insert("/3442/0/120".into(), 77.into());
        expected.insert("/3442/0/110".into(), "seventy-seven".into());
        expected.insert("/3442/0/1120/1".into(), 78.into());
        expected.insert("/3442/0/1120/9".into(), 79.into());
        assert_eq!(types_of(&device), expected, "updated in {format:?}");

        // Multiple resources are mandatory in this object, the others take their defaults.
        let lists = [1110, 1120, 1125, 1130, 1140, 1150, 1160, 1170].into_iter().map(|id| {
            let (_, values) = samples().into_iter().find(|(other, _)| other + 1000 == id).unwrap();
            (id, Node::multiple([(3, values[1].clone())]))
        });
        let node = Node::instance(lists.chain([(140, Node::from(true))]));
        assert_eq!(server.write("/3442/0", Mode::Replace, node, Some(format)), Code::CHANGED, "{format:?}");
        let values = types_of(&device);
        assert_eq!(below(&values, "/3442/0/1120"), [("/3442/0/1120/3".to_owned(), Value::from(-1))].into());
        assert_eq!(values.get("/3442/0/140"), Some(&true.into()), "{format:?}");
        assert_eq!(values.get("/3442/0/120"), Some(&0.into()), "the default, {format:?}");
        assert_eq!(values.get("/3442/0/110"), Some(&"".into()), "the default, {format:?}");
    }
}

/// LightweightM2M-1.1-int-215: object 1 is written partially and put back as it was read.
fn the_server_object_is_written_and_restored(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "write-server") else { return };
    for format in STRUCTURED {
        let before = server.read("/1/0", Some(format));
        let node = Node::instance([(2, Node::from(101)), (3, Node::from(1010)), (6, Node::from(false))]);
        assert_eq!(server.write("/1/0", Mode::Update, node, Some(format)), Code::CHANGED, "{format:?}");
        let changed = server.read("/1/0", Some(format));
        assert_eq!(changed.value("/1/0/2"), Some(&101.into()));
        assert_eq!(changed.value("/1/0/3"), Some(&1010.into()));
        assert_eq!(changed.value("/1/0/6"), Some(&false.into()));
        assert_eq!(changed.value("/1/0/1"), before.value("/1/0/1"));
        let restore = Node::instance([
            (1, Node::from(before.value("/1/0/1").cloned().unwrap())),
            (6, Node::from(true)),
            (7, Node::from("U")),
        ]);
        assert_eq!(server.write("/1/0", Mode::Replace, restore, Some(format)), Code::CHANGED, "{format:?}");
        assert_eq!(server.read("/1/0", Some(format)).content, before.content, "{format:?}");
    }
}

/// LightweightM2M-1.1-int-651: the writable part of object 3.
fn the_device_object_takes_time_and_zone(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "write-device") else { return };
    let write = |path: &str, value: Value| server.write(path, Mode::Replace, value, Some(Format::Tlv));
    assert_eq!(write("/3/0/13", Value::Time(1_000_000_000)), Code::CHANGED);
    assert_eq!(write("/3/0/14", "-05:30".into()), Code::CHANGED);
    assert_eq!(write("/3/0/15", "America/Guyana".into()), Code::CHANGED);
    let held = device.look(|things| {
        let offset = things.device.utc_offset().clone();
        (things.device.board.current_time, offset, things.device.timezone().clone())
    });
    assert_eq!(held.0, 1_000_000_000);
    assert_eq!((held.1.as_deref(), held.2.as_deref()), (Some("-05:30"), Some("America/Guyana")));
}

/// A write-only resource takes its value and shows it to nobody.
fn a_secret_is_written_but_not_read(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "write-secret") else { return };
    assert_eq!(server.write("/33001/0/1", Mode::Replace, "tulip", Some(Format::Text)), Code::CHANGED);
    assert_eq!(device.look(|things| things.gate.secret().as_str().to_owned()), "tulip");
    let whole = server.read("/33001/0", Some(Format::SenmlCbor));
    assert!(whole.content.keys().all(|path| path != "/33001/0/1"), "{:?}", whole.content.keys());
}

/// A repeated message is answered again and not carried out again: Leshan repeats what is not acknowledged, so the
/// requests here are sent without waiting for each other.
fn requests_may_overlap(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "write-overlap") else { return };
    let name = &server.name;
    let tickets: Vec<_> = server.server.with(|leshan| {
        let commands = (0..8).map(|n| {
            let path = format!("/3442/0/1120/{}", n % 4);
            Command::write(name, &path, Mode::Replace, n).format(Format::Text)
        });
        commands.map(|command| leshan.submit(command).unwrap()).collect()
    });
    for ticket in &tickets {
        let answer = server.server.with(|leshan| leshan.answer(ticket)).unwrap();
        assert_eq!(answer.code, Code::CHANGED);
    }
    let held = below(&types_of(&device), "/3442/0/1120");
    assert!(held.values().all(|value| matches!(value, Value::Integer(0..=7))), "{held:?}");
}
