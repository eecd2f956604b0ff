//! `#[derive(Object)]`

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Ident, LitInt, Result, Type, Visibility};

use crate::accessors::accessors;
use crate::attributes::{Computed, Executable, FieldAttributes, StructAttributes, checked_id};
use crate::instance::instance;

/// Everything the macro knows about one resource.
pub(crate) enum Resource<'a> {
    Field { name: &'a Ident, visibility: &'a Visibility, ty: &'a Type, attributes: Box<FieldAttributes> },
    Computed(&'a Computed),
    Executable(&'a Executable),
}

impl Resource<'_> {
    pub(crate) fn id(&self) -> &LitInt {
        match self {
            Self::Field { attributes, .. } => &attributes.id,
            Self::Computed(computed) => &computed.id,
            Self::Executable(executable) => &executable.id,
        }
    }
}

/// For code that is the macro's, but whose faults are those of the token here.
pub(crate) fn at(token: Span) -> Span {
    Span::call_site().located_at(token)
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let attributes = StructAttributes::parse(&input.attrs, &input.ident)?;
    let (resources, changes) = resources(input, &attributes)?;
    let krate = &attributes.krate;
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let definition = definition(&attributes, &resources);
    let instance = instance(&attributes, &resources, changes);
    let object = object_of_one_instance();
    let accessors = resources.iter().enumerate().map(|(index, resource)| accessors(index, resource, changes));
    let room = room_for_changes(input, changes, resources.len())?;
    let unsigned = unsigned_is_for_integers(input, &resources);
    Ok(quote! {
        const _: () = {
            use #krate::model as __model;

            #room
            #(#unsigned)*

            #[automatically_derived]
            impl #impl_generics __model::Defined for #name #type_generics #where_clause {
                const DEFINITION: &'static __model::Definition = &#definition;
            }

            #[automatically_derived]
            impl #impl_generics __model::ObjectSet for #name #type_generics #where_clause {
                const DEFINITION: &'static __model::Definition = <Self as __model::Defined>::DEFINITION;
            }

            #[automatically_derived]
            #[allow(unused_variables)] // a method whose resources need not all arguments
            impl #impl_generics __model::Instance for #name #type_generics #where_clause {
                fn definition(&self) -> &'static __model::Definition {
                    <Self as __model::Defined>::DEFINITION
                }

                #instance
            }

            #[automatically_derived]
            impl #impl_generics __model::Object for #name #type_generics #where_clause {
                #object
            }

            impl #impl_generics #name #type_generics #where_clause {
                /// Notes that the value of a resource has changed, so that observers are notified. The setters do it by
                /// themselves; computed resources need it.
                #[allow(dead_code)]
                pub fn mark_changed(&mut self, resource: u16) {
                    if let ::core::option::Option::Some((index, _)) =
                        <Self as __model::Defined>::DEFINITION.resource(resource)
                    {
                        self.#changes.mark(index);
                    }
                }

                #(#accessors)*
            }
        };
    })
}

/// The methods of `Object` for a struct that is its only instance.
fn object_of_one_instance() -> TokenStream {
    quote! {
        fn definition(&self) -> &'static __model::Definition {
            <Self as __model::Defined>::DEFINITION
        }

        fn instance_id(&self, n: usize) -> ::core::option::Option<u16> {
            if n == 0 { ::core::option::Option::Some(0) } else { ::core::option::Option::None }
        }

        fn instance(&self, id: u16) -> ::core::option::Option<&dyn __model::Instance> {
            if id == 0 { ::core::option::Option::Some(self) } else { ::core::option::Option::None }
        }

        fn instance_mut(&mut self, id: u16) -> ::core::option::Option<&mut dyn __model::Instance> {
            if id == 0 { ::core::option::Option::Some(self) } else { ::core::option::Option::None }
        }
    }
}

/// The resources by ascending id, and the field that marks changes.
fn resources<'a>(
    input: &'a DeriveInput,
    attributes: &'a StructAttributes,
) -> Result<(Vec<Resource<'a>>, &'a Ident)> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "Object can be derived for structs only: an object is a struct with a field for each resource",
        ));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(
            &input.ident,
            "Object needs named fields: `struct Valve { position: u8, changes: Changes }`",
        ));
    };
    let mut changes = None;
    let mut resources = Vec::new();
    for field in &fields.named {
        let Some(name) = &field.ident else { continue };
        match FieldAttributes::parse(field)? {
            Some(attributes) => {
                resources.push(Resource::Field {
                    name,
                    visibility: &field.vis,
                    ty: &field.ty,
                    attributes: Box::new(attributes),
                });
            }
            None if name == "changes" => changes = Some(name),
            None => {}
        }
    }
    resources.extend(attributes.computed.iter().map(Resource::Computed));
    resources.extend(attributes.executables.iter().map(Resource::Executable));
    resources.sort_by_key(|resource| checked_id(resource.id()).unwrap_or(u16::MAX));
    for pair in resources.windows(2) {
        if let [first, second] = pair
            && checked_id(first.id())? == checked_id(second.id())?
        {
            let message = format!("resource {} is there twice: each has an id of its own", second.id());
            return Err(Error::new(second.id().span(), message));
        }
    }
    let changes = changes.ok_or_else(|| {
        let message = "the field that marks changes is missing: add `changes: coracle::model::Changes`";
        Error::new(input.ident.span(), message)
    })?;
    Ok((resources, changes))
}

/// The field `changes` has the right type, and a bit for each resource.
fn room_for_changes(input: &DeriveInput, changes: &Ident, count: usize) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else { return Ok(TokenStream::new()) };
    let field = data.fields.iter().find(|field| field.ident.as_ref() == Some(changes));
    let Some(ty) = field.map(|field| &field.ty) else { return Ok(TokenStream::new()) };
    let last = match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    if last.is_none_or(|segment| segment.ident != "Changes") {
        let message = "`changes` marks the resources that have changed: its type is coracle::model::Changes";
        return Err(Error::new(ty.span(), message));
    }
    let message = format!(
        "{count} resources are more than `changes` can mark: make it Changes<{}>",
        count.div_ceil(32)
    );
    Ok(quote_spanned!(at(ty.span())=> const _: () = ::core::assert!(#count <= <#ty>::CAPACITY, #message);))
}

/// `unsigned` is for integers. Of a struct with parameters the types are not known here.
fn unsigned_is_for_integers(input: &DeriveInput, resources: &[Resource<'_>]) -> Vec<TokenStream> {
    let check = |resource: &Resource<'_>| match resource {
        Resource::Field { ty, attributes, .. } if attributes.unsigned && input.generics.params.is_empty() => {
            Some(quote_spanned!(at(ty.span())=> const _: () = ::core::assert!(
                ::core::matches!(<#ty as __model::Resource>::TYPE, __model::Type::Integer | __model::Type::Unsigned),
                "`unsigned` is for integers: leave it out"
            );))
        }
        _ => None,
    };
    resources.iter().filter_map(check).collect()
}

fn definition(attributes: &StructAttributes, resources: &[Resource<'_>]) -> TokenStream {
    let id = &attributes.id;
    let (major, minor) = attributes.version;
    let resources = resources.iter().map(|resource| {
        let id = resource.id();
        match resource {
            Resource::Field { ty, attributes, .. } => {
                let operations = operations(attributes.operations.read, attributes.operations.write);
                let kind = if attributes.unsigned {
                    quote!(__model::Type::Unsigned)
                } else {
                    quote!(<#ty as __model::Resource>::TYPE)
                };
                let optional = attributes.optional;
                quote!(__model::ResourceDefinition {
                    id: #id,
                    kind: #kind,
                    operations: #operations,
                    multiple: <#ty as __model::Resource>::MULTIPLE,
                    mandatory: !#optional && <#ty as __model::Resource>::MANDATORY,
                })
            }
            Resource::Computed(computed) => {
                let ty = &computed.ty;
                let operations = match computed.write {
                    Some(_) => quote!(__model::Operations::RW_BY_FUNCTION),
                    None => operations(true, false),
                };
                quote!(__model::ResourceDefinition {
                    id: #id,
                    kind: <#ty as __model::Scalar>::TYPE,
                    operations: #operations,
                    multiple: false,
                    mandatory: false,
                })
            }
            Resource::Executable(_) => quote!(__model::ResourceDefinition {
                id: #id,
                kind: __model::Type::None,
                operations: __model::Operations::E,
                multiple: false,
                mandatory: false,
            }),
        }
    });
    quote!(__model::Definition {
        id: #id,
        version: __model::Version { major: #major, minor: #minor },
        resources: &[#(#resources),*],
    })
}

fn operations(read: bool, write: bool) -> TokenStream {
    match (read, write) {
        (true, true) => quote!(__model::Operations::RW),
        (true, false) => quote!(__model::Operations::R),
        (false, true) => quote!(__model::Operations::W),
        (false, false) => quote!(__model::Operations::NONE),
    }
}
