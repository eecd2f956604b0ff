//! The objects of the demo device, and the parts of them that config.toml can't know.

use coracle::model::{Arguments, Status, Text, Time};
use coracle::objects::{Board, Device};
use coracle::{Duration, Instant};

use crate::profile::{LightControl, LightControlInstances, Temperature, TemperatureInstances};

/// All objects of the device.
#[derive(Debug, coracle::Objects)]
pub struct Things {
    /// Object 3.
    pub device: Device<DemoBoard>,
    /// Object 3303.
    pub temperature: TemperatureInstances,
    /// Object 3311.
    pub light: LightControlInstances,
}

impl Things {
    pub(crate) fn new(device: Device<DemoBoard>) -> Self {
        let mut sensor = Temperature::new();
        sensor.set_sensor_units(text("Cel"));
        let mut lamp = LightControl::new();
        lamp.set_application_type(text("demo lamp"));
        Self {
            device,
            temperature: core::array::from_fn(|_| sensor.clone()),
            light: core::array::from_fn(|_| lamp.clone()),
        }
    }
}

/// Text that is known to fit; the empty text if config.toml has made the field too short.
fn text<const N: usize>(value: &str) -> Text<N> {
    Text::try_from(value).unwrap_or_default()
}

impl Temperature {
    /// A new measurement.
    pub fn measure(&mut self, celsius: f32) {
        let first = self.min_measured_value() == 0.0 && self.max_measured_value() == 0.0;
        if first || celsius < self.min_measured_value() {
            self.set_min_measured_value(celsius);
        }
        if first || celsius > self.max_measured_value() {
            self.set_max_measured_value(celsius);
        }
        self.set_sensor_value(celsius);
    }

    /// Resource 5605, Reset Min and Max Measured Values.
    pub(crate) fn reset_min_and_max_measured_values(&mut self, _: Arguments<'_>) {
        self.set_min_measured_value(self.sensor_value());
        self.set_max_measured_value(self.sensor_value());
    }
}

impl LightControl {
    /// Another second in which the lamp may have been on.
    pub(crate) fn count_second(&mut self) {
        if self.on_off() {
            self.set_on_time(self.on_time().saturating_add(1));
        }
    }
}

/// The hardware of the demo device: a battery and a clock.
#[derive(Debug)]
pub struct DemoBoard {
    battery: u8,
    /// Free and total, in kilobytes.
    memory: Option<(u32, u32)>,
    now: Instant,
    /// The wall clock at the start of the monotonic one, in seconds.
    unix_time_at_zero: i64,
}

impl DemoBoard {
    pub(crate) fn new(now: Instant, unix_time: i64) -> Self {
        Self { battery: 100, memory: None, now, unix_time_at_zero: unix_time - seconds(now) }
    }

    pub(crate) const fn tick(&mut self, now: Instant) {
        self.now = now;
    }

    /// One percent less; an empty battery is replaced.
    pub(crate) const fn discharge(&mut self) {
        self.battery = if self.battery == 0 { 100 } else { self.battery - 1 };
    }

    /// What the board's glue knows of the memory: free and total, in kilobytes.
    pub const fn set_memory(&mut self, free: u32, total: u32) {
        self.memory = Some((free, total));
    }

    pub(crate) const fn level(&self) -> u8 {
        self.battery
    }
}

const fn seconds(now: Instant) -> i64 {
    Duration::from_millis(now.as_millis()).as_secs() as i64
}

impl Board for DemoBoard {
    fn battery_level(&self) -> Option<u8> {
        Some(self.battery)
    }

    fn battery_status(&self) -> Option<u8> {
        Some(if self.battery < crate::LOW_BATTERY { 4 } else { 0 })
    }

    fn memory_free(&self) -> Option<u32> {
        self.memory.map(|(free, _)| free)
    }

    fn memory_total(&self) -> Option<u32> {
        self.memory.map(|(_, total)| total)
    }

    fn current_time(&self) -> Option<Time> {
        Some(Time(self.unix_time_at_zero + seconds(self.now)))
    }

    fn set_current_time(&mut self, time: Time) -> Result<(), Status> {
        self.unix_time_at_zero = time.0 - seconds(self.now);
        Ok(())
    }
}
