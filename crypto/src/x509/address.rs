//! IP addresses as text (RFC 4291 section 2.2). The parser of the core library takes 1 KB more, and at opt-level z checks
//! that panic are left in it.

use crate::codec::copy;
use core::net::IpAddr;

/// The address that `text` is, if it is one: without brackets, port or zone.
pub(super) fn parse(text: &str) -> Option<IpAddr> {
    let text = text.as_bytes();
    v4(text).map(IpAddr::from).or_else(|| v6(text).map(IpAddr::from))
}

/// Four decimal numbers, none with a zero in front.
fn v4(text: &[u8]) -> Option<[u8; 4]> {
    let mut parts = text.split(|byte| *byte == b'.');
    let mut address = [0; 4];
    for octet in &mut address {
        let part = parts.next()?;
        if part.len() > 3 || (part.len() > 1 && part.first() == Some(&b'0')) {
            return None;
        }
        *octet = u8::try_from(number(part, 10)?).ok()?;
    }
    parts.next().is_none().then_some(address)
}

/// Groups of up to four hexadecimal digits; an IPv4 address may stand for the last two, and `::` for those that are 0.
fn v6(text: &[u8]) -> Option<[u8; 16]> {
    if text == b"::" {
        return Some([0; 16]);
    }
    // From here on an empty part is the gap. At an end it has one colon too many.
    let text = match text {
        [b':', rest @ ..] if rest.first() == Some(&b':') => rest,
        [] | [b':', ..] => return None,
        [rest @ .., b':'] if rest.last() == Some(&b':') => rest,
        [.., b':'] => return None,
        _ => text,
    };
    let mut groups = [0; 16];
    let mut length = 0;
    let mut gap = None;
    let mut parts = text.split(|byte| *byte == b':').peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            if gap.replace(length).is_some() {
                return None;
            }
            continue;
        }
        let free = groups.get_mut(length..)?;
        if part.contains(&b'.') && parts.peek().is_none() {
            *free.first_chunk_mut()? = v4(part)?;
            length += 4;
        } else {
            let group = if part.len() > 4 { None } else { number(part, 16) };
            *free.first_chunk_mut()? = (group? as u16).to_be_bytes();
            length += 2;
        }
    }
    let Some(gap) = gap else {
        return (length == groups.len()).then_some(groups);
    };
    let (before, after) = groups.get(..length)?.split_at_checked(gap)?;
    let mut address = [0; 16];
    copy(&mut address, before);
    copy(address.get_mut(16 - after.len()..)?, after);
    // The gap is at least one group.
    (length < groups.len()).then_some(address)
}

/// A number of up to four digits.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        (u32::from(value) < radix).then_some(number * radix + u32::from(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: [&str; 22] = [
        "",
        ":",
        "::",
        ":::",
        "1::",
        "::1",
        ":1",
        "1:",
        "1::2::3",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::8",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "::1:2:3:4:5:6:7:8",
        "::ffff:192.0.2.7",
        "1:2:3:4:5:6:192.0.2.7",
        "1:2:3:4:5:6:7:192.0.2.7",
        "192.0.2.7::",
        "192.0.2.7",
        "0.0.0.0",
        "255.255.255.256",
        "2001:DB8::00a:10",
    ];

    #[test]
    fn what_the_core_library_says() {
        let mut addresses = 0;
        let mut check = |text: &str| {
            let expected = text.parse().ok();
            assert_eq!(parse(text), expected, "{text:?}");
            addresses += u32::from(expected.is_some());
        };
        SEEDS.iter().for_each(|text| check(text));
        // Each with up to three bytes changed, put in or left out.
        let mut state = 1_u32;
        let mut random = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        for _ in 0..100_000 {
            let mut text = SEEDS[random(SEEDS.len())].as_bytes().to_vec();
            for _ in 0..=random(3) {
                let (at, byte) = (random(text.len() + 1), b"::..0123456789afAFg%["[random(21)]);
                match random(3) {
                    0 => text.insert(at, byte),
                    1 if at < text.len() => text[at] = byte,
                    _ if at < text.len() => drop(text.remove(at)),
                    _ => {}
                }
            }
            check(str::from_utf8(&text).expect("ASCII"));
        }
        assert!(addresses > 10_000, "only {addresses} of them are addresses");
    }
}
