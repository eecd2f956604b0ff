//! Keys from the command line and from files.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use coracle::crypto::{
    Certificate, CertificateUsage as Usage, CredentialError, MatchingType as Matching, PrivateKey, Psk,
    PublicKey, ServerCertificate,
};
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

    /// The name in the server's certificate, in place of the URI's host; the server is told it, too (SNI). With --server-cert it
    /// is told, but not compared
    #[arg(long, value_name = "NAME", requires = "cert", value_parser = name)]
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

/// What a certificate can have as a name, and a URI as its host.
fn name(text: &str) -> Result<String, String> {
    let host = if text.contains(':') { format!("[{text}]") } else { text.into() };
    match crate::arguments::server_uri(&format!("coaps://{host}")) {
        Ok(_) if !text.ends_with('/') => Ok(text.into()),
        _ => {
            Err("a name of a certificate is, for instance, gateway.example, 192.0.2.1 or 2001:db8::1".into())
        }
    }
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
            Psk::new(identity.as_bytes(), &key.0).map_err(|error| error.to_string())?;
            return Ok(Keys::psk(identity, &key.0));
        }
        if let (Some(own), Some(server)) = (&self.rpk_key, &self.server_rpk) {
            let (secret, parsed) = private_key(own)?;
            let public = parsed.public_key().map_err(|error| at(own, error))?;
            let own = public.to_spki().into();
            let public = one(server, "PUBLIC KEY")?;
            PublicKey::parse(&public).map_err(|error| at(server, error))?;
            return Ok(Keys { kind: Kind::RawPublic, own, secret, server: public, server_name: None });
        }
        if let (Some(certificate), Some(key)) = (&self.cert, &self.key) {
            let own = blocks(certificate, &["CERTIFICATE"])?.concat();
            let (secret, parsed) = private_key(key)?;
            Certificate::check_pair(&parsed, first(&own)).map_err(|error| match error {
                CredentialError::KeysDoNotMatch => at(key, error),
                _ => at(certificate, error),
            })?;
            let (kind, server) = match (&self.ca, &self.server_cert) {
                (Some(ca), _) => (Kind::Ca, trusted(ca)?),
                (_, Some(server)) => (Kind::Certificate, trusted(server)?),
                _ => return Err("--cert needs --ca or --server-cert: which server is to be trusted?".into()),
            };
            return Ok(Keys { kind, own, secret, server, server_name: self.server_name.clone() });
        }
        Ok(Keys::default())
    }
}

fn at(file: &Path, error: impl std::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}

/// The key as it is in the file, and taken apart. Object 0 may have less room than a key of another kind needs, so that what is
/// wrong with it is told here.
fn private_key(file: &Path) -> Result<(Vec<u8>, PrivateKey), String> {
    let mut blocks = blocks(file, &["PRIVATE KEY", "EC PRIVATE KEY"])?;
    let secret = blocks.pop().ok_or_else(|| at(file, "there is no private key in it"))?;
    let parsed = PrivateKey::parse(&secret).map_err(|error| at(file, error))?;
    Ok((secret, parsed))
}

/// The certificate that decides about the server's.
fn trusted(file: &Path) -> Result<Vec<u8>, String> {
    let certificate = one(file, "CERTIFICATE")?;
    ServerCertificate::new(Usage::DomainIssuedCertificate, Matching::Exact, &certificate, &[])
        .map_err(|error| at(file, error))?;
    Ok(certificate)
}

/// The first of the certificates that lie one behind the other.
fn first(certificates: &[u8]) -> &[u8] {
    Certificate::split_first(certificates).map_or(certificates, |(first, _)| first)
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
    let wanted = all.iter().filter(|block| labels.contains(&block.tag()));
    let is_encrypted = |block: &pem::Pem| {
        block.tag() == "ENCRYPTED PRIVATE KEY"
            || block.headers().get("Proc-Type").is_some_and(|kind| kind.ends_with("ENCRYPTED"))
    };
    let asked_for_key = labels.iter().any(|label| label.ends_with("PRIVATE KEY"));
    if asked_for_key && wanted.clone().all(is_encrypted) && all.iter().any(is_encrypted) {
        return Err(at(
            file,
            "the private key is encrypted: `openssl pkcs8 -topk8 -nocrypt` writes it without a password",
        ));
    }
    let wanted: Vec<Vec<u8>> = wanted.map(|block| block.contents().into()).collect();
    if wanted.is_empty() {
        let found: Vec<&str> = all.iter().map(pem::Pem::tag).collect();
        let found = if found.is_empty() { "nothing".into() } else { found.join(", ") };
        return Err(at(file, format!("found {found} in it, but {} is needed", labels.join(" or "))));
    }
    Ok(wanted)
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
