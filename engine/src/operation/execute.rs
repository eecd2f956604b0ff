//! Execute (LwM2M Core section 6.3.5).

use super::Tree;
use crate::model::{Arguments, ContentFormat, Path, Status};

/// Runs the resource at `path`.
///
/// # Errors
/// [`Status::UnsupportedContentFormat`] for anything but plain text, [`Status::BadRequest`] for text that is not a list
/// of parameters, and what the object answers.
pub(crate) fn execute(
    tree: &mut Tree<'_>,
    path: Path,
    format: Option<u16>,
    payload: &[u8],
) -> Result<(), Status> {
    if format.is_some_and(|number| number != ContentFormat::Text.number()) {
        return Err(Status::UnsupportedContentFormat);
    }
    let arguments = Arguments::parse(payload)?;
    let resource = path.resource_id().ok_or(Status::MethodNotAllowed)?;
    tree.instance_mut_of(path)?.execute(resource, arguments)
}

impl Tree<'_> {
    /// True when `path` leads to a resource that can be executed.
    pub(crate) fn is_executable(&self, path: Path) -> Result<bool, Status> {
        let instance = self.instance_of(path)?;
        let Some(id) = path.resource_id() else { return Ok(false) };
        let (_, definition) = instance.definition().resource(id).ok_or(Status::NotFound)?;
        Ok(definition.operations.executable() && path.resource_instance_id().is_none())
    }
}
