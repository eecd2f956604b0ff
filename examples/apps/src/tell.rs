//! What happens, in words.

use core::fmt::{self, Display, Formatter};

use coracle::crypto::{Alert, AlertSeen};
use coracle::objects::DeviceRequest;
use coracle::{Client, Event, Failure, Instant, RegistrationState, SessionEvent};

use crate::{Profile, Things};

/// Takes lines of text: a serial port, a terminal.
pub type Log<'a> = &'a dyn Fn(fmt::Arguments<'_>);

/// An event, and what the client knows beside it.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    event: Event,
    lifetime_s: u32,
    wait_s: u64,
}

impl Story {
    /// Of an event that has just been polled.
    pub fn new(event: Event, client: &Client<'_, Profile, Things>, now: Instant) -> Self {
        let (lifetime_s, wait_s) = match event {
            Event::Registration { server, .. } => (
                client.server_object(server).map_or(0, coracle::Server::lifetime),
                client.next_attempt(server).map_or(0, |next| next.since(now).as_secs()),
            ),
            _ => (0, 0),
        };
        Self { event, lifetime_s, wait_s }
    }
}

impl Display for Story {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.event {
            Event::Registration { state, .. } => self.registration(f, state),
            Event::RegistrationFailed { failure, .. } => failed(f, failure),
            Event::Transport { event, .. } => session(f, &event),
            Event::Written { path, .. } => write!(f, "was written at {path}"),
            Event::Executed { path, .. } => write!(f, "executed {path}"),
            Event::Created { path, .. } => write!(f, "has a new instance {path}"),
            Event::Deleted { path, .. } => write!(f, "has lost the instance {path}"),
            Event::ObservationStarted { path, .. } => write!(f, "is observed at {path}"),
            Event::ObservationEnded { path, .. } => write!(f, "is no longer observed at {path}"),
            Event::NotificationLost { path, .. } => {
                write!(f, "could not keep a value of {path} for the server")
            }
            Event::EventsLost { count } => write!(f, "{count} events found no room: raise events.count"),
            _ => f.write_str("has an event that this program does not know"),
        }
    }
}

impl Story {
    fn registration(&self, f: &mut Formatter<'_>, state: RegistrationState) -> fmt::Result {
        match state {
            RegistrationState::Idle => f.write_str("is not registered"),
            RegistrationState::Waiting => write!(f, "tries again in {} s", self.wait_s),
            RegistrationState::Connecting => f.write_str("opens a way to the server"),
            RegistrationState::Registering => f.write_str("sends Register"),
            RegistrationState::Registered => write!(f, "is registered, lifetime {} s", self.lifetime_s),
            RegistrationState::Updating => f.write_str("sends Update"),
            RegistrationState::Reconnecting => f.write_str("opens a new way to the server"),
            RegistrationState::Deregistering => f.write_str("sends De-register"),
            RegistrationState::Disabled => f.write_str("stays away for a time, as the server asked"),
        }
    }
}

/// What DTLS has to tell.
fn session(f: &mut Formatter<'_>, event: &SessionEvent) -> fmt::Result {
    match event {
        SessionEvent::Secured(agreed) => {
            let how = if agreed.resumed { "resumed" } else { "new" };
            let cid = if agreed.connection_id { ", with connection ID" } else { "" };
            write!(f, "has a {how} session: {:?}{cid}", agreed.suite)
        }
        SessionEvent::HandshakeFailed { alert, .. } | SessionEvent::Closed { alert, .. } => match alert {
            // What it says about itself is next to nothing.
            AlertSeen::Received(alert @ Alert::HANDSHAKE_FAILURE) => write!(
                f,
                "{event} (the server sends {alert:?}: most likely no cipher suite, curve or kind of keys fits both sides)"
            ),
            AlertSeen::Received(alert) => write!(f, "{event} (the server sends {alert:?})"),
            AlertSeen::Sent(alert) => write!(f, "{event} (sends {alert:?})"),
            AlertSeen::None => event.fmt(f),
        },
        _ => event.fmt(f),
    }
}

fn failed(f: &mut Formatter<'_>, failure: Failure) -> fmt::Result {
    f.write_str(match failure {
        Failure::Unreachable => "the server's name has no address, or there is no way to it",
        Failure::NotSecured => "there is no secure session with the server",
        Failure::NoAnswer => "the server does not answer",
        Failure::Refused(code) => return write!(f, "the server answers {code}"),
        Failure::Rejected => "the server rejects the message (RST)",
        Failure::LocationTooLong => "the server's location is too long: raise servers.location_length",
        Failure::MessageTooLong => "the message does not fit: raise datagram.transmit",
        _ => "the registration failed for a reason that this program does not know",
    })
}

/// What a server asked for, as a line of the log.
pub const fn request(request: DeviceRequest) -> &'static str {
    match request {
        DeviceRequest::Reboot => "reboots, as the server asked",
        DeviceRequest::FactoryReset => "returns to the state of delivery and reboots, as the server asked",
    }
}

/// The memory of a board at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryReport {
    /// The most that the stack has ever taken, in bytes.
    pub peak_stack: usize,
    /// What it might take, in bytes.
    pub stack_room: usize,
    /// Static variables, in bytes.
    pub static_ram: usize,
    /// The peak of the heap in bytes; `None` when there is none.
    pub heap: Option<usize>,
}

/// `cargo xtask qemu` reads this line.
impl Display for MemoryReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { peak_stack, stack_room, static_ram, heap } = self;
        write!(f, "peak stack {peak_stack} B of {stack_room} B, static RAM {static_ram} B, heap ")?;
        match heap {
            Some(bytes) => write!(f, "{bytes} B"),
            None => f.write_str("none"),
        }
    }
}
