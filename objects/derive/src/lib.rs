//! `#[derive(Object)]` and `#[derive(Objects)]`: structs as LwM2M objects.
//!
//! The documentation is where users meet the macros: at `coracle::Object` and `coracle::Objects`.

mod accessors;
mod attributes;
mod instance;
mod object;
mod objects;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct an instance of an LwM2M object, with setters that mark changes.
///
/// On the struct, `#[lwm2m(...)]`:
///
/// | key | meaning |
/// |---|---|
/// | `id = 33001` | the object id, 0 to 65534 (required) |
/// | `version = "1.0"` | the version of its definition; 1.0 if absent |
/// | `execute(2 = open, 4 = close)` | resource 2 runs `fn open(&mut self, Arguments<'_>)`, which may return `Result<(), Status>` |
/// | `computed(13: Time = now)` | resource 13 is read from `fn now(&self) -> Time` |
/// | `computed(13: Time = now, write = set_now)` | ... and written through `fn set_now(&mut self, Time) -> Result<(), Status>`, before anything else of the request is stored |
/// | `computed(10: u32 = free, optional)` | ... from `fn free(&self) -> Option<u32>`: the resource is there when it is `Some` |
/// | `validate = method` | `fn method(&self, Proposal<'_>) -> Result<(), Status>` sees all values of a write together |
///
/// On a field:
///
/// | key | meaning |
/// |---|---|
/// | `id = 0` | the resource id (required) |
/// | `ops = "R"` | what servers may do: `R`, `W` or `RW`; `""` for nothing (only a bootstrap server sees it) |
/// | `range = 0..=100` | a write outside is refused with 4.00 |
/// | `check = method` | a write is refused unless `fn method(&self, &T) -> Result<(), Status>` agrees |
/// | `on_write = method` | `fn method(&mut self)` runs after a server wrote the field |
/// | `unsigned` | the type is Unsigned Integer (an integer field is Integer without it, but `u64`) |
/// | `optional` | Create and replacing Writes may leave it out: it then takes its `Default` |
///
/// The struct has a field `changes: Changes` (32 resources; `Changes<2>` for 64). For a field `level` the macro writes
/// `level()`, `set_level(value)` and `level_mut()`; the last two mark the change, so observers are notified.
#[proc_macro_derive(Object, attributes(lwm2m))]
pub fn derive_object(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    object::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct the set of a device's objects: each field is one object.
///
/// A field is a struct that derives `Object` (one instance, id 0), an array of such (instances 0 to N-1), or `Instances<T, N>`
/// (servers can create and delete them). Two fields with the same object id do not compile.
/// `#[lwm2m(skip)]` leaves a field out.
#[proc_macro_derive(Objects, attributes(lwm2m))]
pub fn derive_objects(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    objects::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
