//! What both firmwares have in common: console, stored settings, and the end of a run.

#![no_std]

use core::fmt;

use coracle::ServerIndex;
use coracle::objects::DeviceRequest;
use coracle::platform::StorageError;
use coracle_demo_app::{InvalidSettings, Settings};
use coracle_esp::{EndpointName, OpenError, open_store};
use coracle_storage::{FlashStore, ReadServerError, read_server, write_server};
use esp_hal::efuse::{InterfaceMacAddress, interface_mac_address};
use esp_hal::peripherals::FLASH;
use esp_println::println;
use esp_storage::FlashStorage;

/// The partition of the store in partitions.csv.
const PARTITION: &str = "coracle";

/// The server that a device knows when its store is empty; in the words of [`Settings`]. The keys of a product are written into
/// its store when it is made, and are not in its firmware.
const FACTORY: &str = match option_env!("CORACLE_DEVICE") {
    Some(line) => line,
    None => "server=coaps://192.168.7.1:5684 psk-identity=esp32c3 psk-key=000102030405060708090a0b0c0d0e0f",
};

/// Bytes that the settings of the demo device's server take at most.
pub const SETTINGS_LEN: usize = 512;

/// What is wrong when a task is spawned twice.
pub const TASK: &str = "a task is running already";

/// The store of this board.
pub type Store = FlashStore<FlashStorage<'static>>;

/// Why the device can't start.
#[derive(Debug)]
pub enum Fault {
    /// The store.
    Open(OpenError),
    /// The built-in settings.
    Settings(InvalidSettings<'static>),
    /// The settings can't be stored.
    Write(StorageError),
    /// The stored settings can't be read.
    Read(ReadServerError),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Settings(error) => error.fmt(f),
            Self::Write(error) => error.fmt(f),
            Self::Read(error) => error.fmt(f),
        }
    }
}

/// Prints a line on the console: USB, or UART 0.
pub fn log(text: fmt::Arguments<'_>) {
    println!("[{:>8} ms] {text}", embassy_time::Instant::now().as_millis());
}

/// The name of this chip.
pub fn endpoint() -> EndpointName {
    let mac = interface_mac_address(InterfaceMacAddress::Station);
    let bytes = mac.as_bytes().first_chunk().copied();
    EndpointName::from_mac(bytes.unwrap_or_default())
}

/// Opens the store, and puts the built-in server into it if there is none.
///
/// # Errors
/// [`Fault`]
pub fn store(flash: FLASH<'static>) -> Result<Store, Fault> {
    let mut store = open_store(FlashStorage::new(flash), PARTITION).map_err(Fault::Open)?;
    let mut buffer = [0; SETTINGS_LEN];
    let stored = read_server(&mut store, ServerIndex(0), &mut buffer).map_err(Fault::Read)?;
    if stored.is_none() {
        let settings = Settings::parse(FACTORY).map_err(Fault::Settings)?;
        write_server(&mut store, ServerIndex(0), &settings.server_settings(), &mut buffer)
            .map_err(Fault::Write)?;
        log(format_args!("stores the built-in server"));
    }
    Ok(store)
}

/// Does what a server has asked for.
pub fn end(request: DeviceRequest, store: &mut Store) -> ! {
    if request == DeviceRequest::FactoryReset
        && let Err(error) = store.erase_all()
    {
        log(format_args!("{error}"));
    }
    esp_hal::system::software_reset()
}

/// Says what is wrong, and waits for somebody to put it right.
pub fn stop(fault: &dyn fmt::Display) -> ! {
    log(format_args!("can't start: {fault}"));
    loop {
        core::hint::spin_loop();
    }
}
