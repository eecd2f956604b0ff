//! The server: one thread that owns transport and state, and the handle to it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::answer::RequestError;
use crate::core::{Core, Job, RawReply, Stats, Subscribers, Target, answer, lock};
use crate::device::Device;
use crate::event::{Event, Events};
use crate::exchange::Retransmission;
use crate::faults::{Faults, Faulty};
use crate::registry::{Origin, Registration};
use crate::secured::{PreSharedKeys, Secured};
use crate::transport::{PeerId, Received, Transport, Udp, Waker};
use crate::value::Types;

/// No UDP datagram is longer.
const MAX_DATAGRAM: usize = 65_535;

/// What a server starts with.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen. Default: a free port on the IPv4 loopback address.
    pub bind: SocketAddr,
    /// Types of resources beyond those that the default knows.
    pub types: Types,
    /// When requests and separate responses are sent again.
    pub retransmission: Retransmission,
    /// How long a request waits for its response if it does not say. Default: 10 s.
    pub request_timeout: Duration,
    /// Misbehaviour for tests.
    pub faults: Faults,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            bind: (Ipv4Addr::LOCALHOST, 0).into(),
            types: Types::default(),
            retransmission: Retransmission::default(),
            request_timeout: Duration::from_secs(10),
            faults: Faults::default(),
        }
    }
}

/// What the handles ask of the thread. Each one with a sender is answered.
pub(crate) enum Command {
    Request(Box<Job>),
    Probe { target: Target, datagram: Vec<u8>, timeout: Duration, reply: RawReply },
    RejectNext { target: Target, path: String, reply: Sender<Result<(), RequestError>> },
    Registrations(Sender<Vec<Registration>>),
    Stats(Sender<Stats>),
    SetFaults(Faults, Sender<()>),
    Forget(Sender<()>),
    Stop,
}

/// The way to the thread; handles of devices keep one each.
#[derive(Clone)]
pub(crate) struct Remote {
    commands: Sender<Command>,
    waker: Waker,
}

impl Remote {
    /// Hands a command over; if the thread has ended, the sender in it is dropped, and whoever waits for it sees that.
    pub(crate) fn send(&self, command: Command) {
        if self.commands.send(command).is_ok() {
            (self.waker)();
        }
    }

    /// Hands a command over and waits for its result; `None` if the thread has ended.
    pub(crate) fn call<T>(&self, command: impl FnOnce(Sender<T>) -> Command) -> Option<T> {
        let (sender, receiver) = channel();
        self.send(command(sender));
        receiver.recv().ok()
    }
}

/// A running LwM2M server. Dropping it ends its thread and frees its port.
pub struct Server {
    config: Config,
    scheme: &'static str,
    remote: Remote,
    subscribers: Subscribers,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on plain UDP.
    ///
    /// # Errors
    /// The address of `config.bind` cannot be bound, or the system gives no thread.
    pub fn start(config: Config) -> io::Result<Server> {
        let transport = Udp::bind(config.bind)?;
        Server::start_on(config, transport)
    }

    /// Starts a server on DTLS, for devices with pre-shared keys.
    ///
    /// # Errors
    /// As [`Server::start`], or the system has no random numbers.
    pub fn start_secured(config: Config, keys: PreSharedKeys) -> io::Result<Server> {
        let transport = Secured::new(Udp::bind(config.bind)?, keys)?;
        Server::start_on(config, transport)
    }

    /// Starts a server on a transport of the caller; `config.bind` has no effect.
    ///
    /// # Errors
    /// The transport has no address, or the system gives no thread.
    pub fn start_on(mut config: Config, transport: impl Transport + 'static) -> io::Result<Server> {
        config.bind = transport.local_address()?;
        let scheme = transport.scheme();
        let transport: Box<dyn Transport> = Box::new(transport);
        let transport = Faulty::new(transport, config.faults);
        let subscribers: Subscribers = Arc::new(Mutex::new(Vec::new()));
        let (sender, commands) = channel();
        let remote = Remote { commands: sender, waker: transport.waker() };
        let types = Arc::new(config.types.clone());
        let core = Core::new(types, config.retransmission, config.faults, subscribers.clone());
        let thread = std::thread::Builder::new().name("lwm2m-server".into());
        let thread = thread.spawn(move || Worker { transport, core, commands }.run())?;
        Ok(Server { config, scheme, remote, subscribers, thread: Some(thread) })
    }

    /// The address devices connect to.
    pub fn address(&self) -> SocketAddr {
        self.config.bind
    }

    /// The address as a URI for a device, `coap://127.0.0.1:5683` or `coaps://...`.
    pub fn uri(&self) -> String {
        format!("{}://{}", self.scheme, self.config.bind)
    }

    /// All events from now on.
    pub fn subscribe(&self) -> Events {
        let (sender, receiver) = channel();
        lock(&self.subscribers).push(sender);
        Events(receiver)
    }

    /// The handle of a device. It need not be registered yet, and stays good when it registers again.
    pub fn device(&self, endpoint: &str) -> Device {
        self.handle(Target::Endpoint(endpoint.to_owned()))
    }

    /// The handle of a peer that need not be registered, for probes.
    pub fn peer(&self, peer: PeerId) -> Device {
        self.handle(Target::Peer(peer))
    }

    fn handle(&self, target: Target) -> Device {
        Device::new(
            self.remote.clone(),
            target,
            Arc::new(self.config.types.clone()),
            self.config.request_timeout,
        )
    }

    /// All registered devices.
    pub fn registrations(&self) -> Vec<Registration> {
        self.remote.call(Command::Registrations).unwrap_or_default()
    }

    /// Counters since the start.
    pub fn stats(&self) -> Stats {
        self.remote.call(Command::Stats).unwrap_or_default()
    }

    /// Changes the misbehaviour; the random numbers begin anew with the seed.
    pub fn set_faults(&self, faults: Faults) {
        self.remote.call(|done| Command::SetFaults(faults, done));
    }

    /// Forgets registrations, observations and seen messages without telling anybody, as a restart does.
    pub fn forget_all(&self) {
        self.remote.call(Command::Forget);
    }

    /// Whether the thread runs.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends the server, and returns the configuration that starts one on the same port.
    pub fn stop(self) -> Config {
        self.config.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.remote.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by its own hook.
            drop(thread.join());
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// The thread.
struct Worker {
    transport: Faulty<Box<dyn Transport>>,
    core: Core,
    commands: Receiver<Command>,
}

impl Worker {
    /// Waits for datagrams, commands and deadlines until told to stop.
    fn run(mut self) {
        let mut buffer = vec![0; MAX_DATAGRAM];
        loop {
            self.core.handle_timeout(Instant::now());
            self.flush();
            match self.transport.receive(&mut buffer, self.core.next_timeout()) {
                Ok(Received::Datagram(length, peer)) => {
                    let unknown = (Ipv4Addr::UNSPECIFIED, 0).into();
                    let origin = Origin { peer, address: self.transport.address_of(peer).unwrap_or(unknown) };
                    let datagram = buffer.get(..length).unwrap_or_default();
                    self.core.handle_datagram(Instant::now(), origin, datagram);
                    // Replies go out before the commands of callers who saw the event: faults set now are for later ones.
                    self.flush();
                }
                Ok(Received::TimedOut | Received::Woken) => {}
                Err(error) => return self.core.emit(&Event::Failed(error.to_string())),
            }
            self.core.stats.wake_ups += 1;
            loop {
                match self.commands.try_recv() {
                    Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return,
                    Ok(command) => self.obey(command),
                    Err(TryRecvError::Empty) => break,
                }
            }
        }
    }

    fn flush(&mut self) {
        for (peer, datagram) in self.core.take_output() {
            // A datagram that cannot be sent is as good as lost: retransmission and time-outs take care of it.
            drop(self.transport.send(peer, &datagram));
        }
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Request(job) => self.core.start_request(now, *job),
            Command::Probe { target, datagram, timeout, reply } => {
                self.core.start_probe(now, &target, datagram, timeout, reply);
            }
            Command::RejectNext { target, path, reply } => {
                let result = self.core.reject_next(&target, &path);
                answer(&reply, result);
            }
            Command::Registrations(reply) => answer(&reply, self.core.registry.all().cloned().collect()),
            Command::Stats(reply) => answer(&reply, self.core.stats),
            Command::SetFaults(faults, reply) => {
                self.transport.set(faults);
                self.core.faults = faults;
                answer(&reply, ());
            }
            Command::Forget(reply) => {
                self.core.forget();
                answer(&reply, ());
            }
            Command::Stop => {}
        }
    }
}
