//! Read and Observe (LwM2M Core section 6.3.1 and 6.4.2).

use super::Tree;
use super::tree::has_resource_instance;
use crate::format::Target;
use crate::model::{Level, Path, Status, Type};

/// What a read of `path` would have to represent.
///
/// # Errors
/// [`Status::NotFound`] when it is not there, [`Status::MethodNotAllowed`] when it can't be read.
pub(crate) fn readable(tree: &Tree<'_>, path: Path) -> Result<Target, Status> {
    match path.level() {
        Level::Root => return Err(Status::MethodNotAllowed),
        Level::Object => return tree.object_of(path).map(|_| Target::Several),
        Level::Instance => return tree.instance_of(path).map(|_| Target::Several),
        Level::Resource | Level::ResourceInstance => {}
    }
    let instance = tree.instance_of(path)?;
    let id = path.resource_id().ok_or(Status::NotFound)?;
    let (_, definition) = instance.definition().resource(id).ok_or(Status::NotFound)?;
    if !instance.contains(id) {
        return Err(Status::NotFound);
    }
    if !definition.operations.readable() || definition.kind == Type::None {
        return Err(Status::MethodNotAllowed);
    }
    match path.resource_instance_id() {
        None if definition.multiple => Ok(Target::Several),
        Some(id) if !definition.multiple || !has_resource_instance(instance, definition, id) => {
            Err(Status::NotFound)
        }
        _ => Ok(Target::Single(definition.kind)),
    }
}
