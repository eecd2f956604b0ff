//! A device that loses its RAM in sleep, with a server over DTLS: what `examples/esp32c3` does, on a host.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use coracle::driver::blocking::Driver;
use coracle::platform::{Key, Network, Storage};
use coracle::{
    Client, Credentials, Event, Memory, RegistrationState, ServerIndex, ServerSettings, SessionEvent,
};
use coracle_demo_app::{Demo, Profile, Things, sleep};
use coracle_demo_server::{Config, Event as Seen, Events, PreSharedKeys, Server};
use coracle_posix::{FileStorage, OsEntropy, PosixNetwork};
use coracle_storage::{Retained, read_server, write_server};

const SERVER: ServerIndex = ServerIndex(0);
const ENDPOINT: &str = "sleepy";
const PATIENCE: Duration = Duration::from_secs(30);

type Device<'m> = Driver<'m, Profile, Things, PosixNetwork>;

fn server() -> (Server, Events) {
    let keys = PreSharedKeys::default().with(*b"me", [7; 16]);
    let server = Server::start_secured(Config::default(), keys).unwrap();
    let events = server.subscribe();
    (server, events)
}

fn settings(uri: &str) -> ServerSettings<'_> {
    ServerSettings {
        uri,
        short_server_id: 1,
        lifetime_s: 300,
        store_notifications: true,
        credentials: Credentials::psk(b"me", &[7; 16]),
    }
}

/// Everything that a device has from a reset to the next one: RAM, a socket on another port, measured values.
fn power_on<R>(
    settings: &ServerSettings<'_>,
    seconds: u64,
    begin: impl FnOnce(&mut Client<'_, Profile, Things>, coracle::Instant),
    run: impl FnOnce(&mut Device<'_>) -> R,
) -> R {
    let mut memory = Box::new(Memory::<Profile>::EMPTY);
    let Memory { client, buffers } = &mut *memory;
    let network = PosixNetwork::new().unwrap();
    let mut things = Demo::objects(coracle::Instant::ZERO, 0);
    Demo::new(coracle::Instant::ZERO).advance(coracle::Instant::from_millis(seconds * 1000), &mut things);
    let mut client = Demo::client(client, ENDPOINT, things, settings, &mut OsEntropy).unwrap();
    begin(&mut client, network.now());
    run(&mut Driver::new(client, network, buffers))
}

/// Serves for a time, then until the device is registered and has nothing to wait for; whether a handshake was made.
fn serve(device: &mut Device<'_>, ms: u64, mut done: impl FnMut(&mut Device<'_>) -> bool) -> bool {
    let mut handshake = false;
    let quiet = device.network().now() + coracle::Duration::from_millis(ms);
    let end = device.network().now() + coracle::Duration::from_millis(PATIENCE.as_millis() as u64);
    loop {
        device.step();
        while let Some(event) = device.client().poll_event() {
            handshake |= matches!(event, Event::Transport { event: SessionEvent::Secured(_), .. });
        }
        let now = device.network().now();
        let registered = device.client().state(SERVER) == Some(RegistrationState::Registered);
        if now >= quiet && registered && done(device) {
            return handshake;
        }
        assert!(now < end, "the device is {:?}", device.client().state(SERVER));
        device.wait_until(now + coracle::Duration::from_millis(50));
    }
}

/// What the server has seen: addresses of Registers and Updates, and how many notifications. One of either is waited for, and of
/// notifications if there should be any; what follows has some time to come.
fn seen(events: &Events, notified: bool) -> (Vec<SocketAddr>, Vec<SocketAddr>, usize) {
    let (mut registers, mut updates, mut notifications) = (Vec::new(), Vec::new(), 0);
    let patience = |heard: usize, notifications: usize| {
        let complete = heard > 0 && (notifications > 0 || !notified);
        if complete { Duration::from_millis(200) } else { PATIENCE }
    };
    while let Some(event) = events.next(patience(registers.len() + updates.len(), notifications)) {
        match event {
            Seen::Registered(registration) => registers.push(registration.address),
            Seen::Updated { registration, .. } => updates.push(registration.address),
            Seen::Notification { .. } => notifications += 1,
            _ => {}
        }
    }
    (registers, updates, notifications)
}

#[test]
fn a_wake_is_an_update_in_the_old_session() {
    let (server, events) = server();
    let uri = server.uri();
    let mut memory = vec![0xa5; sleep::RETAINED_LEN];
    let save = |device: &mut Device<'_>, memory: &mut Vec<u8>| {
        let now = device.network().now();
        sleep::before_sleep(device.client(), now, &mut Retained::new(memory)).is_ok()
    };

    // After a loss of power the memory holds anything: the device registers, and is observed.
    let handshake = power_on(
        &settings(&uri),
        1,
        |client, now| {
            assert!(sleep::wake(client, now, &mut Retained::new(&mut memory)).is_err());
        },
        |device| {
            serve(device, 0, |_| true);
            let observation = server.device(ENDPOINT).observe("/3303/0/5700", None).start();
            let observed = std::thread::spawn(|| observation.wait());
            serve(device, 0, |_| observed.is_finished());
            observed.join().unwrap().unwrap().success().unwrap();
            let memory = &mut vec![0; sleep::RETAINED_LEN];
            assert!(save(device, memory));
            memory.clone()
        },
    );
    memory = handshake;
    let (registers, _, _) = seen(&events, false);
    assert_eq!(registers.len(), 1);

    // It wakes: one Update from another port, no handshake, and the value that has changed.
    let wakes = |memory: &mut Vec<u8>, seconds: u64, then_sleep: bool| {
        let mut copy = memory.clone();
        let restored = power_on(
            &settings(&uri),
            seconds,
            |client, now| sleep::wake(client, now, &mut Retained::new(memory)).unwrap(),
            |device| serve(device, 1_000, |device| !then_sleep || save(device, &mut copy)),
        );
        assert!(!restored, "a handshake was made");
        if then_sleep {
            *memory = copy;
        }
        let (registers, updates, notifications) = seen(&events, true);
        assert_eq!((registers.len(), updates.len()), (0, 1));
        assert!(notifications >= 1, "the value has changed");
        updates[0]
    };
    let first = wakes(&mut memory, 60, true);
    assert_ne!(first, registers[0], "the connection ID finds the session");
    // It crashes while it is awake, before it could save: what was saved at the wake has a reserve.
    let second = wakes(&mut memory, 90, false);
    let third = wakes(&mut memory, 130, true);
    assert!(first != second && second != third);
}

#[test]
fn server_and_registration_are_in_the_storage() {
    let (server, events) = server();
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("sleep");
    let _ = std::fs::remove_dir_all(&directory);
    let mut storage = FileStorage::open(&directory).unwrap();
    write_server(&mut storage, SERVER, &settings(&server.uri()), &mut [0; 256]).unwrap();
    let key = Key::registration(SERVER);
    for wakes in [false, true, true] {
        let mut buffer = [0; 256];
        let settings = read_server(&mut storage, SERVER, &mut buffer).unwrap().unwrap();
        let mut room = vec![0; Client::<'static, Profile, Things>::SAVED_LEN];
        let saved = storage.read(key, &mut room).unwrap().map(<[u8]>::to_vec);
        let saved = power_on(
            &settings,
            1,
            |client, now| match saved {
                None => client.register(now, SERVER),
                Some(saved) => {
                    client.restore(now, SERVER, &saved).unwrap();
                    let length = client.save(now, SERVER, 100, &mut room).unwrap();
                    storage.write(key, &room[..length]).unwrap();
                }
            },
            |device| {
                let mut saved = vec![0; Client::<'static, Profile, Things>::SAVED_LEN];
                let handshake = serve(device, 0, |device| {
                    let now = device.network().now();
                    let length = device.client().save(now, SERVER, 0, &mut saved);
                    length.map(|length| saved.truncate(length)).is_ok()
                });
                assert_eq!(handshake, !wakes);
                saved
            },
        );
        storage.write(key, &saved).unwrap();
        let (registers, updates, _) = seen(&events, false);
        assert_eq!((registers.len(), updates.len()), if wakes { (0, 1) } else { (1, 0) });
    }
}
