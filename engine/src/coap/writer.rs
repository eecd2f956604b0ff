//! Writes a message into the caller's buffer.

use super::{Code, Kind, PAYLOAD_MARKER, Token, VERSION};
use crate::output::copy;

/// Builds one message front to back: header, options in ascending order, payload.
///
/// What does not fit is remembered, not written: [`Writer::finish`] then answers `None`.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
    last_option: u16,
    overflow: bool,
}

impl<'b> Writer<'b> {
    /// Starts a message in `buffer`.
    pub fn new(buffer: &'b mut [u8], kind: Kind, code: Code, message_id: u16, token: Token) -> Self {
        let mut writer = Self { buffer, length: 0, last_option: 0, overflow: false };
        let kind = match kind {
            Kind::Confirmable => 0,
            Kind::NonConfirmable => 1,
            Kind::Acknowledgement => 2,
            Kind::Reset => 3,
        };
        let token = token.as_slice();
        let [high, low] = message_id.to_be_bytes();
        writer.push(&[(VERSION << 6) | (kind << 4) | token.len() as u8, code.as_byte(), high, low]);
        writer.push(token);
        writer
    }

    /// Appends an option. Numbers must not fall.
    pub fn option(&mut self, number: u16, value: &[u8]) {
        self.option_parts(number, &[value]);
    }

    /// Appends an option whose value comes in parts. Numbers must not fall.
    pub fn option_parts(&mut self, number: u16, parts: &[&[u8]]) {
        debug_assert!(number >= self.last_option, "options in ascending order");
        let delta = number.saturating_sub(self.last_option);
        self.last_option = number;
        let length = parts.iter().map(|part| part.len()).sum::<usize>().min(usize::from(u16::MAX)) as u16;
        let (delta_nibble, delta_bytes, delta_more) = extend(delta);
        let (length_nibble, length_bytes, length_more) = extend(length);
        self.push(&[(delta_nibble << 4) | length_nibble]);
        self.push(delta_bytes.get(2 - delta_more..).unwrap_or(&[]));
        self.push(length_bytes.get(2 - length_more..).unwrap_or(&[]));
        parts.iter().for_each(|part| self.push(part));
    }

    /// Appends an option whose value is an unsigned integer, in the fewest bytes (RFC 7252 section 3.2).
    pub fn option_uint(&mut self, number: u16, value: u32) {
        let bytes = value.to_be_bytes();
        let skip = (value.leading_zeros() / 8) as usize;
        self.option(number, bytes.get(skip..).unwrap_or(&[]));
    }

    /// The room for a payload: what is left behind the options and the marker.
    pub fn payload_room(&mut self) -> &mut [u8] {
        self.buffer.get_mut(self.length.saturating_add(1)..).unwrap_or_default()
    }

    /// Ends the message with the first `length` bytes of [`Writer::payload_room`] as its payload.
    ///
    /// The number of bytes of the whole message, or `None` when something did not fit.
    pub fn finish(mut self, length: usize) -> Option<usize> {
        if length > 0 {
            self.push(&[PAYLOAD_MARKER]);
            self.length = self.length.checked_add(length)?;
        }
        (!self.overflow && self.length <= self.buffer.len()).then_some(self.length)
    }

    fn push(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.length..).and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(room) => {
                copy(room, bytes);
                self.length += bytes.len();
            }
            None => self.overflow = true,
        }
    }
}

/// A delta or length as nibble, and up to two extension bytes at the end of the array.
const fn extend(value: u16) -> (u8, [u8; 2], usize) {
    match value {
        0..=12 => (value as u8, [0; 2], 0),
        13..=268 => (13, [0, (value - 13) as u8], 1),
        _ => (14, (value - 269).to_be_bytes(), 2),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Message, number};
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let mut buffer = [0; 400];
        let token = Token::new(&[1, 2, 3]).unwrap();
        let mut writer = Writer::new(&mut buffer, Kind::NonConfirmable, Code::CONTENT, 0xbeef, token);
        writer.option_uint(number::OBSERVE, 0);
        writer.option(number::URI_PATH, &[b'a'; 300]);
        writer.option_uint(number::CONTENT_FORMAT, 11542);
        writer.option(number::SIZE1, &[1; 13]);
        writer.payload_room()[..5].copy_from_slice(b"hello");
        let length = writer.finish(5).unwrap();
        let message = Message::parse(&buffer[..length]).unwrap();
        assert_eq!(message.kind(), Kind::NonConfirmable);
        assert_eq!(message.code(), Code::CONTENT);
        assert_eq!(message.message_id(), 0xbeef);
        assert_eq!(message.token(), token);
        let sizes: heapless::Vec<_, 4> = message.options().map(|o| (o.number, o.value.len())).collect();
        assert_eq!(&sizes[..], &[(6, 0), (11, 300), (12, 2), (60, 13)]);
        assert_eq!(message.payload(), b"hello");
    }

    #[test]
    fn uint_options_are_as_short_as_can_be() {
        for (value, length) in [(0u32, 0), (1, 1), (255, 1), (256, 2), (65536, 3), (u32::MAX, 4)] {
            let mut buffer = [0; 16];
            let mut writer = Writer::new(&mut buffer, Kind::Confirmable, Code::GET, 0, Token::EMPTY);
            writer.option_uint(number::MAX_AGE, value);
            let end = writer.finish(0).unwrap();
            let option = Message::parse(&buffer[..end]).unwrap().options().next().unwrap();
            assert_eq!((option.value.len(), option.uint(4)), (length, Some(value)));
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_at_every_size() {
        let mut whole = [0; 32];
        let write = |buffer: &mut [u8]| {
            let token = Token::new(b"tok").unwrap();
            let mut writer = Writer::new(buffer, Kind::Confirmable, Code::PUT, 1, token);
            writer.option(number::URI_PATH, b"3303");
            writer.finish(4)
        };
        let needed = write(&mut whole).unwrap();
        for size in 0..needed {
            assert_eq!(write(&mut whole[..size]), None, "{size}");
        }
    }
}
