//! Where encoders write: a window on a body that may be longer than the buffer.

use crate::model::{Bytes, Status, Str};

/// Copies as much as there is of both. `copy_from_slice` would bring a panic along.
pub(crate) fn copy(into: &mut [u8], from: &[u8]) {
    for (slot, byte) in into.iter_mut().zip(from) {
        *slot = *byte;
    }
}

/// A body as it is written, of which only the bytes from `skip` on that fit the room are kept.
///
/// A block of a large answer is made by writing the whole answer and keeping the block: no buffer for the body.
#[derive(Debug)]
pub(crate) struct Output<'b> {
    room: &'b mut [u8],
    skip: usize,
    length: usize,
    failure: Option<Status>,
    hash: Option<u32>,
}

impl<'b> Output<'b> {
    pub(crate) fn new(room: &'b mut [u8], skip: usize) -> Self {
        Self { room, skip, length: 0, failure: None, hash: None }
    }

    /// Keeps nothing: for the length of a body, and its hash.
    pub(crate) const fn measure() -> Output<'static> {
        const FNV_OFFSET: u32 = 0x811c_9dc5;
        Output { room: &mut [], skip: 0, length: 0, failure: None, hash: Some(FNV_OFFSET) }
    }

    /// A hash of the whole body (FNV-1a), for the ETag of a body in blocks: not for security.
    pub(crate) fn hash(&self) -> u32 {
        self.hash.unwrap_or(0)
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let at = self.length.wrapping_sub(self.skip);
        self.length = self.length.saturating_add(bytes.len());
        match self.room.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(room) => copy(room, bytes),
            None => self.push_at_edge(at, bytes),
        }
    }

    /// The part of `bytes` that lies inside the window; `at` is their place relative to it, wrapped when before.
    #[cold]
    fn push_at_edge(&mut self, at: usize, bytes: &[u8]) {
        const FNV_PRIME: u32 = 0x0100_0193;
        if let Some(hash) = &mut self.hash {
            *hash = bytes.iter().fold(*hash, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(FNV_PRIME));
        }
        for (offset, byte) in bytes.iter().enumerate() {
            if let Some(slot) = self.room.get_mut(at.wrapping_add(offset)) {
                *slot = *byte;
            }
        }
    }

    /// Writes text, in however many pieces it comes.
    pub(crate) fn text(&mut self, text: Str<'_>) {
        text.visit(&mut |piece| {
            self.push(piece.as_bytes());
            true
        });
    }

    /// Writes bytes, in however many pieces they come.
    pub(crate) fn bytes(&mut self, bytes: Bytes<'_>) {
        bytes.visit(&mut |piece| {
            self.push(piece);
            true
        });
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        match self.room.get_mut(self.length.wrapping_sub(self.skip)) {
            Some(slot) => {
                *slot = byte;
                self.length += 1;
            }
            None => self.push(&[byte]),
        }
    }

    /// The body so far cannot be what was asked for; the first reason stays.
    pub(crate) fn fail(&mut self, status: Status) {
        self.failure.get_or_insert(status);
    }

    /// The length of the whole body.
    ///
    /// # Errors
    /// The first failure that was noted.
    pub(crate) fn length(&self) -> Result<usize, Status> {
        self.failure.map_or(Ok(self.length), Err)
    }

    /// What is in the window.
    #[cfg(test)]
    pub(crate) fn window(&self) -> &[u8] {
        let end = self.length.saturating_sub(self.skip).min(self.room.len());
        self.room.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_shows_its_part_of_the_body() {
        let body: &[&[u8]] = &[b"ab", b"", b"cdefg", b"h", b"ijk"];
        let whole = body.concat();
        for skip in 0..=whole.len() + 1 {
            for size in 0..=whole.len() {
                let mut room = [0; 16];
                let mut output = Output::new(&mut room[..size], skip);
                body.iter().for_each(|part| output.push(part));
                let expected = whole.get(skip..).unwrap_or_default();
                assert_eq!(output.window(), &expected[..size.min(expected.len())], "{skip} {size}");
                assert_eq!(output.length(), Ok(whole.len()));
            }
        }
    }

    #[test]
    fn the_first_failure_stays() {
        let mut output = Output::new(&mut [], 0);
        output.fail(Status::NotAcceptable);
        output.fail(Status::BadRequest);
        assert_eq!(output.length(), Err(Status::NotAcceptable));
    }
}
