//! Decimal text as a floating point number: the nearest one (LwM2M Core appendix C.2, RFC 8259 section 6).

use core::cmp::Ordering;

use crate::text::big::Big;
use crate::text::integer::parse_unsigned;

/// Reads a number of the form `-12.5e-3`, the whole text. The first 19 digits count.
///
/// `None` when it is not a number, or too large for a double.
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mut digits, mut power, mut seen) = (0u64, 0i32, false);
    let (mut fraction, mut rest) = (false, text);
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                if digits < 1_000_000_000_000_000_000 {
                    digits = digits * 10 + u64::from(byte - b'0');
                    power -= i32::from(fraction);
                } else {
                    power = power.saturating_add(i32::from(!fraction));
                }
            }
            b'.' if !fraction && seen && tail.first().is_some_and(u8::is_ascii_digit) => fraction = true,
            b'e' | b'E' if seen => {
                power = power.saturating_add(parse_exponent(tail)?);
                rest = &[];
                break;
            }
            _ => return None,
        }
        rest = tail;
    }
    if !seen || !rest.is_empty() {
        return None;
    }
    let bits = from_decimal(digits, power)? | (u64::from(negative) << 63);
    Some(f64::from_bits(bits))
}

fn parse_exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    // Beyond any double, whatever the digits before it: keeps the arithmetic small.
    let value = parse_unsigned(digits)?.min(100_000) as i32;
    Some(if negative { -value } else { value })
}

/// The bits of the double that is nearest to `digits * 10^power`, to the even one when two are; `None` above the largest.
pub(crate) fn from_decimal(digits: u64, power: i32) -> Option<u64> {
    if digits == 0 || power < -345 {
        return Some(0);
    }
    if power > 308 {
        return None;
    }
    let (mut numerator, mut denominator) = (Big::new(digits), Big::new(1));
    numerator.scale(power.max(0).unsigned_abs());
    denominator.scale(power.min(0).unsigned_abs());
    // Shift one of them so that the quotient is in [1, 2), or one place below.
    let mut exponent = numerator.bits() as i32 - denominator.bits() as i32;
    numerator.shift(exponent.min(0).unsigned_abs());
    denominator.shift(exponent.max(0).unsigned_abs());
    if numerator.compare(&denominator) == Ordering::Less {
        numerator.multiply(2);
        exponent -= 1;
    }
    if exponent > 1023 {
        return None;
    }
    // Below the smallest normal number there are fewer bits of mantissa; with none left it may still round up to one.
    let places = 53 - (-1022 - exponent).max(0);
    let mut mantissa = 0u64;
    for _ in 0..places.max(0) {
        let bit = numerator.compare(&denominator) != Ordering::Less;
        if bit {
            numerator.subtract(&denominator);
        }
        mantissa = (mantissa << 1) | u64::from(bit);
        numerator.multiply(2);
    }
    if places >= 0 {
        mantissa += match numerator.compare(&denominator) {
            Ordering::Less => 0,
            Ordering::Equal => mantissa & 1,
            Ordering::Greater => 1,
        };
    }
    // A carry out of the mantissa runs into the exponent, which is what it should do.
    let biased = (exponent + 1022).max(0) as u64;
    let bits = (biased << 52) + mantissa;
    (bits < 0x7ff0_0000_0000_0000).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use std::string::ToString;

    #[test]
    fn parsing_agrees_with_the_standard_library() {
        let mut random = Random::new(13);
        for _ in 0..5_000 {
            let digits = random.next_u64() >> random.up_to(63).max(1);
            let power = random.up_to(660) as i32 - 350;
            let text = std::format!("{digits}e{power}");
            let expected = text.parse::<f64>().unwrap();
            assert_eq!(parse(text.as_bytes()), Some(expected).filter(|v| v.is_finite()), "{text}");
        }
        for text in [
            "2.2250738585072011e-308",
            "9007199254740993",
            "9007199254740995",
            "1e-400",
            "0.000",
            "1e23",
            "8.5e-324",
            "2.5e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "-0.5",
            "4.9406564584124654e-324",
            "2.2250738585072012e-308",
            "1.7976931348623158e308",
        ] {
            assert_eq!(parse(text.as_bytes()), Some(text.parse().unwrap()), "{text}");
        }
        assert_eq!(parse(b"1.7976931348623159e308"), None);
    }

    #[test]
    fn what_is_not_a_number() {
        for text in [
            "", "-", ".", ".5", "5.", "1e", "1e+", "e5", "1.2.3", "+1", "0x1", "nan", "inf", "1 ", "--1",
            "1e1.5",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn many_digits_are_not_an_overflow() {
        let text = "1".repeat(400);
        assert_eq!(parse(text.as_bytes()), None);
        let text = std::format!("0.{}1", "0".repeat(500));
        assert_eq!(parse(text.as_bytes()), Some(0.0));
        assert_eq!(parse(b"1e99999999999"), None);
        assert_eq!(parse(3.25.to_string().as_bytes()), Some(3.25));
    }
}
