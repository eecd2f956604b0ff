//! Floating point numbers as decimal text: the shortest that reads back as the same number (Steele and White's algorithm;
//! LwM2M Core appendix C.2, RFC 8259 section 6).

use core::cmp::Ordering;

use crate::model::Status;
use crate::output::Output;
use crate::text::big::Big;
use crate::text::integer::{write_signed, write_unsigned};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use std::string::String;

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
            assert_eq!(crate::text::parse_float(text.as_bytes()), Some(value), "{value:e} as {text}");
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
    fn what_is_not_a_number_has_no_text() {
        let mut out = Output::new(&mut [], 0);
        write_double(f64::NAN, &mut out);
        assert_eq!(out.length(), Err(Status::NotAcceptable));
    }
}
