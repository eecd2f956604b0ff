//! Integers as decimal text.

use crate::output::Output;

/// Writes a decimal number.
pub(crate) fn write_unsigned(mut value: u64, out: &mut Output<'_>) {
    let mut digits = [0u8; 20]; // 2^64 has 20
    let mut first = digits.len();
    for slot in digits.iter_mut().rev() {
        let tenth = match u32::try_from(value) {
            Ok(small) => u64::from(small / 10),
            Err(_) => divide_by_ten(value),
        };
        *slot = b'0' + (value - tenth * 10) as u8;
        value = tenth;
        first -= 1;
        if value == 0 {
            break;
        }
    }
    out.push(digits.get(first..).unwrap_or_default());
}

/// By shifts and additions: small cores have no 64-bit division, and would link a kilobyte for it.
const fn divide_by_ten(value: u64) -> u64 {
    let mut quotient = (value >> 1) + (value >> 2);
    quotient += quotient >> 4;
    quotient += quotient >> 8;
    quotient += quotient >> 16;
    quotient += quotient >> 32;
    quotient >>= 3; // at most one too small
    let rest = value - quotient * 10;
    quotient + (rest > 9) as u64
}

/// Writes a decimal number, with a sign when it is negative.
pub(crate) fn write_signed(value: i64, out: &mut Output<'_>) {
    if value < 0 {
        out.byte(b'-');
    }
    write_unsigned(value.unsigned_abs(), out);
}

/// Digits only, the whole text; `None` when there are none, something else, or a value above 64 bits.
pub(crate) fn parse_unsigned(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Digits with an optional minus, the whole text.
pub(crate) fn parse_signed(text: &[u8]) -> Option<i64> {
    match text.strip_prefix(b"-") {
        Some(digits) => 0i64.checked_sub_unsigned(parse_unsigned(digits)?),
        None => i64::try_from(parse_unsigned(text)?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_at_the_limits() {
        for value in [0, 1, -1, 9, 10, -10, i64::from(i32::MIN), i64::MAX, i64::MIN] {
            let mut room = [0; 24];
            let mut out = Output::new(&mut room, 0);
            write_signed(value, &mut out);
            assert_eq!(out.window(), std::format!("{value}").as_bytes());
            assert_eq!(parse_signed(out.window()), Some(value));
        }
        assert_eq!(parse_unsigned(b"18446744073709551615"), Some(u64::MAX));
    }

    #[test]
    fn tenths() {
        let mut random = crate::random::Random::new(5);
        for _ in 0..100_000 {
            let value = random.next_u64() >> random.up_to(63);
            assert_eq!(divide_by_ten(value), value / 10, "{value}");
        }
        for value in (0..1000).chain(u64::MAX - 1000..=u64::MAX) {
            assert_eq!(divide_by_ten(value), value / 10, "{value}");
        }
    }

    #[test]
    fn what_is_not_a_number() {
        for text in
            ["", "-", "+1", "1 ", " 1", "0x1", "1.0", "9223372036854775808", "-9223372036854775809", "1-"]
        {
            assert_eq!(parse_signed(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_unsigned(b"18446744073709551616"), None);
        assert_eq!(parse_unsigned(b"-1"), None);
    }
}
