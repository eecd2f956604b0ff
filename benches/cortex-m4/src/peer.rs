//! The server's end of the way: plain, or with the server half of DTLS.

use coracle_crypto::server::{Config, Connection, Cookies, PskLookup, Verdict};
use coracle_crypto::{Instant, Options, Profile, Rng, RngError, profiles};

/// Numbers that follow from each other: the device is measured, not the server.
struct Numbers(u32);

impl Rng for Numbers {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), RngError> {
        for byte in out {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (self.0 >> 24) as u8;
        }
        Ok(())
    }
}

/// As the device's profile, with connection IDs of the length that Leshan's have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerProfile;

impl Profile for ServerProfile {
    type OwnCid = [u8; 6];
    type PeerCid = [u8; 0];
    const SUITES: &'static [coracle_crypto::CipherSuite] = profiles::PskCid::SUITES;
    const RAW_PUBLIC_KEYS: bool = false;
    const CERTIFICATES: bool = false;
    const CONNECTION_ID: bool = true;
    type Aes = <profiles::PskCid as Profile>::Aes;
    type Curve = <profiles::PskCid as Profile>::Curve;
    type KeyBlock = <profiles::PskCid as Profile>::KeyBlock;
    type Cookie = [u8; 32];
    type SessionId = [u8; 0];
    type Reassembly = [u8; 64];
    type ReplayWindow = [u32; 2];
}

pub(crate) const IDENTITY: &[u8] = b"urn:dev:os:4242";
pub(crate) const KEY: &[u8; 16] = b"a key for a test";

struct Keys;

impl PskLookup for Keys {
    fn key(&self, identity: &[u8]) -> Option<&[u8]> {
        (identity == IDENTITY).then_some(KEY)
    }
}

/// The server of the device.
pub(crate) struct Peer {
    secured: Option<(Connection<ServerProfile>, Cookies)>,
    numbers: Numbers,
}

impl Peer {
    pub(crate) fn new(secure: bool) -> Self {
        let mut numbers = Numbers(1);
        let cookies = Cookies::new(&mut numbers).ok();
        Self { secured: cookies.filter(|_| secure).map(|cookies| (Connection::new(), cookies)), numbers }
    }

    /// Takes a datagram of the device: its message, if there is one, is put into `message`; its length.
    pub(crate) fn receive(
        &mut self,
        datagram: &mut [u8],
        message: &mut [u8],
        answer: &mut [u8],
    ) -> (usize, usize) {
        let Some((connection, cookies)) = &mut self.secured else {
            message[..datagram.len()].copy_from_slice(datagram);
            return (datagram.len(), 0);
        };
        let now = Instant::from_millis(1);
        let config = Config::with_psk(&Keys);
        let mut length = 0;
        if connection.is_free() {
            match cookies.check(b"device", datagram, answer) {
                Verdict::Answer(length) => return (0, length),
                Verdict::Accept => connection.accept(&Options::DEFAULT),
                Verdict::Ignore => return (0, 0),
            }
        }
        connection.handle_datagram(now, &config, datagram, &mut |data| {
            message[..data.len()].copy_from_slice(data);
            length = data.len();
        });
        let mut written = 0;
        while let Ok(Some(more)) =
            connection.poll_transmit(now, &config, &mut self.numbers, &mut answer[written..])
        {
            written += more;
        }
        while connection.poll_event().is_some() {}
        (length, written)
    }

    /// Turns the message that lies at [`Peer::START`] into a datagram for the device.
    pub(crate) fn send<'b>(&mut self, buffer: &'b mut [u8], length: usize) -> &'b mut [u8] {
        match &mut self.secured {
            None => &mut buffer[Self::START..Self::START + length],
            Some((connection, _)) => match connection.seal(buffer, length) {
                Ok(range) => &mut buffer[range],
                Err(_) => &mut [],
            },
        }
    }

    /// Where a message has to lie in its buffer.
    pub(crate) const START: usize = Connection::<ServerProfile>::HEADROOM;
}
