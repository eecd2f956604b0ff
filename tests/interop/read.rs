//! Read (LwM2M Core section 6.3.2): every format at every level, every data type as the device holds it.

use coracle::model::{ObjectLink, Opaque, Text, Time};
use coracle_leshan_peer::{Code, Format, Value};
use coracle_test_device::profiles::{Confirmable, Plain};

use crate::server::connect;
use crate::transport::{Transport, over_each_transport};
use crate::values::{below, device as device_values, link, types_of};

over_each_transport!(
    objects_and_instances_in_every_structured_format,
    resources_of_every_type_in_every_format,
    resource_instances_of_every_type_in_every_format,
    without_accept_the_device_chooses,
    extreme_values_survive,
);

/// The formats that can carry several values.
const STRUCTURED: [Format; 3] = [Format::SenmlJson, Format::SenmlCbor, Format::Tlv];
/// Those that carry one value of any type.
const SINGLE: [Format; 5] = [Format::Text, Format::Cbor, Format::SenmlJson, Format::SenmlCbor, Format::Tlv];

/// LightweightM2M-1.1-int-222, 223: whole objects and instances have all that can be read.
fn objects_and_instances_in_every_structured_format(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "read-objects") else { return };
    let things = device.look(device_values);
    let types = types_of(&device);
    for format in STRUCTURED {
        for (path, expected) in [("/3", &things), ("/3/0", &things), ("/3442", &types), ("/3442/0", &types)] {
            let answer = server.read(path, Some(format));
            assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(format)), "{path}");
            assert_eq!(&answer.content, expected, "{path} in {format:?}");
        }
        let answer = server.read("/3303", Some(format));
        assert_eq!(answer.value("/3303/0/5700"), Some(&Value::Float(21.5)), "{format:?}");
        assert_eq!(answer.value("/3303/1/5602"), Some(&Value::Float(37.75)), "{format:?}");
        assert_eq!(answer.value("/3303/1/5701"), Some(&Value::from("Cel")), "{format:?}");
    }
}

/// LightweightM2M-1.1-int-203, 224: single and multiple resources.
fn resources_of_every_type_in_every_format(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "read-resources") else { return };
    let types = types_of(&device);
    for id in [110, 120, 125, 130, 140, 150, 160, 170] {
        let (single, multiple) = (format!("/3442/0/{id}"), format!("/3442/0/{}", 1000 + id));
        for format in SINGLE {
            let answer = server.read(&single, Some(format));
            assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(format)), "{single}");
            assert_eq!(answer.content, below(&types, &single), "{single} in {format:?}");
        }
        for format in STRUCTURED {
            let answer = server.read(&multiple, Some(format));
            assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(format)), "{multiple}");
            assert_eq!(answer.content, below(&types, &multiple), "{multiple} in {format:?}");
        }
    }
    let answer = server.read("/3442/0/150", Some(Format::Opaque));
    assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(Format::Opaque)));
    assert_eq!(answer.content, below(&types, "/3442/0/150"));
}

/// LightweightM2M-1.1-int-225: resource instances.
fn resource_instances_of_every_type_in_every_format(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "read-instances") else { return };
    let types = types_of(&device);
    for id in [1110, 1120, 1125, 1130, 1140, 1150, 1160, 1170] {
        for path in [format!("/3442/0/{id}/0"), format!("/3442/0/{id}/1")] {
            for format in SINGLE {
                let answer = server.read(&path, Some(format));
                assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(format)), "{path}");
                assert_eq!(answer.content, below(&types, &path), "{path} in {format:?}");
            }
        }
    }
    for path in ["/3442/0/1150/0", "/3442/0/1150/1"] {
        let answer = server.read(path, Some(Format::Opaque));
        assert_eq!(answer.content, below(&types, path), "{path}");
    }
    let answer = server.read("/3/0/11/0", Some(Format::Text));
    assert_eq!(answer.content, [("/3/0/11/0".to_owned(), Value::Integer(0))].into());
}

/// LightweightM2M-1.1-int-237: without Accept the device answers in its preferred format that can represent the target.
fn without_accept_the_device_chooses(over: Transport) {
    let Some((_plain, server)) = connect::<Plain>(over, "read-none-text") else { return };
    for (path, format) in [
        ("/3/0/0", Format::Text),
        ("/3442/0/150", Format::Text),
        ("/3/0/11", Format::SenmlJson),
        ("/3/0", Format::SenmlJson),
        ("/3", Format::SenmlJson),
    ] {
        let answer = server.read(path, None);
        assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(format)), "{path}");
    }
    let Some((_confirmable, server)) = connect::<Confirmable>(over, "read-none-cbor") else { return };
    for path in ["/3/0/0", "/3/0/11", "/3/0/11/0", "/3/0", "/3"] {
        let answer = server.read(path, None);
        assert_eq!((answer.code, answer.format()), (Code::CONTENT, Some(Format::SenmlCbor)), "{path}");
        assert!(!answer.content.is_empty(), "{path}");
    }
}

/// Values at the edges of their types arrive unchanged.
fn extreme_values_survive(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "read-extremes") else { return };
    let read = |path: &str, expected: &Value, formats: &[Format]| {
        for format in formats {
            let answer = server.read(path, Some(*format));
            assert_eq!(answer.value(path), Some(expected), "{path} in {format:?}");
        }
    };
    for value in [i64::MIN, i64::MIN + 1, -2_147_483_649, -129, -128, -1, 0, 127, 128, 65_536, i64::MAX] {
        device.update(move |things| things.types.set_integer(value));
        read("/3442/0/120", &Value::Integer(value), &SINGLE);
    }
    for value in [0, 127, 128, 255, 256, 32_768, 65_535, 4_294_967_295, 1 << 63, u64::MAX] {
        device.update(move |things| things.types.set_unsigned(value));
        read("/3442/0/125", &Value::Unsigned(value), &SINGLE);
    }
    for value in [0.0, -0.5, 1e-7, 1.0, 20.0, 1e21, 123_456_789.125, f64::MIN_POSITIVE, f64::MAX, f64::MIN] {
        device.update(move |things| things.types.set_float(value));
        read("/3442/0/130", &Value::Float(value), &SINGLE);
    }
    for seconds in [0, -1, 946_684_800, 4_294_967_296, -2_208_988_800] {
        device.update(move |things| things.types.set_time(Time(seconds)));
        read("/3442/0/160", &Value::Time(seconds), &SINGLE);
    }
    for value in [
        ObjectLink { object: 0, instance: 0 },
        ObjectLink { object: 65534, instance: 65534 },
        ObjectLink::NULL,
    ] {
        device.update(move |things| things.types.set_link(value));
        read("/3442/0/170", &link(value), &SINGLE);
    }
    for text in ["", "\u{0}\u{1f}\n\t", "\"\\/", "\u{7f}\u{80}\u{ffff}\u{10ffff}"] {
        device.update(move |things| things.types.set_string(Text::try_from(text).unwrap()));
        read("/3442/0/110", &Value::from(text), &SINGLE);
    }
    for length in [0, 1, 2, 3, 7, 8, 64] {
        let bytes: Vec<u8> = (0..length).map(|n| 0xff - n).collect();
        let expected = Value::from(&bytes[..]);
        device.update(move |things| things.types.set_opaque(Opaque::from_slice(&bytes).unwrap()));
        read("/3442/0/150", &expected, &SINGLE);
        read("/3442/0/150", &expected, &[Format::Opaque]);
    }
}
