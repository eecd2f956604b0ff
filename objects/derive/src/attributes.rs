//! Reads `#[lwm2m(...)]` into what the macros need.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, Field, Ident, LitInt, LitStr, Path, Result, Token, Type};

/// What servers may do with a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operations {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// `#[lwm2m(...)]` on a struct.
pub(crate) struct StructAttributes {
    pub(crate) id: LitInt,
    pub(crate) version: (u8, u8),
    pub(crate) krate: Path,
    pub(crate) executables: Vec<Executable>,
    pub(crate) computed: Vec<Computed>,
    pub(crate) validate: Option<Ident>,
}

/// `execute(2 = open)`
pub(crate) struct Executable {
    pub(crate) id: LitInt,
    pub(crate) method: Ident,
}

/// `computed(13: Time = now, write = set_now, optional)`
pub(crate) struct Computed {
    pub(crate) id: LitInt,
    pub(crate) ty: Type,
    pub(crate) read: Ident,
    pub(crate) write: Option<Ident>,
    pub(crate) optional: bool,
}

/// `#[lwm2m(...)]` on a field that is a resource.
pub(crate) struct FieldAttributes {
    pub(crate) id: LitInt,
    pub(crate) operations: Operations,
    pub(crate) range: Option<Expr>,
    pub(crate) check: Option<Ident>,
    pub(crate) on_write: Option<Ident>,
    pub(crate) unsigned: bool,
    pub(crate) optional: bool,
}

fn is_ours(attribute: &&Attribute) -> bool {
    attribute.path().is_ident("lwm2m")
}

/// A resource or object id: 65535 is reserved.
pub(crate) fn checked_id(literal: &LitInt) -> Result<u16> {
    match literal.base10_parse::<u16>() {
        Ok(id) if id < u16::MAX => Ok(id),
        _ => Err(Error::new(literal.span(), format!("an id is a number from 0 to 65534; found {literal}"))),
    }
}

fn parse_id(input: ParseStream<'_>, example: &str) -> Result<LitInt> {
    let span = input.span();
    let literal: LitInt = input.parse().map_err(|_| {
        Error::new(span, format!("an id, a number without quotes, is expected here: `{example}`"))
    })?;
    checked_id(&literal).map(|_| literal)
}

fn parse_text(input: ParseStream<'_>, example: &str) -> Result<LitStr> {
    let span = input.span();
    input.parse().map_err(|_| Error::new(span, format!("text in quotes is expected here: `{example}`")))
}

/// Keys that came before: only those that list something can be there twice.
#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    fn once(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let key = meta.path.get_ident().map(Ident::to_string).unwrap_or_default();
        if self.0.contains(&key) {
            return Err(meta.error(format!("`{key}` is there twice: leave one of them out")));
        }
        if key != "execute" && key != "computed" {
            self.0.push(key);
        }
        Ok(())
    }
}

impl StructAttributes {
    pub(crate) fn parse(attributes: &[Attribute], name: &Ident) -> Result<Self> {
        let (mut id, mut version, mut validate) = (None, (1, 0), None);
        let mut krate: Path = syn::parse_quote!(::coracle);
        let (mut executables, mut computed) = (Vec::new(), Vec::new());
        let mut seen = Seen::default();
        for attribute in attributes.iter().filter(is_ours) {
            attribute.parse_nested_meta(|meta| {
                seen.once(&meta)?;
                if meta.path.is_ident("id") {
                    id = Some(parse_id(meta.value()?, "id = 33001")?);
                } else if meta.path.is_ident("version") {
                    version = parse_version(&parse_text(meta.value()?, "version = \"1.0\"")?)?;
                } else if meta.path.is_ident("crate") {
                    krate = meta.value()?.call(Path::parse_mod_style)?;
                } else if meta.path.is_ident("validate") {
                    validate = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("execute") {
                    parse_executables(&meta, &mut executables)?;
                } else if meta.path.is_ident("computed") {
                    computed.push(parse_computed(&meta)?);
                } else {
                    return Err(meta.error(
                        "unknown key: a struct has `id`, `version`, `execute`, `computed`, `validate`, `crate`",
                    ));
                }
                Ok(())
            })?;
        }
        let id = id.ok_or_else(|| {
            Error::new(
                name.span(),
                "the object id is missing: write `#[lwm2m(id = 33001)]` before the struct",
            )
        })?;
        Ok(Self { id, version, krate, executables, computed, validate })
    }
}

fn parse_version(literal: &LitStr) -> Result<(u8, u8)> {
    let text = literal.value();
    text.split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| Error::new(literal.span(), "a version is \"major.minor\", for instance \"1.0\""))
}

fn parse_executables(meta: &ParseNestedMeta<'_>, into: &mut Vec<Executable>) -> Result<()> {
    let content;
    syn::parenthesized!(content in meta.input);
    while !content.is_empty() {
        let id = parse_id(&content, "execute(2 = open)")?;
        content.parse::<Token![=]>()?;
        into.push(Executable { id, method: content.parse()? });
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

fn parse_computed(meta: &ParseNestedMeta<'_>) -> Result<Computed> {
    let content;
    syn::parenthesized!(content in meta.input);
    let id = parse_id(&content, "computed(13: Time = now)")?;
    let span = content.span();
    content
        .parse::<Token![:]>()
        .map_err(|_| Error::new(span, "the type of the resource is missing: `computed(13: Time = now)`"))?;
    let ty = content.parse()?;
    content.parse::<Token![=]>()?;
    let mut computed = Computed { id, ty, read: content.parse()?, write: None, optional: false };
    while !content.is_empty() {
        content.parse::<Token![,]>()?;
        if content.is_empty() {
            break;
        }
        let key: Ident = content.parse()?;
        if key == "write" {
            content.parse::<Token![=]>()?;
            computed.write = Some(content.parse()?);
        } else if key == "optional" {
            computed.optional = true;
        } else {
            return Err(Error::new(
                key.span(),
                "unknown key: a computed resource has `write` and `optional`",
            ));
        }
    }
    Ok(computed)
}

impl FieldAttributes {
    /// `None` for a field that is no resource.
    pub(crate) fn parse(field: &Field) -> Result<Option<Self>> {
        let (mut id, mut operations, mut seen) = (None, None, None::<Span>);
        let (mut range, mut check, mut on_write, mut unsigned, mut optional) =
            (None, None, None, false, false);
        let mut keys = Seen::default();
        for attribute in field.attrs.iter().filter(is_ours) {
            seen = Some(attribute.span());
            attribute.parse_nested_meta(|meta| {
                keys.once(&meta)?;
                if meta.path.is_ident("id") {
                    id = Some(parse_id(meta.value()?, "id = 0")?);
                } else if meta.path.is_ident("ops") {
                    operations = Some(parse_operations(&parse_text(meta.value()?, "ops = \"RW\"")?)?);
                } else if meta.path.is_ident("range") {
                    range = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("check") {
                    check = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("on_write") {
                    on_write = Some(meta.value()?.parse()?);
                } else if meta.path.is_ident("unsigned") {
                    unsigned = true;
                } else if meta.path.is_ident("optional") {
                    optional = true;
                } else {
                    return Err(meta.error(
                        "unknown key: a field has `id`, `ops`, `range`, `check`, `on_write`, `unsigned`, `optional`",
                    ));
                }
                Ok(())
            })?;
        }
        let Some(span) = seen else { return Ok(None) };
        let id = id.ok_or_else(|| {
            Error::new(span, "the resource id is missing: write `#[lwm2m(id = 0, ops = \"R\")]`")
        })?;
        let operations = operations.ok_or_else(|| {
            Error::new(span, "`ops` is missing, which says what servers may do: \"R\", \"W\" or \"RW\"")
        })?;
        let attributes = Self { id, operations, range, check, on_write, unsigned, optional };
        attributes.only_for_writes()?;
        Ok(Some(attributes))
    }
}

impl FieldAttributes {
    /// What guards a write is of no use where servers cannot write.
    fn only_for_writes(&self) -> Result<()> {
        let found = [
            self.range.as_ref().map(|range| ("range", range.span())),
            self.check.as_ref().map(|method| ("check", method.span())),
            self.on_write.as_ref().map(|method| ("on_write", method.span())),
        ];
        match found.into_iter().flatten().next() {
            Some((key, span)) if !self.operations.write => Err(Error::new(
                span,
                format!(
                    "servers can't write this resource, so `{key}` is of no use: make it ops = \"RW\", or leave `{key}` out"
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn parse_operations(literal: &LitStr) -> Result<Operations> {
    let (read, write) = match literal.value().as_str() {
        "" => (false, false),
        "R" => (true, false),
        "W" => (false, true),
        "RW" => (true, true),
        _ => {
            return Err(Error::new(
                literal.span(),
                "`ops` is \"R\", \"W\" or \"RW\"; an executable resource is `execute(2 = method)` on the struct",
            ));
        }
    };
    Ok(Operations { read, write })
}
