//! Write, replacing or partial (LwM2M Core section 6.3.3). Everything is checked before anything is stored.

use super::Tree;
use super::tree::{dimension, has_resource_instance};
use crate::Profile;
use crate::format::{Encoded, Target, decode};
use crate::model::{Definition, Instance, Level, Path, Proposal, ResourceDefinition, Sink, Status};

/// What happens to what the request does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It goes: PUT.
    Replace,
    /// It stays: POST.
    Update,
    /// It has its default value: POST to an object.
    Create,
}

/// A payload and where it goes.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) format: Option<u16>,
    /// Where the request was sent to, in terms of which the payload is read.
    pub(super) base: Path,
    pub(super) bytes: &'a [u8],
}

/// Enough marks for every object of the registry; resources beyond are not checked for being there.
const MARKS: usize = 128;

/// Stores the values of a payload at and below `path`.
///
/// # Errors
/// [`Status::NotFound`], [`Status::MethodNotAllowed`], [`Status::BadRequest`], [`Status::UnsupportedContentFormat`],
/// [`Status::RequestEntityTooLarge`] or what an object answers; then nothing has changed.
pub(crate) fn write<P: Profile>(
    tree: &mut Tree<'_>,
    path: Path,
    mode: Mode,
    format: Option<u16>,
    bytes: &[u8],
) -> Result<(), Status> {
    if matches!(path.level(), Level::Root | Level::Object) {
        return Err(Status::MethodNotAllowed);
    }
    let payload = Payload { format, base: path, bytes };
    let instance = tree.instance_of(path)?;
    let target = target(instance.definition(), path)?;
    check::<P>(instance, path, target, mode, payload)?;
    store::<P>(tree.instance_mut_of(path)?, path, target, mode, payload)
}

/// The resource that the definition has under this id, if it can be written.
fn writable(
    definition: &'static Definition,
    id: u16,
) -> Result<(usize, &'static ResourceDefinition), Status> {
    let (index, resource) = definition.resource(id).ok_or(Status::NotFound)?;
    if resource.operations.writable() { Ok((index, resource)) } else { Err(Status::MethodNotAllowed) }
}

fn target(definition: &'static Definition, path: Path) -> Result<Target, Status> {
    let Some(id) = path.resource_id() else { return Ok(Target::Several) };
    let (_, resource) = writable(definition, id)?;
    match (path.level(), resource.multiple) {
        (Level::Resource, true) => Ok(Target::Several),
        (Level::ResourceInstance, false) => Err(Status::NotFound),
        _ => Ok(Target::Single(resource.kind)),
    }
}

/// Checks the whole payload against the instance, which is at `path` or above it.
pub(super) fn check<P: Profile>(
    instance: &dyn Instance,
    path: Path,
    target: Target,
    mode: Mode,
    payload: Payload<'_>,
) -> Result<(), Status> {
    let definition = instance.definition();
    let mut seen = [0u32; MARKS / 32];
    let mut values = 0usize;
    decode::<P>(payload.format, target, payload.base, payload.bytes, &mut |found, encoded| {
        let (index, resource) = locate(definition, path, found)?;
        values += 1;
        if let Some(word) = seen.get_mut(index / 32) {
            *word |= 1 << (index % 32);
        }
        let id = found.resource_instance_id().unwrap_or(0);
        if resource.multiple {
            check_room::<P>(instance, resource, target, mode, payload)?;
        }
        instance.check(resource.id, id, encoded.value(resource.kind)?)
    })?;
    match target {
        Target::Single(_) if values != 1 => return Err(Status::BadRequest),
        Target::Several if mode != Mode::Update && path.level() == Level::Instance => {
            check_complete(definition, &seen)?;
        }
        Target::Several if mode == Mode::Replace && values == 0 && is_mandatory(definition, path) => {
            return Err(Status::BadRequest);
        }
        _ => {}
    }
    let lookup = |resource: u16, sink: &mut Sink<'_>| {
        // Every value has been accepted above: errors can't come here.
        let _ = decode::<P>(payload.format, target, payload.base, payload.bytes, &mut |found, encoded| {
            if let (true, Some((_, resource))) =
                (found.resource_id() == Some(resource), definition.resource(resource))
            {
                sink(encoded.value(resource.kind)?);
            }
            Ok(())
        });
    };
    let replaces = mode == Mode::Replace && path.level() == Level::Instance;
    instance.validate(Proposal::new(&lookup).replacing(replaces))
}

/// The resource that a value of the payload is for.
fn locate(
    definition: &'static Definition,
    path: Path,
    found: Path,
) -> Result<(usize, &'static ResourceDefinition), Status> {
    let id = found.resource_id().filter(|_| path.covers(&found)).ok_or(Status::BadRequest)?;
    let (index, resource) = writable(definition, id)?;
    match (found.level(), resource.multiple) {
        (Level::Resource, true) => Err(Status::BadRequest),
        (Level::ResourceInstance, false) => Err(Status::NotFound),
        _ => Ok((index, resource)),
    }
}

/// A replacing Write, or a Create, has all that is mandatory (LwM2M Core section 6.3.3 and 6.3.6).
pub(super) fn check_complete(definition: &Definition, seen: &[u32; MARKS / 32]) -> Result<(), Status> {
    let complete = definition.resources.iter().enumerate().all(|(index, resource)| {
        let marked = seen.get(index / 32).is_none_or(|word| word & (1 << (index % 32)) != 0);
        marked || !resource.mandatory || !resource.operations.writable()
    });
    if complete { Ok(()) } else { Err(Status::BadRequest) }
}

/// Of such a resource at least one instance stays.
fn is_mandatory(definition: &Definition, path: Path) -> bool {
    let resource = path.resource_id().and_then(|id| definition.resource(id));
    resource.is_some_and(|(_, resource)| resource.mandatory)
}

/// The resource instances of the payload fit, beside those that stay.
fn check_room<P: Profile>(
    instance: &dyn Instance,
    resource: &ResourceDefinition,
    target: Target,
    mode: Mode,
    payload: Payload<'_>,
) -> Result<(), Status> {
    let stays = mode == Mode::Update || payload.base.level() == Level::ResourceInstance;
    let mut needed = if stays { dimension(instance, resource) } else { 0 };
    decode::<P>(payload.format, target, payload.base, payload.bytes, &mut |found, _| {
        let id = found.resource_instance_id().unwrap_or(0);
        let added = !(stays && has_resource_instance(instance, resource, id));
        needed += usize::from(found.resource_id() == Some(resource.id) && added);
        Ok(())
    })?;
    if needed <= instance.capacity(resource.id) { Ok(()) } else { Err(Status::RequestEntityTooLarge) }
}

/// Stores a payload that [`check`] has accepted. A function of the application may still refuse a value: it is asked before
/// anything else is stored.
pub(super) fn store<P: Profile>(
    instance: &mut dyn Instance,
    path: Path,
    target: Target,
    mode: Mode,
    payload: Payload<'_>,
) -> Result<(), Status> {
    let definition = instance.definition();
    let asks = target == Target::Several && definition.resources.iter().any(|r| r.operations.by_function());
    let mut asking = asks;
    loop {
        if mode == Mode::Replace && !asking {
            clear(instance, path);
        }
        let Payload { format, base, bytes } = payload;
        decode::<P>(format, target, base, bytes, &mut |found, encoded: &dyn Encoded| {
            let (_, resource) = locate(definition, path, found)?;
            if asks && resource.operations.by_function() != asking {
                return Ok(());
            }
            let id = found.resource_instance_id().unwrap_or(0);
            instance.write(resource.id, id, encoded.value(resource.kind)?)
        })?;
        if !core::mem::take(&mut asking) {
            return Ok(());
        }
    }
}

/// Removes what a replacing Write need not name.
fn clear(instance: &mut dyn Instance, path: Path) {
    for resource in instance.definition().resources {
        let named = path.resource_id().is_none_or(|id| id == resource.id);
        let goes = !resource.mandatory || resource.multiple;
        if named && goes && resource.operations.writable() && path.resource_instance_id().is_none() {
            instance.clear(resource.id);
        }
    }
}
