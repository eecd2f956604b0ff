//! Writing a flight (RFC 6347 section 4.2.4) into datagrams. A flight is not stored: its messages are written anew for
//! each datagram, first time and every time it is sent again.

use super::fragment::{self, put_header};
use super::kind;
use crate::codec::Sink;
use crate::link::Link;
use crate::profile::Profile;
use crate::record::{Layer, PLAIN_HEADER, SealFault, Side, content};

/// Where the next datagram of a flight starts.
#[derive(Clone, Copy)]
pub(crate) struct Cursor {
    item: u8,
    offset: u16,
}

impl Cursor {
    pub(crate) const START: Self = Self { item: 0, offset: 0 };
}

/// Where the bytes of a flight come from.
pub(crate) trait Source {
    /// The profile of the record layer.
    type Profile: Profile;

    /// What the flight goes through.
    fn link(&mut self) -> &mut Link<Self::Profile>;

    /// Writes the body of a message.
    fn write(&self, kind: u8, sink: &mut Sink<'_>);
}

/// A flight, and the limits that hold for it.
pub(crate) struct Flight<'a> {
    pub(crate) side: Side,
    /// Message types, and [`kind::CHANGE_CIPHER_SPEC`]. `Finished` goes out protected.
    pub(crate) items: &'a [u8],
    /// The `message_seq` of the first message.
    pub(crate) first_seq: u16,
    /// The most plaintext in one record.
    pub(crate) record_limit: usize,
}

/// The datagram buffer is too small for any progress: so many bytes are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooSmall(pub(crate) usize);

/// Fragments shorter than this are not worth the 12 bytes of their header, unless nothing else fits.
const SHORT: usize = 16;

/// A datagram in the making.
struct Datagram<'a> {
    out: &'a mut [u8],
    used: usize,
    /// Where the open record of epoch 0 started, if one is open. Messages that follow each other share it.
    open: Option<usize>,
}

impl Datagram<'_> {
    fn free(&self) -> usize {
        self.out.len() - self.used
    }

    fn close_record<P: Profile>(&mut self, layer: &mut Layer<P>) {
        if let Some(start) = self.open.take() {
            let length = self.used - start - PLAIN_HEADER;
            if let Some(record) = self.out.get_mut(start..) {
                layer.plain_header(content::HANDSHAKE, record, length);
            }
        }
    }

    fn change_cipher_spec<P: Profile>(&mut self, layer: &mut Layer<P>) -> Result<(), TooSmall> {
        const LENGTH: usize = PLAIN_HEADER + 1;
        let record = self.out.get_mut(self.used..).and_then(<[u8]>::first_chunk_mut::<LENGTH>);
        let record = record.ok_or(TooSmall(LENGTH))?;
        layer.plain_header(content::CHANGE_CIPHER_SPEC, record, 1);
        record[PLAIN_HEADER] = 1;
        self.used += LENGTH;
        Ok(())
    }

    fn finished(&mut self, source: &mut impl Source, side: Side, message_seq: u16) -> Result<(), TooSmall> {
        let length = fragment::HEADER + super::VERIFY_DATA;
        let layer = &mut source.link().layer;
        let needed = layer.sealed_len(length);
        let record = self.out.get_mut(self.used..).filter(|free| free.len() >= needed);
        let record = record.ok_or(TooSmall(needed))?;
        let prefix_len = layer.prefix_len();
        let mut sink = Sink::window(0, record.get_mut(prefix_len..).unwrap_or_default());
        put_header(&mut sink, kind::FINISHED, super::VERIFY_DATA, message_seq, 0, super::VERIFY_DATA);
        source.write(kind::FINISHED, &mut sink);
        let sealed = source.link().layer.seal(side, content::HANDSHAKE, record, length);
        self.used += sealed.map_err(|_| TooSmall(needed))?;
        Ok(())
    }

    /// Writes as much of a message as fits. `Ok(true)` when its end was written.
    fn message(
        &mut self,
        source: &impl Source,
        record_limit: usize,
        kind: u8,
        message_seq: u16,
        offset: &mut u16,
    ) -> Result<bool, TooSmall> {
        let mut count = Sink::count();
        source.write(kind, &mut count);
        let total = count.len();
        let start = usize::from(*offset);
        let left = total.saturating_sub(start);
        let in_record = self.open.map_or(0, |start| self.used - start - PLAIN_HEADER);
        let record_header = if self.open.is_some() { 0 } else { PLAIN_HEADER };
        let headers = record_header + fragment::HEADER;
        let room = self
            .free()
            .saturating_sub(headers)
            .min(record_limit.saturating_sub(in_record + fragment::HEADER));
        let take = left.min(room);
        let useless = take < left && take < if self.used == 0 { 1 } else { SHORT };
        if self.free() < headers || useless {
            return Err(TooSmall(headers + left.min(SHORT)));
        }
        if self.open.is_none() {
            self.open = Some(self.used);
            self.used += PLAIN_HEADER;
        }
        let (head, body) = self
            .out
            .get_mut(self.used..)
            .and_then(|free| free.split_first_chunk_mut::<{ fragment::HEADER }>())
            .ok_or(TooSmall(headers))?;
        put_header(&mut Sink::window(0, head), kind, total, message_seq, start, take);
        source.write(kind, &mut Sink::window(start, body.get_mut(..take).unwrap_or_default()));
        self.used += fragment::HEADER + take;
        *offset += take as u16;
        Ok(take == left)
    }
}

impl Flight<'_> {
    /// Writes the next datagram of the flight. Nothing changes when it fails.
    ///
    /// Answers its length and where the one after it starts; `None` for the latter when the flight is complete.
    pub(crate) fn write_datagram(
        &self,
        source: &mut impl Source,
        cursor: Cursor,
        out: &mut [u8],
    ) -> Result<(usize, Option<Cursor>), TooSmall> {
        let before = source.link().layer.sequences();
        let mut datagram = Datagram { out, used: 0, open: None };
        match self.fill(source, cursor, &mut datagram) {
            Ok(next) => Ok((datagram.used, next)),
            Err(too_small) => {
                source.link().layer.restore_sequences(before);
                Err(too_small)
            }
        }
    }

    fn fill(
        &self,
        source: &mut impl Source,
        mut cursor: Cursor,
        datagram: &mut Datagram<'_>,
    ) -> Result<Option<Cursor>, TooSmall> {
        while let Some(item) = self.items.get(usize::from(cursor.item)) {
            let earlier = self.items.iter().take(cursor.item.into());
            let messages = earlier.filter(|item| **item != kind::CHANGE_CIPHER_SPEC).count();
            let message_seq = self.first_seq.wrapping_add(messages as u16);
            let written = match *item {
                kind::CHANGE_CIPHER_SPEC => {
                    datagram.close_record(&mut source.link().layer);
                    datagram.change_cipher_spec(&mut source.link().layer).map(|()| true)
                }
                kind::FINISHED => {
                    datagram.close_record(&mut source.link().layer);
                    datagram.finished(source, self.side, message_seq).map(|()| true)
                }
                message => {
                    let offset = &mut cursor.offset;
                    datagram.message(source, self.record_limit, message, message_seq, offset)
                }
            };
            match written {
                Ok(true) => cursor = Cursor { item: cursor.item + 1, offset: 0 },
                // The record or the datagram is full: a new record starts the next fragment.
                Ok(false) => datagram.close_record(&mut source.link().layer),
                // Also a full record ends in this: try once more with a new one.
                Err(_) if datagram.open.is_some() => datagram.close_record(&mut source.link().layer),
                Err(_) if datagram.used > 0 => return Ok(Some(cursor)),
                Err(too_small) => return Err(too_small),
            }
        }
        datagram.close_record(&mut source.link().layer);
        Ok(None)
    }
}

/// Writes an alert: protected when `protected`, else in the clear. Answers the record's length; `None` when
/// no sequence number is left for it.
pub(crate) fn write_alert<P: Profile>(
    layer: &mut Layer<P>,
    side: Side,
    protected: bool,
    alert: [u8; 2],
    out: &mut [u8],
) -> Result<Option<usize>, TooSmall> {
    if !protected {
        const LENGTH: usize = PLAIN_HEADER + 2;
        let record = out.first_chunk_mut::<LENGTH>().ok_or(TooSmall(LENGTH))?;
        [record[PLAIN_HEADER], record[PLAIN_HEADER + 1]] = alert;
        layer.plain_header(content::ALERT, record, 2);
        return Ok(Some(LENGTH));
    }
    let needed = layer.sealed_len(2);
    let place = out.get_mut(layer.prefix_len()..).and_then(<[u8]>::first_chunk_mut);
    *place.ok_or(TooSmall(needed))? = alert;
    match layer.seal(side, content::ALERT, out, 2) {
        Ok(length) => Ok(Some(length)),
        Err(SealFault::TooSmall) => Err(TooSmall(needed)),
        Err(SealFault::Exhausted) => Ok(None),
    }
}

#[cfg(test)]
#[path = "flight_tests.rs"]
mod tests;
