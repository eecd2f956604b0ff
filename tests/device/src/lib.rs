//! The device under test: objects of every kind ([`Things`]), profiles for every situation ([`profiles`]), and a device in a
//! thread that a test starts, changes, watches and stops ([`Device`]).

mod device;
mod keys;
mod names;
mod objects;
mod orders;
mod watch;

pub use device::{Device, Server};
pub use keys::Keys;
pub use objects::{AllTypes, Gate, Lab, LightControl, Temperature, Things};
pub use watch::{Boot, PATIENCE};

/// Sizes and choices of the device under test; each is a file of this package.
pub mod profiles {
    /// Every format, non-confirmable notifications, two servers.
    pub type Plain = plain::Profile;
    /// Confirmable notifications, SenML CBOR preferred.
    pub type Confirmable = confirmable::Profile;
    /// Short datagrams, LwM2M 1.0 with TLV preferred.
    pub type Small = small::Profile;
    /// Pre-shared keys, raw public keys and certificates.
    pub type Secure = secure::Profile;
    /// The same, with a short first hello.
    pub type ShortHello = short_hello::Profile;

    #[allow(missing_docs, dead_code, unreachable_pub)]
    pub(crate) mod plain {
        include!(concat!(env!("OUT_DIR"), "/plain.rs"));
    }

    #[allow(missing_docs, dead_code, unreachable_pub)]
    pub(crate) mod confirmable {
        include!(concat!(env!("OUT_DIR"), "/confirmable.rs"));
    }

    #[allow(missing_docs, dead_code, unreachable_pub)]
    pub(crate) mod small {
        include!(concat!(env!("OUT_DIR"), "/small.rs"));
    }

    #[allow(missing_docs, dead_code, unreachable_pub)]
    pub(crate) mod secure {
        include!(concat!(env!("OUT_DIR"), "/secure.rs"));
    }

    #[allow(missing_docs, dead_code, unreachable_pub)]
    pub(crate) mod short_hello {
        include!(concat!(env!("OUT_DIR"), "/short_hello.rs"));
    }
}
