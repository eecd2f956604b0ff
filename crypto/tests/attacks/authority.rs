//! Chains of certificates against a client: the world that they are for, and what became of them.

use crate::builder::*;
use crate::duel::Duel;
use crate::hostile::*;
use coracle_crypto::profiles::Everything;
use coracle_crypto::{
    Certificate, CertificateUsage, Credentials, FailureReason, MatchingType, Security, ServerCertificate,
    ServerName,
};

pub const NOW: u64 = 1_795_305_600; // 2026-11-22

pub const HOST: &str = "server.example";

/// What came of a chain.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// The server may go on with its key exchange.
    Accepted,
    Refused(FailureReason, u8),
}

pub use Outcome::Accepted;

pub fn refused(reason: FailureReason) -> Outcome {
    let alert = match reason {
        FailureReason::CertificateExpired | FailureReason::CertificateNotYetValid => 45,
        FailureReason::UnknownCa => 48,
        FailureReason::UnsupportedCertificate => 43,
        _ => 42,
    };
    Outcome::Refused(reason, alert)
}

/// The rules that a client checks by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub policy: ServerCertificate<'a>,
    pub name: Option<ServerName<'a>>,
    pub time: Option<u64>,
}

impl<'a> Rules<'a> {
    pub fn new(usage: CertificateUsage, expected: &'a [u8], store: &'a [&'a [u8]]) -> Self {
        let policy = ServerCertificate::new(usage, MatchingType::Exact, expected, store).expect("fine");
        Self { policy, name: Some(ServerName::Dns(HOST)), time: Some(NOW) }
    }

    pub fn anchor(expected: &'a [u8]) -> Self {
        Self::new(CertificateUsage::TrustAnchorAssertion, expected, &[])
    }

    pub fn security(&self) -> Security<'a> {
        Security {
            server_name: self.name,
            unix_time: self.time,
            suites: &[ECDSA_CCM_8],
            ..Security::new(b"server", Credentials::Certificate(Certificate::server_only(self.policy)))
        }
    }

    /// Sends a `Certificate` message to a fresh client.
    pub fn outcome_of(&self, message: &[u8]) -> Outcome {
        let mut duel = Duel::<Everything>::new(self.security());
        let mut server = Hostile { ecdhe: true, ..Hostile::new() };
        server.read_hello(&mut duel);
        let body = server.server_hello(ECDSA_CCM_8, &[], &[extension(23, &[])]);
        let messages = [server.say(SERVER_HELLO, &body), server.say(CERTIFICATE, message)].concat();
        duel.deliver(&messages);
        if let Some((reason, alert)) = duel.failure() {
            duel.assert_failed(reason, alert);
            Outcome::Refused(reason, alert)
        } else {
            assert_eq!(duel.events, []);
            Accepted
        }
    }

    pub fn check(&self, certificates: &[&[u8]]) -> Outcome {
        self.outcome_of(&chain(certificates))
    }
}

/// A CA, and the key of the server that the script signs with.
pub struct World {
    pub ca: Authority,
    pub anchor: Vec<u8>,
    pub key: Vec<u8>,
}

pub fn world() -> World {
    let ca = Authority::new(0x55);
    let anchor = ca.own(&Fields::ca("CA"));
    World { ca, anchor, key: Hostile::new().spki() }
}

impl World {
    pub fn leaf(&self, fields: &Fields) -> Vec<u8> {
        self.ca.issue(fields, &self.key)
    }

    /// What becomes of a leaf with these fields.
    pub fn check(&self, fields: &Fields) -> Outcome {
        Rules::anchor(&self.anchor).check(&[&self.leaf(fields)])
    }
}
