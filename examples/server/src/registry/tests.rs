use std::net::Ipv4Addr;

use super::*;

const LINKS: &str = r#"</>;rt="oma.lwm2m";ct="60 110 112",</1/0>,</3/0>,</3303>;ver=1.1"#;

fn origin(port: u16) -> Origin {
    let address = (Ipv4Addr::LOCALHOST, port).into();
    Origin { peer: PeerId::Address(address), address }
}

/// Registers with `queries` separated by `&`.
fn register<'a>(
    registry: &'a mut Registry,
    now: Instant,
    queries: &str,
    links: &str,
) -> Result<&'a Registration, Refusal> {
    let queries: Vec<String> = queries.split('&').map(str::to_owned).collect();
    let body = Body { queries: &queries, format: Some(Format::Link), payload: links.as_bytes() };
    let id = format!("{}", registry.list.len());
    registry.register(now, origin(1), body, &id)
}

fn update(registry: &mut Registry, now: Instant, queries: &str, links: &str) -> Result<Changes, Refusal> {
    let queries: Vec<String> = queries.split('&').filter(|q| !q.is_empty()).map(str::to_owned).collect();
    let format = (!links.is_empty()).then_some(Format::Link);
    let body = Body { queries: &queries, format, payload: links.as_bytes() };
    registry.update(now, origin(1), body, "0").map(|(_, changes)| changes)
}

#[test]
fn a_register_with_everything() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let queries = "ep=urn:dev:1&lt=60&lwm2m=1.1&b=UN&Q&sms=0123&pid=7";
    let registration = register(&mut registry, now, queries, LINKS).unwrap();
    assert_eq!(registration.endpoint, "urn:dev:1");
    assert_eq!((registration.lifetime, registration.queue, registration.replaced), (60, true, false));
    assert_eq!((registration.version.as_str(), registration.binding.as_str()), ("1.1", "UN"));
    assert_eq!(registration.sms.as_deref(), Some("0123"));
    assert_eq!(registration.extra, ["pid=7"]);
    assert_eq!(registration.location, "/rd/0");
    assert_eq!(registration.root.as_ref().unwrap().get("ct"), Some("60 110 112"));
    let paths: Vec<&str> = registration.links.iter().map(|link| link.path.as_str()).collect();
    assert_eq!(paths, ["/1/0", "/3/0", "/3303"]);
    assert_eq!(registration.prefix(), "");
    assert!(registry.by_endpoint("urn:dev:1").is_some() && registry.by_peer(origin(1).peer).is_some());
    assert!(registry.by_endpoint("other").is_none() && registry.by_peer(origin(2).peer).is_none());
}

#[test]
fn defaults_of_the_specification() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let registration = register(&mut registry, now, "ep=a", "</1/0>").unwrap();
    assert_eq!((registration.lifetime, registration.queue), (86_400, false));
    assert_eq!((registration.version.as_str(), registration.binding.as_str()), ("1.0", "U"));
}

#[test]
fn an_alternate_path() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    let links = r#"</iot>;rt="oma.lwm2m",</iot/1/0>"#;
    let registration = register(&mut registry, now, "ep=a", links).unwrap();
    assert_eq!(registration.prefix(), "/iot");
    assert_eq!(registration.links[0].path, "/1/0");
    assert!(register(&mut registry, now, "ep=b", r#"</iot>;rt="oma.lwm2m",</1/0>"#).is_err());
}

#[test]
fn wrong_registers_are_refused_with_reasons() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    for (queries, links, refusal) in [
        ("lt=60", LINKS, "4.00 Bad Request: no endpoint name (ep)"),
        ("ep=", LINKS, "4.00 Bad Request: parameter ep without value"),
        ("ep=a&ep=b", LINKS, "4.00 Bad Request: parameter ep twice"),
        ("ep=a&lt=-1", LINKS, r#"4.00 Bad Request: "-1" is no lifetime (lt) in seconds"#),
        ("ep=a&lt=+1", LINKS, r#"4.00 Bad Request: "+1" is no lifetime (lt) in seconds"#),
        ("ep=a&lt=4294967296", LINKS, r#"4.00 Bad Request: "4294967296" is no lifetime (lt) in seconds"#),
        ("ep=a&lt=0", LINKS, "4.00 Bad Request: a lifetime (lt) of 0 is not of LwM2M 1.0"),
        ("ep=a&lwm2m=2.0", LINKS, "4.12 Precondition Failed: LwM2M version 2.0 is not 1.0, 1.1 or 1.2"),
        ("ep=a&b=X", LINKS, r#"4.00 Bad Request: "X" is no binding (b) of LwM2M 1.0"#),
        ("ep=a&b=UQ&lwm2m=1.1", LINKS, r#"4.00 Bad Request: "UQ" is no binding (b) of LwM2M 1.1"#),
        ("ep=a&b=UU&lwm2m=1.1", LINKS, r#"4.00 Bad Request: "UU" is no binding (b) of LwM2M 1.1"#),
        ("ep=a&Q", LINKS, "4.00 Bad Request: parameter Q is of LwM2M 1.1; 1.0 has the binding UQ"),
        ("ep=a&Q=1&lwm2m=1.1", LINKS, "4.00 Bad Request: parameter Q has no value"),
        ("ep=a", "</0/0>", "4.00 Bad Request: /0 must not be registered"),
        ("ep=a", "</1/0/1>", "4.00 Bad Request: /1/0/1 is neither an object nor an object instance"),
        ("ep=a", "</1/65535>", "4.00 Bad Request: /1/65535 is neither an object nor an object instance"),
        ("ep=a", "</1/0>,</1/0>", "4.00 Bad Request: /1/0 twice"),
        ("ep=a", r#"</>;rt="oma.lwm2m",</x>;rt="oma.lwm2m""#, "4.00 Bad Request: two links are the root"),
        ("ep=a", "</1/0", r#"4.00 Bad Request: no <path> at byte 0 of "</1/0""#),
    ] {
        let error = register(&mut registry, now, queries, links).unwrap_err();
        assert_eq!(format!("{}: {}", error.code, error.reason), refusal);
    }
    let body = |format, payload| Body { queries: &[], format, payload };
    assert_eq!(objects(body(Some(Format::Text), b"x")).unwrap_err().code, Code::UNSUPPORTED_CONTENT_FORMAT);
    assert_eq!(objects(body(None, b"</1/0>")).unwrap_err().code, Code::BAD_REQUEST);
    assert!(registry.list.is_empty(), "a refused Register left something behind");
}

#[test]
fn registering_again_replaces() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    register(&mut registry, now, "ep=a&lt=60", LINKS).unwrap();
    register(&mut registry, now, "ep=b&lt=60", LINKS).unwrap();
    assert!(register(&mut registry, now, "ep=a&lt=70", LINKS).unwrap().replaced);
    assert_eq!(registry.list.len(), 2);
    assert_eq!(
        update(&mut registry, now, "", "").unwrap_err().code,
        Code::NOT_FOUND,
        "the old location is gone"
    );
}

#[test]
fn updates_change_what_they_name() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    register(&mut registry, now, "ep=a&lt=60", LINKS).unwrap();
    assert_eq!(update(&mut registry, now, "", ""), Ok(Changes::default()));
    assert_eq!(
        update(&mut registry, now, "lt=60", ""),
        Ok(Changes::default()),
        "the same lifetime is no change"
    );
    assert_eq!(update(&mut registry, now, "lt=90", ""), Ok(Changes { lifetime: true, ..Changes::default() }));
    assert_eq!(update(&mut registry, now, "b=UQ", ""), Ok(Changes { binding: true, ..Changes::default() }));
    assert!(registry.by_endpoint("a").unwrap().queue);
    assert_eq!(update(&mut registry, now, "", "</1/0>"), Ok(Changes { links: true, ..Changes::default() }));
    assert_eq!(registry.by_endpoint("a").unwrap().links.len(), 1);
    let moved = registry.update(now, origin(2), Body { queries: &[], format: None, payload: &[] }, "0");
    assert!(moved.unwrap().1.address);
    assert_eq!(registry.by_endpoint("a").unwrap().address.port(), 2);
}

#[test]
fn a_refused_update_changes_nothing() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    register(&mut registry, now, "ep=a&lt=60", LINKS).unwrap();
    let before = registry.by_endpoint("a").unwrap().clone();
    for (queries, links) in [
        ("ep=a", ""),
        ("lwm2m=1.1", ""),
        ("lt=x", ""),
        ("lt=90&b=X", ""),
        ("lt=90", "</1/0/0>"),
        ("lt=90&lt=9", ""),
    ] {
        assert_eq!(
            update(&mut registry, now, queries, links).unwrap_err().code,
            Code::BAD_REQUEST,
            "{queries}"
        );
        assert_eq!(registry.by_endpoint("a"), Some(&before));
    }
}

#[test]
fn registrations_expire_after_their_lifetime() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    register(&mut registry, now, "ep=a&lt=60", LINKS).unwrap();
    register(&mut registry, now, "ep=b&lt=0&lwm2m=1.1", LINKS).unwrap();
    let seconds = Duration::from_secs;
    assert_eq!(registry.next_expiry(), Some(now + seconds(60)));
    assert_eq!(registry.expire(now + seconds(59)), None);
    update(&mut registry, now + seconds(50), "", "").unwrap();
    assert_eq!(registry.expire(now + seconds(109)), None);
    assert_eq!(registry.expire(now + seconds(110)).unwrap().endpoint, "a");
    assert_eq!(registry.expire(now + seconds(1_000_000)), None, "a lifetime of 0 never ends");
    assert_eq!(registry.next_expiry(), None);
}

#[test]
fn a_deregistered_device_is_unknown() {
    let (mut registry, now) = (Registry::default(), Instant::now());
    register(&mut registry, now, "ep=a&lt=60", LINKS).unwrap();
    assert_eq!(registry.deregister("0").unwrap().endpoint, "a");
    assert_eq!(registry.deregister("0").unwrap_err().code, Code::NOT_FOUND);
    assert_eq!(update(&mut registry, now, "", "").unwrap_err().code, Code::NOT_FOUND);
}
