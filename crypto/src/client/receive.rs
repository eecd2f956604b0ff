//! Datagrams in: records, fragments, and what may come in which state.

use super::{Connection, Core, State};
use crate::alert::{self, Alert};
use crate::codec::Reader;
use crate::credentials::Security;
use crate::event::{AlertSeen, CloseReason, FailureReason, Fault, reason_of};
use crate::handshake::fragment::Fragment;
use crate::handshake::kind;
use crate::handshake::reassembly::Added;
use crate::profile::Profile;
use crate::record::{Header, Side, VERSION, VERSION_1_0, content, epoch_of};
use crate::time::Instant;
use core::ops::Range;

/// The records of a datagram, being processed: see [`Connection::handle_datagram`].
#[must_use = "records are processed by asking for the next one, until there is none"]
pub struct Records<'a, 'b, P: Profile> {
    connection: &'a mut Connection<P>,
    security: &'a Security<'b>,
    datagram: &'a mut [u8],
    now: Instant,
    at: usize,
}

impl<P: Profile> Records<'_, '_, P> {
    /// Processes records up to the next one with application data, which is decrypted in place and handed out. Ask
    /// until there is none.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend what it hands out")]
    pub fn next(&mut self) -> Option<&mut [u8]> {
        let range = self.process()?;
        self.datagram.get_mut(range)
    }

    fn process(&mut self) -> Option<Range<usize>> {
        self.connection.handle_records(self.now, self.security, self.datagram, &mut self.at)
    }
}

impl<P: Profile> Drop for Records<'_, '_, P> {
    fn drop(&mut self) {
        while self.process().is_some() {}
    }
}

impl<P: Profile> core::fmt::Debug for Records<'_, '_, P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Records").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<P: Profile> Connection<P> {
    /// Takes a datagram from the server. The records in it are processed by asking the answer for application data
    /// until there is none; dropping it processes the rest and drops their data.
    ///
    /// What cannot be authenticated is dropped without a word (RFC 6347 section 4.1.2.7): only a valid message of
    /// the peer changes anything.
    pub fn handle_datagram<'a, 'b>(
        &'a mut self,
        now: Instant,
        security: &'a Security<'b>,
        datagram: &'a mut [u8],
    ) -> Records<'a, 'b, P> {
        Records { connection: self, security, datagram, now, at: 0 }
    }

    /// The same piece by piece, for callers that cannot keep `security` borrowed while they work on the data: processes
    /// the records that begin at `at`, up to the next one with application data, and answers where that lies, decrypted.
    /// `at` is 0 at first; repeat until the answer is `None`, with the same datagram and `at` as it was left.
    pub fn handle_records(
        &mut self,
        now: Instant,
        security: &Security<'_>,
        datagram: &mut [u8],
        at: &mut usize,
    ) -> Option<Range<usize>> {
        loop {
            let rest = datagram.get_mut(*at..)?;
            let own_cid_len = self.core.link.layer.own_cid().len();
            // Without its header, nothing tells where the next record would start.
            let header = Header::parse(rest, own_cid_len)?;
            let record = rest.get_mut(..header.total())?;
            let start = *at;
            *at += header.total();
            let data = self.handle_record(now, security, &header, record);
            if let Some(data) = data.filter(|data| !data.is_empty()) {
                return Some(start + data.start..start + data.end);
            }
        }
    }

    /// One record. Answers where its application data lies.
    fn handle_record(
        &mut self,
        now: Instant,
        security: &Security<'_>,
        header: &Header,
        record: &mut [u8],
    ) -> Option<Range<usize>> {
        let core = &mut self.core;
        if matches!(core.state, State::Idle | State::Start | State::Ended) {
            return None;
        }
        if epoch_of(header.number) == 0 {
            let early = core.state == State::ServerHello && header.version == VERSION_1_0;
            if header.version == VERSION || early {
                self.handle_plain(now, security, header.content, record.get(header.start..)?);
            }
            return None;
        }
        let opened = core.link.layer.open(Side::Client, header, record);
        if P::FAILED_OPEN_LIMIT != 0 && core.link.layer.failed_opens >= P::FAILED_OPEN_LIMIT {
            core.too_many_forgeries();
            return None;
        }
        let (kind, range) = opened?;
        if !core.link.layer.is_within_limit(range.len()) {
            return None;
        }
        match kind {
            content::APPLICATION_DATA if core.state == State::Connected => {
                core.link.unconfirmed = false;
                return Some(range);
            }
            content::ALERT => core.on_protected_alert(record.get(range)?),
            content::HANDSHAKE => self.handle_protected(now, security, record.get(range)?),
            _ => {}
        }
        None
    }

    /// A record of epoch 0.
    fn handle_plain(&mut self, now: Instant, security: &Security<'_>, kind: u8, payload: &[u8]) {
        let core = &mut self.core;
        match kind {
            content::HANDSHAKE => {
                let mut record = Reader(payload);
                while let Some(fragment) = Fragment::read(&mut record) {
                    if self.core.takes_plain_handshake() {
                        self.handle_fragment(now, security, &fragment);
                    } else if fragment.message_seq < self.core.link.next_receive {
                        self.core.on_repeated_flight(now);
                    }
                }
            }
            // The only valid body is one byte of one. Without keys, or before our flight, it comes too early.
            content::CHANGE_CIPHER_SPEC if payload == [1] => {
                let expected = match core.state {
                    State::ServerFinished => core.link.timer.sent > 0,
                    State::ResumedServerFinished => true,
                    _ => false,
                };
                core.link.layer.reading |= expected;
            }
            // Nobody vouches for it; but before there are keys it is the only way to learn why we are refused.
            content::ALERT if core.state != State::Connected && !core.link.layer.reading => {
                core.on_plain_alert(payload);
                if P::SHORT_FIRST_HELLO && core.state == State::Start {
                    self.reassembly.clear();
                }
            }
            _ => {}
        }
    }

    /// Handshake messages in a protected record.
    fn handle_protected(&mut self, now: Instant, security: &Security<'_>, payload: &[u8]) {
        let mut record = Reader(payload);
        while let Some(fragment) = Fragment::read(&mut record) {
            match self.core.state {
                State::ServerFinished | State::ResumedServerFinished => {
                    self.handle_fragment(now, security, &fragment);
                }
                State::Connected | State::ResumedFlight => self.core.on_late_message(now, &fragment),
                _ => {}
            }
        }
    }

    /// One fragment: dropped unless it is of the message that is next.
    fn handle_fragment(&mut self, now: Instant, security: &Security<'_>, fragment: &Fragment<'_>) {
        let core = &mut self.core;
        if core.is_refused_hello(fragment) {
            return;
        }
        // The first message of a server that needs no state for it comes with 0 or with the number of our hello.
        let first = matches!(fragment.kind, kind::SERVER_HELLO | kind::HELLO_VERIFY_REQUEST);
        if core.state == State::ServerHello && first && fragment.message_seq <= core.hellos.into() {
            core.link.next_receive = fragment.message_seq;
        }
        if fragment.message_seq < core.link.next_receive {
            core.on_repeated_flight(now);
            return;
        }
        if fragment.message_seq > core.link.next_receive {
            return;
        }
        let handled = match fragment.whole() {
            Some(body) => core.on_message(security, fragment, body),
            None => match self.reassembly.add(fragment) {
                Added::Complete => core.on_message(security, fragment, self.reassembly.message()),
                Added::Incomplete | Added::Dropped => return,
                Added::TooLong => Err(Fault::new(Alert::HANDSHAKE_FAILURE, FailureReason::MessageTooLong)),
            },
        };
        self.reassembly.clear();
        if let Err(fault) = handled {
            core.fault(fault);
        }
    }
}

impl<P: Profile> Core<P> {
    /// Whether plain handshake messages are still part of the handshake.
    const fn takes_plain_handshake(&self) -> bool {
        matches!(
            self.state,
            State::ServerHello | State::ServerCertificate | State::ServerKeyExchange | State::ServerHelloDone
        )
    }

    /// A complete message that is next in line.
    fn on_message(
        &mut self,
        security: &Security<'_>,
        fragment: &Fragment<'_>,
        body: &[u8],
    ) -> Result<(), Fault> {
        let sequence = fragment.message_seq;
        match (self.state, fragment.kind) {
            // RFC 5246 section 7.4.1.1: ignored while a handshake goes on, and no part of it.
            (_, kind::HELLO_REQUEST) => return Ok(()),
            (State::ServerHello, kind::HELLO_VERIFY_REQUEST) => self.on_hello_verify(body)?,
            (State::ServerHello, kind::SERVER_HELLO) => {
                if self.on_first_server_hello(security, sequence, body)? {
                    return Ok(());
                }
                if self.resumed {
                    self.resume();
                }
            }
            (State::ServerFinished | State::ResumedServerFinished, kind::FINISHED) => {
                self.on_finished(sequence, body)?;
            }
            _ => self.on_server_flight(security, fragment.kind, sequence, body)?,
        }
        self.link.next_receive = sequence.wrapping_add(1);
        Ok(())
    }

    /// The peer sends what it has sent before: it did not get our flight, which goes out again, but not more often
    /// than our own timer would first have it.
    fn on_repeated_flight(&mut self, now: Instant) {
        let repeatable = match self.state {
            State::ServerFinished => true,
            State::Connected => self.link.unconfirmed,
            _ => false,
        };
        if repeatable {
            self.link.answer_repeated(now);
        }
    }

    /// A handshake message in an established session.
    fn on_late_message(&mut self, now: Instant, fragment: &Fragment<'_>) {
        if fragment.kind == kind::HELLO_REQUEST {
            // RFC 7925 section 17: never renegotiate. Before our last flight is out there is nothing to answer.
            if self.state == State::Connected {
                self.link.send_alert(alert::WARNING, Alert::NO_RENEGOTIATION);
            }
        } else if fragment.message_seq < self.link.next_receive {
            self.on_repeated_flight(now);
        }
    }

    fn on_plain_alert(&mut self, payload: &[u8]) {
        // A warning is none of our business, except that a closing server will not go on.
        let ([alert::FATAL, code] | [alert::WARNING, code @ 0]) = payload else { return };
        if self.forgives_alert() {
            return;
        }
        let alert = Alert(*code);
        self.fail(reason_of(alert), AlertSeen::Received(alert));
    }

    fn on_protected_alert(&mut self, payload: &[u8]) {
        let [level, code] = payload else { return };
        let alert = Alert(*code);
        let seen = AlertSeen::Received(alert);
        let closing = alert == Alert::CLOSE_NOTIFY;
        if closing {
            // RFC 5246 section 7.2.1.
            self.link.send_alert(alert::WARNING, alert);
        }
        match (self.state, *level) {
            (State::Connected, _) if closing => self.closed(CloseReason::ByPeer, seen),
            (State::Connected, alert::FATAL) => {
                self.session.forget();
                self.closed(CloseReason::Alert, seen);
            }
            (_, level) if closing || level == alert::FATAL => self.fail(reason_of(alert), seen),
            _ => {}
        }
    }

    fn too_many_forgeries(&mut self) {
        self.session.forget();
        // RFC 6347 section 4.1.2.1: who says anything about such records says this, and ends it.
        let alert = Alert::BAD_RECORD_MAC;
        self.link.send_alert(alert::FATAL, alert);
        if self.state == State::Connected {
            self.closed(CloseReason::TooManyForgeries, AlertSeen::Sent(alert));
        } else {
            self.fail(FailureReason::TooManyForgeries, AlertSeen::Sent(alert));
        }
    }
}
