use std::time::Duration;

use serde_json::{Map, json};

use crate::format::Format;
use crate::hex;
use crate::value::Node;

/// How long the server waits for a device unless a command says otherwise.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

/// A device management request, with what a test may change about it.
///
/// The methods of [`Leshan`](crate::Leshan) make the usual ones; this is for the others, and for requests in flight
/// at the same time ([`Leshan::submit`](crate::Leshan::submit)).
#[derive(Debug, Clone)]
pub struct Command {
    fields: Map<String, serde_json::Value>,
    coap: Map<String, serde_json::Value>,
    timeout: Duration,
}

/// How a Write treats what it does not mention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// PUT: what is not mentioned goes.
    Replace,
    /// POST: what is not mentioned stays.
    Update,
}

impl Command {
    fn new(operation: &str, endpoint: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("op".to_owned(), json!(operation));
        fields.insert("ep".to_owned(), json!(endpoint));
        Self { fields, coap: Map::new(), timeout: DEFAULT_TIMEOUT }
    }

    fn with(mut self, key: &str, value: impl Into<serde_json::Value>) -> Self {
        self.fields.insert(key.to_owned(), value.into());
        self
    }

    /// Read of a path.
    pub fn read(endpoint: &str, path: &str) -> Self {
        Self::new("read", endpoint).with("path", path)
    }

    /// Write of a path.
    pub fn write(endpoint: &str, path: &str, mode: Mode, node: impl Into<Node>) -> Self {
        let mode = if mode == Mode::Replace { "replace" } else { "update" };
        Self::new("write", endpoint).with("path", path).with("mode", mode).with("node", node.into().to_json())
    }

    /// Execute of a resource; see [`Command::arguments`].
    pub fn execute(endpoint: &str, path: &str) -> Self {
        Self::new("execute", endpoint).with("path", path)
    }

    /// Discover of a path.
    pub fn discover(endpoint: &str, path: &str) -> Self {
        Self::new("discover", endpoint).with("path", path)
    }

    /// Create. On `/O` the device chooses the id, unless the node is a [`Node::Object`]; on `/O/I` the server does.
    pub fn create(endpoint: &str, path: &str, node: impl Into<Node>) -> Self {
        Self::new("create", endpoint).with("path", path).with("node", node.into().to_json())
    }

    /// Delete of a path.
    pub fn delete(endpoint: &str, path: &str) -> Self {
        Self::new("delete", endpoint).with("path", path)
    }

    /// Write-Attributes: `pmin=1&pmax=5`, and `pmin` alone unsets.
    pub fn attributes(endpoint: &str, path: &str, query: &str) -> Self {
        Self::new("attributes", endpoint).with("path", path).with("query", query)
    }

    /// Observe of a path.
    pub fn observe(endpoint: &str, path: &str) -> Self {
        Self::new("observe", endpoint).with("path", path)
    }

    /// Read-Composite.
    pub fn read_composite(endpoint: &str, paths: &[&str]) -> Self {
        Self::new("read-composite", endpoint).with("paths", json!(paths))
    }

    /// Observe-Composite.
    pub fn observe_composite(endpoint: &str, paths: &[&str]) -> Self {
        Self::new("observe-composite", endpoint).with("paths", json!(paths))
    }

    /// Write-Composite of resources and resource instances.
    pub fn write_composite<'a>(endpoint: &str, nodes: impl IntoIterator<Item = (&'a str, Node)>) -> Self {
        let nodes: Map<_, _> =
            nodes.into_iter().map(|(path, node)| (path.to_owned(), node.to_json())).collect();
        Self::new("write-composite", endpoint).with("nodes", nodes)
    }

    /// Cancels the latest observation of a path with a request (Observe: 1).
    pub fn cancel(endpoint: &str, path: &str) -> Self {
        Self::new("cancel", endpoint).with("path", path)
    }

    /// Cancels the latest composite observation with a request.
    pub fn cancel_composite(endpoint: &str) -> Self {
        Self::new("cancel", endpoint).with("composite", true)
    }

    /// Cancels without a word: the server forgets, and answers the next notification with a reset.
    #[must_use]
    pub fn passive(self) -> Self {
        self.with("passive", true)
    }

    /// The arguments of an Execute, such as `0='x',1`.
    #[must_use]
    pub fn arguments(self, arguments: &str) -> Self {
        self.with("args", arguments)
    }

    /// The content format: accepted by Read and Observe, of the payload for the others. Without it Leshan chooses.
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        self.with("format", format.to_json())
    }

    /// The format a composite answer shall have, when it is not that of the request.
    #[must_use]
    pub fn composite_accept(self, format: Format) -> Self {
        self.with("accept", format.to_json())
    }

    /// How long the server waits for the device.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends the request non-confirmable.
    #[must_use]
    pub fn non_confirmable(mut self) -> Self {
        self.coap.insert("non".to_owned(), json!(true));
        self
    }

    /// Puts another number into the Accept option.
    #[must_use]
    pub fn raw_accept(mut self, number: u16) -> Self {
        self.coap.insert("accept".to_owned(), json!(number));
        self
    }

    /// Asks for the answer in blocks of so many bytes from the beginning (RFC 7959 section 2.4).
    #[must_use]
    pub fn block_size(mut self, bytes: u16) -> Self {
        self.coap.insert("block_size".to_owned(), json!(bytes));
        self
    }

    /// Puts other octets and another Content-Format number in place of what Leshan encoded.
    #[must_use]
    pub fn raw_payload(mut self, format: Format, payload: &[u8]) -> Self {
        self.coap.insert("format".to_owned(), format.to_json());
        self.coap.insert("payload".to_owned(), json!(hex::encode(payload)));
        self
    }

    pub(crate) fn patience(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn into_json(self) -> Map<String, serde_json::Value> {
        let timeout = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        let mut fields = self.fields;
        fields.insert("timeout".to_owned(), json!(timeout));
        if !self.coap.is_empty() {
            fields.insert("coap".to_owned(), json!(self.coap));
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_in_json() {
        let command = Command::read("ep", "/3/0").format(Format::Tlv).timeout(Duration::from_millis(5));
        let expected = json!({"op": "read", "ep": "ep", "path": "/3/0", "format": 11542, "timeout": 5});
        assert_eq!(json!(command.into_json()), expected);
    }

    #[test]
    fn a_bent_write_in_json() {
        let command = Command::write("ep", "/3/0/14", Mode::Update, "+02").raw_payload(Format::Opaque, b"x");
        let expected = json!({"op": "write", "ep": "ep", "path": "/3/0/14", "mode": "update",
            "node": {"string": "+02"}, "timeout": 60000, "coap": {"format": 42, "payload": "78"}});
        assert_eq!(json!(command.into_json()), expected);
    }
}
