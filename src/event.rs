//! What the application is told.

use coracle_crypto::{AlertSeen, CloseReason, ConnectError, Connected, FailureReason, TransmitError};

/// Something that happened: [`Event::Transport`](coracle_engine::Event::Transport) is about DTLS.
pub type Event = coracle_engine::Event<SessionEvent>;

/// What a DTLS session has to tell. The client goes on by itself after each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// The handshake is complete.
    Secured(Connected),
    /// The handshake failed: wrong key, unknown identity, expired certificate, no answer, ... It is tried again later.
    HandshakeFailed {
        /// Why.
        reason: FailureReason,
        /// The alert that was sent or received, if any; object 1 resource 11 has it, too.
        alert: AlertSeen,
    },
    /// The session ended. The next handshake follows by itself.
    Closed {
        /// Why.
        reason: CloseReason,
        /// The alert that was sent or received, if any; object 1 resource 11 has it, too.
        alert: AlertSeen,
    },
    /// Configuration: no handshake can be made with these credentials.
    Unusable(ConnectError),
    /// The handshake could not go on: the driver's transmit buffer is shorter than the profile says, or there are no
    /// random numbers. It is tried again later.
    NotTransmitted(TransmitError),
}

impl SessionEvent {
    /// What it means, and what to do about it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Secured(_) => "the session is secured by DTLS",
            Self::HandshakeFailed { reason, .. } => reason.text(),
            Self::Closed { reason, .. } => reason.text(),
            Self::Unusable(error) => error.text(),
            Self::NotTransmitted(error) => error.text(),
        }
    }
}

impl core::fmt::Display for SessionEvent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}
