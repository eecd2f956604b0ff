//! Certificates for the tests, made with `openssl` when the tests run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::process::{available, folder};

/// A CA, a server (SAN localhost and 127.0.0.1) and clients, all on P-256.
#[derive(Debug)]
pub struct Certificates {
    folder: PathBuf,
    /// The CA's certificate, in DER like the rest.
    pub ca: Vec<u8>,
    /// The server.
    pub server: Identity,
    /// A client.
    pub client: Identity,
    /// Seconds since 1970.
    pub now: u64,
}

/// A key pair and the certificate of it, in DER.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// The private key: PKCS#8.
    pub key: Vec<u8>,
    /// The public key: `SubjectPublicKeyInfo`.
    pub public: Vec<u8>,
}

impl Certificates {
    /// Made once in a run. `None` when OpenSSL is missing.
    pub fn get() -> Option<&'static Self> {
        static ONCE: OnceLock<Option<Certificates>> = OnceLock::new();
        ONCE.get_or_init(|| available("openssl", "openssl").then(Self::make)).as_ref()
    }

    /// The path of `ca.pem`, or of one of NAME`.pem`, `.key`, `.key.der`, `.pub.pem`, `.pub.der` where NAME is `server`,
    /// `client`, or one that was [issued](Certificates::issue).
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a folder of ours").to_owned()
    }

    /// A client with this common name, with a certificate that is valid for so many days: -1 for one that has expired.
    pub fn issue(&self, name: &str, days: i32) -> Identity {
        issue(&self.folder, name, "client.ext", days)
    }

    /// Another server, with the same names as the first.
    pub fn issue_server(&self, name: &str, days: i32) -> Identity {
        issue(&self.folder, name, "server.ext", days)
    }

    fn make() -> Self {
        let folder = folder().join(format!("certificates-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        std::fs::write(folder.join("server.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            .expect("space");
        std::fs::write(folder.join("client.ext"), "extendedKeyUsage=clientAuth\n").expect("space");
        openssl(
            &folder,
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -keyout ca.key -out ca.pem -subj /CN=Test-CA",
        );
        openssl(&folder, "x509 -in ca.pem -outform DER -out ca.der");
        Self {
            ca: std::fs::read(folder.join("ca.der")).expect("made above"),
            server: issue(&folder, "server", "server.ext", 365),
            client: issue(&folder, "client", "client.ext", 365),
            now: SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs(),
            folder,
        }
    }
}

fn issue(folder: &Path, name: &str, extensions: &str, days: i32) -> Identity {
    let run = |arguments: &str| openssl(folder, &arguments.replace("NAME", name));
    run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out NAME.key");
    run("req -new -key NAME.key -out NAME.csr -subj /CN=NAME");
    // Several tests issue at the same time: no file for the serial numbers.
    let serial = name.bytes().fold(1_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    run(&format!(
        "x509 -req -in NAME.csr -CA ca.pem -CAkey ca.key -set_serial {serial} -days {days} -extfile {extensions} -out NAME.pem"
    ));
    run("pkey -in NAME.key -pubout -out NAME.pub.pem");
    run("pkey -in NAME.key -pubout -outform DER -out NAME.pub.der");
    run("pkcs8 -topk8 -nocrypt -in NAME.key -outform DER -out NAME.key.der");
    run("x509 -in NAME.pem -outform DER -out NAME.der");
    let read = |suffix: &str| std::fs::read(folder.join(format!("{name}.{suffix}"))).expect("made above");
    Identity { certificate: read("der"), key: read("key.der"), public: read("pub.der") }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("it was found");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}
