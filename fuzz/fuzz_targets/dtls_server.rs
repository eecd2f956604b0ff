//! The server half: any datagrams, and those of a client, changed. It allocates nothing of its own, comes to rest, and takes
//! nobody for its client who has not the key.
#![no_main]

use coracle_crypto::PublicKey;
use coracle_crypto::server::{Config, KeyLookup, OwnKey};
use coracle_fuzz::dtls::{Client, KEY, Keys, OneClient, Server, psk};
use coracle_fuzz::forger::{fragment, record};
use coracle_fuzz::input::Input;

const STEPS: usize = 24;

thread_local!(static KEYS: Keys = Keys::new());

struct Nobody;

impl KeyLookup for Nobody {
    fn is_known(&self, _: &PublicKey) -> bool {
        false
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| KEYS.with(|keys| {
    let mut input = Input::new(data);
    let mode = input.byte();
    let key: &[u8] = if mode & 1 == 0 { KEY } else { b"another key" };
    let clients = OneClient(key);
    let own = OwnKey { signer: &keys.server, public: &keys.server_public, chain: &[] };
    let config = Config { own: Some(own), raw_clients: Some(&Nobody), ..Config::with_psk(&clients) };
    let mut server = Server::new(config);
    let mut client = Client::new(if mode & 2 == 0 { psk() } else { keys.raw_public_key() });
    let known = mode.is_multiple_of(4);
    let mut seq = 0;
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        match input.byte() % 8 {
            0..=2 => {
                for datagram in std::mem::take(&mut client.sent) {
                    server.deliver(client.now, &datagram);
                }
                for datagram in std::mem::take(&mut server.sent) {
                    client.deliver(&datagram);
                }
            }
            3 => server.deliver(client.now, input.long()),
            4 => {
                let (kind, seq) = (input.byte(), u16::from(input.byte() & 7));
                let body = input.long();
                let message = fragment(kind, body.len(), seq, 0, body);
                server.deliver(client.now, &record(22, 0, u64::from(seq), &message));
            }
            5 => {
                if let Some(mut datagram) = client.sent.pop() {
                    let at = usize::from(input.word()) % datagram.len();
                    datagram[at] ^= input.byte();
                    server.deliver(client.now, &datagram);
                }
            }
            6 => {
                seq += 1;
                let (kind, epoch) = (input.byte(), input.byte() & 1);
                server.deliver(client.now, &record(kind, epoch.into(), seq, input.long()));
            }
            _ => {
                client.wait();
                server.settle(client.now);
            }
        }
        assert!(known || server.completed == 0, "a stranger was taken for the client");
    }
    assert!(server.data.is_empty(), "the client has sent nothing");
}));
