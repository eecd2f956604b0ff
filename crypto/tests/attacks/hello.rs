//! A hello of the client, taken apart.

use crate::hostile::CLIENT_HELLO;

/// A hello of the client as its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub record: u64,
    pub message_seq: u16,
    pub random: Vec<u8>,
    pub session_id: Vec<u8>,
    pub cookie: Vec<u8>,
    /// From the suites to the compression.
    pub offer: Vec<u8>,
    /// With the length of all.
    pub extensions: Vec<u8>,
}

impl Hello {
    pub fn read(datagram: &[u8]) -> Self {
        assert_eq!((datagram[0], datagram[13]), (22, CLIENT_HELLO), "a hello");
        let body = &datagram[25..];
        let (random, rest) = body[2..].split_at(32);
        let part = |rest: &[u8]| {
            let (part, rest) = rest[1..].split_at(usize::from(rest[0]));
            (part.to_vec(), rest.to_vec())
        };
        let (session_id, rest) = part(rest);
        let (cookie, rest) = part(&rest);
        let suites = 2 + usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        let (offer, extensions) = rest.split_at(suites + 2);
        let mut record = [0; 8];
        record[2..].copy_from_slice(&datagram[5..11]);
        Self {
            record: u64::from_be_bytes(record),
            message_seq: u16::from_be_bytes([datagram[17], datagram[18]]),
            random: random.to_vec(),
            session_id,
            cookie,
            offer: offer.to_vec(),
            extensions: extensions.to_vec(),
        }
    }

    pub fn is_short(&self) -> bool {
        self.extensions == [0, 0]
    }
}
