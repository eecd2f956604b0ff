//! SHA-256 (FIPS 180-4) over the compression function of `sha2`.
//!
//! The streaming part is written here for two reasons: a hash that was not started is all zero bytes, so a table
//! of connections lies in `.bss`; and the constant-time check of CBC records has to reach the compression function.

use crate::codec::copy;
use sha2::digest::generic_array::GenericArray;
use zeroize::Zeroize;

/// Bytes of a digest.
pub(crate) const LEN: usize = 32;
/// Bytes that one call of the compression function takes.
pub(crate) const BLOCK: usize = 64;

const INITIAL: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/// The chaining value of the hash.
pub(crate) type State = [u32; 8];

/// One call of the compression function.
// One copy of the rounds: they are 1 to 7 KB wherever they are expanded.
#[inline(never)]
pub(crate) fn compress(state: &mut State, block: &[u8; BLOCK]) {
    sha2::compress256(state, core::slice::from_ref(GenericArray::from_slice(block)));
}

/// The chaining value as the bytes of a digest.
pub(crate) fn to_bytes(state: &State) -> [u8; LEN] {
    let mut digest = [0; LEN];
    let mut rest = digest.as_mut_slice();
    for word in state {
        let Some((bytes, tail)) = rest.split_first_chunk_mut() else { break };
        *bytes = word.to_be_bytes();
        rest = tail;
    }
    digest
}

/// A running SHA-256.
#[derive(Clone)]
pub(crate) struct Sha256 {
    state: State,
    /// Bytes hashed so far; the last `length % 64` of them wait in `buffer`.
    length: u64,
    buffer: [u8; BLOCK],
}

impl Sha256 {
    /// A hash that was not started: all zero bytes. Nothing may be read from it before [`restart`](Self::restart).
    pub(crate) const IDLE: Self = Self { state: [0; 8], length: 0, buffer: [0; BLOCK] };

    pub(crate) const fn new() -> Self {
        Self::resume(INITIAL, 0)
    }

    /// A hash that goes on from `state`, after `length` bytes (a multiple of 64).
    pub(crate) const fn resume(state: State, length: u64) -> Self {
        Self { state, length, buffer: [0; BLOCK] }
    }

    pub(crate) fn restart(&mut self) {
        self.state = INITIAL;
        self.length = 0;
    }

    pub(crate) fn update(&mut self, mut data: &[u8]) {
        let waiting = (self.length % BLOCK as u64) as usize;
        self.length = self.length.wrapping_add(data.len() as u64);
        if let Some(free) = self.buffer.get_mut(waiting..) {
            let take = free.len().min(data.len());
            copy(free, data);
            data = data.get(take..).unwrap_or_default();
            if waiting + take < BLOCK {
                return;
            }
            compress(&mut self.state, &self.buffer);
        }
        while let Some((block, rest)) = data.split_first_chunk() {
            compress(&mut self.state, block);
            data = rest;
        }
        copy(&mut self.buffer, data);
    }

    /// The digest of everything so far. The hash itself can go on.
    pub(crate) fn digest(&self) -> [u8; LEN] {
        let mut state = self.state;
        let mut last = self.buffer;
        let waiting = (self.length % BLOCK as u64) as usize;
        for (at, byte) in last.iter_mut().enumerate().skip(waiting) {
            *byte = if at == waiting { 0x80 } else { 0 };
        }
        if waiting >= BLOCK - 8 {
            compress(&mut state, &last);
            last = [0; BLOCK];
        }
        if let Some(length) = last.last_chunk_mut() {
            *length = self.length.wrapping_mul(8).to_be_bytes();
        }
        compress(&mut state, &last);
        last.zeroize();
        to_bytes(&state)
    }

    /// The chaining value; meaningful after a multiple of 64 bytes.
    pub(crate) const fn state(&self) -> State {
        self.state
    }
}

impl Drop for Sha256 {
    fn drop(&mut self) {
        self.state.zeroize();
        self.buffer.zeroize();
    }
}

/// The digest of the concatenation of `parts`.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; LEN] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Digest;

    #[test]
    fn agrees_with_sha2_at_every_length_and_split() {
        let data: [u8; 200] = core::array::from_fn(|at| at as u8);
        for length in 0..=data.len() {
            let expected: [u8; 32] = sha2::Sha256::digest(&data[..length]).into();
            assert_eq!(digest(&[&data[..length]]), expected);
            for split in 0..=length {
                assert_eq!(digest(&[&data[..split], &data[split..length]]), expected, "{length}/{split}");
            }
        }
    }

    #[test]
    fn a_digest_does_not_disturb_the_hash() {
        let mut hash = Sha256::new();
        hash.update(b"some");
        let _ = hash.digest();
        hash.update(b"thing");
        assert_eq!(hash.digest(), digest(&[b"something"]));
    }
}
