//! Any datagrams in any state. In the middle of the network: what a real server says is lost, repeated, reordered and changed.
//! From a server that has the key: everything in any order, well protected. The client allocates nothing, comes to rest, sends
//! datagrams of bounded length, and is never connected without a Finished that is right; whether its first hello is short or not.
#![no_main]

use coracle_crypto::Profile;
use coracle_crypto::profiles::Everything;
use coracle_crypto::server::{Config, SessionCache};
use coracle_fuzz::dtls::{Client, KEY, OneClient, Server, Short, psk};
use coracle_fuzz::forger::{Forger, content};
use coracle_fuzz::input::Input;
use coracle_fuzz::script::{Pipe, changed};

const STEPS: usize = 48;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    match input.byte() % 6 {
        0 => in_the_middle::<Everything>(&mut input, KEY),
        1 => in_the_middle::<Everything>(&mut input, b"another key"),
        2 => with_the_key::<Everything>(&mut input),
        3 => in_the_middle::<Short>(&mut input, KEY),
        4 => in_the_middle::<Short>(&mut input, b"another key"),
        _ => with_the_key::<Short>(&mut input),
    }
});

fn in_the_middle<P: Profile>(input: &mut Input<'_>, key: &'static [u8]) {
    let (clients, sessions) = (OneClient(key), SessionCache::<2>::new());
    let config = Config { sessions: Some(&sessions), ..Config::with_psk(&clients) };
    let (mut client, mut server) = (Client::<P>::of_profile(psk(), 1), Server::new(config));
    let (mut up, mut down) = (Pipe::default(), Pipe::default());
    for _ in 0..STEPS {
        up.0.append(&mut client.sent);
        down.0.append(&mut server.sent);
        if input.is_empty() {
            break;
        }
        let operation = input.byte();
        let (pipe, to_client) = if operation & 16 == 0 { (&mut up, false) } else { (&mut down, true) };
        let datagram = match operation & 15 {
            0..=4 => pipe.take(input),
            5 | 6 => pipe.copy(input),
            7 => pipe.take(input).map(|datagram| changed(datagram, input)),
            8 => pipe.copy(input).map(|datagram| changed(datagram, input)),
            9 => {
                pipe.take(input);
                None
            }
            10 => Some(input.long().to_vec()),
            11 => {
                client.wait();
                server.settle(client.now);
                None
            }
            12 => {
                client.connect();
                None
            }
            13 => client.seal(input.short()),
            14 => server.seal(input.short()),
            _ => {
                client.now += u64::from(input.word());
                client.settle();
                None
            }
        };
        let Some(datagram) = datagram else { continue };
        if to_client {
            _ = client.deliver(&datagram);
        } else {
            server.deliver(client.now, &datagram);
        }
        check(&mut client, &server, key);
    }
    finish(client, server, key);
}

/// Handshakes on a network that works, one of which ends well.
const ATTEMPTS: usize = 4;

/// A client is connected when the server has found its Finished right; with a resumed session the server's comes first.
fn check(client: &mut Client<'_, impl Profile>, server: &Server<'_>, key: &[u8]) {
    if client.connection.is_connected() {
        assert_eq!(key, KEY, "connected though the keys differ");
        let agreed = client.connection.agreed().expect("connected");
        assert!(server.completed > 0 || agreed.resumed, "connected without a Finished of the server");
        assert!(server.completed > 0, "resumed a session that never was");
    }
    client.events.clear();
}

/// On a network that works, a handshake ends well, and data flows; whatever was before.
fn finish(mut client: Client<'_, impl Profile>, mut server: Server<'_>, key: &[u8]) {
    // The server has given up what it was doing: nothing in a plain ServerHello tells an old one that is repeated from that
    // of the new handshake, which it would spoil.
    while let Some(at) = server.deadline() {
        client.now = client.now.max(at);
        server.settle(client.now);
    }
    server.sent.clear();
    client.settle();
    client.sent.clear();
    // What the server still has to repeat may spoil a handshake: the next one, or the one after that, is not.
    for _ in 0..ATTEMPTS {
        client.connect();
        handshake(&mut client, &mut server, key);
        if client.connection.is_connected() {
            break;
        }
    }
    assert_eq!(client.connection.is_connected(), key == KEY, "{:?}", client.connection);
    if key == KEY {
        let (sealed, before) = (client.seal(b"up").expect("connected"), server.data.len());
        server.deliver(client.now, &sealed);
        assert_eq!(server.data.len(), before + 1);
    }
}

fn handshake(client: &mut Client<'_, impl Profile>, server: &mut Server<'_>, key: &[u8]) {
    for _ in 0..100 {
        for datagram in std::mem::take(&mut client.sent) {
            server.deliver(client.now, &datagram);
        }
        for datagram in std::mem::take(&mut server.sent) {
            client.deliver(&datagram);
        }
        check(client, server, key);
        // The last flight of a resumed handshake is the client's.
        if !client.sent.is_empty() {
            continue;
        }
        if !client.connection.is_handshaking() {
            return;
        }
        client.wait();
    }
}

fn with_the_key<P: Profile>(input: &mut Input<'_>) {
    let (mut client, mut forger) = (Client::<P>::of_profile(psk(), 1), Forger::default());
    for _ in 0..STEPS {
        for datagram in std::mem::take(&mut client.sent) {
            forger.hear(&datagram);
        }
        if input.is_empty() {
            break;
        }
        let operation = input.byte();
        let cut = if operation & 16 == 0 { usize::MAX } else { usize::from(input.byte()) };
        let datagram = match operation & 15 {
            0 => forger.server_hello(&[], cut),
            1 => forger.server_hello(input.short(), cut),
            2 => forger.message(14, &[], cut),
            3 => {
                let kind = input.byte();
                forger.message(kind, input.long(), cut)
            }
            4 => forger.plain(content::CHANGE_CIPHER_SPEC, &[1]),
            5 => forger.finished(),
            6 => {
                let kind = input.byte();
                forger.plain(kind, input.long())
            }
            7 | 8 => {
                let kind = input.byte();
                forger.protect(kind, input.long())
            }
            9 => input.long().to_vec(),
            10 => {
                client.wait();
                continue;
            }
            11 => {
                client.connect();
                continue;
            }
            12 => {
                forger.message_seq = u16::from(input.byte());
                continue;
            }
            13 => {
                client.seal(input.short());
                continue;
            }
            14 => [forger.plain(content::CHANGE_CIPHER_SPEC, &[1]), forger.finished()].concat(),
            _ => [forger.server_hello(&[], cut), forger.message(14, &[], cut)].concat(),
        };
        client.deliver(&datagram);
        let connected = client.take_connected() || client.connection.is_connected();
        assert!(!connected || forger.finished, "connected without a Finished");
    }
    while client.wait() && client.now < 600_000 {}
    assert!(!client.connection.is_handshaking(), "the handshake ends");
}
