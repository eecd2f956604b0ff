//! Read, Write, Discover, Create, Delete: every level, every format, every refusal.

use std::format;
use std::string::String;
use std::vec::Vec;

use coap_lite::CoapOption;

use super::{Rig, options, set_format};
use crate::Event;
use crate::model::Path;

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn read_in_text() {
    let mut rig = Rig::registered();
    for (resource, text) in [
        ("0", "hello"),
        ("1", "-5"),
        ("2", "200"),
        ("3", "21.5"),
        ("4", "1"),
        ("5", "AQL/"),
        ("6", "1700000000"),
        ("7", "3:0"),
        ("8", "4.06"),
        ("8/1", "-8"),
        ("8/2", "4.04"),
        ("9", "4.04"),
        ("10", "fixed"),
        ("11", "4.05"),
        ("20", "4.05"),
        ("21", "400"),
        ("22", "4.04"),
    ] {
        assert_eq!(rig.text(&format!("/33000/0/{resource}")), text, "{resource}");
    }
    assert_eq!(rig.text("/33000/0"), "4.06");
    assert_eq!(rig.text("/33000/1/0"), "4.04");
    assert_eq!(rig.text("/33002/0/0"), "4.04");
    assert_eq!(rig.text("/33000/0/0/0"), "4.04");
}

#[test]
fn read_in_opaque_and_cbor() {
    let mut rig = Rig::registered();
    assert_eq!(rig.read("/33000/0/5", 42).unwrap(), [1, 2, 255]);
    assert_eq!(rig.read("/33000/0/0", 42), Err("4.06".into()));
    for (resource, value) in [
        ("0", "65 68656c6c6f"),
        ("1", "24"),
        ("2", "18c8"),
        ("3", "fa 41ac0000"),
        ("4", "f5"),
        ("5", "43 0102ff"),
        ("6", "c1 1a 6553f100"),
        ("7", "63 333a30"),
        ("8/1", "27"),
    ] {
        assert_eq!(rig.read(&format!("/33000/0/{resource}"), 60).unwrap(), hex(value), "{resource}");
    }
    assert_eq!(rig.read("/33000/0", 60), Err("4.06".into()));
}

#[test]
fn read_in_tlv() {
    let mut rig = Rig::registered();
    let resources =
        "c5 00 68656c6c6f  c1 01 fb  c2 02 00c8  c4 03 41ac0000  c1 04 01  c3 05 0102ff  c4 06 6553f100
         c4 07 00030000  86 08 41 00 07 41 01 f8  c5 0a 6669786564  c1 0c 00  c1 0d 0a  c2 15 0190";
    assert_eq!(rig.read("/33000/0", 11542).unwrap(), hex(resources));
    let instance = hex(resources);
    let whole = [&[0x08, 0x00, instance.len() as u8][..], &instance].concat();
    assert_eq!(rig.read("/33000", 11542).unwrap(), whole);
    assert_eq!(rig.read("/33000/0/8", 11542).unwrap(), hex("86 08 41 00 07 41 01 f8"));
    assert_eq!(rig.read("/33000/0/8/1", 11542).unwrap(), hex("41 01 f8"));
    assert!(rig.read("/33001", 11542).unwrap().is_empty());
}

#[test]
fn read_in_senml_json() {
    let mut rig = Rig::registered();
    let json = String::from_utf8(rig.read("/33000/0", 110).unwrap()).unwrap();
    assert_eq!(
        json,
        concat!(
            r#"[{"bn":"/33000/0/","n":"0","vs":"hello"},{"n":"1","v":-5},{"n":"2","v":200},{"n":"3","v":21.5},"#,
            r#"{"n":"4","vb":true},{"n":"5","vd":"AQL_"},{"n":"6","v":1700000000},{"n":"7","vlo":"3:0"},"#,
            r#"{"n":"8/0","v":7},{"n":"8/1","v":-8},{"n":"10","vs":"fixed"},{"n":"12","v":0},{"n":"13","v":10},{"n":"21","v":400}]"#
        )
    );
    let read = |rig: &mut Rig, path| String::from_utf8(rig.read(path, 110).unwrap()).unwrap();
    assert_eq!(read(&mut rig, "/33000/0/1"), r#"[{"bn":"/33000/0/1","v":-5}]"#);
    assert_eq!(read(&mut rig, "/33000/0/8"), r#"[{"bn":"/33000/0/8/","n":"0","v":7},{"n":"1","v":-8}]"#);
    assert!(read(&mut rig, "/33000").starts_with(r#"[{"bn":"/33000/","n":"0/0","vs":"hello"},{"n":"0/1""#));
    assert_eq!(read(&mut rig, "/33001"), "[]");
}

#[test]
fn read_in_senml_cbor() {
    let mut rig = Rig::registered();
    assert_eq!(
        rig.read("/33000/0/8", 112).unwrap(),
        hex("82 a3 21 6b 2f33333030302f302f382f 00 61 30 02 07  a2 00 61 31 02 27")
    );
    assert_eq!(rig.read("/33000/0/4", 112).unwrap(), hex("81 a2 21 6a 2f33333030302f302f34 04 f5"));
    let all = rig.read("/33000/0", 112).unwrap();
    assert_eq!(all[0], 0x8e, "14 records");
    assert_eq!(rig.read("/33001", 112).unwrap(), hex("80"));
}

#[test]
fn without_accept_the_first_format_that_fits_is_used() {
    let mut rig = Rig::registered();
    let request = rig.request("GET /33000/0/1");
    assert_eq!(super::uint(&rig.exchange(&request), CoapOption::ContentFormat), Some(112));
    assert_eq!(rig.read("/33000/0/1", 9999), Err("4.06".into()));
}

#[test]
fn write_one_value_in_every_format() {
    let cases: &[(&str, u16, &[u8], &str)] = &[
        ("0", 0, b"text", "text"),
        ("0", 0, b"", ""),
        ("1", 0, b"-100", "-100"),
        ("2", 60, &[0x1a, 0xff, 0xff, 0xff, 0xff], "4294967295"),
        ("3", 0, b"-1e3", "-1000"),
        ("3", 60, &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a], "1.1"),
        ("3", 60, &[0x05], "5"),
        ("3", 60, &[0xc4, 0x82, 0x21, 0x19, 0x6a, 0xb3], "273.15"),
        ("4", 0, b"0", "0"),
        ("4", 11542, &[0xc1, 4, 0], "0"),
        ("5", 42, &[9, 8], "CQg="),
        ("5", 0, b"CQg=", "CQg="),
        ("5", 110, br#"[{"n":"/33000/0/5","vd":"CQg"}]"#, "CQg="),
        ("6", 60, &[0xc1, 0x1a, 0, 0, 1, 0], "256"),
        ("7", 0, b"33000:65535", "33000:65535"),
        ("7", 11542, &[0xc4, 7, 0, 3, 255, 255], "3:65535"),
        ("8/0", 0, b"11", "11"),
        ("8/9", 11542, &[0x41, 9, 3], "3"),
        ("9", 0, b"0.25", "0.25"),
        ("1", 110, br#" [ { "bn" : "/33000/0/1" , "v" : 21.0 } ] "#, "21"),
        ("0", 110, br#"[{"bn":"/33000/","n":"0/0","vs":"a\"\u00e9\ud834\udd1e"}]"#, "a\"é𝄞"),
        (
            "0",
            112,
            &[
                0x81, 0xa2, 0x21, 0x6a, b'/', b'3', b'3', b'0', b'0', b'0', b'/', b'0', b'/', b'0', 0x03,
                0x61, b'x',
            ],
            "x",
        ),
    ];
    for (resource, format, payload, text) in cases {
        let mut rig = Rig::registered();
        assert_eq!(
            rig.send(&format!("PUT /33000/0/{resource}"), *format, payload),
            "2.04",
            "{resource} {format}"
        );
        assert_eq!(rig.text(&format!("/33000/0/{resource}")), *text, "{resource} {format}");
    }
}

#[test]
fn values_that_are_refused_change_nothing() {
    let cases: &[(&str, u16, &[u8], &str)] = &[
        ("PUT /33000/0/1", 0, b"101", "4.00"),
        ("PUT /33000/0/1", 0, b"x", "4.00"),
        ("PUT /33000/0/1", 42, b"1", "4.15"),
        ("PUT /33000/0/2", 0, b"-1", "4.00"),
        ("PUT /33000/0/2", 0, b"4294967296", "4.00"),
        ("PUT /33000/0/4", 0, b"yes", "4.00"),
        ("PUT /33000/0/10", 0, b"x", "4.05"),
        ("PUT /33000/0/20", 0, b"x", "4.05"),
        ("PUT /33000/0/21", 0, b"1", "4.05"),
        ("PUT /33000/0/22", 0, b"1", "4.04"),
        ("PUT /33000/0/1/0", 0, b"1", "4.04"),
        ("PUT /33000/0/8", 0, b"1", "4.15"),
        ("PUT /33000/1/1", 0, b"1", "4.04"),
        ("PUT /33000", 11542, &[0xc1, 1, 1], "4.05"),
        ("PUT /33000/0/1", 11542, &[0xc1, 2, 1], "4.00"),
        ("PUT /33000/0/1", 11542, &[0xc1, 1, 1, 0xc1, 1, 2], "4.00"),
        ("PUT /33000/0/1", 11542, &[0xc2, 1, 1], "4.00"),
        ("PUT /33000/0/1", 11542, &[0xc3, 1, 0, 0, 1], "4.00"),
        ("PUT /33000/0/1", 11542, &[], "4.00"),
        ("PUT /33000/0/1", 110, br#"[{"n":"/33000/0/2","v":1}]"#, "4.00"),
        ("PUT /33000/0/1", 110, br#"[{"n":"/33000/0/1","v":1,"s":2}]"#, "4.00"),
        ("PUT /33000/0/1", 110, br#"[{"n":"/33000/0/1","bv":1,"v":1}]"#, "4.00"),
        ("PUT /33000/0/1", 110, br#"[{"n":"/33000/0/1","v":1,"x_":2}]"#, "4.00"),
        ("PUT /33000/0/1", 110, br#"[{"n":"/33000/0/1","v":1,"v":2}]"#, "4.00"),
        ("PUT /33000/0/1", 110, br#"[{"n":"/33000/0/1"}]"#, "4.00"),
        ("PUT /33000/0/1", 110, br#"[{"n":"/33000/0/1","v":01}]"#, "4.00"),
        ("PUT /33000/0/1", 110, br#"[{"n":"/33000/0/1","v":1}] x"#, "4.00"),
        ("PUT /33000/0/1", 110, br#"{"n":"/33000/0/1","v":1}"#, "4.00"),
        ("PUT /33000/0/1", 112, &[0xa0], "4.00"),
        ("PUT /33000/0/1", 60, &[0x01, 0x02], "4.00"),
        ("PUT /33000/0/1", 60, &[0xf6], "4.00"),
        ("POST /33000/0/1", 0, b"101", "4.00"),
        ("PUT /33000/0/8", 11542, &[0x41, 0, 1, 0x41, 1, 1, 0x41, 2, 1, 0x41, 3, 1], "4.13"),
        ("POST /33000/0/8", 11542, &[0x41, 4, 1, 0x41, 5, 1], "4.13"),
    ];
    for (request, format, payload, code) in cases {
        let mut rig = Rig::registered();
        let before = rig.read("/33000/0", 112).unwrap();
        assert_eq!(rig.send(request, *format, payload), *code, "{request} {format} {payload:x?}");
        assert_eq!(rig.read("/33000/0", 112).unwrap(), before, "{request}");
        assert!(rig.events().is_empty());
        rig.expect_silence();
    }
}

#[test]
fn a_write_of_several_values_is_all_or_nothing() {
    let mut rig = Rig::registered();
    let good = [0xc2, 0, b'o', b'k', 0xc1, 1, 9];
    let bad = [0xc2, 0, b'n', b'o', 0xc1, 1, 127];
    assert_eq!(rig.send("POST /33000/0", 11542, &bad), "4.00");
    assert_eq!((rig.text("/33000/0/0"), rig.text("/33000/0/1")), ("hello".into(), "-5".into()));
    assert_eq!(rig.send("POST /33000/0", 11542, &good), "2.04");
    assert_eq!((rig.text("/33000/0/0"), rig.text("/33000/0/1")), ("ok".into(), "9".into()));
    assert_eq!(rig.text("/33000/0/3"), "21.5", "a partial Write leaves the rest");
    assert_eq!(
        rig.events().last(),
        Some(&Event::Written { server: super::SERVER, path: Path::instance(33000, 0) })
    );
}

#[test]
fn an_object_can_check_values_together() {
    let mut rig = Rig::registered();
    let write = |rig: &mut Rig, json: &str| rig.send("POST /33000/0", 110, json.as_bytes());
    assert_eq!(write(&mut rig, r#"[{"n":"/33000/0/12","v":11}]"#), "4.00");
    assert_eq!(write(&mut rig, r#"[{"n":"/33000/0/12","v":11},{"n":"/33000/0/13","v":5}]"#), "4.00");
    assert_eq!(write(&mut rig, r#"[{"n":"/33000/0/12","v":11},{"n":"/33000/0/13","v":12}]"#), "2.04");
    assert_eq!(rig.send("PUT /33000/0/13", 0, b"10"), "4.00");
    assert_eq!(rig.text("/33000/0/13"), "12");
}

#[test]
fn a_replacing_write_needs_all_that_is_mandatory_and_resets_the_rest() {
    let mut rig = Rig::registered();
    rig.send("PUT /33000/0/9", 0, b"1.5");
    let mandatory = "c1 00 61  c1 01 01  c1 02 02  c4 03 3f800000  c1 04 00  c0 05  c1 06 06  c4 07 00030000  83 08 41 05 0a  c1 0b 73";
    let mut incomplete = hex(mandatory);
    incomplete.truncate(incomplete.len() - 3);
    assert_eq!(rig.send("PUT /33000/0", 11542, &incomplete), "4.00");
    assert_eq!(rig.text("/33000/0/0"), "hello");
    // Without resource 13 in it, that is 0: 5 would be above it.
    let crossed = [&hex(mandatory)[..], &[0xc1, 12, 5]].concat();
    assert_eq!(rig.send("PUT /33000/0", 11542, &crossed), "4.00");
    assert_eq!(rig.send("PUT /33000/0", 11542, &hex(mandatory)), "2.04");
    assert_eq!(rig.text("/33000/0/9"), "4.04", "an optional resource goes");
    assert_eq!(rig.text("/33000/0/13"), "0", "an optional field has its default");
    assert_eq!(rig.read("/33000/0/8", 11542).unwrap(), hex("83 08 41 05 0a"), "instances are replaced");
}

#[test]
fn resources_of_several_instances() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("POST /33000/0/8", 11542, &hex("41 01 09 41 05 0a")), "2.04");
    assert_eq!(rig.read("/33000/0/8", 11542).unwrap(), hex("88 08 09 41 00 07 41 01 09 41 05 0a"));
    assert_eq!(
        rig.send("PUT /33000/0/8", 110, br#"[{"bn":"/33000/0/8/","n":"3","v":1},{"n":"2","v":2}]"#),
        "2.04"
    );
    assert_eq!(rig.read("/33000/0/8", 11542).unwrap(), hex("86 08 41 02 02 41 03 01"));
    assert_eq!(rig.send("PUT /33000/0/8", 11542, &hex("83 08 41 00 01")), "2.04", "inside its own element");
    assert_eq!(rig.read("/33000/0/8", 11542).unwrap(), hex("83 08 41 00 01"));
    for (format, nothing) in [(11542, &[][..]), (11542, &hex("80 08")), (112, &[0x80]), (110, b"[]")] {
        assert_eq!(
            rig.send("PUT /33000/0/8", format, nothing),
            "4.00",
            "it is mandatory: one instance at least"
        );
        assert_eq!(rig.read("/33000/0/8", 11542).unwrap(), hex("83 08 41 00 01"));
        assert_eq!(rig.send("POST /33000/0/8", format, nothing), "2.04", "nothing is added");
    }
    assert_eq!(rig.send("POST /33001", 11542, &hex("c1 00 61")), "2.01");
    assert_eq!(rig.send("PUT /33001/0/2", 11542, &hex("41 00 01")), "2.04");
    assert_eq!(rig.read("/33001/0/2", 11542).unwrap(), hex("83 02 41 00 01"));
    assert_eq!(rig.send("PUT /33001/0/2", 11542, &[]), "2.04", "an optional one can be emptied");
    assert_eq!(rig.read("/33001/0/2", 11542), Err("4.04".into()));
}

#[test]
fn object_0_is_not_for_servers() {
    let mut rig = Rig::registered();
    for request in [
        "GET /0",
        "GET /0/0",
        "GET /0/0/0",
        "GET /0/0/5",
        "PUT /0/0?pmin=1",
        "POST /0",
        "POST /0/0/0",
        "DELETE /0/0",
    ] {
        assert_eq!(rig.code(request), "4.01", "{request}");
    }
    assert_eq!(rig.send("PUT /0/0/0", 0, b"coap://evil"), "4.01");
    assert_eq!(rig.read("/0", 40), Err("4.01".into()));
    let mut observe = rig.request("GET /0/0");
    observe.add_option(CoapOption::Observe, std::vec![]);
    assert_eq!(rig.exchange(&observe).header.get_code(), "4.01");
}

#[test]
fn object_1_is_what_the_client_does() {
    let mut rig = Rig::registered();
    assert_eq!(
        String::from_utf8(rig.read("/1", 110).unwrap()).unwrap(),
        r#"[{"bn":"/1/","n":"0/0","v":123},{"n":"0/1","v":300},{"n":"0/6","vb":true},{"n":"0/7","vs":"U"}]"#
    );
    assert_eq!(rig.send("PUT /1/0/0", 0, b"5"), "4.05");
    assert_eq!(rig.send("PUT /1/0/2", 0, b"5"), "2.04");
    assert_eq!(rig.send("PUT /1/0/1", 0, b"-1"), "4.00");
    assert_eq!(rig.code("GET /1/1"), "4.04");
}

#[test]
fn create_with_and_without_an_id() {
    let mut rig = Rig::registered();
    let create = |rig: &mut Rig, format, payload: &[u8]| {
        let mut request = rig.request("POST /33001");
        set_format(&mut request, CoapOption::ContentFormat, format);
        request.payload = payload.to_vec();
        let answer = rig.exchange(&request);
        (answer.header.get_code(), options(&answer, CoapOption::LocationPath).join("/"))
    };
    assert_eq!(create(&mut rig, 11542, &hex("08 05 03 c1 00 61")), ("2.01".into(), "33001/5".into()));
    assert_eq!(rig.text("/33001/5/0"), "a");
    assert_eq!(rig.text("/33001/5/1"), "4.04");
    let update = rig.sent().expect("Update with the new instance");
    assert!(update.payload.ends_with(b"</33001/5>"));
    rig.respond(&update, "2.04", &[]);
    assert_eq!(create(&mut rig, 11542, &hex("08 05 03 c1 00 61")).0, "4.00", "the id is taken");
    assert_eq!(create(&mut rig, 11542, &hex("c1 01 07")).0, "4.00", "a mandatory resource is missing");
    assert_eq!(create(&mut rig, 11542, &hex("08 06 03 c1 00 61 08 07 03 c1 00 61")).0, "4.00", "two at once");
    assert_eq!(create(&mut rig, 11542, &hex("c9 00 09 313233343536373839")).0, "4.13");
    assert_eq!(create(&mut rig, 0, b"x").0, "4.15");
    rig.expect_silence(); // refusals change nothing
    let json = br#"[{"bn":"/33001/9/","n":"0","vs":"b"},{"n":"1","v":3}]"#;
    assert_eq!(create(&mut rig, 110, json), ("2.01".into(), "33001/9".into()));
    assert_eq!(rig.text("/33001/9/1"), "3");
    assert_eq!(create(&mut rig, 11542, &hex("c1 00 61")).0, "5.03", "no room");
    assert_eq!(rig.code("DELETE /33001/5"), "2.02");
    assert_eq!(rig.code("DELETE /33001/5"), "4.04");
    assert_eq!(create(&mut rig, 11542, &hex("c1 00 61")), ("2.01".into(), "33001/0".into()));
    assert_eq!(create(&mut rig, 11542, b"").0, "5.03");
    let created = |event: &&Event| matches!(event, Event::Created { .. } | Event::Deleted { .. });
    assert_eq!(rig.events().iter().filter(created).count(), 4);
}

#[test]
fn discover_shows_what_is_there_and_the_attributes_of_this_server() {
    let mut rig = Rig::registered();
    let discover = |rig: &mut Rig, path| String::from_utf8(rig.read(path, 40).unwrap()).unwrap();
    assert_eq!(
        discover(&mut rig, "/33000/0"),
        "</33000/0>,</33000/0/0>,</33000/0/1>,</33000/0/2>,</33000/0/3>,</33000/0/4>,</33000/0/5>,</33000/0/6>,</33000/0/7>,\
         </33000/0/8>;dim=2,</33000/0/10>,</33000/0/11>,</33000/0/12>,</33000/0/13>,</33000/0/20>,</33000/0/21>"
    );
    assert_eq!(rig.code("PUT /33000?pmin=10"), "2.04");
    assert_eq!(rig.code("PUT /33000/0?pmax=60"), "2.04");
    assert_eq!(rig.code("PUT /33000/0/3?gt=50&lt=42.2&st=1.5"), "2.04");
    assert_eq!(rig.code("PUT /33000/0/8/1?pmin=2"), "2.04");
    let all = discover(&mut rig, "/33000");
    assert!(all.starts_with("</33000>;ver=1.2;pmin=10,</33000/0>;pmax=60,</33000/0/0>,"), "{all}");
    assert!(all.contains("</33000/0/3>;gt=50;lt=42.2;st=1.5,"), "{all}");
    assert_eq!(discover(&mut rig, "/33000/0/3"), "</33000/0/3>;pmin=10;pmax=60;gt=50;lt=42.2;st=1.5");
    assert_eq!(discover(&mut rig, "/33000/0/8"), "</33000/0/8>;dim=2;pmin=10;pmax=60,</33000/0/8/1>;pmin=2");
    assert_eq!(discover(&mut rig, "/33001"), "</33001>");
    assert_eq!(discover(&mut rig, "/1/0/4"), "</1/0/4>");
    assert_eq!(rig.read("/33000/0/8/1", 40), Err("4.05".into()));
    assert_eq!(rig.read("/33000/0/9", 40), Err("4.04".into()));
    assert_eq!(rig.read("/", 40), Err("4.05".into()));
}

#[test]
fn write_attributes_needs_a_target_that_can_have_them() {
    let mut rig = Rig::registered();
    for (request, code) in [
        ("PUT /33000/0/0?gt=1", "4.00"),
        ("PUT /33000/0?st=1", "4.00"),
        ("PUT /33000?lt=1", "4.00"),
        ("PUT /33000/0/9?pmin=1", "4.04"),
        ("PUT /33000/1?pmin=1", "4.04"),
        ("PUT /33002?pmin=1", "4.04"),
        ("PUT /?pmin=1", "4.05"),
        ("PUT /33000/0/3?gt=10&lt=20", "4.00"),
        ("PUT /33000/0/8/0?gt=1", "2.04"),
        ("PUT /33000/0/1?pmin=1&pmax=2&gt=3&lt=-3&st=1", "2.04"),
    ] {
        assert_eq!(rig.code(request), code, "{request}");
    }
    for resource in [0, 2] {
        assert_eq!(rig.code(&format!("PUT /33000/0/{resource}?pmin=1")), "2.04");
    }
    assert_eq!(rig.code("PUT /33000/0/5?pmin=1"), "5.03", "the table is full");
    assert_eq!(rig.code("PUT /33000/0/0?pmin"), "2.04");
    assert_eq!(rig.code("PUT /33000/0/5?pmin=1"), "2.04");
}

#[test]
fn queries_that_mean_nothing_are_refused() {
    let mut rig = Rig::registered();
    assert_eq!(rig.code("GET /33000/0/0?x=1"), "4.00");
    assert_eq!(rig.code("POST /33000/0/20?x"), "4.00");
    assert_eq!(rig.send("PUT /33000/0/0?pmin=1", 0, b"x"), "4.00");
}

#[test]
fn servers_are_answered_before_they_have_answered_register() {
    let mut rig = Rig::new();
    rig.engine.start(rig.now(), super::SERVER);
    assert_eq!(rig.text("/33000/0/0"), "hello");
}
