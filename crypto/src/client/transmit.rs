//! Datagrams out.

use super::work::Step;
use super::{Connection, Core, OwnCertificate, State};
use crate::codec::Sink;
use crate::credentials::Security;
use crate::handshake::flight::Source;
use crate::handshake::kind;
use crate::link::{Items, Link, TransmitError, transmit_flight};
use crate::profile::Profile;
use crate::record::Side;
use crate::rng::Rng;
use crate::time::Instant;

impl<P: Profile> Connection<P> {
    /// Writes the next datagram that the handshake, or the end of a session, has to send. `Ok(None)` when there is
    /// nothing to send now: call it until then, after every other call that changes the connection.
    ///
    /// A datagram is at most as long as `out` and [`Options::mtu`](super::Options::mtu).
    ///
    /// # Errors
    /// When `out` is too small, or there are no random numbers: nothing has changed.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        security: &Security<'_>,
        rng: &mut dyn Rng,
        out: &mut [u8],
    ) -> Result<Option<usize>, TransmitError> {
        let core = &mut self.core;
        if let Step::More = core.work(security, rng)? {
            return Ok(None);
        }
        let out = core.link.datagram(out);
        if core.link.has_alert() {
            let length = core.link.transmit_alert(Side::Client, out)?;
            if core.state == State::Ended {
                core.reset();
            }
            return Ok(length);
        }
        if core.state == State::Connected && !core.link.layer.may_send() {
            // The last flight of a resumed handshake, once more: not with a number that an exported session counts on. The
            // peer asks again.
            core.link.due = false;
        }
        if !core.link.due {
            return Ok(None);
        }
        let (items, first_seq) = core.flight();
        let mut messages = Messages { core, security };
        let (length, last) = transmit_flight(&mut messages, Side::Client, &items, first_seq, out)?;
        if last {
            core.flight_sent(now);
        }
        Ok(Some(length))
    }
}

impl<P: Profile> Core<P> {
    /// The last datagram of a flight was made.
    fn flight_sent(&mut self, now: Instant) {
        match self.state {
            State::ResumedFlight => {
                self.link.timer.sent(now, &self.link.options.backoff);
                self.link.writing = true;
                self.link.unconfirmed = true;
                self.connected();
            }
            State::Connected => self.link.timer.answered(now),
            state => {
                self.link.writing = state == State::ServerFinished;
                self.link.timer.sent(now, &self.link.options.backoff);
            }
        }
    }

    /// The messages of the present flight, and the `message_seq` of the first.
    fn flight(&self) -> (Items, u16) {
        let mut items = Items::new();
        if self.in_server_flight() {
            items.push(kind::CLIENT_HELLO);
            return (items, self.hellos.into());
        }
        if self.state == State::ServerFinished {
            if self.own_certificate != OwnCertificate::NotRequested {
                items.push(kind::CERTIFICATE);
            }
            items.push(kind::CLIENT_KEY_EXCHANGE);
            if self.own_certificate == OwnCertificate::Sent {
                items.push(kind::CERTIFICATE_VERIFY);
            }
        }
        items.push_finished();
        (items, u16::from(self.hellos) + 1)
    }
}

/// Our messages.
struct Messages<'a, 'b, P: Profile> {
    core: &'a mut Core<P>,
    security: &'a Security<'b>,
}

impl<P: Profile> Source for Messages<'_, '_, P> {
    type Profile = P;

    fn link(&mut self) -> &mut Link<P> {
        &mut self.core.link
    }

    fn write(&self, kind: u8, sink: &mut Sink<'_>) {
        self.core.write_message(self.security, kind, sink);
    }
}
