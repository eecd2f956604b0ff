//! The methods that the macro writes beside the traits.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{GenericArgument, PathArguments, Type, Visibility};

use crate::object::Resource;

/// `level()`, `set_level()` and `level_mut()`.
pub(crate) fn accessors(index: usize, resource: &Resource<'_>, changes: &Ident) -> TokenStream {
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
