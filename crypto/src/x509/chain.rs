//! Path validation (RFC 5280 section 6) of the chain that a server sent, in the order in which it was sent.

use super::certificate::{DIGITAL_SIGNATURE, KEY_CERT_SIGN, Parsed};
use super::der::oid;
use super::name::ServerName;
use super::signature::parse_signature;
use crate::alert::Alert;
use crate::codec::Reader;
use crate::credentials::{CertificateUsage, ServerCertificate};
use crate::event::{FailureReason, Fault};
use crate::provider::p256::POINT;
use crate::provider::{Curve, sha256};

/// Certificates above the server's that are looked at.
const DEPTH: usize = 3;

/// Why a chain was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CertificateFault {
    Malformed,
    /// A rule of the certificate forbids this use: CA flag, key usage, path length, unknown critical extension.
    Forbidden,
    Unsupported,
    Expired,
    NotYetValid,
    UnknownCa,
    /// Not the provisioned certificate.
    Mismatch,
    Name,
    Signature,
}

impl From<CertificateFault> for Fault {
    fn from(fault: CertificateFault) -> Self {
        let (alert, reason) = match fault {
            CertificateFault::Malformed | CertificateFault::Forbidden => {
                (Alert::BAD_CERTIFICATE, FailureReason::BadCertificate)
            }
            CertificateFault::Unsupported => {
                (Alert::UNSUPPORTED_CERTIFICATE, FailureReason::UnsupportedCertificate)
            }
            CertificateFault::Expired => (Alert::CERTIFICATE_EXPIRED, FailureReason::CertificateExpired),
            CertificateFault::NotYetValid => {
                (Alert::CERTIFICATE_EXPIRED, FailureReason::CertificateNotYetValid)
            }
            CertificateFault::UnknownCa => (Alert::UNKNOWN_CA, FailureReason::UnknownCa),
            CertificateFault::Mismatch => (Alert::BAD_CERTIFICATE, FailureReason::ServerKeyMismatch),
            CertificateFault::Name => (Alert::BAD_CERTIFICATE, FailureReason::NameMismatch),
            CertificateFault::Signature => (Alert::BAD_CERTIFICATE, FailureReason::BadSignature),
        };
        Self::new(alert, reason)
    }
}

/// What a good chain gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verified {
    /// The key of the first certificate.
    pub(crate) key: [u8; POINT],
}

/// Checks the chain in `list` (the body of a `certificate_list`: each entry with a 3-byte length), sent by somebody
/// who wants to be trusted for `purpose`.
pub(crate) fn verify<C: Curve>(
    list: &[u8],
    purpose: &[u8],
    policy: &ServerCertificate<'_>,
    name: Option<ServerName<'_>>,
    unix_time: Option<u64>,
) -> Result<Verified, CertificateFault> {
    let mut chain = Reader(list);
    let leaf = next(&mut chain)?.ok_or(CertificateFault::Malformed)?;
    let key = leaf.public_key().map_err(|_| CertificateFault::Unsupported)?;
    let pinned = matches!(
        policy.usage,
        CertificateUsage::ServiceCertificateConstraint | CertificateUsage::DomainIssuedCertificate
    );
    if pinned && !policy.is_expected(leaf.whole) {
        return Err(CertificateFault::Mismatch);
    }
    if policy.usage != CertificateUsage::DomainIssuedCertificate {
        if leaf.extensions.unprocessed
            || !leaf.extensions.allows_key(DIGITAL_SIGNATURE)
            || !leaf.extensions.allows_purpose(purpose)
        {
            return Err(CertificateFault::Forbidden);
        }
        let named = name.is_some_and(|name| name.matches(&leaf, policy.common_name));
        if !named && !policy.any_name {
            return Err(CertificateFault::Name);
        }
        // The signatures before the clock: a wrong clock must not hide a forged chain.
        path::<C>(&leaf, &mut chain, policy, unix_time)?;
    }
    check_time(&leaf, unix_time)?;
    Ok(Verified { key })
}

fn next<'a>(chain: &mut Reader<'a>) -> Result<Option<Parsed<'a>>, CertificateFault> {
    if chain.is_empty() {
        return Ok(None);
    }
    let bytes = chain.vec24().map_err(|_| CertificateFault::Malformed)?;
    Parsed::new(bytes).map(Some).map_err(|_| CertificateFault::Malformed)
}

/// Climbs from `leaf` to a trust anchor.
fn path<C: Curve>(
    leaf: &Parsed<'_>,
    chain: &mut Reader<'_>,
    policy: &ServerCertificate<'_>,
    unix_time: Option<u64>,
) -> Result<(), CertificateFault> {
    // Usage 0 wants the given CA somewhere on the way, if need be above the first anchor; the others have nothing left to find.
    let mut found = policy.usage != CertificateUsage::CaConstraint;
    let mut missing = CertificateFault::UnknownCa;
    let mut current = *leaf;
    // Those that count for path lengths: one that is issued by its own name does not (RFC 5280 section 6.1.4).
    let mut below = 0;
    for level in 0..=DEPTH {
        let anchored = is_anchored::<C>(&current, below, policy, found);
        if anchored == Ok(true) {
            return Ok(());
        }
        // With a new key an authority has the same name: the old one certifies it.
        let issuer = next(chain)?.filter(|issuer| level < DEPTH && issuer.subject == current.issuer);
        let Some(issuer) = issuer else { return Err(anchored.err().unwrap_or(missing)) };
        check_ca(&issuer, below)?;
        check_signature::<C>(&current, &issuer)?;
        check_time(&issuer, unix_time)?;
        let expected = policy.is_expected(issuer.whole);
        found |= expected;
        let is_anchor = match policy.usage {
            CertificateUsage::TrustAnchorAssertion => expected,
            _ => policy.trust_store.contains(&issuer.whole),
        };
        if is_anchor && found {
            return Ok(());
        }
        if is_anchor {
            missing = CertificateFault::Mismatch;
        }
        below += usize::from(issuer.subject != issuer.issuer);
        current = issuer;
    }
    Err(missing)
}

/// Whether a trust anchor that we have issued `current`: any, or the expected one unless that was `found` on the way.
fn is_anchored<C: Curve>(
    current: &Parsed<'_>,
    below: usize,
    policy: &ServerCertificate<'_>,
    found: bool,
) -> Result<bool, CertificateFault> {
    let (single, store) = match policy.usage {
        CertificateUsage::TrustAnchorAssertion => (policy.certificate(), &[][..]),
        _ => (None, policy.trust_store),
    };
    let mut refused = None;
    for candidate in single.into_iter().chain(store.iter().copied()) {
        let Ok(anchor) = Parsed::new(candidate) else { continue };
        if anchor.subject != current.issuer {
            continue;
        }
        // Another anchor may have the same name: go on, and tell the fault only when none fits.
        match check_ca(&anchor, below).and_then(|()| check_signature::<C>(current, &anchor)) {
            Ok(()) if found || policy.is_expected(anchor.whole) => return Ok(true),
            Ok(()) => refused = Some(CertificateFault::Mismatch),
            Err(fault) => refused = Some(fault),
        }
    }
    refused.map_or(Ok(false), Err)
}

/// Whether `issuer` may certify, with `below` other CAs, less those issued by their own names, between it and the leaf.
fn check_ca(issuer: &Parsed<'_>, below: usize) -> Result<(), CertificateFault> {
    let extensions = &issuer.extensions;
    let deep = extensions.path_len.is_some_and(|limit| below > usize::from(limit));
    if !extensions.is_ca || deep || extensions.unprocessed || !extensions.allows_key(KEY_CERT_SIGN) {
        return Err(CertificateFault::Forbidden);
    }
    Ok(())
}

fn check_time(certificate: &Parsed<'_>, unix_time: Option<u64>) -> Result<(), CertificateFault> {
    let Some(now) = unix_time else { return Ok(()) };
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    if now < certificate.not_before {
        return Err(CertificateFault::NotYetValid);
    }
    if now > certificate.not_after {
        return Err(CertificateFault::Expired);
    }
    Ok(())
}

fn check_signature<C: Curve>(certificate: &Parsed<'_>, issuer: &Parsed<'_>) -> Result<(), CertificateFault> {
    let digest = match certificate.algorithm {
        oid::ECDSA_WITH_SHA256 => sha256::digest(&[certificate.tbs]),
        #[cfg(feature = "sha384")]
        oid::ECDSA_WITH_SHA384 => crate::provider::sha512::leftmost_384(certificate.tbs),
        _ => return Err(CertificateFault::Unsupported),
    };
    let key = issuer.public_key().map_err(|_| CertificateFault::Unsupported)?;
    let signature = parse_signature(certificate.signature).map_err(|_| CertificateFault::Signature)?;
    C::verify(&key, &digest, &signature).map_err(|_| CertificateFault::Signature)
}
