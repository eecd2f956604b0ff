//! docs/SIZES.md, but for its last sections.

use std::fmt::Write;

use coracle::TABLE_NAMES;

use super::{Image, modules};

const HEAD: &str = "# Sizes\n\nWritten by `cargo xtask sizes`, with the picture; `cargo xtask sizes --check` fails when a figure \
has grown by more than 1 %.\n\n![Flash by module and RAM by table](sizes.svg)\n\nImages of `benches/firmware` for \
thumbv7em-none-eabihf, opt-level z, fat LTO: client, blocking driver, object 3 with all\nresources, a custom object, a network \
of two registers. The whole image is counted, with start-up and libraries; RAM is\neverything that the client has, but for the \
stack. Buffers have 1200 bytes for each direction, there is one server.\n\n## Flash and static RAM\n\n\
| set | flash, B | RAM, B | what it has |\n|---|--:|--:|---|\n";

/// Whole images of others, with buffers of the same size: name, flash, static RAM, what it has.
pub(super) const PEERS: &[(&str, u64, Option<u64>, &str)] = &[
    ("Anjay Lite 3.0.0, minimal", 43_404, Some(5_612), "SenML CBOR, no observations, no duplicate detection"),
    (
        "Anjay Lite 3.0.0, observing",
        48_028,
        Some(7_500),
        "the same with 10 observations and 10 attribute sets",
    ),
    (
        "Anjay Lite 3.0.0, typical",
        62_892,
        Some(9_884),
        "also text, opaque, TLV (decoding only), bootstrap, firmware update, Send, duplicate detection",
    ),
    ("Wakaama, minimal", 53_964, None, "LwM2M 1.0 with TLV and observations, no duplicate detection"),
    ("Wakaama, typical", 66_796, None, "LwM2M 1.1 with TLV, SenML CBOR and bootstrap"),
];

const PEERS_NOTE: &str = "\nThe others were measured with gcc 12 at -Os, newlib-nano and stubs for network and clock, whole \
images as well; none has DTLS in it, for\nwhich Mbed TLS takes 20.5 kB of flash with pre-shared keys alone. Wakaama has a heap \
instead of static RAM: 881 B at its peak beside 438 B\nand buffers. Coracle's typical set has neither bootstrap nor firmware \
update nor Send yet, of which Anjay Lite says that they take 4.4,\n1.3 and 0.9 kB.\n\nThe aim for minimal-psk is 48 kB. DTLS takes \
half as much again as would fit: the handshake, records, and the ciphers of the table\nbelow, of which AES and SHA-256 are \
RustCrypto's. A library of the language that is built for size, too, saves 0.8 kB more.\n";

pub(super) fn describe(set: &str) -> &'static str {
    match set {
        "minimal" => "SenML CBOR and text, no observations; duplicates are remembered",
        "observing" => "the same with 10 observations and 10 attribute sets",
        "typical" => "the same with TLV, opaque and CBOR too",
        "minimal-psk" => "minimal over DTLS with a pre-shared key",
        _ => "typical over DTLS with a pre-shared key and connection IDs",
    }
}

pub(super) fn document(images: &[Image]) -> Result<String, std::fmt::Error> {
    let mut text = String::from(HEAD);
    for image in images {
        writeln!(text, "| {} | {} | {} | {} |", image.set, image.flash, image.ram(), describe(image.set))?;
    }
    for (name, flash, ram, what) in PEERS {
        let ram = ram.map_or_else(|| String::from("heap"), |ram| ram.to_string());
        writeln!(text, "| {name} | {flash} | {ram} | {what} |")?;
    }
    text.push_str(PEERS_NOTE);
    text.push_str("\n## Flash by module\n\nBy the source file that an instruction comes from, wherever it was inlined.\n\n");
    table(&mut text, "| module |", "|---|", images)?;
    for (index, name) in modules::NAMES.iter().enumerate() {
        write!(text, "| {name} |")?;
        images.iter().try_for_each(|image| write!(text, " {} |", image.modules[index]))?;
        text.push('\n');
    }
    text.push_str("\n## RAM by table\n\n");
    table(&mut text, "| table | key of config.toml |", "|---|---|", images)?;
    for (index, (name, key)) in TABLE_NAMES.iter().enumerate() {
        write!(text, "| {name} | {key} |")?;
        images.iter().try_for_each(|image| write!(text, " {} |", image.tables[index]))?;
        text.push('\n');
    }
    text.push_str("| **total** | budget.ram |");
    images.iter().try_for_each(|image| write!(text, " **{}** |", image.ram()))?;
    text.push('\n');
    Ok(text)
}

/// The head of a table with a column for each image.
fn table(text: &mut String, names: &str, lines: &str, images: &[Image]) -> std::fmt::Result {
    text.push_str(names);
    images.iter().try_for_each(|image| write!(text, " {} |", image.set))?;
    write!(text, "\n{lines}")?;
    images.iter().for_each(|_| text.push_str("--:|"));
    text.push('\n');
    Ok(())
}
