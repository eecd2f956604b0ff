use std::fmt;
use std::io;

use crate::answer::Coap;

/// Why a call to the peer did not give what it promises.
#[derive(Debug)]
pub enum Error {
    /// Java, Maven or the peer's jar is absent, or the jar cannot be built.
    Unavailable(String),
    /// The process did not become ready: a bad option, a port in use, a Java that is too old.
    Start(String),
    /// The process has ended or does not read its input any more. The text has the end of its log.
    Died(String),
    /// Nothing came in time. The text says what was waited for and which events came instead.
    TimedOut(String),
    /// The command was not carried out, or the device gave no (understandable) answer.
    Failed {
        /// For programs.
        kind: Failure,
        /// For people.
        message: String,
        /// What the device sent, where the server could not understand it.
        coap: Option<Box<Coap>>,
    },
    /// Something came that must not come.
    Unexpected(String),
    /// A line of the peer that this harness cannot read: the two do not fit together.
    Protocol(String),
    /// The operating system refused something.
    Io(io::Error),
}

/// Why there is no answer from the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The command itself is wrong.
    BadCommand,
    /// No device of that name is registered.
    NotRegistered,
    /// Leshan cannot make such a request (path and operation or value and format do not fit).
    InvalidRequest,
    /// The device's answer is not what the specification allows for that request.
    InvalidResponse,
    /// The device sent nothing, or an acknowledgement and then nothing, within the time-out of the command.
    NoResponse,
    /// All retransmissions went unacknowledged, or a block-wise transfer stopped.
    NoAcknowledgement,
    /// The DTLS handshake the server had to start timed out.
    NoHandshake,
    /// The device answered with a reset.
    Reset,
    /// The request was withdrawn, because the registration ended or was replaced.
    Cancelled,
    /// The datagram could not be sent.
    SendFailed,
    /// There is no DTLS session with the device.
    Unconnected,
    /// The device uses queue mode and sleeps.
    Sleeping,
    /// A fault of the peer or of Leshan.
    Internal,
}

impl Error {
    /// Why the device gave no answer, if that is the error.
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Self::Failed { kind, .. } => Some(*kind),
            _ => None,
        }
    }

    /// Whether nothing came in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(text) => write!(f, "the Leshan peer is not available: {text}"),
            Self::Start(text) => write!(f, "the Leshan peer did not start: {text}"),
            Self::Died(text) => write!(f, "the Leshan peer has ended: {text}"),
            Self::TimedOut(text) => write!(f, "timed out: {text}"),
            Self::Failed { kind, message, .. } => write!(f, "{kind:?}: {message}"),
            Self::Unexpected(text) => write!(f, "unexpected: {text}"),
            Self::Protocol(text) => write!(f, "not a line of the Leshan peer: {text}"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
