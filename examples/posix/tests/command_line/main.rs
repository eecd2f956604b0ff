//! The program as a user runs it.

mod demo;
mod program;
mod signals;
mod troubles;
