//! The bootstrap server of the peer against a fake device.

mod support;

use std::sync::mpsc;

use coap_lite::{CoapOption, Packet};
use coracle_leshan_peer::{BootstrapStepRequest, Event, Failure, Format, Leshan, Node, Options, Step, Value};
use serde_json::json;
use support::{Device, PATIENCE, Reply, code, option, path};

type Seen = (u8, String, Option<u32>);

/// A device that agrees to everything and tells what it was asked.
fn docile(port: u16) -> (Device, mpsc::Receiver<Seen>) {
    let (sender, seen) = mpsc::channel();
    let device = Device::start(port, move |request: &Packet| {
        let _ = sender.send((code(request), path(request), option(request, CoapOption::ContentFormat)));
        match (code(request), path(request).as_str()) {
            (1, "/0") => Reply::content(Format::Link, b"</>;lwm2m=1.1,</0/0>,</0/1>;ssid=1"),
            (1, "/1/0") => Reply::content(Format::SenmlJson, br#"[{"bn":"/1/0/","n":"1","v":300}]"#),
            (4, _) => Reply::new(2, 2),
            _ => Reply::changed(),
        }
    });
    (device, seen)
}

fn ask(device: &Device, endpoint: &str) -> u8 {
    code(&device.request(2, &["bs"], &[format!("ep={endpoint}"), "pct=112".to_owned()], ""))
}

#[test]
fn a_configuration_is_written() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let config = json!({
        "delete": ["/0", "/1"],
        "security": {"1": {"uri": "coap://127.0.0.1:5683", "mode": "NO_SEC", "server_id": 1}},
        "servers": {"0": {"short_id": 1, "lifetime": 300, "binding": "U"}},
    });
    server.bootstrap_config("dev", &config).unwrap();
    let (device, seen) = docile(server.ports().bs_coap);
    assert_eq!(ask(&device, "dev"), 0x44);
    assert_eq!(server.wait_bootstrap("dev", PATIENCE).unwrap(), Step::End);
    let expected =
        [(4, "/0", None), (4, "/1", None), (3, "/0/1", Some(112)), (3, "/1/0", Some(112)), (2, "/bs", None)];
    let seen: Vec<_> = seen.try_iter().collect();
    assert_eq!(seen, expected.map(|(code, path, format)| (code, path.to_owned(), format)));
    let start = server.wait("start", PATIENCE, |event| match event {
        Event::Bootstrap(step) if step.step == Step::Start => Some(step.preferred_format),
        _ => None,
    });
    assert_eq!(start.unwrap(), Some(112));

    let error =
        server.bootstrap_config("dev", &json!({"security": {"0": {"uri": "x", "mode": "PSK"}}})).unwrap_err();
    assert_eq!(error.failure(), Some(Failure::BadCommand), "{error}");
}

#[test]
fn a_script_is_followed() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let steps = [
        BootstrapStepRequest::discover("/0"),
        BootstrapStepRequest::read("/1/0"),
        BootstrapStepRequest::delete("/"),
        BootstrapStepRequest::write("/1/0", Node::instance([(1, Node::from(60))])).format(Format::SenmlJson),
        BootstrapStepRequest::write(
            "/3303",
            Node::object([(0, Node::instance([(5701, Node::from("Cel"))]))]),
        ),
    ];
    server.bootstrap_script("dev", &steps).unwrap();
    let (device, seen) = docile(server.ports().bs_coap);
    assert_eq!(ask(&device, "dev"), 0x44);
    assert_eq!(server.wait_bootstrap("dev", PATIENCE).unwrap(), Step::End);
    let seen: Vec<_> = seen.try_iter().collect();
    let expected = [
        (1, "/0", None),
        (1, "/1/0", None),
        (4, "/", None),
        (3, "/1/0", Some(110)),
        (3, "/3303", Some(11542)),
        (2, "/bs", None),
    ];
    assert_eq!(seen, expected.map(|(code, path, format)| (code, path.to_owned(), format)));
    let responses: Vec<_> = server
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Bootstrap(step) if step.step == Step::Response => Some(step),
            _ => None,
        })
        .collect();
    assert_eq!(responses.len(), 6);
    let discover = responses.first().unwrap();
    assert_eq!((discover.request.as_deref(), discover.links.len()), (Some("Discover"), 3));
    let read = responses.get(1).unwrap();
    assert_eq!(read.content.get("/1/0/1"), Some(&Value::Integer(300)));
}

#[test]
fn an_unknown_device_is_sent_away() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let (device, _) = docile(server.ports().bs_coap);
    assert_eq!(ask(&device, "stranger"), 0x80);
    server
        .wait("no configuration", PATIENCE, |event| match event {
            Event::Bootstrap(step) if step.step == Step::NoConfig => Some(()),
            _ => None,
        })
        .unwrap();
}
