//! One certificate, read where it lies.

use super::der::{Der, oid, tag};
use super::time::parse_time;
use crate::codec::Malformed;
use crate::credentials::CredentialError;
use crate::provider::p256::POINT;

/// Bits of keyUsage (RFC 5280 section 4.2.1.3), the first bit highest.
pub(crate) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(crate) const KEY_CERT_SIGN: u8 = 0x04;

/// The fields of a certificate that path validation looks at.
#[derive(Clone, Copy)]
pub(crate) struct Parsed<'a> {
    /// The whole certificate.
    pub(crate) whole: &'a [u8],
    /// What is signed.
    pub(crate) tbs: &'a [u8],
    /// The object identifier of the signature algorithm.
    pub(crate) algorithm: &'a [u8],
    /// The signature, DER of r and s.
    pub(crate) signature: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    /// Seconds since 1970.
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    spki: &'a [u8],
    pub(crate) extensions: Extensions<'a>,
}

/// The extensions (RFC 5280 section 4.2).
#[derive(Clone, Copy, Default)]
pub(crate) struct Extensions<'a> {
    /// The first byte of keyUsage, when present.
    pub(crate) key_usage: Option<u8>,
    /// The contents of extKeyUsage, when present.
    pub(crate) extended_key_usage: Option<&'a [u8]>,
    /// The contents of subjectAltName, when present.
    pub(crate) alternative_names: Option<&'a [u8]>,
    pub(crate) is_ca: bool,
    /// Intermediate certificates that may follow, when limited.
    pub(crate) path_len: Option<u8>,
    /// A critical extension that we do not know, or name constraints, which we do not process.
    pub(crate) unprocessed: bool,
}

impl<'a> Parsed<'a> {
    pub(crate) fn new(whole: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = Der::new(whole);
        let mut certificate = outer.sequence()?;
        outer.end()?;
        let tbs = certificate.whole(tag::SEQUENCE)?;
        let outer_algorithm = certificate.required(tag::SEQUENCE)?;
        let signature = certificate.bit_string()?;
        certificate.end()?;

        let mut fields = Der::new(tbs).sequence()?;
        let version = fields.optional(tag::context(0))?;
        fields.required(tag::INTEGER)?;
        let inner_algorithm = fields.required(tag::SEQUENCE)?;
        // RFC 5280 section 4.1.1.2: the unsigned copy must say the same.
        if inner_algorithm != outer_algorithm {
            return Err(Malformed);
        }
        let issuer = fields.whole(tag::SEQUENCE)?;
        let mut validity = fields.sequence()?;
        let not_before = parse_time(&mut validity)?;
        let not_after = parse_time(&mut validity)?;
        validity.end()?;
        let subject = fields.whole(tag::SEQUENCE)?;
        let spki = fields.whole(tag::SEQUENCE)?;
        // issuerUniqueID and subjectUniqueID: nobody uses them.
        fields.optional(0x81)?;
        fields.optional(0x82)?;
        let extensions = match fields.optional(tag::context(3))? {
            // Extensions exist in version 3 only.
            Some(extensions) if version == Some(&[2, 1, 2]) => Extensions::new(extensions)?,
            Some(_) => return Err(Malformed),
            None => Extensions::default(),
        };
        fields.end()?;
        let algorithm = Der::new(inner_algorithm).required(tag::OID)?;
        Ok(Self {
            whole,
            tbs,
            algorithm,
            signature,
            issuer,
            subject,
            not_before,
            not_after,
            spki,
            extensions,
        })
    }

    /// The key, when it is an uncompressed point of P-256. Whether it lies on the curve is checked where it is used.
    pub(crate) fn public_key(&self) -> Result<[u8; POINT], CredentialError> {
        crate::credentials::spki(self.spki)
    }

    /// The last common name of the subject.
    pub(crate) fn common_name(&self) -> Option<&'a [u8]> {
        let mut sets = Der::new(self.subject).sequence().ok()?;
        let mut found = None;
        while !sets.is_empty() {
            let mut attributes = Der::new(sets.required(tag::SET).ok()?);
            while !attributes.is_empty() {
                let mut attribute = attributes.sequence().ok()?;
                if attribute.required(tag::OID).ok()? == oid::COMMON_NAME {
                    found = attribute.value().ok().map(|(_, name)| name);
                }
            }
        }
        found
    }
}

impl<'a> Extensions<'a> {
    fn new(contents: &'a [u8]) -> Result<Self, Malformed> {
        let mut outer = Der::new(contents);
        let mut list = outer.sequence()?;
        outer.end()?;
        let mut extensions = Self::default();
        // One bit for each extension of the arc, to find duplicates.
        let mut seen = 0_u64;
        while !list.is_empty() {
            let mut extension = list.sequence()?;
            let identifier = extension.required(tag::OID)?;
            let critical = match extension.optional(tag::BOOLEAN)? {
                None => false,
                Some([0xFF]) => true,
                Some(_) => return Err(Malformed),
            };
            let value = extension.required(tag::OCTET_STRING)?;
            extension.end()?;
            let number = match identifier {
                [arc0, arc1, number @ 0..64] if [*arc0, *arc1] == oid::EXTENSION_ARC => *number,
                _ => {
                    extensions.unprocessed |= critical;
                    continue;
                }
            };
            if seen & 1 << number != 0 {
                return Err(Malformed);
            }
            seen |= 1 << number;
            extensions.read(number, critical, value)?;
        }
        Ok(extensions)
    }

    fn read(&mut self, number: u8, critical: bool, value: &'a [u8]) -> Result<(), Malformed> {
        let mut value = Der::new(value);
        match number {
            15 => {
                let ([_, bits @ ..] | bits @ []) = value.required(tag::BIT_STRING)?;
                self.key_usage = Some(bits.first().copied().unwrap_or(0));
            }
            17 => self.alternative_names = Some(value.required(tag::SEQUENCE)?),
            19 => {
                let mut fields = value.sequence()?;
                self.is_ca = match fields.optional(tag::BOOLEAN)? {
                    None => false,
                    Some([0xFF]) => true,
                    Some(_) => return Err(Malformed),
                };
                self.path_len = match fields.optional(tag::INTEGER)? {
                    None => None,
                    Some([length @ 0..0x80]) => Some(*length),
                    // More than any chain has.
                    Some([0, 0x80..=0xFF, ..] | [1..0x80, _, ..]) => None,
                    Some(_) => return Err(Malformed),
                };
                fields.end()?;
            }
            37 => self.extended_key_usage = Some(value.required(tag::SEQUENCE)?),
            // nameConstraints: leaving it unread would widen what the issuer allowed.
            30 => {
                self.unprocessed = true;
                return Ok(());
            }
            _ => {
                self.unprocessed |= critical;
                return Ok(());
            }
        }
        value.end()
    }

    /// Whether the key may be used so; keyUsage may be absent.
    pub(crate) fn allows_key(&self, usage: u8) -> bool {
        self.key_usage.is_none_or(|allowed| allowed & usage != 0)
    }

    /// Whether the certificate may authenticate the holder of this purpose; extKeyUsage may be absent.
    pub(crate) fn allows_purpose(&self, purpose: &[u8]) -> bool {
        let Some(purposes) = self.extended_key_usage else { return true };
        let mut purposes = Der::new(purposes);
        while let Ok(found) = purposes.required(tag::OID) {
            if found == purpose || found == oid::ANY_EXTENDED_KEY_USAGE {
                return true;
            }
        }
        false
    }
}
