//! The demo device: its objects and what they do, the same on every board.
//!
//! The board's glue gives memory, network, clock and entropy, and runs [`blocking::run`] or `asynchronous::run`. A loop of
//! its own calls [`Demo::advance`] when [`Demo::next`] has come.

#![no_std]

#[cfg(test)]
extern crate std;

coracle::include_profile!();

#[cfg(feature = "async")]
pub mod asynchronous;
pub mod blocking;
mod objects;
mod settings;
pub mod sleep;
mod tell;
mod weather;

pub use objects::{DemoBoard, Things};
pub use profile::{LightControl, Profile, Temperature};
pub use settings::{InvalidSettings, Settings};
pub use tell::{Log, MemoryReport, Story, request};

use coracle::objects::{Device, ErrorCode, Identity};
use coracle::platform::Entropy;
use coracle::{AddServerError, Client, ClientMemory, Duration, Instant, NewError, ServerSettings};

/// How often the simulated world changes.
const STEP: Duration = Duration::from_secs(1);
/// The battery loses a percent in this many steps.
const STEPS_PER_PERCENT: u32 = 20;
/// Below this the device reports an error, in percent.
const LOW_BATTERY: u8 = 20;

/// Why there is no device: what is wrong, and what to do about it, is in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The client.
    New(NewError),
    /// The server.
    Server(AddServerError),
}

impl core::fmt::Display for StartError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::New(error) => error.fmt(f),
            Self::Server(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

/// What happens to the demo device as time passes.
#[derive(Debug)]
pub struct Demo {
    next: Instant,
    steps: u32,
}

impl Demo {
    /// A demo that begins now.
    pub const fn new(now: Instant) -> Self {
        Self { next: now, steps: 0 }
    }

    /// The objects at the beginning. `unix_time` is the time of the wall clock in seconds at `now`.
    pub fn objects(now: Instant, unix_time: i64) -> Things {
        let identity = Identity {
            manufacturer: Some("Coracle"),
            model_number: Some("demo device"),
            serial_number: Some("0001"),
            firmware_version: Some(env!("CARGO_PKG_VERSION")),
            device_type: Some("demo"),
            ..Identity::default()
        };
        let mut device = Device::new(&identity, DemoBoard::new(now, unix_time));
        device.set_power_sources(Some(coracle::model::Multiple::from_values([1])));
        device.set_power_source_voltage(Some(coracle::model::Multiple::from_values([3700])));
        Things::new(device)
    }

    /// A client with one server, which it does not speak to yet.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn client<'m>(
        memory: &'m mut ClientMemory<Profile>,
        endpoint: &str,
        things: Things,
        server: &ServerSettings<'_>,
        entropy: &mut dyn Entropy,
    ) -> Result<Client<'m, Profile, Things>, StartError> {
        let mut client = Client::new(memory, endpoint, things, entropy).map_err(StartError::New)?;
        client.add_server(server).map_err(StartError::Server)?;
        Ok(client)
    }

    /// When the world changes next.
    pub const fn next(&self) -> Instant {
        self.next
    }

    /// Lets the world change, if it is time.
    pub fn advance(&mut self, now: Instant, things: &mut Things) {
        while self.next <= now {
            self.next += STEP;
            self.steps = self.steps.wrapping_add(1);
            for (index, sensor) in (0u32..).zip(&mut things.temperature) {
                sensor.measure(weather::temperature(self.steps, index));
            }
            things.light.iter_mut().for_each(LightControl::count_second);
            self.discharge(&mut things.device);
        }
        things.device.board.tick(now);
    }

    fn discharge(&self, device: &mut Device<DemoBoard>) {
        if self.steps.is_multiple_of(STEPS_PER_PERCENT) {
            device.board.discharge();
            device.mark_changed(Device::<DemoBoard>::BATTERY_LEVEL);
            if device.board.level() < LOW_BATTERY {
                device.raise(ErrorCode::LowBatteryPower);
            } else {
                device.clear(ErrorCode::LowBatteryPower);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_changes_step_by_step() {
        let start = Instant::from_millis(500);
        let (mut demo, mut things) = (Demo::new(start), Demo::objects(start, 1_700_000_000));
        demo.advance(start, &mut things);
        let first = things.temperature[0].sensor_value();
        assert_eq!(demo.next(), start + STEP);
        demo.advance(start + Duration::from_secs(30), &mut things);
        assert_ne!(things.temperature[0].sensor_value(), first);
        assert!(things.temperature[0].max_measured_value() >= things.temperature[0].min_measured_value());
        assert_eq!(things.device.board.level(), 99);
        assert_eq!(things.light[0].on_time(), 0);
    }

    #[test]
    fn a_low_battery_is_an_error_until_it_is_charged() {
        let start = Instant::ZERO;
        let (mut demo, mut things) = (Demo::new(start), Demo::objects(start, 0));
        demo.advance(start + Duration::from_secs(81 * 20), &mut things);
        assert_eq!(things.device.error_code().get(0), Some(&1));
        demo.advance(start + Duration::from_secs(101 * 20), &mut things);
        assert_eq!(things.device.error_code().get(0), Some(&0));
    }
}
