//! The tables `[object.N]`: which objects of the registry become structs, and how much of them.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::check::{found, whole};
use crate::problem::{Problems, nearest};
use crate::registry::{Definition, definitions};
use crate::schema::OBJECT_KEYS;
use crate::values::Configuration;

/// One `[object.N]`.
#[derive(Clone, Debug)]
pub(crate) struct ObjectTable {
    pub(crate) definition: Definition,
    pub(crate) instances: u32,
    /// The ids of the optional resources that are wanted; those that are mandatory are there anyway.
    pub(crate) resources: Vec<u16>,
    pub(crate) created_by_servers: bool,
    pub(crate) text_length: u32,
    pub(crate) opaque_length: u32,
}

/// Objects whose behaviour is written by hand.
const OWN: &[(u16, &str)] = &[
    (0, "is the client's own: add servers with Client::add_server"),
    (1, "is the client's own: add servers with Client::add_server"),
    (3, "has behaviour of its own: use coracle::objects::Device"),
];

pub(crate) fn read(
    value: &Spanned<DeValue<'_>>,
    configuration: &mut Configuration,
    problems: &mut Problems<'_>,
) {
    let DeValue::Table(table) = value.get_ref() else {
        return problems.add(value.span().start, "object: write a table for each object: [object.3303]");
    };
    let known = definitions();
    for (name, value) in table {
        let offset = name.span().start;
        let name: &str = name.get_ref();
        let full = format!("object.{name}");
        // As it is written in paths: another spelling would be another table for the same object.
        let Some(id) = name.parse::<u16>().ok().filter(|id| id.to_string() == name) else {
            problems.add(
                offset,
                format!("{full}: found {name:?}, allowed is the id of an object, for instance [object.3303]"),
            );
            continue;
        };
        if let Some((_, reason)) = OWN.iter().find(|(own, _)| *own == id) {
            problems.add(offset, format!("{full}: this object {reason}"));
            continue;
        }
        let Some(definition) = known.iter().find(|definition| definition.id == id) else {
            let ids = known.iter().map(|definition| definition.id.to_string()).collect::<Vec<_>>().join(", ");
            problems.add(offset, format!("{full}: no definition of this object is known; known are {ids}. Other objects are structs that derive coracle::Object"));
            continue;
        };
        match value.get_ref() {
            DeValue::Table(table) => {
                let object = read_object(&full, definition, table, problems);
                configuration.objects.push(object);
            }
            other => {
                problems.add(offset, format!("{full}: found {}, but it is a table: [{full}]", found(other)));
            }
        }
    }
}

fn read_object(
    full: &str,
    definition: &Definition,
    table: &DeTable<'_>,
    problems: &mut Problems<'_>,
) -> ObjectTable {
    let mut object = ObjectTable {
        definition: definition.clone(),
        instances: 1,
        resources: Vec::new(),
        created_by_servers: false,
        text_length: 16,
        opaque_length: 16,
    };
    for (name, value) in table {
        let offset = value.span().start;
        let name_text: &str = name.get_ref();
        let number =
            |problems: &mut Problems<'_>, min: u32, max: u32, into: &mut u32| match whole(value.get_ref())
                .filter(|number| (min..=max).contains(number))
            {
                Some(number) => *into = number,
                None => problems.add(
                    offset,
                    format!(
                        "{full}.{name_text}: found {}, allowed is a whole number from {min} to {max}",
                        found(value.get_ref())
                    ),
                ),
            };
        match name_text {
            "instances" => number(problems, 1, 255, &mut object.instances),
            "text_length" => number(problems, 1, 1024, &mut object.text_length),
            "opaque_length" => number(problems, 1, 1024, &mut object.opaque_length),
            "created_by_servers" => match value.get_ref() {
                DeValue::Boolean(switch) => object.created_by_servers = *switch,
                other => problems.add(
                    offset,
                    format!("{full}.{name_text}: found {}, allowed is true or false", found(other)),
                ),
            },
            "resources" => read_resources(full, definition, value, &mut object.resources, problems),
            other => {
                let suggestion = nearest(other, OBJECT_KEYS.iter().copied());
                let suggestion =
                    suggestion.map_or_else(String::new, |word| format!("; did you mean {full}.{word}?"));
                problems.add(name.span().start, format!("{full}.{other}: there is no such key{suggestion}"));
            }
        }
    }
    object
}

fn read_resources(
    full: &str,
    definition: &Definition,
    value: &Spanned<DeValue<'_>>,
    into: &mut Vec<u16>,
    problems: &mut Problems<'_>,
) {
    let DeValue::Array(list) = value.get_ref() else {
        return problems.add(
            value.span().start,
            format!("{full}.resources: found {}, allowed is a list of resource ids", found(value.get_ref())),
        );
    };
    for item in list {
        let id = whole(item.get_ref()).and_then(|number| u16::try_from(number).ok());
        match id.filter(|id| definition.resources.iter().any(|resource| resource.id == *id)) {
            Some(id) if into.contains(&id) => {
                problems.add(
                    item.span().start,
                    format!("{full}.resources: found {id} twice, allowed is each once"),
                );
            }
            Some(id) => into.push(id),
            None => {
                let ids = definition
                    .resources
                    .iter()
                    .map(|resource| resource.id.to_string())
                    .collect::<Vec<_>>()
                    .join(", ");
                problems.add(
                    item.span().start,
                    format!(
                        "{full}.resources: found {}, allowed for {} are {ids}",
                        found(item.get_ref()),
                        definition.name
                    ),
                );
            }
        }
    }
}
