//! Requests to a device.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::answer::{Answer, RequestError, count};
use crate::code::Method;
use crate::core::{Job, Target};
use crate::format::{Format, Node, PayloadError, encode, tlv};
use crate::message::{option, uint_bytes};
use crate::registry::Registration;
use crate::server::{Command, Remote};
use crate::value::Types;

mod blocks;

/// How a Write treats what it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// PUT: instances and resource instances that are not named are removed.
    Replace,
    /// POST: they stay.
    Update,
}

/// The handle of a device: makes requests to it. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Device {
    remote: Remote,
    target: Target,
    types: Arc<Types>,
    timeout: Duration,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({:?})", self.target)
    }
}

impl Device {
    pub(crate) fn new(remote: Remote, target: Target, types: Arc<Types>, timeout: Duration) -> Self {
        Device { remote, target, types, timeout }
    }

    /// The present registration.
    pub fn registration(&self) -> Option<Registration> {
        let mut all = self.remote.call(Command::Registrations)?.into_iter();
        match &self.target {
            Target::Endpoint(endpoint) => all.find(|registration| registration.endpoint == *endpoint),
            Target::Peer(peer) => all.rfind(|registration| registration.peer == *peer),
        }
    }

    /// Any request: no option but the path, no payload.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let fault =
            (!path.starts_with('/')).then(|| RequestError::Unsendable(format!("{path:?} begins without /")));
        Request {
            device: self.clone(),
            method,
            path: path.to_owned(),
            options: Vec::new(),
            payload: Vec::new(),
            confirmable: true,
            token: None,
            timeout: self.timeout,
            note: String::new(),
            fault,
        }
    }

    /// Read (LwM2M Core section 6.3.2); without format the device chooses.
    pub fn read(&self, path: &str, format: impl Into<Option<Format>>) -> Request {
        let request = self.request(Method::Get, path);
        match format.into() {
            Some(format) => request.accept(format),
            None => request,
        }
    }

    /// Discover (section 6.3.3).
    pub fn discover(&self, path: &str) -> Request {
        self.request(Method::Get, path).accept(Format::Link)
    }

    /// Write (section 6.3.4): a value, or several with [`tree`](crate::tree).
    pub fn write(&self, path: &str, node: impl Into<Node>, mode: Mode, format: Format) -> Request {
        let node = node.into();
        let method = if mode == Mode::Replace { Method::Put } else { Method::Post };
        let payload = encode(format, path, &node, &self.types);
        self.request(method, path).encoded(format, payload, &node)
    }

    /// Execute (section 6.3.6); `arguments` as `0='text',1`, empty for none.
    pub fn execute(&self, path: &str, arguments: &str) -> Request {
        let mut request = self.request(Method::Post, path);
        if !arguments.is_empty() {
            request = request.content(Format::Text, arguments.as_bytes());
            request.note = format!(" {arguments}");
        }
        request
    }

    /// Create (section 6.3.7) of an instance of the object at `path`; without id the device chooses one.
    pub fn create(
        &self,
        path: &str,
        instance: Option<u16>,
        node: impl Into<Node>,
        format: Format,
    ) -> Request {
        let node = node.into();
        let payload = encode(format, &format!("{path}/{}", instance.unwrap_or(0)), &node, &self.types);
        let payload = payload.and_then(|payload| match (format, instance) {
            (Format::Tlv, Some(id)) => Ok(tlv::instance(id, &payload)),
            (Format::Tlv, None) | (_, Some(_)) => Ok(payload),
            _ => Err(PayloadError { format, reason: "a Create in it needs the id of the instance".into() }),
        });
        self.request(Method::Post, path).encoded(format, payload, &node)
    }

    /// Delete (section 6.3.8).
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::Delete, path)
    }

    /// Write-Attributes (section 6.3.5), `pmin=1&pmax=5`; a name without value takes the attribute away.
    pub fn write_attributes(&self, path: &str, query: &str) -> Request {
        query.split('&').fold(self.request(Method::Put, path), Request::query)
    }

    /// Observe (section 6.4.2). Notifications come as [`Event`](crate::Event)s once the answer has an Observe option.
    pub fn observe(&self, path: &str, format: impl Into<Option<Format>>) -> Request {
        let mut request = self.read(path, format).option(option::OBSERVE, &[]);
        request.note = " observe".into();
        request
    }

    /// Cancels the newest observation of a path with a request (section 6.4.3, RFC 7641 section 3.6).
    pub fn cancel(&self, path: &str) -> Request {
        let mut request = self.request(Method::Get, path).option(option::OBSERVE, &[1]);
        request.note = " cancel".into();
        request
    }

    /// Cancels the newest observation of a path by rejecting its next notification with RST.
    ///
    /// # Errors
    /// The device is not registered, or the path not observed.
    pub fn cancel_by_reset(&self, path: &str) -> Result<(), RequestError> {
        let (target, path) = (self.target.clone(), path.to_owned());
        let result = self.remote.call(|reply| Command::RejectNext { target, path, reply });
        result.unwrap_or(Err(RequestError::Stopped))
    }

    /// CoAP ping (RFC 7252 section 4.3): true if the device answers with RST, as it should.
    ///
    /// # Errors
    /// No answer, or the device is not registered.
    pub fn ping(&self) -> Result<bool, RequestError> {
        let mut mid = [0; 2];
        getrandom::fill(&mut mid).map_err(|error| RequestError::Unsendable(error.to_string()))?;
        let reply = self.probe(&[0x40, 0, mid[0], mid[1]], self.timeout)?;
        Ok(reply == [0x70, 0, mid[0], mid[1]])
    }

    /// Sends bytes once, whatever they are. Returns the first datagram of the device that belongs to them: an ACK or RST
    /// with their message id, or a response with their token.
    ///
    /// # Errors
    /// No answer, or the device is not registered.
    pub fn probe(&self, datagram: &[u8], timeout: Duration) -> Result<Vec<u8>, RequestError> {
        let (target, datagram) = (self.target.clone(), datagram.to_vec());
        let result = self.remote.call(|reply| Command::Probe { target, datagram, timeout, reply });
        result.unwrap_or(Err(RequestError::Stopped))
    }
}

/// A request in the making. `Display` gives it in one line: `GET /3/0 (senml-cbor)`.
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    device: Device,
    method: Method,
    path: String,
    options: Vec<(u16, Vec<u8>)>,
    payload: Vec<u8>,
    confirmable: bool,
    token: Option<Vec<u8>>,
    timeout: Duration,
    /// What the line says of payload and purpose.
    note: String,
    fault: Option<RequestError>,
}

impl Request {
    /// Names the format of the answer (Accept option).
    pub fn accept(self, format: Format) -> Self {
        self.option(option::ACCEPT, &uint_bytes(format.number().into()))
    }

    /// Sets payload and Content-Format.
    pub fn content(self, format: Format, payload: &[u8]) -> Self {
        self.option(option::CONTENT_FORMAT, &uint_bytes(format.number().into())).payload(payload)
    }

    /// Sets the payload alone.
    pub fn payload(mut self, payload: &[u8]) -> Self {
        self.payload = payload.to_vec();
        self.note = format!(" {} B", payload.len());
        self
    }

    /// Adds a parameter to the query, `pmin=1`.
    pub fn query(self, parameter: &str) -> Self {
        self.option(option::URI_QUERY, parameter.as_bytes())
    }

    /// Adds any option.
    pub fn option(mut self, number: u16, value: &[u8]) -> Self {
        self.options.push((number, value.to_vec()));
        self
    }

    /// Takes this token of at most 8 bytes instead of a random one.
    pub fn token(mut self, token: &[u8]) -> Self {
        if token.len() > 8 {
            self.fault = Some(RequestError::Unsendable(format!("a token of {} bytes", token.len())));
        }
        self.token = Some(token.to_vec());
        self
    }

    /// Sends it as NON: once, and without acknowledgement.
    pub fn non_confirmable(mut self) -> Self {
        self.confirmable = false;
        self
    }

    /// Waits this long for the response.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn encoded(self, format: Format, payload: Result<Vec<u8>, PayloadError>, node: &Node) -> Self {
        match payload {
            Ok(payload) => {
                let mut request = self.content(format, &payload);
                request.note = match node {
                    Node::Single(value) => format!(" {value}"),
                    Node::Tree(values) => format!(" {}", count(values.len(), "value")),
                };
                request
            }
            Err(error) => Request { fault: self.fault.clone().or(Some(error.into())), ..self },
        }
    }

    /// Sends it, and waits for the answer; the blocks of a block-wise answer are fetched and put together (RFC 7959).
    ///
    /// # Errors
    /// There is no answer. An error code of the device is an answer: see [`Answer::success`].
    pub fn send(self) -> Result<Answer, RequestError> {
        let first = self.clone().start().wait()?;
        blocks::complete(&self, first)
    }

    /// Sends it without waiting, so that several requests can be on their way at once.
    pub fn start(self) -> Pending {
        let (sender, receiver) = channel();
        if let Some(fault) = self.fault {
            drop(sender.send(Err(fault)));
            return Pending(receiver);
        }
        let line = self.to_string();
        let segments = self.path.trim_start_matches('/').split('/').map(|part| part.as_bytes().to_vec());
        let segments = if self.path == "/" { Vec::new() } else { segments.collect() };
        self.device.remote.send(Command::Request(Box::new(Job {
            target: self.device.target,
            method: self.method.byte(),
            confirmable: self.confirmable,
            path: self.path,
            segments,
            options: self.options,
            payload: self.payload,
            token: self.token,
            timeout: self.timeout,
            line,
            reply: sender,
        })));
        Pending(receiver)
    }

    fn format_of(&self, number: u16) -> Option<Format> {
        let (_, value) = self.options.iter().find(|(known, _)| *known == number)?;
        let value = value.iter().fold(0, |sum: u32, byte| sum << 8 | u32::from(*byte));
        u16::try_from(value).ok().map(Format::from_number)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        let queries = self.options.iter().filter(|(number, _)| *number == option::URI_QUERY);
        for (index, (_, query)) in queries.enumerate() {
            write!(f, "{}{}", if index == 0 { '?' } else { '&' }, String::from_utf8_lossy(query))?;
        }
        if let Some(format) =
            self.format_of(option::CONTENT_FORMAT).or_else(|| self.format_of(option::ACCEPT))
        {
            write!(f, " ({format})")?;
        }
        f.write_str(&self.note)
    }
}

/// A request on its way.
#[derive(Debug)]
pub struct Pending(Receiver<Result<Answer, RequestError>>);

impl Pending {
    /// Waits for the answer.
    ///
    /// # Errors
    /// As [`Request::send`].
    pub fn wait(self) -> Result<Answer, RequestError> {
        // The server answers or drops every request, so this cannot wait for ever.
        self.0.recv().unwrap_or(Err(RequestError::Stopped))
    }
}
