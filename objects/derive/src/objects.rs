//! `#[derive(Objects)]`

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Member, Path, Result, Type};

use crate::object::at;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "Objects can be derived for structs only: each field is an object of the device",
        ));
    };
    let krate = library(&input.attrs)?;
    let (members, types) = objects(&data.fields)?;
    let places = 0..members.len();
    let places_mut = places.clone();
    let name = &input.ident;
    // At the type, where the fault is when it is no object.
    let borrowed = members
        .iter()
        .zip(&types)
        .map(|(member, ty)| quote_spanned!(at(ty.span())=> __model::as_object(&self.#member)));
    let borrowed_mut = members
        .iter()
        .zip(&types)
        .map(|(member, ty)| quote_spanned!(at(ty.span())=> __model::as_object_mut(&mut self.#member)));
    let distinct = quote!(__model::assert_distinct(&[#(<#types as __model::ObjectSet>::DEFINITION.id),*]));
    // Of a struct with parameters it is known when these are.
    let (early, late) = if input.generics.params.is_empty() {
        (quote!(const _: () = #distinct;), quote!())
    } else {
        (quote!(), quote!(const { #distinct }))
    };
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        const _: () = {
            use #krate::model as __model;

            #early

            impl #impl_generics __model::Objects for #name #type_generics #where_clause {
                fn object(&self, n: usize) -> ::core::option::Option<&dyn __model::Object> {
                    #late
                    ::core::option::Option::Some(match n {
                        #(#places => #borrowed,)*
                        _ => return ::core::option::Option::None,
                    })
                }

                fn object_mut(&mut self, n: usize) -> ::core::option::Option<&mut dyn __model::Object> {
                    ::core::option::Option::Some(match n {
                        #(#places_mut => #borrowed_mut,)*
                        _ => return ::core::option::Option::None,
                    })
                }
            }
        };
    })
}

/// The path of the library, from `#[lwm2m(crate = ...)]`.
fn library(attributes: &[Attribute]) -> Result<Path> {
    let mut krate: Path = syn::parse_quote!(::coracle);
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("lwm2m")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                krate = meta.value()?.call(Path::parse_mod_style)?;
                Ok(())
            } else {
                Err(meta.error("unknown key: the struct of all objects has only `crate`"))
            }
        })?;
    }
    Ok(krate)
}

/// The fields that are objects, and their types.
fn objects(fields: &Fields) -> Result<(Vec<Member>, Vec<&Type>)> {
    let (mut members, mut types) = (Vec::new(), Vec::new());
    for (index, field) in fields.iter().enumerate() {
        let mut skip = false;
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("lwm2m")) {
            attribute.parse_nested_meta(|meta| {
                skip = meta.path.is_ident("skip");
                if skip {
                    Ok(())
                } else {
                    Err(meta.error("unknown key: a field of all objects has only `skip`"))
                }
            })?;
        }
        if !skip {
            members.push(field.ident.clone().map_or_else(|| Member::Unnamed(index.into()), Member::Named));
            types.push(&field.ty);
        }
    }
    Ok((members, types))
}
