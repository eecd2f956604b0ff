//! Paths and queries of a Write-Attributes: what was set is told by Discover, and can be set again from there.
#![no_main]

use coracle_fuzz::device::{Device, con, registered};
use coracle_fuzz::input::Input;
use coracle_fuzz::message::{GET, PUT, Seen, option};

const LINK_FORMAT: u32 = 40;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    registered(|device| {
        let mut input = Input::new(data);
        let segments: Vec<&[u8]> = (0..input.byte() % 6).map(|_| input.short()).collect();
        let queries: Vec<&[u8]> = (0..input.byte() % 8).map(|_| input.short()).collect();
        let mut message = con(PUT, 1);
        message = segments.iter().fold(message, |message, segment| message.option(option::URI_PATH, segment));
        message = queries.iter().fold(message, |message, query| message.option(option::URI_QUERY, query));
        if device.request(message.payload(&[])).code_text() != "2.04" {
            return;
        }
        let path: Vec<&str> =
            segments.iter().map(|segment| str::from_utf8(segment).expect("the path exists")).collect();
        let path = path.join("/");
        let before = discover(device, &path, 2);
        let Some(told) = attributes(&before, &path) else { return };
        // Everything is taken away, and set as it was told.
        let names = ["pmin", "pmax", "gt", "lt", "st"].map(str::to_owned);
        set(device, &path, &names, 3);
        assert_eq!(attributes(&discover(device, &path, 4), &path), without_attributes(&path));
        set(device, &path, &told, 5);
        assert_eq!(discover(device, &path, 6), before);
    });
});

fn set(device: &mut Device<'_>, path: &str, queries: &[String], id: u16) {
    let message = queries
        .iter()
        .fold(con(PUT, id).path(path), |message, query| message.option(option::URI_QUERY, query.as_bytes()));
    if !queries.is_empty() {
        assert_eq!(device.request(message.payload(&[])).code_text(), "2.04", "{queries:?} for {path}");
    }
}

/// What is told of a resource instance is told with its resource.
fn discover(device: &mut Device<'_>, path: &str, id: u16) -> String {
    let resource = path.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let message = con(GET, id).path(&resource).option_uint(option::ACCEPT, LINK_FORMAT);
    let seen: Seen = device.request(message.payload(&[]));
    assert_eq!(seen.code_text(), "2.05", "{path}");
    String::from_utf8(seen.payload).expect("text")
}

/// What [`attributes`] says when there are none: a resource instance has a link only as long as it has some.
fn without_attributes(path: &str) -> Option<Vec<String>> {
    (path.split('/').count() < 4).then(Vec::new)
}

/// The attributes of a path that can be set, if it has a link.
fn attributes(links: &str, path: &str) -> Option<Vec<String>> {
    let link = format!("</{path}>");
    let mut parts = links.split(",<").map(|part| part.trim_start_matches('<'));
    let part = parts.find(|part| part.starts_with(&link[1..]))?;
    let all = part.split(';').skip(1).map(str::to_owned);
    Some(
        all.filter(|text| !["dim=", "ver=", "rt=", "ct="].iter().any(|other| text.starts_with(other)))
            .collect(),
    )
}
