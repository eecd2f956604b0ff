//! The requests of a server, as bytes: one Confirmable message after the other.

/// What a server asks for.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    method: u8,
    path: &'static [&'static str],
    observe: bool,
    content_format: Option<u16>,
    accept: Option<u16>,
    payload: &'static [u8],
}

const GET: u8 = 1;
const POST: u8 = 2;
const PUT: u8 = 3;

const fn read(name: &'static str, path: &'static [&'static str], accept: u16) -> Operation {
    Operation {
        name,
        method: GET,
        path,
        observe: false,
        content_format: None,
        accept: Some(accept),
        payload: b"",
    }
}

const fn write(name: &'static str, format: u16, payload: &'static [u8]) -> Operation {
    let path = &["3303", "0", "5750"];
    Operation { name, method: PUT, path, observe: false, content_format: Some(format), accept: None, payload }
}

pub(crate) const OBSERVE: Operation =
    Operation { observe: true, ..read("observe", &["3303", "0", "5700"], 0) };

pub(crate) const OPERATIONS: &[Operation] = &[
    read("read-device-tlv", &["3", "0"], 11542),
    read("read-device-senml-cbor", &["3", "0"], 112),
    read("read-string-text", &["3", "0", "0"], 0),
    read("read-string-senml-cbor", &["3", "0", "0"], 112),
    read("read-float-text", &["3303", "0", "5700"], 0),
    read("read-sensor-senml-cbor", &["3303", "0"], 112),
    write("write-string-text", 0, b"living room"),
    write("write-string-tlv", 11542, b"\xe8\x16\x76\x0bliving room"),
    Operation {
        name: "execute",
        method: POST,
        path: &["3303", "0", "5605"],
        observe: false,
        content_format: None,
        accept: None,
        payload: b"",
    },
    read("discover-device", &["3"], 40),
];

impl Operation {
    /// Writes the request under this message id, with a token of eight bytes; its length.
    pub(crate) fn write(&self, message_id: u16, out: &mut [u8]) -> usize {
        let mut request = Bytes { out, length: 0, option: 0 };
        request.put(&[0x48, self.method]);
        request.put(&message_id.to_be_bytes());
        request.put(&u64::from(message_id).to_be_bytes());
        if self.observe {
            request.option(6, b"");
        }
        self.path.iter().for_each(|segment| request.option(11, segment.as_bytes()));
        for (number, value) in [(12, self.content_format), (17, self.accept)] {
            if let Some(value) = value {
                let bytes = value.to_be_bytes();
                request.option(number, &bytes[value.leading_zeros() as usize / 8..]);
            }
        }
        if !self.payload.is_empty() {
            request.put(&[0xff]);
            request.put(self.payload);
        }
        request.length
    }
}

/// The answer to a Register: 2.01 with a location.
pub(crate) fn created(register: &[u8], out: &mut [u8]) -> usize {
    let token = 4 + usize::from(register[0] & 15);
    let mut answer = Bytes { out, length: 0, option: 0 };
    answer.put(&[0x60 | register[0] & 15, 0x41]);
    answer.put(&register[2..token]);
    answer.option(8, b"rd");
    answer.option(8, b"5a3f");
    answer.length
}

struct Bytes<'o> {
    out: &'o mut [u8],
    length: usize,
    option: u8,
}

impl Bytes<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.out[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Neither the distance to the option before nor a value here needs more than four bits.
    fn option(&mut self, number: u8, value: &[u8]) {
        self.put(&[(number - self.option) << 4 | value.len() as u8]);
        self.put(value);
        self.option = number;
    }
}
