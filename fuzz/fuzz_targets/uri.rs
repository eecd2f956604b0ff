//! Server URIs and paths: what is understood can be written, and is understood again as the same.
#![no_main]

use coracle::Uri;
use coracle::model::Path;
use coracle_fuzz::heap;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(path) = heap::without(|| Path::parse(data)) {
        let text = path.to_string();
        assert_eq!(Path::parse(text.as_bytes()), Some(path));
        assert!(path.ids().len() <= 4 && path.ids().iter().all(|id| *id <= Path::MAX_ID));
        let trimmed = data.strip_prefix(b"/").unwrap_or(data);
        let trimmed = trimmed.strip_suffix(b"/").unwrap_or(trimmed);
        let own = text.strip_prefix('/').unwrap_or(&text);
        assert_eq!(own.as_bytes(), trimmed, "a path has one form only");
    }
    let Ok(text) = str::from_utf8(data) else { return };
    let Ok(uri) = heap::without(|| Uri::parse(text)) else { return };
    assert!(uri.port > 0 && !uri.host.is_empty() && uri.host.is_ascii());
    let host = if uri.host.contains(':') { format!("[{}]", uri.host) } else { uri.host.to_owned() };
    let scheme = if uri.secure { "coaps" } else { "coap" };
    assert_eq!(Uri::parse(&format!("{scheme}://{host}:{}", uri.port)), Ok(uri));
});
