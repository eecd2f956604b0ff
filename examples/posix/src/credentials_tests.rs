//! Files and options that are right, and those that are not.

use super::*;

#[test]
fn keys_are_hexadecimal() {
    assert_eq!(hexadecimal("00ffA5"), Ok(Bytes(vec![0, 255, 0xa5])));
    assert_eq!(hexadecimal("0x01"), Ok(Bytes(vec![1])));
    for bad in ["", "0x", "012", "zz", "é0"] {
        assert!(hexadecimal(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_server_name_goes_with_certificates() {
    let folder = Folder::new("server-name");
    let options = Options { server_name: Some("leshan".into()), ..folder.certificate(KEY, CERTIFICATE) };
    let keys = options.keys();
    assert_eq!(keys.unwrap().credentials().server_name, Some("leshan"));
    assert_eq!(Keys::psk("me", b"key").credentials().server_name, None);
}

#[test]
fn a_server_name_is_one_of_a_certificate() {
    for good in ["leshan", "gateway.example", "192.0.2.1", "2001:db8::1"] {
        assert_eq!(name(good).as_deref(), Ok(good));
    }
    for bad in ["", " ", "a b", "a:5684", "a/", "a/b", "*.example", "[::1]", "::1::2"] {
        assert!(name(bad).is_err_and(|error| error.contains("gateway.example")), "{bad}");
    }
}

#[test]
fn keys_of_another_kind_are_told_with_their_file() {
    let folder = Folder::new("kinds");
    let rpk = |own: &str, server: &str| Options {
        rpk_key: Some(folder.file("own.pem", own)),
        server_rpk: Some(folder.file("server.pem", server)),
        ..Options::default()
    };
    let ca = |text| Options { ca: Some(folder.file("ca.pem", text)), ..folder.certificate(KEY, CERTIFICATE) };
    let psk =
        Options { psk_identity: Some("me".into()), psk_key: Some(Bytes(vec![0; 65])), ..Options::default() };
    let broken = CERTIFICATE.replace("MIIBbzCCARWg", "MIIBbzCCARWh");
    for (options, text) in [
        (rpk(P384_KEY, P384_PUBLIC), "own.pem: the private key is not an elliptic-curve key on P-256"),
        (rpk(KEY, P384_PUBLIC), "server.pem: the public key is not an uncompressed"),
        (rpk(ENCRYPTED, P384_PUBLIC), "own.pem: the private key is encrypted: `openssl"),
        (folder.certificate(P384_KEY, CERTIFICATE), "key.pem: the private key is not"),
        (folder.certificate(OTHER_KEY, CERTIFICATE), "key.pem: the private key does not belong to"),
        (folder.certificate(KEY, &broken), "cert.pem: a certificate is not X.509"),
        (ca(&broken), "ca.pem: a certificate is not X.509"),
        (psk, "more than 64 bytes"),
    ] {
        let error = options.keys().err().unwrap_or_default();
        assert!(error.contains(text), "{text}: {error}");
    }
    let encrypted = KEY.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert!(rpk(&encrypted, KEY).keys().is_err_and(|error| error.contains("is encrypted")));
}

/// Certificates in DER may lie one behind the other.
#[test]
fn the_first_certificate_of_several_is_that_of_the_key() {
    let folder = Folder::new("several");
    let options = folder.certificate(KEY, CERTIFICATE);
    let one = options.keys().unwrap().own;
    fs::write(options.cert.as_ref().unwrap(), one.repeat(2)).unwrap();
    assert_eq!(options.keys().unwrap().own, one.repeat(2));
    assert_eq!(first(&[0x30, 0x81, 1, 7, 8]), [0x30, 0x81, 1, 7]);
    assert_eq!(first(&[0x30, 0x82, 1, 0]), [0x30, 0x82, 1, 0]);
    assert!(first(&[]).is_empty());
}

/// A folder that goes when it is dropped. Each file has one of its own in it.
struct Folder(PathBuf, std::cell::Cell<usize>);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("coracle-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder, std::cell::Cell::default())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let folder = self.0.join(self.1.get().to_string());
        self.1.set(self.1.get() + 1);
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        fs::write(&file, text).unwrap();
        file
    }

    fn certificate(&self, key: &str, certificate: &str) -> Options {
        Options {
            cert: Some(self.file("cert.pem", certificate)),
            key: Some(self.file("key.pem", key)),
            ca: Some(self.file("ca.pem", CERTIFICATE)),
            ..Options::default()
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn files_that_are_something_else_are_named() {
    let folder = Folder::new("credentials");
    let file = |name, text| folder.file(name, text);
    let key = file("key.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    let error = private_key(&key).unwrap_err();
    assert!(error.contains("key.pem: found PUBLIC KEY in it, but PRIVATE KEY or EC PRIVATE KEY"), "{error}");
    let error = one(&file("empty", "nothing"), "CERTIFICATE").unwrap_err();
    assert!(error.contains("found nothing"), "{error}");
    let error = one(&folder.0.join("absent"), "CERTIFICATE").unwrap_err();
    assert!(error.contains("absent: No such file"), "{error}");
}

/// Made for this test: on P-256, valid for a hundred years.
const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmddf1GRvoLxkNLIy
jPRAdcJieCfICJYwZaahqhjzK/KhRANCAAQ2+0wdMHLZy7T22U7PiTl33e8HnX8X
uvx6OsGLK5FDx/beqSRW1h8hN4Egr9MhoesRnLXWr60m4eDq3opuYxTp
-----END PRIVATE KEY-----
";

const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIUQeGkD/kEeZH0r0P/e3sHG53ttiMwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAgFw0yNjExMjkyMzQ3MDFaGA8yMTI2MTEwNTIzNDcwMVow
DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDb7TB0wctnL
tPbZTs+JOXfd7wedfxe6/Ho6wYsrkUPH9t6pJFbWHyE3gSCv0yGh6xGctdavrSbh
4Oreim5jFOmjUzBRMB0GA1UdDgQWBBRhtAMLfVii6GRzGXdvA5kS1Lg7ZDAfBgNV
HSMEGDAWgBRhtAMLfVii6GRzGXdvA5kS1Lg7ZDAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0gAMEUCIQCGB+9q5iaqcXzqEoMc4YDzzJo7hv6iU2hcxYwPWw19
cwIgOVIDd4BIAPMhNTimsV6aOQZfRnbLf91tVRuTA1FKkVI=
-----END CERTIFICATE-----
";

const OTHER_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbJxL7wc4ebNPoRO3
FuehMWqAAckDS/lhHfoEyUrHs+uhRANCAARyAiNJqi8f+AhhDi9XG24Gv+krjcXR
gFrpH6Rp7FVI83kpHMC+1NevSgGk2EzWV/9jAjKIzP51culF9pkhIAFo
-----END PRIVATE KEY-----
";

const ENCRYPTED: &str = "\
-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,4D90E8DA471143FDB629821A0F51AEAF

xKAK1v03X09YruDYLWUuo7/277Yb2FHcvUkVEVqJjCdg0nkVS5g/z9T4K0vr8D51
uMsJHufyYJvD8oD8+Mdr5lK1EHejDgmVn0lAJ18U0L21jdPL6vQMVheiO7CZ6rsU
sf8xSPdHlfAPcM/MJgwdJg6qfzYB8cedJFIXeyhrnkA=
-----END EC PRIVATE KEY-----
";

const P384_KEY: &str = "\
-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDAkWXDZop2aaUQ1tmeNWMNyfQBaqdQrJtxtt0JExpEsDT4BUI9kfpxV
IEDYmmgfeoCgBwYFK4EEACKhZANiAATvqFKuiYihiEVhXqRhWb/Oig8SLI9RgBzC
xRiPGC2oedX+iD8y8qNNajjk4p0WFMSX4gXWKxGcgpME2SNEm4MTdNQbbef+tY60
o5/JdukAgZ60lcLZkYCDKY45A9jIviQ=
-----END EC PRIVATE KEY-----
";

const P384_PUBLIC: &str = "\
-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE76hSromIoYhFYV6kYVm/zooPEiyPUYAc
wsUYjxgtqHnV/og/MvKjTWo45OKdFhTEl+IF1isRnIKTBNkjRJuDE3TUG23n/rWO
tKOfyXbpAIGetJXC2ZGAgymOOQPYyL4k
-----END PUBLIC KEY-----
";
