//! The value of a Block1 or Block2 option (RFC 7959 section 2.2).

/// Which block of a body, how large its blocks are, and whether more follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The number of the block, from 0; below 2^20.
    pub number: u32,
    /// True when more blocks follow.
    pub more: bool,
    /// The size as an exponent: a block has `2^(exponent + 4)` bytes; 0 to 6.
    pub exponent: u8,
}

impl Block {
    /// The option's value; `None` for the reserved exponent 7 and for numbers above 20 bits.
    pub const fn from_uint(value: u32) -> Option<Self> {
        let exponent = (value & 7) as u8;
        if exponent == 7 || value >> 24 != 0 {
            return None;
        }
        Some(Self { number: value >> 4, more: value & 8 != 0, exponent })
    }

    /// The option's value.
    pub const fn to_uint(self) -> u32 {
        (self.number << 4) | ((self.more as u32) << 3) | (self.exponent as u32)
    }

    /// Bytes of a block: 16 to 1024.
    pub const fn size(self) -> usize {
        16 << self.exponent
    }

    /// Where the block starts in the body.
    pub const fn offset(self) -> usize {
        (self.number as usize) << (self.exponent + 4)
    }

    /// The largest exponent whose block has at most `bytes` bytes; 0 (16 bytes) for anything smaller.
    pub const fn exponent_for(bytes: usize) -> u8 {
        let mut exponent = 0;
        while exponent < 6 && 32 << exponent <= bytes {
            exponent += 1;
        }
        exponent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_round_trips() {
        let block = Block { number: 1_048_575, more: true, exponent: 6 };
        assert_eq!(Block::from_uint(block.to_uint()), Some(block));
        assert_eq!(Block::from_uint(0x16), Some(Block { number: 1, more: false, exponent: 6 }));
    }

    #[test]
    fn reserved_values_are_refused() {
        assert_eq!(Block::from_uint(7), None);
        assert_eq!(Block::from_uint(1 << 24), None);
    }

    #[test]
    fn sizes_and_offsets() {
        let block = Block { number: 3, more: false, exponent: 2 };
        assert_eq!((block.size(), block.offset()), (64, 192));
        for (bytes, size) in [(0, 16), (16, 16), (31, 16), (32, 32), (1023, 512), (1024, 1024), (4000, 1024)]
        {
            let exponent = Block::exponent_for(bytes);
            assert_eq!(Block { number: 0, more: false, exponent }.size(), size, "{bytes}");
        }
    }
}
