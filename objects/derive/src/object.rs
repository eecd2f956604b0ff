//! `#[derive(Object)]`

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Data, DeriveInput, Error, Fields, GenericArgument, Ident, LitInt, PathArguments, Result, Type, Visibility,
};

use crate::attributes::{Computed, Executable, FieldAttributes, StructAttributes, checked_id};

/// Everything the macro knows about one resource.
enum Resource<'a> {
    Field { name: &'a Ident, visibility: &'a Visibility, ty: &'a Type, attributes: Box<FieldAttributes> },
    Computed(&'a Computed),
    Executable(&'a Executable),
}

impl Resource<'_> {
    fn id(&self) -> &LitInt {
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
                let operations = operations(true, computed.write.is_some());
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

/// The methods of `Instance` but `definition`.
fn instance(attributes: &StructAttributes, resources: &[Resource<'_>], changes: &Ident) -> TokenStream {
    let contains = resources.iter().map(contains_arm);
    let nth = resources.iter().filter_map(|resource| {
        let Resource::Field { name, ty, attributes, .. } = resource else { return None };
        let id = &attributes.id;
        Some(quote!(#id => <#ty as __model::Resource>::instance_id(&self.#name, n),))
    });
    let capacity = resources.iter().filter_map(|resource| {
        let Resource::Field { ty, attributes, .. } = resource else { return None };
        let id = &attributes.id;
        Some(quote!(#id => <#ty as __model::Resource>::CAPACITY,))
    });
    let read = resources.iter().filter_map(read_arm);
    let write = write_methods(resources, changes);
    let execute = attributes.executables.iter().map(|Executable { id, method }| {
        // By way of a pointer, so that the compiler shows the signature that a method should have.
        let method = quote_spanned! {at(method.span())=>
            let method: fn(&mut Self, __model::Arguments<'_>) -> _ = Self::#method;
            __model::Outcome::outcome(method(self, arguments))
        };
        quote!(#id => { #method })
    });
    let execute = (!attributes.executables.is_empty()).then(|| {
        quote! {
            fn execute(
                &mut self,
                resource: u16,
                arguments: __model::Arguments<'_>,
            ) -> ::core::result::Result<(), __model::Status> {
                match resource {
                    #(#execute)*
                    _ => ::core::result::Result::Err(__model::Status::MethodNotAllowed),
                }
            }
        }
    });
    let validate = attributes.validate.as_ref().map(|method| {
        quote! {
            fn validate(
                &self,
                proposed: __model::Proposal<'_>,
            ) -> ::core::result::Result<(), __model::Status> {
                self.#method(proposed)
            }
        }
    });
    quote! {
        fn changes(&mut self) -> &mut [u32] {
            self.#changes.words()
        }

        fn contains(&self, resource: u16) -> bool {
            match resource {
                #(#contains)*
                _ => false,
            }
        }

        fn resource_instance(&self, resource: u16, n: usize) -> ::core::option::Option<u16> {
            match resource {
                #(#nth)*
                _ => if n == 0 && __model::Instance::contains(self, resource) {
                    ::core::option::Option::Some(0)
                } else {
                    ::core::option::Option::None
                },
            }
        }

        fn capacity(&self, resource: u16) -> usize {
            match resource {
                #(#capacity)*
                _ => 1,
            }
        }

        fn read(
            &self,
            resource: u16,
            instance: u16,
            sink: &mut __model::Sink<'_>,
        ) -> ::core::result::Result<(), __model::Status> {
            match resource {
                #(#read)*
                _ => ::core::result::Result::Err(__model::Status::MethodNotAllowed),
            }
        }

        #write
        #execute
        #validate
    }
}

fn contains_arm(resource: &Resource<'_>) -> TokenStream {
    let id = resource.id();
    match resource {
        Resource::Field { name, ty, .. } => {
            quote!(#id => <#ty as __model::Resource>::is_present(&self.#name),)
        }
        Resource::Computed(Computed { read, optional: true, .. }) => quote!(#id => self.#read().is_some(),),
        Resource::Computed(_) | Resource::Executable(_) => quote!(#id => true,),
    }
}

fn read_arm(resource: &Resource<'_>) -> Option<TokenStream> {
    let id = resource.id();
    Some(match resource {
        Resource::Field { attributes, .. } if !attributes.operations.read => return None,
        Resource::Field { name, ty, attributes, .. } if attributes.unsigned => quote! {
            #id => <#ty as __model::Resource>::read(&self.#name, instance, &mut |value| {
                sink(__model::to_unsigned(value));
            }),
        },
        Resource::Field { name, ty, .. } => {
            quote!(#id => <#ty as __model::Resource>::read(&self.#name, instance, sink),)
        }
        Resource::Computed(Computed { ty, read, optional, .. }) => {
            let ty = if *optional { quote!(::core::option::Option<#ty>) } else { quote!(#ty) };
            let value = quote_spanned!(at(read.span())=> let value: #ty = self.#read(););
            quote! {
                #id => {
                    #value
                    <#ty as __model::Resource>::read(&value, instance, sink)
                }
            }
        }
        Resource::Executable(_) => return None,
    })
}

/// `check`, `write` and `clear`, left to their defaults when nothing can be written.
fn write_methods(resources: &[Resource<'_>], changes: &Ident) -> Option<TokenStream> {
    let (mut checks, mut writes, mut clears) = (Vec::new(), Vec::new(), Vec::new());
    for (index, resource) in resources.iter().enumerate() {
        match resource {
            Resource::Field { name, ty, attributes, .. } if attributes.operations.write => {
                checks.push(check_arm(ty, attributes));
                let id = &attributes.id;
                let after = attributes.on_write.as_ref().map(|method| quote!(self.#method();));
                writes.push(quote! {
                    #id => {
                        <#ty as __model::Resource>::write(&mut self.#name, instance, value)?;
                        self.#changes.mark(#index);
                        #after
                        ::core::result::Result::Ok(())
                    }
                });
                let clear = if attributes.optional {
                    quote_spanned!(at(ty.span())=> self.#name = ::core::default::Default::default())
                } else {
                    quote!(<#ty as __model::Resource>::clear(&mut self.#name))
                };
                clears.push(quote! {
                    #id => {
                        #clear;
                        self.#changes.mark(#index);
                    }
                });
            }
            Resource::Computed(Computed { id, ty, write: Some(write), .. }) => {
                checks.push(quote!(#id => <#ty as __model::Scalar>::check_value(value),));
                writes.push(quote! {
                    #id => {
                        self.#write(<#ty as __model::Scalar>::from_value(value)?)?;
                        self.#changes.mark(#index);
                        ::core::result::Result::Ok(())
                    }
                });
            }
            _ => {}
        }
    }
    (!checks.is_empty()).then(|| {
        let result = quote!(::core::result::Result<(), __model::Status>);
        let refused = quote!(_ => ::core::result::Result::Err(__model::Status::MethodNotAllowed));
        quote! {
            fn check(&self, resource: u16, instance: u16, value: __model::Value<'_>) -> #result {
                match resource { #(#checks)* #refused, }
            }

            fn write(&mut self, resource: u16, instance: u16, value: __model::Value<'_>) -> #result {
                match resource { #(#writes)* #refused, }
            }

            fn clear(&mut self, resource: u16) {
                match resource { #(#clears)* _ => {} }
            }
        }
    })
}

fn check_arm(ty: &Type, attributes: &FieldAttributes) -> TokenStream {
    let id = &attributes.id;
    let basic = quote!(<#ty as __model::Resource>::check(instance, value));
    let range = attributes.range.as_ref().map(|range| {
        quote_spanned! {at(range.span())=>
            if !__model::is_in_range(#range, &proposed) {
                return ::core::result::Result::Err(__model::Status::BadRequest);
            }
        }
    });
    let check =
        attributes.check.as_ref().map(|method| quote_spanned!(at(method.span())=> self.#method(&proposed)?;));
    if range.is_none() && check.is_none() {
        return quote!(#id => #basic,);
    }
    quote! {
        #id => {
            #basic?;
            let proposed = <<#ty as __model::Resource>::Scalar as __model::Scalar>::from_value(value)?;
            #range
            #check
            ::core::result::Result::Ok(())
        }
    }
}

/// `level()`, `set_level()` and `level_mut()`.
fn accessors(index: usize, resource: &Resource<'_>, changes: &Ident) -> TokenStream {
    let Resource::Field { name, visibility, ty, .. } = resource else { return TokenStream::new() };
    let (setter, borrower) = (format_ident!("set_{name}"), format_ident!("{name}_mut"));
    let (get, set, mutate) = (
        format!("The value of `{name}`."),
        format!("Sets `{name}`; when that changes it, observers are notified."),
        format!("The value of `{name}` to change in place; observers are notified."),
    );
    // A private field still has accessors for the whole crate: that is what keeps changes from being forgotten.
    let visibility = match visibility {
        Visibility::Inherited => quote!(pub),
        other => quote!(#other),
    };
    let getter = if is_copy(ty) {
        quote!(#visibility const fn #name(&self) -> #ty { self.#name })
    } else {
        quote!(#visibility const fn #name(&self) -> &#ty { &self.#name })
    };
    quote! {
        #[doc = #get]
        #[allow(dead_code)]
        #getter

        #[doc = #set]
        #[allow(dead_code)]
        #visibility fn #setter(&mut self, value: #ty) {
            if self.#name != value {
                self.#name = value;
                self.#changes.mark(#index);
            }
        }

        #[doc = #mutate]
        #[allow(dead_code)]
        #visibility const fn #borrower(&mut self) -> &mut #ty {
            self.#changes.mark(#index);
            &mut self.#name
        }
    }
}

/// Types that a getter can return by value, as far as a name tells.
fn is_copy(ty: &Type) -> bool {
    const COPY: [&str; 13] =
        ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "Time", "ObjectLink"];
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| match &segment.arguments {
            PathArguments::None => COPY.iter().any(|name| segment.ident == name),
            PathArguments::AngleBracketed(inner) if segment.ident == "Option" => {
                inner.args.iter().all(|argument| matches!(argument, GenericArgument::Type(ty) if is_copy(ty)))
            }
            _ => false,
        }),
        Type::Reference(reference) => reference.mutability.is_none(),
        _ => false,
    }
}
