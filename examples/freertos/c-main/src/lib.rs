//! The functions of `include/coracle_device.h`.

#![no_std]

use core::ffi::{CStr, c_char, c_int};
use core::fmt::{self, Write};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

use coracle_demo_app::{MemoryReport, Settings};
use coracle_freertos::{HardwareEntropy, LoadFunction, RandomFunction, StorageFunctions, StoreFunction};
use coracle_freertos_device::{Device, End, Shelf};
use static_cell::StaticCell;

/// Longer lines of the log are cut.
const LINE: usize = 160;

/// `struct coracle_device_functions`
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Functions {
    random: RandomFunction,
    load: LoadFunction,
    store: StoreFunction,
    log: unsafe extern "C" fn(line: *const c_char, length: usize),
}

/// What [`coracle_device_run`] needs.
struct Created {
    device: &'static Device,
    shelf: Shelf<StorageFunctions>,
    functions: &'static Functions,
}

static FUNCTIONS_ROOM: StaticCell<Functions> = StaticCell::new();
/// For the report.
static FUNCTIONS: AtomicPtr<Functions> = AtomicPtr::new(null_mut());
static CREATED_ROOM: StaticCell<Created> = StaticCell::new();
/// Until it runs.
static CREATED: AtomicPtr<Created> = AtomicPtr::new(null_mut());
/// For other tasks.
static DEVICE: AtomicPtr<Device> = AtomicPtr::new(null_mut());

/// A line of the log on its way.
struct Line {
    text: [u8; LINE],
    length: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.text.get_mut(self.length..).unwrap_or_default();
        let length = room.len().min(text.len());
        room[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.length += length;
        Ok(())
    }
}

impl Functions {
    fn log(&self, text: fmt::Arguments<'_>) {
        let mut line = Line { text: [0; LINE], length: 0 };
        let _ = line.write_fmt(text);
        // SAFETY: so many bytes are there.
        unsafe { (self.log)(line.text.as_ptr().cast(), line.length) };
    }
}

/// # Safety
/// As the header says: both pointers are good, the text is terminated, and the functions do what they are to do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coracle_device_create(
    settings: *const c_char,
    functions: *const Functions,
) -> c_int {
    // SAFETY: the caller has promised it.
    let (settings, functions) = unsafe { (CStr::from_ptr(settings), *functions) };
    let settings = match Settings::parse(settings.to_str().unwrap_or("")) {
        Ok(settings) => settings,
        Err(error) => {
            functions.log(format_args!("the settings are wrong: {error}"));
            return 1;
        }
    };
    // SAFETY: the caller has promised that the functions keep to the lengths that they are given.
    let (mut entropy, storage) = unsafe {
        (HardwareEntropy::new(functions.random), StorageFunctions::new(functions.load, functions.store))
    };
    let mut shelf = Shelf::new(storage);
    let log = |text: fmt::Arguments<'_>| functions.log(text);
    match coracle_freertos_device::create(&settings, &mut entropy, &mut shelf, &log) {
        Ok(device) => {
            DEVICE.store(core::ptr::from_ref(device).cast_mut(), Ordering::Release);
            let functions = FUNCTIONS_ROOM.init(functions);
            FUNCTIONS.store(functions, Ordering::Release);
            let created = CREATED_ROOM.init(Created { device, shelf, functions });
            CREATED.store(created, Ordering::Release);
            0
        }
        Err(error) => {
            functions.log(format_args!("there is no client: {error}"));
            2
        }
    }
}

/// Runs the device; once.
#[unsafe(no_mangle)]
pub extern "C" fn coracle_device_run() -> c_int {
    let created = CREATED.swap(null_mut(), Ordering::AcqRel);
    // SAFETY: it points to a static, and nobody else has got the pointer.
    let created = unsafe { created.as_mut() }.expect("coracle_device_create comes first");
    let functions = created.functions;
    match coracle_freertos_device::run(created.device, &mut created.shelf, &|text| functions.log(text)) {
        End::Reboot => 0,
        End::TakenUp => 1,
    }
}

/// A new measurement, from any task.
#[unsafe(no_mangle)]
pub extern "C" fn coracle_device_set_temperature(celsius: f32) {
    // SAFETY: it points to a static, which is shared.
    if let Some(device) = unsafe { DEVICE.load(Ordering::Acquire).as_ref() } {
        device.update(|things| things.temperature[0].measure(celsius));
    }
}

/// A pulse, from an interrupt.
#[unsafe(no_mangle)]
pub extern "C" fn coracle_device_pulse_from_isr(now_ms: u32) -> c_int {
    coracle_freertos_device::pulse_from_isr(now_ms).into()
}

/// Puts figures into the log.
#[unsafe(no_mangle)]
pub extern "C" fn coracle_device_report(
    peak_stack: usize,
    stack_room: usize,
    static_ram: usize,
    heap: usize,
) {
    // SAFETY: it points to a static that is read only.
    if let Some(functions) = unsafe { FUNCTIONS.load(Ordering::Acquire).as_ref() } {
        let report = MemoryReport { peak_stack, stack_room, static_ram, heap: Some(heap) };
        functions.log(format_args!("{report}"));
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: as above.
    if let Some(functions) = unsafe { FUNCTIONS.load(Ordering::Acquire).as_ref() } {
        functions.log(format_args!("{info}"));
    }
    loop {}
}
