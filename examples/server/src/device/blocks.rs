//! Block-wise answers (RFC 7959 section 2.4): the first block came with the answer, the others are fetched one by one.

use super::Request;
use crate::answer::{Answer, RequestError};
use crate::message::{option, uint_bytes};

/// An answer that grows beyond this is a fault of the device.
const MAX_PAYLOAD: usize = 1 << 20;

const ETAG: u16 = 4;

/// A Block1 or Block2 option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    number: u32,
    more: bool,
    /// log2 of the size, less 4.
    exponent: u32,
}

impl Block {
    fn read(value: &[u8]) -> Option<Self> {
        let raw = value.iter().fold(0, |sum: u32, byte| sum << 8 | u32::from(*byte));
        (value.len() <= 3 && raw & 7 < 7).then_some(Block {
            number: raw >> 4,
            more: raw & 8 != 0,
            exponent: raw & 7,
        })
    }

    fn size(self) -> usize {
        16 << self.exponent
    }

    /// Bytes before this block.
    fn offset(self) -> usize {
        self.number as usize * self.size()
    }

    fn value(self) -> Vec<u8> {
        uint_bytes(self.number << 4 | u32::from(self.more) << 3 | self.exponent)
    }
}

/// Fetches the blocks behind `first`. A request with a Block2 option of its own gets the block it asked for.
pub(super) fn complete(request: &Request, first: Answer) -> Result<Answer, RequestError> {
    let fault = |reason: String| RequestError::Blocks(reason);
    let own = request.options.iter().any(|(number, _)| *number == option::BLOCK2);
    let (Some(value), false) = (first.option(option::BLOCK2), own) else { return Ok(first) };
    let mut last = Block::read(value).ok_or_else(|| fault("a Block2 option of no meaning".into()))?;
    if last.number != 0 {
        return Err(fault(format!("it begins with block {}", last.number)));
    }
    let mut whole = first;
    while last.more {
        if !whole.payload.len().is_multiple_of(last.size()) || whole.payload.len() > MAX_PAYLOAD {
            return Err(fault(format!("{} B before block {}", whole.payload.len(), last.number + 1)));
        }
        // The size may have been made smaller, so the number follows from the bytes that are there.
        let next = Block { number: (whole.payload.len() / last.size()) as u32, more: false, ..last };
        let mut again = request.clone().option(option::BLOCK2, &next.value());
        again.token = None;
        again.options.retain(|(number, _)| *number != option::OBSERVE);
        let answer = again.start().wait()?;
        let block = answer.option(option::BLOCK2).and_then(Block::read);
        match block {
            Some(block) if answer.code == whole.code && block.offset() == next.offset() => last = block,
            _ => return Err(fault(format!("block {} is answered with {answer}", next.number))),
        }
        if answer.option(ETAG) != whole.option(ETAG) {
            return Err(fault(format!("the representation changed before block {}", next.number)));
        }
        whole.payload.extend(&answer.payload);
        whole.round_trip += answer.round_trip;
        whole.transmissions += answer.transmissions;
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_options() {
        let block = Block { number: 3, more: true, exponent: 2 };
        assert_eq!(block.value(), [0x3A]);
        assert_eq!(Block::read(&[0x3A]), Some(block));
        assert_eq!(block.size(), 64);
        assert_eq!(Block::read(&[]), Some(Block { number: 0, more: false, exponent: 0 }));
        assert_eq!(Block::read(&[0x07]), None, "BERT is for TCP");
        assert_eq!(Block::read(&[0; 4]), None);
    }
}
