//! Leshan as many tests at once use it, and one endpoint of it as one test sees it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use coracle::{Profile, RegistrationState};
use coracle_leshan_peer::{
    Answer, CoapTrace, Code, Command, Error, Event, Failure, Format, Handshake, Leshan, Mode, Node,
    Notification, Options, Registration, Ticket,
};
use coracle_peer_programs::{Proxy, Weather};
use coracle_test_device::{Device, PATIENCE, Server as Account};

use crate::transport::Transport;

/// How exact the times of events are.
const TICK: Duration = Duration::from_millis(5);

/// A Leshan that several tests may hold.
#[derive(Clone)]
pub(crate) struct Server(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

struct State {
    leshan: Leshan,
    events: Vec<(Instant, Event)>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Notes events that have come; true when there are any.
    fn absorb(&mut self) -> bool {
        let fresh = self.leshan.take_events();
        let now = Instant::now();
        let any = !fresh.is_empty();
        self.events.extend(fresh.into_iter().map(|event| (now, event)));
        any
    }
}

/// Notes events when they come, whether a test waits for them or not.
fn watch(server: &Weak<Shared>) {
    while let Some(server) = server.upgrade() {
        if server.state().absorb() {
            server.news.notify_all();
        }
        drop(server);
        thread::sleep(TICK);
    }
}

impl Server {
    /// The Leshan that all tests share, plain and with pre-shared keys; `None` when there is none.
    pub(crate) fn shared() -> Option<Self> {
        static SHARED: OnceLock<Option<Server>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Options::default().connection_id(6))).clone()
    }

    /// The Leshan that reports each CoAP message, for [`Endpoint::messages`].
    pub(crate) fn traced() -> Option<Self> {
        static TRACED: OnceLock<Option<Server>> = OnceLock::new();
        TRACED.get_or_init(|| Self::start(Options::default().trace())).clone()
    }

    /// The Leshan with connection IDs that all tests with these credentials share.
    pub(crate) fn with_connection_ids(over: Transport) -> Option<Self> {
        static RAW_PUBLIC_KEY: OnceLock<Option<Server>> = OnceLock::new();
        static CERTIFICATE: OnceLock<Option<Server>> = OnceLock::new();
        let start = || Self::start(over.options()?.connection_id(6));
        match over {
            Transport::Plain | Transport::Psk => Self::shared(),
            Transport::RawPublicKey => RAW_PUBLIC_KEY.get_or_init(start).clone(),
            Transport::Certificate => CERTIFICATE.get_or_init(start).clone(),
        }
    }

    /// A Leshan of the test's own.
    pub(crate) fn start(options: Options) -> Option<Self> {
        if !Leshan::available() {
            return None;
        }
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/models");
        let leshan = Leshan::start(options.models(&models)).expect("Leshan starts");
        let state = Mutex::new(State { leshan, events: Vec::new() });
        let server = Self(Arc::new(Shared { state, news: Condvar::new() }));
        let watched = Arc::downgrade(&server.0);
        thread::spawn(move || watch(&watched));
        Some(server)
    }

    /// Uses the peer directly.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Leshan) -> R) -> R {
        work(&mut self.0.state().leshan)
    }

    /// Ends the process, as an outage.
    pub(crate) fn stop(&self) {
        self.with(Leshan::stop);
    }

    /// Starts it again on the same ports.
    pub(crate) fn resume(&self) {
        self.with(Leshan::resume).expect("it starts again");
    }

    /// Both: it has forgotten registrations, observations and sessions.
    pub(crate) fn restart(&self) {
        self.stop();
        self.resume();
    }

    /// The server's side of a device that reaches it so.
    pub(crate) fn endpoint(&self, over: Transport, test: &str) -> Endpoint {
        self.endpoint_named(over, &over.name(test))
    }

    /// The same for a device of which another server knows the name.
    pub(crate) fn endpoint_named(&self, over: Transport, name: &str) -> Endpoint {
        let account = self.with(|leshan| over.account(leshan, name));
        Endpoint { server: self.clone(), name: name.to_owned(), account }
    }
}

/// A registered device of its own for a test, and the server's side of it; `None` without Leshan.
pub(crate) fn connect<P: Profile + 'static>(over: Transport, test: &str) -> Option<(Device, Endpoint)> {
    let endpoint = Server::shared()?.endpoint(over, test);
    let device = endpoint.start::<P>();
    endpoint.registered();
    device.wait_state(RegistrationState::Registered);
    Some((device, endpoint))
}

/// One device as its server sees it.
pub(crate) struct Endpoint {
    pub(crate) server: Server,
    pub(crate) name: String,
    /// The server as the device knows it.
    pub(crate) account: Account,
}

impl Endpoint {
    /// Starts the device.
    pub(crate) fn start<P: Profile + 'static>(&self) -> Device {
        Device::start::<P>(&self.name, std::slice::from_ref(&self.account))
    }

    /// The device reaches its server through this from now on.
    pub(crate) fn behind_proxy(&mut self, over: Transport, weather: Weather, seed: u64) -> Proxy {
        let ports = self.server.with(|leshan| leshan.ports());
        let (scheme, port) = if over.is_secure() { ("coaps", ports.coaps) } else { ("coap", ports.coap) };
        let proxy = Proxy::start(port, weather, seed);
        self.account = self.account.clone().uri(format!("{scheme}://127.0.0.1:{}", proxy.port));
        proxy
    }

    /// Sends a request and waits for the answer.
    pub(crate) fn run(&self, command: impl FnOnce(&str) -> Command) -> Answer {
        let command = command(&self.name);
        let shown = format!("{command:?}");
        let ticket = self.server.with(|leshan| leshan.submit(command));
        let answer = ticket.and_then(|ticket| self.answer(&ticket));
        answer.unwrap_or_else(|error| panic!("{shown}: {error}"))
    }

    /// Waits for an answer. Others may use the server meanwhile.
    fn answer(&self, ticket: &Ticket) -> Result<Answer, Error> {
        loop {
            if let Some(answer) = self.server.with(|leshan| leshan.poll_answer(ticket))? {
                return Ok(answer);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn read(&self, path: &str, format: Option<Format>) -> Answer {
        self.run(|name| with_format(Command::read(name, path), format))
    }

    pub(crate) fn write(
        &self,
        path: &str,
        mode: Mode,
        node: impl Into<Node>,
        format: Option<Format>,
    ) -> Code {
        self.run(|name| with_format(Command::write(name, path, mode, node), format)).code
    }

    pub(crate) fn execute(&self, path: &str, arguments: Option<&str>) -> Code {
        self.run(|name| match arguments {
            Some(arguments) => Command::execute(name, path).arguments(arguments),
            None => Command::execute(name, path),
        })
        .code
    }

    /// Executes what ends the registration. Leshan gives a request up when the device de-registers, or registers anew, before it
    /// has looked at the answer.
    pub(crate) fn execute_last(&self, path: &str) {
        let ticket = self.server.with(|leshan| leshan.submit(Command::execute(&self.name, path)));
        let answer = ticket.and_then(|ticket| self.answer(&ticket));
        match answer {
            Ok(answer) => assert_eq!(answer.code, Code::CHANGED),
            Err(Error::Failed { kind: Failure::Cancelled, .. }) => {}
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    /// Executes Disable.
    pub(crate) fn disable(&self, path: &str) {
        self.execute_last(path);
        assert!(!self.unregistered(), "de-registered, not expired");
    }

    pub(crate) fn attributes(&self, path: &str, query: &str) -> Code {
        self.run(|name| Command::attributes(name, path, query)).code
    }

    /// Observes, and wants the device to agree.
    pub(crate) fn observe(&self, path: &str, format: Option<Format>) -> Answer {
        let answer = self.run(|name| with_format(Command::observe(name, path), format));
        assert_eq!(answer.code, Code::CONTENT, "Observe of {path}");
        assert!(answer.observation.is_some(), "Observe of {path} was answered like a Read");
        answer
    }

    /// The links of a Discover as `path;name=value;..`, sorted.
    pub(crate) fn discover(&self, path: &str) -> Vec<String> {
        let answer = self.run(|name| Command::discover(name, path));
        assert_eq!(answer.code, Code::CONTENT, "Discover of {path}");
        let mut links: Vec<String> = answer
            .links
            .iter()
            .map(|link| {
                let attributes = link.attributes.iter().map(|(name, value)| match value {
                    Some(value) => format!(";{name}={value}"),
                    None => format!(";{name}"),
                });
                attributes.fold(link.path.clone(), |link, attribute| link + &attribute)
            })
            .collect();
        links.sort();
        links
    }

    /// The first event that `pick` makes something of, and when it came; `None` when there is none in time.
    fn event<T>(&self, patience: Duration, pick: impl Fn(&Event) -> Option<T>) -> Option<(Instant, T)> {
        let deadline = Instant::now() + patience;
        let mut state = self.server.0.state();
        loop {
            let found =
                state.events.iter().enumerate().find_map(|(n, (at, event))| Some((n, *at, pick(event)?)));
            if let Some((n, at, found)) = found {
                state.events.remove(n);
                return Some((at, found));
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            state = self.server.0.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn expect<T>(&self, what: &str, pick: impl Fn(&Event) -> Option<T>) -> (Instant, T) {
        self.event(PATIENCE, pick).unwrap_or_else(|| {
            let state = self.server.0.state();
            panic!("{}: no {what} in {PATIENCE:?}; unread: {:#?}", self.name, state.events);
        })
    }

    fn is_ours(&self, name: &str) -> bool {
        name == self.name
    }

    /// What the server got from the device at this address so far, with options in Californium's words. Repetitions are left
    /// out: a slow server gets some.
    pub(crate) fn messages(&self, address: &str) -> Vec<CoapTrace> {
        let ours = |event: &Event| match event {
            Event::Coap(trace) if trace.way == "in" && trace.coap.source.as_deref() == Some(address) => {
                Some((**trace).clone())
            }
            _ => None,
        };
        let mut state = self.server.0.state();
        state.absorb();
        let mut seen = HashSet::new();
        let messages = state.events.iter().filter_map(|(_, event)| ours(event));
        messages.filter(|trace| seen.insert((trace.coap.kind.clone(), trace.coap.mid))).collect()
    }

    /// Waits for the next Register.
    pub(crate) fn registered(&self) -> Registration {
        let (_, registration) = self.expect("Register", |event| match event {
            Event::Registered(registration) if self.is_ours(&registration.endpoint) => {
                Some(registration.clone())
            }
            _ => None,
        });
        *registration
    }

    /// Waits for the next Update; when it came, and the registration as it is now.
    pub(crate) fn updated(&self) -> (Instant, Registration) {
        let (at, registration) = self.expect("Update", |event| match event {
            Event::Updated(registration) if self.is_ours(&registration.endpoint) => {
                Some(registration.clone())
            }
            _ => None,
        });
        (at, *registration)
    }

    /// Waits for the end of the registration; true when the lifetime ran out.
    pub(crate) fn unregistered(&self) -> bool {
        let (_, expired) = self.expect("De-register", |event| match event {
            Event::Unregistered(end) if self.is_ours(&end.endpoint) => Some(end.expired),
            _ => None,
        });
        expired
    }

    /// Waits for the next handshake that failed on the server's side, of whichever device.
    pub(crate) fn refused_handshake(&self) -> Handshake {
        let (_, handshake) = self.expect("failed handshake", |event| match event {
            Event::Handshake(handshake) if !handshake.ok => Some(handshake.clone()),
            _ => None,
        });
        handshake
    }

    /// Waits for the next notification of a path, and when it came.
    pub(crate) fn notified(&self, path: &str) -> (Instant, Notification) {
        let (at, notification) =
            self.expect(&format!("notification of {path}"), |event| self.notification(event, path));
        (at, *notification)
    }

    /// Waits that long for a notification of a path which must not come.
    pub(crate) fn not_notified(&self, path: &str, duration: Duration) {
        let unwanted = self.event(duration, |event| self.notification(event, path));
        assert!(unwanted.is_none(), "{}: {unwanted:?}", self.name);
    }

    fn notification(&self, event: &Event, path: &str) -> Option<Box<Notification>> {
        match event {
            Event::NotifyError(error) if error.endpoint.as_deref() == Some(&self.name) => {
                panic!("Leshan does not understand a notification: {error:?}")
            }
            Event::Notify(notification)
                if self.is_ours(&notification.endpoint) && notification.path.as_deref() == Some(path) =>
            {
                Some(notification.clone())
            }
            _ => None,
        }
    }

    /// Nothing about the registration may happen for so long.
    pub(crate) fn stays_registered(&self, duration: Duration) {
        let unwanted = self.event(duration, |event| match event {
            Event::Registered(registration) if self.is_ours(&registration.endpoint) => Some("Register"),
            Event::Updated(registration) if self.is_ours(&registration.endpoint) => Some("Update"),
            Event::Unregistered(end) if self.is_ours(&end.endpoint) => Some("De-register"),
            _ => None,
        });
        assert!(unwanted.is_none(), "{}: {unwanted:?}", self.name);
    }
}

fn with_format(command: Command, format: Option<Format>) -> Command {
    match format {
        Some(format) => command.format(format),
        None => command,
    }
}
