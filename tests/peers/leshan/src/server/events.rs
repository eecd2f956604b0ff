//! Events: waiting for one, or for none.

use std::time::{Duration, Instant};

use super::Leshan;
use crate::error::Error;
use crate::event::{Event, Handshake, Notification, Registration, Step, Unregistered};

impl Leshan {
    /// The next event that satisfies the condition; the others stay unread.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] with a list of the events that came instead.
    pub fn wait<T>(
        &mut self,
        what: &str,
        timeout: Duration,
        mut pick: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + timeout;
        let mut seen = 0;
        loop {
            for index in seen..self.events.len() {
                if let Some(found) = self.events.get(index).and_then(&mut pick) {
                    self.events.remove(index);
                    return Ok(found);
                }
            }
            seen = self.events.len();
            if !self.pump(deadline)? {
                return Err(Error::TimedOut(format!(
                    "{what} did not come in {timeout:?}; {}",
                    self.unread()
                )));
            }
        }
    }

    /// The next event of any kind.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when none comes.
    pub fn next_event(&mut self, timeout: Duration) -> Result<Event, Error> {
        self.wait("an event", timeout, |event| Some(event.clone()))
    }

    /// The next registration of an endpoint.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when it does not register.
    pub fn wait_registered(&mut self, endpoint: &str, timeout: Duration) -> Result<Registration, Error> {
        self.wait(&format!("Register of {endpoint}"), timeout, |event| match event {
            Event::Registered(registration) if registration.endpoint == endpoint => {
                Some((**registration).clone())
            }
            _ => None,
        })
    }

    /// The next update of an endpoint's registration.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when there is none.
    pub fn wait_updated(&mut self, endpoint: &str, timeout: Duration) -> Result<Registration, Error> {
        self.wait(&format!("Update of {endpoint}"), timeout, |event| match event {
            Event::Updated(registration) if registration.endpoint == endpoint => {
                Some((**registration).clone())
            }
            _ => None,
        })
    }

    /// The next end of an endpoint's registration.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when it stays.
    pub fn wait_unregistered(&mut self, endpoint: &str, timeout: Duration) -> Result<Unregistered, Error> {
        self.wait(&format!("De-register of {endpoint}"), timeout, |event| match event {
            Event::Unregistered(end) if end.endpoint == endpoint => Some(end.clone()),
            _ => None,
        })
    }

    /// The next notification of an endpoint.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when there is none.
    pub fn next_notification(&mut self, endpoint: &str, timeout: Duration) -> Result<Notification, Error> {
        self.wait(&format!("a notification of {endpoint}"), timeout, |event| match event {
            Event::Notify(notification) if notification.endpoint == endpoint => {
                Some((**notification).clone())
            }
            _ => None,
        })
    }

    /// The end of the next DTLS handshake.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when there is none.
    pub fn wait_handshake(&mut self, timeout: Duration) -> Result<Handshake, Error> {
        self.wait("a handshake", timeout, |event| match event {
            Event::Handshake(handshake) => Some(handshake.clone()),
            _ => None,
        })
    }

    /// The end of an endpoint's bootstrap session, good ([`Step::End`]) or bad. Its steps stay unread.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] when there is none.
    pub fn wait_bootstrap(&mut self, endpoint: &str, timeout: Duration) -> Result<Step, Error> {
        self.wait(&format!("the end of {endpoint}'s bootstrap"), timeout, |event| match event {
            Event::Bootstrap(step) if step.endpoint == endpoint => {
                matches!(step.step, Step::End | Step::Failed | Step::Unauthorized).then_some(step.step)
            }
            _ => None,
        })
    }

    /// Waits that long and gives an error if any unread event is there then; traced messages do not count.
    ///
    /// # Errors
    ///
    /// [`Error::Unexpected`] with the events.
    pub fn expect_nothing(&mut self, duration: Duration) -> Result<(), Error> {
        self.expect_no("event", duration, |event| !matches!(event, Event::Coap(_)))
    }

    /// Like [`Leshan::expect_nothing`] for notifications.
    ///
    /// # Errors
    ///
    /// [`Error::Unexpected`] with the events.
    pub fn expect_no_notification(&mut self, duration: Duration) -> Result<(), Error> {
        self.expect_no("notification", duration, |event| {
            matches!(event, Event::Notify(_) | Event::NotifyError(_))
        })
    }

    fn expect_no(
        &mut self,
        what: &str,
        duration: Duration,
        unwanted: impl Fn(&Event) -> bool,
    ) -> Result<(), Error> {
        self.pump_until(Instant::now() + duration)?;
        if self.events.iter().any(unwanted) {
            return Err(Error::Unexpected(format!(
                "no {what} should come in {duration:?}; {}",
                self.unread()
            )));
        }
        Ok(())
    }

    /// Takes all unread events.
    pub fn take_events(&mut self) -> Vec<Event> {
        let _ = self.pump_until(Instant::now());
        self.events.drain(..).collect()
    }
}
