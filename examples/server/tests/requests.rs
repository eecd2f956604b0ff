//! Requests to a device that is not Coracle.

mod common;

use coap_lite::{CoapOption, MessageType, Packet};
use common::{
    LINK, NEVER, SENML_JSON, SOON, TEXT, code, config, content, last_request, number, obliging, pair, path,
};
use common::{piggybacked, query};
use coracle_demo_server::{
    Answer, Carrier, Code, Device, Format, Method, Mode, PeerId, Request, RequestError, Value, tree,
};

/// A request as the server tells it, and as the device sees it: method, path, Accept, Content-Format, payload.
type Case = (Request, &'static str, &'static str, &'static str, Option<u32>, Option<u32>, &'static [u8]);

#[test]
fn each_operation_as_the_specification_has_it() {
    let pair = obliging();
    let device = pair.server.device("dev");
    for (request, line, method, uri, accept, format, payload) in
        reads(&device).into_iter().chain(writes(&device)).chain(creates(&device))
    {
        assert_eq!(request.to_string(), line);
        let answer = request.send().unwrap().success().unwrap();
        assert_eq!(answer.request, line);
        let seen = last_request(&pair);
        assert_eq!((code(&seen).as_str(), path(&seen).as_str()), (method, uri), "{line}");
        assert_eq!(number(&seen, CoapOption::Accept), accept, "{line}");
        assert_eq!(number(&seen, CoapOption::ContentFormat), format, "{line}");
        assert_eq!(seen.payload, payload, "{line}");
        assert_eq!(seen.header.get_type(), MessageType::Confirmable);
        assert!(line.split_once('?').is_none_or(|(_, text)| text.starts_with(&query(&seen))), "{line}");
    }
}

/// What asks for values.
fn reads(device: &Device) -> Vec<Case> {
    vec![
        (device.read("/3/0/9", Format::Text), "GET /3/0/9 (text)", "0.01", "3/0/9", Some(0), None, b""),
        (device.read("/3/0", None), "GET /3/0", "0.01", "3/0", None, None, b""),
        (device.discover("/3"), "GET /3 (link)", "0.01", "3", Some(40), None, b""),
        (device.read("/", Format::SenmlCbor), "GET / (senml-cbor)", "0.01", "", Some(112), None, b""),
        (
            device.request(Method::Fetch, "/").content(Format::Cbor, &[1]).query("a"),
            "FETCH /?a (cbor) 1 B",
            "0.05",
            "",
            None,
            Some(60),
            &[1],
        ),
    ]
}

/// What changes a value, its attributes, or makes the device act.
fn writes(device: &Device) -> Vec<Case> {
    vec![
        (
            device.write("/3/0/14", "+01:00", Mode::Replace, Format::Text),
            r#"PUT /3/0/14 (text) "+01:00""#,
            "0.03",
            "3/0/14",
            None,
            Some(0),
            b"+01:00",
        ),
        (
            device.write("/1/0", tree([("1", 60), ("3", 5)]), Mode::Update, Format::Tlv),
            "POST /1/0 (tlv) 2 values",
            "0.02",
            "1/0",
            None,
            Some(11542),
            &[0xC1, 1, 60, 0xC1, 3, 5],
        ),
        (device.execute("/3/0/4", ""), "POST /3/0/4", "0.02", "3/0/4", None, None, b""),
        (
            device.execute("/3/0/4", "0='x'"),
            "POST /3/0/4 (text) 0='x'",
            "0.02",
            "3/0/4",
            None,
            Some(0),
            b"0='x'",
        ),
        (
            device.write_attributes("/3/0/9", "pmin=1&pmax=5&gt"),
            "PUT /3/0/9?pmin=1&pmax=5&gt",
            "0.03",
            "3/0/9",
            None,
            None,
            b"",
        ),
    ]
}

/// What makes and takes away instances.
fn creates(device: &Device) -> Vec<Case> {
    vec![
        (
            device.create("/3303", Some(2), tree([("5701", "C")]), Format::Tlv),
            "POST /3303 (tlv) 1 value",
            "0.02",
            "3303",
            None,
            Some(11542),
            &[0x04, 2, 0xE1, 0x16, 0x45, b'C'],
        ),
        (
            device.create("/3303", None, tree([("5701", "C")]), Format::Tlv),
            "POST /3303 (tlv) 1 value",
            "0.02",
            "3303",
            None,
            Some(11542),
            &[0xE1, 0x16, 0x45, b'C'],
        ),
        (
            device.create("/3303", Some(2), tree::<&str, Value>([]), Format::SenmlJson),
            "POST /3303 (senml-json) 0 values",
            "0.02",
            "3303",
            None,
            Some(110),
            br#"[{"bn":"/3303/2/"}]"#,
        ),
        (device.delete("/3303/2"), "DELETE /3303/2", "0.04", "3303/2", None, None, b""),
    ]
}

#[test]
fn answers_are_decoded_and_told_in_one_line() {
    let pair = pair(config(), |request| match path(request).as_str() {
        "3/0/9" => vec![content(request, TEXT, b"77")],
        "3/0" => vec![content(request, SENML_JSON, br#"[{"bn":"/3/0/","n":"9","v":77},{"n":"13","v":9}]"#)],
        "3" => vec![content(request, LINK, b"</3>,</3/0>;pmin=1")],
        "1/0/9" => {
            let mut refused = piggybacked(request, "4.05");
            refused.payload = b"executable".to_vec();
            vec![refused]
        }
        "3303" => {
            let mut created = piggybacked(request, "2.01");
            created.add_option(CoapOption::LocationPath, b"3303".to_vec());
            created.add_option(CoapOption::LocationPath, b"7".to_vec());
            vec![created]
        }
        _ => vec![piggybacked(request, "4.04")],
    });
    let device = pair.server.device("dev");
    let text = device.read("/3/0/9", Format::Text).send().unwrap();
    assert_eq!((text.value(), text.carrier, text.transmissions), (Some(77.into()), Carrier::Piggybacked, 1));
    assert_eq!(format!("{text:#}"), "GET /3/0/9 (text) -> 2.05 Content, 77");
    let several = device.read("/3/0", Format::SenmlJson).send().unwrap();
    assert_eq!(several.values().unwrap()["/3/0/13"], Value::Time(9));
    assert_eq!(format!("{several:#}"), "GET /3/0 (senml-json) -> 2.05 Content, 2 values");
    let links = device.discover("/3").send().unwrap();
    assert_eq!(links.links().unwrap()[1].get("pmin"), Some("1"));
    assert_eq!(links.to_string(), "2.05 Content, 2 links");
    let refused = device.read("/1/0/9", None).send().unwrap().success().unwrap_err();
    assert_eq!(refused.to_string(), "GET /1/0/9 -> 4.05 Method Not Allowed (executable)");
    let created = device.create("/3303", None, tree([("5701", "C")]), Format::Tlv).send().unwrap();
    assert_eq!((created.code, created.location().as_deref()), (Code::CREATED, Some("/3303/7")));
}

#[test]
fn what_cannot_be_sent_is_an_error_at_once() {
    let pair = obliging();
    let device = pair.server.device("dev");
    let text = |result: Result<Answer, RequestError>| result.unwrap_err().to_string();
    assert_eq!(text(pair.server.device("x").read("/3", None).send()), "x is not registered");
    assert_eq!(text(device.read("3/0", None).send()), r#"cannot be sent: "3/0" begins without /"#);
    assert_eq!(text(device.read("/3", None).token(&[0; 9]).send()), "cannot be sent: a token of 9 bytes");
    assert_eq!(text(device.cancel("/3").send()), "/3 is not observed");
    assert_eq!(device.cancel_by_reset("/3").unwrap_err().to_string(), "/3 is not observed");
    let wrong = device.write("/1/0/1", "soon", Mode::Replace, Format::Text);
    assert_eq!(text(wrong.send()), r#"text: "soon" is no Integer as /1/0/1 asks"#);
    let create = device.create("/3303", None, tree([("5701", "C")]), Format::SenmlJson);
    assert_eq!(text(create.send()), "senml-json: a Create in it needs the id of the instance");
    assert!(pair.fake.requests.lock().unwrap().is_empty());
}

#[test]
fn raw_requests_carry_anything() {
    let pair = obliging();
    let device = pair.server.device("dev");
    let request = device.request(Method::Other(30), "/65539/x//0").option(2049, &[1, 2]).token(&[9]);
    request.payload(b"zz").send().unwrap();
    let seen = last_request(&pair);
    assert_eq!((code(&seen).as_str(), path(&seen).as_str()), ("0.30", "65539/x//0"));
    assert_eq!(seen.get_first_option(CoapOption::Unknown(2049)), Some(&vec![1, 2]));
    assert_eq!((seen.get_token(), seen.payload.as_slice()), (&[9][..], &b"zz"[..]));
}

#[test]
fn probes_and_pings() {
    let pair = obliging();
    let device = pair.server.peer(PeerId::Address(pair.fake.address()));
    // The behaviour sees requests only, so the test itself answers the ping.
    std::thread::scope(|scope| {
        let ping = scope.spawn(|| device.ping().unwrap());
        let mid = pair.fake.receive(SOON).unwrap().header.message_id;
        pair.fake.send(&common::empty(MessageType::Reset, mid));
        assert!(ping.join().unwrap());
    });
    let get = [0x41, 1, 0x12, 0x34, 0x07, 0xB1, b'3'];
    let first = device.probe(&get, SOON).unwrap();
    assert_eq!(first, content(&Packet::from_bytes(&get).unwrap(), TEXT, b"77").to_bytes().unwrap());
    assert_eq!(device.probe(&get, SOON).unwrap(), first, "the very same bytes can be sent again");
    let error = pair.server.peer(PeerId::Session(5)).probe(&get, NEVER).unwrap_err();
    assert!(matches!(error, RequestError::TimedOut(_)));
}

#[test]
fn block_wise_answers_are_put_together() {
    let text: String =
        (0..100).flat_map(|n| [n / 10, n % 10, 7]).map(|digit| char::from(b'0' + digit)).collect();
    let whole = text.clone();
    let pair = pair(config(), move |request| {
        // 64-byte blocks; the option of the request says which one.
        let index = number(request, CoapOption::Block2).unwrap_or(2) >> 4;
        let begin = index as usize * 64;
        let end = (begin + 64).min(text.len());
        let mut block = content(request, TEXT, &text.as_bytes()[begin..end]);
        let more = u32::from(end < text.len());
        block.add_option(CoapOption::Block2, common::uint(index << 4 | more << 3 | 2));
        let changed = path(request) == "9999/0/2" && index == 2;
        block.add_option(CoapOption::ETag, vec![u8::from(changed)]);
        vec![block]
    });
    let device = pair.server.device("dev");
    let answer = device.read("/9999/0/1", None).send().unwrap();
    assert_eq!(answer.value(), Some(whole.as_str().into()));
    assert_eq!(pair.fake.requests.lock().unwrap().len(), 5);
    let error = device.read("/9999/0/2", None).send().unwrap_err();
    assert_eq!(error.to_string(), "block-wise answer: the representation changed before block 2");
    // A probe for one block gets that block.
    let block = device.read("/9999/0/1", None).option(23, &[0x12]).send().unwrap();
    assert_eq!(block.payload.len(), 64);
}
