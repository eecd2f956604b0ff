//! A whole firmware but its network stack: objects, client, blocking driver, and a network that is two registers.
//!
//! What is measured is what a product would link of Coracle. The registers keep the optimizer from guessing the traffic.

#![no_std]
#![no_main]

use core::ptr;

use coracle::driver::blocking::Driver;
use coracle::model::{Arguments, Changes, Text};
use coracle::objects::{Device, Identity};
use coracle::platform::{Connection, Entropy, EntropyError, Network};
use coracle::{Client, Credentials, Instant, Memory, ServerIndex, ServerSettings, Uri};

coracle::include_profile!();

/// A sensor as the clients that this is compared with have it.
#[derive(coracle::Object)]
#[lwm2m(id = 33000, execute(5 = reset))]
struct Sensor {
    #[lwm2m(id = 0, ops = "R")]
    value: f32,
    #[lwm2m(id = 1, ops = "R")]
    minimum: f32,
    #[lwm2m(id = 2, ops = "R")]
    maximum: f32,
    #[lwm2m(id = 3, ops = "R")]
    unit: &'static str,
    #[lwm2m(id = 4, ops = "RW")]
    label: Text<16>,
    changes: Changes,
}

impl Sensor {
    fn reset(&mut self, _: Arguments<'_>) {
        self.set_minimum(self.value);
        self.set_maximum(self.value);
    }
}

#[derive(coracle::Objects)]
struct Things {
    device: Device<()>,
    sensor: Sensor,
}

/// A network card of two registers.
struct Registers;

const DATA: *mut u32 = 0x4000_0000 as *mut u32;
const LENGTH: *mut u32 = 0x4000_0004 as *mut u32;

fn read(register: *const u32) -> u32 {
    // SAFETY: the image is linked and measured, never run.
    unsafe { ptr::read_volatile(register) }
}

fn write(register: *mut u32, value: u32) {
    // SAFETY: as above.
    unsafe { ptr::write_volatile(register, value) }
}

impl Network for Registers {
    fn connect(&mut self, _: ServerIndex, uri: Uri<'_>) -> Connection {
        uri.host.bytes().for_each(|byte| write(DATA, u32::from(byte)));
        if read(LENGTH) == 0 { Connection::Failed } else { Connection::Open }
    }

    fn send(&mut self, _: ServerIndex, datagram: &[u8]) {
        datagram.iter().for_each(|byte| write(DATA, u32::from(*byte)));
        write(LENGTH, datagram.len() as u32);
    }

    fn receive(&mut self, buffer: &mut [u8]) -> Option<(ServerIndex, usize)> {
        let length = read(LENGTH) as usize;
        buffer.iter_mut().take(length).for_each(|byte| *byte = read(DATA) as u8);
        (length > 0).then_some((ServerIndex(0), length))
    }

    fn wait(&mut self, until: Option<Instant>) {
        write(LENGTH, until.map_or(0, |instant| instant.as_millis() as u32));
    }

    fn now(&self) -> Instant {
        Instant::from_millis(u64::from(read(LENGTH)))
    }
}

/// A random number generator of one register.
struct Generator;

impl Entropy for Generator {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        bytes.iter_mut().for_each(|byte| *byte = read(DATA) as u8);
        Ok(())
    }
}

/// Where the server is, and how it is trusted.
const SERVER: (&str, Credentials<'_>) = if <profile::Profile as coracle::Profile>::DTLS {
    ("coaps://192.0.2.1", Credentials::psk(b"firmware", &[7; 16]))
} else {
    ("coap://192.0.2.1", Credentials::NONE)
};

/// Read from the image by `cargo xtask sizes`; not loaded into the device.
#[used]
#[unsafe(link_section = ".coracle.sizes")]
static SIZES: [u32; coracle::TABLES] = coracle::ram_by_table::<profile::Profile>();

static mut MEMORY: Memory<profile::Profile> = Memory::EMPTY;

#[unsafe(no_mangle)]
extern "C" fn reset() -> ! {
    let identity = Identity {
        manufacturer: Some("Coracle"),
        model_number: Some("firmware"),
        serial_number: Some("1"),
        firmware_version: Some("1.0"),
        ..Identity::default()
    };
    let sensor = Sensor {
        value: 0.0,
        minimum: 0.0,
        maximum: 0.0,
        unit: "Cel",
        label: Text::new(),
        changes: Changes::NONE,
    };
    let things = Things { device: Device::new(&identity, ()), sensor };
    // SAFETY: this function runs once.
    let memory = unsafe { &mut *ptr::addr_of_mut!(MEMORY) };
    let Memory { client, buffers } = memory;
    if let Ok(mut client) = Client::new(client, "firmware", things, &mut Generator) {
        let settings = ServerSettings {
            uri: SERVER.0,
            short_server_id: 1,
            lifetime_s: 86_400,
            store_notifications: true,
            credentials: SERVER.1,
        };
        if client.add_server(&settings).is_ok() {
            serve(Driver::new(client, Registers, buffers));
        }
    }
    loop {}
}

fn serve(mut driver: Driver<'_, profile::Profile, Things, Registers>) {
    driver.register();
    #[cfg(feature = "index")]
    write(DATA, u32::from(unchecked(&[1, 2, 3], read(DATA) as usize)));
    loop {
        driver.step();
        while let Some(event) = driver.client().poll_event() {
            write(DATA, u32::from(event_number(event)));
        }
        let value = f32::from_bits(read(DATA));
        driver.client().update(|things| {
            things.sensor.set_value(value);
            if let Some(request) = things.device.take_request() {
                write(LENGTH, request as u32);
            }
        });
        driver.wait();
    }
}

#[cfg(feature = "index")]
fn unchecked(table: &[u8], index: usize) -> u8 {
    table[index]
}

fn event_number(event: coracle::Event) -> u8 {
    match event {
        coracle::Event::Registration { state, .. } => state as u8,
        coracle::Event::RegistrationFailed { .. } => 100,
        _ => 101,
    }
}

unsafe extern "C" {
    #[cfg_attr(not(feature = "panics"), link_name = "a_panic_can_be_reached")]
    safe fn panicked() -> !;
}

#[cfg(feature = "panics")]
#[unsafe(export_name = "panicked")]
extern "C" fn stop() -> ! {
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    panicked()
}
