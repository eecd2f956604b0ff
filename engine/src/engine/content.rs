//! Writes answers and notifications: what they have in common is a body that may need blocks (RFC 7959 section 2.4).

use crate::coap::{Block, Code, Kind, Token, Writer, number};
use crate::model::{ContentFormat, Status};
use crate::output::Output;

/// What stands before the body.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) message_id: u16,
    pub(super) token: Token,
    pub(super) observe: Option<u32>,
    pub(super) format: ContentFormat,
    /// The block that was asked for.
    pub(super) block: Option<Block>,
}

/// Writes a body; called more than once when it needs blocks, and must write the same each time.
pub(super) type Body<'f> = dyn FnMut(&mut Output<'_>) -> Result<(), Status> + 'f;

/// A message without a body.
pub(super) fn write_code(
    kind: Kind,
    code: Code,
    message_id: u16,
    token: Token,
    out: &mut [u8],
) -> Option<usize> {
    Writer::new(out, kind, code, message_id, token).finish(0)
}

impl Head {
    fn start<'b>(&self, out: &'b mut [u8], blocks: Option<(Block, u32)>) -> Writer<'b> {
        let mut writer = Writer::new(out, self.kind, Code::CONTENT, self.message_id, self.token);
        if let Some((_, hash)) = blocks {
            writer.option(number::ETAG, &hash.to_be_bytes());
        }
        if let Some(sequence) = self.observe {
            writer.option_uint(number::OBSERVE, sequence);
        }
        writer.option_uint(number::CONTENT_FORMAT, u32::from(self.format.number()));
        if let Some((block, _)) = blocks {
            writer.option_uint(number::BLOCK2, block.to_uint());
        }
        writer
    }

    /// Writes a 2.05 with its body, or the block of it that was asked for, or the first one when it is too long.
    ///
    /// # Errors
    /// What the body answers; [`Status::BadRequest`] for a block behind the end; [`Status::InternalServerError`] when the
    /// buffer has not even room for the smallest block.
    pub(super) fn write(&self, largest: u8, out: &mut [u8], body: &mut Body<'_>) -> Result<usize, Status> {
        if self.block.is_none()
            && let Some(length) = self.write_whole(out, body)?
        {
            return Ok(length);
        }
        let mut measured = Output::measure();
        body(&mut measured)?;
        let (total, hash) = (measured.length()?, measured.hash());
        let asked = self.block.unwrap_or(Block { number: 0, more: false, exponent: largest });
        let longest = Block { number: 0x000f_ffff, ..asked };
        let room = self.start(out, Some((longest, hash))).payload_room().len();
        let exponent = asked.exponent.min(largest).min(Block::exponent_for(room));
        let (offset, size) = (asked.offset(), 16usize << exponent);
        if offset > 0 && offset >= total {
            return Err(Status::BadRequest);
        }
        let block =
            Block { number: (offset >> (exponent + 4)) as u32, more: total > offset + size, exponent };
        let mut writer = self.start(out, Some((block, hash)));
        let room = writer.payload_room().get_mut(..size).ok_or(Status::InternalServerError)?;
        body(&mut Output::new(room, offset))?;
        writer.finish(size.min(total.saturating_sub(offset))).ok_or(Status::InternalServerError)
    }

    /// The whole body in one message; `None` when it does not fit.
    fn write_whole(&self, out: &mut [u8], body: &mut Body<'_>) -> Result<Option<usize>, Status> {
        let mut writer = self.start(out, None);
        let room = writer.payload_room();
        let available = room.len();
        let mut output = Output::new(room, 0);
        body(&mut output)?;
        let length = output.length()?;
        Ok(if length > available { None } else { writer.finish(length) })
    }
}
