//! What objects are: paths, values, definitions, and the traits that the application's structs implement.

mod changes;
mod definition;
mod format;
mod instances;
mod multiple;
mod object;
mod path;
mod resource;
mod status;
mod value;

pub use changes::Changes;
pub use definition::{Definition, Operations, ResourceDefinition, Version};
pub use format::{ContentFormat, FormatSet};
pub use instances::Instances;
pub use multiple::Multiple;
pub use object::{
    Defined, Instance, Object, ObjectSet, Objects, Outcome, Proposal, Sink, as_object, as_object_mut,
    assert_distinct, is_in_range,
};
pub use path::{Level, Path};
pub(crate) use path::{PathParser, parse_id};
pub use resource::{Opaque, Resource, Scalar, Text, to_unsigned};
pub use status::Status;
pub use value::{Argument, Arguments, Bytes, EncodedBytes, EncodedText, ObjectLink, Str, Time, Type, Value};
