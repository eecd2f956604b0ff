//! What the specification says about an object: ids, types, operations. Constant data, in flash.

use super::Type;

/// A version of an object or of the protocol: `major.minor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Before the dot.
    pub major: u8,
    /// After the dot.
    pub minor: u8,
}

impl Version {
    /// 1.0, which need not be told in a registration.
    pub const V1_0: Self = Self { major: 1, minor: 0 };
}

/// What a server may do with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operations(u8);

impl Operations {
    /// Nothing: a resource that only a bootstrap server sees.
    pub const NONE: Self = Self(0);
    /// Read.
    pub const R: Self = Self(1);
    /// Write.
    pub const W: Self = Self(2);
    /// Read and Write.
    pub const RW: Self = Self(3);
    /// Execute.
    pub const E: Self = Self(4);
    /// Read, and Write by a function of the application, which may refuse.
    pub const RW_BY_FUNCTION: Self = Self(11);

    /// True when the resource can be read and observed.
    pub const fn readable(self) -> bool {
        self.0 & 1 != 0
    }

    /// True when the resource can be written.
    pub const fn writable(self) -> bool {
        self.0 & 2 != 0
    }

    /// True when the resource can be executed.
    pub const fn executable(self) -> bool {
        self.0 & 4 != 0
    }

    /// True when a function of the application carries out a write, and may refuse it then.
    pub(crate) const fn by_function(self) -> bool {
        self.0 & 8 != 0
    }
}

/// One resource of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceDefinition {
    /// The resource id.
    pub id: u16,
    /// The type of its value.
    pub kind: Type,
    /// What a server may do with it.
    pub operations: Operations,
    /// It has resource instances.
    pub multiple: bool,
    /// A Create, or a Write that replaces the instance, must contain it if it is writable.
    pub mandatory: bool,
}

/// One object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The object id.
    pub id: u16,
    /// The version of the object's definition.
    pub version: Version,
    /// Its resources, by ascending id.
    pub resources: &'static [ResourceDefinition],
}

impl Definition {
    /// The resource with this id, and its place.
    pub fn resource(&self, id: u16) -> Option<(usize, &'static ResourceDefinition)> {
        self.resources.iter().enumerate().find(|(_, resource)| resource.id == id)
    }
}
