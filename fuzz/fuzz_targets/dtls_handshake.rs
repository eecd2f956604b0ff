//! Any handshake messages of a server, well numbered, in one piece or two: for a client with a pre-shared key and for one
//! with a raw public key, whose first hello is whole or short. None of them can complete a handshake.
#![no_main]

use coracle_crypto::profiles::Everything;
use coracle_crypto::{Profile, Security};
use coracle_fuzz::dtls::{Client, Keys, Short, psk};
use coracle_fuzz::forger::Forger;
use coracle_fuzz::input::Input;

/// Enough for a flight; more costs computations on the curve.
const MESSAGES: usize = 8;

thread_local!(static KEYS: Keys = Keys::new());

libfuzzer_sys::fuzz_target!(|data: &[u8]| KEYS.with(|keys| {
    let mut input = Input::new(data);
    let choice = input.byte();
    let security = if choice & 1 == 0 { psk() } else { keys.raw_public_key() };
    if choice & 2 == 0 { run::<Everything>(security, input) } else { run::<Short>(security, input) }
}));

fn run<P: Profile>(security: Security<'_>, mut input: Input<'_>) {
    let mut client = Client::<P>::of_profile(security, 1);
    let mut forger = Forger::default();
    for _ in 0..MESSAGES {
        if input.is_empty() {
            break;
        }
        let (kind, cut) = (input.byte(), input.byte());
        let body = input.long();
        let cut = if cut == 0 { body.len() } else { usize::from(cut) };
        // The client takes its hello for answered with the number of that: after a cookie it counts on.
        let datagram = forger.message(kind, body, cut);
        client.deliver(&datagram);
        assert!(!client.take_connected() && !client.connection.is_connected());
    }
    while client.wait() && client.now < 600_000 {}
    assert!(!client.connection.is_handshaking(), "the handshake ends");
}
