//! `coracle-embassy` between two stacks of embassy-net in one process.

mod clock;
mod driver;
mod socket;
mod wire;
