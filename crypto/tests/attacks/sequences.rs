//! All orders and omissions of server messages up to length 6: only the one right order leads to a session, and
//! without the key none does.

use crate::duel::{Duel, psk_security};
use crate::hostile::*;
use crate::raw_keys::{Keys, ecdsa_script, raw_key_extensions};
use coracle_crypto::Profile;
use coracle_crypto::profiles::{PskOnly, PskRpkCid, ShortFirstHello};

/// What a hostile server can say next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    HelloVerify,
    Hello,
    HelloRequest,
    Certificate,
    KeyExchange,
    CertificateRequest,
    Done,
    ChangeCipherSpec,
    Finished,
    PlainFinished,
    Data,
}

use Word::{
    Certificate, CertificateRequest, ChangeCipherSpec, Data, Done, Finished, Hello, HelloRequest,
    HelloVerify, KeyExchange, PlainFinished,
};

const ALL: [Word; 11] = [
    HelloVerify,
    Hello,
    HelloRequest,
    Certificate,
    KeyExchange,
    CertificateRequest,
    Done,
    ChangeCipherSpec,
    Finished,
    PlainFinished,
    Data,
];

/// Those that can change anything: without the two that are to be ignored wherever they come.
const EFFECTIVE: [Word; 9] = [
    HelloVerify,
    Hello,
    Certificate,
    KeyExchange,
    CertificateRequest,
    Done,
    ChangeCipherSpec,
    Finished,
    PlainFinished,
];

/// The protocol as a reader of the RFCs would put it: what is to come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Hello,
    Certificate,
    KeyExchange,
    Done,
    ChangeCipherSpec,
    Finished,
    Nothing,
    /// The handshake has failed.
    Failed,
}

/// What a right client expects after a word. `ecdsa`: certificates and a signed key exchange, else a pre-shared key.
fn after(expected: Expected, word: Word, ecdsa: bool, requested: bool) -> Expected {
    match (expected, word) {
        // Out of place at any time without consequences.
        (_, HelloRequest | Data) => expected,
        (Expected::Failed | Expected::Nothing, _) => expected,
        (Expected::Hello, HelloVerify) => Expected::Hello,
        (Expected::Hello, Hello) if ecdsa => Expected::Certificate,
        (Expected::Hello, Hello) => Expected::KeyExchange,
        (Expected::Certificate, Certificate) => Expected::KeyExchange,
        (Expected::KeyExchange, KeyExchange) => Expected::Done,
        // A pre-shared key needs no hint.
        (Expected::KeyExchange, Done) if !ecdsa => Expected::ChangeCipherSpec,
        (Expected::Done, CertificateRequest) if ecdsa && !requested => Expected::Done,
        (Expected::Done, Done) => Expected::ChangeCipherSpec,
        (Expected::ChangeCipherSpec, ChangeCipherSpec) => Expected::Finished,
        (Expected::Finished, Finished) => Expected::Nothing,
        // After our last flight nothing in the clear counts; protected records count only with keys.
        (Expected::ChangeCipherSpec | Expected::Finished, _) => expected,
        (_, ChangeCipherSpec | Finished) => expected,
        // Any other message that is next in number, but not in order.
        _ => Expected::Failed,
    }
}

/// Sends one word. The server numbers its messages so that the client takes each for the next.
fn say<P: Profile>(
    duel: &mut Duel<'_, P>,
    server: &mut Hostile,
    word: Word,
    expected: Expected,
    ecdsa: bool,
) {
    let datagram = match word {
        HelloVerify if expected == Expected::Hello => {
            let cookie = [server.plain_sequence as u8; 16];
            server.hello_verify_request(0, &cookie)
        }
        HelloVerify => {
            let body = [&[0xFE, 0xFF][..], &vec8(&[1; 16])].concat();
            server.say(HELLO_VERIFY_REQUEST, &body)
        }
        Hello => {
            let (suite, extensions) = if ecdsa {
                (ECDSA_CCM_8, raw_key_extensions())
            } else {
                (PSK_CCM_8, vec![extension(23, &[])])
            };
            let body = server.server_hello(suite, &[], &extensions);
            server.say(SERVER_HELLO, &body)
        }
        HelloRequest => {
            let request = fragment(0, 0, server.message_seq, 0, &[]);
            server.plain(22, &request)
        }
        Certificate => {
            let spki = server.spki();
            server.say(CERTIFICATE, &vec24(&spki))
        }
        KeyExchange if ecdsa => {
            let body = server.key_exchange();
            server.say(SERVER_KEY_EXCHANGE, &body)
        }
        KeyExchange => server.say(SERVER_KEY_EXCHANGE, &[0, 0]),
        CertificateRequest => server.say(CERTIFICATE_REQUEST, &[1, 64, 0, 2, 4, 3, 0, 0]),
        Done => server.say(SERVER_HELLO_DONE, &[]),
        ChangeCipherSpec => server.change_cipher_spec(),
        // A dropped Finished can come again: it is no part of the transcript until it is taken.
        Finished => {
            let data =
                if server.master.is_empty() { vec![0; 12] } else { server.verify_data("server finished") };
            let message = fragment(FINISHED, 12, server.message_seq, 0, &data);
            server.protect(22, &message)
        }
        PlainFinished => {
            let data =
                if server.master.is_empty() { vec![0; 12] } else { server.verify_data("server finished") };
            let message = fragment(FINISHED, 12, server.message_seq, 0, &data);
            server.plain(22, &message)
        }
        Data => server.protect(23, b"data"),
    };
    duel.deliver(&datagram);
}

/// Plays a sequence to a fresh client. Answers what a right client would now expect, and whether ours is connected.
///
/// A first hello that is short is answered by a cookie, or the client starts again.
fn play<'a, P: Profile>(
    new: &dyn Fn() -> (Duel<'a, P>, Hostile),
    sequence: &[Word],
    ecdsa: bool,
    knows_key: bool,
) -> (Expected, bool) {
    let (mut duel, mut server) = new();
    server.read_hello(&mut duel);
    let mut expected = Expected::Hello;
    let mut requested = false;
    let mut hellos = 1;
    let mut short = P::SHORT_FIRST_HELLO;
    let mut hellos_max = if short { 4 } else { 3 };
    for word in sequence {
        // What is out of order after our flight is not taken: it must not spoil number and transcript.
        let before = (server.message_seq, server.transcript.clone());
        say(&mut duel, &mut server, *word, expected, ecdsa);
        let restarts = short && (expected, *word) == (Expected::Hello, Hello);
        let next = if restarts { Expected::Hello } else { after(expected, *word, ecdsa, requested) };
        short &= !restarts && (expected, *word) != (Expected::Hello, HelloVerify);
        requested |= (expected, *word) == (Expected::Done, CertificateRequest);
        if matches!(expected, Expected::ChangeCipherSpec | Expected::Finished) {
            (server.message_seq, server.transcript) = before;
        }
        if restarts {
            // Its repetition would be told from the answer to the new hello by the random.
            (server.message_seq, server.server_random, hellos, hellos_max) = (0, [0x77; 32], 1, 3);
            server.read_hello(&mut duel);
        }
        if *word == HelloVerify && expected == Expected::Hello && hellos < hellos_max {
            hellos += 1;
            server.message_seq = 1;
            if !duel.sent.is_empty() {
                server.read_hello(&mut duel);
            }
        }
        if next == Expected::ChangeCipherSpec && expected != next {
            if knows_key {
                server.read_flight(&mut duel);
            } else {
                // It has to guess.
                server.master = vec![0; 48];
                server.expand();
            }
        }
        expected = next;
        if expected == Expected::Nothing {
            break;
        }
        // Only what is authentic is ever handed out.
        assert!(duel.data.is_empty(), "{sequence:?}");
    }
    if expected == Expected::Failed {
        assert!(duel.failure().is_some(), "{sequence:?} should have failed: {:?}", duel.events);
    }
    (expected, duel.client.is_connected())
}

/// All sequences up to a length, cut where the handshake has failed.
fn explore<'a, P: Profile>(
    new: &dyn Fn() -> (Duel<'a, P>, Hostile),
    ecdsa: bool,
    knows_key: bool,
    words: &[Word],
    longest: usize,
) -> (u32, u32) {
    let mut played = 0;
    let mut connections = 0;
    let mut open = vec![Vec::new()];
    while let Some(sequence) = open.pop() {
        for word in words {
            let mut longer = sequence.clone();
            longer.push(*word);
            let (expected, connected) = play(new, &longer, ecdsa, knows_key);
            played += 1;
            let right = knows_key && expected == Expected::Nothing;
            assert_eq!(connected, right, "{longer:?}: {expected:?}");
            connections += u32::from(connected);
            let ended = matches!(expected, Expected::Failed | Expected::Nothing);
            if !ended && longer.len() < longest {
                open.push(longer);
            }
        }
    }
    (played, connections)
}

#[test]
fn with_the_pre_shared_key_only_the_right_order_connects() {
    let new = || (Duel::<PskOnly>::new(psk_security()), Hostile::new());
    let (played, connections) = explore(&new, false, true, &EFFECTIVE, 6);
    assert!(played > 10_000, "only {played} sequences");
    let (also, connections) = (explore(&new, false, true, &ALL, 5), connections);
    assert!(also.0 > 10_000);
    // Two right orders (with and without a hint), and what may be said in between without consequences.
    assert!(connections > 2, "{connections} connections");
}

/// A cookie first, or an answer to be ignored: and then the right order.
#[test]
fn after_a_short_hello_only_the_right_order_connects() {
    let new = || (Duel::<ShortFirstHello<PskOnly>>::new(psk_security()), Hostile::new());
    let (played, connections) = explore(&new, false, true, &EFFECTIVE, 6);
    assert!(played > 10_000, "only {played} sequences");
    // Of five words there are none but these two: a cookie or a hello, a hello, no hint, the end of the flight and the two
    // last ones; and of six all with a hint, or a further word without consequences.
    let (_, of_five) = explore(&new, false, true, &EFFECTIVE, 5);
    assert_eq!(of_five, 2);
    assert!(connections > 2, "{connections} connections");
    let new = || {
        let server = Hostile { psk: b"a guess".to_vec(), ..Hostile::new() };
        (Duel::<ShortFirstHello<PskOnly>>::new(psk_security()), server)
    };
    let (_, connections) = explore(&new, false, false, &EFFECTIVE, 5);
    assert_eq!(connections, 0);
}

#[test]
fn without_the_pre_shared_key_nothing_connects() {
    let new =
        || (Duel::<PskOnly>::new(psk_security()), Hostile { psk: b"a guess".to_vec(), ..Hostile::new() });
    let (played, connections) = explore(&new, false, false, &EFFECTIVE, 6);
    assert!(played > 10_000, "only {played} sequences");
    assert_eq!(connections, 0);
}

#[test]
fn with_the_servers_key_only_the_right_order_connects() {
    let keys = Keys::new();
    let new = || (Duel::<PskRpkCid>::new(keys.security()), ecdsa_script());
    // Without the words that change nothing at any time: each costs several multiplications here.
    let words = [Hello, Certificate, KeyExchange, CertificateRequest, Done, ChangeCipherSpec, Finished];
    let (played, connections) = explore(&new, true, true, &words, 6);
    assert!(played > 300, "only {played} sequences");
    // Hello, certificate, key exchange, done, change, finished.
    assert_eq!(connections, 1);
}

#[test]
fn without_the_servers_key_nothing_connects() {
    let keys = Keys::new();
    let new = || {
        // The right public key, but another private one.
        let signing = p256::ecdsa::SigningKey::from_slice(&[0x23; 32]).expect("in range");
        (Duel::<PskRpkCid>::new(keys.security()), Hostile { signing, ..ecdsa_script() })
    };
    let words = [Hello, Certificate, KeyExchange, CertificateRequest, Done, ChangeCipherSpec, Finished];
    let mut open = vec![Vec::new()];
    while let Some(sequence) = open.pop() {
        for word in words {
            let mut longer: Vec<Word> = sequence.clone();
            longer.push(word);
            let (mut duel, mut server) = new();
            server.read_hello(&mut duel);
            for word in &longer {
                say(&mut duel, &mut server, *word, Expected::Done, true);
            }
            assert!(!duel.client.is_connected(), "{longer:?}");
            if duel.events.is_empty() && longer.len() < 6 {
                open.push(longer);
            }
        }
    }
}
