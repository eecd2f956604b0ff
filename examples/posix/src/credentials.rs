//! Keys from the command line and from files.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use coracle::crypto::PrivateKey;
use coracle::{CertificateUsage, Credentials, MatchingType};

/// What the device and the server prove themselves with.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Security, for coaps://")]
pub(crate) struct Options {
    /// The identity of a pre-shared key
    #[arg(long, value_name = "TEXT", requires = "psk_key", requires = "server", group = "kind")]
    psk_identity: Option<String>,

    /// The pre-shared key, in hexadecimal digits
    #[arg(long, value_name = "HEX", requires = "psk_identity", value_parser = hexadecimal)]
    psk_key: Option<Bytes>,

    /// The device's private key, to be used with raw public keys: PEM or DER (PKCS#8, SEC 1), on P-256
    #[arg(long, value_name = "FILE", requires = "server_rpk", requires = "server", group = "kind")]
    rpk_key: Option<PathBuf>,

    /// The server's raw public key: PEM or DER (SubjectPublicKeyInfo)
    #[arg(long, value_name = "FILE", requires = "rpk_key")]
    server_rpk: Option<PathBuf>,

    /// The device's certificate, and those that certify it: PEM or DER
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        requires = "trust",
        requires = "server",
        group = "kind"
    )]
    cert: Option<PathBuf>,

    /// The private key of the certificate: PEM or DER (PKCS#8, SEC 1), on P-256
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// The certificate that the server's must be certified by: PEM or DER
    #[arg(long, value_name = "FILE", requires = "cert", group = "trust")]
    ca: Option<PathBuf>,

    /// The server's own certificate, in place of --ca: PEM or DER
    #[arg(long, value_name = "FILE", requires = "cert", group = "trust")]
    server_cert: Option<PathBuf>,

    /// The name in the server's certificate, in place of the URI's host; the server is told it, too (SNI)
    #[arg(long, value_name = "NAME", requires = "cert")]
    server_name: Option<String>,
}

/// A value of several bytes: clap takes `Vec<u8>` for a list of numbers.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

fn hexadecimal(text: &str) -> Result<Bytes, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return Err("a key is an even number of hexadecimal digits".into());
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digits.chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?));
    pairs.collect::<Option<_>>().map(Bytes).ok_or_else(|| "a key is written in hexadecimal digits".into())
}

/// Security mode and keys, as object 0 has them.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    kind: Kind,
    own: Vec<u8>,
    secret: Vec<u8>,
    server: Vec<u8>,
    server_name: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    None,
    PreShared,
    RawPublic,
    /// The server's certificate is certified by the one that is given.
    Ca,
    /// The server's certificate is the one that is given.
    Certificate,
}

impl Keys {
    /// A pre-shared key.
    pub(crate) fn psk(identity: &str, key: &[u8]) -> Self {
        Self { kind: Kind::PreShared, own: identity.into(), secret: key.into(), ..Self::default() }
    }

    /// True for `coaps://`.
    pub(crate) fn is_secure(&self) -> bool {
        self.kind != Kind::None
    }

    /// For [`coracle::ServerSettings`].
    pub(crate) fn credentials(&self) -> Credentials<'_> {
        let (own, secret, server) = (&*self.own, &*self.secret, &*self.server);
        let certificate = |usage| Credentials {
            certificate_usage: Some(usage),
            matching_type: Some(MatchingType::Exact),
            server_name: self.server_name.as_deref(),
            ..Credentials::certificate(own, secret, server)
        };
        match self.kind {
            Kind::None => Credentials::NONE,
            Kind::PreShared => Credentials::psk(own, secret),
            Kind::RawPublic => Credentials::raw_public_key(own, secret, server),
            Kind::Ca => certificate(CertificateUsage::TrustAnchorAssertion),
            Kind::Certificate => certificate(CertificateUsage::DomainIssuedCertificate),
        }
    }
}

impl Options {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them can't be read, or is not what it should be: in words, with its name.
    pub(crate) fn keys(&self) -> Result<Keys, String> {
        if let (Some(identity), Some(key)) = (&self.psk_identity, &self.psk_key) {
            return Ok(Keys::psk(identity, &key.0));
        }
        if let (Some(own), Some(server)) = (&self.rpk_key, &self.server_rpk) {
            let secret = private_key(own)?;
            let parsed = PrivateKey::parse(&secret).map_err(|error| at(own, error))?;
            let public = parsed.public_key().map_err(|error| at(own, error))?;
            let server = one(server, "PUBLIC KEY")?;
            let own = public.to_spki().into();
            return Ok(Keys { kind: Kind::RawPublic, own, secret, server, server_name: None });
        }
        if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
            let own = blocks(certificate, &["CERTIFICATE"])?.concat();
            let (kind, server) = match (&self.ca, &self.server_cert) {
                (Some(ca), _) => (Kind::Ca, one(ca, "CERTIFICATE")?),
                (_, Some(server)) => (Kind::Certificate, one(server, "CERTIFICATE")?),
                _ => return Err("--cert needs --ca or --server-cert: which server is to be trusted?".into()),
            };
            let (secret, server_name) = (private_key(key)?, self.server_name.clone());
            return Ok(Keys { kind, own, secret, server, server_name });
        }
        Ok(Keys::default())
    }
}

fn at(file: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}

fn private_key(file: &Path) -> Result<Vec<u8>, String> {
    let mut blocks = blocks(file, &["PRIVATE KEY", "EC PRIVATE KEY"])?;
    blocks.pop().ok_or_else(|| at(file, "there is no private key in it"))
}

fn one(file: &Path, label: &str) -> Result<Vec<u8>, String> {
    let mut blocks = blocks(file, &[label])?;
    if blocks.len() > 1 {
        return Err(at(file, format!("there is more than one {label} in it")));
    }
    blocks.pop().ok_or_else(|| at(file, format!("there is no {label} in it")))
}

/// The contents of a PEM file with these labels, or of a DER file.
fn blocks(file: &Path, labels: &[&str]) -> Result<Vec<Vec<u8>>, String> {
    let bytes = fs::read(file).map_err(|error| at(file, error))?;
    // DER begins with a sequence; a scalar has 32 bytes.
    if bytes.first() == Some(&0x30) || bytes.len() == 32 {
        return Ok(vec![bytes]);
    }
    let all = pem::parse_many(&bytes).map_err(|error| at(file, format!("neither PEM nor DER: {error}")))?;
    let wanted: Vec<Vec<u8>> = all
        .iter()
        .filter(|block| labels.contains(&block.tag()))
        .map(|block| block.contents().into())
        .collect();
    if wanted.is_empty() {
        let found: Vec<&str> = all.iter().map(pem::Pem::tag).collect();
        let found = if found.is_empty() { "nothing".into() } else { found.join(", ") };
        return Err(at(file, format!("found {found} in it, but {} is needed", labels.join(" or "))));
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
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
        let folder = std::env::temp_dir().join(format!("coracle-server-name-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("any.der");
        fs::write(&file, [0x30, 0]).unwrap();
        let options = Options {
            cert: Some(file.clone()),
            key: Some(file.clone()),
            ca: Some(file),
            server_name: Some("leshan".into()),
            ..Options::default()
        };
        let keys = options.keys();
        fs::remove_dir_all(folder).unwrap();
        assert_eq!(keys.unwrap().credentials().server_name, Some("leshan"));
        assert_eq!(Keys::psk("me", b"key").credentials().server_name, None);
    }

    #[test]
    fn files_that_are_something_else_are_named() {
        let folder = std::env::temp_dir().join(format!("coracle-credentials-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, text: &str| {
            let file = folder.join(name);
            fs::write(&file, text).unwrap();
            file
        };
        let key = file("key.pem", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
        let error = private_key(&key).unwrap_err();
        assert!(
            error.contains("key.pem: found PUBLIC KEY in it, but PRIVATE KEY or EC PRIVATE KEY"),
            "{error}"
        );
        let error = one(&file("empty", "nothing"), "CERTIFICATE").unwrap_err();
        assert!(error.contains("found nothing"), "{error}");
        let error = one(&folder.join("absent"), "CERTIFICATE").unwrap_err();
        assert!(error.contains("absent: No such file"), "{error}");
        fs::remove_dir_all(folder).unwrap();
    }
}
