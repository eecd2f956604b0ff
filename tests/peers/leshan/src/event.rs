use std::collections::BTreeMap;

use serde::Deserialize;

use crate::answer::{Coap, Code, Link, Timestamped};
use crate::value::Value;

/// What the servers report by themselves.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A device registered.
    Registered(Box<Registration>),
    /// A device updated its registration.
    Updated(Box<Registration>),
    /// A registration ended: by the device, by expiry, or because the device registered again.
    Unregistered(Unregistered),
    /// A notification of an observation. The first answer to Observe is no notification.
    Notify(Box<Notification>),
    /// A notification the server could not understand.
    NotifyError(NotifyError),
    /// An observation was dropped by the server, or cancelled with its registration.
    Cancelled(ObservationRef),
    /// A Send of the device.
    Send(Box<Sent>),
    /// A Send the server could not understand.
    SendError(Presence),
    /// The server believes that a queue mode device sleeps.
    Sleeping(Presence),
    /// The server believes that a queue mode device is awake.
    Awake(Presence),
    /// A DTLS handshake succeeded or failed.
    Handshake(Handshake),
    /// A step of a bootstrap session.
    Bootstrap(Box<BootstrapStep>),
    /// A CoAP message, when tracing is on.
    Coap(Box<CoapTrace>),
}

/// A registration, from Register and Update.
#[derive(Debug, Clone, Deserialize)]
pub struct Registration {
    /// The endpoint name.
    #[serde(rename = "ep")]
    pub endpoint: String,
    /// The server's id of it: the last segment of the location.
    pub id: String,
    /// The LwM2M version of the device, `1.0` or `1.1`.
    pub version: String,
    /// Seconds.
    pub lifetime: u64,
    /// The binding, such as `U`.
    pub binding: String,
    /// Whether the device uses queue mode.
    pub queue: bool,
    /// The number for SMS.
    pub sms: Option<String>,
    /// The alternate path of the objects, `/` without one.
    pub root: String,
    /// The links as the server understood them.
    pub links: Vec<Link>,
    /// The version of each object the server derived from the links.
    pub objects: BTreeMap<u16, String>,
    /// The content formats the device told in `ct` of its root link.
    pub formats: Option<Vec<u16>>,
    /// Additional attributes of the registration.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Address and port.
    pub address: String,
    /// Address and port before an update.
    pub previous_address: Option<String>,
    /// Whether it came through DTLS.
    pub secure: bool,
    /// The authenticated name: PSK identity, SPKI in hexadecimal, or common name of the certificate.
    pub identity: Option<String>,
    /// The registration it replaces.
    pub replaces: Option<String>,
    /// The Uri-Query options of the request, in order.
    #[serde(default)]
    pub query: Vec<String>,
    /// The payload of the request as text.
    #[serde(default)]
    pub payload: String,
    /// The request. Absent in the answer to [`Leshan::clients`](crate::Leshan::clients).
    pub coap: Option<Coap>,
}

impl Registration {
    /// The link to a path, if it was registered.
    pub fn link(&self, path: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.path == path)
    }
}

/// The end of a registration.
#[derive(Debug, Clone, Deserialize)]
pub struct Unregistered {
    /// The endpoint name.
    #[serde(rename = "ep")]
    pub endpoint: String,
    /// The server's id of it.
    pub id: String,
    /// Whether the lifetime ran out.
    pub expired: bool,
    /// The registration in its place, when the device registered again.
    pub replaced_by: Option<String>,
}

/// A notification.
#[derive(Debug, Clone, Deserialize)]
pub struct Notification {
    /// The endpoint name.
    #[serde(rename = "ep")]
    pub endpoint: String,
    /// The observation: its token in hexadecimal.
    pub observation: String,
    /// The observed path, `None` for a composite observation.
    pub path: Option<String>,
    /// The observed paths of a composite observation.
    #[serde(default)]
    pub paths: Vec<String>,
    /// The response code.
    pub code: Code,
    /// The values by path; of a notification with history, the newest.
    #[serde(default)]
    pub content: BTreeMap<String, Value>,
    /// Paths of a composite observation without a value.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Values with times, newest first, where the device sent any.
    #[serde(default)]
    pub timestamped: Vec<Timestamped>,
    /// The CoAP message.
    pub coap: Coap,
}

/// A notification the server could not understand.
#[derive(Debug, Clone, Deserialize)]
pub struct NotifyError {
    /// The endpoint name, if the server knew it.
    #[serde(rename = "ep")]
    pub endpoint: Option<String>,
    /// The observation: its token in hexadecimal.
    pub observation: String,
    /// Why.
    pub message: String,
}

/// An observation.
#[derive(Debug, Clone, Deserialize)]
pub struct ObservationRef {
    /// Its token in hexadecimal.
    pub observation: String,
    /// The observed path, `None` for a composite observation.
    pub path: Option<String>,
}

/// A Send of the device.
#[derive(Debug, Clone, Deserialize)]
pub struct Sent {
    /// The endpoint name.
    #[serde(rename = "ep")]
    pub endpoint: String,
    /// The values.
    pub timestamped: Vec<Timestamped>,
    /// The request.
    pub coap: Coap,
}

/// An endpoint something is said about.
#[derive(Debug, Clone, Deserialize)]
pub struct Presence {
    /// The endpoint name, if the server knew it.
    #[serde(rename = "ep")]
    pub endpoint: Option<String>,
    /// What went wrong, in events of errors.
    pub message: Option<String>,
}

/// The end of a DTLS handshake.
#[derive(Debug, Clone, Deserialize)]
pub struct Handshake {
    /// Which port: `coaps` or `bs_coaps`.
    pub server: String,
    /// Whether there is a session now.
    pub ok: bool,
    /// Address and port of the device.
    pub source: String,
    /// The cipher suite.
    pub cipher: Option<String>,
    /// Whether a session was resumed.
    pub resumed: Option<bool>,
    /// Whether the master secret is an extended one (RFC 7627).
    pub extended_master_secret: Option<bool>,
    /// The authenticated name of the device.
    pub peer: Option<String>,
    /// The alert that ended it, such as `DECRYPT_ERROR`, sent or received.
    pub alert: Option<String>,
    /// Why it failed.
    pub message: Option<String>,
}

/// A step of a bootstrap session.
#[derive(Debug, Clone, Deserialize)]
pub struct BootstrapStep {
    /// The endpoint name.
    #[serde(rename = "ep")]
    pub endpoint: String,
    /// What happened.
    pub step: Step,
    /// The format the device prefers (`pct`), of [`Step::Start`].
    pub preferred_format: Option<u16>,
    /// `Discover`, `Read`, `Write`, `Delete` or `Finish`, of [`Step::Response`] and [`Step::Failure`].
    pub request: Option<String>,
    /// The path of that request.
    pub path: Option<String>,
    /// The code of the device's answer.
    pub code: Option<Code>,
    /// The values of a Read.
    #[serde(default)]
    pub content: BTreeMap<String, Value>,
    /// The links of a Discover.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Why a request failed, or the diagnostic payload of a refusal.
    pub message: Option<String>,
    /// Why the session failed.
    pub cause: Option<String>,
    /// The device's answer.
    pub coap: Option<Coap>,
}

/// What happened in a bootstrap session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The device asked.
    Start,
    /// The device may not.
    Unauthorized,
    /// The device may.
    Authorized,
    /// There is no configuration for it.
    NoConfig,
    /// The device answered a request, maybe with an error code.
    Response,
    /// The device did not answer a request.
    Failure,
    /// The session ended well.
    End,
    /// The session failed.
    Failed,
}

/// A CoAP message in either direction.
#[derive(Debug, Clone, Deserialize)]
pub struct CoapTrace {
    /// Which port: `coap`, `coaps`, `bs_coap` or `bs_coaps`.
    pub server: String,
    /// `in` or `out`.
    pub way: String,
    /// The code; 0.00 for an empty message.
    pub code: Code,
    /// The options in Californium's words.
    pub options: String,
    /// The message.
    #[serde(flatten)]
    pub coap: Coap,
}
