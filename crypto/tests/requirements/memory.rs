//! What a handshake needed does not outlive it.

use crate::client_certificate::first_flight;
use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, raw_key_extensions};
use coracle_crypto::profiles::{PskCid, PskRpkCid};
use coracle_crypto::{Connection, Profile, Rng};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Whether the connection has these bytes anywhere, padding included.
fn holds<P: Profile>(client: &Connection<P>, secret: &[u8]) -> bool {
    let mut bytes = vec![0; size_of::<Connection<P>>()];
    let memory = File::open("/proc/self/mem").expect("Linux has it");
    memory.read_exact_at(&mut bytes, std::ptr::from_ref(client).addr() as u64).expect("it is ours");
    bytes.windows(secret.len()).any(|window| window == secret)
}

/// However it is given up.
#[test]
fn an_abandoned_handshake_leaves_no_keys() {
    type End = fn(&mut Duel<'_, PskCid>);
    let ends: [End; 4] = [
        |duel| duel.client.close(duel.time()),
        |duel| duel.client.suspend(),
        |duel| while duel.wait() {},
        |duel| {
            duel.deliver(&record(21, 0, 9, &[2, 40]));
        },
    ];
    for (number, end) in ends.into_iter().enumerate() {
        let mut duel = Duel::<PskCid>::new(psk_security());
        let server = Hostile::half_way(&mut duel, &[0xD1; 32], &[extension(23, &[])]);
        let secrets = [&server.master[..], &server.keys[..40], &server.verify_data("server finished")];
        assert!(secrets.iter().all(|secret| holds(&duel.client, secret)), "else the test sees nothing");
        end(&mut duel);
        assert!(!duel.client.is_handshaking());
        for secret in secrets {
            assert!(!holds(&duel.client, &secret[..8]), "{number}");
        }
    }
}

/// Of a session that is not to be resumed the master secret goes at once, of others the keys when it ends.
#[test]
fn the_master_secret_is_kept_to_resume_and_for_nothing_else() {
    for (id, kept) in [(&[0xD1; 32][..], true), (&[], false)] {
        let mut duel = Duel::<PskCid>::new(psk_security());
        let server = Hostile::session(&mut duel, id, &[extension(23, &[])]);
        assert!(duel.client.is_connected());
        assert_eq!(holds(&duel.client, &server.master), kept);
        assert!(holds(&duel.client, &server.keys[..40]));
        duel.client.suspend();
        assert!(!holds(&duel.client, &server.keys[..8]));
        duel.client.forget_session();
        assert!(!holds(&duel.client, &server.master[..8]));
    }
}

#[test]
fn an_ephemeral_secret_goes_with_its_use() {
    let keys = Keys::new();
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut server = Hostile { ecdhe: true, ..Hostile::new() };
    server.read_hello(&mut duel);
    // What the client draws next is its secret.
    let (mut rng, mut secret) = (duel.rng.clone(), [0; 32]);
    rng.fill(&mut secret).expect("it never fails");
    let mut flight = first_flight(&mut server, None, &raw_key_extensions());
    flight.push(server.message(SERVER_HELLO_DONE, &[]));
    let mut flight = server.plain(22, &flight.concat());
    let (now, mut out) = (duel.time(), [0; 1500]);
    assert!(duel.client.handle_datagram(now, &duel.security, &mut flight).next().is_none());
    let agreed = duel.client.poll_transmit(now, &duel.security, &mut duel.rng, &mut out);
    assert_eq!(agreed, Ok(None), "the first step");
    assert!(holds(&duel.client, &secret), "else the test sees nothing");
    duel.pump();
    assert!(!holds(&duel.client, &secret[..8]));
    server.read_flight(&mut duel);
    let shared = p256::ecdh::diffie_hellman(
        p256::SecretKey::from_slice(&secret).expect("in range").to_nonzero_scalar(),
        server.ephemeral.public_key().as_affine(),
    );
    assert!(!holds(&duel.client, &shared.raw_secret_bytes()[..8]));
}
