//! What a device answers, and why it does not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::code::Code;
use crate::format::link::{self, Link};
use crate::format::{Format, PayloadError, Record, decode, newest};
use crate::message::option;
use crate::value::{Types, Value, Values};

/// How a response came (RFC 7252 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// In the acknowledgement of the request.
    Piggybacked,
    /// In a confirmable message of its own.
    Confirmable,
    /// In a non-confirmable message of its own.
    NonConfirmable,
}

/// The answer of a device. `Display` gives `2.05 Content, 11 values`, `{:#}` puts the request in front of it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request in one line.
    pub request: String,
    /// The path that was asked for.
    pub path: String,
    /// The response code; an error code is an answer too.
    pub code: Code,
    /// Format of the payload, if the device names one.
    pub format: Option<Format>,
    /// The payload; of a block-wise answer all blocks.
    pub payload: Vec<u8>,
    /// All options: number and value.
    pub options: Vec<(u16, Vec<u8>)>,
    /// The token of request and response.
    pub token: Vec<u8>,
    /// How it came.
    pub carrier: Carrier,
    /// How often the request was sent.
    pub transmissions: u32,
    /// Time from the first transmission to the answer.
    pub round_trip: Duration,
    pub(crate) types: Arc<Types>,
}

impl Answer {
    /// All values of the payload with their times.
    ///
    /// # Errors
    /// The payload cannot be read, or holds what was not asked for.
    pub fn records(&self) -> Result<Vec<Record>, PayloadError> {
        let format = match self.format {
            Some(format) => format,
            None if self.payload.is_empty() => return Ok(Vec::new()),
            None => {
                return Err(PayloadError {
                    format: Format::Text,
                    reason: "no Content-Format is named".into(),
                });
            }
        };
        decode(format, &self.path, &self.payload, &self.types)
    }

    /// The newest value of each path.
    ///
    /// # Errors
    /// As [`Answer::records`].
    pub fn values(&self) -> Result<Values, PayloadError> {
        self.records().map(newest)
    }

    /// The value of the path that was asked for.
    pub fn value(&self) -> Option<Value> {
        self.values().ok()?.remove(&self.path)
    }

    /// The links of a Discover.
    ///
    /// # Errors
    /// The payload is not in link format.
    pub fn links(&self) -> Result<Vec<Link>, PayloadError> {
        let fail = |reason| PayloadError { format: Format::Link, reason };
        match self.format {
            Some(Format::Link) => link::parse(&self.payload).map_err(fail),
            _ => Err(fail("the answer is in another format".into())),
        }
    }

    /// The value of the Observe option: this answer began an observation.
    pub fn observe(&self) -> Option<u32> {
        self.option(option::OBSERVE)
            .map(|value| value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
    }

    /// The path of a created object instance.
    pub fn location(&self) -> Option<String> {
        let parts = self.options.iter().filter(|(number, _)| *number == option::LOCATION_PATH);
        let parts: Vec<String> =
            parts.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect();
        (!parts.is_empty()).then(|| format!("/{}", parts.join("/")))
    }

    /// The first value of an option.
    pub fn option(&self, number: u16) -> Option<&[u8]> {
        self.options.iter().find(|(known, _)| *known == number).map(|(_, value)| value.as_slice())
    }

    /// The text an error came with (RFC 7252 section 5.5.2).
    pub fn diagnostic(&self) -> Option<&str> {
        let text = !self.code.is_success() && matches!(self.format, None | Some(Format::Text));
        std::str::from_utf8(&self.payload).ok().filter(|payload| text && !payload.is_empty())
    }

    /// This answer if it is a success.
    ///
    /// # Errors
    /// [`RequestError::Refused`] with code and diagnostic.
    pub fn success(self) -> Result<Answer, RequestError> {
        if self.code.is_success() { Ok(self) } else { Err(RequestError::Refused(Box::new(self))) }
    }
}

/// `1 link`, `2 links`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `, 3 values`, `, 21.5` or what else there is to say of a payload.
pub(crate) fn summary(values: &Result<Values, PayloadError>, path: &str) -> String {
    match values {
        Err(error) => format!(", unreadable: {error}"),
        Ok(values) => match values.iter().next() {
            Some((only, value)) if values.len() == 1 && only == path => format!(", {value}"),
            Some((only, value)) if values.len() == 1 => format!(", {only} = {value}"),
            _ => format!(", {}", count(values.len(), "value")),
        },
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            write!(f, "{} -> ", self.request)?;
        }
        write!(f, "{}", self.code)?;
        if let Some(location) = self.location() {
            write!(f, " {location}")?;
        }
        match (self.diagnostic(), self.format) {
            (Some(text), _) => write!(f, " ({text})"),
            (None, _) if self.payload.is_empty() && !self.code.is_success() => Ok(()),
            (None, Some(Format::Link)) => match self.links() {
                Ok(links) => write!(f, ", {}", count(links.len(), "link")),
                Err(error) => write!(f, ", unreadable: {error}"),
            },
            (None, None) if self.payload.is_empty() => Ok(()),
            (None, Some(Format::Other(_))) => write!(f, ", {} B", self.payload.len()),
            _ => f.write_str(&summary(&self.values(), &self.path)),
        }
    }
}

/// Why a request has no answer.
#[derive(Debug, Clone)]
pub enum RequestError {
    /// No device with this endpoint name is registered.
    NotRegistered(String),
    /// The payload cannot be written in this format.
    Payload(PayloadError),
    /// A path, token or datagram that cannot be sent, in words.
    Unsendable(String),
    /// The device rejected the message with RST.
    Reset,
    /// Neither acknowledgement nor response after so many transmissions.
    NotAcknowledged(u32),
    /// No response in time.
    TimedOut(Duration),
    /// An error code, where success was asked for.
    Refused(Box<Answer>),
    /// There is no observation of this path to cancel.
    NotObserved(String),
    /// A block-wise answer that does not fit together, in words.
    Blocks(String),
    /// The server has ended.
    Stopped,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestError::NotRegistered(endpoint) => write!(f, "{endpoint} is not registered"),
            RequestError::Payload(error) => write!(f, "{error}"),
            RequestError::Unsendable(reason) => write!(f, "cannot be sent: {reason}"),
            RequestError::Reset => f.write_str("rejected with RST"),
            RequestError::NotAcknowledged(count) => {
                write!(f, "no acknowledgement after {count} transmissions")
            }
            RequestError::TimedOut(after) => write!(f, "no answer in {after:?}"),
            RequestError::Refused(answer) => write!(f, "{answer:#}"),
            RequestError::NotObserved(path) => write!(f, "{path} is not observed"),
            RequestError::Blocks(reason) => write!(f, "block-wise answer: {reason}"),
            RequestError::Stopped => f.write_str("the server has ended"),
        }
    }
}

impl std::error::Error for RequestError {}

impl From<PayloadError> for RequestError {
    fn from(error: PayloadError) -> Self {
        RequestError::Payload(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(path: &str, code: Code, format: Option<Format>, payload: &[u8]) -> Answer {
        Answer {
            request: format!("GET {path}"),
            path: path.into(),
            code,
            format,
            payload: payload.to_vec(),
            options: Vec::new(),
            token: Vec::new(),
            carrier: Carrier::Piggybacked,
            transmissions: 1,
            round_trip: Duration::ZERO,
            types: Arc::default(),
        }
    }

    #[test]
    fn answers_in_one_line() {
        let shown = |path, code, format, payload: &[u8]| answer(path, code, format, payload).to_string();
        assert_eq!(shown("/3/0/9", Code::CONTENT, Some(Format::Text), b"77"), "2.05 Content, 77");
        assert_eq!(
            shown("/3/0", Code::CONTENT, Some(Format::Tlv), &[0xC1, 9, 77]),
            "2.05 Content, /3/0/9 = 77"
        );
        let two = &[0xC1, 9, 77, 0xC1, 20, 0];
        assert_eq!(shown("/3/0", Code::CONTENT, Some(Format::Tlv), two), "2.05 Content, 2 values");
        assert_eq!(shown("/3/0", Code::CONTENT, Some(Format::Tlv), &[]), "2.05 Content, 0 values");
        assert_eq!(shown("/3", Code::CONTENT, Some(Format::Link), b"</3>,</3/0>"), "2.05 Content, 2 links");
        assert_eq!(shown("/3", Code::NOT_FOUND, None, b""), "4.04 Not Found");
        assert_eq!(shown("/3/0/9", Code::NOT_FOUND, Some(Format::Text), b""), "4.04 Not Found");
        assert_eq!(shown("/3", Code::NOT_FOUND, None, b"no object"), "4.04 Not Found (no object)");
        assert_eq!(shown("/3", Code::CONTENT, Some(Format::Other(1)), b"abc"), "2.05 Content, 3 B");
        let unreadable = shown("/3/0", Code::CONTENT, Some(Format::Tlv), &[1]);
        assert_eq!(unreadable, "2.05 Content, unreadable: tlv: 1 bytes are no whole entry");
        let nameless = shown("/3/0/9", Code::CONTENT, None, b"77");
        assert_eq!(nameless, "2.05 Content, unreadable: text: no Content-Format is named");
    }

    #[test]
    fn a_location_is_shown() {
        let mut created = answer("/3303", Code::CREATED, None, b"");
        created.options = vec![(8, b"3303".to_vec()), (8, b"2".to_vec())];
        assert_eq!(format!("{created:#}"), "GET /3303 -> 2.01 Created /3303/2");
    }

    #[test]
    fn an_error_code_is_an_error_when_success_is_asked_for() {
        let error = answer("/3", Code::NOT_FOUND, None, b"").success().unwrap_err();
        assert_eq!(error.to_string(), "GET /3 -> 4.04 Not Found");
        assert_eq!(
            answer("/3/0/9", Code::CONTENT, Some(Format::Text), b"7").success().unwrap().value(),
            Some(7.into())
        );
    }
}
