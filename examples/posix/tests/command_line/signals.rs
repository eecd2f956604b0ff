//! A real device, and how it ends.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use coracle_demo_server::{Config, Event, PreSharedKeys, Server};
use rustix::process::Signal;

use crate::program::{PATIENCE, Program};

/// A device that is registered with the server; `more` is for its command line.
fn registered(server: &Server, more: &[&str]) -> Program {
    let events = server.subscribe();
    let uri = server.uri();
    let arguments = [&["--server", &uri, "--endpoint", "mine", "--lifetime", "70"], more].concat();
    let mut program = Program::start(&arguments);
    let registration = events.registered("mine", PATIENCE).expect("it registers");
    assert_eq!(registration.lifetime, 70);
    program.wait_line("is registered, lifetime 70 s");
    program
}

/// The server is told, and the program ends well.
fn ends_well(server: &Server, program: Program, signal: Signal) {
    let events = server.subscribe();
    program.signal(signal);
    let told = events.wait(PATIENCE, |event| match event {
        Event::Deregistered { registration, expired } => Some((registration.endpoint, expired)),
        _ => None,
    });
    assert_eq!(told, Some(("mine".to_owned(), false)));
    let (code, lines, errors) = program.end(PATIENCE);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{lines:#?}");
    for text in ["stopping: de-registers", "sends De-register", "is not registered"] {
        assert!(lines.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
    }
}

#[test]
fn interrupt_and_termination_deregister() {
    for signal in [Signal::INT, Signal::TERM] {
        let server = Server::start(Config::default()).expect("a port");
        let program = registered(&server, &[]);
        ends_well(&server, program, signal);
    }
}

#[test]
fn the_same_over_dtls() {
    let keys = PreSharedKeys::default().with("mine", [7; 16]);
    let server = Server::start_secured(Config::default(), keys).expect("a port");
    let key = "07".repeat(16);
    let program = registered(&server, &["--psk-identity", "mine", "--psk-key", &key]);
    ends_well(&server, program, Signal::INT);
}

/// A server whose port no other socket gets when it has gone.
fn mortal() -> Server {
    let bind = SocketAddr::from(([127, 0, 0, 1], coracle_peer_programs::free_port()));
    Server::start(Config { bind, ..Config::default() }).expect("a port")
}

/// Takes the port of a server that has gone. A program that another test starts may hold a copy of its socket for a moment.
fn when_free<T>(take: impl Fn() -> std::io::Result<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match take() {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            taken => return taken.expect("the port is free again"),
        }
    }
}

/// The server has gone: the device does not wait for it.
#[test]
fn a_server_that_does_not_answer_does_not_hold_it() {
    let server = mortal();
    let program = registered(&server, &[]);
    let address = server.address();
    drop(server);
    let silent = when_free(|| UdpSocket::bind(address));
    program.signal(Signal::TERM);
    let (code, lines, _) = program.end(PATIENCE);
    assert_eq!(code, Some(0), "{lines:#?}");
    drop(silent);
}

/// Whoever asks twice does not want to wait.
#[test]
fn a_second_signal_ends_it_at_once() {
    let server = mortal();
    let mut program = registered(&server, &[]);
    let address = server.address();
    drop(server);
    let silent = when_free(|| UdpSocket::bind(address));
    program.signal(Signal::INT);
    program.wait_line("sends De-register");
    program.signal(Signal::INT);
    let (code, lines, _) = program.end(PATIENCE);
    assert_eq!(code, Some(0), "{lines:#?}");
    drop(silent);
    let seconds = |text: &str| {
        let line = lines.iter().find(|line| line.contains(text)).expect("it is printed");
        line.trim_start().split(' ').next().and_then(|number| number.parse::<f64>().ok()).expect("a time")
    };
    assert!(!lines.iter().any(|line| line.contains("is not registered")), "it did not wait: {lines:#?}");
    assert!(seconds("stopping") >= seconds("is registered"));
}

/// It goes on through a restart of the server: same port, nothing known.
#[test]
fn a_restarted_server_is_registered_with_again() {
    let server = mortal();
    let uri = server.uri();
    let mut program = Program::start(&["--server", &uri, "--endpoint", "mine", "--lifetime", "4"]);
    program.wait_line("is registered");
    let config = server.stop();
    std::thread::sleep(Duration::from_secs(1));
    let server = when_free(|| Server::start(config.clone()));
    let events = server.subscribe();
    assert!(events.registered("mine", PATIENCE).is_some());
    program.wait_line("is registered");
    ends_well(&server, program, Signal::TERM);
}
