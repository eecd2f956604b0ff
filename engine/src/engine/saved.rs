//! What the parts of a saved registration have in common: bytes taken one after the other.

use crate::output::Output;

/// Saved bytes.
pub(crate) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A value that may be missing, into `value`: a flag and four bytes.
    pub(crate) fn optional(&mut self, value: &mut Option<u32>) -> Option<()> {
        let present = self.byte()? != 0;
        let number = u32::from_be_bytes(self.array()?);
        *value = present.then_some(number);
        Some(())
    }
}

/// As [`Reader::optional`] reads it.
pub(crate) fn save_optional(value: Option<u32>, output: &mut Output<'_>) {
    output.byte(value.is_some().into());
    output.push(&value.unwrap_or(0).to_be_bytes());
}
