//! The walk over what can be read below a path, the same for all formats.

use crate::model::{Instance, Level, Object, Path, ResourceDefinition, Sink, Status};

/// What the walk meets.
pub(crate) enum Step<'a> {
    /// An instance of an object, or a resource of several instances: its parts follow.
    Enter(Path),
    /// The end of what was entered last.
    Leave,
    /// A value, to be read from the instance.
    Value { path: Path, instance: &'a dyn Instance },
}

impl dyn Instance + '_ {
    /// Reads the resource or resource instance at the end of `path`.
    pub(crate) fn read_at(&self, path: Path, sink: &mut Sink<'_>) -> Result<(), Status> {
        let resource = path.resource_id().ok_or(Status::NotFound)?;
        self.read(resource, path.resource_instance_id().unwrap_or(0), sink)
    }
}

/// Visits the readable values at and below `path`, which must lead into `object`.
///
/// An instance that the path itself names is not entered, a resource of several instances is: so is TLV.
pub(crate) fn walk(
    object: &dyn Object,
    path: Path,
    visit: &mut dyn FnMut(Step<'_>) -> Result<(), Status>,
) -> Result<(), Status> {
    let Some(id) = path.instance_id() else {
        let mut n = 0;
        while let Some(id) = object.instance_id(n) {
            n += 1;
            let (Some(child), Some(instance)) = (path.child(id), object.instance(id)) else { continue };
            visit(Step::Enter(child))?;
            walk_instance(instance, child, visit)?;
            visit(Step::Leave)?;
        }
        return Ok(());
    };
    let instance = object.instance(id).ok_or(Status::NotFound)?;
    let Some(id) = path.resource_id() else { return walk_instance(instance, path, visit) };
    let (_, definition) = instance.definition().resource(id).ok_or(Status::NotFound)?;
    if !instance.contains(id) {
        return Err(Status::NotFound);
    }
    if !definition.operations.readable() {
        return Err(Status::MethodNotAllowed);
    }
    match (path.level(), definition.multiple) {
        (Level::Resource, true) => walk_multiple(instance, path, definition, visit),
        (Level::ResourceInstance, false) => Err(Status::NotFound),
        _ => visit(Step::Value { path, instance }),
    }
}

fn walk_instance(
    instance: &dyn Instance,
    path: Path,
    visit: &mut dyn FnMut(Step<'_>) -> Result<(), Status>,
) -> Result<(), Status> {
    for definition in instance.definition().resources {
        if !definition.operations.readable() || !instance.contains(definition.id) {
            continue;
        }
        let Some(path) = path.child(definition.id) else { continue };
        if definition.multiple {
            walk_multiple(instance, path, definition, visit)?;
        } else {
            visit(Step::Value { path, instance })?;
        }
    }
    Ok(())
}

fn walk_multiple(
    instance: &dyn Instance,
    path: Path,
    definition: &ResourceDefinition,
    visit: &mut dyn FnMut(Step<'_>) -> Result<(), Status>,
) -> Result<(), Status> {
    visit(Step::Enter(path))?;
    let mut n = 0;
    while let Some(id) = instance.resource_instance(definition.id, n) {
        n += 1;
        if let Some(path) = path.child(id) {
            visit(Step::Value { path, instance })?;
        }
    }
    visit(Step::Leave)
}
