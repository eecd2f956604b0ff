//! The load of published figures of other clients: object 3 with manufacturer, model, serial number, firmware version, one
//! error code and binding; a sensor with three floats, a unit, a writable string and an executable. Both benches include it.

use coracle::model::{Arguments, Changes, Multiple, Text};

/// Object 3 as the other clients have it.
#[derive(Debug, coracle::Object)]
#[lwm2m(id = 3)]
pub(crate) struct Device {
    #[lwm2m(id = 0, ops = "R")]
    manufacturer: &'static str,
    #[lwm2m(id = 1, ops = "R")]
    model: &'static str,
    #[lwm2m(id = 2, ops = "R")]
    serial: &'static str,
    #[lwm2m(id = 3, ops = "R")]
    firmware: &'static str,
    #[lwm2m(id = 11, ops = "R")]
    errors: Multiple<i32, 1>,
    #[lwm2m(id = 16, ops = "R")]
    binding: &'static str,
    changes: Changes,
}

/// A sensor as the other clients have it.
#[derive(Debug, coracle::Object)]
#[lwm2m(id = 3303, execute(5605 = reset))]
pub(crate) struct Sensor {
    #[lwm2m(id = 5601, ops = "R")]
    minimum: f64,
    #[lwm2m(id = 5602, ops = "R")]
    maximum: f64,
    #[lwm2m(id = 5700, ops = "R")]
    value: f64,
    #[lwm2m(id = 5701, ops = "R")]
    unit: &'static str,
    #[lwm2m(id = 5750, ops = "RW")]
    application: Text<32>,
    changes: Changes,
}

impl Sensor {
    fn reset(&mut self, _: Arguments<'_>) {
        self.set_minimum(self.value);
        self.set_maximum(self.value);
    }
}

/// What the device has.
#[derive(Debug, coracle::Objects)]
pub(crate) struct Things {
    device: Device,
    pub(crate) sensor: Sensor,
}

/// The device with its values.
pub(crate) fn things() -> Things {
    let device = Device {
        manufacturer: "Open Mobile Alliance",
        model: "Lightweight M2M Client",
        serial: "345000123",
        firmware: "1.0",
        errors: Multiple::from_values([0]),
        binding: "U",
        changes: Changes::NONE,
    };
    let application = Text::try_from("a bench").unwrap_or_default();
    let sensor = Sensor {
        minimum: 18.25,
        maximum: 25.5,
        value: 21.3,
        unit: "Cel",
        application,
        changes: Changes::NONE,
    };
    Things { device, sensor }
}
