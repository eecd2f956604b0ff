//! The demo device as its user has it, a program with a command line, registered with Eclipse Leshan.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use coracle_leshan_peer::{Code, Format, Leshan, Mode, Options, Value};
use coracle_peer_programs::Certificates;
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_mins(2);
const SENSOR: &str = "/3303/0/5700";

/// The running program, killed with the value.
struct Program(Child);

impl Program {
    fn start(uri: &str, endpoint: &str, keys: &[&str]) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_coracle-device"))
            .args(["--server", uri, "--endpoint", endpoint, "--lifetime", "60"])
            .args(keys)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was built");
        Self(child)
    }

    /// Ends it by a signal; what it printed.
    fn stop(mut self, signal: Signal) -> String {
        let id = Pid::from_child(&self.0);
        kill_process(id, signal).expect("it runs");
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut text = String::new();
        self.0.stdout.take().expect("piped").read_to_string(&mut text).expect("text");
        assert!(status.success(), "{status}: {text}");
        text
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Registered, read, written, executed, observed, and de-registered by a signal.
fn is_managed(server: &mut Leshan, uri: &str, endpoint: &str, keys: &[&str], signal: Signal) {
    let program = Program::start(uri, endpoint, keys);
    let registration = server.wait_registered(endpoint, PATIENCE).expect("Register");
    assert_eq!((registration.lifetime, registration.secure), (60, !keys.is_empty()));
    for path in ["/1/0", "/3/0", "/3303/0", "/3311/0"] {
        assert!(registration.link(path).is_some(), "{path}: {}", registration.payload);
    }
    let device = server.read(endpoint, "/3/0", None).expect("an answer");
    assert_eq!(device.code, Code::CONTENT);
    let offset = server.write(endpoint, "/3/0/14", Mode::Replace, "-02:00", Some(Format::Text));
    assert_eq!(offset.expect("an answer").code, Code::CHANGED);
    let offset = server.read(endpoint, "/3/0/14", Some(Format::Text)).expect("an answer");
    assert_eq!(offset.value("/3/0/14"), Some(&"-02:00".into()));
    let reset = server.execute(endpoint, "/3/0/12", None).expect("an answer");
    assert_eq!(reset.code, Code::CHANGED);
    let observed = server.observe(endpoint, SENSOR, Some(Format::SenmlCbor)).expect("an answer");
    let Some(mut last) = observed.value(SENSOR).cloned() else { panic!("{observed:?}") };
    for _ in 0..2 {
        let notification = server.next_notification(endpoint, PATIENCE).expect("a notification");
        let value = notification.content.get(SENSOR).cloned().expect("a value");
        assert!(matches!(value, Value::Float(_)) && value != last, "{value:?}");
        last = value;
    }
    let text = program.stop(signal);
    assert!(!server.wait_unregistered(endpoint, PATIENCE).expect("De-register").expired, "{text}");
    assert!(text.contains("registered"), "{text}");
}

#[test]
fn with_plain_coap_and_with_a_pre_shared_key() {
    if !Leshan::available() {
        return;
    }
    let mut server = Leshan::start(Options::default().connection_id(6)).expect("Leshan starts");
    let uri = server.coap_uri();
    is_managed(&mut server, &uri, "demo-plain", &[], Signal::INT);
    server.add_psk("demo-psk", "who", &[0xab; 16]).expect("a new key");
    let (uri, key) = (server.coaps_uri(), "ab".repeat(16));
    let keys = ["--psk-identity", "who", "--psk-key", &key];
    is_managed(&mut server, &uri, "demo-psk", &keys, Signal::TERM);
}

#[test]
fn with_raw_public_keys() {
    let Some(certificates) = Certificates::get() else { return };
    if !Leshan::available() {
        return;
    }
    let path = |name: &str| certificates.path(name);
    let options = Options::default().raw_public_key(&path("server.key.der"), &path("server.pub.der"));
    let mut server = Leshan::start(options.connection_id(6)).expect("Leshan starts");
    server.add_raw_public_key("demo-rpk", &certificates.client.public).expect("a new key");
    let (uri, own, theirs) =
        (server.coaps_uri(), certificates.text("client.key"), certificates.text("server.pub.pem"));
    is_managed(&mut server, &uri, "demo-rpk", &["--rpk-key", &own, "--server-rpk", &theirs], Signal::TERM);
}

#[test]
fn with_certificates() {
    let Some(certificates) = Certificates::get() else { return };
    if !Leshan::available() {
        return;
    }
    let path = |name: &str| certificates.path(name);
    let options =
        Options::default().certificate(&path("server.key.der"), &path("server.pem"), &path("ca.pem"));
    let mut server = Leshan::start(options.connection_id(6)).expect("Leshan starts");
    server.add_certificate("client").expect("a new name");
    let text = |name: &str| certificates.text(name);
    let (own, key, authority, theirs) =
        (text("client.pem"), text("client.key"), text("ca.pem"), text("server.pem"));
    let uri = server.coaps_uri();
    let own = ["--cert", &own, "--key", &key];
    is_managed(&mut server, &uri, "client", &[&own[..], &["--ca", &authority]].concat(), Signal::INT);
    is_managed(&mut server, &uri, "client", &[&own[..], &["--server-cert", &theirs]].concat(), Signal::TERM);
}
