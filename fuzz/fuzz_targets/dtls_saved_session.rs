//! Stored sessions, changed in any way: what is taken is a session with this server, and can be stored again.
#![no_main]

use coracle_crypto::profiles::Everything;
use coracle_crypto::{CONTEXT_LEN, Connection, Options, SESSION_LEN};
use coracle_fuzz::dtls::{Client, KEY, OneClient, Server, psk};
use coracle_fuzz::heap;
use coracle_fuzz::input::Input;
use sha2::{Digest, Sha256};

/// The digest at the end.
const DIGEST: usize = 8;

thread_local! {
    /// A session, stored in both forms.
    static STORED: ([u8; CONTEXT_LEN], [u8; SESSION_LEN]) = stored();
}

fn stored() -> ([u8; CONTEXT_LEN], [u8; SESSION_LEN]) {
    let clients = OneClient(KEY);
    let sessions = coracle_crypto::server::SessionCache::<1>::new();
    let config = coracle_crypto::server::Config {
        sessions: Some(&sessions),
        ..coracle_crypto::server::Config::with_psk(&clients)
    };
    let (mut client, mut server) = (Client::new(psk()), Server::new(config));
    while !client.connection.is_connected() {
        std::mem::take(&mut client.sent).iter().for_each(|datagram| server.deliver(client.now, datagram));
        std::mem::take(&mut server.sent).iter().for_each(|datagram| _ = client.deliver(datagram));
    }
    let (mut context, mut session) = ([0; CONTEXT_LEN], [0; SESSION_LEN]);
    client.connection.export(10, &mut context).expect("connected");
    client.connection.export_session(&mut session).expect("connected");
    (context, session)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| STORED.with(|(context, session)| {
    let mut input = Input::new(data);
    let flags = input.byte();
    let (mut context, mut session) = (*context, *session);
    change(&mut context, &mut input, flags);
    change(&mut session, &mut input, flags);
    let (security, mut connection) = (psk(), Connection::<Everything>::new());
    if heap::without(|| connection.restore_session(&security, &session)).is_ok() {
        connection.connect(coracle_crypto::Instant::START, &security, &Options::DEFAULT).expect("right");
    }
    let mut connection = Connection::<Everything>::new();
    if heap::without(|| connection.restore(&security, &Options::DEFAULT, &context)).is_err() {
        return assert!(!connection.is_connected(), "refused, and taken all the same");
    }
    assert!(connection.is_connected());
    let mut buffer = [0; 200];
    connection.seal(&mut buffer, 4).expect_err("first it has to be stored again");
    let mut again = [0; CONTEXT_LEN];
    if heap::without(|| connection.export(5, &mut again)).is_ok() {
        let mut other = Connection::<Everything>::new();
        other.restore(&security, &Options::DEFAULT, &again).expect("what was stored is taken");
        let mut client = Client::new(psk());
        client.connection = connection;
        client.seal(b"data");
        client.deliver(input.rest());
    }
}));

/// Changes bytes where the input says, and, if it says so, makes the digest right again.
fn change(stored: &mut [u8], input: &mut Input<'_>, flags: u8) {
    for _ in 0..flags & 15 {
        let at = usize::from(input.word()) % stored.len();
        stored[at] = input.byte();
    }
    if flags & 16 != 0 {
        let (body, digest) = stored.split_at_mut(stored.len() - DIGEST);
        digest.copy_from_slice(
            &Sha256::new().chain_update("coracle dtls session").chain_update(&*body).finalize()[..DIGEST],
        );
    }
}
