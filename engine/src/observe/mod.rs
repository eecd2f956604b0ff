//! Observations: who wants to know what, when it is worth telling, and what waits to be told (LwM2M Core section 6.4).

mod attributes;
mod number;
mod observation;
mod store;

pub use attributes::{Attribute, AttributeRecord, Attributes, Setting};
pub(crate) use attributes::{AttributeChanges, change, effective, forget, own};
pub use observation::Observation;
pub(crate) use observation::is_worth_telling;
pub(crate) use store::Store;
