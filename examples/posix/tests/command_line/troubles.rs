//! Servers that are not there: it says so, and goes on.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use coracle_demo_server::{Config, Server};
use rustix::process::Signal;

use crate::program::{PATIENCE, Program};

fn ends_soon(program: Program, signal: Signal) -> Vec<String> {
    program.signal(signal);
    let (code, lines, errors) = program.end(PATIENCE);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{lines:#?}");
    lines
}

/// A port that nobody listens on: the system says so at each attempt, the program once.
#[test]
fn a_host_that_is_not_reachable_is_told_once_and_found_when_it_comes() {
    let address = SocketAddr::from(([127, 0, 0, 1], coracle_peer_programs::free_port()));
    let mut program = Program::start(&["--server", &format!("coap://{address}"), "--endpoint", "mine"]);
    program.wait_line("can't reach the server: Connection refused");
    // Two retransmissions more.
    program.watch(Duration::from_secs(10));
    assert_eq!(program.count("can't reach the server"), 1, "{program:#?}");
    let server = Server::start(Config { bind: address, ..Config::default() }).expect("the port");
    let events = server.subscribe();
    assert!(events.registered("mine", PATIENCE).is_some());
    program.wait_line("is registered");
    ends_soon(program, Signal::INT);
}

#[test]
fn a_name_without_address_is_tried_again_and_does_not_hold_it() {
    let mut program = Program::start(&["--server", "coap://no-such-host.invalid"]);
    for _ in 0..2 {
        program.wait_line("opens a way to the server");
        program.wait_line("the server's name has no address");
        let again = program.wait_line("tries again in ");
        let seconds = again.rsplit(' ').nth(1).and_then(|number| number.parse::<u32>().ok());
        assert!(seconds.is_some_and(|seconds| (4..=15).contains(&seconds)), "{again}");
    }
    let lines = ends_soon(program, Signal::TERM);
    assert!(lines.iter().any(|line| line.contains("is not registered")), "{lines:#?}");
}

/// A wrong key: the device says what that may be, waits, and ends when it is told to.
#[test]
fn a_wrong_key_is_told() {
    let keys = coracle_demo_server::PreSharedKeys::default().with("mine", [7; 16]);
    let server = Server::start_secured(Config::default(), keys).expect("a port");
    let key = "08".repeat(16);
    let uri = server.uri();
    let arguments = ["--server", &uri, "--endpoint", "mine", "--psk-identity", "mine", "--psk-key", &key];
    let mut program = Program::start(&arguments);
    program.wait_line("there is no secure session with the server");
    program.wait_line("tries again in ");
    ends_soon(program, Signal::TERM);
    assert!(server.registrations().is_empty());
}

/// A server without a suite or a kind of keys in common says no more than that: the device says what it may mean.
#[test]
fn a_handshake_that_is_refused_is_told() {
    const HANDSHAKE_FAILURE: [u8; 15] = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 40];
    let server = UdpSocket::bind("127.0.0.1:0").expect("a port");
    server.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let uri = format!("coaps://{}", server.local_addr().expect("an address"));
    let mut program = Program::start(&["--server", &uri, "--psk-identity", "mine", "--psk-key", "00112233"]);
    let (_, device) = server.recv_from(&mut [0; 1500]).expect("a hello");
    server.send_to(&HANDSHAKE_FAILURE, device).expect("it is sent");
    program.wait_line(
        "(the server sends handshake_failure(40): most likely no cipher suite, curve or kind of keys fits",
    );
    program.wait_line("there is no secure session with the server");
    ends_soon(program, Signal::TERM);
}

#[test]
fn a_local_port_that_is_taken_ends_it() {
    let taken = UdpSocket::bind(("0.0.0.0", 0)).expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let program = Program::start(&["--server", "coap://127.0.0.1:9", "--local-port", &port]);
    let (code, _, errors) = program.end(PATIENCE);
    assert_ne!(code, Some(0));
    assert!(errors.contains(&format!("--local-port {port}: Address already in use")), "{errors}");
}
