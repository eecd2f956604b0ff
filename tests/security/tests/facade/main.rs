//! [`coracle::Client`] over DTLS, in virtual time: registrations, failures, lost sessions, sleep, and secrets.
//!
//! The servers are scripts: the server half of the DTLS crate, with CoAP on another codec.

#![allow(unreachable_pub, reason = "a test program has no outside")]
#![allow(missing_debug_implementations)] // keys are in there

#[path = "../../../../crypto/tests/attacks/builder.rs"]
mod builder;
#[path = "../../../../crypto/tests/common/mod.rs"]
mod common;

mod end;
mod failures;
mod hardware;
mod keys;
mod limits;
mod offer;
mod peer;
mod register;
mod secrets;
mod session_end;
mod sessions;
mod several;
mod sleep;
mod trust;
mod weather;
mod world;

/// Sizes and choices; each is a file in `profiles`.
mod profiles {
    pub type Normal = normal::Profile;
    pub type Hardware = hardware::Profile;
    pub type Short = short::Profile;

    #[allow(missing_docs, dead_code, unreachable_pub)]
    mod normal {
        include!(concat!(env!("OUT_DIR"), "/normal.rs"));
    }

    #[allow(missing_docs, dead_code, unreachable_pub)]
    mod hardware {
        include!(concat!(env!("OUT_DIR"), "/hardware.rs"));
    }

    #[allow(missing_docs, dead_code, unreachable_pub)]
    mod short {
        include!(concat!(env!("OUT_DIR"), "/short.rs"));
    }
}
