//! The demo device on FreeRTOS: one task runs the client, another one senses, an interrupt counts pulses.
//!
//! What is here is the same for the firmware whose `main` is in Rust and for the one whose `main` is in C.

#![no_std]

mod pulses;

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicBool, Ordering};

use coracle::driver::blocking::Driver;
use coracle::platform::{Entropy, Network, Storage};
use coracle::{Client, Instant, Memory, RegistrationState, ServerIndex};
use coracle_demo_app::{Demo, Log, Profile, Settings, StartError, Things, blocking};
use coracle_freertos::{LwipNetwork, SharedClient, TakeUpError, keep_registration, take_up_registration};
use static_cell::{ConstStaticCell, StaticCell};

pub use pulses::pulse_from_isr;

/// The client and its objects, for all tasks.
pub type Device = SharedClient<Profile, Things>;

const SERVER: ServerIndex = ServerIndex(0);
/// Datagrams of a registration that was taken up, before it has to be kept again.
const RESERVE: u32 = 100;
/// So that the answer to the last request leaves before the end.
const FAREWELL_MS: u32 = 200;

/// Room for a registration on its way to the storage.
type Record = [u8; Client::<'static, Profile, Things>::SAVED_LEN];

/// A storage, and room for a registration on its way: a kilobyte, which is better not on a stack.
pub struct Shelf<S> {
    storage: S,
    room: &'static mut Record,
}

impl<S: Storage> Shelf<S> {
    /// Over this storage. Once.
    pub fn new(storage: S) -> Self {
        Self { storage, room: ROOM.take() }
    }

    fn keep(
        &mut self,
        client: &mut Client<'static, Profile, Things>,
        now: Instant,
        reserve: u32,
        log: Log<'_>,
    ) {
        match keep_registration(client, now, SERVER, reserve, self.room, &mut self.storage) {
            Ok(()) => log(format_args!("keeps its registration")),
            Err(error) => log(format_args!("can't keep its registration: {error}")),
        }
    }
}

static ROOM: ConstStaticCell<Record> = ConstStaticCell::new([0; _]);
/// Room in the board's retained memory (`board/retained.c`).
const RETAINED: usize = 1024;
const _: () = assert!(size_of::<Record>() <= RETAINED, "a registration does not fit the retained memory");

static MEMORY: ConstStaticCell<Memory<Profile>> = ConstStaticCell::new(Memory::EMPTY);
static DEVICE: StaticCell<Device> = StaticCell::new();
static TAKEN_UP: AtomicBool = AtomicBool::new(false);

/// How the device ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server asked for a reboot; the registration is in the storage.
    Reboot,
    /// After a reboot: the registration was taken up, and the server has answered.
    TakenUp,
}

/// Makes the device, from a task, when lwIP runs. Once.
///
/// # Errors
/// [`StartError`].
// Not a part of the caller: what is moved here from place to place would lie on the task's stack for ever.
#[inline(never)]
pub fn create(
    settings: &Settings<'_>,
    entropy: &mut dyn Entropy,
    shelf: &mut Shelf<impl Storage>,
    log: Log<'_>,
) -> Result<&'static Device, StartError> {
    log(format_args!("{} starts for {}", settings.endpoint, settings.server));
    let device = build(settings, entropy)?;
    device.with(|driver| {
        let now = driver.network().now();
        begin(driver.client(), now, shelf, log);
    });
    Ok(device)
}

/// Puts the client in its place. On the way there it is on the stack: the frame ends before anything deep is called.
#[inline(never)]
fn build(settings: &Settings<'_>, entropy: &mut dyn Entropy) -> Result<&'static Device, StartError> {
    let Memory { client, buffers } = MEMORY.take();
    let network = LwipNetwork::new().expect("create is called once");
    let things = Demo::objects(network.now(), 0);
    let client = Demo::client(client, settings.endpoint, things, &settings.server_settings(), entropy)?;
    Ok(Device::share(DEVICE.uninit(), Driver::new(client, network, buffers)))
}

/// Takes up the registration that was kept, or registers.
#[inline(never)]
fn begin(
    client: &mut Client<'static, Profile, Things>,
    now: Instant,
    shelf: &mut Shelf<impl Storage>,
    log: Log<'_>,
) {
    match take_up_registration(client, now, SERVER, shelf.room, &mut shelf.storage) {
        Ok(()) => {
            TAKEN_UP.store(true, Ordering::Relaxed);
            log(format_args!("takes up the registration that was kept"));
            // Nothing is sent before it is kept again: a power failure must not lead to a record number that was used.
            shelf.keep(client, now, RESERVE, log);
        }
        Err(TakeUpError::Empty) => client.register(now, SERVER),
        Err(error) => {
            log(format_args!("the registration that was kept is of no use: {error}"));
            client.register(now, SERVER);
        }
    }
}

/// Runs the client in the calling task until a server asks for a reboot; after that reboot, until the registration is known to
/// have outlived it.
pub fn run(device: &'static Device, shelf: &mut Shelf<impl Storage>, log: Log<'_>) -> End {
    let taken_up = TAKEN_UP.load(Ordering::Relaxed);
    let mut pulses = pulses::Watch::new();
    let end = device.run(|driver| {
        pulses.look(driver.network().now());
        if blocking::events(driver, log).is_some() {
            return ControlFlow::Break(End::Reboot);
        }
        if taken_up && driver.client().state(SERVER) == Some(RegistrationState::Registered) {
            return ControlFlow::Break(End::TakenUp);
        }
        ControlFlow::Continue(Instant::NEVER)
    });
    coracle_freertos::task::sleep(FAREWELL_MS);
    if end == End::Reboot {
        device.with(|driver| {
            let now = driver.network().now();
            shelf.keep(driver.client(), now, 0, log);
        });
    }
    pulses.report(log);
    end
}

/// Lets the simulated world of the demo change: the work of a task that senses. Observers are notified.
pub fn sense(device: &Device, demo: &mut Demo) {
    device.with(|driver| {
        let now = driver.network().now();
        driver.client().update(|things| demo.advance(now, things));
    });
}
