//! Sessions in storage: a device that loses its RAM goes on where it was, and no sequence number is used twice.

use crate::network::{To, Weather};
use crate::scenarios::{IDENTITY, KEY, OneClient, PATIENT, handshake, psk_security};
use crate::world::World;
use coracle_crypto::profiles::{Everything, PskCid, PskOnly};
use coracle_crypto::server::{Config, SessionCache};
use coracle_crypto::{
    CONTEXT_LEN, CipherSuite, Connection, Credentials, ExportError, Options, Psk, RestoreError, SESSION_LEN,
    SealError, Security,
};
use std::collections::BTreeSet;

type Device = World<'static, PskCid, Everything>;

fn device(seed: u64) -> Device {
    World::new(seed, Weather::FINE, psk_security(KEY), Config::with_psk(&OneClient))
}

fn seal(connection: &mut Connection<PskCid>, text: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut buffer = vec![0; 200];
    buffer[Connection::<PskCid>::HEADROOM..][..text.len()].copy_from_slice(text);
    connection.seal(&mut buffer, text.len()).map(|range| buffer[range].to_vec())
}

/// The sequence number of a sealed record.
fn sequence(record: &[u8]) -> u64 {
    record[5..11].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn restored(stored: &[u8; CONTEXT_LEN]) -> Connection<PskCid> {
    let mut connection = Connection::new();
    connection.restore(&psk_security(KEY), &Options::DEFAULT, stored).expect("intact");
    connection
}

#[test]
fn a_device_wakes_with_one_datagram() {
    let mut world = device(1);
    handshake(&mut world);
    let mut stored = [0; CONTEXT_LEN];
    world.client.export(0, &mut stored).expect("connected");
    assert_eq!(seal(&mut world.client, b"late"), Err(SealError::ExportFirst));

    world.client = restored(&stored);
    assert!(world.client.is_connected());
    assert_eq!(seal(&mut world.client, b"early"), Err(SealError::ExportFirst));
    world.client.export(2, &mut stored).expect("connected");
    let (sent, _) = world.network.to_server;
    world.client_says(b"awake");
    assert_eq!(world.network.to_server.0 - sent, 1);
    world.server_says(b"good morning");
    seal(&mut world.client, b"the second").expect("set aside");
    assert_eq!(seal(&mut world.client, b"the third"), Err(SealError::ExportFirst));
}

/// The power may go at any moment: before or after the store, before or after each record.
#[test]
fn no_number_is_used_twice_wherever_the_power_goes() {
    for power in 0..200 {
        let mut world = device(power);
        handshake(&mut world);
        // The handshake and its two messages are out.
        let mut used = BTreeSet::from([0, 1]);
        let mut stored = [0; CONTEXT_LEN];
        world.client.export(3, &mut stored).expect("connected");
        let mut left = power;
        let mut out_of_power = || {
            left = left.wrapping_sub(1);
            left == u64::MAX
        };
        let mut awake = world.client;
        'life: for _ in 0..20 {
            for _ in 0..4 {
                if out_of_power() {
                    break 'life;
                }
                match seal(&mut awake, b"data") {
                    Ok(record) => assert!(used.insert(sequence(&record)), "{} again", sequence(&record)),
                    Err(SealError::ExportFirst) => {
                        let mut next = [0; CONTEXT_LEN];
                        awake.export(3, &mut next).expect("connected");
                        if out_of_power() {
                            break 'life;
                        }
                        stored = next;
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
            // Deep sleep.
            awake = restored(&stored);
        }
        // After the power came back: twice, as it may go again before anything is stored.
        for _ in 0..2 {
            let mut again = restored(&stored);
            assert_eq!(seal(&mut again, b"data"), Err(SealError::ExportFirst));
            again.export(1, &mut stored).expect("connected");
            let record = seal(&mut again, b"data").expect("set aside");
            assert!(used.insert(sequence(&record)), "{} again", sequence(&record));
        }
    }
}

/// Not even by the alert that closes the session.
#[test]
fn a_closing_alert_takes_no_number_that_is_stored() {
    let mut world = device(2);
    handshake(&mut world);
    let mut stored = [0; CONTEXT_LEN];
    world.client.export(0, &mut stored).expect("connected");
    let (sent, _) = world.network.to_server;
    world.client.close(coracle_crypto::Instant::from_millis(world.now));
    world.transmit();
    assert_eq!(world.network.to_server.0, sent);
}

#[test]
fn what_was_received_before_is_not_received_again() {
    let mut world = device(3);
    handshake(&mut world);
    // Catch a record of the server on its way.
    let mut buffer = [0; 100];
    let headroom = coracle_crypto::server::Connection::<Everything>::HEADROOM;
    buffer[headroom..headroom + 4].copy_from_slice(b"once");
    let range = world.server().seal(&mut buffer, 4).expect("connected");
    let record = buffer[range].to_vec();
    let deliver = |connection: &mut Connection<PskCid>| {
        let mut datagram = record.clone();
        let now = coracle_crypto::Instant::from_millis(0);
        connection.handle_datagram(now, &psk_security(KEY), &mut datagram).next().is_some()
    };
    let mut stored = [0; CONTEXT_LEN];
    world.client.export(0, &mut stored).expect("connected");
    assert!(deliver(&mut restored(&stored)), "it was not received before");
    assert!(deliver(&mut world.client));
    world.client.export(0, &mut stored).expect("connected");
    assert!(!deliver(&mut restored(&stored)));
}

#[test]
fn a_session_is_resumed_from_storage() {
    let cache: &'static SessionCache<2> = Box::leak(Box::default());
    let config = Config { sessions: Some(cache), ..Config::with_psk(&OneClient) };
    let mut world = World::<PskCid, Everything>::new(4, Weather::BAD, psk_security(KEY), config);
    world.options = PATIENT;
    let mut stored = [0; SESSION_LEN];
    assert_eq!(world.client.export_session(&mut stored), Err(ExportError::NoSession));
    handshake(&mut world);
    world.client.export_session(&mut stored).expect("there is one");
    world.client = Connection::new();
    world.client.restore_session(&psk_security(KEY), &stored).expect("intact");
    assert!(handshake(&mut world).resumed);
    // A whole context carries it, too.
    let mut context = [0; CONTEXT_LEN];
    world.client.export(0, &mut context).expect("connected");
    world.client = restored(&context);
    assert!(handshake(&mut world).resumed);
}

#[test]
fn damaged_and_foreign_bytes_are_refused() {
    let mut world = device(5);
    handshake(&mut world);
    let mut stored = [0; CONTEXT_LEN];
    world.client.export(7, &mut stored).expect("connected");
    let refuse = |security: &Security<'_>, stored: &[u8; CONTEXT_LEN]| {
        let mut connection = Connection::<PskCid>::new();
        let refused = connection.restore(security, &Options::DEFAULT, stored);
        assert!(refused.is_ok() || !connection.is_connected());
        refused
    };
    for at in 0..CONTEXT_LEN {
        for bit in 0..8 {
            let mut damaged = stored;
            damaged[at] ^= 1 << bit;
            assert_eq!(refuse(&psk_security(KEY), &damaged), Err(RestoreError::Corrupt), "{at}");
        }
    }
    assert_eq!(refuse(&psk_security(KEY), &[0; CONTEXT_LEN]), Err(RestoreError::Corrupt));
    assert_eq!(refuse(&psk_security(KEY), &[0xFF; CONTEXT_LEN]), Err(RestoreError::Corrupt));
    assert_eq!(refuse(&psk_security(b"another key"), &stored), Err(RestoreError::OtherServer));
    let other = Security { server: b"another server", ..psk_security(KEY) };
    assert_eq!(refuse(&other, &stored), Err(RestoreError::OtherServer));
    let identity = Credentials::Psk(Psk::new(b"another", KEY).expect("fine"));
    let other = Security { credentials: identity, ..psk_security(KEY) };
    assert_eq!(refuse(&other, &stored), Err(RestoreError::OtherServer));
    assert_eq!(refuse(&psk_security(KEY), &stored), Ok(()));
    // A profile without a place for the connection ID.
    let mut small = Connection::<PskOnly>::new();
    let refused = small.restore(&psk_security(KEY), &Options::DEFAULT, &stored);
    assert_eq!(refused, Err(RestoreError::DoesNotFit));
    // Another format, otherwise intact.
    stored[1] += 1;
    let body = &stored[..CONTEXT_LEN - 8];
    let digest = <sha2::Sha256 as sha2::Digest>::digest([b"coracle dtls session", body].concat());
    stored[CONTEXT_LEN - 8..].copy_from_slice(&digest[..8]);
    assert_eq!(refuse(&psk_security(KEY), &stored), Err(RestoreError::Version));
}

/// A session with every cipher survives, with its connection IDs in both directions.
#[test]
fn every_cipher_and_both_connection_ids_survive() {
    for suite in [
        CipherSuite::PskAes128Ccm8,
        CipherSuite::PskAes128Ccm,
        CipherSuite::PskAes128CbcSha256,
        CipherSuite::PskChaCha20Poly1305,
    ] {
        let suites = [suite.number()];
        let security = Security { suites: &suites, ..psk_security(KEY) };
        let config = Config::with_psk(&OneClient);
        let mut world = World::<Everything, Everything>::new(6, Weather::FINE, security, config);
        handshake(&mut world);
        assert_eq!(world.client.own_connection_id_len(), 4);
        let mut stored = [0; CONTEXT_LEN];
        world.client.export(0, &mut stored).expect("connected");
        world.client = Connection::new();
        world.client.restore(&security, &Options::DEFAULT, &stored).expect("intact");
        world.client.export(10, &mut stored).expect("connected");
        world.client_says(b"still here");
        world.server_says(b"so am I");
    }
}

/// Export is refused where there is nothing to export.
#[test]
fn nothing_to_export() {
    let mut world = device(7);
    let mut stored = [1; CONTEXT_LEN];
    assert_eq!(world.client.export(1, &mut stored), Err(ExportError::NoSession));
    assert_eq!(stored, [1; CONTEXT_LEN]);
    world.connect();
    assert_eq!(world.client.export(1, &mut stored), Err(ExportError::NoSession));
    assert_eq!(IDENTITY, b"Client_identity");
    let _ = To::Client;
}
