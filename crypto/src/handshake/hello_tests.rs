use super::*;
use std::vec::Vec;

/// Everything that a client can offer.
fn offered() -> Set {
    let mut set = Set::default();
    for number in [0, 1, 10, 11, 13, 19, 20, 22, 23, 28, 54, 0xFF01] {
        set.add(number);
    }
    set
}

fn extension(number: u16, body: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn hello(session_id: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut body = [&[0xFE, 0xFD][..], &[7; 32], &[session_id.len() as u8], session_id].concat();
    body.extend([0xC0, 0xA8, 0]);
    if !extensions.is_empty() {
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
    }
    body
}

fn reason(body: &[u8]) -> FailureReason {
    ServerHello::parse(body, offered()).expect_err("it is wrong").reason
}

#[test]
fn every_answer_is_read_and_every_cut_is_found() {
    let extensions = [
        extension(23, &[]),
        extension(54, &[2, 0xC1, 0xD2]),
        extension(0xFF01, &[0]),
        extension(0, &[]),
        extension(1, &[2]),
        extension(28, &[0x04, 0x00]),
        extension(11, &[1, 0]),
        extension(19, &[2]),
        extension(20, &[2]),
        extension(22, &[]),
    ]
    .concat();
    let body = hello(&[9; 32], &extensions);
    let parsed = ServerHello::parse(&body, offered()).expect("it is right");
    assert_eq!((parsed.random, parsed.session_id, parsed.suite), (&[7; 32], &[9; 32][..], 0xC0A8));
    let answers = parsed.extensions;
    assert!(answers.extended_master_secret && answers.encrypt_then_mac);
    assert_eq!(answers.connection_id, Some(&[0xC1, 0xD2][..]));
    assert_eq!((answers.max_fragment_length, answers.record_size_limit), (Some(2), Some(1024)));
    assert_eq!((answers.client_certificate_type, answers.server_certificate_type), (Some(2), Some(2)));
    let without_extensions = hello(&[9; 32], &[]).len();
    for cut in 0..body.len() {
        let parsed = ServerHello::parse(&body[..cut], offered());
        assert_eq!(parsed.is_ok(), cut == without_extensions, "cut at {cut}");
    }
    assert_eq!(reason(&[&body[..], &[0]].concat()), FailureReason::Malformed);
}

#[test]
fn what_was_not_offered_is_refused() {
    let parse = |number, body: &[u8]| {
        let mut set = Set::default();
        set.add(23);
        ServerHello::parse(&hello(&[], &extension(number, body)), set)
            .map(|_| ())
            .map_err(|fault| fault.reason)
    };
    assert_eq!(parse(23, &[]), Ok(()));
    for (number, body) in [(54, &[0][..]), (1, &[1]), (35, &[]), (16, &[0, 0]), (0xFFFF, &[])] {
        assert_eq!(parse(number, body), Err(FailureReason::UnsupportedExtension), "{number}");
    }
    // For clients only, offered or not.
    for (number, body) in [(10, &[0, 2, 0, 23][..]), (13, &[0, 2, 4, 3])] {
        assert_eq!(reason(&hello(&[], &extension(number, body))), FailureReason::UnsupportedExtension);
    }
}

#[test]
fn wrong_fields_are_told_apart() {
    let mut body = hello(&[], &[]);
    body[1] = 0xFF;
    assert_eq!(reason(&body), FailureReason::ProtocolVersion);
    body = hello(&[], &[]);
    *body.last_mut().expect("compression") = 1;
    assert_eq!(reason(&body), FailureReason::IllegalParameter);
    assert_eq!(reason(&hello(&[0; 33], &[])), FailureReason::Malformed);
    let twice = [extension(23, &[]), extension(23, &[])].concat();
    assert_eq!(reason(&hello(&[], &twice)), FailureReason::IllegalParameter);
    assert_eq!(reason(&hello(&[], &extension(23, &[0]))), FailureReason::Malformed);
    assert_eq!(reason(&hello(&[], &extension(28, &[0, 63]))), FailureReason::IllegalParameter);
    assert_eq!(reason(&hello(&[], &extension(11, &[1, 1]))), FailureReason::IllegalParameter);
    assert_eq!(reason(&hello(&[], &extension(0xFF01, &[1, 0]))), FailureReason::IllegalParameter);
}

#[test]
fn each_fragment_length_has_its_code() {
    assert_eq!([512, 1024, 2048, 4096].map(max_fragment_code), [1, 2, 3, 4]);
}

#[test]
fn cookies_of_every_length() {
    for length in 0..=255_u8 {
        let cookie = std::vec![0xCC; length.into()];
        let body = [&[0xFE, 0xFF, length][..], &cookie].concat();
        assert_eq!(parse_hello_verify(&body), Ok(&cookie[..]));
        assert_eq!(parse_hello_verify(&body[..body.len() - 1]), Err(Malformed));
        assert_eq!(parse_hello_verify(&[&body[..], &[0]].concat()), Err(Malformed));
    }
}
