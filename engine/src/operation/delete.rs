//! Delete (LwM2M Core section 6.3.7).

use super::Tree;
use crate::model::{Level, Path, Status};

/// Removes an instance.
///
/// # Errors
/// [`Status::NotFound`] when it is not there, [`Status::MethodNotAllowed`] for anything but instances that servers may
/// delete.
pub(crate) fn delete(tree: &mut Tree<'_>, path: Path) -> Result<(), Status> {
    if !tree.contains(path) {
        return Err(Status::NotFound);
    }
    let (Level::Instance, Some(object), Some(instance)) =
        (path.level(), path.object_id(), path.instance_id())
    else {
        return Err(Status::MethodNotAllowed);
    };
    tree.object_mut(object).ok_or(Status::NotFound)?.delete(instance)
}
