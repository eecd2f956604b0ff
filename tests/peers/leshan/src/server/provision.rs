//! Who may connect, what the bootstrap server writes, which registrations there are.

use serde_json::json;

use super::Leshan;
use super::lines::parse_value;
use crate::bootstrap::BootstrapStepRequest;
use crate::error::Error;
use crate::event::Registration;
use crate::hex;

impl Leshan {
    /// A pre-shared key of the LwM2M server.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when the identity belongs to another endpoint.
    pub fn add_psk(&mut self, endpoint: &str, identity: &str, key: &[u8]) -> Result<(), Error> {
        self.provision(&json!({"op": "psk", "ep": endpoint, "identity": identity, "key": hex::encode(key)}))
    }

    /// A raw public key (SPKI DER) of the LwM2M server.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when it is no key of an elliptic curve.
    pub fn add_raw_public_key(&mut self, endpoint: &str, spki: &[u8]) -> Result<(), Error> {
        self.provision(&json!({"op": "rpk", "ep": endpoint, "key": hex::encode(spki)}))
    }

    /// An endpoint that comes with a certificate whose common name is its endpoint name.
    ///
    /// # Errors
    ///
    /// [`Error::Died`] when the peer has ended.
    pub fn add_certificate(&mut self, endpoint: &str) -> Result<(), Error> {
        self.provision(&json!({"op": "x509", "ep": endpoint}))
    }

    /// A pre-shared key of the bootstrap server.
    ///
    /// # Errors
    ///
    /// As [`Leshan::add_psk`].
    pub fn add_bootstrap_psk(&mut self, endpoint: &str, identity: &str, key: &[u8]) -> Result<(), Error> {
        let key = hex::encode(key);
        self.provision(
            &json!({"op": "psk", "ep": endpoint, "identity": identity, "key": key, "bootstrap": true}),
        )
    }

    /// Forgets an endpoint's credentials and closes its DTLS sessions.
    ///
    /// # Errors
    ///
    /// [`Error::Died`] when the peer has ended.
    pub fn forget_credentials(&mut self, endpoint: &str) -> Result<(), Error> {
        self.provision(&json!({"op": "forget", "ep": endpoint}))
    }

    /// Answers the Register of an endpoint with 4.03 and its Update with 4.00, until it is called with `false`.
    ///
    /// # Errors
    ///
    /// [`Error::Died`] when the peer has ended.
    pub fn refuse(&mut self, endpoint: &str, on: bool) -> Result<(), Error> {
        self.provision(&json!({"op": "refuse", "ep": endpoint, "on": on}))
    }

    /// Forgets a registration without a word to the device: its next Update is answered with 4.04.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when there is none.
    pub fn drop_registration(&mut self, endpoint: &str) -> Result<(), Error> {
        self.command(&json!({"op": "drop", "ep": endpoint})).map(|_| ())
    }

    /// The present registrations.
    ///
    /// # Errors
    ///
    /// [`Error::Died`] when the peer has ended.
    pub fn clients(&mut self) -> Result<Vec<Registration>, Error> {
        let mut line = self.command(&json!({"op": "clients"}))?;
        parse_value(&line.remove("clients").unwrap_or_default())
    }

    /// What the bootstrap server writes to an endpoint, in the JSON of the peer's command `bootstrap-config`.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when the configuration is inconsistent.
    pub fn bootstrap_config(&mut self, endpoint: &str, config: &serde_json::Value) -> Result<(), Error> {
        self.provision(&json!({"op": "bootstrap-config", "ep": endpoint, "config": config}))
    }

    /// What the bootstrap server does with an endpoint, request by request, with Finish at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] when a step is wrong.
    pub fn bootstrap_script(&mut self, endpoint: &str, steps: &[BootstrapStepRequest]) -> Result<(), Error> {
        let steps: Vec<_> = steps.iter().map(BootstrapStepRequest::to_json).collect();
        self.provision(&json!({"op": "bootstrap-script", "ep": endpoint, "steps": steps}))
    }
}
