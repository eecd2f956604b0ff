//! The demo device on mps2-an385, with a `main` in Rust: it creates the client's task and starts FreeRTOS.

#![no_std]
#![no_main]

mod board;

use coracle::platform::PredictableEntropy;
use coracle_demo_app::{Demo, MemoryReport, Settings};
use coracle_freertos::StorageFunctions;
use coracle_freertos::task::{self, TaskMemory};
use coracle_freertos_device::{Device, End, Shelf};
use cortex_m_rt::{ExceptionFrame, entry, exception};
use static_cell::ConstStaticCell;

use board::log;

/// Words of the client's stack. The peak is in the log of each run: 3.9 KB, which is when the device is made.
const CLIENT_STACK: usize = 1152;
const SENSOR_STACK: usize = 256;
/// The client may wait for others, so they come first: lwIP's task has 4, the receiver 5.
const CLIENT_PRIORITY: u32 = 2;
const SENSOR_PRIORITY: u32 = 1;
/// Room for the command line.
const LINE: usize = 256;
const PULSE_MS: u32 = 500;

static CLIENT: ConstStaticCell<TaskMemory<CLIENT_STACK>> = ConstStaticCell::new(TaskMemory::NEW);
static SENSOR: ConstStaticCell<TaskMemory<SENSOR_STACK>> = ConstStaticCell::new(TaskMemory::NEW);
static LINE_ROOM: ConstStaticCell<[u8; LINE]> = ConstStaticCell::new([0; LINE]);

#[entry]
fn main() -> ! {
    CLIENT.take().start(c"client", CLIENT_PRIORITY, client, &());
    task::start_scheduler();
    board::exit(5)
}

/// The client's task.
fn client((): &()) {
    board::start_network();
    // SAFETY: the board's functions keep to the lengths that they are given.
    let mut shelf = Shelf::new(unsafe { StorageFunctions::new(board::load, board::store) });
    let device = device(&mut shelf);
    // Before the server hears of it: a registration that was taken up reports what is observed.
    coracle_freertos_device::sense(device, &mut Demo::new(coracle::Instant::ZERO));
    SENSOR.take().start(c"sensor", SENSOR_PRIORITY, sensor, device);
    board::start_pulses(PULSE_MS);
    match coracle_freertos_device::run(device, &mut shelf, &log) {
        End::Reboot => {
            report();
            board::reboot()
        }
        End::TakenUp => board::exit(0),
    }
}

/// Makes the device that the command line describes.
fn device(shelf: &mut Shelf<StorageFunctions>) -> &'static Device {
    let boots = board::boots();
    let settings = match Settings::parse(board::command_line(LINE_ROOM.take())) {
        Ok(settings) => settings,
        Err(error) => {
            log(format_args!("the command line is wrong: {error}"));
            board::exit(2)
        }
    };
    // An emulator has no entropy, and this device no secrets. After a reboot there must be other numbers all the same.
    let mut entropy = PredictableEntropy::from_seed(settings.seed + (u64::from(boots) << 32));
    coracle_freertos_device::create(&settings, &mut entropy, shelf, &log).unwrap_or_else(|error| {
        log(format_args!("there is no client: {error}"));
        board::exit(2)
    })
}

/// A task that measures, and uses the client that another task runs.
fn sensor(device: &'static Device) {
    let mut demo = Demo::new(coracle::Instant::ZERO);
    loop {
        coracle_freertos_device::sense(device, &mut demo);
        task::sleep(1000);
    }
}

/// What was used of the memory.
fn report() {
    for name in [c"sensor", c"tcpip", c"receiver", c"IDLE"] {
        let left = board::stack_left(name);
        log(format_args!("task {}: {left} B of its stack were never used", name.to_str().unwrap_or("")));
    }
    let (heap, size) = board::heap();
    log(format_args!(
        "the heap of FreeRTOS is that of the kernel and lwIP: {heap} B of {size} B, none of the client"
    ));
    let stack_room = CLIENT_STACK * size_of::<usize>();
    let report = MemoryReport {
        peak_stack: stack_room - task::own_stack_left(),
        stack_room,
        static_ram: board::static_ram(),
        heap: Some(heap),
    };
    log(format_args!("{report}"));
}

#[exception]
unsafe fn DefaultHandler(number: i16) {
    board::interrupt(number.into());
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    board::last_words(format_args!("hard fault: {frame:?}"));
    board::exit(104)
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    board::last_words(format_args!("{info}"));
    board::exit(101)
}
