use serde_json::{Map, json};

use crate::format::Format;
use crate::value::Node;

/// A request of a scripted bootstrap session; the server adds Finish at the end.
#[derive(Debug, Clone)]
pub struct BootstrapStepRequest(Map<String, serde_json::Value>);

impl BootstrapStepRequest {
    fn new(operation: &str, path: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("op".to_owned(), json!(operation));
        fields.insert("path".to_owned(), json!(path));
        Self(fields)
    }

    /// Bootstrap-Delete; `/` deletes everything but the bootstrap account.
    pub fn delete(path: &str) -> Self {
        Self::new("delete", path)
    }

    /// Bootstrap-Discover.
    pub fn discover(path: &str) -> Self {
        Self::new("discover", path)
    }

    /// Bootstrap-Read of an object or an instance.
    pub fn read(path: &str) -> Self {
        Self::new("read", path)
    }

    /// Bootstrap-Write, in TLV unless a format is given.
    pub fn write(path: &str, node: impl Into<Node>) -> Self {
        let mut step = Self::new("write", path);
        step.0.insert("node".to_owned(), node.into().to_json());
        step
    }

    /// The content format of a Write, or the one a Read asks for.
    #[must_use]
    pub fn format(mut self, format: Format) -> Self {
        self.0.insert("format".to_owned(), format.to_json());
        self
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        json!(self.0)
    }
}
