//! What a caller asks the server to send.

use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::answer::{Answer, RequestError};
use crate::message::option;
use crate::transport::PeerId;

/// The device a request goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Wherever this endpoint is registered from.
    Endpoint(String),
    /// A peer that need not be registered.
    Peer(PeerId),
}

/// A request to a device, ready but for message id and token.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) target: Target,
    pub(crate) method: u8,
    pub(crate) confirmable: bool,
    /// Path as the caller gave it: names the observation, and is what an answer's values lie under.
    pub(crate) path: String,
    /// The segments sent; an alternate path is put in front of them.
    pub(crate) segments: Vec<Vec<u8>>,
    /// Other options.
    pub(crate) options: Vec<(u16, Vec<u8>)>,
    pub(crate) payload: Vec<u8>,
    pub(crate) token: Option<Vec<u8>>,
    pub(crate) timeout: Duration,
    /// The request in one line.
    pub(crate) line: String,
    pub(crate) reply: Sender<Result<Answer, RequestError>>,
}

impl Job {
    /// The value of the Observe option: 0 observes, 1 cancels.
    pub(super) fn observe(&self) -> Option<u8> {
        let (_, value) = self.options.iter().find(|(number, _)| *number == option::OBSERVE)?;
        Some(value.first().copied().unwrap_or(0))
    }
}
