//! A [`Configuration`] as Rust code.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};

use crate::objects::ObjectTable;
use crate::registry::Resource;
use crate::values::Configuration;

/// The code of a profile and of the objects that the file asks for, for a crate that depends on `coracle`.
pub(crate) fn firmware(configuration: &Configuration) -> String {
    let krate = quote!(::coracle);
    let profile = profile(configuration, &krate);
    let objects = configuration.objects.iter().map(|table| object(table, &krate));
    format(quote!(#profile #(#objects)*))
}

/// The code of a profile without objects, for the crate `coracle` itself.
pub(crate) fn own(configuration: &Configuration) -> String {
    format(profile(configuration, &quote!(crate)))
}

fn format(code: TokenStream) -> String {
    // Formatted, because compilers show it: a method that the application has yet to write is missed here.
    let text = code.to_string();
    let pretty = syn::parse2(code).map_or(text, |file| prettyplease::unparse(&file));
    format!("// Generated from config.toml by coracle-config. Changes here are lost.\n{pretty}")
}

pub(crate) fn literal(number: u32) -> Literal {
    Literal::u32_unsuffixed(number)
}

/// Values of the file as tokens.
#[derive(Clone, Copy)]
struct Tokens<'c>(&'c Configuration);

impl Tokens<'_> {
    fn number(self, group: &str, name: &str) -> Literal {
        literal(self.0.number(group, name))
    }

    /// The type of a buffer of so many bytes.
    fn bytes(self, group: &str, name: &str) -> TokenStream {
        let length = self.number(group, name);
        quote!([u8; #length])
    }

    fn version(self) -> (Literal, Literal) {
        let version = self.0.word("registration", "version");
        let (major, minor) = version.split_once('.').unwrap_or(("1", "1"));
        (literal(major.parse().unwrap_or(1)), literal(minor.parse().unwrap_or(1)))
    }
}

fn profile(configuration: &Configuration, krate: &TokenStream) -> TokenStream {
    let tables = engine_tables(configuration, krate);
    let choices = engine_choices(configuration, krate);
    let dtls = crate::dtls::emit(configuration, krate);
    let client = client_profile(configuration, krate);
    quote! {
        /// The sizes and choices of config.toml.
        #[derive(Debug)]
        pub enum Profile {}

        impl #krate::engine::Profile for Profile {
            #tables
            #choices
        }

        #dtls

        #client

        const _: () = #krate::assert_within_budget::<Profile>();
    }
}

/// The types of `coracle::engine::Profile`.
fn engine_tables(configuration: &Configuration, krate: &TokenStream) -> TokenStream {
    let tokens = Tokens(configuration);
    let endpoint = tokens.bytes("client", "endpoint_length");
    let (uri, location) = (tokens.bytes("servers", "uri_length"), tokens.bytes("servers", "location_length"));
    let (identity, server_key, secret_key, server_name) = (
        tokens.bytes("security", "identity_length"),
        tokens.bytes("security", "server_key_length"),
        tokens.bytes("security", "secret_key_length"),
        tokens.bytes("security", "server_name_length"),
    );
    let suites = tokens.number("security", "suite_count");
    let (servers, exchanges, duplicates) = (
        tokens.number("servers", "count"),
        tokens.number("coap", "exchanges"),
        tokens.number("coap", "duplicates"),
    );
    let (observations, attributes) =
        (tokens.number("observe", "observations"), tokens.number("observe", "attribute_sets"));
    let (stored, events) = (tokens.bytes("observe", "stored_bytes"), tokens.number("events", "count"));
    quote! {
        type EndpointName = #endpoint;
        type Uri = #uri;
        type Location = #location;
        type Identity = #identity;
        type ServerKey = #server_key;
        type SecretKey = #secret_key;
        type ServerName = #server_name;
        type SuiteNumbers = [u16; #suites];
        type Accounts = [#krate::engine::account::Account<Self>; #servers];
        type Exchanges = [#krate::engine::Exchange; #exchanges];
        type Duplicates = [#krate::engine::Duplicate; #duplicates];
        type Observations = [#krate::engine::Observation; #observations];
        type Attributes = [#krate::engine::AttributeRecord; #attributes];
        type Stored = #stored;
        type TransportEvent = #krate::SessionEvent;
        type Events = [#krate::Event; #events];
    }
}

/// The constants of `coracle::engine::Profile`.
fn engine_choices(configuration: &Configuration, krate: &TokenStream) -> TokenStream {
    let tokens = Tokens(configuration);
    let formats = configuration.words("", "content_formats").iter().map(|name| format_variant(name));
    let block = literal(configuration.number("datagram", "block_size").trailing_zeros() - 4);
    let (major, minor) = tokens.version();
    let confirmable = configuration.switch("observe", "confirmable");
    let (ack_timeout, retransmit) =
        (tokens.number("coap", "ack_timeout_ms"), tokens.number("coap", "max_retransmit"));
    let (retry_min, retry_max) =
        (tokens.number("registration", "retry_min_s"), tokens.number("registration", "retry_max_s"));
    quote! {
        const FORMATS: #krate::model::FormatSet =
            #krate::model::FormatSet::new(&[#(#krate::model::ContentFormat::#formats),*]);
        const BLOCK_EXPONENT: u8 = #block;
        const VERSION: #krate::model::Version = #krate::model::Version { major: #major, minor: #minor };
        const CONFIRMABLE_NOTIFICATIONS: bool = #confirmable;
        const ACK_TIMEOUT_MS: u32 = #ack_timeout;
        const MAX_RETRANSMIT: u8 = #retransmit;
        const RETRY_MIN_S: u32 = #retry_min;
        const RETRY_MAX_S: u32 = #retry_max;
    }
}

/// `impl coracle::Profile`.
fn client_profile(configuration: &Configuration, krate: &TokenStream) -> TokenStream {
    let tokens = Tokens(configuration);
    let (receive, transmit) = (tokens.bytes("datagram", "receive"), tokens.bytes("datagram", "transmit"));
    let servers = tokens.number("servers", "count");
    let secure = !configuration.words("dtls", "suites").is_empty();
    let (sessions, random) = if secure { (servers.clone(), literal(1)) } else { (literal(0), literal(0)) };
    let backoff = crate::dtls::backoff(configuration, krate);
    let extended_master_secret = crate::dtls::extended_master_secret(configuration, krate);
    let (name, ram) = (configuration.word("", "name"), tokens.number("budget", "ram"));
    quote! {
        impl #krate::Profile for Profile {
            type Receive = #receive;
            type Transmit = #transmit;
            type Peers = [#krate::Peer; #servers];
            type Sessions = [#krate::Session<Self>; #sessions];
            type Random = [#krate::Random; #random];
            const HANDSHAKE_BACKOFF: #krate::crypto::Backoff = #backoff;
            const EXTENDED_MASTER_SECRET: #krate::crypto::Requirement = #extended_master_secret;
            const NAME: &'static str = #name;
            const RAM_BUDGET: usize = #ram;
        }
    }
}

fn format_variant(name: &str) -> Ident {
    let variant = match name {
        "text" => "Text",
        "opaque" => "Opaque",
        "cbor" => "Cbor",
        "senml-json" => "SenmlJson",
        "senml-cbor" => "SenmlCbor",
        _ => "Tlv",
    };
    Ident::new(variant, Span::call_site())
}

/// The struct of an object of the registry, and the type of all its instances.
fn object(table: &ObjectTable, krate: &TokenStream) -> TokenStream {
    let definition = &table.definition;
    let name = format_ident!("{}", camel_case(&definition.name));
    let all = format_ident!("{name}Instances");
    let (id, version) = (literal(definition.id.into()), &definition.version);
    let wanted: Vec<&Resource> =
        definition.resources.iter().filter(|r| r.mandatory || table.resources.contains(&r.id)).collect();
    let fields = wanted.iter().filter(|r| r.operations != "E").map(|resource| field(resource, table, krate));
    let executables = wanted.iter().filter(|r| r.operations == "E").map(|resource| {
        let (id, method) = (literal(resource.id.into()), snake_case(&resource.name));
        quote!(#id = #method)
    });
    let initial = wanted.iter().filter(|r| r.operations != "E").map(|resource| {
        let (name, value) = (snake_case(&resource.name), initial(resource, krate));
        quote!(#name: #value)
    });
    let ids = wanted.iter().map(|resource| {
        let doc = format!(" The id of {}.", resource.name);
        let (name, id) = (
            format_ident!("{}", snake_case(&resource.name).to_string().to_uppercase()),
            literal(resource.id.into()),
        );
        quote!(#[doc = #doc] pub const #name: u16 = #id;)
    });
    let words = literal(wanted.len().div_ceil(32).max(1) as u32);
    let instances = literal(table.instances);
    let set = if table.created_by_servers {
        quote!(#krate::model::Instances<#name, #instances>)
    } else {
        quote!([#name; #instances])
    };
    let doc = format!(" An instance of object {}, {}.", definition.id, definition.name);
    let doc_all = format!(" All instances of object {}.", definition.id);
    quote! {
        #[doc = #doc]
        #[derive(Debug, Clone, #krate::Object)]
        #[lwm2m(id = #id, version = #version, crate = #krate, execute(#(#executables),*))]
        pub struct #name {
            #(#fields,)*
            changes: #krate::model::Changes<#words>,
        }

        impl #name {
            /// The object id.
            pub const OBJECT_ID: u16 = #id;
            #(#ids)*

            /// An instance with zeros and empty texts.
            pub const fn new() -> Self {
                Self { #(#initial,)* changes: #krate::model::Changes::NONE }
            }
        }

        impl Default for #name {
            fn default() -> Self {
                Self::new()
            }
        }

        #[doc = #doc_all]
        pub type #all = #set;
    }
}

fn field(resource: &Resource, table: &ObjectTable, krate: &TokenStream) -> TokenStream {
    let (id, operations) = (literal(resource.id.into()), &resource.operations);
    let name = snake_case(&resource.name);
    let (text, opaque) = (literal(table.text_length), literal(table.opaque_length));
    let scalar = match resource.kind.as_str() {
        "string" => quote!(#krate::model::Text<#text>),
        "integer" => quote!(i32),
        "unsigned" => quote!(u32),
        "float" => quote!(f32),
        "boolean" => quote!(bool),
        "opaque" => quote!(#krate::model::Opaque<#opaque>),
        "time" => quote!(#krate::model::Time),
        _ => quote!(#krate::model::ObjectLink),
    };
    let ty = if resource.multiple { quote!(#krate::model::Multiple<#scalar, 4>) } else { scalar };
    let unsigned = (resource.kind == "unsigned").then(|| quote!(, unsigned));
    let optional = (!resource.mandatory).then(|| quote!(, optional));
    let range = range(resource).map(|(low, high)| quote!(, range = #low..=#high));
    let unit = resource.unit.as_ref().map_or_else(String::new, |unit| format!(", in {unit}"));
    let doc = format!(" Resource {}: {}{unit}.", resource.id, resource.name);
    quote! {
        #[doc = #doc]
        #[lwm2m(id = #id, ops = #operations #unsigned #optional #range)]
        #name: #ty
    }
}

/// The range of a number that servers may write.
fn range(resource: &Resource) -> Option<(TokenStream, TokenStream)> {
    let (low, high) = resource.range.as_ref()?;
    let writable = resource.operations.contains('W') && !resource.multiple;
    let numeric = matches!(resource.kind.as_str(), "integer" | "unsigned");
    (writable && numeric).then_some((low.parse().ok()?, high.parse().ok()?))
}

fn initial(resource: &Resource, krate: &TokenStream) -> TokenStream {
    if resource.multiple {
        return quote!(#krate::model::Multiple::new());
    }
    match resource.kind.as_str() {
        "string" => quote!(#krate::model::Text::new()),
        "opaque" => quote!(#krate::model::Opaque::new()),
        "integer" | "unsigned" => quote!(0),
        "float" => quote!(0.0),
        "boolean" => quote!(false),
        "time" => quote!(#krate::model::Time(0)),
        _ => quote!(#krate::model::ObjectLink::NULL),
    }
}

fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// `Light Control` as `LightControl`.
fn camel_case(name: &str) -> String {
    let capital = |word: String| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    words(name).map(capital).collect()
}

/// `On/Off` as `on_off`.
fn snake_case(name: &str) -> Ident {
    let name = words(name).collect::<Vec<_>>().join("_");
    let starts_with_digit = name.starts_with(|c: char| c.is_ascii_digit());
    let name = if starts_with_digit { format!("n{name}") } else { name };
    // A word of the language can't be the name of a field.
    syn::parse_str(&name).unwrap_or_else(|_| format_ident!("{name}_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_registry_become_names_of_rust() {
        for (name, field) in [
            ("On/Off", "on_off"),
            ("Min Measured Value", "min_measured_value"),
            ("5 V Supply", "n5_v_supply"),
            ("Type", "type_"),
            ("Mode", "mode"),
            ("Static", "static_"),
            ("Self", "self_"),
        ] {
            assert_eq!(snake_case(name).to_string(), field);
        }
        assert_eq!(camel_case("Light Control"), "LightControl");
    }

    #[test]
    fn numbers_may_have_separators_and_a_radix() {
        let read =
            |ram: &str| crate::read(&format!("[budget]\nram = {ram}\n")).map(|c| c.number("budget", "ram"));
        for ram in ["16384", "16_384", "0x4000", "+16384"] {
            assert_eq!(read(ram), Ok(16_384), "{ram}");
        }
    }

    #[test]
    fn what_is_written_is_rust_and_has_every_size() {
        let all = crate::documented_defaults();
        let code = firmware(&crate::read(&all).expect("the defaults are right"));
        syn::parse_file(&code).expect("it is Rust");
        for part in [
            "type EndpointName = [u8; 64];",
            "const RAM_BUDGET: usize = 16384;",
            "const RETRY_MAX_S: u32 = 600;",
            "const FAILED_OPEN_LIMIT: u32 = 1048576;",
        ] {
            assert!(code.contains(part), "{part}: {code}");
        }
    }
}
