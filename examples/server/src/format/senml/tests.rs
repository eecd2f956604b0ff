use crate::format::{Format, Node, Record, decode, encode, newest, tree};
use crate::value::{Type, Types, Value, Values};

fn types() -> Types {
    Types::default().with(&[(9999, 3, Type::Opaque)])
}

fn records(format: Format, base: &str, payload: &[u8]) -> Result<Vec<Record>, String> {
    decode(format, base, payload, &types()).map_err(|error| error.reason)
}

fn json(base: &str, payload: &str) -> Result<Values, String> {
    records(Format::SenmlJson, base, payload.as_bytes()).map(newest)
}

#[test]
fn the_json_example_of_the_specification() {
    let payload = r#"[{"bn":"/3/0/","n":"0","vs":"Open Mobile Alliance"},{"n":"6/0","v":1},{"n":"9","v":100.0},
        {"n":"13","v":1367491215},{"n":"22/0","vlo":"33605:0"},{"bn":"/1/0/","n":"6","vb":true},{"n":"1","v":60}]"#;
    let values = json("/", payload).unwrap();
    assert_eq!(values["/3/0/0"], Value::from("Open Mobile Alliance"));
    assert_eq!(values["/3/0/9"], Value::Integer(100));
    assert_eq!(values["/3/0/13"], Value::Time(1_367_491_215));
    assert_eq!(values["/3/0/22/0"], Value::Objlink(33605, 0));
    assert_eq!(values["/1/0/6"], Value::Boolean(true));
    assert_eq!(values["/1/0/1"], Value::Integer(60));
    assert_eq!(values.len(), 7);
}

#[test]
fn the_cbor_example_of_rfc_8428_style() {
    // [{-2: "/3303/0/5700", 0: "", -3: 1.5e9, 6: -5, 2: 23.25}, {6: 0, 2: 21}]
    let mut payload = vec![0x82, 0xA5, 0x21, 0x6C];
    payload.extend(b"/3303/0/5700");
    payload.extend([0x00, 0x60, 0x22, 0x1A, 0x59, 0x68, 0x2F, 0x00, 0x06, 0x24, 0x02, 0xF9, 0x4D, 0xD0]);
    payload.extend([0xA2, 0x06, 0x00, 0x02, 0x15]);
    let list = records(Format::SenmlCbor, "/3303/0/5700", &payload).unwrap();
    let record =
        |time, value: f64| Record { path: "/3303/0/5700".into(), time: Some(time), value: value.into() };
    assert_eq!(list, [record(1_499_999_995.0, 23.25), record(1_500_000_000.0, 21.0)]);
    assert_eq!(newest(list)["/3303/0/5700"], Value::Float(21.0));
    for end in 0..payload.len() {
        assert!(records(Format::SenmlCbor, "/3303/0/5700", &payload[..end]).is_err(), "{end}");
    }
}

#[test]
fn base_fields() {
    let values =
        json("/", r#"[{"bn":"/3303/"},{"bv":20,"n":"0/5700","v":1.5},{"n":"1/5700","v":2,"u":"Cel"}]"#)
            .unwrap();
    assert_eq!(values["/3303/0/5700"], Value::Float(21.5));
    assert_eq!(values["/3303/1/5700"], Value::Float(22.0));
    assert_eq!(json("/3", "[]"), Ok(Values::new()));
    assert_eq!(json("/3", r#"[{"bn":"/3/0/"}]"#), Ok(Values::new()), "an instance without values");
}

#[test]
fn faults_have_names() {
    for (payload, reason) in [
        (r#"[{"n":"/3/0/0"}]"#, "record 0 has no value"),
        (r#"[{"n":"3/0/0","vs":"x"}]"#, "not a path"),
        (r#"[{"n":"/3/65536/0","vs":"x"}]"#, "not a path"),
        (r#"[{"n":"/3/0","vs":"x"}]"#, "neither a resource"),
        (r#"[{"n":"/4/0/0","v":1}]"#, "/4/0/0 was not asked for"),
        (r#"[{"n":"/3/0/9","vs":"full"}]"#, r#""full" of /3/0/9 is no Integer"#),
        (r#"[{"n":"/3/0/9","v":"1"}]"#, "does not fit field Number"),
        (r#"[{"n":"/3/0/9","v":1,"vs":"x"}]"#, "second value"),
        (r#"[{"n":"/3/0/9","v":1},{"n":"/3/0/9","v":2}]"#, "twice for the same time"),
        (r#"[{"n":"/3/0/9","v":1,"x_":1}]"#, "must be understood"),
        (r#"[{"bver":11,"n":"/3/0/9","v":1}]"#, "BaseVersion"),
        (r#"[{"n":"/3/0/22/0","vlo":"3"}]"#, "Objlink"),
        (r#"[{"n":"/3/0/9","v":null}]"#, "null"),
        (r#"{"n":"/3/0/9","v":1}"#, "sequence"),
        (r#"[{"n":"/3/0/9","v":1e999}]"#, "out of range"),
        ("", "EOF"),
    ] {
        let error = json("/3", payload).unwrap_err();
        assert!(error.contains(reason), "{payload}: {error}");
    }
    assert!(json("/9999", r#"[{"n":"/9999/0/3","vd":"AQ=="}]"#).unwrap_err().contains("base64url"));
    for payload in [&[0xA0][..], &[0x81, 0x01], &[0x81, 0xA1, 0x40, 0x01], &[0x81, 0xA2, 0, 0x60, 0, 0x60]] {
        assert!(records(Format::SenmlCbor, "/3", payload).is_err(), "{payload:02x?}");
    }
}

#[test]
fn written_payloads() {
    let write = |format, path, node: Node| encode(format, path, &node, &types()).unwrap();
    let text = |path, node| String::from_utf8(write(Format::SenmlJson, path, node)).unwrap();
    assert_eq!(text("/3/0/14", "+01:00".into()), r#"[{"bn":"/3/0/14","vs":"+01:00"}]"#);
    assert_eq!(
        text("/1/0", tree([("1", Value::from(60)), ("6", true.into()), ("10", Value::Objlink(11, 0))])),
        r#"[{"bn":"/1/0/","n":"1","v":60},{"n":"6","vb":true},{"n":"10","vlo":"11:0"}]"#
    );
    assert_eq!(
        text("/9999", tree([("0/3", vec![255_u8, 254])])),
        r#"[{"bn":"/9999/","n":"0/3","vd":"__4"}]"#
    );
    assert_eq!(write(Format::SenmlCbor, "/1/0/1", 60.into()), b"\x81\xA2\x21\x66/1/0/1\x02\x18\x3C");
    assert!(encode(Format::SenmlJson, "/3303/0/5700", &f64::NAN.into(), &types()).is_err());
}

#[test]
fn what_is_written_is_read_again() {
    let node = tree([
        ("0/1", Value::Integer(i64::MIN)),
        ("0/11", Value::Unsigned(u64::MAX)),
        ("0/6", true.into()),
        ("0/7", "Ü".into()),
        ("0/10", Value::Objlink(11, 0)),
        ("0/25/3", "1.2".into()),
        ("1/12", Value::Time(-5)),
    ]);
    for format in [Format::SenmlJson, Format::SenmlCbor] {
        let payload = encode(format, "/1", &node, &types()).unwrap();
        let values = newest(records(format, "/1", &payload).unwrap());
        let Node::Tree(expected) = node.clone() else { unreachable!() };
        assert_eq!(values, expected.into_iter().map(|(path, value)| (format!("/1/{path}"), value)).collect());
    }
}
