use crate::format::{Format, Node, decode, encode, newest, tree};
use crate::value::{Type, Types, Value, Values};

fn read(base: &str, payload: &[u8]) -> Result<Values, String> {
    decode(Format::Tlv, base, payload, &Types::default()).map(newest).map_err(|error| error.reason)
}

fn write(path: &str, node: impl Into<Node>) -> Vec<u8> {
    let types =
        Types::default().with(&[(9999, 1, Type::Float), (9999, 2, Type::Unsigned), (9999, 3, Type::Opaque)]);
    encode(Format::Tlv, path, &node.into(), &types).unwrap()
}

/// The example of the LwM2M specification: Device with multiple resources (LwM2M Core section 7.4.3.2).
const DEVICE: &[u8] = &[
    0xC8, 0x00, 0x14, 0x4F, 0x70, 0x65, 0x6E, 0x20, 0x4D, 0x6F, 0x62, 0x69, 0x6C, 0x65, 0x20, 0x41, 0x6C,
    0x6C, 0x69, 0x61, 0x6E, 0x63, 0x65, 0x86, 0x06, 0x41, 0x00, 0x01, 0x41, 0x01, 0x05, 0x88, 0x07, 0x08,
    0x42, 0x00, 0x0E, 0xD8, 0x42, 0x01, 0x13, 0x88, 0xC1, 0x09, 0x64, 0xC4, 0x0D, 0x51, 0x82, 0x42, 0x8F,
    0xC6, 0x0E, 0x2B, 0x30, 0x32, 0x3A, 0x30, 0x30,
];

#[test]
fn the_example_of_the_specification() {
    let values = read("/3/0", DEVICE).unwrap();
    let shown: Vec<String> = values.iter().map(|(path, value)| format!("{path} {value}")).collect();
    assert_eq!(
        shown,
        [
            r#"/3/0/0 "Open Mobile Alliance""#,
            "/3/0/13 2013-05-02T10:40:15Z",
            r#"/3/0/14 "+02:00""#,
            "/3/0/6/0 1",
            "/3/0/6/1 5",
            "/3/0/7/0 3800",
            "/3/0/7/1 5000",
            "/3/0/9 100",
        ]
    );
    assert_eq!(read("/3", DEVICE), read("/3/0", DEVICE), "the instance may be left out");
    let whole = [&[0x08, 0x00, DEVICE.len() as u8][..], DEVICE].concat();
    assert_eq!(read("/3", &whole), read("/3/0", DEVICE));
    assert_eq!(read("/3/0", &whole), read("/3/0", DEVICE));
    assert_eq!(read("/3/0/9", &[0xC1, 9, 100]).unwrap()["/3/0/9"], Value::Integer(100));
    assert_eq!(read("/3/0/6", &DEVICE[23..31]).unwrap().len(), 2);
    assert_eq!(read("/3/0/6/1", &[0x41, 1, 5]).unwrap()["/3/0/6/1"], Value::Integer(5));
}

#[test]
fn every_truncation_is_refused_or_is_a_whole_list() {
    for end in 0..DEVICE.len() {
        let whole = [0, 23, 31, 42, 45, 51].contains(&end);
        assert_eq!(read("/3/0", &DEVICE[..end]).is_ok(), whole, "{end}");
    }
}

#[test]
fn misplaced_entries_are_refused() {
    for (base, payload, reason) in [
        ("/3/0/9", &[0xC1, 10, 1][..], "/3/0/10 was not asked for"),
        ("/3/0", &[0x41, 0, 1], "a ResourceInstance cannot lie in /3/0"),
        ("/3/1", &[0x03, 0, 0xC1, 9, 1], "/3/0 was not asked for"),
        ("/3/0", &[0x85, 6, 0x82, 0, 0x40, 0, 0], "a MultipleResource cannot lie in a MultipleResource"),
        ("/3/0", &[0xC3, 9, 1, 2, 3], "3 bytes of /3/0/9 are no Integer"),
        ("/1/0", &[0xC1, 6, 2], "1 bytes of /1/0/6 are no Boolean"),
        ("/3303/0", &[0xE2, 0x16, 0x44, 0, 0], "2 bytes of /3303/0/5700 are no Float"),
        ("/", &[0xC1, 9, 1], "a Resource cannot lie in /"),
        ("/3/0/9", &[0xC1, 9, 1, 0xC0], "1 bytes are no whole entry"),
    ] {
        assert_eq!(read(base, payload), Err(reason.to_owned()), "{base} {payload:02x?}");
    }
}

#[test]
fn unknown_types_are_shown_as_they_look() {
    assert_eq!(read("/9999/0", &[0xC2, 1, b'o', b'k']).unwrap()["/9999/0/1"], Value::from("ok"));
    assert_eq!(read("/9999/0", &[0xC2, 1, 0, 1]).unwrap()["/9999/0/1"], Value::Opaque(vec![0, 1]));
}

#[test]
fn integers_are_signed() {
    assert_eq!(read("/3/0", &[0xC1, 9, 0xFF]).unwrap()["/3/0/9"], Value::Integer(-1));
    assert_eq!(read("/3/0", &[0xC2, 9, 0x80, 0]).unwrap()["/3/0/9"], Value::Integer(-32768));
    assert_eq!(read("/1/0", &[0xC1, 11, 0xFF]).unwrap()["/1/0/11"], Value::Unsigned(255));
}

#[test]
fn written_entries() {
    assert_eq!(write("/3/0/14", "+02:00"), [0xC6, 14, b'+', b'0', b'2', b':', b'0', b'0']);
    assert_eq!(write("/1/0", tree([("1", 60), ("3", 300)])), [0xC1, 1, 60, 0xC2, 3, 1, 44]);
    assert_eq!(write("/3/0/7", tree([("0", 1), ("1", 5)])), [0x86, 7, 0x41, 0, 1, 0x41, 1, 5]);
    assert_eq!(write("/3/0/7/1", 5), [0x41, 1, 5]);
    assert_eq!(write("/3303", tree([("2/5700", 0.5)])), [0x07, 2, 0xE4, 0x16, 0x44, 0x3F, 0, 0, 0]);
    assert_eq!(write("/9999/0/1", 0.1)[..3], [0xC8, 1, 8]);
    assert_eq!(write("/9999/0/3", vec![7; 300])[..4], [0xD0, 3, 1, 44]);
    assert_eq!(write("/1/0/1", -129), [0xC2, 1, 0xFF, 0x7F]);
    assert_eq!(write("/9999/0/2", 255_u32), [0xC1, 2, 255]);
    assert_eq!(write("/1/0/10", Value::Objlink(11, 1)), [0xC4, 10, 0, 11, 0, 1]);
}

#[test]
fn what_is_written_is_read_again() {
    let node = tree([
        ("0/1", Value::Integer(i64::MIN)),
        ("0/6", true.into()),
        ("0/7", "U".into()),
        ("0/10", Value::Objlink(11, 0)),
        ("0/25/0", "1.1".into()),
        ("0/25/3", "1.2".into()),
        ("700/12", Value::Time(-5)),
    ]);
    let values = read("/1", &write("/1", node.clone())).unwrap();
    let Node::Tree(expected) = node else { unreachable!() };
    assert_eq!(values, expected.into_iter().map(|(path, value)| (format!("/1/{path}"), value)).collect());
}
