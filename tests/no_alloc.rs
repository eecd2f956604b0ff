//! A device allocates nothing after its start, whatever is asked of it: its thread runs with a counting allocator.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use coracle::driver::blocking::Driver;
use coracle::{Client, Credentials, Event, Memory, Profile, RegistrationState, ServerIndex, ServerSettings};
use coracle_demo_server::{Answer, Config, Device, Events, Format, Mode, PreSharedKeys, Server, Value, tree};
use coracle_posix::{OsEntropy, PosixNetwork, Waker};
use coracle_test_device::{Things, profiles};

const ENDPOINT: &str = "frugal";
const KEY: [u8; 16] = *b"sixteen byte key";
const SOON: Duration = Duration::from_secs(30);

/// A device in a thread, as firmware has it in a task.
struct Frugal {
    stop: Arc<AtomicBool>,
    /// How often the sensor has measured.
    ticks: Arc<AtomicU32>,
    waker: Waker,
    thread: JoinHandle<u64>,
}

impl Frugal {
    /// `wasteful` allocates once for each measurement.
    fn start<P: Profile>(uri: String, credentials: Credentials<'static>, wasteful: bool) -> Self {
        let network = PosixNetwork::new().expect("a descriptor");
        let (waker, stop, ticks) = (network.waker(), Arc::default(), Arc::<AtomicU32>::default());
        let (stopped, measured) = (Arc::<AtomicBool>::clone(&stop), ticks.clone());
        let thread = std::thread::spawn(move || {
            let mut memory = Box::new(Memory::<P>::EMPTY);
            let Memory { client, buffers } = &mut *memory;
            let mut client =
                Client::new(client, ENDPOINT, Things::new(), &mut OsEntropy).expect("a good name");
            let settings = ServerSettings {
                uri: &uri,
                short_server_id: 1,
                lifetime_s: 300,
                store_notifications: true,
                credentials,
            };
            client.add_server(&settings).expect("a good server");
            let mut driver = Driver::new(client, network, buffers);
            driver.register();
            while driver.client().state(ServerIndex(0)) != Some(RegistrationState::Registered) {
                driver.step();
                while driver.client().poll_event().is_some() {}
                driver.wait();
            }
            let mut seen = 0;
            let count = allocation_counter::measure(|| {
                while !stopped.load(Ordering::Acquire) {
                    driver.step();
                    while let Some(event) = driver.client().poll_event() {
                        assert!(!matches!(event, Event::EventsLost { .. }));
                    }
                    let now = measured.load(Ordering::Acquire);
                    if now == seen {
                        driver.wait();
                    }
                    while seen < now {
                        seen += 1;
                        let value =
                            if wasteful { *std::hint::black_box(Box::new(seen as f32)) } else { seen as f32 };
                        driver.client().update(|things| {
                            things.temperature[0].set_sensor_value(value);
                        });
                    }
                }
            });
            count.count_total
        });
        Self { stop, ticks, waker, thread }
    }

    fn tick(&self) {
        self.ticks.fetch_add(1, Ordering::AcqRel);
        self.waker.wake();
    }

    /// How often it has allocated since it was registered.
    fn end(self) -> u64 {
        self.stop.store(true, Ordering::Release);
        self.waker.wake();
        self.thread.join().expect("the device does not panic")
    }
}

/// Sends a request; its answer has to have this code.
fn ask(request: coracle_demo_server::Request, code: &str) -> Answer {
    let text = request.to_string();
    let answer = request.send().unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(answer.code.to_string().split(' ').next(), Some(code), "{text}: {answer:#}");
    answer
}

/// Reads and writes in every format, at every level; how many requests that were.
fn formats(device: &Device) -> usize {
    let structured = [Format::Tlv, Format::SenmlJson, Format::SenmlCbor];
    for format in structured {
        for path in ["/3", "/3/0", "/3303/0/5700", "/3442/0", "/3442/0/1110", "/3442/0/1110/1", "/33001/0/6"]
        {
            ask(device.read(path, format), "2.05");
        }
        let change = tree([("120", Value::from(7)), ("140", true.into())]);
        ask(device.write("/3442/0", change, Mode::Update, format), "2.04");
        ask(device.write("/3442/0/120", -9, Mode::Replace, format), "2.04");
        ask(device.write("/33001/0", tree([("3", Value::from(101))]), Mode::Update, format), "4.00");
    }
    for (path, format) in [
        ("/3/0/0", Format::Text),
        ("/3442/0/130", Format::Text),
        ("/3442/0/150", Format::Opaque),
        ("/3442/0/125", Format::Cbor),
        ("/3442/0/110", Format::Cbor),
    ] {
        ask(device.read(path, format), "2.05");
    }
    ask(device.write("/3442/0/110", "another text", Mode::Replace, Format::Text), "2.04");
    ask(device.write("/3442/0/120", 12, Mode::Replace, Format::Cbor), "2.04");
    ask(device.write("/3442/0/150", Value::Opaque(vec![1, 2, 3]), Mode::Replace, Format::Opaque), "2.04");
    structured.len() * 10 + 8
}

/// The other operations, and what is refused.
fn operations(device: &Device) -> usize {
    for path in ["/3", "/3/0", "/3442/0/1110", "/1"] {
        ask(device.discover(path), "2.05");
    }
    ask(device.create("/3311", Some(7), tree([("5850", true)]), Format::Tlv), "2.01");
    ask(device.create("/3311", Some(7), tree([("5850", true)]), Format::Tlv), "4.00");
    ask(device.delete("/3311/7"), "2.02");
    ask(device.execute("/33001/0/2", ""), "2.04");
    ask(device.execute("/33001/0/2", "0='busy'"), "5.03");
    ask(device.execute("/3442/0/3", "0='one',1,2='three'"), "2.04");
    ask(device.write_attributes("/3303/0/5700", "pmax=100&st=0.5"), "2.04");
    ask(device.write_attributes("/3303/0/5700", "pmax&st"), "2.04");
    ask(device.read("/4711", None), "4.04");
    ask(device.read("/0/0", None), "4.01");
    ask(device.write("/3/0/0", "x", Mode::Replace, Format::Text), "4.05");
    ask(device.read("/3/0/0", Format::Other(11543)), "4.06");
    assert!(device.ping().expect("an answer"));
    17
}

/// An observation with notifications, and its end.
fn observe(frugal: &Frugal, device: &Device, events: &Events) -> usize {
    let notified = |event: coracle_demo_server::Event| {
        matches!(event, coracle_demo_server::Event::Notification { .. }).then_some(())
    };
    for (path, format) in
        [("/3303/0/5700", Format::Text), ("/3303", Format::SenmlCbor), ("/3303/0", Format::Tlv)]
    {
        ask(device.observe(path, format), "2.05");
        for _ in 0..3 {
            frugal.tick();
            events.wait(SOON, notified).expect("a notification");
        }
        ask(device.cancel(path), "2.05");
    }
    6
}

/// Updates, by trigger and by a new lifetime.
fn updates(device: &Device, events: &Events, round: u32) -> usize {
    let updated = |event: coracle_demo_server::Event| {
        matches!(event, coracle_demo_server::Event::Updated { .. }).then_some(())
    };
    ask(device.execute("/1/0/8", ""), "2.04");
    events.wait(SOON, updated).expect("an Update");
    ask(device.write("/1/0/1", i64::from(400 + round), Mode::Replace, Format::Text), "2.04");
    events.wait(SOON, updated).expect("an Update");
    2
}

/// A thousand requests; how often the device has allocated.
fn thousand<P: Profile>(server: &Server, credentials: Credentials<'static>) -> u64 {
    let events = server.subscribe();
    let frugal = Frugal::start::<P>(server.uri(), credentials, false);
    events.registered(ENDPOINT, SOON).expect("a registration");
    let device = server.device(ENDPOINT);
    let (mut requests, mut round) = (0, 0);
    while requests < 1_000 {
        round += 1;
        requests += formats(&device) + observe(&frugal, &device, &events);
        // Executes are remembered for four minutes, and one profile has room for 64.
        if round <= 10 {
            requests += operations(&device) + updates(&device, &events, round);
        }
    }
    frugal.end()
}

#[test]
fn nothing_is_allocated_over_plain_coap() {
    let server = Server::start(Config::default()).expect("a port");
    assert_eq!(thousand::<profiles::Plain>(&server, Credentials::NONE), 0);
}

#[test]
fn nothing_is_allocated_with_confirmable_notifications() {
    let server = Server::start(Config::default()).expect("a port");
    assert_eq!(thousand::<profiles::Confirmable>(&server, Credentials::NONE), 0);
}

#[test]
fn nothing_is_allocated_over_dtls() {
    let keys = PreSharedKeys::default().with(ENDPOINT, KEY);
    let server = Server::start_secured(Config::default(), keys).expect("a port");
    assert_eq!(thousand::<profiles::Plain>(&server, Credentials::psk(ENDPOINT.as_bytes(), &KEY)), 0);
}

/// The counter counts: a device that allocates is caught.
#[test]
fn an_allocation_is_noticed() {
    let server = Server::start(Config::default()).expect("a port");
    let events = server.subscribe();
    let wasteful = Frugal::start::<profiles::Plain>(server.uri(), Credentials::NONE, true);
    events.registered(ENDPOINT, SOON).expect("a registration");
    let device = server.device(ENDPOINT);
    observe(&wasteful, &device, &events);
    assert_eq!(wasteful.end(), 9, "one for each measurement");
}
