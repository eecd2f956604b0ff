//! What the macro writes for the trait `Instance`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use crate::attributes::{Computed, Executable, FieldAttributes, StructAttributes};
use crate::object::{Resource, at};

/// The methods of `Instance` but `definition`.
pub(crate) fn instance(
    attributes: &StructAttributes,
    resources: &[Resource<'_>],
    changes: &Ident,
) -> TokenStream {
    let presence = presence_methods(resources);
    let read = resources.iter().filter_map(read_arm);
    let write = write_methods(resources, changes);
    let execute = execute_method(&attributes.executables);
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

        #presence

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

/// Which resources and resource instances are there, and how many can be.
fn presence_methods(resources: &[Resource<'_>]) -> TokenStream {
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
    quote! {
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
    }
}

/// `execute`, left to its default when nothing can be executed.
fn execute_method(executables: &[Executable]) -> Option<TokenStream> {
    let arms = executables.iter().map(|Executable { id, method }| {
        // By way of a pointer, so that the compiler shows the signature that a method should have.
        let method = quote_spanned! {at(method.span())=>
            let method: fn(&mut Self, __model::Arguments<'_>) -> _ = Self::#method;
            __model::Outcome::outcome(method(self, arguments))
        };
        quote!(#id => { #method })
    });
    (!executables.is_empty()).then(|| {
        quote! {
            fn execute(
                &mut self,
                resource: u16,
                arguments: __model::Arguments<'_>,
            ) -> ::core::result::Result<(), __model::Status> {
                match resource {
                    #(#arms)*
                    _ => ::core::result::Result::Err(__model::Status::MethodNotAllowed),
                }
            }
        }
    })
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
