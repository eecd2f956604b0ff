//! Without --server: the demo, and the help.

use std::process::{Command, Stdio};

use crate::program::run;

/// The lines have these texts in them, in this order.
fn in_order(lines: &[String], texts: &[&str]) {
    let mut rest = lines.iter();
    for text in texts {
        assert!(rest.any(|line| line.contains(text)), "no line with {text:?} at its place: {lines:#?}");
    }
}

/// What both demos show of the server's side, in this order; the device tells its own side meanwhile.
const SERVER: &[&str] = &[
    "server  listens on coap",
    "server  registered urn:dev:ops:32473-coracle-demo, lifetime 60 s, LwM2M 1.1, binding U",
    "/3303/0,/3303/1,/3311/0",
    "server  GET /3303 (link) -> 2.05 Content",
    "server  GET /3/0 (senml-cbor) -> 2.05 Content",
    "/3/0/0    \"Coracle\"",
    "server  GET /3303/0/5700 (text) -> 2.05 Content, ",
    "server  PUT /3/0/14 (text) \"+02:00\" -> 2.04 Changed",
    "server  PUT /3311/0/5851 (text) 101 -> 4.00 Bad Request",
    "server  POST /3303/0/5605 -> 2.04 Changed",
    "server  PUT /3303/0/5700?pmin=1&pmax=10 -> 2.04 Changed",
    "server  GET /3303/0/5700 (senml-cbor) observe -> 2.05 Content, ",
    "server  notified urn:dev:ops:32473-coracle-demo /3303/0/5700 #",
    "server  GET /3303/0/5700 cancel -> 2.05 Content",
    "server  PUT /1/0/1 (text) 120 -> 2.04 Changed",
    "server  updated urn:dev:ops:32473-coracle-demo, lifetime 120 s",
    "server  de-registered urn:dev:ops:32473-coracle-demo",
    "demo    done: registered, discovered, read, wrote, executed, observed, de-registered",
];

const DEVICE: &[&str] = &[
    "device  urn:dev:ops:32473-coracle-demo starts for coap",
    "device  sends Register",
    "device  is registered, lifetime 60 s",
    "device  was written at /3/0/14",
    "device  executed /3303/0/5605",
    "device  is observed at /3303/0/5700",
    "device  is no longer observed at /3303/0/5700",
    "device  sends Update",
    "device  stopping: de-registers",
    "device  is not registered",
];

fn demo(arguments: &[&str]) -> Vec<String> {
    let (code, lines, errors) = run(arguments);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{lines:#?}");
    in_order(&lines, SERVER);
    in_order(&lines, DEVICE);
    let notified = |line: &&String| line.contains(" notified ");
    let mut values: Vec<&str> =
        lines.iter().filter(notified).filter_map(|line| line.rsplit(", ").next()).collect();
    assert_eq!(values.len(), 4, "{lines:#?}");
    values.dedup();
    assert!(values.len() > 1, "the values change: {values:?}");
    lines
}

#[test]
fn without_arguments_it_shows_everything_over_dtls_and_ends() {
    let lines = demo(&[]);
    in_order(&lines, &["listens on coaps://127.0.0.1:", "device  has a new session: PskAes128Ccm8"]);
}

#[test]
fn with_plain_it_shows_the_same_without_dtls() {
    let lines = demo(&["--plain"]);
    in_order(&lines, &["listens on coap://127.0.0.1:"]);
    assert!(!lines.iter().any(|line| line.contains("session")), "{lines:#?}");
}

#[test]
fn help_and_version_are_there() {
    let (code, lines, errors) = run(&["--help"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let text = lines.join("\n");
    for option in [
        "--server <URI>",
        "--endpoint <NAME>",
        "--lifetime <SECONDS>",
        "--local-port",
        "--plain",
        "--psk-key",
        "--cert",
        "--server-name <NAME>",
    ] {
        assert!(text.contains(option), "{option}: {text}");
    }
    let (code, lines, _) = run(&["--version"]);
    assert_eq!(code, Some(0));
    assert_eq!(lines, [format!("coracle-device {}", env!("CARGO_PKG_VERSION"))]);
}

#[test]
fn faults_of_the_command_line_are_explained_and_nothing_is_started() {
    for (arguments, code, text) in [
        (&["--server", "leshan.example"][..], 2, "starts with coap://"),
        (&["--server", "http://host"], 2, "starts with coap://"),
        (&["--server", "coap://"], 2, "host"),
        (&["--server", "coap://host:99999"], 2, "port"),
        (&["--server", "coap://host/path"], 2, "leave out path"),
        (&["--server", "coap://host", "--lifetime", "-1"], 2, "a whole number of seconds, from 0"),
        (&["--server", "coap://host", "--endpoint", ""], 2, "must not be empty"),
        (&["--plain", "--server", "coap://host"], 2, "cannot be used with"),
        (&["--plain", "--psk-identity", "me", "--psk-key", "00112233"], 2, "cannot be used with"),
        (&["--serve"], 2, "--server"),
        (&["--server", "coaps://host"], 1, "needs keys: --psk-identity"),
        (&["--server", "coaps://host", "--psk-identity", "me"], 2, "--psk-key"),
        (
            &["--server", "coaps://host", "--cert", "/absent", "--key", "/absent", "--ca", "/absent"],
            1,
            "/absent",
        ),
        (&["--server", "coaps://host", "--server-name", "gateway"], 2, "--cert"),
        (&["--server", "coap://host", "--endpoint", LONG], 2, "has 70 bytes, but at most 64 fit"),
        (&["--endpoint", LONG], 2, "client.endpoint_length"),
        (&["--psk-identity", "me", "--psk-key", "00112233"], 2, "--server <URI>"),
    ] {
        let (ended, lines, errors) = run(arguments);
        assert_eq!(ended, Some(code), "{arguments:?}: {errors}");
        assert!(errors.starts_with("error: ") && errors.contains(text), "{arguments:?}: {errors}");
        assert!(lines.is_empty(), "{arguments:?}: {lines:?}");
        assert!(!errors.contains("panicked"), "{errors}");
    }
}

/// `coracle-device | head -1`
#[test]
fn it_goes_on_when_nobody_reads_what_it_prints() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_coracle-device"))
        .arg("--plain")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(program.stdout.take());
    let output = program.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

/// Longer than the profile of the demo has room for.
const LONG: &str = "0123456789012345678901234567890123456789012345678901234567890123456789";
