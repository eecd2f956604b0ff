//! Certificates (RFC 5280), as far as RFC 7925 needs them: read where they lie, nothing copied.

mod address;
mod certificate;
mod chain;
pub(crate) mod der;
mod name;
pub(crate) mod signature;
mod time;

pub(crate) use certificate::Parsed;
pub(crate) use chain::verify;
pub use name::ServerName;
