use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// The UDP ports of the peer, all on 127.0.0.1. In [`Options`], 0 takes a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Ports {
    /// LwM2M server, plain.
    pub coap: u16,
    /// LwM2M server, DTLS.
    pub coaps: u16,
    /// Bootstrap server, plain.
    pub bs_coap: u16,
    /// Bootstrap server, DTLS.
    pub bs_coaps: u16,
}

/// How to start the peer.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub(crate) ports: Ports,
    arguments: Vec<String>,
}

impl Options {
    /// Fixed ports. After a restart on the same ports these are set by the harness.
    #[must_use]
    pub fn ports(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// Connection ids of that length in records to the server; 0 accepts the device's and uses none itself.
    #[must_use]
    pub fn connection_id(self, length: u8) -> Self {
        self.argument(format!("--cid={length}"))
    }

    /// Also the cipher suites Scandium does not recommend, such as those with CBC.
    #[must_use]
    pub fn old_ciphers(self) -> Self {
        self.argument("--old-ciphers".to_owned())
    }

    /// RFC 7627: `NONE`, `OPTIONAL`, `ENABLED` or `REQUIRED`.
    #[must_use]
    pub fn extended_master_secret(self, mode: &str) -> Self {
        self.argument(format!("--extended-master-secret={mode}"))
    }

    /// The first retransmission time-out of handshakes.
    #[must_use]
    pub fn handshake_timeout(self, timeout: Duration) -> Self {
        self.argument(format!("--handshake-timeout-ms={}", timeout.as_millis()))
    }

    /// How long the server believes a queue mode device awake after each of its messages (93 s by default).
    #[must_use]
    pub fn awake_time(self, time: Duration) -> Self {
        self.argument(format!("--awake-ms={}", time.as_millis()))
    }

    /// A folder of object definitions (OMA XML) beside those the peer has: Leshan's own, 3303, 3311 and 3442.
    #[must_use]
    pub fn models(self, folder: &Path) -> Self {
        self.file("models", folder)
    }

    /// The servers' key pair for raw public key mode: PKCS #8 DER and SPKI DER.
    #[must_use]
    pub fn raw_public_key(self, private: &Path, public: &Path) -> Self {
        self.file("key", private).file("pub", public)
    }

    /// The servers' key (PKCS #8 DER), certificate chain (PEM or DER, leaf first) and trusted authorities.
    #[must_use]
    pub fn certificate(self, private: &Path, chain: &Path, trusted: &Path) -> Self {
        self.file("key", private).file("cert", chain).file("trust", trusted)
    }

    /// A setting of Californium or Scandium by its own name, such as `COAP.ACK_TIMEOUT` and `1[s]`.
    #[must_use]
    pub fn setting(self, key: &str, value: &str) -> Self {
        self.argument(format!("--set={key}={value}"))
    }

    /// Reports every CoAP message as an [`Event::Coap`](crate::Event::Coap).
    #[must_use]
    pub fn trace(self) -> Self {
        self.argument("--trace".to_owned())
    }

    fn file(self, name: &str, path: &Path) -> Self {
        let path: PathBuf = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.argument(format!("--{name}={}", path.display()))
    }

    fn argument(mut self, argument: String) -> Self {
        self.arguments.push(argument);
        self
    }

    pub(crate) fn to_arguments(&self) -> Vec<String> {
        let Ports { coap, coaps, bs_coap, bs_coaps } = self.ports;
        let mut arguments = self.arguments.clone();
        for (name, port) in [("coap", coap), ("coaps", coaps), ("bs-coap", bs_coap), ("bs-coaps", bs_coaps)] {
            arguments.push(format!("--{name}={port}"));
        }
        arguments
    }
}
