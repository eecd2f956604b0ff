//! The objects of the device under test.

use coracle::model::{
    Arguments, Changes, Instances, Multiple, ObjectLink, Opaque, Proposal, Status, Text, Time,
};
use coracle::objects::{Board, Identity};

pub use crate::profiles::plain::{LightControl, Temperature};
use crate::profiles::plain::{LightControlInstances, TemperatureInstances};

/// All objects of the device under test.
#[derive(Debug, coracle::Objects)]
pub struct Things {
    /// Object 3, with everything it can have.
    pub device: coracle::objects::Device<Lab>,
    /// Object 3303 from the registry: two instances that stay.
    pub temperature: TemperatureInstances,
    /// Object 3311 from the registry: servers create and delete its instances; one is there at first.
    pub light: LightControlInstances,
    /// Object 3442 of the registry, the test object with all data types.
    pub types: AllTypes,
    /// Object 33001 of nobody: what can be refused.
    pub gate: Gate,
}

impl Things {
    /// The objects at power-on.
    pub fn new() -> Self {
        let mut sensor = Temperature::new();
        sensor.set_sensor_units(text("Cel"));
        sensor.set_sensor_value(21.5);
        sensor.set_min_measured_value(-3.25);
        sensor.set_max_measured_value(37.75);
        let mut light = Instances::new();
        assert!(light.insert(0, LightControl::new()).is_ok());
        Self {
            device: device(),
            temperature: [sensor.clone(), sensor],
            light,
            types: AllTypes::new(),
            gate: Gate::new(),
        }
    }
}

impl Default for Things {
    fn default() -> Self {
        Self::new()
    }
}

fn text<const N: usize>(value: &str) -> Text<N> {
    Text::try_from(value).expect("the text fits")
}

fn device() -> coracle::objects::Device<Lab> {
    let identity = Identity {
        manufacturer: Some("Coracle"),
        model_number: Some("device under test"),
        serial_number: Some("0042"),
        firmware_version: Some("1.2.3"),
        device_type: Some("test"),
        hardware_version: Some("B"),
        software_version: Some("4.5.6"),
    };
    let mut device = coracle::objects::Device::new(&identity, Lab::new());
    device.set_power_sources(Some(Multiple::from_values([1, 5])));
    device.set_power_source_voltage(Some(Multiple::from_values([3_800, 5_000])));
    device.set_power_source_current(Some(Multiple::from_values([125, 900])));
    device.set_utc_offset(Some(text("+02:00")));
    device.set_timezone(Some(text("Europe/Vienna")));
    let lamp = ObjectLink { object: 3311, instance: 0 };
    device.set_external_device_info(Some(Multiple::from_values([lamp])));
    device
}

/// Hardware whose every value is a field.
#[derive(Debug)]
#[allow(missing_docs)] // named as the resources of object 3
pub struct Lab {
    pub battery_level: u8,
    pub battery_status: u8,
    pub memory_free: u32,
    pub memory_total: u32,
    pub current_time: i64,
}

impl Lab {
    const fn new() -> Self {
        Self {
            battery_level: 95,
            battery_status: 1,
            memory_free: 15,
            memory_total: 128,
            current_time: 1_700_000_000,
        }
    }
}

impl Board for Lab {
    fn battery_level(&self) -> Option<u8> {
        Some(self.battery_level)
    }

    fn battery_status(&self) -> Option<u8> {
        Some(self.battery_status)
    }

    fn memory_free(&self) -> Option<u32> {
        Some(self.memory_free)
    }

    fn memory_total(&self) -> Option<u32> {
        Some(self.memory_total)
    }

    fn current_time(&self) -> Option<Time> {
        Some(Time(self.current_time))
    }

    fn set_current_time(&mut self, time: Time) -> Result<(), Status> {
        self.current_time = time.0;
        Ok(())
    }
}

impl Temperature {
    /// Resource 5605, Reset Min and Max Measured Values.
    pub(crate) fn reset_min_and_max_measured_values(&mut self, _: Arguments<'_>) {
        self.set_min_measured_value(self.sensor_value());
        self.set_max_measured_value(self.sensor_value());
    }
}

/// Object 3442: one resource of every data type, single and multiple.
#[derive(Debug, coracle::Object)]
#[lwm2m(id = 3442, version = "1.0", execute(0 = reset, 2 = clear, 3 = note))]
#[allow(missing_docs)] // named after the data types
pub struct AllTypes {
    /// The parameters of the last Execute of resource 3, by their numbers.
    #[lwm2m(id = 4, ops = "R")]
    parameters: Multiple<Text<32>, 10>,
    #[lwm2m(id = 110, ops = "RW", optional)]
    string: Text<64>,
    #[lwm2m(id = 120, ops = "RW", optional)]
    integer: i64,
    #[lwm2m(id = 125, ops = "RW", optional)]
    unsigned: u64,
    #[lwm2m(id = 130, ops = "RW", optional)]
    float: f64,
    #[lwm2m(id = 140, ops = "RW", optional)]
    boolean: bool,
    #[lwm2m(id = 150, ops = "RW", optional)]
    opaque: Opaque<64>,
    #[lwm2m(id = 160, ops = "RW", optional)]
    time: Time,
    #[lwm2m(id = 170, ops = "RW", optional)]
    link: ObjectLink,
    #[lwm2m(id = 1110, ops = "RW")]
    strings: Multiple<Text<32>, 8>,
    #[lwm2m(id = 1120, ops = "RW")]
    integers: Multiple<i64, 8>,
    #[lwm2m(id = 1125, ops = "RW")]
    unsigneds: Multiple<u64, 8>,
    #[lwm2m(id = 1130, ops = "RW")]
    floats: Multiple<f64, 8>,
    #[lwm2m(id = 1140, ops = "RW")]
    booleans: Multiple<bool, 8>,
    #[lwm2m(id = 1150, ops = "RW")]
    opaques: Multiple<Opaque<32>, 8>,
    #[lwm2m(id = 1160, ops = "RW")]
    times: Multiple<Time, 8>,
    #[lwm2m(id = 1170, ops = "RW")]
    links: Multiple<ObjectLink, 8>,
    changes: Changes,
}

impl AllTypes {
    /// A value in every resource.
    pub fn new() -> Self {
        let bytes = |bytes: &[u8]| Opaque::from_slice(bytes).expect("the bytes fit");
        Self {
            parameters: Multiple::new(),
            string: text("text with \"quotes\", \\ and \u{fc}\u{20ac}\u{1f6f6}"),
            integer: -1_234_567_890_123,
            unsigned: 12_345_678_901_234_567_890,
            float: 0.1,
            boolean: true,
            opaque: Opaque::from_slice(&[0x00, 0x7f, 0x80, 0xff, 0x22]).expect("the bytes fit"),
            time: Time(1_476_186_613),
            link: ObjectLink { object: 3303, instance: 1 },
            strings: Multiple::from_values([text("one"), text("\u{1f6f6}")]),
            integers: Multiple::from_values([-1, 0, 127, 32_768]),
            unsigneds: Multiple::from_values([0, 255, 65_536]),
            floats: Multiple::from_values([21.5, -0.25]),
            booleans: Multiple::from_values([false, true]),
            opaques: Multiple::from_values([bytes(&[]), bytes(&[1, 2, 3, 4])]),
            times: Multiple::from_values([Time(0), Time(-1)]),
            links: Multiple::from_values([ObjectLink { object: 3, instance: 0 }, ObjectLink::NULL]),
            changes: Changes::NONE,
        }
    }

    /// Resource 0: back to the first values.
    fn reset(&mut self, _: Arguments<'_>) {
        let parameters = self.parameters.clone();
        *self = Self { parameters, ..Self::new() };
        (110..=170).chain(1110..=1170).for_each(|id| self.mark_changed(id));
    }

    /// Resource 2: no text, no bytes, zeros.
    fn clear(&mut self, _: Arguments<'_>) {
        self.set_string(Text::new());
        self.set_opaque(Opaque::new());
        self.set_integer(0);
        self.set_unsigned(0);
        self.set_float(0.0);
        self.set_boolean(false);
        self.set_time(Time(0));
        self.set_link(ObjectLink::NULL);
    }

    /// Resource 3: keeps its parameters, so that a test can read how they arrived.
    fn note(&mut self, arguments: Arguments<'_>) -> Result<(), Status> {
        let mut parameters = Multiple::new();
        for argument in arguments.iter() {
            let value = Text::try_from(argument.value.unwrap_or("-")).map_err(|_| Status::BadRequest)?;
            parameters.insert(argument.number.into(), value).map_err(|_| Status::InternalServerError)?;
        }
        self.set_parameters(parameters);
        Ok(())
    }
}

impl Default for AllTypes {
    fn default() -> Self {
        Self::new()
    }
}

/// Object 33001: resources with limits, an executable that refuses, and one that is larger than a datagram.
#[derive(Debug, coracle::Object)]
#[lwm2m(id = 33001, version = "1.0", execute(2 = open), validate = limits_in_order)]
#[allow(missing_docs)] // the lines beside say more
pub struct Gate {
    #[lwm2m(id = 0, ops = "R")]
    label: &'static str,
    /// Nobody can read it.
    #[lwm2m(id = 1, ops = "W")]
    secret: Text<16>,
    #[lwm2m(id = 3, ops = "RW", range = 0..=100)]
    level: u8,
    /// Never above `high`.
    #[lwm2m(id = 4, ops = "RW", optional)]
    low: i32,
    #[lwm2m(id = 5, ops = "RW", optional)]
    high: i32,
    /// 16 times 200 bytes.
    #[lwm2m(id = 6, ops = "R")]
    archive: Multiple<Opaque<200>, 16>,
    /// Two fit.
    #[lwm2m(id = 7, ops = "RW")]
    slots: Multiple<i32, 2>,
    /// How often the gate was opened.
    #[lwm2m(id = 8, ops = "R")]
    openings: u32,
    #[lwm2m(id = 9, ops = "RW")]
    note: Option<Text<8>>,
    changes: Changes,
}

impl Gate {
    fn new() -> Self {
        let record = |n: u16| (n, Opaque::from_slice(&[n as u8; 200]).expect("200 bytes fit"));
        let mut archive = Multiple::new();
        (0..16).map(record).for_each(|(n, bytes)| archive.insert(n, bytes).expect("16 records fit"));
        Self {
            label: "gate",
            secret: text("sesame"),
            level: 50,
            low: -10,
            high: 10,
            archive,
            slots: Multiple::from_values([7]),
            openings: 0,
            note: None,
            changes: Changes::NONE,
        }
    }

    /// Puts another record into the archive.
    pub fn replace_record(&mut self, number: u16, record: Opaque<200>) {
        let mut archive = self.archive.clone();
        archive.insert(number, record).expect("it replaces one");
        self.set_archive(archive);
    }

    /// Refuses with the code that parameter 0 asks for.
    fn open(&mut self, arguments: Arguments<'_>) -> Result<(), Status> {
        match arguments.get(0).and_then(|argument| argument.value) {
            Some("busy") => Err(Status::ServiceUnavailable),
            Some("broken") => Err(Status::InternalServerError),
            Some("wrong") => Err(Status::BadRequest),
            Some("never") => Err(Status::MethodNotAllowed),
            _ => {
                self.set_openings(self.openings + 1);
                Ok(())
            }
        }
    }

    fn limits_in_order(&self, proposed: Proposal<'_>) -> Result<(), Status> {
        let (low, high) = (proposed.get(4).unwrap_or(self.low), proposed.get(5).unwrap_or(self.high));
        if low <= high { Ok(()) } else { Err(Status::BadRequest) }
    }
}
