//! The header of handshake messages and their fragments (RFC 6347 section 4.2.2).

use crate::codec::{Reader, Sink};
use crate::provider::sha256::Sha256;

/// Bytes of the header.
pub(crate) const HEADER: usize = 12;

/// A fragment of a message, or a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) kind: u8,
    /// Bytes of the whole message.
    pub(crate) total: usize,
    pub(crate) message_seq: u16,
    /// Where the fragment starts in the message.
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// The next fragment of a record. `None` when the record ends too early, or the fragment does not lie within
    /// its message.
    pub(crate) fn read(record: &mut Reader<'a>) -> Option<Self> {
        let kind = record.u8().ok()?;
        let total = record.u24().ok()? as usize;
        let message_seq = record.u16().ok()?;
        let offset = record.u24().ok()? as usize;
        let bytes = record.vec24().ok()?;
        (offset + bytes.len() <= total).then_some(Self { kind, total, message_seq, offset, bytes })
    }

    /// The message, when this is all of it.
    pub(crate) const fn whole(&self) -> Option<&'a [u8]> {
        if self.bytes.len() == self.total { Some(self.bytes) } else { None }
    }
}

/// Writes the header of a fragment.
pub(crate) fn put_header(
    sink: &mut Sink<'_>,
    kind: u8,
    total: usize,
    message_seq: u16,
    offset: usize,
    length: usize,
) {
    sink.u8(kind);
    sink.u24(total as u32);
    sink.u16(message_seq);
    sink.u24(offset as u32);
    sink.u24(length as u32);
}

/// Feeds a message to the transcript: with the header of an unfragmented message (RFC 6347 section 4.2.6).
pub(crate) fn hash_message(transcript: &mut Sha256, kind: u8, message_seq: u16, body: &[u8]) {
    let mut sink = Sink::hash(transcript);
    put_header(&mut sink, kind, body.len(), message_seq, 0, body.len());
    sink.put(body);
}

/// The same for a message that is written and not at hand.
pub(crate) fn hash_written(
    transcript: &mut Sha256,
    kind: u8,
    message_seq: u16,
    write: &dyn Fn(u8, &mut Sink<'_>),
) {
    let mut count = Sink::count();
    write(kind, &mut count);
    let mut sink = Sink::hash(transcript);
    put_header(&mut sink, kind, count.len(), message_seq, 0, count.len());
    write(kind, &mut sink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_every_cut() {
        let mut bytes = [0; HEADER + 3];
        let mut sink = Sink::window(0, &mut bytes);
        put_header(&mut sink, 11, 300, 7, 100, 3);
        sink.put(&[1, 2, 3]);
        let expected = Fragment { kind: 11, total: 300, message_seq: 7, offset: 100, bytes: &[1, 2, 3] };
        let mut reader = Reader(&bytes);
        assert_eq!(Fragment::read(&mut reader), Some(expected));
        assert!(reader.is_empty());
        for cut in 0..bytes.len() {
            assert_eq!(Fragment::read(&mut Reader(&bytes[..cut])), None);
        }
    }

    #[test]
    fn a_fragment_lies_within_its_message() {
        let mut bytes = [0; HEADER + 3];
        put_header(&mut Sink::window(0, &mut bytes), 11, 10, 7, 8, 3);
        assert_eq!(Fragment::read(&mut Reader(&bytes)), None);
        put_header(&mut Sink::window(0, &mut bytes), 11, 10, 7, 0xFF_FFFF, 3);
        assert_eq!(Fragment::read(&mut Reader(&bytes)), None);
    }
}
