//! Loops around a [`Client`](crate::Client), with no protocol in them.

#[cfg(feature = "async")]
pub mod asynchronous;
pub mod blocking;
