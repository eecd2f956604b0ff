//! What happens at the server: one line each.

use std::fmt;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::answer::{count, summary};
use crate::code::Code;
use crate::format::{PayloadError, Record, newest};
use crate::registry::{Changes, Registration};
use crate::value::Values;

/// Why an observation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The server cancelled it with a request.
    Cancelled,
    /// The server rejected a notification with RST.
    Rejected,
    /// The device ended it with this code.
    ByDevice(Code),
    /// The registration is over, or was replaced by another one.
    Deregistered,
}

/// What happens at the server.
#[derive(Debug, Clone)]
pub enum Event {
    /// A device registered.
    Registered(Registration),
    /// A Register or Update was refused.
    Refused {
        /// Who asked.
        address: SocketAddr,
        /// The answer.
        code: Code,
        /// The text sent with it.
        reason: String,
    },
    /// A registration was updated.
    Updated {
        /// The registration as it is now.
        registration: Registration,
        /// What is new in it.
        changes: Changes,
    },
    /// A registration is over.
    Deregistered {
        /// The registration as it was.
        registration: Registration,
        /// The lifetime ended without an Update.
        expired: bool,
    },
    /// A notification.
    Notification {
        /// The device.
        endpoint: String,
        /// The observed path.
        path: String,
        /// The value of the Observe option.
        sequence: u32,
        /// The newest value of each path, or why the payload cannot be read.
        values: Result<Values, PayloadError>,
        /// All values with their times.
        records: Vec<Record>,
        /// It had to be acknowledged.
        confirmable: bool,
        /// It is newer than all before it (RFC 7641 section 3.4).
        fresh: bool,
    },
    /// An observation is over.
    ObservationEnded {
        /// The device.
        endpoint: String,
        /// The observed path.
        path: String,
        /// Why.
        reason: Ended,
    },
    /// A Send of the device (LwM2M Core section 6.4.6).
    Send {
        /// The device.
        endpoint: String,
        /// All values with their times.
        records: Vec<Record>,
    },
    /// The transport is lost; the server has ended.
    Failed(String),
}

impl Event {
    /// The endpoint name of the device, if one is known.
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Event::Registered(registration)
            | Event::Updated { registration, .. }
            | Event::Deregistered { registration, .. } => Some(&registration.endpoint),
            Event::Notification { endpoint, .. }
            | Event::ObservationEnded { endpoint, .. }
            | Event::Send { endpoint, .. } => Some(endpoint),
            Event::Refused { .. } | Event::Failed(_) => None,
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, lifetime ", self.endpoint)?;
        if self.lifetime == 0 {
            f.write_str("endless")?;
        } else {
            write!(f, "{} s", self.lifetime)?;
        }
        write!(f, ", LwM2M {}, binding {}", self.version, self.binding)?;
        if self.queue {
            f.write_str(", queue mode")?;
        }
        write!(f, ", {}, {}", count(self.links.len(), "link"), self.address)
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Cancelled => f.write_str("cancelled"),
            Ended::Rejected => f.write_str("rejected with RST"),
            Ended::ByDevice(code) => write!(f, "{code}"),
            Ended::Deregistered => f.write_str("registration over"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Registered(registration) => {
                let again = if registration.replaced { " again" } else { "" };
                write!(f, "registered{again} {registration}")
            }
            Event::Refused { address, code, reason } => write!(f, "refused {address}: {code} ({reason})"),
            Event::Updated { registration, changes } => {
                let Registration { endpoint, lifetime, binding, links, address, .. } = registration;
                write!(f, "updated {endpoint}")?;
                if changes.lifetime {
                    write!(f, ", lifetime {lifetime} s")?;
                }
                if changes.binding {
                    write!(
                        f,
                        ", binding {binding}{}",
                        if registration.queue { " with queue mode" } else { "" }
                    )?;
                }
                if changes.links {
                    write!(f, ", {}", count(links.len(), "link"))?;
                }
                if changes.address { write!(f, ", {address}") } else { Ok(()) }
            }
            Event::Deregistered { registration, expired } => {
                write!(f, "{} {}", if *expired { "expired" } else { "de-registered" }, registration.endpoint)
            }
            Event::Notification { endpoint, path, sequence, values, confirmable, fresh, .. } => {
                let kind = if *confirmable { "CON" } else { "NON" };
                let stale = if *fresh { "" } else { " (late)" };
                write!(f, "notified {endpoint} {path} #{sequence} {kind}{stale}{}", summary(values, path))
            }
            Event::ObservationEnded { endpoint, path, reason } => {
                write!(f, "observation ended {endpoint} {path}: {reason}")
            }
            Event::Send { endpoint, records } => {
                write!(f, "sent {endpoint}{}", summary(&Ok(newest(records.clone())), "/"))
            }
            Event::Failed(reason) => write!(f, "server failed: {reason}"),
        }
    }
}

/// The events of a server from the moment of [`Server::subscribe`](crate::Server::subscribe), in order.
#[derive(Debug)]
pub struct Events(pub(crate) Receiver<Event>);

impl Events {
    /// The next event, if one comes in time.
    pub fn next(&self, timeout: Duration) -> Option<Event> {
        self.0.recv_timeout(timeout).ok()
    }

    /// The next event that `pick` turns into something; the events before it are dropped.
    pub fn wait<T>(&self, timeout: Duration, mut pick: impl FnMut(Event) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + timeout;
        loop {
            match self.0.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    if let Some(found) = pick(event) {
                        return Some(found);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Waits until `endpoint` registers.
    pub fn registered(&self, endpoint: &str, timeout: Duration) -> Option<Registration> {
        self.wait(timeout, |event| match event {
            Event::Registered(registration) if registration.endpoint == endpoint => Some(registration),
            _ => None,
        })
    }

    /// Waits for the next notification of a path.
    pub fn notified(&self, path: &str, timeout: Duration) -> Option<Values> {
        self.wait(timeout, |event| match event {
            Event::Notification { path: observed, values, .. } if observed == path => values.ok(),
            _ => None,
        })
    }

    /// The events that are there already.
    pub fn drain(&self) -> impl Iterator<Item = Event> + '_ {
        self.0.try_iter()
    }
}
