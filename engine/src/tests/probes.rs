//! What CoAP asks of a server that gets odd messages: each is a mistake that some client makes.
//!
//! | what is asked | test |
//! |---|---|
//! | ping | `ping_is_answered_with_reset` |
//! | unknown critical option | `unknown_critical_options_are_refused_and_elective_ones_ignored` |
//! | If-Match | `if_match_is_refused_because_it_would_not_be_checked` |
//! | Execute with the same message id | `an_execute_that_comes_again_runs_once_and_gets_the_same_answer` |
//! | NON request | `non_requests_are_answered_with_non_and_repeated_ones_ignored` |
//! | Write in an unknown content format | `a_write_in_an_unknown_format_is_refused_and_stores_nothing` |
//! | FETCH, iPATCH, other methods | `methods_that_are_not_there_are_not_allowed` |
//! | path id 65539 | `ids_out_of_range_are_not_some_other_object` |
//! | path that is no number, or too deep | `paths_that_are_not_lwm2m_are_not_found` |
//! | Block1 that starts at block 3 | `a_body_in_blocks_is_refused_until_it_can_be_assembled` |
//! | Block2 beyond the end | `a_block_behind_the_end_is_an_error` |
//! | another request while a Block2 read is unfinished | `an_open_block_transfer_stops_nobody` |
//! | Accept on Observe | `accept_is_kept_by_an_observation` |
//! | unknown attribute; a name without value | `unknown_attributes_are_refused_and_known_ones_can_be_removed` |
//! | Discover with depth=1 | `discover_has_a_depth` |
//! | Execute with malformed arguments | `malformed_arguments_do_not_execute` |
//! | Create of an object with one instance | `objects_with_fixed_instances_can_not_be_created_or_deleted` |
//! | Write of a value that is too long | `a_value_that_is_too_long_is_refused_as_such` |
//!
//! The others are from RFC 7252 sections 3, 4 and 5.4.

use coap_lite::{CoapOption, MessageType, Packet};

use super::{Rig, set_format, uint};

fn option(rig: &mut Rig, request: &str, number: u16, value: &[u8]) -> std::string::String {
    let mut request = rig.request(request);
    request.add_option(CoapOption::from(number), value.to_vec());
    rig.exchange(&request).header.get_code()
}

#[test]
fn ping_is_answered_with_reset() {
    let mut rig = Rig::registered();
    let pong = rig.receive_bytes(&[0x40, 0, 0xab, 0xcd]).unwrap();
    assert_eq!((pong.header.get_type(), pong.header.message_id), (MessageType::Reset, 0xabcd));
    assert!(rig.receive_bytes(&[0x50, 0, 0xab, 0xcd]).is_none());
}

#[test]
fn unknown_critical_options_are_refused_and_elective_ones_ignored() {
    let mut rig = Rig::registered();
    for number in [1, 5, 9, 13, 19, 21, 25, 2049, 65001] {
        assert_eq!(option(&mut rig, "GET /33000/0/0", number, b"x"), "4.02", "{number}");
    }
    for number in [2, 4, 14, 28, 60, 258, 65000] {
        assert_eq!(option(&mut rig, "GET /33000/0/0", number, b"x"), "2.05", "{number}");
    }
    assert_eq!(option(&mut rig, "GET /33000/0/0", 3, b"host"), "2.05");
    assert_eq!(option(&mut rig, "GET /33000/0/0", 7, &[0x16, 0x33]), "2.05");
    assert_eq!(option(&mut rig, "GET /33000/0/0", 35, b"coap://x"), "5.05");
    assert_eq!(option(&mut rig, "GET /33000/0/0", 39, b"coap"), "5.05");
}

#[test]
fn malformed_critical_options_are_refused() {
    let mut rig = Rig::registered();
    assert_eq!(option(&mut rig, "GET /33000/0/0", 17, &[0, 0, 0]), "4.02");
    assert_eq!(option(&mut rig, "GET /33000/0/0", 23, &[0, 0, 0, 0]), "4.02");
    let mut twice = rig.request("GET /33000/0/0");
    set_format(&mut twice, CoapOption::Accept, 0);
    set_format(&mut twice, CoapOption::Accept, 112);
    assert_eq!(rig.exchange(&twice).header.get_code(), "4.02");
}

#[test]
fn malformed_elective_options_are_ignored() {
    let mut rig = Rig::registered();
    // Too long for an Observe, and for a Content-Format: as if they were not there (RFC 7252 section 5.4.1).
    let mut request = rig.request("GET /33000/0/1");
    request.add_option(CoapOption::Observe, std::vec![0; 4]);
    let answer = rig.exchange(&request);
    assert_eq!(answer.header.get_code(), "2.05");
    assert!(answer.get_option(CoapOption::Observe).is_none());
    rig.change(|things| things.everything.set_integer(6));
    rig.expect_silence();
    let mut request = rig.request("PUT /33000/0/0");
    request.add_option(CoapOption::ContentFormat, std::vec![0, 0, 0]);
    request.payload = b"text".to_vec();
    assert_eq!(rig.exchange(&request).header.get_code(), "2.04");
    assert_eq!(rig.text("/33000/0/0"), "text");
}

#[test]
fn the_reserved_block_size_is_a_bad_request() {
    let mut rig = Rig::registered();
    assert_eq!(option(&mut rig, "GET /33000/0/0", 23, &[7]), "4.00");
    assert_eq!(option(&mut rig, "PUT /33000/0/0", 27, &[7]), "4.00");
    assert_eq!(rig.text("/33000/0/0"), "hello");
}

#[test]
fn if_match_is_refused_because_it_would_not_be_checked() {
    let mut rig = Rig::registered();
    assert_eq!(option(&mut rig, "PUT /33000/0/0", 1, b"etag"), "4.02");
    assert_eq!(rig.text("/33000/0/0"), "hello");
}

#[test]
fn an_execute_that_comes_again_runs_once_and_gets_the_same_answer() {
    let mut rig = Rig::registered();
    let request = rig.request("POST /33000/0/20");
    let first = rig.exchange(&request);
    rig.now += 200_000;
    let second = rig.exchange(&request);
    assert_eq!(first.to_bytes().unwrap(), second.to_bytes().unwrap());
    assert_eq!(rig.things.everything.runs.len(), 1);
    rig.now += 48_000; // after EXCHANGE_LIFETIME the id may be used anew
    rig.exchange(&request);
    assert_eq!(rig.things.everything.runs.len(), 2);
    assert_eq!(rig.engine.counters().duplicates, 1);
}

#[test]
fn a_failed_execute_and_a_create_that_come_again_are_not_repeated() {
    let mut rig = Rig::registered();
    let mut request = rig.request("POST /33000/0/20");
    request.payload = b"9".to_vec();
    for _ in 0..2 {
        assert_eq!(rig.exchange(&request).header.get_code(), "5.00");
    }
    assert_eq!(rig.things.everything.runs.len(), 1);
    let mut request = rig.request("POST /33001");
    set_format(&mut request, CoapOption::ContentFormat, 11542);
    request.payload = std::vec![0xc1, 0, b'r'];
    for _ in 0..2 {
        let created = rig.exchange(&request);
        assert_eq!(created.header.get_code(), "2.01");
        assert_eq!(super::options(&created, CoapOption::LocationPath), ["33001", "0"]);
    }
    assert_eq!(rig.things.rules.len(), 1);
}

#[test]
fn a_full_memory_of_duplicates_refuses_to_execute_rather_than_to_forget() {
    let mut rig = Rig::registered();
    let requests: std::vec::Vec<Packet> = (0..5).map(|_| rig.request("POST /33000/0/20")).collect();
    let codes: std::vec::Vec<_> =
        requests.iter().map(|request| rig.exchange(request).header.get_code()).collect();
    assert_eq!(codes, ["2.04", "2.04", "2.04", "2.04", "5.03"]);
    requests[..4].iter().for_each(|request| drop(rig.exchange(request)));
    assert_eq!(rig.things.everything.runs.len(), 4);
    rig.now += 247_000;
    assert_eq!(rig.exchange(&requests[4]).header.get_code(), "2.04");
}

#[test]
fn non_requests_are_answered_with_non_and_repeated_ones_ignored() {
    let mut rig = Rig::registered();
    for (text, code) in [("GET /33000/0/0", "2.05"), ("POST /33000/0/20", "2.04"), ("GET /9", "4.04")] {
        let mut request = rig.request(text);
        request.header.set_type(MessageType::NonConfirmable);
        let answer = rig.receive(&request).unwrap();
        assert_eq!(answer.header.get_type(), MessageType::NonConfirmable);
        assert_eq!(answer.header.get_code(), code);
        assert_eq!(answer.get_token(), request.get_token());
        assert_ne!(answer.header.message_id, request.header.message_id);
        if text.starts_with("POST") {
            assert!(rig.receive(&request).is_none());
        }
    }
    assert_eq!(rig.things.everything.runs.len(), 1);
    // Nothing is said about critical options to who wants no acknowledgement (RFC 7252 section 5.4.1).
    let mut request = rig.request("POST /33000/0/20");
    request.header.set_type(MessageType::NonConfirmable);
    request.add_option(CoapOption::from(9), b"x".to_vec());
    assert!(rig.receive(&request).is_none());
    assert_eq!(rig.things.everything.runs.len(), 1);
}

#[test]
fn of_an_elective_option_that_comes_twice_the_first_counts() {
    let mut rig = Rig::registered();
    let mut request = rig.request("PUT /33000/0/0");
    set_format(&mut request, CoapOption::ContentFormat, 0);
    set_format(&mut request, CoapOption::ContentFormat, 112);
    request.payload = b"text".to_vec();
    assert_eq!(rig.exchange(&request).header.get_code(), "2.04");
    assert_eq!(rig.text("/33000/0/0"), "text");
    let mut request = rig.request("GET /33000/0/1");
    request.add_option(CoapOption::Observe, std::vec![1]);
    request.add_option(CoapOption::Observe, std::vec![0]);
    assert!(rig.exchange(&request).get_option(CoapOption::Observe).is_none());
    rig.change(|things| things.everything.set_integer(6));
    rig.expect_silence();
}

#[test]
fn a_write_in_an_unknown_format_is_refused_and_stores_nothing() {
    let mut rig = Rig::registered();
    for format in [1, 40, 41, 50, 61, 11543, 11544, 65535] {
        assert_eq!(rig.send("PUT /33000/0/0", format, b"x"), "4.15", "{format}");
    }
    assert_eq!(rig.text("/33000/0/0"), "hello");
}

#[test]
fn methods_that_are_not_there_are_not_allowed() {
    let mut rig = Rig::registered();
    for method in ["FETCH /3", "IPATCH /3", "FETCH /", "POST /", "DELETE /", "GET /", "PUT /"] {
        assert_eq!(rig.code(method), "4.05", "{method}");
    }
    let mut request = rig.request("GET /33000/0/0");
    request.header.set_code("0.15");
    assert_eq!(rig.exchange(&request).header.get_code(), "4.05");
}

#[test]
fn ids_out_of_range_are_not_some_other_object() {
    let mut rig = Rig::registered();
    // Numbers that wrap to what is there in 16 bits: objects 33000 and 1.
    for path in [
        "/65537",
        "/65537/0/1",
        "/65539",
        "/4294967297/0/1",
        "/98536",
        "/98536/0/0",
        "/33000/65536/0",
        "/33000/0/65536",
        "/65535",
        "/33000/65535",
        "/033000",
        "/33000/00",
    ] {
        assert_eq!(rig.code(&std::format!("GET {path}")), "4.04", "{path}");
    }
}

#[test]
fn paths_that_are_not_lwm2m_are_not_found() {
    let mut rig = Rig::registered();
    for path in ["/rd", "/.well-known/core", "/33000/0/0/0/0", "/33000/zero", "/33000/-1", "/33000/1e1"] {
        assert_eq!(rig.code(&std::format!("GET {path}")), "4.04", "{path}");
    }
    let mut request = rig.request("GET /33000");
    request.add_option(CoapOption::UriPath, b"".to_vec());
    assert_eq!(rig.exchange(&request).header.get_code(), "4.04");
}

#[test]
fn a_body_in_blocks_is_refused_until_it_can_be_assembled() {
    let mut rig = Rig::registered();
    for (block, code) in
        [(&[][..], "2.04"), (&[0x06], "2.04"), (&[0x08], "4.02"), (&[0x36], "4.08"), (&[0x3e], "4.08")]
    {
        let mut request = rig.request("PUT /33000/0/0");
        request.add_option(CoapOption::Block1, block.to_vec());
        request.payload = b"block".to_vec();
        assert_eq!(rig.exchange(&request).header.get_code(), code, "{block:x?}");
    }
}

#[test]
fn blocks_of_an_answer_can_be_asked_for_in_any_order() {
    let mut rig = Rig::registered();
    let whole = rig.read("/33000/0", 110).unwrap();
    for exponent in [0u8, 1, 2] {
        let size = 16 << exponent;
        let mut parts: std::vec::Vec<(usize, std::vec::Vec<u8>)> = std::vec![];
        let mut numbers: std::vec::Vec<usize> = (0..whole.len().div_ceil(size)).collect();
        numbers.reverse();
        let mut tags = std::vec::Vec::new();
        for number in numbers {
            let mut request = rig.request("GET /33000/0");
            set_format(&mut request, CoapOption::Accept, 110);
            set_format(&mut request, CoapOption::Block2, ((number as u16) << 4) | u16::from(exponent));
            let answer = rig.exchange(&request);
            let block = uint(&answer, CoapOption::Block2).unwrap();
            let last = (number + 1) * size >= whole.len();
            assert_eq!(block, (number as u32) << 4 | u32::from(!last) << 3 | u32::from(exponent));
            tags.push(answer.get_option(CoapOption::ETag).unwrap().clone());
            parts.push((number, answer.payload));
        }
        parts.sort();
        assert_eq!(parts.into_iter().flat_map(|(_, part)| part).collect::<std::vec::Vec<_>>(), whole);
        assert!(tags.windows(2).all(|pair| pair[0] == pair[1]), "one ETag for one body");
    }
}

#[test]
fn a_block_behind_the_end_is_an_error() {
    let mut rig = Rig::registered();
    let mut request = rig.request("GET /33000/0/0");
    set_format(&mut request, CoapOption::Accept, 0);
    set_format(&mut request, CoapOption::Block2, 1 << 4);
    assert_eq!(rig.exchange(&request).header.get_code(), "4.00");
}

#[test]
fn an_answer_that_does_not_fit_comes_in_blocks_by_itself() {
    let mut rig = Rig::registered();
    let whole = rig.read("/33000/0", 110).unwrap();
    let mut request = rig.request("GET /33000/0");
    set_format(&mut request, CoapOption::Accept, 110);
    let mut out = [0; 100];
    let bytes = request.to_bytes().unwrap();
    let length =
        rig.engine.handle_message(rig.now(), super::SERVER, &bytes, &mut rig.things, &mut out).unwrap();
    let answer = Packet::from_bytes(&out[..length]).unwrap();
    assert_eq!(uint(&answer, CoapOption::Block2), Some(8 | 2), "block 0 of 64 bytes, more follow");
    assert_eq!(answer.payload, whole[..64]);
}

#[test]
fn an_open_block_transfer_stops_nobody() {
    let mut rig = Rig::registered();
    let mut request = rig.request("GET /33000/0");
    set_format(&mut request, CoapOption::Block2, 0);
    assert_eq!(rig.exchange(&request).header.get_code(), "2.05");
    assert_eq!(rig.text("/33000/0/0"), "hello");
}

#[test]
fn accept_is_kept_by_an_observation() {
    let mut rig = Rig::registered();
    let mut request = rig.request("GET /33000/0/3");
    set_format(&mut request, CoapOption::Accept, 110);
    request.add_option(CoapOption::Observe, std::vec![]);
    assert_eq!(uint(&rig.exchange(&request), CoapOption::ContentFormat), Some(110));
    rig.change(|things| things.everything.set_float(22.5));
    let notification = rig.sent().unwrap();
    assert_eq!(uint(&notification, CoapOption::ContentFormat), Some(110));
    assert_eq!(notification.payload, br#"[{"bn":"/33000/0/3","v":22.5}]"#);
}

#[test]
fn unknown_attributes_are_refused_and_known_ones_can_be_removed() {
    let mut rig = Rig::registered();
    assert_eq!(rig.code("PUT /33000/0/3?foo=1"), "4.00");
    assert_eq!(rig.code("PUT /33000/0/3?pmin=1&foo=1"), "4.00");
    assert_eq!(rig.code("PUT /33000/0/3?gt=5"), "2.04");
    assert_eq!(rig.code("PUT /33000/0/3?gt"), "2.04");
    assert_eq!(rig.read("/33000/0/3", 40).unwrap(), b"</33000/0/3>");
}

#[test]
fn discover_has_a_depth() {
    let mut rig = Rig::registered();
    let mut discover = |path: &str| {
        let mut request = rig.request(&std::format!("GET {path}"));
        set_format(&mut request, CoapOption::Accept, 40);
        let answer = rig.exchange(&request);
        (answer.header.get_code(), std::string::String::from_utf8(answer.payload).unwrap())
    };
    assert_eq!(discover("/33000?depth=0").1, "</33000>;ver=1.2");
    assert_eq!(discover("/33000?depth=1").1, "</33000>;ver=1.2,</33000/0>");
    assert!(discover("/33000?depth=2").1.ends_with("</33000/0/20>,</33000/0/21>"));
    assert!(discover("/33000?depth=3").1.contains("</33000/0/8>;dim=2,</33000/0/8/0>,</33000/0/8/1>"));
    assert_eq!(discover("/33000/0/8?depth=1").1, "</33000/0/8>;dim=2,</33000/0/8/0>,</33000/0/8/1>");
    assert_eq!(discover("/33000?depth=4").0, "4.00");
    assert_eq!(discover("/33000?deep=1").0, "4.00");
}

#[test]
fn malformed_arguments_do_not_execute() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("POST /33000/0/20", 0, b"0='a"), "4.00");
    assert_eq!(rig.send("POST /33000/0/20", 110, b"[]"), "4.15");
    assert!(rig.things.everything.runs.is_empty());
    assert_eq!(rig.send("POST /33000/0/20", 0, b"0='a',3"), "2.04");
    assert_eq!(rig.things.everything.runs, ["0='a',3"]);
}

#[test]
fn objects_with_fixed_instances_can_not_be_created_or_deleted() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("POST /33000", 11542, &[0xc1, 0, b'x']), "4.05");
    assert_eq!(rig.code("DELETE /33000/0"), "4.05");
    assert_eq!(rig.code("DELETE /33000"), "4.05");
    assert_eq!(rig.code("DELETE /33000/0/0"), "4.05");
    assert_eq!(rig.code("DELETE /1/0"), "4.05");
    assert_eq!(rig.code("DELETE /9"), "4.04");
}

#[test]
fn a_value_that_is_too_long_is_refused_as_such() {
    let mut rig = Rig::registered();
    assert_eq!(rig.send("PUT /33000/0/0", 0, b"seventeen letters"), "4.13");
    assert_eq!(rig.send("PUT /33000/0/5", 42, &[0; 9]), "4.13");
    assert_eq!(rig.text("/33000/0/0"), "hello");
}

#[test]
fn format_errors_are_reset_if_confirmable() {
    let mut rig = Rig::registered();
    for bytes in [
        &[0x49, 1, 0, 9][..],
        &[0x40, 1, 0, 9, 0xff],
        &[0x40, 1, 0, 9, 0xd1],
        &[0x40, 0x20, 0, 9],
        &[0x41, 0, 0, 9, 1],
        &[0x40, 0, 0, 9, 0xff, 1],
    ] {
        let reset = rig.receive_bytes(bytes).unwrap();
        assert_eq!((reset.header.get_type(), reset.header.message_id), (MessageType::Reset, 9), "{bytes:x?}");
        let mut non = bytes.to_vec();
        non[0] |= 0x10;
        assert!(rig.receive_bytes(&non).is_none());
    }
    for bytes in [&[][..], &[0x40], &[0x40, 1, 0], &[0x00, 1, 0, 9], &[0x80, 1, 0, 9], &[0xc0, 1, 0, 9]] {
        assert!(rig.receive_bytes(bytes).is_none(), "{bytes:x?}");
    }
    assert_eq!(rig.engine.counters().malformed, 18);
}

#[test]
fn requests_in_acknowledgements_and_answers_to_nothing_are_ignored() {
    let mut rig = Rig::registered();
    let mut request = rig.request("POST /33000/0/20");
    for kind in [MessageType::Acknowledgement, MessageType::Reset] {
        request.header.set_type(kind);
        assert!(rig.receive(&request).is_none());
    }
    assert!(rig.things.everything.runs.is_empty());
    request.header.set_code("2.05");
    request.header.set_type(MessageType::NonConfirmable);
    assert!(rig.receive(&request).is_none());
    request.header.set_type(MessageType::Confirmable);
    assert_eq!(rig.receive(&request).unwrap().header.get_type(), MessageType::Reset);
}
