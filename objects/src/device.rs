//! Object 3, Device (LwM2M Core appendix E.4).

use coracle_engine::model::{Arguments, Changes, Multiple, ObjectLink, Path, Status, Text, Time};
use coracle_objects_derive::Object;

/// What only the hardware knows. A method that answers `None` leaves its resource out.
///
/// When such a value has changed, call [`Device::mark_changed`] with the resource, so that observers hear of it.
pub trait Board {
    /// Resource 9, in percent.
    fn battery_level(&self) -> Option<u8> {
        None
    }

    /// Resource 20: 0 normal, 1 charging, 2 charge complete, 3 damaged, 4 low, 5 not installed, 6 unknown.
    fn battery_status(&self) -> Option<u8> {
        None
    }

    /// Resource 10, in kilobytes.
    fn memory_free(&self) -> Option<u32> {
        None
    }

    /// Resource 21, in kilobytes.
    fn memory_total(&self) -> Option<u32> {
        None
    }

    /// Resource 13.
    fn current_time(&self) -> Option<Time> {
        None
    }

    /// A server sets the clock.
    ///
    /// # Errors
    /// The status with which the write is refused; 4.05 unless the board says otherwise.
    fn set_current_time(&mut self, time: Time) -> Result<(), Status> {
        let _ = time;
        Err(Status::MethodNotAllowed)
    }
}

/// A board that knows nothing.
impl Board for () {}

/// What is written on the device. Resources without text are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity {
    /// Resource 0.
    pub manufacturer: Option<&'static str>,
    /// Resource 1.
    pub model_number: Option<&'static str>,
    /// Resource 2.
    pub serial_number: Option<&'static str>,
    /// Resource 3.
    pub firmware_version: Option<&'static str>,
    /// Resource 17.
    pub device_type: Option<&'static str>,
    /// Resource 18.
    pub hardware_version: Option<&'static str>,
    /// Resource 19.
    pub software_version: Option<&'static str>,
}

/// What a server asked the device to do. Carry it out when the event comes: the server has its answer by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceRequest {
    /// Resource 4.
    Reboot,
    /// Resource 5.
    FactoryReset,
}

/// Values of resource 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // named as in the specification
pub enum ErrorCode {
    NoError = 0,
    LowBatteryPower = 1,
    ExternalPowerSupplyOff = 2,
    GpsModuleFailure = 3,
    LowReceivedSignalStrength = 4,
    OutOfMemory = 5,
    SmsFailure = 6,
    IpConnectivityFailure = 7,
    PeripheralMalfunction = 8,
}

/// How many errors the object remembers.
const ERRORS: usize = 8;
/// How many power sources a device has at the most.
const POWER_SOURCES: usize = 4;

/// The instance of object 3.
#[derive(Debug, Object)]
#[allow(clippy::struct_field_names)] // the names are those of the specification
#[lwm2m(id = 3, version = "1.1", crate = coracle_engine)]
#[lwm2m(execute(4 = reboot, 5 = factory_reset, 12 = reset_error_code))]
#[lwm2m(computed(9: u8 = battery_level, optional), computed(20: u8 = battery_status, optional))]
#[lwm2m(computed(10: u32 = memory_free, optional), computed(21: u32 = memory_total, optional))]
#[lwm2m(computed(13: Time = current_time, write = set_current_time, optional))]
#[lwm2m(computed(16: &'static str = binding_modes))]
pub struct Device<B: Board> {
    /// The hooks to the hardware.
    pub board: B,
    #[lwm2m(id = 0, ops = "R")]
    manufacturer: Option<&'static str>,
    #[lwm2m(id = 1, ops = "R")]
    model_number: Option<&'static str>,
    #[lwm2m(id = 2, ops = "R")]
    serial_number: Option<&'static str>,
    #[lwm2m(id = 3, ops = "R")]
    firmware_version: Option<&'static str>,
    #[lwm2m(id = 6, ops = "R")]
    power_sources: Option<Multiple<u8, POWER_SOURCES>>,
    /// In millivolts, by the instances of `power_sources`.
    #[lwm2m(id = 7, ops = "R")]
    power_source_voltage: Option<Multiple<i32, POWER_SOURCES>>,
    /// In milliamperes, by the instances of `power_sources`.
    #[lwm2m(id = 8, ops = "R")]
    power_source_current: Option<Multiple<i32, POWER_SOURCES>>,
    #[lwm2m(id = 11, ops = "R")]
    error_code: Multiple<u8, ERRORS>,
    /// As in ISO 8601: `+01:00`.
    #[lwm2m(id = 14, ops = "RW", check = check_utc_offset)]
    utc_offset: Option<Text<6>>,
    /// A name of the IANA time zone database.
    #[lwm2m(id = 15, ops = "RW")]
    timezone: Option<Text<32>>,
    #[lwm2m(id = 17, ops = "R")]
    device_type: Option<&'static str>,
    #[lwm2m(id = 18, ops = "R")]
    hardware_version: Option<&'static str>,
    #[lwm2m(id = 19, ops = "R")]
    software_version: Option<&'static str>,
    /// Instances of objects that belong to the device.
    #[lwm2m(id = 22, ops = "R")]
    external_device_info: Option<Multiple<ObjectLink, POWER_SOURCES>>,
    request: Option<DeviceRequest>,
    changes: Changes,
}

impl<B: Board> Device<B> {
    /// The resource that reboots.
    pub const REBOOT: Path = Path::resource(3, 0, 4);
    /// The resource that resets to the state of delivery.
    pub const FACTORY_RESET: Path = Path::resource(3, 0, 5);
    /// The id of the battery's level.
    pub const BATTERY_LEVEL: u16 = 9;
    /// The id of the free memory.
    pub const MEMORY_FREE: u16 = 10;
    /// The id of the time.
    pub const CURRENT_TIME: u16 = 13;
    /// The id of the battery's status.
    pub const BATTERY_STATUS: u16 = 20;

    /// A device without errors.
    pub fn new(identity: &Identity, board: B) -> Self {
        Self {
            board,
            manufacturer: identity.manufacturer,
            model_number: identity.model_number,
            serial_number: identity.serial_number,
            firmware_version: identity.firmware_version,
            power_sources: None,
            power_source_voltage: None,
            power_source_current: None,
            error_code: Multiple::from_values([ErrorCode::NoError as u8]),
            utc_offset: None,
            timezone: None,
            device_type: identity.device_type,
            hardware_version: identity.hardware_version,
            software_version: identity.software_version,
            external_device_info: None,
            request: None,
            changes: Changes::NONE,
        }
    }

    /// What a server has asked for since the last call.
    pub const fn take_request(&mut self) -> Option<DeviceRequest> {
        self.request.take()
    }

    /// Adds an error, unless it is there already or the list is full of others.
    pub fn raise(&mut self, error: ErrorCode) {
        let code = error as u8;
        if self.error_code.iter().any(|(_, raised)| *raised == code) {
            return;
        }
        let mut list = self.error_code.clone();
        if list.get(0) == Some(&(ErrorCode::NoError as u8)) {
            list.clear();
        }
        let free = (0..=ERRORS as u16).find(|id| list.get(*id).is_none()).unwrap_or_default();
        if list.insert(free, code).is_ok() {
            self.set_error_code(list);
        }
    }

    /// Removes an error that is over.
    pub fn clear(&mut self, error: ErrorCode) {
        let mut list = self.error_code.clone();
        let found = list.iter().find(|(_, raised)| **raised == error as u8).map(|(id, _)| id);
        if found.and_then(|id| list.remove(id)).is_some() {
            if list.is_empty() {
                list = Multiple::from_values([ErrorCode::NoError as u8]);
            }
            self.set_error_code(list);
        }
    }

    fn reboot(&mut self, _: Arguments<'_>) {
        self.request = Some(DeviceRequest::Reboot);
    }

    fn factory_reset(&mut self, _: Arguments<'_>) {
        self.request = Some(DeviceRequest::FactoryReset);
    }

    fn reset_error_code(&mut self, _: Arguments<'_>) {
        self.set_error_code(Multiple::from_values([ErrorCode::NoError as u8]));
    }

    fn battery_level(&self) -> Option<u8> {
        self.board.battery_level()
    }

    fn battery_status(&self) -> Option<u8> {
        self.board.battery_status()
    }

    fn memory_free(&self) -> Option<u32> {
        self.board.memory_free()
    }

    fn memory_total(&self) -> Option<u32> {
        self.board.memory_total()
    }

    fn current_time(&self) -> Option<Time> {
        self.board.current_time()
    }

    fn set_current_time(&mut self, time: Time) -> Result<(), Status> {
        self.board.set_current_time(time)
    }

    #[allow(clippy::unused_self)] // the form of every computed resource
    const fn binding_modes(&self) -> &'static str {
        "U"
    }

    #[allow(clippy::unused_self)]
    fn check_utc_offset(&self, offset: &Text<6>) -> Result<(), Status> {
        if is_utc_offset(offset.as_bytes()) { Ok(()) } else { Err(Status::BadRequest) }
    }
}

/// `Z`, or a sign, hours, and minutes if any: `+01:00`, `-0530`, `+02` (ISO 8601).
fn is_utc_offset(text: &[u8]) -> bool {
    let in_range = |tens: u8, ones: u8, limit: u8| {
        tens.is_ascii_digit() && ones.is_ascii_digit() && (tens - b'0') * 10 + (ones - b'0') < limit
    };
    match *text {
        [b'Z'] => true,
        [b'+' | b'-', a, b] => in_range(a, b, 24),
        [b'+' | b'-', a, b, c, d] | [b'+' | b'-', a, b, b':', c, d] => {
            in_range(a, b, 24) && in_range(c, d, 60)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coracle_engine::model::{Instance, Value};

    struct Lab {
        time: i64,
    }

    impl Board for Lab {
        fn battery_level(&self) -> Option<u8> {
            Some(80)
        }

        fn current_time(&self) -> Option<Time> {
            Some(Time(self.time))
        }

        fn set_current_time(&mut self, time: Time) -> Result<(), Status> {
            self.time = time.0;
            Ok(())
        }
    }

    fn errors<B: Board>(device: &Device<B>) -> std::vec::Vec<(u16, u8)> {
        device.error_code().iter().map(|(id, code)| (id, *code)).collect()
    }

    #[test]
    fn only_what_the_board_knows_is_there() {
        let bare = Device::new(&Identity::default(), ());
        let there: std::vec::Vec<u16> = (0..=22).filter(|id| bare.contains(*id)).collect();
        assert_eq!(there, [4, 5, 11, 12, 16]);
        let lab = Device::new(&Identity { serial_number: Some("7"), ..Identity::default() }, Lab { time: 5 });
        let there: std::vec::Vec<u16> = (0..=22).filter(|id| lab.contains(*id)).collect();
        assert_eq!(there, [2, 4, 5, 9, 11, 12, 13, 16]);
    }

    #[test]
    fn errors_are_raised_cleared_and_reset() {
        let mut device = Device::new(&Identity::default(), ());
        assert_eq!(errors(&device), [(0, 0)]);
        device.raise(ErrorCode::LowBatteryPower);
        device.raise(ErrorCode::OutOfMemory);
        device.raise(ErrorCode::OutOfMemory);
        assert_eq!(errors(&device), [(0, 1), (1, 5)]);
        device.clear(ErrorCode::LowBatteryPower);
        assert_eq!(errors(&device), [(1, 5)]);
        device.raise(ErrorCode::GpsModuleFailure);
        assert_eq!(errors(&device), [(0, 3), (1, 5)]);
        device.execute(12, Arguments::NONE).unwrap();
        assert_eq!(errors(&device), [(0, 0)]);
        device.clear(ErrorCode::NoError);
        assert_eq!(errors(&device), [(0, 0)]);
    }

    #[test]
    fn requests_wait_for_the_application() {
        let mut device = Device::new(&Identity::default(), ());
        assert_eq!(device.take_request(), None);
        device.execute(4, Arguments::NONE).unwrap();
        assert_eq!(device.take_request(), Some(DeviceRequest::Reboot));
        device.execute(5, Arguments::NONE).unwrap();
        assert_eq!(device.take_request(), Some(DeviceRequest::FactoryReset));
        assert_eq!(device.take_request(), None);
    }

    #[test]
    fn the_clock_can_be_set_where_there_is_one() {
        let mut lab = Device::new(&Identity::default(), Lab { time: 5 });
        lab.write(13, 0, Value::Time(Time(77))).unwrap();
        assert_eq!(lab.board.time, 77);
        let mut bare = Device::new(&Identity::default(), ());
        assert_eq!(bare.write(13, 0, Value::Time(Time(77))), Err(Status::MethodNotAllowed));
    }

    #[test]
    fn utc_offsets_are_checked() {
        for good in ["Z", "+00:00", "+01", "-0530", "+14:00", "-23:59"] {
            assert!(is_utc_offset(good.as_bytes()), "{good}");
        }
        for bad in ["", "1", "+1", "+24:00", "+01:60", "01:00", "+01:0", "+01-00", "+0a:00"] {
            assert!(!is_utc_offset(bad.as_bytes()), "{bad}");
        }
        let mut device = Device::new(&Identity::default(), ());
        assert_eq!(device.check(14, 0, Value::text("+25:00")), Err(Status::BadRequest));
        device.write(14, 0, Value::text("+02:00")).unwrap();
        assert!(device.utc_offset().as_ref().is_some_and(|offset| offset == "+02:00"));
    }
}
