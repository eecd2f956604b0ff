//! The traits between the engine and the application's objects. `derive(Object)` and `derive(Objects)` write them.

use core::ops::RangeBounds;

use super::{Arguments, Definition, Instances, Scalar, Status, Value};

/// Receives the value of a resource; called once if the resource is there.
pub type Sink<'s> = dyn FnMut(Value<'_>) + 's;

/// The values that a Write or Create wants an instance to have. Nothing of it is stored yet.
#[derive(Clone, Copy)]
pub struct Proposal<'a> {
    lookup: &'a dyn Fn(u16, &mut Sink<'_>),
    replaces: bool,
}

impl<'a> Proposal<'a> {
    /// `lookup` hands the proposed values of a resource to the sink, if there are any.
    pub fn new(lookup: &'a dyn Fn(u16, &mut Sink<'_>)) -> Self {
        Self { lookup, replaces: false }
    }

    /// A request that empties all optional resources that it does not name.
    #[must_use]
    pub(crate) const fn replacing(self, replaces: bool) -> Self {
        Self { replaces, ..self }
    }

    /// True when an optional resource without a proposed value does not stay as it is, but becomes empty: a Write that replaces
    /// the whole instance.
    pub const fn replaces(self) -> bool {
        self.replaces
    }

    /// The proposed value of a single resource; `None` when the request does not name it: see [`Proposal::replaces`].
    pub fn get<T: Scalar>(self, resource: u16) -> Option<T> {
        let mut found = None;
        (self.lookup)(resource, &mut |value| found = T::from_value(value).ok());
        found
    }
}

impl core::fmt::Debug for Proposal<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Proposal") // values may be secret
    }
}

/// One instance of an object.
///
/// Resource ids that come here are in the definition, and the operation is one that the definition allows: the engine
/// has checked both. `instance` is the resource instance id, 0 for resources that have only one.
pub trait Instance {
    /// What the object is. The same for all instances.
    fn definition(&self) -> &'static Definition;

    /// The marks of what changed since the engine last looked, in the order of the definition.
    fn changes(&mut self) -> &mut [u32];

    /// True when the resource is there; optional ones may be missing.
    fn contains(&self, resource: u16) -> bool;

    /// The id of the `n`th resource instance, ascending. A single resource has one, with id 0.
    fn resource_instance(&self, resource: u16, n: usize) -> Option<u16> {
        (n == 0 && self.contains(resource)).then_some(0)
    }

    /// How many resource instances a resource of several can have.
    fn capacity(&self, resource: u16) -> usize {
        let _ = resource;
        usize::MAX
    }

    /// Hands the value to `sink`.
    ///
    /// # Errors
    /// [`Status::NotFound`] when the resource or the resource instance is not there; any status that a function of the
    /// application answers.
    fn read(&self, resource: u16, instance: u16, sink: &mut Sink<'_>) -> Result<(), Status>;

    /// Tells whether [`Instance::write`] would accept the value, and changes nothing.
    ///
    /// # Errors
    /// The status with which the write is refused.
    fn check(&self, resource: u16, instance: u16, value: Value<'_>) -> Result<(), Status> {
        let _ = (resource, instance, value);
        Err(Status::MethodNotAllowed)
    }

    /// Stores a value that [`Instance::check`] accepted, and marks the change.
    ///
    /// # Errors
    /// As [`Instance::check`]; the engine has called that for every value of a request before it calls this.
    fn write(&mut self, resource: u16, instance: u16, value: Value<'_>) -> Result<(), Status> {
        let _ = (resource, instance, value);
        Err(Status::MethodNotAllowed)
    }

    /// Removes the value (an optional resource) or all resource instances, before a Write that replaces them.
    fn clear(&mut self, resource: u16) {
        let _ = resource;
    }

    /// Checks what the values of one request mean together, after each of them was accepted alone.
    ///
    /// # Errors
    /// The status with which the whole request is refused.
    fn validate(&self, proposed: Proposal<'_>) -> Result<(), Status> {
        let _ = proposed;
        Ok(())
    }

    /// Runs an executable resource. The answer is sent before the application sees the event of it.
    ///
    /// # Errors
    /// The status with which the server is answered.
    fn execute(&mut self, resource: u16, arguments: Arguments<'_>) -> Result<(), Status> {
        let _ = (resource, arguments);
        Err(Status::MethodNotAllowed)
    }
}

/// One object: a set of instances.
pub trait Object {
    /// What the object is.
    fn definition(&self) -> &'static Definition;

    /// The id of the `n`th instance.
    fn instance_id(&self, n: usize) -> Option<u16>;

    /// The instance with this id.
    fn instance(&self, id: u16) -> Option<&dyn Instance>;

    /// The instance with this id.
    fn instance_mut(&mut self, id: u16) -> Option<&mut dyn Instance>;

    /// True once after instances were added or removed, by a server or by the application.
    fn take_instances_changed(&mut self) -> bool {
        false
    }

    /// Adds an instance with default values; without `id` the object chooses one.
    ///
    /// # Errors
    /// [`Status::MethodNotAllowed`] when the object has fixed instances, [`Status::BadRequest`] when the id is taken,
    /// [`Status::ServiceUnavailable`] when there is no room.
    fn create(&mut self, id: Option<u16>) -> Result<u16, Status> {
        let _ = id;
        Err(Status::MethodNotAllowed)
    }

    /// Removes an instance.
    ///
    /// # Errors
    /// [`Status::MethodNotAllowed`] when the object has fixed instances, [`Status::NotFound`] when it has not this one.
    fn delete(&mut self, id: u16) -> Result<(), Status> {
        let _ = id;
        Err(Status::MethodNotAllowed)
    }
}

/// All objects of the application. The engine adds 0 and 1.
pub trait Objects {
    /// The `n`th object, by ascending id.
    fn object(&self, n: usize) -> Option<&dyn Object>;

    /// The `n`th object, by ascending id.
    fn object_mut(&mut self, n: usize) -> Option<&mut dyn Object>;
}

/// No objects but 0 and 1.
impl Objects for () {
    fn object(&self, _: usize) -> Option<&dyn Object> {
        None
    }

    fn object_mut(&mut self, _: usize) -> Option<&mut dyn Object> {
        None
    }
}

/// What the function behind an executable resource returns: nothing when it can't fail, or a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the outcome of an executable resource",
    note = "its method returns nothing, or Result<(), Status>"
)]
pub trait Outcome {
    /// The outcome as a result.
    ///
    /// # Errors
    /// The status with which the server is answered.
    fn outcome(self) -> Result<(), Status>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), Status> {
        Ok(())
    }
}

impl Outcome for Result<(), Status> {
    fn outcome(self) -> Result<(), Status> {
        self
    }
}

/// A type all of whose values are instances of one object.
pub trait Defined {
    /// What the object is.
    const DEFINITION: &'static Definition;
}

/// A fixed number of instances, with the ids 0, 1, 2, ... Servers can neither create nor delete them.
impl<T: Instance + Defined, const N: usize> Object for [T; N] {
    fn definition(&self) -> &'static Definition {
        T::DEFINITION
    }

    fn instance_id(&self, n: usize) -> Option<u16> {
        (n < N).then_some(n as u16)
    }

    fn instance(&self, id: u16) -> Option<&dyn Instance> {
        self.get(usize::from(id)).map(|instance| instance as &dyn Instance)
    }

    fn instance_mut(&mut self, id: u16) -> Option<&mut dyn Instance> {
        self.get_mut(usize::from(id)).map(|instance| instance as &mut dyn Instance)
    }
}

/// What can be a field of the struct that derives [`Objects`]: one object.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an object",
    note = "use a struct that derives Object, an array of such, or Instances<T, N>"
)]
pub trait ObjectSet: Object {
    /// What the object is.
    const DEFINITION: &'static Definition;
}

impl<T: Instance + Defined, const N: usize> ObjectSet for [T; N] {
    const DEFINITION: &'static Definition = T::DEFINITION;
}

impl<T: Instance + Defined + Default, const N: usize> ObjectSet for Instances<T, N> {
    const DEFINITION: &'static Definition = T::DEFINITION;
}

/// A field of the struct that derives [`Objects`], whatever its type.
pub fn as_object<T: ObjectSet>(object: &T) -> &dyn Object {
    object
}

/// The same, to change it.
pub fn as_object_mut<T: ObjectSet>(object: &mut T) -> &mut dyn Object {
    object
}

/// Whether the value of a write is in the range that `#[lwm2m(range = ..)]` names.
pub fn is_in_range<T: PartialOrd>(range: impl RangeBounds<T>, value: &T) -> bool {
    range.contains(value)
}

/// Stops the build when two fields have the same object id, or the id of an object of the client itself.
pub const fn assert_distinct(ids: &[u16]) {
    let mut index = 0;
    while index < ids.len() {
        assert!(ids[index] > 1, "objects 0 and 1 belong to the client: add servers instead");
        let mut other = 0;
        while other < index {
            assert!(ids[index] != ids[other], "two fields have the same object id");
            other += 1;
        }
        index += 1;
    }
}
