//! Discover (LwM2M Core section 6.3.2) at each level, with the attributes at the level where they were set.

use coracle_leshan_peer::{Code, Command};
use coracle_test_device::profiles::Plain;

use crate::server::connect;
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    objects_instances_and_resources,
    attributes_appear_at_their_level,
    what_is_not_there_can_not_be_discovered,
);

fn objects_instances_and_resources(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "discover-levels") else { return };
    assert_eq!(
        server.discover("/3303"),
        [
            "/3303/0",
            "/3303/0/5601",
            "/3303/0/5602",
            "/3303/0/5605",
            "/3303/0/5700",
            "/3303/0/5701",
            "/3303/1",
            "/3303/1/5601",
            "/3303/1/5602",
            "/3303/1/5605",
            "/3303/1/5700",
            "/3303/1/5701",
            "/3303;ver=1.1",
        ]
    );
    assert_eq!(
        server.discover("/3303/1"),
        ["/3303/1", "/3303/1/5601", "/3303/1/5602", "/3303/1/5605", "/3303/1/5700", "/3303/1/5701"]
    );
    assert_eq!(server.discover("/3303/1/5700"), ["/3303/1/5700"]);
    assert_eq!(
        server.discover("/3/0/7"),
        ["/3/0/7;dim=2"],
        "multiple resources tell how many instances they have"
    );
    assert_eq!(server.discover("/3/0/6"), ["/3/0/6;dim=2"]);
    let gate = server.discover("/33001/0");
    assert!(gate.contains(&"/33001/0/1".to_owned()), "what can only be written: {gate:?}");
    assert!(gate.contains(&"/33001/0/2".to_owned()), "what can only be executed: {gate:?}");
    assert!(!gate.iter().any(|link| link.starts_with("/33001/0/9")), "what is not there: {gate:?}");
    assert!(gate.contains(&"/33001/0/6;dim=16".to_owned()), "{gate:?}");
}

/// LightweightM2M-1.1-int-260, 261: attributes appear where they were set; a resource shows what it inherits too.
fn attributes_appear_at_their_level(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "discover-attributes") else { return };
    assert_eq!(server.attributes("/3303", "pmin=1"), Code::CHANGED);
    assert_eq!(server.attributes("/3303/0", "pmin=5&pmax=60"), Code::CHANGED);
    assert_eq!(server.attributes("/3303/0/5700", "gt=30.5&lt=-10&st=0.5"), Code::CHANGED);
    let instance = [
        "/3303/0/5601",
        "/3303/0/5602",
        "/3303/0/5605",
        "/3303/0/5700;gt=30.5;lt=-10;st=0.5",
        "/3303/0/5701",
        "/3303/0;pmax=60;pmin=5",
    ];
    assert_eq!(server.discover("/3303/0"), instance);
    let object = server.discover("/3303");
    assert!(object.contains(&"/3303;pmin=1;ver=1.1".to_owned()), "{object:?}");
    assert!(instance.iter().all(|link| object.iter().any(|other| other == link)), "{object:?}");
    assert_eq!(server.discover("/3303/0/5700"), ["/3303/0/5700;gt=30.5;lt=-10;pmax=60;pmin=5;st=0.5"]);
    assert_eq!(server.discover("/3303/1/5700"), ["/3303/1/5700;pmin=1"], "inherited from the object");
    assert_eq!(server.attributes("/3/0/7/1", "pmin=7"), Code::CHANGED);
    assert_eq!(server.discover("/3/0/7"), ["/3/0/7/1;pmin=7", "/3/0/7;dim=2"]);
}

fn what_is_not_there_can_not_be_discovered(over: Transport) {
    let Some((_device, endpoint)) = connect::<Plain>(over, "discover-nothing") else { return };
    for path in ["/9999", "/3/1", "/3/0/99", "/33001/0/9"] {
        assert_eq!(endpoint.run(|name| Command::discover(name, path)).code, Code::NOT_FOUND, "{path}");
    }
    assert_eq!(endpoint.run(|name| Command::discover(name, "/0")).code, Code::UNAUTHORIZED);
}
