//! What inputs say in several targets.

use crate::input::Input;
use crate::message::{Message, option};

/// A queue of datagrams on their way, which the input plays with.
#[derive(Debug, Default)]
pub struct Pipe(pub Vec<Vec<u8>>);

impl Pipe {
    /// Takes the one that the input chooses off.
    pub fn take(&mut self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let at = usize::from(input.byte());
        (!self.0.is_empty()).then(|| self.0.remove(at % self.0.len()))
    }

    /// A copy of the one that the input chooses.
    pub fn copy(&self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let at = usize::from(input.byte());
        (!self.0.is_empty()).then(|| self.0[at % self.0.len()].clone())
    }
}

/// A datagram with a byte changed, cut, or with something behind it.
pub fn changed(mut datagram: Vec<u8>, input: &mut Input<'_>) -> Vec<u8> {
    let (how, at) = (input.byte(), usize::from(input.word()));
    match how % 4 {
        0 => datagram.truncate(at % (datagram.len() + 1)),
        1 => datagram.extend(input.short()),
        _ => {
            let length = datagram.len().max(1);
            if let Some(byte) = datagram.get_mut(at % length) {
                *byte ^= how;
            }
        }
    }
    datagram
}

/// A request that is well-formed, to a path that exists, or nearly does.
pub fn request(input: &mut Input<'_>) -> Vec<u8> {
    const PATHS: [&str; 16] = [
        "33000",
        "33000/0",
        "33000/0/0",
        "33000/0/1",
        "33000/0/3",
        "33000/0/8",
        "33000/0/20",
        "33001",
        "33001/0",
        "33001/5/1",
        "1/0",
        "1/0/1",
        "1/1/4",
        "1/1/8",
        "1/0/5",
        "0/0",
    ];
    let (head, path) = (input.byte(), input.byte());
    let id = u16::from(input.byte() & 15);
    let mut message = Message::new(head & 1, (head >> 1) % 6 + 1, id, &[head, path]);
    let flags = input.byte();
    if flags & 1 != 0 {
        message = message.option_uint(option::OBSERVE, u32::from(flags >> 7));
    }
    message = message.path(PATHS[usize::from(path & 15)]);
    if flags & 2 != 0 {
        message = message.option_uint(option::CONTENT_FORMAT, content_format(input.byte()));
    }
    if flags & 4 != 0 {
        message = message.option(option::URI_QUERY, input.short());
    }
    if flags & 8 != 0 {
        message = message.option_uint(option::ACCEPT, content_format(input.byte()));
    }
    if flags & 16 != 0 {
        message = message.option_uint(option::BLOCK2, u32::from(input.word()));
    }
    if flags & 32 != 0 {
        message = message.option_uint(option::BLOCK1, u32::from(input.word()));
    }
    message.payload(input.short())
}

const fn content_format(choice: u8) -> u32 {
    match choice % 8 {
        0 => 0,
        1 => 40,
        2 => 42,
        3 => 60,
        4 => 110,
        5 => 112,
        6 => 11542,
        _ => choice as u32,
    }
}
