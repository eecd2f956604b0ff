//! Which resources of an instance have changed since the engine last looked.

/// One bit for each resource of a [`Definition`](super::Definition), in the order of the definition.
///
/// The setters of a derived object mark it, so that no observer can be forgotten. `WORDS * 32` resources fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changes<const WORDS: usize = 1>([u32; WORDS]);

impl<const WORDS: usize> Changes<WORDS> {
    /// No change.
    pub const NONE: Self = Self([0; WORDS]);
    /// How many resources can be marked.
    pub const CAPACITY: usize = WORDS * 32;

    /// Notes a change of the resource at this place of the definition.
    pub const fn mark(&mut self, index: usize) {
        if index < Self::CAPACITY {
            self.0[index / 32] |= 1 << (index % 32);
        }
    }

    /// The bits, for the engine to read and clear.
    pub const fn words(&mut self) -> &mut [u32] {
        &mut self.0
    }
}

impl<const WORDS: usize> Default for Changes<WORDS> {
    fn default() -> Self {
        Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_kept_until_they_are_cleared() {
        let mut changes = Changes::<2>::NONE;
        changes.mark(0);
        changes.mark(33);
        changes.mark(64); // beyond: ignored, a derived object cannot do it
        assert_eq!(changes.words(), &[1, 2]);
        changes.words().fill(0);
        assert_eq!(changes, Changes::NONE);
    }
}
