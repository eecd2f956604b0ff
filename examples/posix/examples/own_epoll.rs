//! A device inside of an application that has its own epoll loop: the client gives its sockets and its deadline, the
//! application does the waiting.
//!
//! `cargo run -p coracle-device --example own_epoll -- coap://127.0.0.1 30` serves for 30 seconds.

use std::error::Error;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use coracle::driver::blocking::Driver;
use coracle::platform::Network;
use coracle::{Client, Credentials, Instant, Memory, RegistrationState, ServerIndex, ServerSettings};
use coracle_demo_app::{Demo, Profile};
use coracle_posix::PosixNetwork;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

/// The application's own business: a timer, here, that blinks once in a while.
const TIMER: u64 = 1;
const CLIENT: u64 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "coap://127.0.0.1".into());
    let seconds: u64 = arguments.next().map_or(Ok(30), |text| text.parse())?;

    let mut memory = Box::new(Memory::<Profile>::EMPTY);
    let Memory { client, buffers } = &mut *memory;
    let network = PosixNetwork::new()?;
    let things = Demo::objects(network.now(), 0);
    let mut client = Client::new(client, "own-epoll", things, &mut coracle_posix::OsEntropy)?;
    let server = client.add_server(&ServerSettings {
        uri: &server,
        short_server_id: 1,
        lifetime_s: 60,
        store_notifications: true,
        credentials: Credentials::NONE,
    })?;
    let mut driver = Driver::new(client, network, buffers);
    driver.register();

    let timer = every_second()?;
    let end = Instant::from_millis(seconds * 1000);
    let mut blinks = 0;
    while driver.network().now() < end {
        driver.step();
        while let Some(event) = driver.client().poll_event() {
            println!("{event:?}");
        }
        // The client's sockets may have changed in the step: the set is built anew. Long-lived loops keep it and
        // compare the descriptors.
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), epoll::EventFlags::IN)?;
        for descriptor in driver.network().descriptors() {
            epoll::add(&epoll, descriptor, epoll::EventData::new_u64(CLIENT), epoll::EventFlags::IN)?;
        }
        let until = driver.deadline().unwrap_or(end).min(end);
        let ms = until.since(driver.network().now()).as_millis();
        let timeout =
            Timespec { tv_sec: i64::try_from(ms / 1000)?, tv_nsec: i64::try_from(ms % 1000)? * 1_000_000 };
        let mut ready = Vec::with_capacity(8);
        epoll::wait(&epoll, spare_capacity(&mut ready), Some(&timeout))?;
        if ready.iter().any(|event| event.data.u64() == TIMER) {
            rustix::io::read(&timer, &mut [0u8; 8])?;
            blinks += 1;
        }
    }
    let registered = driver.client().state(server) == Some(RegistrationState::Registered);
    let socket = driver.network().socket(ServerIndex(0)).map(|socket| socket.as_fd().as_raw_fd());
    println!("blinked {blinks} times, registered: {registered}, socket: {socket:?}");
    Ok(())
}

fn every_second() -> Result<OwnedFd, Box<dyn Error>> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let second = Timespec { tv_sec: 1, tv_nsec: 0 };
    timerfd_settime(
        &timer,
        TimerfdTimerFlags::empty(),
        &Itimerspec { it_interval: second, it_value: second },
    )?;
    Ok(timer)
}
