//! What an image says about its functions: frames, calls, and the tables of methods that they refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{llvm_tool, output};

type Failure = Box<dyn std::error::Error>;

/// A function of an image.
#[derive(Default)]
pub(super) struct Function {
    pub(super) name: String,
    /// Bytes of its stack frame, where the compiler states them.
    pub(super) frame: u64,
    /// Addresses of the functions that it calls, or ends by jumping to.
    pub(super) calls: BTreeSet<u32>,
    /// Lines of the source, as `path:line`, that call through a pointer.
    pub(super) indirect: BTreeSet<String>,
    /// Addresses of the functions in the tables of methods that it refers to: closures that it lends, for instance.
    pub(super) lends: BTreeSet<u32>,
}

/// All functions by address.
pub(super) struct Image {
    pub(super) functions: BTreeMap<u32, Function>,
    /// Functions that some table of methods has in it.
    pub(super) in_tables: BTreeSet<u32>,
}

impl Image {
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let mut objdump = Command::new(llvm_tool("llvm-objdump")?);
        let code = output(objdump.args(["-d", "-l", "--demangle", "--no-show-raw-insn"]).arg(file))?;
        let constants = Constants::read(file)?;
        let starts: BTreeSet<u32> = code.lines().filter_map(header).map(|(address, _)| address).collect();
        let mut image = Self { functions: BTreeMap::new(), in_tables: BTreeSet::new() };
        for words in constants.words.values() {
            image.in_tables.extend(function_at(*words, &starts));
        }
        let mut reader = Reader::default();
        for line in code.lines() {
            if let Some((address, name)) = header(line) {
                reader = Reader { address, ..Reader::default() };
                let function = Function { name: name.to_owned(), ..Function::default() };
                image.functions.insert(address, function);
            } else if let Some(function) = image.functions.get_mut(&reader.address) {
                reader.line(line, function, &starts, &constants);
            }
        }
        // Those of assembly and of the compiler's own library are not stated: `pushed` has counted them.
        for (address, bytes) in frames(file)? {
            if let Some(function) = image.functions.get_mut(&address) {
                function.frame = bytes;
            }
        }
        Ok(image)
    }
}

/// `000022bc <name>:`
fn header(line: &str) -> Option<(u32, &str)> {
    let (address, name) = line.strip_suffix(">:")?.split_once(" <")?;
    Some((u32::from_str_radix(address, 16).ok()?, name))
}

fn function_at(word: u32, starts: &BTreeSet<u32>) -> Option<u32> {
    let address = word & !1;
    (word & 1 == 1 && starts.contains(&address)).then_some(address)
}

/// Goes through the lines of one function.
#[derive(Default)]
struct Reader {
    address: u32,
    place: String,
    /// Low halves of addresses that are being put together, by register.
    low: BTreeMap<String, u32>,
}

impl Reader {
    fn line(&mut self, line: &str, function: &mut Function, starts: &BTreeSet<u32>, constants: &Constants) {
        if let Some(place) = line.strip_prefix("; /") {
            // What the core library has inlined stays with the line of ours that uses it.
            if !place.contains("/library/") {
                self.place = format!("/{place}");
            }
            return;
        }
        let Some((_, instruction)) = line.split_once(':') else { return };
        let instruction = instruction.trim();
        if let Some((_, word)) = instruction.split_once(".word") {
            let word = word.trim().trim_start_matches("0x");
            let word = u32::from_str_radix(word.split_whitespace().next().unwrap_or_default(), 16);
            function.lends.extend(word.map(|word| constants.functions(word, starts)).unwrap_or_default());
            return;
        }
        let (operation, operands) = instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""));
        let operands = operands.trim();
        let number = |text: &str| {
            let text = text.trim().trim_start_matches('#');
            text.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok())
        };
        function.frame += pushed(operation, operands);
        match operation {
            "blx" | "bx" if !operands.starts_with("lr") && !operands.starts_with("0x") => {
                function.indirect.insert(self.place.clone());
            }
            _ if operation.starts_with('b') || operation.starts_with("cb") => {
                let target = operands.split([' ', ',']).find_map(number);
                let inside = target.and_then(|target| starts.range(..=target).next_back());
                function.calls.extend(inside.filter(|start| **start != self.address));
            }
            _ if operation.starts_with("movw") || operation.starts_with("movt") => {
                let Some((register, value)) = operands.split_once(", ") else { return };
                let value = number(value.split_whitespace().next().unwrap_or_default()).unwrap_or(0);
                if operation.starts_with("movw") {
                    self.low.insert(register.to_owned(), value);
                } else if let Some(low) = self.low.get(register) {
                    function.lends.extend(constants.functions((value << 16) | low, starts));
                }
            }
            _ => {}
        }
    }
}

/// Bytes by which an instruction moves the stack pointer down.
fn pushed(operation: &str, operands: &str) -> u64 {
    if operation.starts_with("push") || operation.starts_with("vpush") {
        let wide = if operands.contains('d') { 8 } else { 4 };
        return wide * operands.split(',').count() as u64;
    }
    let moves = operation.starts_with("sub") && operands.starts_with("sp, ");
    let stores = operation.starts_with("str") && operands.contains("[sp, #-") && operands.contains("]!");
    let Some((_, number)) = operands.rsplit_once('#').filter(|_| moves || stores) else { return 0 };
    let number = number.trim_start_matches('-').trim_end_matches("]!");
    let value = number
        .strip_prefix("0x")
        .map_or_else(|| number.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok());
    value.unwrap_or(0)
}

/// The words of `.rodata` by address.
struct Constants {
    words: BTreeMap<u32, u32>,
}

impl Constants {
    fn read(file: &Path) -> Result<Self, Failure> {
        let sections = output(Command::new(llvm_tool("llvm-size")?).arg("-A").arg(file))?;
        let line = sections.lines().find(|line| line.starts_with(".rodata")).ok_or("no .rodata")?;
        let start: u32 = line.split_whitespace().nth(2).ok_or("no address")?.parse()?;
        let copy = file.with_extension("rodata");
        let mut objcopy = Command::new(llvm_tool("llvm-objcopy")?);
        output(objcopy.args(["--output-target=binary", "--only-section=.rodata"]).args([file, &copy]))?;
        let bytes = fs::read(copy)?;
        let skip = (start.wrapping_neg() % 4) as usize;
        let (words, _) = bytes[skip.min(bytes.len())..].as_chunks::<4>();
        let addresses = (start + skip as u32..).step_by(4);
        Ok(Self { words: addresses.zip(words.iter().map(|word| u32::from_le_bytes(*word))).collect() })
    }

    /// What a word in code leads to: a function, or the methods of a table.
    fn functions(&self, word: u32, starts: &BTreeSet<u32>) -> Vec<u32> {
        function_at(word, starts).map_or_else(|| self.table(word, starts), |function| vec![function])
    }

    /// The methods of the table at this address: destructor, size and alignment stand before them.
    fn table(&self, address: u32, starts: &BTreeSet<u32>) -> Vec<u32> {
        let word = |index: u32| self.words.get(&address.checked_add(4 * index)?).copied();
        let (Some(destructor), Some(size), Some(alignment)) = (word(0), word(1), word(2)) else {
            return Vec::new();
        };
        let is_table = (destructor == 0 || function_at(destructor, starts).is_some())
            && size < 1 << 16
            && matches!(alignment, 1 | 2 | 4 | 8);
        let methods = (3..).map_while(|index| word(index).and_then(|word| function_at(word, starts)));
        if is_table { methods.collect() } else { Vec::new() }
    }
}

/// The section `.stack_sizes`: an address of four bytes and a size in LEB128 for each function.
fn frames(file: &Path) -> Result<Vec<(u32, u64)>, Failure> {
    let copy = file.with_extension("frames");
    let mut objcopy = Command::new(llvm_tool("llvm-objcopy")?);
    let section = format!("--dump-section=.stack_sizes={}", copy.display());
    output(objcopy.arg(section).arg(file).arg("/dev/null"))?;
    let bytes = fs::read(copy)?;
    let (mut rest, mut frames) = (&bytes[..], Vec::new());
    while let Some((address, tail)) = rest.split_first_chunk::<4>() {
        let length = tail.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let (size, tail) = tail.split_at_checked(length).ok_or(".stack_sizes is cut")?;
        let size = size.iter().rev().fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
        frames.push((u32::from_le_bytes(*address) & !1, size));
        rest = tail;
    }
    Ok(frames)
}
