//! Flash by module: each instruction belongs to the source file that it comes from, wherever it was inlined.

use std::path::Path;
use std::process::Command;

use crate::process::{llvm_tool, output};

/// The modules, in the order in which they are shown.
pub(super) const NAMES: [&str; 11] = [
    "content formats",
    "operations",
    "observations",
    "registration",
    "CoAP",
    "engine and model",
    "façade and driver",
    "DTLS",
    "ciphers",
    "objects and application",
    "core library and constants",
];

/// Bytes of each module.
pub(super) type Flash = [u64; NAMES.len()];

/// Parts of paths, and the module they are of; the first that is found counts.
const PLACES: &[(&str, usize)] = &[
    ("/engine/src/format/", 0),
    ("/engine/src/text/", 0),
    ("/engine/src/operation/", 1),
    ("/engine/src/engine/requests.rs", 1),
    ("/engine/src/engine/content.rs", 1),
    ("/engine/src/observe/", 2),
    ("/engine/src/engine/notify.rs", 2),
    ("/engine/src/engine/observations.rs", 2),
    ("/engine/src/engine/changes.rs", 2),
    ("/engine/src/registration/", 3),
    ("/engine/src/engine/register.rs", 3),
    ("/engine/src/coap/", 4),
    ("/engine/src/exchange/", 4),
    ("/engine/src/engine/receive.rs", 4),
    ("/engine/src/engine/transmit.rs", 4),
    ("/engine/src/", 5),
    ("/crypto/src/provider/", 8),
    ("/crypto/src/", 7),
    ("/aes-", 8),
    ("/cipher-", 8),
    ("/sha2-", 8),
    ("/chacha20", 8),
    ("/poly1305-", 8),
    ("/p256-", 8),
    ("/elliptic-curve-", 8),
    ("/primeorder-", 8),
    ("/crypto-bigint-", 8),
    ("/subtle-", 8),
    ("/zeroize-", 8),
    ("/generic-array-", 8),
    ("/objects/src/", 9),
    ("/benches/firmware/", 9),
];
const FACADE: usize = 6;
const REST: usize = NAMES.len() - 1;

/// Shares out the code of an image; what no line tells of, and constants, go to the last module.
pub(super) fn by_module(image: &Path, total: u64) -> Result<Flash, Box<dyn std::error::Error>> {
    let mut objdump = Command::new(llvm_tool("llvm-objdump")?);
    let code = output(objdump.args(["-d", "-l", "--no-show-raw-insn"]).arg(image))?;
    let facade = crate::process::root().join("src").display().to_string();
    let (mut flash, mut module, mut last) = ([0; NAMES.len()], REST, None);
    for line in code.lines() {
        if line.ends_with(">:") {
            (module, last) = (REST, None); // another function
        } else if let Some(path) = line.strip_prefix("; /") {
            // Iterators and the like belong to what uses them: the module stays.
            module = module_of(&format!("/{path}"), &facade).unwrap_or(module);
        } else if let Some(address) = address(line) {
            if let Some((before, module)) = last {
                flash[module] += address - before;
            }
            last = Some((address, module));
        }
    }
    flash[REST] += total.saturating_sub(flash.iter().sum());
    Ok(flash)
}

fn module_of(path: &str, facade: &str) -> Option<usize> {
    let place = PLACES.iter().find(|(part, _)| path.contains(part)).map(|(_, module)| *module);
    place.or_else(|| path.starts_with(facade).then_some(FACADE))
}

fn address(line: &str) -> Option<u64> {
    let (address, _) = line.trim_start().split_once(':')?;
    u64::from_str_radix(address, 16).ok()
}
