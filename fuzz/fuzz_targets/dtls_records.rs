//! Any bytes as records, for a client in each state of a handshake, and for an established session.
#![no_main]

use coracle_crypto::server::connection_id;
use coracle_fuzz::dtls::{Client, KEY, OneClient, Server, psk};
use coracle_fuzz::heap;
use coracle_fuzz::input::Input;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let steps = input.byte() % 4;
    let id = heap::without(|| connection_id(data, usize::from(steps)));
    assert!(id.is_none_or(|id| id.len() == usize::from(steps)));
    let clients = OneClient(KEY);
    // Not the random numbers of the seeds: what is in them was said in another session.
    let mut client = Client::seeded(psk(), 11);
    let mut server = Server::seeded(coracle_crypto::server::Config::with_psk(&clients), 12);
    // So many flights of the handshake have been exchanged.
    for _ in 0..steps {
        for datagram in std::mem::take(&mut client.sent) {
            server.deliver(client.now, &datagram);
        }
        for datagram in std::mem::take(&mut server.sent) {
            client.deliver(&datagram);
        }
    }
    let connected = client.connection.is_connected();
    assert_eq!(connected, steps == 3, "three exchanges make a session");
    client.take_connected();
    client.data.clear();
    while !input.is_empty() {
        let datagram = input.long();
        client.deliver(datagram);
        server.deliver(client.now, datagram);
        assert!(client.data.is_empty() && server.data.is_empty(), "nobody has the keys");
        assert!(!client.take_connected());
    }
    if connected {
        // Nobody could forge a record, so the session is as it was.
        let sealed = client.seal(b"still here").expect("the session goes on");
        server.deliver(client.now, &sealed);
        assert_eq!(server.data, [b"still here"]);
    }
});
