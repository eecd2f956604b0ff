//! Definitions of the OMA registry, in a compact form: facts only.

/// An object of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) id: u16,
    pub(crate) version: String,
    pub(crate) name: String,
    pub(crate) resources: Vec<Resource>,
}

/// A resource of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) id: u16,
    pub(crate) operations: String,
    pub(crate) multiple: bool,
    pub(crate) mandatory: bool,
    pub(crate) kind: String,
    pub(crate) range: Option<(String, String)>,
    pub(crate) unit: Option<String>,
    pub(crate) name: String,
}

const FILES: &[&str] = &[include_str!("../registry/ipso.txt")];

/// All definitions.
pub(crate) fn definitions() -> Vec<Definition> {
    FILES.iter().flat_map(|text| parse(text)).collect()
}

fn parse(text: &str) -> Vec<Definition> {
    let mut definitions: Vec<Definition> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix("object ") {
            definitions.extend(parse_object(rest));
        } else if let (Some(definition), Some(resource)) = (definitions.last_mut(), parse_resource(line)) {
            definition.resources.push(resource);
        }
    }
    definitions
}

fn parse_object(line: &str) -> Option<Definition> {
    let mut words = line.splitn(3, ' ');
    let id = words.next()?.parse().ok()?;
    let (version, name) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Definition { id, version, name, resources: Vec::new() })
}

fn parse_resource(line: &str) -> Option<Resource> {
    let mut words = line.splitn(8, ' ');
    let mut word = || words.next();
    let given = |text: &str| (text != "-").then(|| text.to_owned());
    Some(Resource {
        id: word()?.parse().ok()?,
        operations: word()?.to_owned(),
        multiple: word()? == "multiple",
        mandatory: word()? == "mandatory",
        kind: word()?.to_owned(),
        range: given(word()?).and_then(|range| {
            let (low, high) = range.split_once("..")?;
            Some((low.to_owned(), high.to_owned()))
        }),
        unit: given(word()?),
        name: word()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_file_is_understood() {
        let lines: usize = FILES
            .iter()
            .map(|text| text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count())
            .sum();
        let definitions = definitions();
        let read: usize = definitions.iter().map(|definition| 1 + definition.resources.len()).sum();
        assert_eq!(read, lines);
        let kinds = ["none", "string", "integer", "unsigned", "float", "boolean", "opaque", "time", "link"];
        for resource in definitions.iter().flat_map(|definition| &definition.resources) {
            assert!(kinds.contains(&resource.kind.as_str()), "{resource:?}");
            assert!(["", "R", "W", "RW", "E"].contains(&resource.operations.as_str()), "{resource:?}");
        }
    }

    #[test]
    fn facts_arrive() {
        let definitions = definitions();
        let light = definitions.iter().find(|definition| definition.id == 3311).unwrap();
        assert_eq!((light.name.as_str(), light.version.as_str()), ("Light Control", "1.0"));
        let dimmer = light.resources.iter().find(|resource| resource.id == 5851).unwrap();
        assert_eq!(dimmer.range, Some(("0".into(), "100".into())));
        assert_eq!(dimmer.unit.as_deref(), Some("/100"));
    }
}
