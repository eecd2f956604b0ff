//! What several fuzz targets share.

pub mod device;
pub mod dtls;
pub mod forger;
pub mod formats;
pub mod heap;
pub mod input;
pub mod message;
pub mod objects;
pub mod script;

coracle::include_profile!();

/// The profile of `config.toml`.
pub type Profile = profile::Profile;
