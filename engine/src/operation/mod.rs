//! What a server asks for, one file for each operation (LwM2M Core section 6.3), and the tree that it works on.

mod create;
mod delete;
mod discover;
mod execute;
mod read;
mod request;
mod tree;
mod walk;
mod write;
mod write_attributes;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use discover::{Depth, discover, registration_links};
pub(crate) use execute::execute;
pub(crate) use read::readable;
pub(crate) use request::{Operation, Request};
pub(crate) use tree::{ServerObject, Tree};
pub(crate) use walk::{Step, walk};
pub(crate) use write::{Mode, write};
pub(crate) use write_attributes::parse_attributes;
