//! A device in a thread of its own, over the blocking driver and real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coracle::driver::blocking::Driver;
use coracle::objects::DeviceRequest;
use coracle::platform::Network as _;
use coracle::{Client, Counters, Event, Memory, Profile, RegistrationState, ServerIndex, ServerSettings};
use coracle_posix::{OsEntropy, PosixNetwork, Waker};

use crate::keys::Keys;
use crate::names::Names;
use crate::objects::Things;
use crate::orders::{Order, save};
use crate::watch::{Boot, PATIENCE, Watch};

/// A server of the device.
#[derive(Clone, Debug)]
pub struct Server {
    uri: String,
    short_server_id: u16,
    lifetime_s: u32,
    store_notifications: bool,
    keys: Keys,
}

impl Server {
    /// Short server id 1, a lifetime so long that no Update is due during a test, and notifications stored (1/x/6).
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            short_server_id: 1,
            lifetime_s: 300,
            store_notifications: true,
            keys: Keys::default(),
        }
    }

    /// The same account at another place.
    #[must_use]
    pub fn uri(mut self, uri: impl Into<String>) -> Self {
        self.uri = uri.into();
        self
    }

    /// For `coaps://`.
    #[must_use]
    pub fn keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// Seconds.
    #[must_use]
    pub const fn lifetime(mut self, seconds: u32) -> Self {
        self.lifetime_s = seconds;
        self
    }

    /// Resource 0 of its instance of object 1.
    #[must_use]
    pub const fn short_server_id(mut self, id: u16) -> Self {
        self.short_server_id = id;
        self
    }

    /// What the server's account says.
    pub fn settings(&self) -> ServerSettings<'_> {
        ServerSettings {
            uri: &self.uri,
            short_server_id: self.short_server_id,
            lifetime_s: self.lifetime_s,
            store_notifications: self.store_notifications,
            credentials: self.keys.credentials(),
        }
    }
}

/// A running device. Dropping it ends its thread without a word to the servers.
#[derive(Debug)]
pub struct Device {
    orders: Sender<Order>,
    waker: Waker,
    stop: Arc<AtomicBool>,
    names: Arc<AtomicBool>,
    watch: Arc<Watch>,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    /// Starts a device of this profile; it registers with the servers by itself.
    pub fn start<P: Profile + 'static>(endpoint: &str, servers: &[Server]) -> Self {
        Self::start_where_names_are::<P>(true, endpoint, servers)
    }

    /// As [`Device::start`]; without names, every look-up fails until [`Device::mend_names`].
    pub fn start_where_names_are<P: Profile + 'static>(
        known: bool,
        endpoint: &str,
        servers: &[Server],
    ) -> Self {
        Self::begin::<P>(known, endpoint, servers, None)
    }

    /// A device that lost its RAM in sleep, and has what [`Device::save`] wrote of its first server.
    pub fn wake<P: Profile + 'static>(endpoint: &str, servers: &[Server], saved: Vec<u8>) -> Self {
        Self::begin::<P>(true, endpoint, servers, Some(saved))
    }

    fn begin<P: Profile + 'static>(
        known: bool,
        endpoint: &str,
        servers: &[Server],
        saved: Option<Vec<u8>>,
    ) -> Self {
        let network = PosixNetwork::new().expect("a descriptor");
        let waker = network.waker();
        let names = Arc::new(AtomicBool::new(known));
        let network = Names::new(network, names.clone());
        let (orders, inbox) = channel();
        let (stop, watch) = (Arc::new(AtomicBool::new(false)), Arc::new(Watch::default()));
        let thread = Thread {
            endpoint: endpoint.to_owned(),
            servers: servers.to_vec(),
            saved,
            inbox,
            stop: stop.clone(),
            watch: watch.clone(),
        };
        let builder = std::thread::Builder::new().name(format!("device {endpoint}"));
        let thread = builder.spawn(move || thread.run::<P>(network)).expect("a thread");
        Self { orders, waker, stop, names, watch, thread: Some(thread) }
    }

    /// The names of servers can be looked up from now on.
    pub fn mend_names(&self) {
        self.names.store(true, Ordering::Release);
    }

    fn order(&self, order: Order) {
        assert!(self.orders.send(order).is_ok(), "the thread of the device has ended");
        self.waker.wake();
    }

    fn ask<T>(&self, order: impl FnOnce(Sender<T>) -> Order) -> T {
        let (sender, answer) = channel();
        self.order(order(sender));
        answer.recv_timeout(PATIENCE).expect("the device obeys")
    }

    /// Changes objects, as the application of the device does.
    pub fn update<R: Send + 'static>(&self, change: impl FnOnce(&mut Things) -> R + Send + 'static) -> R {
        self.ask(|answer| Order::Update(Box::new(move |things| drop(answer.send(change(things))))))
    }

    /// Looks at objects without touching them.
    pub fn look<R: Send + 'static>(&self, look: impl FnOnce(&Things) -> R + Send + 'static) -> R {
        self.ask(|answer| Order::Look(Box::new(move |things| drop(answer.send(look(things))))))
    }

    /// Registers with all servers.
    pub fn register(&self) {
        self.order(Order::Register);
    }

    /// De-registers from all servers.
    pub fn deregister(&self) {
        self.order(Order::Deregister);
    }

    /// The application asks for an Update.
    pub fn update_registration(&self, server: ServerIndex) {
        self.order(Order::UpdateRegistration(server));
    }

    /// The last TLS or DTLS alert of a server: resource 11 of its instance of object 1.
    pub fn alert(&self, server: ServerIndex) -> Option<u8> {
        self.ask(|answer| Order::Alert(server, answer))
    }

    /// Writes the registration with a server, and its session, for [`Device::wake`].
    pub fn save(&self, server: ServerIndex) -> Vec<u8> {
        self.ask(|answer| Order::Save(server, answer)).expect("the server owes no answer")
    }

    /// The network has changed, as the device knows: a new socket is opened.
    pub fn reconnect(&self, server: ServerIndex) {
        self.order(Order::Reconnect(server));
    }

    /// Traffic that the device dropped.
    pub fn counters(&self) -> Counters {
        self.ask(Order::Counters)
    }

    /// How long the thread has kept a processor busy so far.
    pub fn cpu_time(&self) -> Duration {
        self.ask(Order::CpuTime)
    }

    /// How often the driver has woken up so far. Asking does not wake it.
    pub fn waits(&self) -> u64 {
        self.watch.wait_count()
    }

    /// Why it booted, each time.
    pub fn boots(&self) -> Vec<Boot> {
        self.watch.boots()
    }

    /// Waits until it has booted that often.
    pub fn wait_boots(&self, count: usize) {
        self.watch.wait_boots(count, PATIENCE);
    }

    /// Where the registration with a server stands.
    pub fn state(&self, server: ServerIndex) -> RegistrationState {
        self.watch.state(server)
    }

    /// Waits until the registration with the first server is in this state.
    pub fn wait_state(&self, state: RegistrationState) {
        self.watch.wait_state(ServerIndex(0), state, PATIENCE);
    }

    /// Waits until the registration with a server is in this state.
    pub fn wait_state_of(&self, server: ServerIndex, state: RegistrationState) {
        self.watch.wait_state(server, state, PATIENCE);
    }

    /// Waits for the first event that was not waited for and that `pick` makes something of.
    pub fn next<T>(&self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> T {
        self.watch.next(what, PATIENCE, pick).1
    }

    /// As [`Device::next`], for an event of which nothing more is to be known; when it came.
    pub fn next_is(&self, what: &str, is: impl Fn(&Event) -> bool) -> Instant {
        self.watch.next(what, PATIENCE, |event| is(event).then_some(())).0
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.watch.events()
    }

    /// How many events so far are such.
    pub fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events().iter().filter(|event| is(event)).count()
    }

    /// De-registers from all servers and ends the thread.
    pub fn stop(mut self) {
        self.deregister();
        let servers = 0..u8::try_from(self.watch.servers()).unwrap_or(u8::MAX);
        servers.for_each(|server| self.wait_state_of(ServerIndex(server), RegistrationState::Idle));
        self.end();
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.waker.wake();
        let panicked = self.thread.take().is_some_and(|thread| thread.join().is_err());
        assert!(!panicked || std::thread::panicking(), "the thread of the device panicked");
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread owns.
struct Thread {
    endpoint: String,
    servers: Vec<Server>,
    /// From before a sleep.
    saved: Option<Vec<u8>>,
    inbox: Receiver<Order>,
    stop: Arc<AtomicBool>,
    watch: Arc<Watch>,
}

/// Tells the tests that wait that there is nothing to wait for.
struct End(Arc<Watch>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Thread {
    fn run<P: Profile>(mut self, mut network: Names) {
        let _end = End(self.watch.clone());
        let mut boot = Some(Boot::Power);
        while let Some(reason) = boot {
            self.watch.boot(reason, self.servers.len());
            let saved = self.saved.take();
            (boot, network) = self.life::<P>(network, saved.as_deref());
        }
    }

    /// From power-on to the next; `None` when the test has ended.
    fn life<P: Profile>(&self, network: Names, saved: Option<&[u8]>) -> (Option<Boot>, Names) {
        let mut memory = Box::new(Memory::<P>::EMPTY);
        let Memory { client, buffers } = &mut *memory;
        let mut client =
            Client::new(client, &self.endpoint, Things::new(), &mut OsEntropy).expect("a good name");
        let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
        client.set_unix_time(network.now(), time.as_secs());
        for server in &self.servers {
            client.add_server(&server.settings()).expect("a good server");
        }
        let mut driver = Driver::new(client, network, buffers);
        match saved {
            None => driver.register(),
            Some(saved) => {
                let now = driver.network().now();
                driver
                    .client()
                    .restore(now, ServerIndex(0), saved)
                    .expect("it was saved by a device like this");
                // Nothing is sent before it is saved again.
                save(&mut driver, ServerIndex(0), 64).expect("it has just begun");
            }
        }
        let boot = self.serve(&mut driver);
        (boot, driver.into_network())
    }

    fn serve<P: Profile>(&self, driver: &mut Driver<'_, P, Things, Names>) -> Option<Boot> {
        while !self.stop.load(Ordering::Acquire) {
            driver.step();
            let mut executed = false;
            while let Some(event) = driver.client().poll_event() {
                executed |= matches!(event, Event::Executed { .. });
                self.watch.event(event);
            }
            // Only after an Execute: a change of objects, even of nothing, makes the driver look at all of them.
            if executed && let Some(request) = driver.client().update(|things| things.device.take_request()) {
                return Some(match request {
                    DeviceRequest::Reboot => Boot::Reboot,
                    DeviceRequest::FactoryReset => Boot::FactoryReset,
                });
            }
            // One by one: what two of them change are two changes for the driver as well.
            if let Ok(order) = self.inbox.try_recv() {
                order.obey(driver);
                continue;
            }
            driver.wait();
            self.watch.waits(driver.network().network.waits());
        }
        None
    }
}
