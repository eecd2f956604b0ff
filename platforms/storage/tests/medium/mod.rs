//! A NOR flash in memory: bits go from 1 to 0 only, a word is written once between two erasures, and the power can go at
//! every step.

use core::ops::Range;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// It is erased in units of this many bytes.
pub(crate) const SECTOR: usize = 128;

/// What the operation leaves behind in which the power goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tear {
    /// What was done before is whole, of the word in work some bits.
    Prefix,
    /// Any bits of all that the call was to change.
    Anything,
}

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    PowerIsOff,
    WrittenTwice,
    WornOut,
    Unreadable,
    Range(NorFlashErrorKind),
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Range(kind) => *kind,
            _ => NorFlashErrorKind::Other,
        }
    }
}

/// `W` is `WRITE_SIZE`, `R` is `READ_SIZE`.
#[derive(Clone, Debug)]
pub(crate) struct Medium<const W: usize, const R: usize> {
    pub(crate) bytes: Vec<u8>,
    /// Words that were written since they were erased.
    written: Vec<bool>,
    /// Steps until the power goes.
    left: Option<(u32, Tear)>,
    on: bool,
    random: u64,
    /// How often each sector was erased.
    pub(crate) erasures: Vec<u32>,
    /// Sectors that can't be written any more.
    pub(crate) worn: Vec<bool>,
    /// How often a word was written that was not erased: a mistake of whoever writes.
    pub(crate) twice: u32,
    /// So many reads succeed; then as many as this fail, and all others succeed.
    pub(crate) unreadable: Option<(u32, u32)>,
}

fn before(index: usize) -> u8 {
    (index * 7 + 1) as u8
}

impl<const W: usize, const R: usize> Medium<W, R> {
    /// A flash that was in use for something else before.
    pub(crate) fn new(length: usize, seed: u64) -> Self {
        Self {
            bytes: (0..length).map(before).collect(),
            written: vec![true; length / W],
            left: None,
            on: true,
            random: seed,
            erasures: vec![0; length / SECTOR],
            worn: vec![false; length / SECTOR],
            twice: 0,
            unreadable: None,
        }
    }

    pub(crate) fn cut_after(&mut self, steps: u32, tear: Tear) {
        self.left = Some((steps, tear));
    }

    pub(crate) fn power_on(&mut self) {
        (self.on, self.left) = (true, None);
    }

    pub(crate) fn outside_is_untouched(&self, range: &Range<usize>) -> bool {
        let mut outside = self.bytes.iter().enumerate().filter(|(index, _)| !range.contains(index));
        outside.all(|(index, byte)| *byte == before(index))
    }

    fn random(&mut self) -> u8 {
        self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.random >> 56) as u8
    }

    /// Counts a step; what it leaves behind if the power goes in it.
    fn step(&mut self) -> Option<Tear> {
        let (left, tear) = self.left.as_mut()?;
        if *left == 0 {
            self.on = false;
            return Some(*tear);
        }
        *left -= 1;
        None
    }

    fn program(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..].iter_mut().zip(bytes).for_each(|(stored, byte)| *stored &= byte);
        self.written[at / W..(at + bytes.len()) / W].fill(true);
    }

    /// Some of the bits that were to become 0; sometimes none, sometimes all.
    fn program_partly(&mut self, at: usize, bytes: &[u8]) {
        let mask = self.random() & self.random();
        let part: Vec<u8> = bytes.iter().map(|byte| byte | (self.random() & self.random() & mask)).collect();
        self.program(at, &part);
    }

    /// Some of the bits that were to become 1; sometimes none, sometimes all.
    fn erase_partly(&mut self, from: usize, to: usize) {
        let mask = self.random() | self.random();
        for at in from..to {
            self.bytes[at] |= (self.random() | self.random()) & mask;
        }
        self.written[from / W..to / W].fill(true);
    }
}

impl<const W: usize, const R: usize> ErrorType for Medium<W, R> {
    type Error = Fault;
}

impl<const W: usize, const R: usize> ReadNorFlash for Medium<W, R> {
    const READ_SIZE: usize = R;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        check_read(self, offset, bytes.len()).map_err(Fault::Range)?;
        if !self.on {
            return Err(Fault::PowerIsOff);
        }
        match self.unreadable.as_mut() {
            Some((good @ 1.., _)) => *good -= 1,
            Some((_, bad @ 1..)) => {
                *bad -= 1;
                return Err(Fault::Unreadable);
            }
            _ => {}
        }
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const W: usize, const R: usize> NorFlash for Medium<W, R> {
    const WRITE_SIZE: usize = W;
    const ERASE_SIZE: usize = SECTOR;

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        check_write(self, offset, bytes.len()).map_err(Fault::Range)?;
        let start = offset as usize;
        for (index, word) in bytes.chunks(W).enumerate() {
            let at = start + index * W;
            if !self.on {
                return Err(Fault::PowerIsOff);
            }
            if self.worn[at / SECTOR] {
                return Err(Fault::WornOut);
            }
            if self.written[at / W] {
                // A word that was cut and looks erased: nobody can know.
                self.twice += u32::from(self.bytes[at..at + W].iter().any(|byte| *byte != 0xff));
                return Err(Fault::WrittenTwice);
            }
            match self.step() {
                None => self.program(at, word),
                Some(Tear::Prefix) => self.program_partly(at, word),
                Some(Tear::Anything) => self.program_partly(start, bytes),
            }
        }
        if self.on { Ok(()) } else { Err(Fault::PowerIsOff) }
    }

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        check_erase(self, from, to).map_err(Fault::Range)?;
        let (start, end) = (from as usize, to as usize);
        for at in (start..end).step_by(SECTOR) {
            if !self.on {
                return Err(Fault::PowerIsOff);
            }
            self.erasures[at / SECTOR] += 1;
            match self.step() {
                None => {
                    self.bytes[at..at + SECTOR].fill(0xff);
                    self.written[at / W..(at + SECTOR) / W].fill(false);
                }
                Some(Tear::Prefix) => self.erase_partly(at, at + SECTOR),
                Some(Tear::Anything) => self.erase_partly(start, end),
            }
        }
        if self.on { Ok(()) } else { Err(Fault::PowerIsOff) }
    }
}
