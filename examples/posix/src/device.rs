//! A device that registers with a server and serves it until it is told to stop.

use std::error::Error;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use coracle::driver::blocking::Driver;
use coracle::platform::Network;
use coracle::{Memory, RegistrationState, ServerIndex, ServerSettings};
use coracle_demo_app::{Demo, Profile, Things, blocking};
use coracle_posix::{OsEntropy, PosixNetwork, Waker};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::credentials::Keys;
use crate::log;

/// Which server, and as whom.
pub(crate) struct Settings {
    pub(crate) server: String,
    pub(crate) endpoint: String,
    pub(crate) lifetime: u32,
    pub(crate) local_port: u16,
    pub(crate) keys: Keys,
}

/// Asks a running device to de-register and end.
#[derive(Clone)]
pub(crate) struct Stop {
    /// How often that was asked.
    requested: Arc<AtomicUsize>,
    waker: Waker,
}

impl Stop {
    pub(crate) fn request(&self) {
        self.requested.fetch_add(1, Ordering::AcqRel);
        self.waker.wake();
    }

    fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Acquire) > 0
    }

    /// Whoever asks twice does not want to wait for the server.
    fn is_urgent(&self) -> bool {
        self.requested.load(Ordering::Acquire) > 1
    }
}

/// How a device ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Stopped,
    Reboot,
}

/// A port that can't be had is a fault of the command line, not of the way to the server, and will not go away.
fn check_port(port: u16) -> Result<(), String> {
    match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)) {
        Err(error) if matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
            Err(format!("--local-port {port}: {error}; choose another one, or leave it out"))
        }
        _ => Ok(()),
    }
}

/// A device that is to end does not wait longer than this for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until SIGINT or SIGTERM.
pub(crate) fn serve(settings: &Settings) -> Result<(), Box<dyn Error>> {
    check_port(settings.local_port)?;
    let network = PosixNetwork::new()?;
    let stop = Stop { requested: Arc::default(), waker: network.waker() };
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let on_signal = stop.clone();
    thread::spawn(move || {
        signals.forever().for_each(|_| on_signal.request());
    });
    let mut network = network;
    loop {
        let waker = stop.waker.clone();
        let stop = Stop { requested: stop.requested.clone(), waker };
        match run(settings, network, &stop)? {
            (End::Stopped, _) => return Ok(()),
            (End::Reboot, used) => network = used,
        }
    }
}

/// The thread of a device, and how it ends.
pub(crate) type Running = thread::JoinHandle<Result<(), String>>;

/// A device in a thread of its own.
pub(crate) fn spawn(settings: Settings) -> Result<(Stop, Running), Box<dyn Error>> {
    let mut network = PosixNetwork::new()?;
    let stop = Stop { requested: Arc::default(), waker: network.waker() };
    let stopper = stop.clone();
    let thread = thread::Builder::new().name("device".into()).spawn(move || {
        loop {
            match run(&settings, network, &stop).map_err(|error| error.to_string())? {
                (End::Stopped, _) => return Ok(()),
                (End::Reboot, used) => network = used,
            }
        }
    })?;
    Ok((stopper, thread))
}

type Device<'m> = Driver<'m, Profile, Things, PosixNetwork>;

/// From power-on until it is stopped or reboots.
fn run(
    settings: &Settings,
    network: PosixNetwork,
    stop: &Stop,
) -> Result<(End, PosixNetwork), Box<dyn Error>> {
    // Firmware has this in a static; a host may as well have it on the heap.
    let mut memory = Box::new(Memory::<Profile>::EMPTY);
    let Memory { client, buffers } = &mut *memory;
    let now = network.now();
    let unix_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let mut things = Demo::objects(now, i64::try_from(unix_time)?);
    let system = rustix::system::sysinfo();
    let kilobytes = |units: u64| u32::try_from(units * u64::from(system.mem_unit) / 1024).unwrap_or(u32::MAX);
    things.device.board.set_memory(kilobytes(system.freeram), kilobytes(system.totalram));
    let server = ServerSettings {
        uri: &settings.server,
        short_server_id: 1,
        lifetime_s: settings.lifetime,
        store_notifications: true,
        credentials: settings.keys.credentials(),
    };
    let mut client = Demo::client(client, &settings.endpoint, things, &server, &mut OsEntropy)?;
    client.set_unix_time(now, unix_time);
    log::device(format_args!("{} starts for {}", settings.endpoint, settings.server));
    let mut driver = Driver::new(client, network.local_port(settings.local_port), buffers);
    driver.register();
    let end = run_driver(&mut driver, Demo::new(now), stop);
    Ok((end, driver.into_network()))
}

fn run_driver(driver: &mut Device<'_>, mut demo: Demo, stop: &Stop) -> End {
    let mut give_up = None;
    let mut trouble = None;
    loop {
        if stop.is_requested() && give_up.is_none() {
            log::device("stopping: de-registers");
            driver.deregister();
            let now = driver.network().now();
            give_up = Some(now + coracle::Duration::from_millis(PATIENCE.as_millis() as u64));
        }
        if blocking::turn(driver, &mut demo, &|text| log::device(text)).is_some() {
            return End::Reboot;
        }
        show_trouble(driver, &mut trouble);
        let state = driver.client().state(ServerIndex(0));
        let now = driver.network().now();
        let ended = |limit| state == Some(RegistrationState::Idle) || now >= limit || stop.is_urgent();
        if give_up.is_some_and(ended) {
            return End::Stopped;
        }
        driver.wait_until(give_up.unwrap_or(demo.next()).min(demo.next()));
    }
}

/// Prints what the network says about the server, once until the device is registered again.
fn show_trouble(driver: &mut Device<'_>, told: &mut Option<ErrorKind>) {
    if driver.client().state(ServerIndex(0)) == Some(RegistrationState::Registered) {
        *told = None;
    }
    if let Some(error) = driver.network().take_error(ServerIndex(0))
        && *told != Some(error.kind())
    {
        log::device(format_args!("can't reach the server: {error}; goes on trying"));
        *told = Some(error.kind());
    }
}
