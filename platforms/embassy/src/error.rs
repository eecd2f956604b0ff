//! What can go wrong.

use embassy_net::udp::{BindError, SendError};
use embedded_io_async::ErrorKind;

/// Why the network did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The socket is bound already: drop what was bound before.
    InUse,
    /// There is no way to that address, or the stack is built without its family of addresses.
    NoRoute,
    /// The datagram is longer than the transmit buffer of [`SocketMemory`](crate::SocketMemory).
    TooLong,
    /// The network took no datagram for a second: there is no link, or no neighbour answers.
    Stalled,
    /// The name has no address.
    UnknownHost,
    /// A name, without the feature `dns`; or a search for the name of an address.
    NotSupported,
}

impl Error {
    /// What is wrong, and what to do about it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InUse => "the socket is bound already: drop what was bound before",
            Self::NoRoute => {
                "there is no route: check address, gateway and the proto features of embassy-net"
            }
            Self::TooLong => "the datagram is too long: raise TRANSMIT of SocketMemory to datagram.transmit",
            Self::Stalled => "the network takes no datagrams: check the link and the gateway",
            Self::UnknownHost => "the name has no address: check the name and the stack's DNS servers",
            Self::NotSupported => "names need the feature dns of coracle-embassy: or write an address",
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for Error {}

impl embedded_io_async::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InUse => ErrorKind::AddrInUse,
            Self::NoRoute | Self::UnknownHost => ErrorKind::AddrNotAvailable,
            Self::TooLong => ErrorKind::InvalidInput,
            Self::Stalled => ErrorKind::TimedOut,
            Self::NotSupported => ErrorKind::Unsupported,
        }
    }
}

impl From<BindError> for Error {
    fn from(error: BindError) -> Self {
        match error {
            BindError::InvalidState => Self::InUse,
            BindError::NoRoute => Self::NoRoute,
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NoRoute | SendError::SocketNotBound => Self::NoRoute,
            SendError::PacketTooLarge => Self::TooLong,
        }
    }
}
