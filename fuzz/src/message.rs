//! CoAP messages of a server, in bytes of its own: nothing here is shared with the code under test.

/// A confirmable message.
pub const CON: u8 = 0;
/// A message that is not confirmed.
pub const NON: u8 = 1;
/// An acknowledgement.
pub const ACK: u8 = 2;
/// A reset.
pub const RST: u8 = 3;

/// GET.
pub const GET: u8 = 1;
/// POST.
pub const POST: u8 = 2;
/// PUT.
pub const PUT: u8 = 3;

/// Option numbers.
pub mod option {
    #![expect(missing_docs, reason = "the names are those of RFC 7252")]
    pub const OBSERVE: u16 = 6;
    pub const LOCATION_PATH: u16 = 8;
    pub const URI_PATH: u16 = 11;
    pub const CONTENT_FORMAT: u16 = 12;
    pub const URI_QUERY: u16 = 15;
    pub const ACCEPT: u16 = 17;
    pub const BLOCK2: u16 = 23;
    pub const BLOCK1: u16 = 27;
}

/// A message in the making. Options have to come in the order of their numbers.
#[derive(Clone, Debug)]
pub struct Message {
    bytes: Vec<u8>,
    last: u16,
}

impl Message {
    /// The header. Tokens longer than 8 bytes are cut.
    pub fn new(kind: u8, code: u8, id: u16, token: &[u8]) -> Self {
        let token = &token[..token.len().min(8)];
        let mut bytes = vec![0x40 | (kind & 3) << 4 | token.len() as u8, code];
        bytes.extend(id.to_be_bytes());
        bytes.extend(token);
        Self { bytes, last: 0 }
    }

    /// An option, unless it comes too late to be written.
    #[must_use]
    pub fn option(mut self, number: u16, value: &[u8]) -> Self {
        let Some(delta) = number.checked_sub(self.last) else { return self };
        self.last = number;
        let (delta, delta_more) = nibble(delta);
        let (length, length_more) = nibble(value.len() as u16);
        self.bytes.push(delta << 4 | length);
        self.bytes.extend(delta_more);
        self.bytes.extend(length_more);
        self.bytes.extend(value);
        self
    }

    /// An option whose value is a number, in as few bytes as possible.
    #[must_use]
    pub fn option_uint(self, number: u16, value: u32) -> Self {
        let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        self.option(number, &bytes)
    }

    /// The segments of a path.
    #[must_use]
    pub fn path(self, path: &str) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        segments.fold(self, |message, segment| message.option(option::URI_PATH, segment.as_bytes()))
    }

    /// The whole message.
    pub fn payload(mut self, payload: &[u8]) -> Vec<u8> {
        if !payload.is_empty() {
            self.bytes.push(0xff);
            self.bytes.extend(payload);
        }
        self.bytes
    }
}

fn nibble(value: u16) -> (u8, Vec<u8>) {
    match value {
        0..=12 => (value as u8, vec![]),
        13..=268 => (13, vec![(value - 13) as u8]),
        _ => (14, (value - 269).to_be_bytes().to_vec()),
    }
}

/// The fields of a well-formed message that a server needs to answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// CON, NON, ACK or RST.
    pub kind: u8,
    /// The code in one byte.
    pub code: u8,
    /// The message id.
    pub id: u16,
    /// The token.
    pub token: Vec<u8>,
    /// Numbers and values of the options.
    pub options: Vec<(u16, Vec<u8>)>,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Seen {
    /// Reads what the device has sent, with another codec than ours: a device that sends what is no message fails.
    pub fn read(datagram: &[u8]) -> Self {
        let packet = coap_lite::Packet::from_bytes(datagram).expect("the device sends well-formed messages");
        let options = packet.options();
        let options =
            options.flat_map(|(number, values)| values.iter().map(|value| (*number, value.clone())));
        Self {
            kind: datagram[0] >> 4 & 3,
            code: datagram[1],
            id: packet.header.message_id,
            token: packet.get_token().to_vec(),
            options: options.collect(),
            payload: packet.payload.clone(),
        }
    }

    /// The values of an option as text.
    pub fn texts(&self, number: u16) -> Vec<String> {
        let values = self.options.iter().filter(|(found, _)| *found == number);
        values.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// The code as it is written: 2.05.
    pub fn code_text(&self) -> String {
        format!("{}.{:02}", self.code >> 5, self.code & 31)
    }
}
