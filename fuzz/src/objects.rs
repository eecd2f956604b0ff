//! An object with a resource of every type, and one whose instances servers create.

use coracle::model::{
    Arguments, Changes, Instances, Multiple, ObjectLink, Opaque, Proposal, Status, Text, Time,
};

/// A resource of every type, all of them readable and writable, so that what was read can be written back.
#[derive(Clone, Debug, coracle::Object)]
#[lwm2m(id = 33000, version = "1.2", validate = limits_in_order, execute(20 = run))]
pub struct Everything {
    #[lwm2m(id = 0, ops = "RW")]
    text: Text<64>,
    #[lwm2m(id = 1, ops = "RW", range = -1_000_000..=i64::MAX)]
    integer: i64,
    #[lwm2m(id = 2, ops = "RW", unsigned)]
    unsigned: u32,
    #[lwm2m(id = 3, ops = "RW")]
    double: f64,
    #[lwm2m(id = 4, ops = "RW")]
    boolean: bool,
    #[lwm2m(id = 5, ops = "RW")]
    opaque: Opaque<48>,
    #[lwm2m(id = 6, ops = "RW")]
    time: Time,
    #[lwm2m(id = 7, ops = "RW")]
    link: ObjectLink,
    #[lwm2m(id = 8, ops = "RW", optional)]
    several: Multiple<i16, 3>,
    #[lwm2m(id = 9, ops = "RW")]
    single: Option<f32>,
    #[lwm2m(id = 10, ops = "RW")]
    largest: u64,
    #[lwm2m(id = 11, ops = "RW", optional)]
    names: Multiple<Text<8>, 2>,
    #[lwm2m(id = 12, ops = "RW", optional)]
    low: i8,
    #[lwm2m(id = 13, ops = "RW", optional)]
    high: i8,
    /// How often a server has executed resource 20.
    pub runs: u32,
    changes: Changes,
}

impl Everything {
    /// Some values.
    pub fn new() -> Self {
        Self {
            text: Text::try_from("hello").expect("short"),
            integer: -5,
            unsigned: 200,
            double: 21.5,
            boolean: true,
            opaque: Opaque::from_slice(&[1, 2, 255]).expect("short"),
            time: Time(1_700_000_000),
            link: ObjectLink { object: 3, instance: 0 },
            several: Multiple::from_values([7, -8]),
            single: None,
            largest: 1,
            names: Multiple::new(),
            low: 0,
            high: 10,
            runs: 0,
            changes: Changes::NONE,
        }
    }

    fn run(&mut self, arguments: Arguments<'_>) -> Result<(), Status> {
        self.runs += 1;
        if arguments.get(9).is_some() { Err(Status::InternalServerError) } else { Ok(()) }
    }

    fn limits_in_order(&self, proposed: Proposal<'_>) -> Result<(), Status> {
        let otherwise = |value| if proposed.replaces() { 0 } else { value };
        let low = proposed.get(12).unwrap_or(otherwise(self.low));
        let high = proposed.get(13).unwrap_or(otherwise(self.high));
        if low <= high { Ok(()) } else { Err(Status::BadRequest) }
    }

    /// All values, to be compared; bits where equality is not reflexive. Zero has no sign here: text may drop it.
    pub fn snapshot(&self) -> String {
        let several: Vec<_> = self.several.iter().collect();
        let names: Vec<_> = self.names.iter().collect();
        format!(
            "{:?} {} {} {:x} {} {:?} {:?} {:?} {several:?} {:x?} {} {names:?} {} {}",
            self.text,
            self.integer,
            self.unsigned,
            (self.double + 0.0).to_bits(),
            self.boolean,
            self.opaque,
            self.time,
            self.link,
            self.single.map(|value| (value + 0.0).to_bits()),
            self.largest,
            self.low,
            self.high,
        )
    }

    /// True when a value is no number, or infinite: not every format can carry it.
    pub fn has_odd_float(&self) -> bool {
        !self.double.is_finite() || self.single.is_some_and(|value| !value.is_finite())
    }

    /// The application measures something.
    pub fn measure(&mut self, value: u8) {
        match value % 4 {
            0 => self.set_double(f64::from(value) / 3.0),
            1 => self.set_integer(i64::from(value)),
            2 => self.set_single((value > 100).then(|| f32::from(value))),
            _ => self.set_boolean(value > 100),
        }
    }
}

impl Default for Everything {
    fn default() -> Self {
        Self::new()
    }
}

/// An object whose instances servers create and delete.
#[derive(Clone, Debug, Default, coracle::Object)]
#[lwm2m(id = 33001)]
pub struct Rule {
    #[lwm2m(id = 0, ops = "RW")]
    name: Text<8>,
    #[lwm2m(id = 1, ops = "RW")]
    weight: Option<i32>,
    changes: Changes,
}

/// All of the device.
#[derive(Clone, Debug, coracle::Objects)]
pub struct Things {
    /// `/33000/0`
    pub everything: Everything,
    /// `/33001`
    pub rules: Instances<Rule, 2>,
}

impl Things {
    /// Some values, no rules.
    pub fn new() -> Self {
        Self { everything: Everything::new(), rules: Instances::new() }
    }
}

impl Default for Things {
    fn default() -> Self {
        Self::new()
    }
}
