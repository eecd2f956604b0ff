//! Link format (Content-Format 40, RFC 6690): what Discover answers and Register tells.

use crate::model::{Path, Version};
use crate::observe::{Attribute, Attributes, Setting};
use crate::output::Output;
use crate::text::{write_double, write_unsigned};

/// Starts the link to `path`, behind a comma if it is not the first.
pub(crate) fn write_link(path: Path, first: bool, out: &mut Output<'_>) {
    out.push(if first { b"<" } else { b",<" });
    for id in path.ids() {
        out.byte(b'/');
        write_unsigned(u64::from(*id), out);
    }
    out.byte(b'>');
}

/// `;name=number`
pub(crate) fn write_number(name: &str, value: u64, out: &mut Output<'_>) {
    write_name(name, out);
    write_unsigned(value, out);
}

fn write_name(name: &str, out: &mut Output<'_>) {
    out.byte(b';');
    out.push(name.as_bytes());
    out.byte(b'=');
}

/// `;ver=1.1`, if it is not 1.0.
pub(crate) fn write_version(version: Version, out: &mut Output<'_>) {
    if version != Version::V1_0 {
        write_number("ver", u64::from(version.major), out);
        out.byte(b'.');
        write_unsigned(u64::from(version.minor), out);
    }
}

/// `;pmin=10;gt=25.5`
pub(crate) fn write_attributes(attributes: &Attributes, out: &mut Output<'_>) {
    for attribute in Attribute::ALL {
        if let Some(value) = attributes.get(attribute) {
            match value {
                Setting::Period(seconds) => write_number(attribute.name(), u64::from(seconds), out),
                Setting::Number(number) => {
                    write_name(attribute.name(), out);
                    write_double(number, out);
                }
            }
        }
    }
}
