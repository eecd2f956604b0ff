//! Floating point numbers, as decimal text and in other widths, without float arithmetic. All of it is exact, in integers.

mod read;
mod write;

pub(crate) use read::{from_decimal, parse};
pub(crate) use write::{write_double, write_single};

/// A smaller float as a 64-bit one, from its parts: `bias` is that of the exponent, which has `exponent_bits`.
pub(crate) const fn widen(bits: u32, fraction_bits: u32, exponent_bits: u32) -> f64 {
    let sign = (bits >> (fraction_bits + exponent_bits)) as u64 & 1;
    let largest = (1 << exponent_bits) - 1;
    let bias = largest / 2;
    let (mut exponent, mut fraction) =
        ((bits >> fraction_bits) as i32 & largest, bits & ((1 << fraction_bits) - 1));
    // Before that is changed: of a subnormal power of two the highest bit is all that there is.
    let is_zero = exponent == 0 && fraction == 0;
    if exponent == 0 && !is_zero {
        // Subnormal: the highest bit becomes the hidden one.
        let shift = fraction_bits + 1 - (32 - fraction.leading_zeros());
        fraction = (fraction << shift) & ((1 << fraction_bits) - 1);
        exponent = 1 - shift as i32;
    }
    let exponent = match exponent {
        _ if is_zero => 0,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

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
    fn powers_of_two_are_widened_to_the_smallest_subnormal() {
        for bit in 0..23 {
            let single = f32::from_bits(1 << bit);
            assert_eq!(widen(single.to_bits(), 23, 8), f64::from(single), "{single:e}");
        }
        for bit in 0..10 {
            // The unit of a 16-bit float's subnormals is 2^-24.
            assert_eq!(widen(1 << bit, 10, 5), 2f64.powi(bit - 24), "2^({bit} - 24)");
        }
        for bits in [0, 0x8000_0000_u32] {
            assert_eq!(widen(bits, 23, 8).to_bits(), f64::from(f32::from_bits(bits)).to_bits());
        }
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
}
