//! How handshakes and sessions end, and what is erased then.

use super::{Core, State};
use crate::alert::{self, Alert};
use crate::event::{AlertSeen, CloseReason, FailureReason, Fault};
use crate::profile::{Bytes, Profile};
use crate::provider::sha256::Sha256;
use zeroize::Zeroize;

impl<P: Profile> Core<P> {
    /// Forgets everything but the session that may be resumed, the options, and how handshakes begin.
    pub(super) fn reset(&mut self) {
        self.forget_handshake();
        self.session.forget_unfinished();
        self.link.reset();
        self.state = State::Idle;
        if P::SHORT_FIRST_HELLO {
            self.session.first_hello = self.session.first_hello.next();
        }
        self.resumed = false;
        self.time_checked = false;
        self.hellos = 0;
        self.cookie_len = 0;
    }

    /// Erases what only the handshake needed.
    pub(super) fn forget_handshake(&mut self) {
        self.point.bytes_mut().zeroize();
        self.signature.bytes_mut().zeroize();
        self.client_random.zeroize();
        self.transcript = Sha256::IDLE;
        self.peer_finished.zeroize();
    }

    /// Ends the handshake by a fault of the peer, or of our key: tells the peer and the caller.
    pub(super) fn fault(&mut self, fault: Fault) {
        self.link.send_alert(alert::FATAL, fault.alert);
        self.fail(fault.reason, AlertSeen::Sent(fault.alert));
    }

    /// Ends the handshake. A session that was to be resumed may be the cause: it is forgotten, unless the server
    /// never answered.
    pub(super) fn fail(&mut self, reason: FailureReason, alert: AlertSeen) {
        if self.state != State::ServerHello || alert != AlertSeen::None {
            self.session.forget();
        }
        self.link.failed(reason, alert);
        self.end();
    }

    /// Ends an established session with a word to the peer.
    // Called seldom: one copy.
    #[inline(never)]
    pub(super) fn say_goodbye(&mut self, reason: CloseReason) {
        self.link.send_alert(alert::WARNING, Alert::CLOSE_NOTIFY);
        self.closed(reason, AlertSeen::Sent(Alert::CLOSE_NOTIFY));
    }

    /// Ends an established session.
    pub(super) fn closed(&mut self, reason: CloseReason, alert: AlertSeen) {
        self.link.closed(reason, alert);
        self.end();
    }

    pub(super) fn end(&mut self) {
        self.forget_handshake();
        self.session.forget_unfinished();
        // The alert needs the keys; without one there is nothing that does.
        if self.link.has_alert() {
            self.state = State::Ended;
        } else {
            self.reset();
        }
    }
}

impl<P: Profile> Drop for Core<P> {
    fn drop(&mut self) {
        self.forget_handshake();
        self.own_finished.zeroize();
    }
}
