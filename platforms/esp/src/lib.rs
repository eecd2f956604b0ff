#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(test)]
extern crate std;

mod backoff;
mod endpoint;
mod health;
mod partition;
#[cfg(feature = "slip")]
pub mod slip;

#[cfg(feature = "esp32c3")]
mod entropy;
#[cfg(feature = "esp32c3")]
mod flash;
#[cfg(feature = "esp32c3")]
pub mod sleep;
#[cfg(feature = "wifi")]
pub mod wifi;

pub use backoff::Backoff;
pub use endpoint::EndpointName;
pub use health::{HealthTest, START_UP_WORDS};
pub use partition::{PARTITION_TABLE, Partition, PartitionError, find_partition};

#[cfg(feature = "esp32c3")]
pub use entropy::TrngEntropy;
#[cfg(feature = "esp32c3")]
pub use flash::{OpenError, open_store};
