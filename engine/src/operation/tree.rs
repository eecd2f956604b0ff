//! All objects that a server can see: object 1, which is the client's, and those of the application.

use crate::Profile;
use crate::account::{Account, Server};
use crate::model::{Defined, Definition, Instance, Level, Object, Objects, Path, ResourceDefinition, Status};

/// Object 1 over the table of accounts.
pub(crate) struct ServerObject<'a, P: Profile>(pub(crate) &'a mut [Account<P>]);

impl<P: Profile> Object for ServerObject<'_, P> {
    fn definition(&self) -> &'static Definition {
        <Server as Defined>::DEFINITION
    }

    fn instance_id(&self, n: usize) -> Option<u16> {
        let mut used = (0u16..).zip(self.0.iter()).filter(|(_, account)| account.used);
        used.nth(n).map(|(id, _)| id)
    }

    fn instance(&self, id: u16) -> Option<&dyn Instance> {
        self.0
            .get(usize::from(id))
            .filter(|account| account.used)
            .map(|account| &account.server as &dyn Instance)
    }

    fn instance_mut(&mut self, id: u16) -> Option<&mut dyn Instance> {
        let account = self.0.get_mut(usize::from(id)).filter(|account| account.used)?;
        Some(&mut account.server)
    }
}

/// The objects of one client.
pub(crate) struct Tree<'a> {
    pub(crate) servers: &'a mut dyn Object,
    pub(crate) objects: &'a mut dyn Objects,
}

impl Tree<'_> {
    /// The object with this id.
    pub(crate) fn object(&self, id: u16) -> Option<&dyn Object> {
        if self.servers.definition().id == id {
            return Some(&*self.servers);
        }
        let mut n = 0;
        while let Some(object) = self.objects.object(n) {
            if object.definition().id == id {
                return Some(object);
            }
            n += 1;
        }
        None
    }

    /// The object with this id.
    pub(crate) fn object_mut(&mut self, id: u16) -> Option<&mut dyn Object> {
        if self.servers.definition().id == id {
            return Some(&mut *self.servers);
        }
        let mut n = 0;
        loop {
            if self.objects.object(n)?.definition().id == id {
                return self.objects.object_mut(n);
            }
            n += 1;
        }
    }

    /// The `n`th object; object 1 first.
    pub(crate) fn nth(&self, n: usize) -> Option<&dyn Object> {
        match n.checked_sub(1) {
            None => Some(&*self.servers),
            Some(n) => self.objects.object(n),
        }
    }

    /// The `n`th object; object 1 first.
    pub(crate) fn nth_mut(&mut self, n: usize) -> Option<&mut dyn Object> {
        match n.checked_sub(1) {
            None => Some(&mut *self.servers),
            Some(n) => self.objects.object_mut(n),
        }
    }

    /// The object that `path` leads into.
    pub(crate) fn object_of(&self, path: Path) -> Result<&dyn Object, Status> {
        path.object_id().and_then(|id| self.object(id)).ok_or(Status::NotFound)
    }

    /// The instance that `path` leads to or into.
    pub(crate) fn instance_of(&self, path: Path) -> Result<&dyn Instance, Status> {
        let object = self.object_of(path)?;
        path.instance_id().and_then(|id| object.instance(id)).ok_or(Status::NotFound)
    }

    /// The instance that `path` leads to or into.
    pub(crate) fn instance_mut_of(&mut self, path: Path) -> Result<&mut dyn Instance, Status> {
        let (object, instance) = path.object_id().zip(path.instance_id()).ok_or(Status::NotFound)?;
        self.object_mut(object).and_then(|object| object.instance_mut(instance)).ok_or(Status::NotFound)
    }

    /// Marks what is at and below `path` as changed.
    pub(crate) fn mark_changed(&mut self, path: Path) {
        let Some(object) = path.object_id().and_then(|id| self.object_mut(id)) else { return };
        let resource = path.resource_id().and_then(|id| object.definition().resource(id));
        let mut n = 0;
        while let Some(id) = object.instance_id(n) {
            n += 1;
            if path.instance_id().is_some_and(|wanted| wanted != id) {
                continue;
            }
            let Some(instance) = object.instance_mut(id) else { continue };
            for (place, word) in instance.changes().iter_mut().enumerate() {
                *word |= match resource {
                    Some((bit, _)) if bit / 32 == place => 1 << (bit % 32),
                    Some(_) => 0,
                    None => u32::MAX,
                };
            }
        }
    }

    /// True when what `path` names is there.
    pub(crate) fn contains(&self, path: Path) -> bool {
        let Ok(object) = self.object_of(path) else { return path.level() == Level::Root };
        let Some(id) = path.instance_id() else { return true };
        let Some(instance) = object.instance(id) else { return false };
        let Some(id) = path.resource_id() else { return true };
        let Some((_, definition)) = instance.definition().resource(id).filter(|_| instance.contains(id))
        else {
            return false;
        };
        path.resource_instance_id()
            .is_none_or(|id| definition.multiple && has_resource_instance(instance, definition, id))
    }
}

/// True when the resource has an instance with this id.
pub(crate) fn has_resource_instance(
    instance: &dyn Instance,
    definition: &ResourceDefinition,
    id: u16,
) -> bool {
    let mut n = 0;
    while let Some(found) = instance.resource_instance(definition.id, n) {
        if found == id {
            return true;
        }
        n += 1;
    }
    false
}

/// How many instances the resource has.
pub(crate) fn dimension(instance: &dyn Instance, definition: &ResourceDefinition) -> usize {
    let mut count = 0;
    while instance.resource_instance(definition.id, count).is_some() {
        count += 1;
    }
    count
}
