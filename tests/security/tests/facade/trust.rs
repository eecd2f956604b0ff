//! What a server's account says about its certificate: usage (object 0 resource 15), matching type (resource 13), and
//! the host of the URI, which may be an address.

use crate::builder::{Authority, CLIENT_AUTH, Fields, IP, name};
use crate::keys::{Certificates, Pair, settings, trust, uri};
use crate::peer::Peer;
use crate::profiles::Normal;
use crate::world::{FIRST, World};
use coracle::crypto::{Alert, AlertSeen, ConnectError, CredentialError, FailureReason};
use coracle::{
    AddServerError, CertificateUsage, Credentials, MatchingType, RegistrationState, ServerSettings,
    SessionEvent,
};
use sha2::Digest;

const HOST: &str = "server0.example";

/// A root, an authority that it has certified, and a server that this has certified.
struct Chain {
    root: Vec<u8>,
    middle: Vec<u8>,
    leaf: Vec<u8>,
}

impl Chain {
    fn new(root: u8) -> Self {
        let (authority, below) = (Authority::new(root), Authority::new(root + 1));
        Self {
            root: authority.own(&Fields::ca("CA")),
            middle: authority.issue(&Fields::ca("middle"), &below.spki()),
            leaf: below.issue_as(&name(b"middle"), &Fields::leaf(HOST), &Pair::server().public),
        }
    }
}

/// A device that trusts these authorities, against a server with this chain.
fn world(
    store: &'static [&'static [u8]],
    chain: Vec<Vec<u8>>,
    settings: &ServerSettings<'_>,
) -> Result<World<Normal>, AddServerError> {
    let mut peer = Peer::new(0);
    peer.knows.chain = chain;
    let mut world = World::<Normal>::new(vec![peer]);
    world.client.set_trust_store(store);
    assert_eq!(world.client.add_server(settings)?, FIRST);
    world.client.register(world.time(), FIRST);
    world.pump();
    Ok(world)
}

#[track_caller]
fn fails(mut world: World<Normal>, expected: FailureReason, alert: Alert) {
    assert!(world.run(500, |world| world.state(FIRST) == RegistrationState::Waiting), "{:?}", world.events);
    let told = world.told(FIRST);
    let [(_, SessionEvent::HandshakeFailed { reason, alert: seen })] = told[..] else { panic!("{told:?}") };
    assert_eq!((reason, seen), (expected, AlertSeen::Sent(alert)));
}

/// All four, with the certificate that each needs and with another one.
#[test]
fn the_four_usages() {
    let (uri, own, device) = (uri(0), Pair::device(), Certificates::new(0).device);
    let (chain, other) = (Chain::new(0x61), Chain::new(0x71));
    let store: &'static [&'static [u8]] = vec![&*chain.root.clone().leak()].leak();
    let elsewhere: &'static [&'static [u8]] = vec![&*other.root.clone().leak()].leak();
    let mismatch = FailureReason::ServerKeyMismatch;
    for (usage, right, wrong, reason) in [
        (CertificateUsage::CaConstraint, &chain.middle, &other.middle, mismatch),
        (CertificateUsage::ServiceCertificateConstraint, &chain.leaf, &other.leaf, mismatch),
        (CertificateUsage::TrustAnchorAssertion, &chain.root, &other.root, FailureReason::BadSignature),
        (CertificateUsage::DomainIssuedCertificate, &chain.leaf, &other.leaf, mismatch),
    ] {
        let with = |expected, store| {
            let credentials = Credentials {
                certificate_usage: Some(usage),
                ..Credentials::certificate(&device, &own.private, expected)
            };
            world(store, vec![chain.leaf.clone(), chain.middle.clone()], &settings(&uri, 1, credentials))
        };
        with(right, store).expect("fine").expect_registered(FIRST, 2_000);
        fails(with(wrong, store).expect("fine"), reason, Alert::BAD_CERTIFICATE);
        // Where the store counts, another one is not enough, and none is refused at once.
        let needs_store =
            matches!(usage, CertificateUsage::CaConstraint | CertificateUsage::ServiceCertificateConstraint);
        if needs_store {
            let without = AddServerError::Security(ConnectError::Credential(CredentialError::NoTrustStore));
            assert_eq!(with(right, &[]).err(), Some(without));
            let stranger = with(right, elsewhere).expect("fine");
            assert_ne!(stranger.state(FIRST), RegistrationState::Registered);
            fails(stranger, FailureReason::BadSignature, Alert::BAD_CERTIFICATE);
        } else {
            with(right, &[]).expect("fine").expect_registered(FIRST, 2_000);
        }
    }
}

/// A digest instead of the certificate: of the server's, and of an authority on the way.
#[test]
fn every_digest_matches_its_certificate() {
    let (uri, own, device) = (uri(0), Pair::device(), Certificates::new(0).device);
    let chain = Chain::new(0x61);
    let with = |usage, matching, expected: &[u8]| {
        let credentials = Credentials {
            certificate_usage: Some(usage),
            matching_type: Some(matching),
            ..Credentials::certificate(&device, &own.private, expected)
        };
        world(&[], vec![chain.leaf.clone(), chain.middle.clone()], &settings(&uri, 1, credentials))
    };
    for (usage, certificate, reason, alert) in [
        (
            CertificateUsage::DomainIssuedCertificate,
            &chain.leaf,
            FailureReason::ServerKeyMismatch,
            Alert::BAD_CERTIFICATE,
        ),
        (CertificateUsage::TrustAnchorAssertion, &chain.middle, FailureReason::UnknownCa, Alert::UNKNOWN_CA),
    ] {
        for (matching, digest) in [
            (MatchingType::Sha256, sha2::Sha256::digest(certificate).to_vec()),
            (MatchingType::Sha384, sha2::Sha384::digest(certificate).to_vec()),
            (MatchingType::Sha512, sha2::Sha512::digest(certificate).to_vec()),
        ] {
            with(usage, matching, &digest).expect("fine").expect_registered(FIRST, 2_000);
            let mut wrong = digest.clone();
            *wrong.last_mut().expect("a byte") ^= 1;
            fails(with(usage, matching, &wrong).expect("fine"), reason, alert);
            let length = AddServerError::Security(ConnectError::Credential(CredentialError::DigestLength));
            assert_eq!(with(usage, matching, &digest[1..]).err(), Some(length));
        }
    }
}

/// Compared with the addresses of the certificate; not told to the server.
#[test]
fn a_host_may_be_an_address() {
    let own = Pair::device();
    let mut certificates = Certificates::new(0);
    let v6 = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let device = Fields { purposes: vec![CLIENT_AUTH], names: None, ..Fields::leaf("") };
    certificates.device = Authority::new(0x33).issue(&device, &Pair::device().public);
    for (uri, address) in [
        ("coaps://192.0.2.1", &[192, 0, 2, 1][..]),
        ("coaps://192.0.2.1:5684", &[192, 0, 2, 1]),
        ("coaps://[2001:db8::1]", &v6),
        ("coaps://[2001:db8::1]:15684", &v6),
    ] {
        for wrong in [false, true] {
            let mut address = address.to_vec();
            *address.last_mut().expect("a byte") ^= u8::from(wrong);
            let names = Some(vec![(IP, address)]);
            let leaf = Fields { names, ..Fields::leaf(HOST) };
            let leaf = Authority::new(0x33).issue(&leaf, &Pair::server().public);
            let settings = settings(uri, 1, trust(&certificates, &own.private));
            let mut world = world(&[], vec![leaf], &settings).expect("fine");
            // No server_name, whose body would have the host in letters.
            let hello = &world.sent.first().expect("a hello").2;
            assert!(!hello.windows(4).any(|window| window == b"192." || window == b"2001"));
            if wrong {
                fails(world, FailureReason::NameMismatch, Alert::BAD_CERTIFICATE);
            } else {
                world.expect_registered(FIRST, 2_000);
            }
        }
    }
}
