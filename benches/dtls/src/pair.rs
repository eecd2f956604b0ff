//! Both ends of a session. Only what the client does is counted: the functions whose names begin with `client`.

use coracle_crypto::profiles::Everything;
use coracle_crypto::server::{self, Config, Cookies, Verdict};
use coracle_crypto::{
    CipherSuite, Connection, Instant, Options, P256, Profile, Rng, RngError, Security, SoftAes, key_block_len,
};

/// A server as Leshan's: connection IDs of 6 bytes, every suite.
pub(crate) enum Server {}

impl Profile for Server {
    const SUITES: &'static [CipherSuite] = Everything::SUITES;
    const RAW_PUBLIC_KEYS: bool = true;
    const CERTIFICATES: bool = true;
    const CONNECTION_ID: bool = true;
    const FAILED_OPEN_LIMIT: u32 = 0;
    type Aes = SoftAes;
    type Curve = P256;
    type KeyBlock = [u8; key_block_len(Self::SUITES)];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 6];
    type PeerCid = [u8; 8];
    type Reassembly = [u8; 1024];
    type ReplayWindow = [u32; 2];
}

/// A client with every suite, and nothing that changes the size of its hello.
pub(crate) enum AllSuites {}

impl Profile for AllSuites {
    const SUITES: &'static [CipherSuite] = Everything::SUITES;
    const RAW_PUBLIC_KEYS: bool = true;
    const CERTIFICATES: bool = true;
    const CONNECTION_ID: bool = true;
    type Aes = SoftAes;
    type Curve = P256;
    type KeyBlock = [u8; key_block_len(Self::SUITES)];
    type Cookie = [u8; 32];
    type SessionId = [u8; 32];
    type OwnCid = [u8; 0];
    type PeerCid = [u8; 8];
    type Reassembly = [u8; 768];
    type ReplayWindow = [u32; 2];
}

/// Numbers that can be repeated (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Rng for Numbers {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        for chunk in out.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let bytes = (mixed ^ (mixed >> 31)).to_le_bytes();
            chunk.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

/// Datagrams and bytes of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) datagrams: usize,
    pub(crate) bytes: usize,
}

impl Traffic {
    const fn add(&mut self, bytes: usize) {
        self.datagrams += 1;
        self.bytes += bytes;
    }
}

const NOW: Instant = Instant::from_millis(1_000);

/// A client and its server.
pub(crate) struct Pair<'a, P: Profile> {
    pub(crate) client: Connection<P>,
    server: server::Connection<Server>,
    pub(crate) security: Security<'a>,
    config: Config<'a>,
    cookies: Cookies,
    client_numbers: Numbers,
    server_numbers: Numbers,
    pub(crate) from_client: Traffic,
    pub(crate) from_server: Traffic,
}

impl<'a, P: Profile> Pair<'a, P> {
    pub(crate) fn new(security: Security<'a>, config: Config<'a>) -> Self {
        let mut server_numbers = Numbers(2);
        Self {
            client: Connection::new(),
            server: server::Connection::new(),
            security,
            config,
            cookies: Cookies::new(&mut server_numbers).expect("there are numbers"),
            client_numbers: Numbers(1),
            server_numbers,
            from_client: Traffic::default(),
            from_server: Traffic::default(),
        }
    }

    /// A handshake, full unless the client has a session to resume.
    pub(crate) fn handshake(&mut self) {
        (self.from_client, self.from_server) = (Traffic::default(), Traffic::default());
        self.server = server::Connection::new();
        let mut out = [0; 1500];
        client_connect(&mut self.client, &self.security);
        for _ in 0..40 {
            while let Some(length) =
                client_transmit(&mut self.client, &self.security, &mut self.client_numbers, &mut out)
            {
                self.from_client.add(length);
                self.arrive_at_server(&mut out[..length]);
            }
            while let Some(length) = self
                .server
                .poll_transmit(NOW, &self.config, &mut self.server_numbers, &mut out)
                .expect("there is room")
            {
                self.from_server.add(length);
                client_receive(&mut self.client, &self.security, &mut out[..length]);
            }
        }
        assert!(self.client.is_connected() && self.server.is_connected(), "the handshake has failed");
        while self.client.poll_event().is_some() {}
    }

    fn arrive_at_server(&mut self, datagram: &mut [u8]) {
        let mut answer = [0; 64];
        if !self.server.is_free() {
            self.server.handle_datagram(NOW, &self.config, datagram, &mut |_| {});
            return;
        }
        match self.cookies.check(b"the client", datagram, &mut answer) {
            Verdict::Answer(length) => {
                self.from_server.add(length);
                client_receive(&mut self.client, &self.security, &mut answer[..length]);
            }
            Verdict::Accept => {
                self.server.accept(&Options::DEFAULT);
                self.server.handle_datagram(NOW, &self.config, datagram, &mut |_| {});
            }
            Verdict::Ignore => panic!("the client sends something else than a hello"),
        }
    }

    /// Seals so many bytes; the length of the datagram.
    pub(crate) fn seal(&mut self, buffer: &mut [u8], length: usize) -> usize {
        client_seal(&mut self.client, buffer, length)
    }

    /// The server seals so many bytes, and the client opens them.
    pub(crate) fn open(&mut self, buffer: &mut [u8], length: usize) {
        let range = self.server.seal(buffer, length).expect("connected");
        let datagram = buffer.get_mut(range).expect("within");
        assert_eq!(client_receive(&mut self.client, &self.security, datagram), length);
    }
}

#[inline(never)]
fn client_connect<P: Profile>(client: &mut Connection<P>, security: &Security<'_>) {
    client.connect(NOW, security, &Options::DEFAULT).expect("the configuration is right");
}

#[inline(never)]
fn client_transmit<P: Profile>(
    client: &mut Connection<P>,
    security: &Security<'_>,
    numbers: &mut Numbers,
    out: &mut [u8],
) -> Option<usize> {
    loop {
        if let Some(length) = client.poll_transmit(NOW, security, numbers, out).expect("there is room") {
            return Some(length);
        }
        // The next step of a computation is due at once.
        if client.poll_timeout().is_none_or(|at| at > NOW) {
            return None;
        }
    }
}

#[inline(never)]
fn client_receive<P: Profile>(
    client: &mut Connection<P>,
    security: &Security<'_>,
    datagram: &mut [u8],
) -> usize {
    let mut records = client.handle_datagram(NOW, security, datagram);
    let mut length = 0;
    while let Some(data) = records.next() {
        length += data.len();
    }
    length
}

#[inline(never)]
fn client_seal<P: Profile>(client: &mut Connection<P>, buffer: &mut [u8], length: usize) -> usize {
    client.seal(buffer, length).expect("connected").len()
}
