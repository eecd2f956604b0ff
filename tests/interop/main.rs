//! The device against Eclipse Leshan, over real sockets: what a foreign server sees of it.
//!
//! Most tests share one Leshan and are told apart by their endpoint client names; those that restart it have their own.
//! Without Java and Maven they say so and pass, unless `CORACLE_PEERS=required` is set.

mod attributes;
mod blockwise;
mod cancel;
mod create;
mod disable;
mod discover;
mod execute;
mod handshake_failures;
mod observe;
mod outage;
mod read;
mod refuse;
mod register;
mod secure;
mod server;
mod sleep;
mod transport;
mod two_servers;
mod update;
mod values;
mod weather;
mod write;
