//! Floating point numbers as decimal text (LwM2M Core appendix C.2, RFC 8259 section 6).
//!
//! Text that is written is the shortest that reads back as the same number (Steele and White's algorithm); text that is
//! read gives the nearest number. Both are exact, in integers.

use core::cmp::Ordering;

use super::big::Big;
use super::integer::{write_signed, write_unsigned};
use crate::model::Status;
use crate::output::Output;

/// A 64-bit float tells 17 digits apart.
const DIGITS: usize = 17;
/// Numbers outside are written with an exponent.
const FIXED: core::ops::RangeInclusive<i32> = -6..=21;

/// `mantissa * 2^exponent`, a positive finite number, and how close its neighbours are.
struct Parts {
    mantissa: u64,
    exponent: i32,
    /// The neighbour below is only half as far away as the one above.
    lower_is_closer: bool,
}

impl Parts {
    /// From the bits of a float with this many bits of fraction, and the smallest exponent that it can have.
    const fn new(bits: u64, fraction_bits: u32, smallest: i32) -> Self {
        let (fraction, exponent) = (bits & ((1 << fraction_bits) - 1), (bits >> fraction_bits) as i32);
        if exponent == 0 {
            return Self { mantissa: fraction, exponent: smallest, lower_is_closer: false };
        }
        let mantissa = fraction | (1 << fraction_bits);
        Self { mantissa, exponent: smallest + exponent - 1, lower_is_closer: fraction == 0 && exponent > 1 }
    }
}

/// A smaller float as a 64-bit one, from its parts: `bias` is that of the exponent, which has `exponent_bits`.
pub(crate) const fn widen(bits: u32, fraction_bits: u32, exponent_bits: u32) -> f64 {
    let sign = (bits >> (fraction_bits + exponent_bits)) as u64 & 1;
    let largest = (1 << exponent_bits) - 1;
    let bias = largest / 2;
    let (mut exponent, mut fraction) =
        ((bits >> fraction_bits) as i32 & largest, bits & ((1 << fraction_bits) - 1));
    if exponent == 0 && fraction != 0 {
        // Subnormal: the highest bit becomes the hidden one.
        let shift = fraction_bits + 1 - (32 - fraction.leading_zeros());
        fraction = (fraction << shift) & ((1 << fraction_bits) - 1);
        exponent = 1 - shift as i32;
    }
    let exponent = match exponent {
        0 if fraction == 0 => 0,
        _ if exponent == largest => 0x7ff,
        _ => (exponent - bias + 1023) as u64,
    };
    f64::from_bits((sign << 63) | (exponent << 52) | ((fraction as u64) << (52 - fraction_bits)))
}

/// An integer as a float; beyond 2^53 rounded to the nearest one, and to an even one in the middle of two.
pub(crate) const fn from_integer(magnitude: u64, negative: bool) -> f64 {
    let sign = (negative as u64) << 63;
    if magnitude == 0 {
        return 0.0;
    }
    let zeros = magnitude.leading_zeros();
    let aligned = magnitude << zeros;
    let (mantissa, lost) = (aligned >> 11, aligned & 0x7ff);
    let mantissa = mantissa + (lost > 0x400 || lost == 0x400 && mantissa & 1 == 1) as u64;
    // The highest bit of the mantissa, or what rounding has carried into, counts the exponent up.
    f64::from_bits(sign | (((1085 - zeros as u64) << 52) + mantissa))
}

/// The bits of the 32-bit float that is the same number, if there is a normal one. No conversion has to be linked for it.
pub(crate) const fn narrow(value: f64) -> Option<u32> {
    const LOST: u64 = (1 << 29) - 1;
    let bits = value.to_bits();
    let (sign, exponent, fraction) =
        ((bits >> 63) as u32, (bits >> 52) as i32 & 0x7ff, bits & ((1 << 52) - 1));
    let exponent = match exponent {
        0 if fraction == 0 => 0,
        0x7ff => 0xff,
        897..=1150 => (exponent - 896) as u32, // the bias is 1023 there and 127 here
        _ => return None,
    };
    if fraction & LOST != 0 {
        return None;
    }
    Some((sign << 31) | (exponent << 23) | (fraction >> 29) as u32)
}

/// Writes a 64-bit float. NaN and infinity have no text: the output fails with 4.06.
pub(crate) fn write_double(value: f64, out: &mut Output<'_>) {
    let bits = value.to_bits();
    let magnitude = bits & (u64::MAX >> 1);
    write(bits != magnitude, &Parts::new(magnitude, 52, -1074), value.is_finite(), out);
}

/// Writes a 32-bit float in as few digits as tell it apart from other 32-bit floats.
pub(crate) fn write_single(value: f32, out: &mut Output<'_>) {
    let bits = value.to_bits();
    let magnitude = bits & (u32::MAX >> 1);
    write(bits != magnitude, &Parts::new(u64::from(magnitude), 23, -149), value.is_finite(), out);
}

fn write(negative: bool, parts: &Parts, finite: bool, out: &mut Output<'_>) {
    if !finite {
        return out.fail(Status::NotAcceptable);
    }
    if parts.mantissa == 0 {
        return out.byte(b'0');
    }
    if negative {
        out.byte(b'-');
    }
    if write_usual(parts, out).is_none() {
        write_any(parts, out);
    }
}

/// Numbers of a usual size, whose arithmetic fits 64 bits: the same digits as [`shortest`] finds, in a tenth of the time.
fn write_usual(parts: &Parts, out: &mut Output<'_>) -> Option<()> {
    // At most ten times 2^60 has to fit; and nothing is below 1/64, which would need an exponent some day.
    let is_usual = |places: &u32| *places <= 58 && (parts.mantissa << 6) >> places > 0;
    let places = u32::try_from(-parts.exponent).ok().filter(is_usual)?;
    write_unsigned(parts.mantissa >> places, out);
    // All over 2^(places + 2), so that a quarter of the distance to a neighbour is a whole number.
    let one = 1u64 << (places + 2);
    let mut rest = (parts.mantissa << 2) & (one - 1);
    if rest == 0 {
        return Some(());
    }
    out.byte(b'.');
    let inclusive = u64::from(parts.mantissa & 1 == 0);
    let (mut below, mut above) = (if parts.lower_is_closer { 1u64 } else { 2 }, 2u64);
    loop {
        (rest, below, above) = (rest * 10, below * 10, above * 10);
        let digit = (rest >> (places + 2)) as u8;
        rest &= one - 1;
        let low = rest < below + inclusive;
        let high = rest + above + inclusive > one;
        let round_up = high && (!low || rest * 2 >= one);
        out.byte(b'0' + digit + u8::from(round_up));
        if low || high {
            return Some(());
        }
    }
}

/// Numbers of any size.
#[cold]
#[inline(never)]
fn write_any(parts: &Parts, out: &mut Output<'_>) {
    let mut room = [b'0'; DIGITS];
    let (length, point) = shortest(parts, &mut room);
    let digits = room.get(..length).unwrap_or_default();
    if FIXED.contains(&point) {
        write_fixed(digits, point, out);
    } else {
        let (first, rest) = digits.split_at_checked(1).unwrap_or_default();
        out.push(first);
        if !rest.is_empty() {
            out.byte(b'.');
            out.push(rest);
        }
        out.byte(b'e');
        write_signed(i64::from(point) - 1, out);
    }
}

/// Digits with the decimal point behind the first `point` of them.
fn write_fixed(digits: &[u8], point: i32, out: &mut Output<'_>) {
    let whole = usize::try_from(point).unwrap_or(0);
    if whole == 0 {
        out.push(b"0");
    }
    (0..whole).for_each(|place| out.byte(digits.get(place).copied().unwrap_or(b'0')));
    let fraction = digits.get(whole..).unwrap_or_default();
    if !fraction.is_empty() {
        out.byte(b'.');
        (point..0).for_each(|_| out.byte(b'0'));
        out.push(fraction);
    }
}

/// The fewest digits that lie closer to the number than to its neighbours: how many, and where the decimal point is.
fn shortest(parts: &Parts, digits: &mut [u8; DIGITS]) -> (usize, i32) {
    // The number is `rest / unit`; half way to its neighbours is `below` and `below * above` away, all over `unit`.
    let above = 1 + u32::from(parts.lower_is_closer);
    let (mut rest, mut unit, mut below) = (Big::new(parts.mantissa), Big::new(1), Big::new(1));
    let up = parts.exponent.max(0).unsigned_abs();
    rest.shift(up + above);
    unit.shift(parts.exponent.min(0).unsigned_abs() + above);
    below.shift(up);
    let mut point = 0;
    // An even number is what text in the middle to its neighbour is read as: the bounds belong to it.
    let inclusive = parts.mantissa & 1 == 0;
    while reaches(&rest, &below, above, &unit, inclusive) {
        unit.multiply(10);
        point += 1;
    }
    loop {
        [&mut rest, &mut below].into_iter().for_each(|big| big.multiply(10));
        if reaches(&rest, &below, above, &unit, inclusive) {
            break;
        }
        point -= 1;
    }
    let mut length = 0;
    loop {
        let mut digit = b'0';
        while rest.compare(&unit) != Ordering::Less {
            rest.subtract(&unit);
            digit += 1;
        }
        let low = exceeds(&below, &rest, inclusive);
        let high = reaches(&rest, &below, above, &unit, inclusive);
        let round_up = if low && high { reaches(&rest, &rest, 1, &unit, true) } else { high };
        if let Some(slot) = digits.get_mut(length) {
            *slot = digit + u8::from(round_up);
            length += 1;
        }
        if low || high || length == DIGITS {
            return (length, point);
        }
        [&mut rest, &mut below].into_iter().for_each(|big| big.multiply(10));
    }
}

/// `left > right`, or `left >= right`.
fn exceeds(left: &Big, right: &Big, inclusive: bool) -> bool {
    match left.compare(right) {
        Ordering::Greater => true,
        Ordering::Equal => inclusive,
        Ordering::Less => false,
    }
}

/// `rest + distance * factor > unit`, or `>=`.
fn reaches(rest: &Big, distance: &Big, factor: u32, unit: &Big, inclusive: bool) -> bool {
    match rest.compare_sum(distance, factor, unit) {
        Ordering::Greater => true,
        Ordering::Equal => inclusive,
        Ordering::Less => false,
    }
}

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
    let value = super::integer::parse_unsigned(digits)?.min(100_000) as i32;
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
    use std::string::{String, ToString};

    fn double(value: f64) -> String {
        let mut room = [0; 64];
        let mut out = Output::new(&mut room, 0);
        write_double(value, &mut out);
        out.length().unwrap();
        String::from_utf8(out.window().to_vec()).unwrap()
    }

    fn single(value: f32) -> String {
        let mut room = [0; 64];
        let mut out = Output::new(&mut room, 0);
        write_single(value, &mut out);
        out.length().unwrap();
        String::from_utf8(out.window().to_vec()).unwrap()
    }

    #[test]
    fn usual_values_are_written_as_people_write_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (10.0, "10"),
            (21.5, "21.5"),
            (-40.0, "-40"),
            (0.1, "0.1"),
            (20.1, "20.1"),
            (0.000001, "0.000001"),
            (1e-7, "0.0000001"),
            (1e-8, "1e-8"),
            (100.001, "100.001"),
            (123456789.125, "123456789.125"),
            (9007199254740991.0, "9007199254740991"),
            (1e20, "100000000000000000000"),
            (1.5e22, "1.5e22"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(double(value), text);
        }
        assert_eq!(single(21.1), "21.1");
        assert_eq!(single(16777216.0), "16777216");
        assert_eq!(single(f32::MAX).parse(), Ok(f32::MAX));
    }

    #[test]
    fn the_short_way_writes_what_the_long_one_does() {
        let mut random = Random::new(16);
        let text = |write: fn(&Parts, &mut Output<'_>), parts: &Parts| {
            let mut room = [0; 64];
            let mut out = Output::new(&mut room, 0);
            write(parts, &mut out);
            String::from_utf8(out.window().to_vec()).unwrap()
        };
        let mut usual = 0;
        for _ in 0..40_000 {
            let bits = random.next_u64();
            // Exponents from 2^-10 to 2^60, and fractions with few or many bits.
            let exponent = (1013 + u64::from(random.up_to(70))) << 52;
            let fraction = (bits & ((1 << 52) - 1)) & (u64::MAX << random.up_to(52));
            let parts = [
                Parts::new(exponent | fraction, 52, -1074),
                Parts::new((117 + u64::from(random.up_to(40))) << 23 | (bits & 0x7f_ffff), 23, -149),
            ];
            for parts in parts {
                let short = text(|parts, out| write_usual(parts, out).unwrap_or(()), &parts);
                if !short.is_empty() {
                    usual += 1;
                    assert_eq!(short, text(write_any, &parts));
                }
            }
        }
        assert!(usual > 40_000, "{usual}");
    }

    #[test]
    fn doubles_read_back_as_the_same_number_and_are_as_short_as_can_be() {
        let mut random = Random::new(11);
        let special = [f64::MIN_POSITIVE, f64::EPSILON, f64::MAX, 2f64.powi(-1074), 1e15 + 0.3, 0.1 + 0.2];
        let random = (0..3_000).map(|_| f64::from_bits(random.next_u64())).filter(|value| value.is_finite());
        for value in special.into_iter().chain(random) {
            let text = double(value);
            assert_eq!(text.parse::<f64>(), Ok(value), "{value:e} as {text}");
            assert_eq!(parse(text.as_bytes()), Some(value), "{value:e} as {text}");
            let digits = |text: &str| {
                let mantissa = text.split('e').next().unwrap().replace(['-', '.'], "");
                mantissa.trim_matches('0').len()
            };
            assert!(digits(&text) <= digits(&std::format!("{value:e}")), "{value:e} as {text}");
        }
    }

    #[test]
    fn singles_read_back_as_the_same_number() {
        let mut random = Random::new(12);
        let random = (0..20_000).map(|_| f32::from_bits(random.next_u64() as u32));
        for value in random.filter(|value| value.is_finite()) {
            assert_eq!(single(value).parse::<f32>().unwrap(), value);
        }
    }

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
    fn widening_and_integers_agree_with_the_processor() {
        let mut random = Random::new(15);
        for _ in 0..50_000 {
            let single = f32::from_bits(random.next_u64() as u32 >> random.up_to(31));
            assert!(
                widen(single.to_bits(), 23, 8).to_bits() == f64::from(single).to_bits() || single.is_nan()
            );
            let integer = random.next_u64() >> random.up_to(63);
            assert_eq!(from_integer(integer, false), integer as f64);
            assert_eq!(from_integer(integer, true), -(integer as f64));
        }
        assert_eq!(from_integer(u64::MAX, false), 18_446_744_073_709_551_616.0);
        assert!(widen(f32::NAN.to_bits(), 23, 8).is_nan());
        assert_eq!(widen(f32::NEG_INFINITY.to_bits(), 23, 8), f64::NEG_INFINITY);
    }

    #[test]
    fn narrowing_loses_nothing() {
        let mut random = Random::new(14);
        for _ in 0..20_000 {
            let single = f32::from_bits(random.next_u64() as u32);
            if single.is_normal() || single == 0.0 || single.is_infinite() {
                assert_eq!(narrow(f64::from(single)), Some(single.to_bits()), "{single:e}");
            }
            let double = f64::from_bits(random.next_u64());
            if let Some(bits) = narrow(double) {
                assert_eq!(f64::from(f32::from_bits(bits)).to_bits(), double.to_bits());
            }
        }
        for double in [0.1, 1e39, 1e-40, f64::MAX, 16777217.0] {
            assert_eq!(narrow(double), None, "{double:e}");
        }
        assert_eq!(narrow(-0.0), Some(0x8000_0000));
    }

    #[test]
    fn what_is_not_a_number() {
        for text in [
            "", "-", ".", ".5", "5.", "1e", "1e+", "e5", "1.2.3", "+1", "0x1", "nan", "inf", "1 ", "--1",
            "1e1.5",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        let mut out = Output::new(&mut [], 0);
        write_double(f64::NAN, &mut out);
        assert_eq!(out.length(), Err(Status::NotAcceptable));
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
