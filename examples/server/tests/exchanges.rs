//! Reliability of requests: retransmission, separate responses, matching; with a device that is not Coracle.

mod common;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use coap_lite::{MessageType, Packet};
use common::{
    FakeDevice, NEVER, Pair, SOON, TEXT, code, config, content, last_request, obliging, pair, path,
};
use coracle_demo_server::{Carrier, Code, Config, Format, RequestError, Retransmission, Server, Value};

#[test]
fn a_lost_request_is_sent_again_with_back_off() {
    let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = Arc::clone(&times);
    let pair = pair(config(), move |request| {
        let mut times = seen.lock().unwrap();
        times.push(Instant::now());
        if times.len() < 3 { Vec::new() } else { vec![content(request, TEXT, b"77")] }
    });
    let begin = Instant::now();
    let answer = pair.server.device("dev").read("/3/0/9", Format::Text).send().unwrap();
    assert_eq!((answer.transmissions, answer.value()), (3, Some(77.into())));
    let times = times.lock().unwrap();
    // The first wait is 750 to 1125 ms, the second twice as long. The device may see a message late, but never too early.
    let after = |index: usize| times[index] - begin;
    assert!(
        after(1) >= Duration::from_millis(745) && after(2) >= Duration::from_millis(3 * 745),
        "{times:?}"
    );
    let requests = pair.fake.requests.lock().unwrap();
    assert!(requests.iter().all(|request| *request == requests[0]), "the same message each time");
    assert_eq!(pair.server.stats().retransmissions, 2);
}

#[test]
fn a_device_that_never_answers() {
    let retransmission =
        Retransmission { ack_timeout: Duration::from_millis(10), ack_random_factor: 1.0, max_retransmit: 3 };
    let pair = pair(Config { retransmission, ..config() }, |_| Vec::new());
    let device = pair.server.device("dev");
    let error = device.read("/3", None).send().unwrap_err();
    assert_eq!(error.to_string(), "no acknowledgement after 4 transmissions");
    wait_for_requests(&pair, 4);
    let begin = Instant::now();
    let error =
        device.read("/3", None).non_confirmable().timeout(Duration::from_millis(80)).send().unwrap_err();
    assert!(matches!(error, RequestError::TimedOut(_)), "{error}");
    assert!(begin.elapsed() >= Duration::from_millis(80) && begin.elapsed() < SOON);
    // 80 ms had room for another four.
    wait_for_requests(&pair, 5);
    assert_eq!(pair.server.stats().retransmissions, 3, "a NON is sent once");
}

#[test]
fn separate_responses_are_acknowledged() {
    for (kind, carrier) in [
        (MessageType::Confirmable, Carrier::Confirmable),
        (MessageType::NonConfirmable, Carrier::NonConfirmable),
    ] {
        let pair = pair(config(), |request| {
            vec![common::empty(MessageType::Acknowledgement, request.header.message_id)]
        });
        let pending = pair.server.device("dev").execute("/3/0/4", "").start();
        // Longer than any retransmission, had the acknowledgement not stopped it.
        let request = wait_for_requests(&pair, 1);
        std::thread::sleep(Duration::from_millis(1_250));
        let response = pair.fake.separate(kind, &request, "2.04");
        pair.fake.send(&response);
        let answer = pending.wait().unwrap();
        assert_eq!((answer.carrier, answer.transmissions, answer.code), (carrier, 1, Code::CHANGED));
        let expected = common::empty(MessageType::Acknowledgement, response.header.message_id);
        if kind == MessageType::Confirmable {
            assert_eq!(pair.fake.receive(SOON), Some(expected.clone()));
            pair.fake.send(&response);
            assert_eq!(pair.fake.receive(SOON), Some(expected), "a duplicate is acknowledged again");
        } else {
            assert_eq!(pair.fake.receive(NEVER), None);
        }
    }
}

/// Waits until so many requests have come; the last of them. There must not be more.
fn wait_for_requests(pair: &Pair, count: usize) -> Packet {
    let deadline = Instant::now() + SOON;
    let requests = || pair.fake.requests.lock().unwrap().len();
    while requests() < count {
        assert!(Instant::now() < deadline, "{} of {count} requests came", requests());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(requests(), count);
    last_request(pair)
}

#[test]
fn a_response_that_overtakes_its_acknowledgement() {
    let pair = pair(config(), |_| Vec::new());
    let pending = pair.server.device("dev").execute("/3/0/4", "").start();
    let request = wait_for_requests(&pair, 1);
    pair.fake.send(&pair.fake.separate(MessageType::Confirmable, &request, "2.04"));
    assert_eq!(pending.wait().unwrap().carrier, Carrier::Confirmable);
    pair.fake.send(&common::empty(MessageType::Acknowledgement, request.header.message_id));
    assert_eq!(pair.fake.receive(SOON).unwrap().header.get_type(), MessageType::Acknowledgement);
    assert_eq!(pair.fake.receive(NEVER), None);
}

#[test]
fn responses_must_fit_their_request() {
    let pair = pair(config(), |request| {
        let mut wrong_token = content(request, TEXT, b"1");
        wrong_token.set_token(vec![0; 8]);
        let mut wrong_id = content(request, TEXT, b"2");
        wrong_id.header.message_id ^= 1;
        vec![wrong_token, wrong_id, content(request, TEXT, b"3")]
    });
    let answer = pair.server.device("dev").read("/3/0/9", None).send().unwrap();
    assert_eq!(answer.value(), Some(3.into()));
    assert_eq!(pair.server.stats().unmatched, 2);
}

#[test]
fn nobody_else_can_answer_for_the_device() {
    let pair = pair(config(), |request| {
        vec![common::empty(MessageType::Acknowledgement, request.header.message_id)]
    });
    let pending = pair.server.device("dev").execute("/3/0/4", "").start();
    let request = wait_for_requests(&pair, 1);
    let stranger = FakeDevice::silent(pair.server.address());
    let forged = stranger.separate(MessageType::Confirmable, &request, "4.04");
    assert_eq!(stranger.exchange(&forged).header.get_type(), MessageType::Reset);
    stranger.send(&common::piggybacked(&request, "4.04"));
    pair.fake.send(&pair.fake.separate(MessageType::Confirmable, &request, "2.04"));
    assert_eq!(pending.wait().unwrap().code, Code::CHANGED);
}

#[test]
fn a_rejected_request() {
    let pair = pair(config(), |request| vec![common::empty(MessageType::Reset, request.header.message_id)]);
    let error = pair.server.device("dev").read("/3", None).send().unwrap_err();
    assert!(matches!(error, RequestError::Reset));
}

#[test]
fn several_requests_and_devices_at_once() {
    // Each device keeps its first 7 requests, and answers all 8 in reverse order.
    let behaviour = |name: &'static str| {
        let mut kept: Vec<Packet> = Vec::new();
        move |request: &Packet| {
            kept.push(request.clone());
            if kept.len() < 8 {
                return Vec::new();
            }
            let answer =
                |request: Packet| content(&request, TEXT, format!("{name} {}", path(&request)).as_bytes());
            kept.drain(..).rev().map(answer).collect()
        }
    };
    let config = Config {
        retransmission: Retransmission { ack_timeout: SOON, ..Retransmission::default() },
        ..config()
    };
    let server = Server::start(config).unwrap();
    let fakes = ["a", "b"].map(|name| FakeDevice::start(server.address(), behaviour(name)));
    for (fake, name) in fakes.iter().zip(["a", "b"]) {
        assert_eq!(code(&fake.register(&format!("ep={name}"), "</1/0>")), "2.01");
    }
    let pending: Vec<_> = (0..8)
        .flat_map(|id| ["a", "b"].map(|name| (name, id)))
        .map(|(name, id)| (name, id, server.device(name).read(&format!("/9999/0/{id}"), None).start()))
        .collect();
    for (name, id, pending) in pending {
        let expected = Value::from(format!("{name} 9999/0/{id}"));
        assert_eq!(pending.wait().unwrap().value(), Some(expected));
    }
}

#[test]
fn requests_from_many_threads() {
    let pair = obliging();
    let count = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (device, count) = (pair.server.device("dev"), &count);
            scope.spawn(move || {
                for _ in 0..50 {
                    assert_eq!(device.read("/3/0/9", None).send().unwrap().value(), Some(77.into()));
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(count.into_inner(), 400);
}

#[test]
fn an_idle_server_sleeps() {
    let pair = obliging();
    let before = pair.server.stats();
    std::thread::sleep(Duration::from_millis(500));
    let after = pair.server.stats();
    assert!(after.wake_ups - before.wake_ups <= 2, "{before:?} {after:?}");
}
