//! The process of the peer: it starts, restarts on its ports, ends with its owner, and leaves nothing behind.

mod support;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use coracle_leshan_peer::{Code, Error, Failure, Format, Leshan, Options, Ports};
use support::{Device, LINKS, PATIENCE, Reply, code};

/// Set for the copies of this test program that tests start.
const ROLE: &str = "CORACLE_LESHAN_TEST_ROLE";

#[test]
fn a_restart_on_the_same_ports_forgets_the_device() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    server.refuse("other", true).unwrap();
    let ports = server.ports();
    let device = Device::start(ports.coap, |_| Reply::content(Format::Text, b"x").observe(1));
    let location = device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    server.observe("dev", "/3/0/0", None).unwrap();
    let first = server.process_id();

    server.restart_on_same_ports().unwrap();
    assert_eq!(server.ports(), ports);
    assert_ne!(server.process_id(), first);
    assert!(!is_alive(first));
    assert_eq!(server.read("dev", "/3/0/0", None).unwrap_err().failure(), Some(Failure::NotRegistered));
    assert_eq!(device.update(&location, &[]), 0x84);
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
    assert_eq!(server.read("dev", "/3/0/0", None).unwrap().code, Code::CONTENT);
    let refused = device.register("other", &["lt=60", "lwm2m=1.1"], LINKS).unwrap_err();
    assert_eq!(code(&refused), 0x83, "what the server was told before the restart still holds");
}

#[test]
fn an_outage_and_its_end() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let device = Device::start(server.ports().coap, |_| Reply::silence());
    device.register_simply("dev");
    let deadline = Instant::now() + PATIENCE;
    while server.expect_nothing(Duration::from_millis(50)).is_ok() {
        assert!(Instant::now() < deadline, "there is no event of the registration");
    }
    server.stop();
    assert!(!is_alive(server.process_id()));
    assert!(matches!(server.read("dev", "/3", None), Err(Error::Died(_))));
    server.wait_registered("dev", Duration::ZERO).expect("what came before the outage stays readable");
    server.resume().unwrap();
    device.register_simply("dev");
    server.wait_registered("dev", PATIENCE).unwrap();
}

#[test]
fn nothing_is_left_behind() {
    if !Leshan::available() {
        return;
    }
    let server = Leshan::start(Options::default()).unwrap();
    let (pid, port) = (server.process_id(), server.ports().coap);
    assert!(is_alive(pid));
    drop(server);
    assert!(!is_alive(pid));
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
}

#[test]
fn nothing_is_left_behind_by_a_killed_test() {
    if !Leshan::available() {
        return;
    }
    let mut owner = copy_of_this_program("hold_a_server").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(owner.stdout.take().unwrap()).lines();
    let pid = lines
        .find_map(|line| line.unwrap().strip_prefix("server ").and_then(|pid| pid.parse().ok()))
        .expect("the other program starts a server");
    assert!(is_alive(pid));
    owner.kill().unwrap();
    owner.wait().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while is_alive(pid) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(!is_alive(pid));
}

/// Not a test of its own: the program that `nothing_is_left_behind_by_a_killed_test` kills.
#[test]
fn hold_a_server() {
    if env::var(ROLE).is_ok_and(|role| role == "hold_a_server") {
        let server = Leshan::start(Options::default()).unwrap();
        println!("\nserver {}", server.process_id());
        thread::sleep(10 * PATIENCE);
    }
}

#[test]
fn a_peer_that_dies_is_reported_at_once() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default()).unwrap();
    let killed = Command::new("kill").args(["-9", &server.process_id().to_string()]).status().unwrap();
    assert!(killed.success());
    let begin = Instant::now();
    let error = server.wait_registered("dev", 10 * PATIENCE).unwrap_err();
    assert!(matches!(error, Error::Died(_)), "{error}");
    assert!(begin.elapsed() < PATIENCE);
}

#[test]
fn a_peer_that_cannot_start_says_why() {
    if !Leshan::available() {
        return;
    }
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let fails = |options: Options, word: &str| match Leshan::start(options) {
        Err(Error::Start(text)) => assert!(text.contains(word), "{text}"),
        other => panic!("{other:?}"),
    };
    fails(Options::default().ports(Ports { coap: port, ..Ports::default() }), "--coap");
    fails(Options::default().ports(Ports { bs_coaps: port, ..Ports::default() }), "--bs-coaps");
    fails(Options::default().connection_id(9), "--cid");
    fails(Options::default().models(Path::new("/no/such/folder")), "not a folder");
    fails(Options::default().setting("COAP.NO_SUCH_KEY", "1"), "COAP.NO_SUCH_KEY");
    fails(Options::default().setting("COAP.ACK_TIMEOUT", "soon"), "soon");
    fails(Options::default().extended_master_secret("PERHAPS"), "REQUIRED");
}

#[test]
fn an_absent_peer_fails_the_test_only_where_it_is_required() {
    let run = |peers: &str| {
        let mut copy = copy_of_this_program("ask_for_the_peer");
        let output = copy.env("PATH", "/no/such/folder").env("CORACLE_PEERS", peers).output().unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    };
    let (passes, text) = run("");
    assert!(passes && text.contains("SKIPPED: ") && text.contains("openjdk-17-jdk-headless"), "{text}");
    let (passes, text) = run("required");
    assert!(
        !passes && text.contains("CORACLE_PEERS=required") && text.contains("java is not installed"),
        "{text}"
    );
}

/// Not a test of its own: the program that `an_absent_peer_fails_the_test_only_where_it_is_required` starts.
#[test]
fn ask_for_the_peer() {
    if env::var(ROLE).is_ok_and(|role| role == "ask_for_the_peer") {
        assert!(!Leshan::available());
    }
}

#[test]
fn builds_at_the_same_time_do_not_disturb_each_other() {
    if !Leshan::available() {
        return;
    }
    let jars: Vec<_> = (0..4).map(|_| thread::spawn(coracle_leshan_peer::build)).collect();
    for jar in jars {
        let mut magic = [0; 2];
        fs::File::open(jar.join().unwrap().unwrap()).unwrap().read_exact(&mut magic).unwrap();
        assert_eq!(&magic, b"PK");
    }
}

/// Runs one test of this program in a process of its own.
fn copy_of_this_program(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(ROLE, test).stdin(Stdio::null());
    command
}

/// Whether there is such a process that is no zombie.
fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}
