//! Datagrams in.

use super::{Config, Connection, Core, State};
use crate::alert::{self, Alert};
use crate::codec::Reader;
use crate::event::{AlertSeen, CloseReason, FailureReason, Fault, reason_of};
use crate::handshake::fragment::Fragment;
use crate::handshake::kind;
use crate::handshake::reassembly::Added;
use crate::profile::Profile;
use crate::record::{Header, Side, VERSION, VERSION_1_0, content, epoch_of};
use crate::time::Instant;
use core::ops::Range;

impl<P: Profile> Connection<P> {
    /// Takes a datagram from the client; hands its application data, decrypted in place, to `data`. Answers whether
    /// it contained an authentic record newer than all before: then, and only then, a changed source address of the
    /// client is to be believed (RFC 9146 section 6).
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        config: &Config<'_>,
        datagram: &mut [u8],
        data: &mut dyn FnMut(&mut [u8]),
    ) -> bool {
        let mut rest = datagram;
        let mut newest = false;
        while let Some(header) = Header::parse(rest, self.core.link.layer.own_cid().len()) {
            let Some((record, later)) = rest.split_at_mut_checked(header.total()) else { break };
            let before = self.core.link.layer.window.parts().0;
            if let Some(range) = self.handle_record(now, config, &header, record)
                && let Some(bytes) = record.get_mut(range)
                && !bytes.is_empty()
            {
                data(bytes);
            }
            newest |= self.core.link.layer.window.parts().0 > before;
            rest = later;
        }
        newest
    }

    fn handle_record(
        &mut self,
        now: Instant,
        config: &Config<'_>,
        header: &Header,
        record: &mut [u8],
    ) -> Option<Range<usize>> {
        let core = &mut self.core;
        if matches!(core.state, State::Idle | State::Prepare | State::Ended) {
            return None;
        }
        if epoch_of(header.number) == 0 {
            let early = core.state == State::ClientHello && header.version == VERSION_1_0;
            if header.version == VERSION || early {
                self.handle_plain(now, config, header.content, record.get(header.start..)?);
            }
            return None;
        }
        let failed_before = core.link.layer.failed_opens;
        let opened = core.link.layer.open(Side::Server, header, record);
        if core.link.layer.failed_opens != failed_before {
            core.on_not_opened();
        }
        let (kind, range) = opened?;
        match kind {
            content::APPLICATION_DATA if core.state == State::Connected => {
                core.link.unconfirmed = false;
                return Some(range);
            }
            content::ALERT => core.on_protected_alert(record.get(range)?),
            content::HANDSHAKE => {
                let mut fragments = Reader(record.get(range)?);
                while let Some(fragment) = Fragment::read(&mut fragments) {
                    self.handle_fragment(now, config, &fragment, true);
                }
            }
            _ => {}
        }
        None
    }

    fn handle_plain(&mut self, now: Instant, config: &Config<'_>, kind: u8, payload: &[u8]) {
        let core = &mut self.core;
        match kind {
            content::HANDSHAKE => {
                let mut record = Reader(payload);
                while let Some(fragment) = Fragment::read(&mut record) {
                    self.handle_fragment(now, config, &fragment, false);
                }
            }
            content::CHANGE_CIPHER_SPEC if payload == [1] => {
                core.link.layer.reading |=
                    matches!(core.state, State::ClientFinished | State::ResumedClientFinished);
            }
            content::ALERT if core.state != State::Connected && !core.link.layer.reading => {
                if let [alert::FATAL, code] = payload {
                    core.fail(reason_of(Alert(*code)), AlertSeen::Received(Alert(*code)));
                }
            }
            _ => {}
        }
    }

    fn handle_fragment(
        &mut self,
        now: Instant,
        config: &Config<'_>,
        fragment: &Fragment<'_>,
        protected: bool,
    ) {
        let core = &mut self.core;
        if core.state == State::ClientHello && fragment.kind == kind::CLIENT_HELLO {
            core.link.next_receive = fragment.message_seq;
        }
        if fragment.message_seq < core.link.next_receive {
            core.on_repeated(now, fragment.kind);
            return;
        }
        let wants_protected = matches!(core.state, State::ClientFinished | State::ResumedClientFinished);
        let in_handshake = !matches!(core.state, State::LastFlight | State::Connected);
        if fragment.message_seq > core.link.next_receive || !in_handshake || wants_protected != protected {
            return;
        }
        let handled = match fragment.whole() {
            Some(body) => core.on_message(config, fragment, body),
            None => match self.reassembly.add(fragment) {
                Added::Complete => core.on_message(config, fragment, self.reassembly.message()),
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
    fn on_message(&mut self, config: &Config<'_>, fragment: &Fragment<'_>, body: &[u8]) -> Result<(), Fault> {
        let sequence = fragment.message_seq;
        match (self.state, fragment.kind) {
            (State::ClientHello, kind::CLIENT_HELLO) => self.on_client_hello(config, sequence, body)?,
            (State::ClientFinished | State::ResumedClientFinished, kind::FINISHED) => {
                self.on_finished(config, sequence, body)?;
            }
            _ => self.on_client_flight(config, fragment.kind, sequence, body)?,
        }
        self.link.next_receive = sequence.wrapping_add(1);
        Ok(())
    }

    /// The client repeats itself: our last flight may be lost.
    fn on_repeated(&mut self, now: Instant, kind: u8) {
        let repeatable = match self.state {
            State::ClientCertificate | State::ClientKeyExchange | State::ResumedClientFinished => {
                kind == kind::CLIENT_HELLO
            }
            State::Connected => self.link.unconfirmed && kind == kind::FINISHED,
            _ => false,
        };
        if repeatable {
            self.link.answer_repeated(now);
        }
    }

    /// A record that the new keys do not open: damaged, left over from an older handshake, or the client has another
    /// key than we. RFC 6347 section 4.1.2.7 allows to say so. A forger could end this handshake with it, which a
    /// local server can live with; what is left over does not come twice.
    fn on_not_opened(&mut self) {
        let failed = self.link.layer.failed_opens;
        if self.state == State::ClientFinished && failed >= 2 {
            self.fault(Fault::new(Alert::BAD_RECORD_MAC, FailureReason::WrongKey));
        } else if P::FAILED_OPEN_LIMIT != 0 && failed >= P::FAILED_OPEN_LIMIT {
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

    fn on_protected_alert(&mut self, payload: &[u8]) {
        let [level, code] = payload else { return };
        let alert = Alert(*code);
        let seen = AlertSeen::Received(alert);
        match (self.state, *level) {
            (State::Connected, _) if alert == Alert::CLOSE_NOTIFY => {
                self.link.send_alert(alert::WARNING, Alert::CLOSE_NOTIFY);
                self.closed(CloseReason::ByPeer, seen);
            }
            (State::Connected, alert::FATAL) => self.closed(CloseReason::Alert, seen),
            (_, alert::FATAL) => self.fail(reason_of(alert), seen),
            _ => {}
        }
    }
}
