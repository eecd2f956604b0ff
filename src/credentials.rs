//! Object 0 as settings of a DTLS connection.

use coracle_crypto::{
    Certificate, CertificateUsage, ConnectError, CredentialError, Credentials, MatchingType, PrivateKey, Psk,
    PublicKey, RawPublicKey, Security, ServerCertificate, ServerName, Signer,
};
use coracle_engine::account::{Security as SecurityObject, SecurityMode};

use crate::{Profile, Uri};

/// Certificates of a chain that are sent: our own, and those that certify it.
const CHAIN: usize = 4;

/// Calls `work` with the security settings of a server.
///
/// # Errors
/// When they can't be used; `work` was not called.
pub(crate) fn with_security<P: Profile>(
    object: &SecurityObject<P>,
    signer: Option<&dyn Signer>,
    trust_store: &[&[u8]],
    unix_time: Option<u64>,
    work: &mut dyn FnMut(&Security<'_>),
) -> Result<(), ConnectError> {
    let uri = object.server_uri();
    let mut run = |credentials: Credentials<'_>| {
        let mut security = Security::new(uri.as_bytes(), credentials);
        // Only a certificate needs to know whether it is an address; as an indication one is not sent.
        let name = if P::CERTIFICATES { ServerName::parse } else { ServerName::Dns };
        let host = || Uri::parse(uri).ok().map(|uri| uri.host);
        security.server_name = object.indicated_name().or_else(host).map(name);
        security.suites = object.suite_numbers();
        security.unix_time = unix_time;
        security.extended_master_secret = P::EXTENDED_MASTER_SECRET;
        work(&security);
    };
    match object.security_mode() {
        Some(SecurityMode::PreSharedKey) => {
            let psk = Psk::new(object.public_key_or_identity(), object.secret());
            run(Credentials::Psk(psk.map_err(ConnectError::Credential)?));
            Ok(())
        }
        Some(SecurityMode::RawPublicKey) if P::RAW_PUBLIC_KEYS => {
            with_raw_public_key(object, signer, &mut run).map_err(ConnectError::Credential)
        }
        Some(SecurityMode::Certificate) if P::CERTIFICATES => {
            with_certificate(object, signer, trust_store, &mut run).map_err(ConnectError::Credential)
        }
        _ => Err(ConnectError::NotLinked),
    }
}

fn with_raw_public_key<P: Profile>(
    object: &SecurityObject<P>,
    signer: Option<&dyn Signer>,
    run: &mut dyn FnMut(Credentials<'_>),
) -> Result<(), CredentialError> {
    let own = PublicKey::parse(object.public_key_or_identity())?;
    let server = PublicKey::parse(object.server_public_key())?;
    with_signer(object, signer, &mut |signer| {
        run(Credentials::RawPublicKey(RawPublicKey::new(signer, &own, &server)));
        Ok(())
    })
}

fn with_certificate<P: Profile>(
    object: &SecurityObject<P>,
    signer: Option<&dyn Signer>,
    trust_store: &[&[u8]],
    run: &mut dyn FnMut(Credentials<'_>),
) -> Result<(), CredentialError> {
    // The tables of the specification have holes: a number that is not in them is a server certificate of no kind.
    let usage = CertificateUsage::from_number(object.certificate_usage_number());
    let matching = MatchingType::from_number(object.matching_type_number());
    let usage = usage.ok_or(CredentialError::NoServerCertificate)?;
    let matching = matching.ok_or(CredentialError::DigestLength)?;
    let server = ServerCertificate::new(usage, matching, object.server_public_key(), trust_store)?;
    let mut room = [&[][..]; CHAIN];
    let chain = certificates(object.public_key_or_identity(), &mut room)?;
    with_signer(object, signer, &mut |signer| {
        run(Credentials::Certificate(Certificate::new(signer, chain, server)?));
        Ok(())
    })
}

fn with_signer<P: Profile>(
    object: &SecurityObject<P>,
    signer: Option<&dyn Signer>,
    work: &mut dyn FnMut(&dyn Signer) -> Result<(), CredentialError>,
) -> Result<(), CredentialError> {
    match signer {
        // A secure element: object 0 has no private key.
        Some(signer) if object.secret().is_empty() => work(signer),
        _ => work(&PrivateKey::parse(object.secret())?),
    }
}

/// The certificates that lie one behind the other in `bytes`.
fn certificates<'a, 'r>(
    bytes: &'a [u8],
    room: &'r mut [&'a [u8]; CHAIN],
) -> Result<&'r [&'a [u8]], CredentialError> {
    let (mut rest, mut count) = (bytes, 0);
    while !rest.is_empty() {
        let (certificate, behind) =
            Certificate::split_first(rest).ok_or(CredentialError::CertificateFormat)?;
        *room.get_mut(count).ok_or(CredentialError::CertificateFormat)? = certificate;
        (rest, count) = (behind, count + 1);
    }
    Ok(room.get(..count).unwrap_or_default())
}

/// Checks once that a private key in object 0 belongs to the public key or certificate beside it.
///
/// # Errors
/// When it does not, or can't be used at all.
pub(crate) fn check_pair<P: Profile>(object: &SecurityObject<P>) -> Result<(), CredentialError> {
    let secret = object.secret();
    match object.security_mode() {
        Some(SecurityMode::RawPublicKey) if P::RAW_PUBLIC_KEYS && !secret.is_empty() => {
            RawPublicKey::check_pair(
                &PrivateKey::parse(secret)?,
                &PublicKey::parse(object.public_key_or_identity())?,
            )
        }
        Some(SecurityMode::Certificate) if P::CERTIFICATES && !secret.is_empty() => {
            let mut room = [&[][..]; CHAIN];
            let chain = certificates(object.public_key_or_identity(), &mut room)?;
            let own = chain.first().ok_or(CredentialError::EmptyChain)?;
            Certificate::check_pair(&PrivateKey::parse(secret)?, own)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_taken_apart() {
        let long = {
            let mut long = std::vec![0x30, 0x82, 0x01, 0x00];
            long.resize(260, 7);
            long
        };
        let both: std::vec::Vec<u8> = [&[0x30, 2, 1, 1][..], &long].concat();
        let mut room = [&[][..]; CHAIN];
        assert_eq!(certificates(&both, &mut room), Ok(&[&[0x30, 2, 1, 1][..], &long][..]));
        assert_eq!(certificates(&[], &mut [&[][..]; CHAIN]), Ok(&[][..]));
        for bad in
            [&both[..both.len() - 1], &[0x31, 0], &[0x30], &[0x30, 0x83, 0, 0, 1, 0], &[0x30, 0].repeat(5)]
        {
            assert_eq!(
                certificates(bad, &mut [&[][..]; CHAIN]),
                Err(CredentialError::CertificateFormat),
                "{bad:02x?}"
            );
        }
    }
}
