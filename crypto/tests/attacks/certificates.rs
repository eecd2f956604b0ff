//! Certificates: expired, misused, for another name, in a chain that leads nowhere.

use crate::authority::*;
use crate::builder::*;
use crate::duel::Duel;
use crate::hostile::*;
use coracle_crypto::profiles::Everything;
use coracle_crypto::{Event, FailureReason};

/// A handshake with a certificate succeeds as a whole, and says whether a clock was used.
#[test]
fn a_good_certificate_connects() {
    let world = world();
    for time in [Some(NOW), None] {
        let rules = Rules { time, ..Rules::anchor(&world.anchor) };
        let mut duel = Duel::<Everything>::new(rules.security());
        let mut server = Hostile { ecdhe: true, ..Hostile::new() };
        server.read_hello(&mut duel);
        let hello = server.server_hello(ECDSA_CCM_8, &[], &[extension(23, &[])]);
        let certificate = chain(&[&world.leaf(&Fields::leaf(HOST))]);
        server.answers_with(&mut duel, &hello, &certificate);
        server.finishes(&mut duel);
        let [Event::Connected(connected)] = duel.events[..] else { panic!("{:?}", duel.events) };
        assert_eq!(connected.time_checked, time.is_some());
    }
}

/// RFC 5280 section 4.1.2.2: of up to 20 bytes, and those that should not be are no fault.
#[test]
fn serial_numbers_do_not_matter() {
    let world = world();
    for serial in [vec![0x7F; 20], vec![0x01; 40], vec![0], vec![0x80], [&[0][..], &[0xFF; 19]].concat()] {
        assert_eq!(world.check(&Fields { serial, ..Fields::leaf(HOST) }), Accepted);
    }
}

#[test]
fn expired_and_not_yet_valid() {
    let world = world();
    let expired = Fields { not_after: "261121235959Z", ..Fields::leaf(HOST) };
    let future = Fields { not_before: "261123000000Z", ..Fields::leaf(HOST) };
    assert_eq!(world.check(&expired), refused(FailureReason::CertificateExpired));
    assert_eq!(world.check(&future), refused(FailureReason::CertificateNotYetValid));
    // To the second.
    let exact = Fields { not_before: "20261122000000Z", not_after: "20261122000000Z", ..Fields::leaf(HOST) };
    assert_eq!(world.check(&exact), Accepted);
    // Without a clock nobody can tell.
    let rules = Rules { time: None, ..Rules::anchor(&world.anchor) };
    assert_eq!(rules.check(&[&world.leaf(&expired)]), Accepted);
    // An intermediate, too.
    let middle = Authority::new(0x66);
    let above =
        world.ca.issue(&Fields { not_after: "261121235959Z", ..Fields::ca("middle") }, &middle.spki());
    let leaf = middle.issue_as(&name(b"middle"), &Fields::leaf(HOST), &world.key);
    let outcome = Rules::anchor(&world.anchor).check(&[&leaf, &above]);
    assert_eq!(outcome, refused(FailureReason::CertificateExpired));
}

/// CVE-2026-94418: a fault of the date must not hide a bad signature.
#[test]
fn a_bad_signature_comes_before_the_date() {
    let world = world();
    let mut leaf = world.leaf(&Fields { not_after: "261121235959Z", ..Fields::leaf(HOST) });
    *leaf.last_mut().expect("a signature") ^= 1;
    assert_eq!(Rules::anchor(&world.anchor).check(&[&leaf]), refused(FailureReason::BadSignature));
    let stranger = Authority::new(0x77);
    let forged = stranger.issue(&Fields { not_after: "261121235959Z", ..Fields::leaf(HOST) }, &world.key);
    assert_eq!(Rules::anchor(&world.anchor).check(&[&forged]), refused(FailureReason::BadSignature));
}

/// CVE-2026-11999 and its kind: what is no CA must not certify.
#[test]
fn intermediates_must_be_authorities() {
    let world = world();
    let middle = Authority::new(0x66);
    let leaf = middle.issue_as(&name(b"middle"), &Fields::leaf(HOST), &world.key);
    let with = |fields: Fields| {
        let above = world.ca.issue(&fields, &middle.spki());
        Rules::anchor(&world.anchor).check(&[&leaf, &above])
    };
    let good = Fields::ca("middle");
    assert_eq!(with(good.clone()), Accepted);
    let bad = refused(FailureReason::BadCertificate);
    // A leaf as CA; no basicConstraints; the flag missing; no right to sign certificates.
    assert_eq!(with(Fields { subject: good.subject.clone(), ..Fields::leaf("middle") }), bad);
    assert_eq!(with(Fields { basic: None, ..good.clone() }), bad);
    assert_eq!(with(Fields { basic: Some((false, None)), ..good.clone() }), bad);
    assert_eq!(with(Fields { key_usage: Some(0x80), ..good.clone() }), bad);
    // keyUsage may be absent.
    assert_eq!(with(Fields { key_usage: None, ..good }), Accepted);
    // The anchor itself must be one.
    let anchor = world.ca.own(&Fields { basic: None, ..Fields::ca("CA") });
    let outcome = Rules::anchor(&anchor).check(&[&world.leaf(&Fields::leaf(HOST))]);
    assert_eq!(outcome, bad);
}

/// A chain of `length` intermediates below the anchor.
fn long_chain(world: &World, length: u8, path_len: impl Fn(u8) -> Option<u8>) -> Outcome {
    let mut issuer = Authority::new(0x55);
    let mut issuer_name = name(b"CA");
    let mut certificates = Vec::new();
    for level in 0..length {
        let next = Authority::new(0x80 + level);
        let subject = format!("level {level}");
        let fields = Fields { basic: Some((true, path_len(level))), ..Fields::ca(&subject) };
        certificates.push(issuer.issue_as(&issuer_name, &fields, &next.spki()));
        (issuer, issuer_name) = (next, name(subject.as_bytes()));
    }
    certificates.push(issuer.issue_as(&issuer_name, &Fields::leaf(HOST), &world.key));
    certificates.reverse();
    let references: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    Rules::anchor(&world.anchor).check(&references)
}

#[test]
fn path_lengths_and_depth_are_limited() {
    let world = world();
    assert_eq!(long_chain(&world, 2, |level| Some(1 - level)), Accepted);
    assert_eq!(long_chain(&world, 2, |_| Some(0)), refused(FailureReason::BadCertificate));
    assert_eq!(long_chain(&world, 3, |_| None), Accepted);
    assert_eq!(long_chain(&world, 4, |_| None), refused(FailureReason::UnknownCa));
    // A limit in the anchor counts, too.
    let anchor = world.ca.own(&Fields { basic: Some((true, Some(0))), ..Fields::ca("CA") });
    let limited = World { anchor, ..self::world() };
    assert_eq!(long_chain(&limited, 0, |_| None), Accepted);
    assert_eq!(long_chain(&limited, 1, |_| None), refused(FailureReason::BadCertificate));
}

/// A limit may be longer than any chain; it is no number below 0, and has no zeros in front.
#[test]
fn path_lengths_of_any_size_are_read() {
    let world = world();
    let (middle, rules) = (Authority::new(0x66), Rules::anchor(&world.anchor));
    let leaf = middle.issue_as(&name(b"middle"), &Fields::leaf(HOST), &world.key);
    for (long_path, good) in [
        (&[0, 0x80][..], true),
        (&[1, 0], true),
        (&[0x7F, 0xFF, 0xFF, 0xFF], true),
        (&[0x80], false),
        (&[0xFF, 0xFF], false),
        (&[0, 0], false),
        (&[0, 0x7F], false),
    ] {
        let fields = Fields { long_path: long_path.to_vec(), ..Fields::ca("middle") };
        let above = world.ca.issue(&fields, &middle.spki());
        let expected = if good { Accepted } else { refused(FailureReason::BadCertificate) };
        assert_eq!(rules.check(&[&leaf, &above]), expected, "{long_path:02x?}");
    }
}

/// A certificate by the own name is for a new key, and does not count (RFC 5280 section 6.1).
#[test]
fn a_renewed_key_of_an_authority_is_no_step_of_a_chain() {
    let world = world();
    let anchor = world.ca.own(&Fields { basic: Some((true, Some(0))), ..Fields::ca("CA") });
    let limited = World { anchor, ..self::world() };
    // Of the anchor, ...
    let (old, new) = (Authority::new(0x66), Authority::new(0x67));
    let renewed = limited.ca.issue(&Fields::ca("CA"), &new.spki());
    let leaf = new.issue(&Fields::leaf(HOST), &world.key);
    let rules = Rules::anchor(&limited.anchor);
    assert_eq!(rules.check(&[&leaf, &renewed]), Accepted);
    let forged = old.issue(&Fields::ca("CA"), &new.spki());
    assert_eq!(rules.check(&[&leaf, &forged]), refused(FailureReason::BadSignature));
    // ... and of another authority; one by another name counts.
    let only = Fields { basic: Some((true, Some(0))), ..Fields::ca("middle") };
    let above = world.ca.issue(&only, &old.spki());
    let rules = Rules::anchor(&world.anchor);
    for (subject, outcome) in [("middle", Accepted), ("lower", refused(FailureReason::BadCertificate))] {
        let renewed = old.issue_as(&name(b"middle"), &Fields::ca(subject), &new.spki());
        let leaf = new.issue_as(&name(subject.as_bytes()), &Fields::leaf(HOST), &world.key);
        assert_eq!(rules.check(&[&leaf, &renewed, &above]), outcome, "{subject}");
    }
}

/// Each certifies the one before it (RFC 5246 section 7.4.2): nobody sorts.
#[test]
fn a_chain_in_another_order_is_refused() {
    let world = world();
    let (upper, lower) = (Authority::new(0x66), Authority::new(0x67));
    let second = world.ca.issue(&Fields::ca("upper"), &upper.spki());
    let first = upper.issue_as(&name(b"upper"), &Fields::ca("lower"), &lower.spki());
    let leaf = lower.issue_as(&name(b"lower"), &Fields::leaf(HOST), &world.key);
    let rules = Rules::anchor(&world.anchor);
    assert_eq!(rules.check(&[&leaf, &first, &second]), Accepted);
    let unknown = refused(FailureReason::UnknownCa);
    assert_eq!(rules.check(&[&leaf, &second, &first]), unknown);
    assert_eq!(rules.check(&[&leaf, &second]), unknown);
    assert_eq!(rules.check(&[&leaf, &leaf, &first, &second]), unknown);
    // What is in front is taken for the server's.
    assert_ne!(rules.check(&[&first, &leaf, &second]), Accepted);
}

#[test]
fn strangers_and_sent_anchors_are_not_trusted() {
    let world = world();
    let rules = Rules::anchor(&world.anchor);
    let unknown = refused(FailureReason::UnknownCa);
    // Self-signed.
    let stranger = Authority::new(0x77);
    let own = stranger.own(&Fields { basic: Some((true, None)), ..Fields::leaf(HOST) });
    assert_eq!(rules.check(&[&own]), unknown);
    // A whole chain of strangers, root included.
    let root = stranger.own(&Fields::ca("root"));
    let leaf = stranger.issue_as(&name(b"root"), &Fields::leaf(HOST), &world.key);
    assert_eq!(rules.check(&[&leaf, &root]), unknown);
    // A root with the name of ours, but another key.
    let namesake = stranger.own(&Fields::ca("CA"));
    let leaf = stranger.issue(&Fields::leaf(HOST), &world.key);
    assert_eq!(rules.check(&[&leaf, &namesake]), refused(FailureReason::BadSignature));
    // The right anchor at the end of a chain that does not lead to it.
    let leaf = stranger.issue_as(&name(b"root"), &Fields::leaf(HOST), &world.key);
    assert_eq!(rules.check(&[&leaf, &root, &world.anchor]), unknown);
    // An intermediate of a good chain does not become an anchor by being sent.
    let middle = Authority::new(0x66);
    let above = world.ca.issue(&Fields::ca("middle"), &middle.spki());
    let leaf = middle.issue_as(&name(b"middle"), &Fields::leaf(HOST), &world.key);
    assert_eq!(Rules::anchor(&root).check(&[&leaf, &above]), unknown);
    // Nothing at all.
    assert_eq!(rules.check(&[]), refused(FailureReason::BadCertificate));
}

#[test]
fn unknown_critical_extensions_and_name_constraints_are_refused() {
    let world = world();
    let bad = refused(FailureReason::BadCertificate);
    let private: &[u8] = &[0x2A, 0x03, 0x04];
    let with = |more| world.check(&Fields { more, ..Fields::leaf(HOST) });
    assert_eq!(with(vec![(private, false, vec![5, 0])]), Accepted);
    assert_eq!(with(vec![(private, true, vec![5, 0])]), bad);
    // certificatePolicies, critical and not.
    assert_eq!(with(vec![(&[0x55, 0x1D, 32], false, vec![0x30, 0])]), Accepted);
    assert_eq!(with(vec![(&[0x55, 0x1D, 32], true, vec![0x30, 0])]), bad);
    // Twice the same.
    let twice =
        vec![(&[0x55, 0x1D, 32][..], false, vec![0x30, 0]), (&[0x55, 0x1D, 32], false, vec![0x30, 0])];
    assert_eq!(with(twice), bad);
    // nameConstraints in a CA, critical or not.
    let middle = Authority::new(0x66);
    let leaf = middle.issue_as(&name(b"middle"), &Fields::leaf(HOST), &world.key);
    for critical in [true, false] {
        let more = vec![(&[0x55, 0x1D, 30][..], critical, vec![0x30, 0])];
        let above = world.ca.issue(&Fields { more, ..Fields::ca("middle") }, &middle.spki());
        assert_eq!(Rules::anchor(&world.anchor).check(&[&leaf, &above]), bad);
    }
}

#[test]
fn a_leaf_must_be_for_servers() {
    let world = world();
    let bad = refused(FailureReason::BadCertificate);
    assert_eq!(world.check(&Fields { purposes: vec![CLIENT_AUTH], ..Fields::leaf(HOST) }), bad);
    assert_eq!(
        world.check(&Fields { purposes: vec![CLIENT_AUTH, SERVER_AUTH], ..Fields::leaf(HOST) }),
        Accepted
    );
    assert_eq!(world.check(&Fields { purposes: vec![], ..Fields::leaf(HOST) }), Accepted);
    let any: &[u8] = &[0x55, 0x1D, 0x25, 0x00];
    assert_eq!(world.check(&Fields { purposes: vec![any], ..Fields::leaf(HOST) }), Accepted);
    assert_eq!(world.check(&Fields { key_usage: Some(0x08), ..Fields::leaf(HOST) }), bad);
    assert_eq!(world.check(&Fields { key_usage: None, ..Fields::leaf(HOST) }), Accepted);
}

#[test]
fn signatures_of_authorities() {
    let world = world();
    // SHA-384 is in this build.
    let strong = Fields { algorithm: ECDSA_WITH_SHA384, ..Fields::leaf(HOST) };
    assert_eq!(world.check(&strong), Accepted);
    // SHA-1, SHA-512: not supported.
    for last in [1, 4] {
        let algorithm: &'static [u8] = if last == 1 {
            &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 1]
        } else {
            &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 4]
        };
        let outcome = world.check(&Fields { algorithm, ..Fields::leaf(HOST) });
        assert_eq!(outcome, refused(FailureReason::UnsupportedCertificate));
    }
    // The two copies of the algorithm differ.
    let leaf = world.leaf(&Fields::leaf(HOST));
    let at = leaf.windows(8).rposition(|window| window == ECDSA_WITH_SHA256).expect("the outer one");
    let mut swapped = leaf.clone();
    swapped[at + 7] = 3;
    assert_eq!(Rules::anchor(&world.anchor).check(&[&swapped]), refused(FailureReason::BadCertificate));
    // Any bit of the signed part.
    for at in (4..leaf.len()).step_by(7) {
        let mut changed = leaf.clone();
        changed[at] ^= 1;
        assert_ne!(Rules::anchor(&world.anchor).check(&[&changed]), Accepted, "{at}");
    }
}

#[test]
fn another_kind_of_key_is_refused() {
    let world = world();
    let mut rsa = world.key.clone();
    rsa[6] ^= 1;
    let outcome = Rules::anchor(&world.anchor).check(&[&world.ca.issue(&Fields::leaf(HOST), &rsa)]);
    assert_eq!(outcome, refused(FailureReason::UnsupportedCertificate));
    // A point off the curve is found when it is used.
    let mut point = world.key.clone();
    *point.last_mut().expect("a point") ^= 1;
    let rules = Rules::anchor(&world.anchor);
    let leaf = world.ca.issue(&Fields::leaf(HOST), &point);
    let mut duel = Duel::<Everything>::new(rules.security());
    let mut server = Hostile { ecdhe: true, ..Hostile::new() };
    server.read_hello(&mut duel);
    let hello = server.server_hello(ECDSA_CCM_8, &[], &[extension(23, &[])]);
    let exchange = server.key_exchange();
    let flight = [
        server.say(SERVER_HELLO, &hello),
        server.say(CERTIFICATE, &chain(&[&leaf])),
        server.say(SERVER_KEY_EXCHANGE, &exchange),
    ]
    .concat();
    duel.deliver(&flight);
    duel.assert_failed(FailureReason::BadSignature, 51);
}

/// CVE-2026-9267 and its kind: lengths that do not fit each other.
#[test]
fn malformed_certificate_messages_are_refused() {
    let world = world();
    let rules = Rules::anchor(&world.anchor);
    let good = chain(&[&world.leaf(&Fields::leaf(HOST)), &world.anchor]);
    assert_eq!(rules.outcome_of(&good), Accepted);
    for cut in 0..good.len() {
        assert_ne!(rules.outcome_of(&good[..cut]), Accepted, "cut at {cut}");
    }
    assert_ne!(rules.outcome_of(&[&good[..], &[0]].concat()), Accepted);
    // Each byte of the lengths at the start.
    for at in 0..10 {
        for change in [1, 0x80] {
            let mut wrong = good.clone();
            wrong[at] ^= change;
            assert_ne!(rules.outcome_of(&wrong), Accepted, "{at}");
        }
    }
    // An empty certificate in the list.
    assert_eq!(rules.outcome_of(&chain(&[&[]])), refused(FailureReason::BadCertificate));
}
