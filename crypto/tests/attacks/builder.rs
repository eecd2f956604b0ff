//! Certificates that say whatever a test wants, in DER of our own.

#![allow(dead_code, reason = "each test program uses its part")]

use p256::ecdsa::signature::Signer;

/// The `SubjectPublicKeyInfo` of an uncompressed point on P-256.
pub fn spki(point: &[u8]) -> Vec<u8> {
    let algorithm = sequence(&[&der(0x06, EC_PUBLIC_KEY), &der(0x06, PRIME256V1)]);
    sequence(&[&algorithm, &der(0x03, &[&[0][..], point].concat())])
}

pub fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut out = vec![tag];
    match length {
        0..=0x7F => out.push(length as u8),
        0x80..=0xFF => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(contents);
    out
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
pub const ECDSA_WITH_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
pub const ECDSA_WITH_SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03];
pub const SERVER_AUTH: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 1];
pub const CLIENT_AUTH: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 2];

pub const DNS: u8 = 0x82;
pub const EMAIL: u8 = 0x81;
pub const URI: u8 = 0x86;
pub const IP: u8 = 0x87;

/// What a certificate says.
#[derive(Clone, Debug)]
pub struct Fields {
    /// The contents of the serial number.
    pub serial: Vec<u8>,
    pub subject: Vec<u8>,
    pub not_before: &'static str,
    pub not_after: &'static str,
    /// basicConstraints: the CA flag and the path length.
    pub basic: Option<(bool, Option<u8>)>,
    /// The contents of a path length of more than a byte, in place of that.
    pub long_path: Vec<u8>,
    /// The first byte of keyUsage.
    pub key_usage: Option<u8>,
    pub purposes: Vec<&'static [u8]>,
    /// subjectAltName: tags and contents.
    pub names: Option<Vec<(u8, Vec<u8>)>>,
    /// Further extensions: object identifier, critical, value.
    pub more: Vec<(&'static [u8], bool, Vec<u8>)>,
    pub algorithm: &'static [u8],
}

/// A name with one common name.
pub fn name(common: &[u8]) -> Vec<u8> {
    sequence(&[&der(0x31, &sequence(&[&der(0x06, &[0x55, 4, 3]), &der(0x0C, common)]))])
}

impl Fields {
    fn new(subject: &str) -> Self {
        Self {
            serial: vec![1],
            subject: name(subject.as_bytes()),
            not_before: "200101000000Z",
            not_after: "400101000000Z",
            basic: None,
            long_path: Vec::new(),
            key_usage: None,
            purposes: Vec::new(),
            names: None,
            more: Vec::new(),
            algorithm: ECDSA_WITH_SHA256,
        }
    }

    /// A server's certificate as it should be.
    pub fn leaf(host: &str) -> Self {
        Self {
            key_usage: Some(0x80),
            purposes: vec![SERVER_AUTH],
            names: Some(vec![(DNS, host.as_bytes().to_vec())]),
            ..Self::new("leaf")
        }
    }

    /// A CA's certificate as it should be.
    pub fn ca(subject: &str) -> Self {
        Self { basic: Some((true, None)), key_usage: Some(0x04), ..Self::new(subject) }
    }

    fn extensions(&self) -> Vec<u8> {
        let mut list = Vec::new();
        let mut add = |identifier: &[u8], critical: bool, value: &[u8]| {
            let critical = if critical { der(0x01, &[0xFF]) } else { Vec::new() };
            list.extend(sequence(&[&der(0x06, identifier), &critical, &der(0x04, value)]));
        };
        if let Some((ca, path_len)) = self.basic {
            let flag = if ca { der(0x01, &[0xFF]) } else { Vec::new() };
            let mut limit = path_len.map_or(Vec::new(), |limit| der(0x02, &[limit]));
            if !self.long_path.is_empty() {
                limit = der(0x02, &self.long_path);
            }
            add(&[0x55, 0x1D, 19], true, &sequence(&[&flag, &limit]));
        }
        if let Some(usage) = self.key_usage {
            add(&[0x55, 0x1D, 15], true, &der(0x03, &[0, usage]));
        }
        if !self.purposes.is_empty() {
            let purposes: Vec<u8> = self.purposes.iter().flat_map(|purpose| der(0x06, purpose)).collect();
            add(&[0x55, 0x1D, 37], false, &sequence(&[&purposes]));
        }
        if let Some(names) = &self.names {
            let names: Vec<u8> = names.iter().flat_map(|(tag, name)| der(*tag, name)).collect();
            add(&[0x55, 0x1D, 17], false, &sequence(&[&names]));
        }
        for (identifier, critical, value) in &self.more {
            add(identifier, *critical, value);
        }
        list
    }

    /// The part that is signed.
    fn to_be_signed(&self, issuer: &[u8], key: &[u8]) -> Vec<u8> {
        let version = der(0xA0, &der(0x02, &[2]));
        let time = |text: &str| der(if text.len() == 15 { 0x18 } else { 0x17 }, text.as_bytes());
        let extensions = self.extensions();
        let extensions =
            if extensions.is_empty() { Vec::new() } else { der(0xA3, &sequence(&[&extensions])) };
        sequence(&[
            &version,
            &der(0x02, &self.serial),
            &sequence(&[&der(0x06, self.algorithm)]),
            issuer,
            &sequence(&[&time(self.not_before), &time(self.not_after)]),
            &self.subject,
            key,
            &extensions,
        ])
    }
}

/// A key that signs certificates.
pub struct Authority {
    pub key: p256::ecdsa::SigningKey,
}

impl Authority {
    pub fn new(seed: u8) -> Self {
        Self { key: p256::ecdsa::SigningKey::from_slice(&[seed; 32]).expect("in range") }
    }

    pub fn spki(&self) -> Vec<u8> {
        spki(self.key.verifying_key().to_encoded_point(false).as_bytes())
    }

    /// A certificate for another key, with the issuer's name.
    pub fn issue_as(&self, issuer: &[u8], fields: &Fields, key: &[u8]) -> Vec<u8> {
        let signed = fields.to_be_signed(issuer, key);
        let signature: p256::ecdsa::Signature = if fields.algorithm == ECDSA_WITH_SHA384 {
            use p256::ecdsa::signature::hazmat::PrehashSigner;
            let digest: [u8; 48] = <sha2::Sha384 as sha2::Digest>::digest(&signed).into();
            self.key.sign_prehash(&digest).expect("long enough")
        } else {
            self.key.sign(&signed)
        };
        assemble(&signed, fields.algorithm, signature.to_der().as_bytes())
    }

    /// The same, issued by "CA".
    pub fn issue(&self, fields: &Fields, key: &[u8]) -> Vec<u8> {
        self.issue_as(&name(b"CA"), fields, key)
    }

    /// A certificate for our own key, signed with it.
    pub fn own(&self, fields: &Fields) -> Vec<u8> {
        self.issue_as(&fields.subject, fields, &self.spki())
    }
}

/// A certificate from its parts.
pub fn assemble(signed: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    let bits = der(0x03, &[&[0][..], signature].concat());
    sequence(&[signed, &sequence(&[&der(0x06, algorithm)]), &bits])
}

/// The body of a `Certificate` message.
pub fn chain(certificates: &[&[u8]]) -> Vec<u8> {
    let vec24 = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat();
    vec24(&certificates.iter().flat_map(|certificate| vec24(certificate)).collect::<Vec<u8>>())
}
