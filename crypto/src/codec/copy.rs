//! Copying bytes without a way to panic.

/// Copies as many bytes as both have.
// One copy of the loop, called from everywhere.
#[inline(never)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// A buffer that is filled from the start. What does not fit is left out: the callers' sizes leave room for all.
#[derive(Clone, Copy)]
pub(crate) struct Filled<const N: usize> {
    pub(crate) buffer: [u8; N],
    pub(crate) len: usize,
}

impl<const N: usize> Filled<N> {
    pub(crate) const EMPTY: Self = Self { buffer: [0; N], len: 0 };

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Some(free) = self.buffer.get_mut(self.len..) {
            copy(free, bytes);
            self.len += bytes.len();
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or(&self.buffer)
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.len).unwrap_or_default()
    }
}
