//! How a device reaches its server: plain CoAP, or DTLS with each kind of credential.

use coracle_leshan_peer::{Leshan, Options};
use coracle_peer_programs::Certificates;
use coracle_test_device::{Keys, Server as Account};

/// The way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// `coap://`
    Plain,
    /// `coaps://` with a pre-shared key.
    Psk,
    /// `coaps://` with raw public keys.
    RawPublicKey,
    /// `coaps://` with certificates; the server's must be certified by an authority.
    Certificate,
}

/// Makes a test of each of these functions for each transport that all operations run over.
macro_rules! over_each_transport {
    ($($test:ident),* $(,)?) => {
        $crate::transport::over!(plain, Plain, $($test),*);
        $crate::transport::over!(psk, Psk, $($test),*);
    };
}

/// Makes a test of each of these functions for each kind of credential.
macro_rules! over_each_credential {
    ($($test:ident),* $(,)?) => {
        $crate::transport::over!(psk, Psk, $($test),*);
        $crate::transport::over!(raw_public_key, RawPublicKey, $($test),*);
        $crate::transport::over!(certificate, Certificate, $($test),*);
    };
}

macro_rules! over {
    ($module:ident, $transport:ident, $($test:ident),*) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    super::$test($crate::transport::Transport::$transport);
                }
            )*
        }
    };
}

pub(crate) use {over, over_each_credential, over_each_transport};

impl Transport {
    pub(crate) fn is_secure(self) -> bool {
        self != Self::Plain
    }

    /// An endpoint client name that no other transport uses.
    pub(crate) fn name(self, test: &str) -> String {
        match self {
            Self::Plain => test.to_owned(),
            Self::Psk => format!("{test}-psk"),
            Self::RawPublicKey => format!("{test}-rpk"),
            Self::Certificate => format!("{test}-x509"),
        }
    }

    /// Settings of a server that devices can reach so; `None` when OpenSSL, which makes its keys, is missing.
    pub(crate) fn options(self) -> Option<Options> {
        let options = Options::default();
        let file = |name: &str| Certificates::get().map(|certificates| certificates.path(name));
        match self {
            Self::Plain | Self::Psk => Some(options),
            Self::RawPublicKey => {
                Some(options.raw_public_key(&file("server.key.der")?, &file("server.pub.der")?))
            }
            Self::Certificate => {
                Some(options.certificate(&file("server.key.der")?, &file("server.pem")?, &file("ca.pem")?))
            }
        }
    }

    /// An account for a device of this name, which the server gets to know.
    pub(crate) fn account(self, server: &mut Leshan, endpoint: &str) -> Account {
        let uri = if self.is_secure() { server.coaps_uri() } else { server.coap_uri() };
        let account = Account::new(uri);
        match self {
            Self::Plain => account,
            Self::Psk => {
                let key = pre_shared_key(endpoint);
                server.add_psk(endpoint, endpoint, &key).expect("a new identity");
                account.keys(Keys::psk(endpoint, &key))
            }
            Self::RawPublicKey => {
                let certificates = Certificates::get().expect("the server was made from them");
                let own = certificates.issue(endpoint, 2);
                server.add_raw_public_key(endpoint, &own.public).expect("a new key");
                account.keys(Keys::raw_public_key(&own.public, &own.key, &certificates.server.public))
            }
            Self::Certificate => {
                let certificates = Certificates::get().expect("the server was made from them");
                let own = certificates.issue(endpoint, 2);
                server.add_certificate(endpoint).expect("a new name");
                account.keys(Keys::certified_by(&own.certificate, &own.key, &certificates.ca))
            }
        }
    }
}

/// The key of an endpoint: 16 bytes that follow from its name.
pub(crate) fn pre_shared_key(endpoint: &str) -> Vec<u8> {
    endpoint.bytes().cycle().take(16).collect()
}
