//! Create (LwM2M Core section 6.3.6).

use super::write::{Mode, Payload, check, check_complete, store};
use super::{Request, Tree};
use crate::Profile;
use crate::format::{Target, named_instance};
use crate::model::{Object, Status};

/// Adds an instance with the values of the payload; its id.
///
/// # Errors
/// As Write; [`Status::MethodNotAllowed`] when servers can't create instances of the object,
/// [`Status::ServiceUnavailable`] when there is no room. Then nothing has changed.
pub(crate) fn create<P: Profile>(tree: &mut Tree<'_>, request: &Request<'_>) -> Result<u16, Status> {
    let object_id = request.path.object_id().ok_or(Status::MethodNotAllowed)?;
    let object = tree.object_mut(object_id).ok_or(Status::NotFound)?;
    let named = if request.payload.is_empty() {
        None
    } else {
        named_instance::<P>(request.content_format, request.path, request.payload)?
    };
    let changed_before = object.take_instances_changed();
    let id = object.create(named)?;
    let filled = fill::<P>(object, request, id, named.is_some());
    if filled.is_err() {
        let _ = object.delete(id); // it was added above
    }
    if filled.is_err() && !changed_before {
        object.take_instances_changed(); // nothing has changed: no Update is due
    }
    filled.map(|()| id)
}

fn fill<P: Profile>(
    object: &mut dyn Object,
    request: &Request<'_>,
    id: u16,
    named: bool,
) -> Result<(), Status> {
    let path = request.path.child(id).ok_or(Status::BadRequest)?;
    let instance = object.instance_mut(id).ok_or(Status::InternalServerError)?;
    if request.payload.is_empty() {
        return check_complete(instance.definition(), &[0; _]);
    }
    // A payload that names the instance is read from the object on; one that does not, from the instance on.
    let base = if named { request.path } else { path };
    let payload = Payload { format: request.content_format, base, bytes: request.payload };
    check::<P>(instance, path, Target::Several, Mode::Create, payload)?;
    store::<P>(instance, path, Target::Several, Mode::Create, payload)
}
