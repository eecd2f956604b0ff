//! Leshan as the scenario sees it: what it hears is on the screen, in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use coracle_leshan_peer::{Answer, Code, Command, Error, Event, Failure, Leshan, Options, Value};

use super::screen::Screen;
use super::{Fault, Firmware};

/// How long one look for events takes.
const TICK: Duration = Duration::from_millis(10);
/// A request goes on for so long on a bad network.
const REQUEST: Duration = Duration::from_mins(2);
/// A server that has answered has told so after this.
const TOLD: Duration = Duration::from_secs(30);
/// How often a request is made anew, and the wait before.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(2);

pub(crate) struct Server {
    leshan: Leshan,
    screen: Arc<Screen>,
    events: VecDeque<Event>,
}

impl Server {
    pub(crate) fn start(screen: &Arc<Screen>, trace: bool) -> Result<Self, Fault> {
        // Sooner and more often than RFC 7252 asks for, so that a request outlives 20 % loss and the test is short: 15 losses of
        // request or answer in a row come once in millions.
        let options = Options::default()
            .connection_id(6)
            .setting("COAP.ACK_TIMEOUT", "700[ms]")
            .setting("COAP.ACK_TIMEOUT_SCALE", "1.2")
            .setting("COAP.MAX_RETRANSMIT", "14");
        let options = if trace { options.trace() } else { options };
        let leshan = Leshan::start(options)?;
        Ok(Self { leshan, screen: Arc::clone(screen), events: VecDeque::new() })
    }

    pub(crate) const fn leshan(&mut self) -> &mut Leshan {
        &mut self.leshan
    }

    /// Waits for an event; fails when the firmware has ended before it came.
    pub(crate) fn wait<T>(
        &mut self,
        what: &str,
        patience: Duration,
        firmware: &mut Firmware,
        mut pick: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, Fault> {
        let deadline = Instant::now() + patience;
        loop {
            while let Some(event) = self.events.pop_front() {
                if let Some(found) = pick(&event) {
                    return Ok(found);
                }
            }
            firmware.must_run()?;
            if Instant::now() >= deadline {
                return Err(format!("{what} did not come in {} s", patience.as_secs()).into());
            }
            self.take_events(TICK);
        }
    }

    /// Shows what has come, and keeps it for [`Server::wait`].
    fn take_events(&mut self, patience: Duration) {
        let first = self.leshan.next_event(patience).ok();
        for event in first.into_iter().chain(self.leshan.take_events()) {
            if let Some(text) = describe(&event) {
                self.screen.server(text);
            }
            self.events.push_back(event);
        }
    }

    /// What was heard and not waited for, with the first event that `is_due` says of. It may come after the answer to the
    /// message that it tells of, and so after the end of the firmware.
    pub(crate) fn heard(&mut self, is_due: impl Fn(&Event) -> bool) -> impl Iterator<Item = Event> {
        let deadline = Instant::now() + TOLD;
        loop {
            self.take_events(TICK);
            if self.events.iter().any(&is_due) || Instant::now() >= deadline {
                return core::mem::take(&mut self.events).into_iter();
            }
        }
    }

    /// Forgets what was heard so far.
    pub(crate) fn forget_events(&mut self) {
        self.take_events(Duration::ZERO);
        self.events.clear();
    }

    /// Sends a request, and wants this answer. It is sent again when it was dropped with a registration that the device
    /// has replaced.
    pub(crate) fn request(
        &mut self,
        what: &str,
        command: &Command,
        wanted: Code,
        firmware: &mut Firmware,
    ) -> Result<Answer, Fault> {
        let mut attempts = 0;
        let answer = loop {
            attempts += 1;
            match self.try_request(command, firmware)? {
                Ok(answer) => break answer,
                Err(error) if attempts < ATTEMPTS && is_of_registration(&error) => {
                    self.screen.server(format!("{what} was dropped with the registration"));
                    thread::sleep(PAUSE);
                }
                Err(error) => return Err(format!("{what}: {error}").into()),
            }
        };
        let values: Vec<String> = answer.content.values().map(text).collect();
        let again = match answer.retransmissions {
            0 => String::new(),
            count => format!(" (sent {} times)", count + 1),
        };
        self.take_events(Duration::ZERO);
        self.screen.server(format!("{what}: {} {}{again}", answer.code, short(&values.join(", "))));
        if answer.code == wanted {
            Ok(answer)
        } else {
            Err(format!("{what} was answered {}, not {wanted}", answer.code).into())
        }
    }

    /// Sends the request after which the firmware ends, maybe before the server has looked at the answer; a server that has
    /// heard of the device again by then does not look at it any more.
    pub(crate) fn last_request(&mut self, what: &str, command: &Command, wanted: Code) -> Result<(), Fault> {
        let ticket = self.leshan.submit(command.clone().timeout(REQUEST))?;
        loop {
            self.take_events(TICK);
            match self.leshan.poll_answer(&ticket) {
                Ok(None) => {}
                Ok(Some(answer)) if answer.code == wanted => {
                    self.screen.server(format!("{what}: {}", answer.code));
                    return Ok(());
                }
                Ok(Some(answer)) => {
                    return Err(format!("{what} was answered {}, not {wanted}", answer.code).into());
                }
                Err(error) if is_of_registration(&error) => {
                    self.screen.server(format!("{what}: the device was quicker than its answer"));
                    return Ok(());
                }
                Err(error) => return Err(format!("{what}: {error}").into()),
            }
        }
    }

    fn try_request(
        &mut self,
        command: &Command,
        firmware: &mut Firmware,
    ) -> Result<Result<Answer, Error>, Fault> {
        let ticket = self.leshan.submit(command.clone().timeout(REQUEST))?;
        loop {
            self.take_events(TICK);
            match self.leshan.poll_answer(&ticket) {
                Ok(Some(answer)) => return Ok(Ok(answer)),
                Ok(None) => firmware.must_run()?,
                Err(error) => return Ok(Err(error)),
            }
        }
    }
}

fn is_of_registration(error: &Error) -> bool {
    matches!(error.failure(), Some(Failure::Cancelled | Failure::NotRegistered | Failure::Unconnected))
}

/// A value as people write it.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Corelnk(text) => format!("\"{text}\""),
        Value::Integer(number) | Value::Time(number) => number.to_string(),
        Value::Unsigned(number) => number.to_string(),
        Value::Float(number) => format!("{number:.2}"),
        Value::Boolean(flag) => flag.to_string(),
        Value::Opaque(bytes) => format!("{} bytes", bytes.len()),
        Value::Objlnk(link) => link.to_string(),
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push_str(" ..");
    }
    short
}

fn describe(event: &Event) -> Option<String> {
    Some(match event {
        Event::Registered(it) => {
            let how = if it.secure { " over DTLS" } else { "" };
            format!("Register{how}: {}, LwM2M {}, lifetime {} s", it.endpoint, it.version, it.lifetime)
        }
        Event::Updated(it) => format!("Update of {}", it.endpoint),
        Event::Unregistered(it) if it.expired => "the lifetime has run out".into(),
        Event::Unregistered(it) if it.replaced_by.is_some() => {
            "a new registration replaces the old one".into()
        }
        Event::Unregistered(_) => "De-register".into(),
        Event::Notify(it) => {
            let values: Vec<String> = it.content.values().map(text).collect();
            format!("Notify {}: {}", it.path.as_deref().unwrap_or_default(), short(&values.join(", ")))
        }
        Event::NotifyError(it) => format!("a notification is not understood: {}", it.message),
        Event::Handshake(it) if it.ok => {
            format!("DTLS handshake: {}", it.cipher.as_deref().unwrap_or_default())
        }
        Event::Handshake(it) => {
            format!("DTLS handshake failed: {}", it.message.as_deref().unwrap_or_default())
        }
        Event::Coap(it) => {
            let arrow = if it.way == "in" { "->" } else { "<-" };
            format!("{arrow} {} {} #{} {}", it.coap.kind, it.code, it.coap.mid.unwrap_or(0), it.options)
        }
        _ => return None,
    })
}
