//! Comparison of numbers for gt, lt and st, by their bits: small cores would have to link float arithmetic for it.

use core::cmp::Ordering;

/// A number's place in the order of all numbers. Not for NaN.
const fn place(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    // Negative numbers count backwards; -0 is 0.
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

/// `left > right`; false when one is NaN.
pub(super) const fn is_greater(left: f64, right: f64) -> bool {
    !left.is_nan() && !right.is_nan() && place(left) > place(right)
}

/// A finite number as `mantissa * 2^(exponent - 9)`, the mantissa with 62 bits; infinity is very large.
const fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), ((bits >> 52) & 0x7ff) as i32);
    if exponent == 0 { (fraction << 9, 1) } else { ((fraction | (1 << 52)) << 9, exponent) }
}

/// Compares `|left - right|` with `step`, or with twice that. More exact than a subtraction; `None` when one is NaN.
pub(super) fn compare_distance(left: f64, right: f64, step: f64, doubled: bool) -> Option<Ordering> {
    if left.is_nan() || right.is_nan() || step.is_nan() {
        return None;
    }
    let ((left_mantissa, left_exponent), (right_mantissa, right_exponent)) = (parts(left), parts(right));
    let exponent = left_exponent.max(right_exponent);
    let aligned =
        |mantissa: u64, own: i32| mantissa.checked_shr((exponent - own).unsigned_abs()).unwrap_or(0);
    let (left_mantissa, right_mantissa) =
        (aligned(left_mantissa, left_exponent), aligned(right_mantissa, right_exponent));
    let distance = if left.is_sign_negative() == right.is_sign_negative() {
        left_mantissa.abs_diff(right_mantissa)
    } else {
        left_mantissa + right_mantissa
    };
    let (mantissa, own) = parts(step);
    let shift = own + i32::from(doubled) - exponent;
    let step = match shift {
        ..=0 => aligned(mantissa, exponent + shift),
        // One more bit still fits; beyond that the step is larger than any distance of such numbers.
        1 => mantissa << 1,
        _ if mantissa == 0 => 0,
        _ => u64::MAX,
    };
    Some(distance.cmp(&step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn orders_agree_with_float_arithmetic() {
        let mut random = Random::new(3);
        let mut number = || {
            let small = (random.next_u64() >> 40) as f64 / 256.0 - 30_000.0;
            [small, -small, 0.0, -0.0, f64::from_bits(random.next_u64()), f64::INFINITY]
                [random.up_to(5) as usize]
        };
        for _ in 0..50_000 {
            let (left, right, step) = (number(), number(), number().abs());
            assert_eq!(is_greater(left, right), left > right, "{left} {right}");
            if left.is_finite() && right.is_finite() && step.is_finite() && (left - right).is_finite() {
                let exact = (left - right).abs();
                let found = compare_distance(left, right, step, false).unwrap();
                // Where the subtraction rounds onto the step, the comparison may know better.
                assert!(found == exact.partial_cmp(&step).unwrap() || exact == step, "{left} {right} {step}");
            }
        }
    }

    #[test]
    fn known_distances() {
        let compare = |left, right, step| compare_distance(left, right, step, false).unwrap();
        assert_eq!(compare(5.0, 7.0, 2.0), Ordering::Equal);
        assert_eq!(compare(5.0, 6.9, 2.0), Ordering::Less);
        assert_eq!(compare(-1.0, 1.0, 1.5), Ordering::Greater);
        assert_eq!(compare(5.0, 5.0, 0.0), Ordering::Equal);
        assert_eq!(compare(0.0, 0.0, 1e-300), Ordering::Less);
        assert_eq!(compare(1e300, 1.0, 1e299), Ordering::Greater);
        assert_eq!(compare(1.0, 2.0, 1e300), Ordering::Less);
        assert_eq!(compare_distance(10.0, 30.0, 10.0, true), Some(Ordering::Equal));
        assert_eq!(compare_distance(10.0, 30.0, 10.5, true), Some(Ordering::Less));
        assert_eq!(compare_distance(f64::NAN, 1.0, 1.0, false), None);
    }
}
