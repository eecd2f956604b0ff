//! Credentials of the peer, proved with OpenSSL as the device's DTLS: `openssl s_client` carries a Register.

mod support;

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use coap_lite::{CoapOption, MessageClass, MessageType, Packet};
use coracle_leshan_peer::{Leshan, Options};
use support::{LINKS, PATIENCE, number};

const KEY: &[u8] = &[0x11; 16];

/// The rule of [`Leshan::available`], for OpenSSL.
fn openssl_is_there() -> bool {
    let found = Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok();
    if !found {
        let required = env::var("CORACLE_PEERS").is_ok_and(|value| value == "required");
        assert!(!required, "CORACLE_PEERS=required, but openssl is not installed");
        let _ = writeln!(std::io::stderr(), "SKIPPED: install openssl");
    }
    found
}

/// An `s_client` that has sent a Register; killed on drop.
struct Client(Child);

impl Client {
    fn register(port: u16, endpoint: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_client", "-dtls1_2", "-quiet", "-connect", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut packet = Packet::new();
        packet.header.set_type(MessageType::Confirmable);
        packet.header.code = MessageClass::from(2);
        packet.set_token(vec![1]);
        packet.add_option(CoapOption::UriPath, b"rd".to_vec());
        packet.add_option(CoapOption::ContentFormat, number(40));
        for query in [format!("ep={endpoint}"), "lt=60".to_owned(), "lwm2m=1.1".to_owned()] {
            packet.add_option(CoapOption::UriQuery, query.into_bytes());
        }
        packet.payload = LINKS.as_bytes().to_vec();
        child.stdin.as_mut().unwrap().write_all(&packet.to_bytes().unwrap()).unwrap();
        Self(child)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_pre_shared_key_lets_its_endpoint_in() {
    if !Leshan::available() || !openssl_is_there() {
        return;
    }
    let mut server = Leshan::start(Options::default().connection_id(6)).unwrap();
    server.add_psk("dev", "identity", KEY).unwrap();
    let arguments = [
        "-psk_identity",
        "identity",
        "-psk",
        &coracle_leshan_peer::hex::encode(KEY),
        "-cipher",
        "PSK-AES128-CCM8",
    ];
    let client = Client::register(server.ports().coaps, "dev", &arguments);
    let handshake = server.wait_handshake(PATIENCE).unwrap();
    assert!(handshake.ok, "{handshake:?}");
    assert_eq!(handshake.cipher.as_deref(), Some("TLS_PSK_WITH_AES_128_CCM_8"));
    assert_eq!((handshake.server.as_str(), handshake.resumed), ("coaps", Some(false)));
    let registration = server.wait_registered("dev", PATIENCE).unwrap();
    assert!(registration.secure);
    assert_eq!(registration.identity.as_deref(), Some("identity"));
    let dtls = registration.coap.unwrap().dtls.unwrap();
    assert_eq!((dtls.cipher.as_str(), dtls.epoch), ("TLS_PSK_WITH_AES_128_CCM_8", Some(1)), "{dtls:?}");
    drop(client);

    let error = server.add_psk("other", "identity", KEY).unwrap_err();
    assert!(error.to_string().contains("already used"), "{error}");
    server.restart_on_same_ports().unwrap();
    let _client = Client::register(server.ports().coaps, "dev", &arguments);
    server.wait_registered("dev", PATIENCE).expect("a restarted server still has the key");
}

#[test]
fn a_wrong_key_and_an_unknown_identity_fail_the_handshake_without_an_alert() {
    if !Leshan::available() || !openssl_is_there() {
        return;
    }
    let options = Options::default().handshake_timeout(Duration::from_millis(100));
    let mut server = Leshan::start(options).unwrap();
    server.add_psk("dev", "identity", KEY).unwrap();
    let cipher = ["-cipher", "PSK-AES128-CCM8"];
    let wrong_key = ["-psk_identity", "identity", "-psk", "22", cipher[0], cipher[1]];
    let unknown = ["-psk_identity", "nobody", "-psk", "11", cipher[0], cipher[1]];
    let _clients =
        [wrong_key, unknown].map(|credentials| Client::register(server.ports().coaps, "dev", &credentials));
    for _ in 0..2 {
        // Scandium drops what it cannot decrypt, and gives up when its own flight was repeated often enough.
        let handshake = server.wait_handshake(PATIENCE).unwrap();
        assert!(!handshake.ok && handshake.alert.is_none(), "{handshake:?}");
        assert!(handshake.message.is_some_and(|text| text.contains("timeout")));
    }
    assert!(server.clients().unwrap().is_empty());
}

#[test]
fn certificates_of_both_sides() {
    if !Leshan::available() || !openssl_is_there() {
        return;
    }
    let folder = Folder::new("certificates");
    let (server_key, server_cert) = folder.certificate("server", "server");
    let (device_key, device_cert) = folder.certificate("device", "dev");
    let server_der = folder.pkcs8(&server_key);
    let mut server =
        Leshan::start(Options::default().certificate(&server_der, &server_cert, &device_cert)).unwrap();
    server.add_certificate("dev").unwrap();
    let arguments = ["-cert", text(&device_cert), "-key", text(&device_key), "-CAfile", text(&server_cert)];
    let _client = Client::register(server.ports().coaps, "dev", &arguments);
    let handshake = server.wait_handshake(PATIENCE).unwrap();
    assert!(handshake.ok, "{handshake:?}");
    assert_eq!(handshake.peer.as_deref(), Some("CN=dev"));
    let registration = server.wait_registered("dev", PATIENCE).unwrap();
    assert_eq!((registration.secure, registration.identity.as_deref()), (true, Some("dev")));
}

#[test]
fn raw_public_keys_are_taken() {
    if !Leshan::available() || !openssl_is_there() {
        return;
    }
    let folder = Folder::new("raw-keys");
    let (key, _) = folder.certificate("server", "server");
    let spki = folder.path("server.spki");
    openssl(&["ec", "-in", text(&key), "-pubout", "-outform", "DER", "-out", text(&spki)]);
    let mut server = Leshan::start(Options::default().raw_public_key(&folder.pkcs8(&key), &spki)).unwrap();
    let mut device_key = Vec::new();
    fs::File::open(&spki).unwrap().read_to_end(&mut device_key).unwrap();
    server.add_raw_public_key("dev", &device_key).unwrap();
    server.forget_credentials("dev").unwrap();
}

/// A folder of keys that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("coracle-leshan-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A key and a self-signed certificate of P-256.
    fn certificate(&self, name: &str, common_name: &str) -> (PathBuf, PathBuf) {
        let (key, certificate) = (self.path(&format!("{name}.key")), self.path(&format!("{name}.pem")));
        let subject = format!("/CN={common_name}");
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let mut arguments =
            vec!["req", "-x509", "-subj", &subject, "-keyout", text(&key), "-out", text(&certificate)];
        arguments.extend(curve);
        openssl(&arguments);
        (key, certificate)
    }

    fn pkcs8(&self, key: &Path) -> PathBuf {
        let der = self.path("server.pkcs8");
        openssl(&["pkcs8", "-topk8", "-nocrypt", "-in", text(key), "-outform", "DER", "-out", text(&der)]);
        der
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
