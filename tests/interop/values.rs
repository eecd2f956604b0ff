//! What the device holds, as Leshan should see it.

use std::collections::BTreeMap;

use coracle::model::{Multiple, Time};
use coracle_leshan_peer::{ObjectLink, Value};
use coracle_test_device::{AllTypes, Device, Things};

/// Values by path.
pub(crate) type Values = BTreeMap<String, Value>;

/// An object link of the device.
pub(crate) fn link(link: coracle::model::ObjectLink) -> Value {
    Value::Objlnk(ObjectLink { object: link.object, instance: link.instance })
}

fn put(values: &mut Values, path: String, value: impl Into<Value>) {
    values.insert(path, value.into());
}

fn put_all<T, const N: usize>(
    values: &mut Values,
    path: &str,
    list: &Multiple<T, N>,
    value: impl Fn(&T) -> Value,
) {
    for (id, item) in list.iter() {
        values.insert(format!("{path}/{id}"), value(item));
    }
}

/// All values of object 3442.
pub(crate) fn all_types(types: &AllTypes) -> Values {
    let mut values = Values::new();
    let at = |id: u16| format!("/3442/0/{id}");
    let time = |time: &Time| Value::Time(time.0);
    let opaque = |bytes: &[u8]| Value::Opaque(bytes.to_vec());
    put(&mut values, at(110), types.string().as_str());
    put(&mut values, at(120), types.integer());
    put(&mut values, at(125), Value::Unsigned(types.unsigned()));
    put(&mut values, at(130), types.float());
    put(&mut values, at(140), types.boolean());
    put(&mut values, at(150), opaque(types.opaque()));
    put(&mut values, at(160), time(&types.time()));
    put(&mut values, at(170), link(types.link()));
    put_all(&mut values, &at(4), types.parameters(), |text| Value::from(text.as_str()));
    put_all(&mut values, &at(1110), types.strings(), |text| Value::from(text.as_str()));
    put_all(&mut values, &at(1120), types.integers(), |number| Value::from(*number));
    put_all(&mut values, &at(1125), types.unsigneds(), |number| Value::Unsigned(*number));
    put_all(&mut values, &at(1130), types.floats(), |number| Value::from(*number));
    put_all(&mut values, &at(1140), types.booleans(), |flag| Value::from(*flag));
    put_all(&mut values, &at(1150), types.opaques(), |bytes| opaque(bytes));
    put_all(&mut values, &at(1160), types.times(), time);
    put_all(&mut values, &at(1170), types.links(), |item| link(*item));
    values
}

/// All values of object 3.
pub(crate) fn device(things: &Things) -> Values {
    let (device, mut values) = (&things.device, Values::new());
    let texts = [
        (0, device.manufacturer()),
        (1, device.model_number()),
        (2, device.serial_number()),
        (3, device.firmware_version()),
        (17, device.device_type()),
        (18, device.hardware_version()),
        (19, device.software_version()),
    ];
    let at = |id: u16| format!("/3/0/{id}");
    texts.into_iter().for_each(|(id, text)| put(&mut values, at(id), text.expect("every text is there")));
    let lists = [(7, device.power_source_voltage()), (8, device.power_source_current())];
    for (id, list) in lists {
        put_all(&mut values, &at(id), list.as_ref().expect("there"), |number| Value::from(*number));
    }
    put_all(&mut values, &at(6), device.power_sources().as_ref().expect("there"), |number| {
        Value::from(i64::from(*number))
    });
    let board = &device.board;
    put(&mut values, at(9), i64::from(board.battery_level));
    put(&mut values, at(10), i64::from(board.memory_free));
    put_all(&mut values, &at(11), device.error_code(), |code| Value::from(i64::from(*code)));
    put(&mut values, at(13), Value::Time(board.current_time));
    put(&mut values, at(14), device.utc_offset().as_ref().expect("there").as_str());
    put(&mut values, at(15), device.timezone().as_ref().expect("there").as_str());
    put(&mut values, at(16), "U");
    put(&mut values, at(20), i64::from(board.battery_status));
    put(&mut values, at(21), i64::from(board.memory_total));
    put_all(&mut values, &at(22), device.external_device_info().as_ref().expect("there"), |item| link(*item));
    values
}

/// What the device holds in object 3442 now.
pub(crate) fn types_of(device: &Device) -> Values {
    device.look(|things| all_types(&things.types))
}

/// The part of the values at and below a path.
pub(crate) fn below(values: &Values, path: &str) -> Values {
    let inside = |key: &str| key == path || key.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    values.iter().filter(|(key, _)| inside(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}
