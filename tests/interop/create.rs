//! Create and Delete (LwM2M Core section 6.3.6 and 6.3.7).

use coracle::model::Path;
use coracle::{Event, ServerIndex};
use coracle_leshan_peer::{Answer, Code, Command, Format, Mode, Node, Value};
use coracle_test_device::Device;
use coracle_test_device::profiles::Plain;

use crate::server::{Endpoint, connect};
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    with_an_id,
    without_an_id,
    refused,
    until_there_is_no_room,
    a_deleted_instance_takes_its_attributes_along,
);

const STRUCTURED: [Format; 3] = [Format::SenmlJson, Format::SenmlCbor, Format::Tlv];

fn create(server: &Endpoint, path: &str, node: Node, format: Format) -> Answer {
    server.run(|name| Command::create(name, path, node).format(format))
}

fn delete(server: &Endpoint, path: &str) -> Code {
    server.run(|name| Command::delete(name, path)).code
}

/// The ids of the lights, in order.
fn lights(device: &Device) -> Vec<u16> {
    let mut ids = device.look(|things| things.light.iter().map(|(id, _)| id).collect::<Vec<_>>());
    ids.sort_unstable();
    ids
}

/// LightweightM2M-1.1-int-1630 and 1635, on object 3311: the server names the instance; the device tells it in an Update.
fn with_an_id(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "create-id") else { return };
    for (id, format) in [(7u16, Format::Tlv), (300, Format::SenmlJson), (65534, Format::SenmlCbor)] {
        let node =
            Node::instance([(5850, Node::from(true)), (5851, Node::from(42)), (5706, Node::from("red"))]);
        let answer = create(&server, &format!("/3311/{id}"), node, format);
        assert_eq!(answer.code, Code::CREATED, "{format:?}");
        let light = device.look(move |things| {
            things
                .light
                .get(id)
                .map(|light| (light.on_off(), light.dimmer(), light.colour().as_str().to_owned()))
        });
        assert_eq!(light, Some((true, 42, "red".to_owned())), "{format:?}");
        let (_, registration) = server.updated();
        assert!(registration.link(&format!("/3311/{id}")).is_some(), "{:?}", registration.links);
        device.next_is("Created", |event| {
            *event == Event::Created { server: ServerIndex(0), path: Path::instance(3311, id) }
        });
        assert_eq!(
            server.read(&format!("/3311/{id}/5851"), None).content.into_values().next(),
            Some(42.into())
        );
    }
    assert_eq!(lights(&device), [0, 7, 300, 65534]);
    for id in [0, 7, 300, 65534] {
        assert_eq!(delete(&server, &format!("/3311/{id}")), Code::DELETED);
        let (_, registration) = server.updated();
        assert!(registration.link(&format!("/3311/{id}")).is_none(), "{:?}", registration.links);
    }
    assert!(lights(&device).is_empty());
    assert_eq!(delete(&server, "/3311/7"), Code::NOT_FOUND, "it is gone already");
    assert_eq!(server.discover("/3311"), ["/3311"]);
}

/// The device chooses the id, and tells it as the location.
fn without_an_id(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "create-free") else { return };
    for expected in [1, 2] {
        let node = Node::instance([(5850, Node::from(false)), (5851, Node::from(expected))]);
        let answer = create(&server, "/3311", node, Format::Tlv);
        assert_eq!(answer.code, Code::CREATED);
        assert_eq!(answer.location, Some(format!("3311/{expected}")));
        server.updated();
    }
    let dimmers = device
        .look(|things| [1, 2].map(|id| things.light.get(id).map(coracle_test_device::LightControl::dimmer)));
    assert_eq!(dimmers, [Some(1), Some(2)]);
    assert_eq!(delete(&server, "/3311/1"), Code::DELETED);
    let answer = create(&server, "/3311", Node::instance([(5850, true)]), Format::Tlv);
    assert_eq!(answer.location.as_deref(), Some("3311/1"), "the lowest that is free");
}

/// A Create that is refused leaves no trace.
fn refused(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "create-refused") else { return };
    for format in STRUCTURED {
        for (path, node, code, what) in [
            ("/3311/0", Node::instance([(5850, true)]), Code::BAD_REQUEST, "the id is taken"),
            ("/3311/5", Node::instance([(5851, 10)]), Code::BAD_REQUEST, "a mandatory resource is missing"),
            (
                "/3311/5",
                Node::instance([(5850, Node::from(true)), (5851, Node::from(101))]),
                Code::BAD_REQUEST,
                "a value is out of range",
            ),
            (
                "/3311/5",
                Node::instance([(5850, Node::from(true)), (5805, Node::from(1.5))]),
                Code::METHOD_NOT_ALLOWED,
                "a resource is read-only",
            ),
            (
                "/3311/5",
                Node::instance([(5850, Node::from(true)), (9999, Node::from("x"))]),
                Code::NOT_FOUND,
                "a resource is unknown",
            ),
            ("/9999/0", Node::instance([(0, 1)]), Code::NOT_FOUND, "there is no such object"),
            (
                "/3303/5",
                Node::instance([(5700, 1.0)]),
                Code::METHOD_NOT_ALLOWED,
                "servers can't create these",
            ),
            ("/1/5", Node::instance([(1, 60)]), Code::METHOD_NOT_ALLOWED, "servers can't create these"),
        ] {
            assert_eq!(create(&server, path, node, format).code, code, "{what}, {format:?}");
        }
    }
    assert_eq!(lights(&device), [0]);
    assert_eq!(device.count(|event| matches!(event, Event::Created { .. })), 0);
    server.stays_registered(std::time::Duration::from_millis(300));
}

/// A full table is told, and a deleted instance makes room.
fn until_there_is_no_room(over: Transport) {
    let Some((device, server)) = connect::<Plain>(over, "create-full") else { return };
    device.update(|things| {
        for id in 100..139 {
            assert!(things.light.insert(id, coracle_test_device::LightControl::new()).is_ok());
        }
    });
    server.updated();
    let node = || Node::instance([(5850, true)]);
    assert_eq!(create(&server, "/3311", node(), Format::Tlv).code, Code(5, 3));
    assert_eq!(create(&server, "/3311/200", node(), Format::SenmlCbor).code, Code(5, 3));
    assert_eq!(lights(&device).len(), 40);
    assert_eq!(delete(&server, "/3311/100"), Code::DELETED);
    assert_eq!(create(&server, "/3311/200", node(), Format::SenmlCbor).code, Code::CREATED);
}

/// What was set on a deleted instance is gone with it.
fn a_deleted_instance_takes_its_attributes_along(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "create-again") else { return };
    assert_eq!(server.attributes("/3311/0/5851", "pmin=9"), Code::CHANGED);
    assert_eq!(server.write("/3311/0/5851", Mode::Replace, 77, Some(Format::Text)), Code::CHANGED);
    assert_eq!(delete(&server, "/3311/0"), Code::DELETED);
    let answer = create(&server, "/3311/0", Node::instance([(5850, true)]), Format::Tlv);
    assert_eq!(answer.code, Code::CREATED);
    assert_eq!(server.discover("/3311/0/5851"), ["/3311/0/5851"]);
    let dimmer = server.read("/3311/0/5851", None);
    assert_eq!(dimmer.value("/3311/0/5851"), Some(&Value::Integer(0)), "the default, not the old value");
}
