//! The first hello without its extensions, and the way back to a whole one.
//!
//! Both hellos have the same version, random, session id, suites and compression (RFC 6347 section 4.2.1); extensions are
//! not in that list, and the first hello is no part of the transcript when a cookie is asked for. So they are left out of
//! the first, until something else than a cookie comes, or nothing:
//!
//! ```text
//! Untried ──> Short ──(no answer in time)──> Repeated
//!               │                               │
//!               └──(refused, or answered)───────┴──> Restarted <──> Unheard
//!
//! next handshake: Short, Repeated ──> Untried; Restarted, Unheard ──> Whole
//! ```
//!
//! Whatever is forged here, all that comes of it is a whole hello, once.

use super::{Core, State};
use crate::alert::{self, Alert};
use crate::credentials::Security;
use crate::event::Fault;
use crate::handshake::fragment::Fragment;
use crate::handshake::{VERIFY_DATA, kind};
use crate::profile::{Bytes, Profile};

/// How the present handshake began, and how the next one will. Only of use with [`Profile::SHORT_FIRST_HELLO`].
// Not an enum: the forbidden values of one would give it a place among the fields that costs all others code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct FirstHello(u8);

impl FirstHello {
    /// Nothing speaks against a short one.
    pub(super) const UNTRIED: Self = Self(0);
    /// It is out, and no other without a cookie.
    const SHORT: Self = Self(1);
    /// It was not answered in time: a whole one with the same random is out, too.
    const REPEATED: Self = Self(2);
    /// It was answered by something else than a cookie: the handshake has begun again, with a whole one.
    const RESTARTED: Self = Self(3);
    /// The same, and the server goes on with its old answer: it has not got our alert.
    const UNHEARD: Self = Self(4);
    /// Handshakes begin with a whole one.
    const WHOLE: Self = Self(5);

    /// For the next handshake.
    pub(super) const fn next(self) -> Self {
        match self {
            Self::RESTARTED | Self::UNHEARD | Self::WHOLE => Self::WHOLE,
            _ => Self::UNTRIED,
        }
    }
}

impl<P: Profile> Core<P> {
    /// Decides, at the beginning of a handshake. A session that is offered may be resumed without a cookie, and then the
    /// first hello is all the server gets.
    pub(super) fn choose_first_hello(&mut self, security: &Security<'_>) {
        if P::SHORT_FIRST_HELLO
            && self.session.first_hello == FirstHello::UNTRIED
            && self.session.offered(security).is_empty()
        {
            self.session.first_hello = FirstHello::SHORT;
        }
    }

    /// Whether the hello that is to be sent, or was sent last, is the short one.
    pub(super) fn hello_is_short(&self) -> bool {
        P::SHORT_FIRST_HELLO && self.session.first_hello == FirstHello::SHORT && self.hellos == 0
    }

    /// Whether the short hello was part of this handshake, and may still be what an answer is for.
    pub(super) fn began_short(&self) -> bool {
        P::SHORT_FIRST_HELLO && matches!(self.session.first_hello, FirstHello::SHORT | FirstHello::REPEATED)
    }

    /// The flight goes out again, for want of an answer.
    pub(super) fn repeat_hello(&mut self) {
        if !P::SHORT_FIRST_HELLO || self.state != State::ServerHello {
            return;
        }
        if self.hello_is_short() {
            // A whole one with the same random: a cookie for either is good for both.
            self.session.first_hello = FirstHello::REPEATED;
        } else if self.session.first_hello == FirstHello::UNHEARD {
            self.session.first_hello = FirstHello::RESTARTED;
            self.link.send_alert(alert::FATAL, Alert::HANDSHAKE_FAILURE);
        }
    }

    /// The server's hello. Answers whether it was for the short one, and the handshake begins again.
    pub(super) fn on_first_server_hello(
        &mut self,
        security: &Security<'_>,
        message_seq: u16,
        body: &[u8],
    ) -> Result<bool, Fault> {
        if !self.hello_is_short() {
            let result = self.on_server_hello(security, message_seq, body);
            // Without the extended master secret it may be the answer to the short hello, or of a server that looks only at
            // that: as good as refused, for everything else that was offered may be missing as well.
            if !self.began_short() || result.is_ok() && self.extended_master_secret {
                return result.map(|()| false);
            }
        }
        self.restart_after_hello(body);
        Ok(true)
    }

    /// Begins again with a whole hello: new random, new record numbers. The server has answered the short one with this
    /// hello, and would take another for a repetition of it: an alert ends what it has begun.
    fn restart_after_hello(&mut self, body: &[u8]) {
        self.restart_whole();
        self.link.send_alert(alert::FATAL, Alert::HANDSHAKE_FAILURE);
        // By which the hello is known when it comes again; nothing else needs the place before there are keys.
        if let Some(refused) = hello_mark(body) {
            self.peer_finished = *refused;
        }
    }

    /// Whether a plain alert is about the short hello, so that the handshake goes on: it begins again then. The next one may
    /// be the same once more, or the answer to ours; it counts when the whole hello has been sent twice.
    pub(super) fn forgives_alert(&mut self) -> bool {
        if self.state == State::ServerHello && self.began_short() {
            self.restart_whole();
            return true;
        }
        self.was_restarted() && self.hellos == 0 && self.link.timer.sent < 2
    }

    /// Whether a cookie that is not the present one is the first, come again: it stays replaced. Cookies over the extensions
    /// are two, one for each hello.
    pub(super) fn is_first_cookie(&mut self, cookie: &[u8]) -> bool {
        if self.began_short()
            && self.hellos == 1
            && let Some(first) = self.cookie.bytes().first_chunk()
        {
            self.peer_finished = *first;
        }
        self.began_short() && self.hellos > 1 && cookie.starts_with(&self.peer_finished)
    }

    /// Whether this is the server's answer to the short hello, come again.
    pub(super) fn is_refused_hello(&mut self, fragment: &Fragment<'_>) -> bool {
        let refused = self.was_restarted()
            && fragment.kind == kind::SERVER_HELLO
            && fragment.offset == 0
            && hello_mark(fragment.bytes) == Some(&self.peer_finished);
        if refused {
            self.session.first_hello = FirstHello::UNHEARD;
        }
        refused
    }

    fn was_restarted(&self) -> bool {
        P::SHORT_FIRST_HELLO
            && self.state == State::ServerHello
            && matches!(self.session.first_hello, FirstHello::RESTARTED | FirstHello::UNHEARD)
    }

    fn restart_whole(&mut self) {
        let sequences = self.link.layer.sequences();
        self.reset();
        self.link.layer.restore_sequences(sequences);
        self.session.first_hello = FirstHello::RESTARTED;
        self.state = State::Start;
        self.link.due = true;
    }
}

/// The beginning of the random in the body of a `ServerHello`.
fn hello_mark(body: &[u8]) -> Option<&[u8; VERIFY_DATA]> {
    body.get(2..)?.first_chunk()
}
