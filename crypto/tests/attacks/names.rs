//! Whom a certificate is for: names, addresses, and the certificate usages of object 0.

use crate::authority::*;
use crate::builder::*;
use coracle_crypto::profiles::Everything;
use coracle_crypto::{
    CertificateUsage, ConnectError, Connection, CredentialError, FailureReason, Instant, MatchingType,
    Options, ServerCertificate, ServerName,
};
use sha2::Digest;

/// CVE-2026-89134 and its kind.
#[test]
fn names_are_compared_whole() {
    let world = world();
    let with_names = |names: Option<Vec<(u8, Vec<u8>)>>, subject: &[u8], rules: Rules<'_>| {
        let fields = Fields { names, subject: name(subject), ..Fields::leaf(HOST) };
        rules.check(&[&world.leaf(&fields)])
    };
    let rules = Rules::anchor(&world.anchor);
    let dns = |name: &[u8]| Some(vec![(DNS, name.to_vec())]);
    let mismatch = refused(FailureReason::NameMismatch);
    assert_eq!(with_names(dns(b"server.example"), b"leaf", rules), Accepted);
    assert_eq!(with_names(dns(b"SERVER.Example"), b"leaf", rules), Accepted);
    for wrong in [
        &b"*.example"[..],
        b"*",
        b"server.example.",
        b"server.example\0.evil.test",
        b"server.example\0",
        b"\0server.example",
        b".server.example",
        b"a.server.example",
        b"server.exampl",
        b"",
    ] {
        assert_eq!(with_names(dns(wrong), b"leaf", rules), mismatch, "{wrong:?}");
    }
    // One of several names is enough.
    let several = Some(vec![(EMAIL, b"a@b".to_vec()), (DNS, b"x.test".to_vec()), (DNS, HOST.into())]);
    assert_eq!(with_names(several, b"leaf", rules), Accepted);
    // A trailing dot in our own setting is taken off.
    let dotted = Rules { name: Some(ServerName::Dns("server.example.")), ..rules };
    assert_eq!(with_names(dns(b"server.example"), b"leaf", dotted), Accepted);
    // The right text as another kind of name.
    for tag in [EMAIL, URI, IP, 0x88] {
        assert_eq!(with_names(Some(vec![(tag, HOST.into())]), b"leaf", rules), mismatch, "{tag:02x}");
    }
    assert_eq!(with_names(Some(vec![]), b"leaf", rules), mismatch);
}

#[test]
fn a_common_name_counts_only_where_it_is_allowed() {
    let world = world();
    let rules = Rules::anchor(&world.anchor);
    let lenient = Rules { policy: rules.policy.allow_common_name(), ..rules };
    let check = |names, subject: &[u8], rules: Rules<'_>| {
        let fields = Fields { names, subject: name(subject), ..Fields::leaf(HOST) };
        rules.check(&[&world.leaf(&fields)])
    };
    let mismatch = refused(FailureReason::NameMismatch);
    assert_eq!(check(None, b"server.example", rules), mismatch);
    assert_eq!(check(None, b"server.example", lenient), Accepted);
    assert_eq!(check(None, b"server.example\0.evil.test", lenient), mismatch);
    // Where services are named otherwise it does not: by DNS, URI, or SRV (RFC 6125 section 6.4.4).
    assert_eq!(check(Some(vec![(EMAIL, b"a@b".to_vec())]), b"server.example", lenient), Accepted);
    let srv = [der(0x06, &[0x2B, 6, 1, 5, 5, 7, 8, 7]), der(0xA0, &der(0x16, b"_coap.x.test"))].concat();
    for (tag, other) in [(DNS, b"x.test".to_vec()), (URI, b"coaps://x.test".to_vec()), (0xA0, srv)] {
        let names = Some(vec![(EMAIL, b"a@b".to_vec()), (tag, other)]);
        assert_eq!(check(names, b"server.example", lenient), mismatch, "{tag:02x}");
    }
    // Never for an address.
    let address = Rules { name: Some(ServerName::parse("192.0.2.1")), ..lenient };
    assert_eq!(check(None, b"192.0.2.1", address), mismatch);
}

#[test]
fn addresses_are_compared_as_addresses() {
    let world = world();
    let check = |host: &'static str, tag: u8, bytes: &[u8]| {
        let rules = Rules { name: Some(ServerName::parse(host)), ..Rules::anchor(&world.anchor) };
        let fields = Fields { names: Some(vec![(tag, bytes.to_vec())]), ..Fields::leaf(HOST) };
        rules.check(&[&world.leaf(&fields)])
    };
    let mismatch = refused(FailureReason::NameMismatch);
    assert_eq!(check("192.0.2.1", IP, &[192, 0, 2, 1]), Accepted);
    assert_eq!(check("192.0.2.1", IP, &[192, 0, 2, 2]), mismatch);
    assert_eq!(check("192.0.2.1", IP, &[192, 0, 2, 1, 255, 255, 255, 255]), mismatch);
    assert_eq!(check("192.0.2.1", DNS, b"192.0.2.1"), mismatch);
    let v6 = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    assert_eq!(check("[2001:db8::1]", IP, &v6), Accepted);
    assert_eq!(check("2001:db8::2", IP, &v6), mismatch);
}

/// CVE-2025-27809: no name to compare is a conscious choice.
#[test]
fn a_missing_name_is_refused_before_the_handshake() {
    let world = world();
    let rules = Rules { name: None, ..Rules::anchor(&world.anchor) };
    let mut client = Connection::<Everything>::new();
    let refused = client.connect(Instant::START, &rules.security(), &Options::DEFAULT);
    assert_eq!(refused, Err(ConnectError::Credential(CredentialError::NoServerName)));
    let conscious = Rules { policy: rules.policy.allow_any_name(), ..rules };
    assert_eq!(conscious.check(&[&world.leaf(&Fields::leaf("anybody.test"))]), Accepted);
}

/// CVE-2026-93302: a pinned certificate is compared whole, not by its names.
#[test]
fn pinning_compares_the_whole_certificate() {
    let world = world();
    let pinned = world.leaf(&Fields::leaf(HOST));
    let other_key = world.ca.issue(&Fields::leaf(HOST), &Authority::new(0x66).spki());
    let mismatch = refused(FailureReason::ServerKeyMismatch);
    let rules = Rules::new(CertificateUsage::DomainIssuedCertificate, &pinned, &[]);
    assert_eq!(rules.check(&[&pinned]), Accepted);
    assert_eq!(rules.check(&[&other_key]), mismatch);
    for at in 0..pinned.len() {
        let mut changed = pinned.clone();
        changed[at] ^= 1;
        assert_ne!(rules.check(&[&changed]), Accepted, "{at}");
    }
    // The name does not matter here, the date does.
    let elsewhere = Rules { name: Some(ServerName::Dns("elsewhere.test")), ..rules };
    assert_eq!(elsewhere.check(&[&pinned]), Accepted);
    let late = Rules { time: Some(4_000_000_000), ..rules };
    assert_eq!(late.check(&[&pinned]), refused(FailureReason::CertificateExpired));
    // By digest.
    let digest = sha2::Sha256::digest(&pinned);
    let policy =
        ServerCertificate::new(CertificateUsage::DomainIssuedCertificate, MatchingType::Sha256, &digest, &[])
            .expect("fine");
    let by_digest = Rules { policy, ..rules };
    assert_eq!(by_digest.check(&[&pinned]), Accepted);
    assert_eq!(by_digest.check(&[&other_key]), mismatch);
    let (digest_384, digest_512) = (sha2::Sha384::digest(&pinned), sha2::Sha512::digest(&pinned));
    for (matching, digest) in [(MatchingType::Sha384, &digest_384[..]), (MatchingType::Sha512, &digest_512)] {
        let policy = ServerCertificate::new(CertificateUsage::DomainIssuedCertificate, matching, digest, &[])
            .expect("fine");
        assert_eq!(Rules { policy, ..rules }.check(&[&pinned]), Accepted);
        assert_eq!(Rules { policy, ..rules }.check(&[&other_key]), mismatch);
    }
}

#[test]
fn the_four_usages() {
    let world = world();
    let store: [&[u8]; 1] = [&world.anchor];
    let leaf = world.leaf(&Fields::leaf(HOST));
    let middle = Authority::new(0x66);
    let above = world.ca.issue(&Fields::ca("middle"), &middle.spki());
    let below = middle.issue_as(&name(b"middle"), &Fields::leaf(HOST), &world.key);
    let mismatch = refused(FailureReason::ServerKeyMismatch);
    // 0: the chain ends in the store, and the given CA is on the way.
    let constraint = |expected| Rules::new(CertificateUsage::CaConstraint, expected, &store);
    assert_eq!(constraint(&world.anchor).check(&[&leaf]), Accepted);
    assert_eq!(constraint(&above).check(&[&below, &above]), Accepted);
    assert_eq!(constraint(&above).check(&[&leaf]), mismatch);
    let other = Authority::new(0x77).own(&Fields::ca("other"));
    assert_eq!(constraint(&other).check(&[&leaf]), mismatch);
    // 1: the chain ends in the store, and the certificate is the given one.
    let service = |expected| Rules::new(CertificateUsage::ServiceCertificateConstraint, expected, &store);
    assert_eq!(service(&leaf).check(&[&leaf]), Accepted);
    assert_eq!(service(&below).check(&[&leaf]), mismatch);
    let elsewhere: [&[u8]; 1] = [&other];
    let rules = Rules::new(CertificateUsage::ServiceCertificateConstraint, &leaf, &elsewhere);
    assert_eq!(rules.check(&[&leaf]), refused(FailureReason::UnknownCa));
    // 2: the given one is the only anchor, whatever the store says.
    let anchor = Rules::new(CertificateUsage::TrustAnchorAssertion, &other, &store);
    assert_eq!(anchor.check(&[&leaf]), refused(FailureReason::UnknownCa));
    assert_eq!(Rules::anchor(&above).check(&[&below]), Accepted);
    // 2 by digest: the anchor has to be sent.
    let digest = sha2::Sha256::digest(&world.anchor);
    let usage = CertificateUsage::TrustAnchorAssertion;
    let policy = ServerCertificate::new(usage, MatchingType::Sha256, &digest, &[]).expect("fine");
    let by_digest = Rules { policy, ..Rules::anchor(&world.anchor) };
    assert_eq!(by_digest.check(&[&leaf, &world.anchor]), Accepted);
    assert_eq!(by_digest.check(&[&leaf]), refused(FailureReason::UnknownCa));
    // The leaf is no anchor, even if the digest is its own.
    let digest = sha2::Sha256::digest(&leaf);
    let policy = ServerCertificate::new(usage, MatchingType::Sha256, &digest, &[]).expect("fine");
    assert_eq!(Rules { policy, ..by_digest }.check(&[&leaf]), refused(FailureReason::UnknownCa));
}

#[test]
fn nothing_to_trust_is_refused_before_the_handshake() {
    let world = world();
    let make = |usage, expected: &[u8], store: &[&[u8]]| {
        ServerCertificate::new(usage, MatchingType::Exact, expected, store).err()
    };
    for usage in [CertificateUsage::CaConstraint, CertificateUsage::ServiceCertificateConstraint] {
        assert_eq!(make(usage, &world.anchor, &[]), Some(CredentialError::NoTrustStore));
    }
    for number in 0..4 {
        let usage = CertificateUsage::from_number(number).expect("a usage");
        assert_eq!(make(usage, &[], &[&world.anchor]), Some(CredentialError::NoServerCertificate));
        assert_eq!(make(usage, b"text", &[&world.anchor]), Some(CredentialError::CertificateFormat));
    }
    // What is in the store matters to those that ask it.
    for (number, fault) in
        [CredentialError::CertificateFormat; 2].map(Some).into_iter().chain([None; 2]).enumerate()
    {
        let usage = CertificateUsage::from_number(number as u8).expect("a usage");
        assert_eq!(make(usage, &world.anchor, &[b"text"]), fault);
    }
    let short = ServerCertificate::new(CertificateUsage::default(), MatchingType::Sha256, &[0; 31], &[]);
    assert_eq!(short.err(), Some(CredentialError::DigestLength));
    assert_eq!(CertificateUsage::default(), CertificateUsage::DomainIssuedCertificate);
}

/// Usage 0: the given authority need not be the first anchor that the chain meets.
#[test]
fn the_given_authority_is_looked_for_beside_and_above_other_anchors() {
    let world = world();
    let leaf = world.leaf(&Fields::leaf(HOST));
    let constraint = |expected, store| Rules::new(CertificateUsage::CaConstraint, expected, store);
    // Renewed with the same key: both certificates are in the store.
    let renewed = world.ca.own(&Fields { not_after: "450101000000Z", ..Fields::ca("CA") });
    let store: [&[u8]; 2] = [&world.anchor, &renewed];
    assert_eq!(constraint(&world.anchor, &store).check(&[&leaf]), Accepted);
    assert_eq!(constraint(&renewed, &store).check(&[&leaf]), Accepted);
    // An intermediate that is an anchor itself.
    let middle = Authority::new(0x66);
    let above = world.ca.issue(&Fields::ca("middle"), &middle.spki());
    let below = middle.issue_as(&name(b"middle"), &Fields::leaf(HOST), &world.key);
    let store: [&[u8]; 2] = [&above, &world.anchor];
    assert_eq!(constraint(&above, &store).check(&[&below]), Accepted);
    assert_eq!(constraint(&world.anchor, &store).check(&[&below, &above]), Accepted);
    // It still has to be there.
    let mismatch = refused(FailureReason::ServerKeyMismatch);
    assert_eq!(constraint(&world.anchor, &store).check(&[&below]), mismatch);
    let other = Authority::new(0x77).own(&Fields::ca("other"));
    assert_eq!(constraint(&other, &store).check(&[&below, &above]), mismatch);
    assert_eq!(constraint(&other, &store).check(&[&below, &above, &world.anchor]), mismatch);
    assert_eq!(constraint(&other, &store[..1]).check(&[&below, &above]), mismatch);
}
