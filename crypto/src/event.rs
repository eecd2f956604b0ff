//! What a connection reports.

use crate::alert::Alert;
use crate::suite::CipherSuite;

/// What happened on a connection: a small copy that borrows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The handshake is complete: application data can flow.
    Connected(Connected),
    /// The handshake failed. The same connection can be started again at once.
    Failed {
        /// Why.
        reason: FailureReason,
        /// The alert that came with it.
        alert: AlertSeen,
    },
    /// The session ended. The same connection can be started again at once.
    Closed {
        /// Why.
        reason: CloseReason,
        /// The alert that came with it.
        alert: AlertSeen,
    },
    /// A datagram did not fit into the caller's buffer and was dropped.
    DatagramTooLarge,
}

/// What a completed handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connected {
    /// The suite.
    pub suite: CipherSuite,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// Whether our records carry a connection ID, so that a new source address needs no new handshake.
    pub connection_id: bool,
    /// Whether the server's certificate was checked against a wall clock. `false` also where there is none to check.
    pub time_checked: bool,
}

/// The alert of a failed handshake or an ended session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertSeen {
    /// There was none.
    None,
    /// We sent it, or are about to.
    Sent(Alert),
    /// The peer sent it.
    Received(Alert),
}

impl AlertSeen {
    /// The alert, whoever sent it: what LwM2M reports in `/1/x/11`.
    pub const fn alert(self) -> Option<Alert> {
        match self {
            Self::None => None,
            Self::Sent(alert) | Self::Received(alert) => Some(alert),
        }
    }
}

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* #[doc = $text] $variant,)*
        }

        impl $name {
            /// The fault and its remedy in a sentence.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.text())
            }
        }
    };
}
reasons! {
    /// Why a handshake failed.
    FailureReason {
        NoAnswer = "the server does not answer: check address, port and network",
        Interrupted = "the server stopped answering in the middle of the handshake",
        FinishedNotAnswered = "the server does not accept our last flight: most likely the pre-shared keys differ",
        UnknownIdentity = "the peer does not know the PSK identity",
        WrongKey = "the keys of the two sides differ, or the server does not know ours and says no more",
        Refused = "the peer refused the handshake: see the alert",
        CertificateRefused = "the peer refused a certificate: see the alert",
        CertificateExpired = "a certificate has expired: check the wall clock and the certificate",
        CertificateNotYetValid = "a certificate is not valid yet: check the wall clock",
        UnknownCa = "the chain does not end at a trusted certificate",
        ServerKeyMismatch = "the server's key or certificate is not the provisioned one",
        NameMismatch = "the certificate is for another server name",
        BadCertificate = "a certificate is malformed or must not be used so",
        UnsupportedCertificate = "a certificate or key is of a kind that is not supported or was not negotiated",
        BadSignature = "a signature does not verify",
        BadFinished = "the Finished message is wrong: the handshake was tampered with",
        UnexpectedMessage = "the peer sent a message out of order",
        Malformed = "the peer sent a malformed message",
        IllegalParameter = "the peer chose something that was not offered",
        UnsupportedExtension = "the peer answered an extension that was not offered",
        ProtocolVersion = "the peer does not speak DTLS 1.2",
        NoExtendedMasterSecret = "the peer does not know the extended master secret: it can be made optional",
        NoCommonSuite = "no suite, curve or credential fits both sides",
        MessageTooLong = "a handshake message is longer than the reassembly buffer: make it larger",
        CookieTooLong = "the server's cookie is longer than the place for it: make it larger",
        ConnectionIdTooLong = "the peer's connection ID is longer than the place for it: make it larger",
        SigningFailed = "our private key could not be used",
        TooManyForgeries = "too many records failed authentication",
    }
}

reasons! {
    /// Why a session ended.
    CloseReason {
        ByPeer = "the peer closed the session",
        ByUs = "we closed the session",
        Alert = "the peer ended the session with a fatal alert",
        TooManyForgeries = "too many records failed authentication: start a new session",
        Exhausted = "the sequence numbers are used up: start a new session",
    }
}

/// A fault in a handshake message: the end of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) alert: Alert,
    pub(crate) reason: FailureReason,
}

impl Fault {
    pub(crate) const fn new(alert: Alert, reason: FailureReason) -> Self {
        Self { alert, reason }
    }

    pub(crate) const UNEXPECTED: Self =
        Self::new(Alert::UNEXPECTED_MESSAGE, FailureReason::UnexpectedMessage);
    pub(crate) const MALFORMED: Self = Self::new(Alert::DECODE_ERROR, FailureReason::Malformed);
    pub(crate) const ILLEGAL: Self = Self::new(Alert::ILLEGAL_PARAMETER, FailureReason::IllegalParameter);
    pub(crate) const INTERNAL: Self = Self::new(Alert::INTERNAL_ERROR, FailureReason::SigningFailed);
    pub(crate) const UNSUPPORTED_CERTIFICATE: Self =
        Self::new(Alert::UNSUPPORTED_CERTIFICATE, FailureReason::UnsupportedCertificate);
    /// RFC 7925 section 6 keeps the alerts about certificates for certificates.
    pub(crate) const NO_RAW_PUBLIC_KEY: Self =
        Self::new(Alert::HANDSHAKE_FAILURE, FailureReason::UnsupportedCertificate);
    pub(crate) const BAD_SIGNATURE: Self = Self::new(Alert::DECRYPT_ERROR, FailureReason::BadSignature);
    #[cfg(feature = "server")]
    pub(crate) const NO_COMMON_SUITE: Self =
        Self::new(Alert::HANDSHAKE_FAILURE, FailureReason::NoCommonSuite);
}

impl From<crate::codec::Malformed> for Fault {
    fn from(_: crate::codec::Malformed) -> Self {
        Self::MALFORMED
    }
}

/// What a fatal alert of the peer during the handshake means.
pub(crate) const fn reason_of(alert: Alert) -> FailureReason {
    match alert {
        Alert::UNKNOWN_PSK_IDENTITY => FailureReason::UnknownIdentity,
        Alert::BAD_RECORD_MAC | Alert::DECRYPT_ERROR => FailureReason::WrongKey,
        Alert::CERTIFICATE_EXPIRED => FailureReason::CertificateExpired,
        Alert::UNKNOWN_CA => FailureReason::UnknownCa,
        Alert::BAD_CERTIFICATE
        | Alert::UNSUPPORTED_CERTIFICATE
        | Alert::CERTIFICATE_REVOKED
        | Alert::CERTIFICATE_UNKNOWN
        | Alert::CERTIFICATE_REQUIRED
        | Alert::ACCESS_DENIED => FailureReason::CertificateRefused,
        Alert::PROTOCOL_VERSION => FailureReason::ProtocolVersion,
        _ => FailureReason::Refused,
    }
}

/// Events not fetched yet. The empty value is all zero bytes.
#[derive(Clone, Copy)]
pub(crate) struct Pending {
    connected: bool,
    too_large: bool,
    ending: Ending,
    failure: FailureReason,
    closing: CloseReason,
    alert_from: AlertFrom,
    alert: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Ending {
    None,
    Failed,
    Closed,
}

#[derive(Clone, Copy)]
#[repr(u8)]
enum AlertFrom {
    None,
    Us,
    Peer,
}

impl Pending {
    pub(crate) const EMPTY: Self = Self {
        connected: false,
        too_large: false,
        ending: Ending::None,
        failure: FailureReason::NoAnswer,
        closing: CloseReason::ByPeer,
        alert_from: AlertFrom::None,
        alert: 0,
    };

    pub(crate) const fn connected(&mut self) {
        self.connected = true;
    }

    pub(crate) const fn too_large(&mut self) {
        self.too_large = true;
    }

    pub(crate) const fn failed(&mut self, reason: FailureReason, alert: AlertSeen) {
        self.failure = reason;
        self.end(Ending::Failed, alert);
    }

    pub(crate) const fn closed(&mut self, reason: CloseReason, alert: AlertSeen) {
        self.closing = reason;
        self.end(Ending::Closed, alert);
    }

    const fn end(&mut self, ending: Ending, alert: AlertSeen) {
        self.ending = ending;
        (self.alert_from, self.alert) = match alert {
            AlertSeen::None => (AlertFrom::None, 0),
            AlertSeen::Sent(alert) => (AlertFrom::Us, alert.0),
            AlertSeen::Received(alert) => (AlertFrom::Peer, alert.0),
        };
    }

    /// The oldest event: `connected` tells what the handshake agreed on.
    pub(crate) fn take(&mut self, connected: impl FnOnce() -> Option<Connected>) -> Option<Event> {
        // A session that is over already, and has left nothing to tell of, was never there: what ended it is next.
        if core::mem::take(&mut self.connected)
            && let Some(agreed) = connected()
        {
            return Some(Event::Connected(agreed));
        }
        if core::mem::take(&mut self.too_large) {
            return Some(Event::DatagramTooLarge);
        }
        let alert = match self.alert_from {
            AlertFrom::None => AlertSeen::None,
            AlertFrom::Us => AlertSeen::Sent(Alert(self.alert)),
            AlertFrom::Peer => AlertSeen::Received(Alert(self.alert)),
        };
        match core::mem::replace(&mut self.ending, Ending::None) {
            Ending::None => None,
            Ending::Failed => Some(Event::Failed { reason: self.failure, alert }),
            Ending::Closed => Some(Event::Closed { reason: self.closing, alert }),
        }
    }
}
