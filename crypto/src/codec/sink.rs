//! Where the bytes of a handshake message go. A message is never stored: its writer runs once to count it, once into
//! the transcript, and once for each fragment that is sent or sent again.

use super::copy;
use crate::provider::sha256::Sha256;

enum Mode<'a> {
    Count,
    Hash(&'a mut Sha256),
    Window { skip: usize, out: &'a mut [u8], filled: usize },
}

/// Takes the bytes of a message from its writer.
pub(crate) struct Sink<'a> {
    mode: Mode<'a>,
    count: usize,
}

impl<'a> Sink<'a> {
    /// Only counts.
    pub(crate) const fn count() -> Self {
        Self { mode: Mode::Count, count: 0 }
    }

    /// Feeds a hash.
    pub(crate) const fn hash(hash: &'a mut Sha256) -> Self {
        Self { mode: Mode::Hash(hash), count: 0 }
    }

    /// Keeps those bytes that fall into the window of `out.len()` bytes from position `skip` on.
    pub(crate) const fn window(skip: usize, out: &'a mut [u8]) -> Self {
        Self { mode: Mode::Window { skip, out, filled: 0 }, count: 0 }
    }

    /// Bytes put so far.
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    // Called from every writer: one copy.
    #[inline(never)]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.count += bytes.len();
        match &mut self.mode {
            Mode::Count => {}
            Mode::Hash(hash) => hash.update(bytes),
            Mode::Window { skip, out, filled } => {
                let skipped = bytes.len().min(*skip);
                *skip -= skipped;
                let (Some(bytes), Some(free)) = (bytes.get(skipped..), out.get_mut(*filled..)) else {
                    return;
                };
                *filled += bytes.len().min(free.len());
                copy(free, bytes);
            }
        }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn u24(&mut self, value: u32) {
        let [_, high, middle, low] = value.to_be_bytes();
        self.put(&[high, middle, low]);
    }

    /// A vector with a 1-byte length. At most 255 bytes: the callers' types or checks say so.
    pub(crate) fn vec8(&mut self, bytes: &[u8]) {
        self.u8(bytes.len() as u8);
        self.put(bytes);
    }

    /// A vector with a 2-byte length.
    pub(crate) fn vec16(&mut self, bytes: &[u8]) {
        self.u16(bytes.len() as u16);
        self.put(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(sink: &mut Sink<'_>) {
        sink.u8(1);
        sink.u16(0x0203);
        sink.u24(0x040506);
        sink.vec8(&[7, 8]);
        sink.vec16(&[9]);
    }

    #[test]
    fn all_windows_show_the_same_message() {
        let whole = [1, 2, 3, 4, 5, 6, 2, 7, 8, 0, 1, 9];
        let mut sink = Sink::count();
        write(&mut sink);
        assert_eq!(sink.len(), whole.len());
        for from in 0..=whole.len() {
            for to in from..=whole.len() {
                let mut out = [0; 12];
                write(&mut Sink::window(from, &mut out[..to - from]));
                assert_eq!(out[..to - from], whole[from..to]);
            }
        }
        let mut hash = Sha256::new();
        write(&mut Sink::hash(&mut hash));
        assert_eq!(hash.digest(), crate::provider::sha256::digest(&[&whole]));
    }
}
