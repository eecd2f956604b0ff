//! Write-Attributes (LwM2M Core section 6.3.4): set, changed, removed, refused.

use coracle_leshan_peer::{Code, Command};
use coracle_test_device::profiles::Plain;

use crate::server::connect;
use crate::transport::{Transport, over_each_transport};

over_each_transport!(
    attributes_are_set_changed_and_removed,
    every_level_has_its_own,
    refused,
    a_full_table_is_told,
    unknown_attributes_are_bad_requests,
);

fn attributes_are_set_changed_and_removed(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "attributes-change") else { return };
    let path = "/3303/0/5700";
    assert_eq!(server.attributes(path, "pmin=1&pmax=5&gt=30&lt=10&st=2.5"), Code::CHANGED);
    assert_eq!(server.discover(path), ["/3303/0/5700;gt=30;lt=10;pmax=5;pmin=1;st=2.5"]);
    assert_eq!(server.attributes(path, "pmax=60&st=0.125"), Code::CHANGED);
    assert_eq!(server.discover(path), ["/3303/0/5700;gt=30;lt=10;pmax=60;pmin=1;st=0.125"]);
    assert_eq!(server.attributes(path, "gt&lt&pmin"), Code::CHANGED);
    assert_eq!(server.discover(path), ["/3303/0/5700;pmax=60;st=0.125"]);
    assert_eq!(server.attributes(path, "pmax&st"), Code::CHANGED);
    assert_eq!(server.discover(path), ["/3303/0/5700"]);
}

fn every_level_has_its_own(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "attributes-levels") else { return };
    for (path, query) in
        [("/3442", "pmin=1"), ("/3442/0", "pmin=2"), ("/3442/0/1120", "pmin=3"), ("/3442/0/1120/1", "pmin=4")]
    {
        assert_eq!(server.attributes(path, query), Code::CHANGED, "{path}");
    }
    let links = server.discover("/3442");
    for link in ["/3442;pmin=1", "/3442/0;pmin=2", "/3442/0/1120;dim=4;pmin=3"] {
        assert!(links.contains(&link.to_owned()), "{link} in {links:?}");
    }
    assert_eq!(server.discover("/3442/0/1120"), ["/3442/0/1120/1;pmin=4", "/3442/0/1120;dim=4;pmin=3"]);
}

/// A refused request changes none of the attributes that it names.
fn refused(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "attributes-refused") else { return };
    let number = "/3303/0/5700";
    assert_eq!(server.attributes(number, "gt=30&lt=10"), Code::CHANGED);
    for (path, query, what) in [
        (number, "lt=31", "lt above gt"),
        (number, "pmin=5&st=10", "lt + 2 st is not below gt"),
        (number, "pmin=5&gt=9", "gt below lt"),
        ("/3303/0/5701", "gt=5", "gt of a text"),
        ("/3311/0/5850", "st=1", "st of a truth value"),
        ("/3442/0/150", "lt=1", "lt of bytes"),
    ] {
        assert_eq!(server.attributes(path, query), Code::BAD_REQUEST, "{what}");
    }
    assert_eq!(server.discover(number), ["/3303/0/5700;gt=30;lt=10"]);
}

/// The table of attributes is full: the device says so, and forgets nothing.
fn a_full_table_is_told(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "attributes-full") else { return };
    let ids = [110, 120, 125, 130, 140, 150, 160, 170, 1110, 1120, 1125, 1130, 1140, 1150, 1160, 1170];
    for id in ids {
        assert_eq!(server.attributes(&format!("/3442/0/{id}"), "pmin=1"), Code::CHANGED);
    }
    assert_eq!(server.attributes("/3303/0/5700", "pmin=1"), Code(5, 3));
    assert_eq!(
        server.attributes("/3442/0/110", "pmax=9"),
        Code::CHANGED,
        "those that are there can be changed"
    );
    assert_eq!(server.attributes("/3442/0/120", "pmin"), Code::CHANGED, "and removed");
    assert_eq!(server.attributes("/3303/0/5700", "pmin=1"), Code::CHANGED, "which makes room");
}

/// Attributes that Leshan knows and this version of the device does not.
fn unknown_attributes_are_bad_requests(over: Transport) {
    let Some((_device, server)) = connect::<Plain>(over, "attributes-unknown") else { return };
    for query in ["epmin=1", "epmax=5", "pmin=1&epmin=1"] {
        let answer = server.run(|name| Command::attributes(name, "/3303/0/5700", query));
        assert_eq!(answer.code, Code::BAD_REQUEST, "{query}");
    }
    assert_eq!(server.discover("/3303/0/5700"), ["/3303/0/5700"]);
}
