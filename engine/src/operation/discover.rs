//! Discover (LwM2M Core section 6.3.2), and the object links of Register (section 6.2.1).

use core::marker::PhantomData;

use super::tree::dimension;
use super::{Request, Tree};
use crate::Profile;
use crate::account::ServerIndex;
use crate::format::link::{write_attributes, write_link, write_number, write_version};
use crate::model::{FormatSet, Instance, Level, Object, Path, ResourceDefinition, Status};
use crate::observe::{AttributeRecord, effective, own};
use crate::output::Output;
use crate::profile::Table;

/// How many levels below the target are listed (the parameter `depth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth(Option<u8>);

impl Depth {
    /// Reads `depth=1`, the only parameter that Discover has.
    ///
    /// # Errors
    /// [`Status::BadRequest`] for anything else.
    pub(crate) fn parse(request: &Request<'_>) -> Result<Self, Status> {
        let mut depth = None;
        for query in request.queries() {
            match query.strip_prefix(b"depth=") {
                Some(&[digit @ b'0'..=b'3']) if depth.is_none() => depth = Some(digit - b'0'),
                _ => return Err(Status::BadRequest),
            }
        }
        Ok(Self(depth))
    }

    /// The deepest level that is listed. Without the parameter resources are, but not their instances.
    fn deepest(self, target: Level) -> u8 {
        self.0.map_or(Level::Resource as u8, |depth| target as u8 + depth)
    }
}

struct Lister<'l, 'b, P> {
    profile: PhantomData<P>,
    records: &'l [AttributeRecord],
    server: ServerIndex,
    deepest: u8,
    first: bool,
    out: &'l mut Output<'b>,
}

/// Lists what is at and below `path`, with the attributes that `server` has set.
///
/// # Errors
/// [`Status::NotFound`] when the path is not there, [`Status::MethodNotAllowed`] for the root and resource instances.
pub(crate) fn discover<P: Profile>(
    tree: &Tree<'_>,
    path: Path,
    depth: Depth,
    (records, server): (&[AttributeRecord], ServerIndex),
    out: &mut Output<'_>,
) -> Result<(), Status> {
    if matches!(path.level(), Level::Root | Level::ResourceInstance) {
        return Err(Status::MethodNotAllowed);
    }
    let object = tree.object_of(path)?;
    let mut lister = Lister::<P> {
        profile: PhantomData,
        records,
        server,
        deepest: depth.deepest(path.level()),
        first: true,
        out,
    };
    let Some(id) = path.instance_id() else {
        lister.object(object, path);
        return Ok(());
    };
    let instance = object.instance(id).ok_or(Status::NotFound)?;
    let Some(id) = path.resource_id() else {
        lister.instance(instance, path);
        return Ok(());
    };
    let (_, definition) = instance.definition().resource(id).ok_or(Status::NotFound)?;
    if !instance.contains(id) {
        return Err(Status::NotFound);
    }
    // Asked for a resource, the answer has also what it inherits, and the instances that have attributes of their own.
    lister.resource(instance, path, definition, true);
    Ok(())
}

impl<P: Profile> Lister<'_, '_, P> {
    /// Writes the attributes at a path: those that were set just there, or all that hold there.
    fn attributes(&mut self, path: Path, inherited: bool) {
        if const { P::Attributes::CAPACITY > 0 } {
            let (records, server) = (self.records, self.server);
            let attributes =
                if inherited { effective(records, server, path) } else { own(records, server, path) };
            write_attributes(&attributes, self.out);
        }
    }

    fn link(&mut self, path: Path) {
        write_link(path, self.first, self.out);
        self.first = false;
    }

    fn object(&mut self, object: &dyn Object, path: Path) {
        self.link(path);
        write_version(object.definition().version, self.out);
        self.attributes(path, false);
        let mut n = 0;
        while let Some(id) = object.instance_id(n).filter(|_| self.deepest >= Level::Instance as u8) {
            n += 1;
            if let (Some(path), Some(instance)) = (path.child(id), object.instance(id)) {
                self.instance(instance, path);
            }
        }
    }

    fn instance(&mut self, instance: &dyn Instance, path: Path) {
        self.link(path);
        self.attributes(path, false);
        if self.deepest < Level::Resource as u8 {
            return;
        }
        for definition in instance.definition().resources {
            if let Some(path) = path.child(definition.id).filter(|_| instance.contains(definition.id)) {
                self.resource(instance, path, definition, false);
            }
        }
    }

    fn resource(
        &mut self,
        instance: &dyn Instance,
        path: Path,
        definition: &ResourceDefinition,
        target: bool,
    ) {
        self.link(path);
        if definition.multiple {
            write_number("dim", dimension(instance, definition) as u64, self.out);
        }
        self.attributes(path, target);
        if definition.multiple {
            self.resource_instances(instance, path, definition, target);
        }
    }

    fn resource_instances(
        &mut self,
        instance: &dyn Instance,
        path: Path,
        definition: &ResourceDefinition,
        target: bool,
    ) {
        let mut n = 0;
        while let Some(id) = instance.resource_instance(definition.id, n) {
            n += 1;
            let Some(path) = path.child(id) else { continue };
            let has_attributes =
                const { P::Attributes::CAPACITY > 0 } && !own(self.records, self.server, path).is_empty();
            if self.deepest >= Level::ResourceInstance as u8 || (target && has_attributes) {
                self.link(path);
                self.attributes(path, false);
            }
        }
    }
}

/// The links of a registration: the root with what the client speaks, then each object or its instances, without 0.
pub(crate) fn registration_links(tree: &Tree<'_>, formats: FormatSet, out: &mut Output<'_>) {
    out.push(b"</>;rt=\"oma.lwm2m\";ct=");
    let several = formats.formats().len() > 1;
    if several {
        out.byte(b'"');
    }
    for (n, format) in formats.formats().iter().enumerate() {
        if n > 0 {
            out.byte(b' ');
        }
        crate::text::write_unsigned(u64::from(format.number()), out);
    }
    if several {
        out.byte(b'"');
    }
    let mut n = 0;
    while let Some(object) = tree.nth(n) {
        n += 1;
        object_links(object, out);
    }
}

fn object_links(object: &dyn Object, out: &mut Output<'_>) {
    let definition = object.definition();
    let path = Path::object(definition.id);
    // The version stands with the object; an object without instances is listed as well.
    if definition.version != crate::model::Version::V1_0 || object.instance_id(0).is_none() {
        write_link(path, false, out);
        write_version(definition.version, out);
    }
    let mut n = 0;
    while let Some(id) = object.instance_id(n) {
        n += 1;
        if let Some(path) = path.child(id) {
            write_link(path, false, out);
        }
    }
}
