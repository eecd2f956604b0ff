//! The server half: no state before a good cookie, and no session that is not as it was.

use crate::common::SeededRng;
use crate::duel::{Duel, IDENTITY, KEY, psk_security};
use crate::hostile::record;
use crate::raw_keys::Keys;
use coracle_crypto::profiles::{Everything, PskCid, PskOnly, PskRpkCid};
use coracle_crypto::server::{
    Config, Connection, Cookies, KeyLookup, OwnKey, PskLookup, SessionCache, Verdict,
};
use coracle_crypto::{
    Alert, AlertSeen, CipherSuite, CloseReason, Event, FailureReason, Instant, Options, PrivateKey, Profile,
    PublicKey, Requirement, Security,
};
use std::cell::Cell;

struct OneClient {
    known: Cell<bool>,
}

impl PskLookup for OneClient {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        (self.known.get() && identity == IDENTITY).then_some(KEY)
    }
}

fn one_client() -> OneClient {
    OneClient { known: Cell::new(true) }
}

/// A handshake between our two halves over a perfect wire. Answers the events of the server.
fn handshake<P: Profile>(
    duel: &mut Duel<'_, P>,
    config: &Config<'_>,
) -> (Connection<Everything>, Vec<Event>) {
    // Another session id each time.
    let mut rng = SeededRng(duel.rng.next());
    let cookies = Cookies::new(&mut rng).expect("seeded");
    let mut server = Connection::<Everything>::new();
    let mut events = Vec::new();
    let mut accepted = false;
    for _ in 0..20 {
        for mut datagram in duel.take_sent() {
            let mut answer = [0; 64];
            if !accepted {
                match cookies.check(b"here", &datagram, &mut answer) {
                    Verdict::Answer(length) => {
                        duel.deliver(&answer[..length]);
                        continue;
                    }
                    Verdict::Accept => server.accept(&Options::DEFAULT),
                    Verdict::Ignore => continue,
                }
                accepted = true;
            }
            server.handle_datagram(duel.time(), config, &mut datagram, &mut |_| {});
            let mut out = [0; 1500];
            while let Some(length) =
                server.poll_transmit(duel.time(), config, &mut rng, &mut out).expect("there is room")
            {
                duel.deliver(&out[..length]);
            }
            while let Some(event) = server.poll_event() {
                events.push(event);
            }
        }
    }
    (server, events)
}

/// Hellos without a cookie, with a wrong one, of another address: answered, not kept.
#[test]
fn no_state_before_a_good_cookie() {
    let mut duel = Duel::<PskCid>::new(psk_security());
    let cookies = Cookies::new(&mut SeededRng(1)).expect("seeded");
    let hello = duel.take_sent().remove(0);
    let mut out = [0; 64];
    let Verdict::Answer(length) = cookies.check(b"here", &hello, &mut out) else {
        panic!("a cookie is asked for")
    };
    // The answer is no longer than the question: nobody is flooded by our answers.
    assert!(length <= hello.len());
    duel.deliver(&out[..length]);
    let with_cookie = duel.take_sent().remove(0);
    assert_eq!(cookies.check(b"here", &with_cookie, &mut out), Verdict::Accept);
    assert!(matches!(cookies.check(b"there", &with_cookie, &mut out), Verdict::Answer(_)));
    let stranger = Cookies::new(&mut SeededRng(2)).expect("seeded");
    assert!(matches!(stranger.check(b"here", &with_cookie, &mut out), Verdict::Answer(_)));
    // Two extensions at the end: the extended master secret, and a connection ID of no bytes.
    let extensions = with_cookie.len() - (2 + 4 + 5);
    for at in 13..with_cookie.len() {
        let mut damaged = with_cookie.clone();
        damaged[at] ^= 1;
        // A changed random, cookie, suite or compression is another hello. The number of the message is not covered, nor are
        // the extensions, which the first hello need not have.
        if at >= extensions {
            assert_eq!(cookies.check(b"here", &damaged, &mut out), Verdict::Accept, "{at}");
        } else if !(17..19).contains(&at) {
            assert_ne!(cookies.check(b"here", &damaged, &mut out), Verdict::Accept, "{at}");
        }
    }
    // A connection that waits for nobody takes no datagram at all.
    let mut idle = Connection::<Everything>::new();
    idle.handle_datagram(Instant::START, &Config::NOBODY, &mut with_cookie.clone(), &mut |_| {});
    assert!(idle.is_free() && idle.poll_timeout().is_none());
}

/// CVE-2022-2576, CVE-2022-34293 and their kind: resumption goes through the cookie like everything else, and falls
/// back to a full handshake where anything differs.
#[test]
fn resumption_does_not_go_around_the_cookie() {
    let (clients, cache) = (one_client(), SessionCache::<2>::new());
    let config = Config { sessions: Some(&cache), ..Config::with_psk(&clients) };
    let mut duel = Duel::<PskCid>::new(psk_security());
    let resumed = |duel: &mut Duel<'_, PskCid>, config: &Config<'_>| {
        duel.events.clear();
        handshake(duel, config);
        match duel.events[..] {
            [Event::Connected(connected)] => connected.resumed,
            _ => panic!("{:?}", duel.events),
        }
    };
    assert!(!resumed(&mut duel, &config));
    duel.connect();
    let cookies = Cookies::new(&mut SeededRng(9)).expect("seeded");
    assert!(matches!(cookies.check(b"here", &duel.sent[0], &mut [0; 64]), Verdict::Answer(_)));
    assert!(resumed(&mut duel, &config));
    // Another suite is preferred now: a full handshake.
    duel.connect();
    let suites = [CipherSuite::PskAes128Ccm.number(), CipherSuite::PskAes128Ccm8.number()];
    let other = Config { suites: &suites, ..config };
    assert!(resumed(&mut duel, &other), "the client offers only the one that it had");
    // The client was removed: its old session is worth nothing.
    duel.connect();
    clients.known.set(false);
    duel.events.clear();
    let (server, events) = handshake(&mut duel, &config);
    assert!(
        matches!(events[..], [Event::Failed { reason: FailureReason::UnknownIdentity, .. }]),
        "{events:?}"
    );
    assert!(server.is_free());
    assert!(
        matches!(duel.events[..], [Event::Failed { reason: FailureReason::UnknownIdentity, .. }]),
        "{:?}",
        duel.events
    );
}

#[test]
fn a_session_with_another_master_secret_is_not_resumed() {
    let (clients, cache) = (one_client(), SessionCache::<2>::new());
    let optional = Requirement::Optional;
    let config =
        Config { sessions: Some(&cache), extended_master_secret: optional, ..Config::with_psk(&clients) };
    let security = Security { extended_master_secret: optional, ..psk_security() };
    let mut duel = Duel::<PskCid>::new(security);
    handshake(&mut duel, &config);
    duel.connect();
    // The extension is taken out of the hello on the way: the session was made with it.
    let at = duel.sent[0].windows(4).position(|window| window == [0, 23, 0, 0]).expect("the extension");
    duel.sent[0][at + 1] = 99;
    let cookies = Cookies::new(&mut SeededRng(3)).expect("seeded");
    let mut out = [0; 64];
    let Verdict::Answer(length) = cookies.check(b"here", &duel.take_sent()[0], &mut out) else { panic!() };
    duel.deliver(&out[..length]);
    let mut hello = duel.take_sent().remove(0);
    hello[at + 1 + 16] = 99;
    let mut server = Connection::<Everything>::new();
    server.accept(&Options::DEFAULT);
    server.handle_datagram(duel.time(), &config, &mut hello, &mut |_| {});
    let length = server.poll_transmit(duel.time(), &config, &mut SeededRng(4), &mut [0; 1500]).expect("room");
    assert!(length.is_some_and(|length| length < 13 + 12 + 100 + 30), "no Finished: not resumed");
}

struct OneKey {
    key: PublicKey,
    known: Cell<bool>,
}

impl KeyLookup for OneKey {
    fn is_known(&self, key: &PublicKey) -> bool {
        self.known.get() && *key == self.key
    }
}

/// As with pre-shared keys, a client whose key was taken away does not come in by its old session, nor one that had to show
/// none when it was made.
#[test]
fn a_session_of_a_key_that_is_not_known_any_more_is_not_resumed() {
    let keys = Keys::new();
    let signer = PrivateKey::parse(&[0x22; 32]).expect("in range");
    let public = signer.public_key().expect("a key");
    let clients = OneKey { key: keys.own_public, known: Cell::new(true) };
    let cache = SessionCache::<4>::new();
    let own = Some(OwnKey { signer: &signer, public: &public, chain: &[] });
    let open = Config { own, sessions: Some(&cache), ..Config::NOBODY };
    let closed = Config { raw_clients: Some(&clients), ..open };
    let mut duel = Duel::<PskRpkCid>::new(keys.security());
    let mut resumed = |config: &Config<'_>| {
        duel.clear();
        duel.connect();
        handshake(&mut duel, config);
        match duel.events[..] {
            [Event::Connected(connected)] => Some(connected.resumed),
            _ => None,
        }
    };
    assert_eq!(resumed(&open), Some(false));
    assert_eq!(resumed(&open), Some(true));
    assert_eq!(resumed(&closed), Some(false), "it has not shown its key yet");
    assert_eq!(resumed(&closed), Some(true));
    clients.known.set(false);
    assert_eq!(resumed(&closed), None);
}

/// The limit of the profile holds for the server half, too.
#[test]
fn the_forgery_limit_ends_the_session() {
    let clients = one_client();
    let config = Config::with_psk(&clients);
    let mut duel = Duel::<PskOnly>::new(psk_security());
    let (mut server, _) = handshake(&mut duel, &config);
    for number in 0..<Everything as Profile>::FAILED_OPEN_LIMIT.into() {
        assert!(server.is_connected());
        let mut forged = record(23, 1, 1_000 + number, &[0; 17]);
        server.handle_datagram(duel.time(), &config, &mut forged, &mut |_| panic!("forged"));
    }
    let alert = AlertSeen::Sent(Alert::BAD_RECORD_MAC);
    assert_eq!(server.poll_event(), Some(Event::Closed { reason: CloseReason::TooManyForgeries, alert }));
    // The client hears of it, and begins anew.
    let mut out = [0; 64];
    let length =
        server.poll_transmit(duel.time(), &config, &mut SeededRng(3), &mut out).expect("there is room");
    duel.deliver(&out[..length.expect("an alert")]);
    assert!(server.is_free() && !duel.client.is_connected());
}
