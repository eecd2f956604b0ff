//! Write-Attributes (LwM2M Core section 6.3.4).

use super::{Request, Tree};
use crate::model::{Level, Status};
use crate::observe::AttributeChanges;

/// The attributes that a request sets or removes.
///
/// # Errors
/// [`Status::NotFound`] when the path is not there, [`Status::BadRequest`] for queries that are no attributes, or that
/// the target can't have.
pub(crate) fn parse_attributes(tree: &Tree<'_>, request: &Request<'_>) -> Result<AttributeChanges, Status> {
    let path = request.path;
    if path.level() == Level::Root {
        return Err(Status::MethodNotAllowed);
    }
    if !tree.contains(path) {
        return Err(Status::NotFound);
    }
    let mut changes = AttributeChanges::NONE;
    request.queries().try_for_each(|query| changes.add(query))?;
    let kind = match path.resource_id() {
        Some(id) => tree.instance_of(path)?.definition().resource(id).map(|(_, resource)| resource.kind),
        None => None,
    };
    if changes.suit(kind) { Ok(changes) } else { Err(Status::BadRequest) }
}
