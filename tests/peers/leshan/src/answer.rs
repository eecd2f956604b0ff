use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::format::Format;
use crate::value::Value;

/// A CoAP response code (RFC 7252 section 12.1.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(pub u8, pub u8);

impl Code {
    /// 2.01
    pub const CREATED: Self = Self(2, 1);
    /// 2.02
    pub const DELETED: Self = Self(2, 2);
    /// 2.04
    pub const CHANGED: Self = Self(2, 4);
    /// 2.05
    pub const CONTENT: Self = Self(2, 5);
    /// 4.00
    pub const BAD_REQUEST: Self = Self(4, 0);
    /// 4.01
    pub const UNAUTHORIZED: Self = Self(4, 1);
    /// 4.04
    pub const NOT_FOUND: Self = Self(4, 4);
    /// 4.05
    pub const METHOD_NOT_ALLOWED: Self = Self(4, 5);
    /// 4.06
    pub const NOT_ACCEPTABLE: Self = Self(4, 6);
    /// 4.15
    pub const UNSUPPORTED_CONTENT_FORMAT: Self = Self(4, 15);

    /// Whether the class is 2.
    pub fn is_success(self) -> bool {
        self.0 == 2
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0, self.1)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('.')
            .and_then(|(class, detail)| Some(Self(class.parse().ok()?, detail.parse().ok()?)));
        parsed.ok_or_else(|| format!("\"{text}\" is not a CoAP code"))
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a device answered. A refusal (4.xx, 5.xx) is an answer too.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    /// The response code.
    pub code: Code,
    /// The diagnostic payload of a refusal.
    pub message: Option<String>,
    /// The values by path, for Read, Observe and their composite kin.
    #[serde(default)]
    pub content: BTreeMap<String, Value>,
    /// Paths of a composite request without a value in the answer.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Values with times, newest first, where the device sent any.
    #[serde(default)]
    pub timestamped: Vec<Timestamped>,
    /// The links of a Discover.
    #[serde(default)]
    pub links: Vec<Link>,
    /// The path of a created instance, without a slash at its begin.
    pub location: Option<String>,
    /// The observation that was made: its id is the token.
    pub observation: Option<String>,
    /// The CoAP message of the answer.
    pub coap: Coap,
    /// How often the request was sent again before the answer came.
    #[serde(default)]
    pub retransmissions: u32,
}

impl Answer {
    /// The value of a path, such as `/3/0/0`.
    pub fn value(&self, path: &str) -> Option<&Value> {
        self.content.get(path)
    }

    /// The content format the device used.
    pub fn format(&self) -> Option<Format> {
        self.coap.format.map(Format::from)
    }
}

/// Values of one time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Timestamped {
    /// Seconds since 1970; `None` for "now".
    pub time: Option<f64>,
    /// The values by path.
    pub content: BTreeMap<String, Value>,
    /// Paths without a value at that time.
    #[serde(default)]
    pub missing: Vec<String>,
}

/// A link of a Register or of a Discover answer (RFC 6690).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Link {
    /// The target, such as `/3/0`.
    pub path: String,
    /// Attributes in the text of the link format, `None` for one without a value.
    pub attributes: BTreeMap<String, Option<String>>,
}

impl Link {
    /// The text of an attribute with a value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_deref()
    }
}

/// A CoAP message as it was on the wire (RFC 7252).
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Coap {
    /// `CON`, `NON`, `ACK` or `RST`: an answer that is no `ACK` is a separate response.
    #[serde(rename = "type")]
    pub kind: String,
    /// The message id.
    pub mid: Option<u16>,
    /// The token.
    #[serde(default, deserialize_with = "crate::hex::deserialize_option")]
    pub token: Option<Vec<u8>>,
    /// The number of the content format.
    pub format: Option<u16>,
    /// The number of the accepted content format.
    pub accept: Option<u16>,
    /// The value of the Observe option.
    pub observe: Option<u32>,
    /// The value of the Max-Age option, seconds.
    pub max_age: Option<u64>,
    /// The payload; of a block-wise transfer, the whole.
    #[serde(deserialize_with = "crate::hex::deserialize")]
    pub payload: Vec<u8>,
    /// Address and port it came from.
    pub source: Option<String>,
    /// The DTLS session it came through.
    pub dtls: Option<Dtls>,
}

/// A DTLS session as the server sees it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Dtls {
    /// The cipher suite, such as `TLS_PSK_WITH_AES_128_CCM_8`.
    pub cipher: String,
    /// The epoch.
    pub epoch: Option<u32>,
    /// The session id, hexadecimal.
    pub session: Option<String>,
    /// When the handshake ended, milliseconds since 1970: a new value means a new handshake.
    pub handshake_time: Option<i64>,
    /// The connection id in records to the server, hexadecimal.
    pub read_cid: Option<String>,
    /// The connection id in records to the device, hexadecimal.
    pub write_cid: Option<String>,
    /// The address before the last change.
    pub previous_source: Option<String>,
    /// The authenticated name of the device: PSK identity, key or subject.
    pub peer: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes() {
        assert_eq!("4.15".parse(), Ok(Code::UNSUPPORTED_CONTENT_FORMAT));
        assert_eq!(Code::CONTENT.to_string(), "2.05");
        assert!("205".parse::<Code>().is_err());
        assert!(Code::CREATED.is_success() && !Code::NOT_FOUND.is_success());
    }
}
