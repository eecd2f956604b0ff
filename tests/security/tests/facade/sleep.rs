//! Devices that lose their RAM in deep sleep, and wake with one datagram.

use crate::keys::{IDENTITY, KEY, settings, uri};
use crate::peer::Peer;
use crate::profiles::Normal;
use crate::world::{FIRST, World};
use coracle::{Client, Credentials, RegistrationState, RestoreError, SaveError};
use coracle_crypto::RestoreError as SessionError;
use std::collections::BTreeSet;

type Device = World<Normal>;

const SAVED: usize = Client::<'static, Normal, crate::world::Things>::SAVED_LEN;

fn device(roams: bool) -> Device {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.roams = roams;
    World::registered(peer, &settings(&uri, 1, Credentials::psk(IDENTITY, KEY)))
}

fn save(world: &mut Device, reserve: u32) -> Result<Vec<u8>, SaveError> {
    let mut out = [0; SAVED];
    let length = world.client.save(world.time(), FIRST, reserve, &mut out)?;
    Ok(out[..length].to_vec())
}

/// Sleeps, and wakes with this account.
fn sleep(
    world: &mut Device,
    saved: &[u8],
    (uri, identity, key): (&str, &[u8], &[u8]),
) -> Result<(), RestoreError> {
    world.lose_power();
    world.wait(3_600_000);
    assert_eq!(world.client.add_server(&settings(uri, 1, Credentials::psk(identity, key))), Ok(FIRST));
    world.client.restore(world.time(), FIRST, saved)
}

/// The record numbers of protected datagrams.
fn numbers(world: &Device) -> Vec<u64> {
    let protected = world.sent.iter().filter(|(_, _, bytes)| bytes[3..5] == [0, 1]);
    protected.map(|(_, _, bytes)| u64::from_be_bytes(bytes[3..11].try_into().expect("8 bytes"))).collect()
}

#[test]
fn with_a_connection_id_the_device_wakes_with_one_datagram() {
    let mut world = device(true);
    let saved = save(&mut world, 0).expect("registered");
    let uri = uri(0);
    sleep(&mut world, &saved, (&uri, IDENTITY, KEY)).expect("intact");
    // A new address, too.
    world.address = 2;
    let again = save(&mut world, 4).expect("it can be saved again");
    assert_eq!(again.len(), saved.len());
    world.expect_registered(FIRST, 1_000);
    assert_eq!(world.sent.len(), 1, "the Update, and nothing else");
    assert_eq!(world.peers[0].handshakes, 1);
    let paths: Vec<_> = world.peers[0].requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["rd", "rd/1"]);
    assert_eq!(world.text(FIRST, "/33001/0/0"), "7");
}

#[test]
fn without_a_connection_id_the_session_is_resumed() {
    let mut world = device(false);
    let saved = save(&mut world, 0).expect("registered");
    let uri = uri(0);
    sleep(&mut world, &saved, (&uri, IDENTITY, KEY)).expect("intact");
    world.address = 2;
    world.expect_registered(FIRST, 1_000);
    assert_eq!((world.peers[0].handshakes, world.peers[0].resumed), (2, 1));
    let paths: Vec<_> = world.peers[0].requests.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["rd", "rd/1"]);
}

/// Until it is saved again nothing goes out; the registration does not break by that.
#[test]
fn a_device_that_forgets_to_save_sends_nothing_and_heals() {
    let mut world = device(true);
    let saved = save(&mut world, 0).expect("registered");
    let uri = uri(0);
    sleep(&mut world, &saved, (&uri, IDENTITY, KEY)).expect("intact");
    world.wait(1_000);
    assert_eq!(world.sent.len(), 0);
    // The Update counts as lost; after the first wait of the back-off there is a new session.
    world.expect_registered(FIRST, 94_000 + 7_500);
    assert_eq!(world.peers[0].handshakes, 2);
}

#[test]
fn saved_bytes_belong_to_a_server_and_its_credentials() {
    let mut world = device(true);
    let saved = save(&mut world, 0).expect("registered");
    let own = uri(0);
    let other_server = Err(RestoreError::Session(SessionError::OtherServer));
    for (uri, identity, key) in
        [(&uri(1)[..], IDENTITY, KEY), (&own, &b"somebody else"[..], KEY), (&own, IDENTITY, b"another key")]
    {
        assert_eq!(sleep(&mut world, &saved, (uri, identity, key)), other_server);
        assert_eq!(world.state(FIRST), RegistrationState::Idle);
    }
    // Nothing is lost by the attempt.
    assert_eq!(sleep(&mut world, &saved, (&own, IDENTITY, KEY)), Ok(()));
}

#[test]
fn damage_and_other_versions_are_refused() {
    let mut world = device(true);
    let saved = save(&mut world, 0).expect("registered");
    let own = uri(0);
    world.lose_power();
    assert_eq!(world.client.add_server(&settings(&own, 1, Credentials::psk(IDENTITY, KEY))), Ok(FIRST));
    let mut refused = |bytes: &[u8], what: &str| {
        let result = world.client.restore(world.time(), FIRST, bytes);
        assert!(result.is_err(), "{what}");
        assert_eq!(world.client.state(FIRST), Some(RegistrationState::Idle), "{what}");
        result
    };
    for at in 0..saved.len() {
        for bit in 0..8 {
            let mut damaged = saved.clone();
            damaged[at] ^= 1 << bit;
            let _ = refused(&damaged, &format!("byte {at}, bit {bit}"));
        }
    }
    for length in 0..saved.len() {
        let _ = refused(&saved[..length], &format!("cut at {length}"));
    }
    // The version of the session's part, with a digest that fits.
    let context = saved.len() - coracle_crypto::CONTEXT_LEN;
    let mut newer = saved.clone();
    newer[context + 1] += 1;
    let digest_at = newer.len() - 8;
    let body = [b"coracle dtls session", &newer[context..digest_at]].concat();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(body);
    newer[digest_at..].copy_from_slice(&digest[..8]);
    assert_eq!(refused(&newer, "version"), Err(RestoreError::Session(SessionError::Version)));
}

/// The power goes at any moment: before or after the save, before or after each datagram.
#[test]
fn no_record_number_is_used_twice() {
    for cut in 0..12 {
        let mut world = device(true);
        let own = uri(0);
        let mut used: BTreeSet<u64> = numbers(&world).into_iter().collect();
        let mut saved = save(&mut world, 3).expect("registered");
        for round in 0..6 {
            // So many datagrams before the power goes without warning, or an orderly sleep.
            for _ in 0..(cut + round) % 4 {
                world.ask(FIRST, "/33001/0/0");
            }
            if cut % 3 == 0 {
                saved = save(&mut world, 0).expect("registered");
            }
            sleep(&mut world, &saved, (&own, IDENTITY, KEY)).expect("intact");
            if cut % 2 == 1 {
                // Once more, before anything was saved.
                sleep(&mut world, &saved, (&own, IDENTITY, KEY)).expect("intact");
            }
            saved = save(&mut world, 8).expect("restored");
            world.expect_registered(FIRST, 1_000);
            let fresh = numbers(&world);
            assert!(!fresh.is_empty());
            for number in fresh {
                assert!(used.insert(number), "{number:#x} again in round {round}, power cut {cut}");
            }
            world.sent.clear();
        }
        assert_eq!(world.peers[0].handshakes, 1, "one session all along");
    }
}

/// The storage fails, and the power goes: what was stored before is older than what was sent, unless the save that came to
/// nothing is taken back by one without a reserve.
#[test]
fn a_save_that_is_not_stored_is_taken_back() {
    let mut world = device(true);
    let mut used: BTreeSet<u64> = numbers(&world).into_iter().collect();
    let stored = save(&mut world, 2).expect("registered");
    world.sent.clear();
    world.ask(FIRST, "/33001/0/0");
    save(&mut world, 8).expect("registered");
    save(&mut world, 0).expect("as before");
    for _ in 0..4 {
        let request = world.peers[0].request("33001/0/0", None);
        world.peers[0].send(&[request]);
        world.pump();
        world.wait(25);
    }
    used.extend(numbers(&world));
    world.sent.clear();
    let own = uri(0);
    sleep(&mut world, &stored, (&own, IDENTITY, KEY)).expect("intact");
    save(&mut world, 8).expect("restored");
    world.expect_registered(FIRST, 1_000);
    for number in numbers(&world) {
        assert!(used.insert(number), "{number:#x} again");
    }
}

/// What is saved is never sent twice: the reserve is a limit.
#[test]
fn more_than_the_reserve_is_not_sent() {
    let mut world = device(true);
    save(&mut world, 2).expect("registered");
    world.sent.clear();
    for _ in 0..4 {
        let request = world.peers[0].request("33001/0/0", None);
        world.peers[0].send(&[request]);
        world.pump();
        world.wait(25);
    }
    assert_eq!(world.sent.len(), 2);
    save(&mut world, 1).expect("registered");
    world.ask(FIRST, "/33001/0/0");
}

/// As it says: nothing was changed.
#[test]
fn a_restore_that_comes_too_late_leaves_the_session_alone() {
    let mut world = device(true);
    let saved = save(&mut world, 100).expect("registered");
    let late = Err(RestoreError::Registration(coracle::engine::RestoreError::InUse));
    assert_eq!(world.client.restore(world.time(), FIRST, &saved), late);
    assert_eq!(world.text(FIRST, "/33001/0/0"), "7", "the session goes on");
    // In the middle of a handshake as well.
    let (uri, peer) = (uri(0), Peer::new(0));
    let settings = settings(&uri, 1, Credentials::psk(IDENTITY, KEY));
    let mut world = World::<Normal>::registering(peer, &settings);
    assert_eq!(world.client.restore(world.time(), FIRST, &saved), late);
    world.expect_registered(FIRST, 1_000);
}

#[test]
fn nothing_is_saved_during_a_handshake() {
    let (uri, mut peer) = (uri(0), Peer::new(0));
    peer.hears = 2;
    let settings = settings(&uri, 1, Credentials::psk(IDENTITY, KEY));
    let mut world = World::<Normal>::registering(peer, &settings);
    for _ in 0..10 {
        assert!(save(&mut world, 0).is_err());
        world.wait(500);
    }
}
