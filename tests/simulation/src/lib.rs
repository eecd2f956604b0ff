//! A device and its servers in virtual time, on a network that loses, repeats, delays and reorders datagrams.
//!
//! The device is a real [`coracle::Client`] with a real profile. The servers ([`Script`]) write their own bytes with the codec
//! of somebody else. Everything follows from one number: [`seeds`] runs a scenario for many, and says which one fails and how
//! to see it again.

mod network;
mod objects;
mod rng;
mod script;
mod secure;
mod seeds;
mod world;

pub use network::{Network, Weather};
pub use objects::{Meter, Rule, Things};
pub use rng::Rng;
pub use script::{Answer, Ask, Observed, Outcome, Registered, Script};
pub use secure::{Secure, key_of};
pub use seeds::{is_replay, seeds};
pub use world::{Memory, Peer, World};

/// Sizes and choices of the simulated devices; each is a file of this package.
pub mod profiles {
    /// Plain CoAP.
    pub type Confirmable = confirmable::Profile;
    /// The same with DTLS.
    pub type Secured = secured::Profile;

    #[allow(missing_docs, dead_code, unreachable_pub)]
    mod confirmable {
        include!(concat!(env!("OUT_DIR"), "/confirmable.rs"));
    }

    #[allow(missing_docs, dead_code, unreachable_pub)]
    mod secured {
        include!(concat!(env!("OUT_DIR"), "/secured.rs"));
    }
}
