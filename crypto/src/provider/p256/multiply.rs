//! Multiples of points: of any point and of the generator in constant time, and the sum of two for checking signatures, where
//! all numbers are public. docs/decisions/0014-multiplication-on-the-curve.md has the figures.

use super::point::Point;
use ::p256::elliptic_curve::PrimeField;
use ::p256::elliptic_curve::subtle::{ConditionallySelectable, ConstantTimeEq};
use ::p256::{FieldBytes, FieldElement, Scalar};

/// Bits of a scalar between two teeth of the comb.
const SPACING: usize = 64;

/// `scalar * point` in constant time, for scalars in 1..n: four bits at a time.
///
/// The sum so far, `v * point`, becomes `16 v * point`, to which `d * point` is added. Neither is the other nor its opposite
/// but at infinity: then n would divide `16 v - d` or `16 v + d`, whose sizes are at most the scalar's.
#[inline(never)]
pub(super) fn multiple(scalar: &Scalar, point: &Point) -> Point {
    let mut multiples = [Point::INFINITY; 16];
    let mut number = 1;
    while number < 16 {
        // The point is public.
        let twice = multiples.get(number / 2).unwrap_or(point).double();
        if let Some(entry) = multiples.get_mut(number) {
            *entry = if number % 2 == 0 { twice } else { twice.add_public(point) };
        }
        number += 1;
    }
    let mut product = Point::INFINITY;
    for byte in scalar.to_repr() {
        for digit in [byte >> 4, byte & 15] {
            product = product.double().double().double().double();
            product = product.add_distinct(&chosen(&multiples, digit));
        }
    }
    product
}

/// `scalar * G` in constant time, for scalars in 1..n, by a comb: a quarter of the doublings of [`multiple`].
///
/// With the sum so far a multiple `a * G`, all four 64-bit digits of `a` are even after the doubling, those of the entry 0 or 1,
/// and their sum is at most the scalar: as above, one is never the other nor its opposite but at infinity.
#[inline(never)]
pub(super) fn multiple_of_generator(scalar: &Scalar) -> Point {
    let sums = sums_of_teeth();
    let bits = scalar.to_repr();
    let mut product = Point::INFINITY;
    for position in (0..SPACING).rev() {
        let wanted = (0..4).map(|tooth| bit(&bits, tooth * SPACING + position) << tooth).sum();
        product = product.double().add_distinct(&chosen(&sums, wanted));
    }
    product
}

/// Entry `digit`; all of them are read.
fn chosen(entries: &[Point; 16], digit: u8) -> Point {
    let mut chosen = Point::INFINITY;
    for (entry, number) in entries.iter().zip(0u8..) {
        chosen.conditional_assign(entry, number.ct_eq(&digit));
    }
    chosen
}

/// One bit of a big-endian number, 0 above it.
fn bit(number: &FieldBytes, position: usize) -> u8 {
    number.iter().rev().nth(position / 8).map_or(0, |byte| byte >> (position % 8) & 1)
}

/// Entry `j`: the sum of `2^(64 b) * G` over the bits `b` of `j`.
fn sums_of_teeth() -> [Point; 16] {
    let mut sums = [Point::INFINITY; 16];
    for (tooth, place) in TEETH.iter().zip([1, 2, 4, 8]) {
        if let Some((before, from)) = sums.split_at_mut_checked(place) {
            from.iter_mut().zip(&*before).for_each(|(sum, rest)| *sum = tooth.add_public(rest));
        }
    }
    sums
}

/// `a * G + b * point` in variable time: for public numbers only. Both scalars are walked together, in windows of signed digits.
#[inline(never)]
pub(super) fn sum_of_multiples(a: &Scalar, b: &Scalar, point: &Point) -> Point {
    let tables = [odd_multiples(&GENERATOR), odd_multiples(point)];
    let mut walks = [Windows::new(a), Windows::new(b)];
    let mut sum = Point::INFINITY;
    for position in (0..=256).rev() {
        sum = sum.double();
        for (walk, table) in walks.iter_mut().zip(&tables) {
            let digit = walk.digit(position);
            if let Some(multiple) = table.get(usize::from(digit.unsigned_abs() / 2)).filter(|_| digit != 0) {
                let multiple = if digit < 0 { multiple.negate() } else { *multiple };
                sum = sum.add_public(&multiple);
            }
        }
    }
    sum
}

/// Bits of a window: its digits are odd, and below 8 in size.
const WINDOW: i32 = 4;

/// The point once, three, five and seven times.
fn odd_multiples(point: &Point) -> [Point; 4] {
    let double = point.double();
    let mut last = *point;
    [0; 4].map(|_| {
        let this = last;
        last = last.add_public(&double);
        this
    })
}

/// A scalar as odd digits, most of them far apart, from the top: between two bits that differ begins a window, whose value is
/// that of its bits with the highest one negative, and the bit below them carried in.
struct Windows {
    bits: FieldBytes,
    /// The lowest position that the present window covers.
    end: i32,
    /// Where the digit of the present window has its place.
    place: i32,
    digit: i8,
}

impl Windows {
    fn new(scalar: &Scalar) -> Self {
        Self { bits: scalar.to_repr(), end: 257, place: 257, digit: 0 }
    }

    /// The digit for `2^position`; to be asked for 256, 255, ... 0.
    fn digit(&mut self, position: i32) -> i8 {
        let bit = |at: i32| usize::try_from(at).map_or(0, |at| bit(&self.bits, at).cast_signed());
        if position < self.end && bit(position) != bit(position - 1) {
            self.end = position - WINDOW + 1;
            let below = (self.end..position).rev().fold(-bit(position), |value, at| 2 * value + bit(at));
            let value = below + bit(self.end - 1);
            let zeros = value.trailing_zeros();
            self.place = self.end + zeros.cast_signed();
            self.digit = value >> zeros;
        }
        if position == self.place { self.digit } else { 0 }
    }
}

/// A number of the field, the highest 64 bits first.
pub(super) const fn field(words: [u64; 4]) -> FieldElement {
    let shift = FieldElement::from_u64(1 << 63).double();
    let [first, second, third, fourth] = words;
    let upper = FieldElement::from_u64(first).multiply(&shift).add(&FieldElement::from_u64(second));
    let lower = FieldElement::from_u64(third).multiply(&shift).add(&FieldElement::from_u64(fourth));
    upper.multiply(&shift.square()).add(&lower)
}

pub(super) const GENERATOR: Point = Point::from_affine(
    field([0x6b17_d1f2_e12c_4247, 0xf8bc_e6e5_63a4_40f2, 0x7703_7d81_2deb_33a0, 0xf4a1_3945_d898_c296]),
    field([0x4fe3_42e2_fe1a_7f9b, 0x8ee7_eb4a_7c0f_9e16, 0x2bce_3357_6b31_5ece, 0xcbb6_4068_37bf_51f5]),
);

/// `2^(64 b) * G`.
static TEETH: [Point; 4] = [
    GENERATOR,
    Point::from_affine(
        field([0x0fa8_22bc_2811_aaa5, 0x8492_592e_326e_25de, 0x2949_3baa_ad65_1f7e, 0x90e7_5cb4_8e14_db63]),
        field([0xbff4_4ae8_f5db_a80d, 0x6f4a_d4bc_b3df_188b, 0x34b1_a650_50fe_82f5, 0xe411_2454_5f46_2ee7]),
    ),
    Point::from_affine(
        field([0x447d_739b_eedb_5e67, 0xfb98_2fd5_88c6_766e, 0xfc35_ff7d_c297_eac3, 0x57c8_4fc9_d789_bd85]),
        field([0x2d48_25ab_8341_31ee, 0xe12e_9d95_3a4a_aff7, 0x3d34_9b95_a7fa_e500, 0x0c7e_33c9_72e2_5b32]),
    ),
    Point::from_affine(
        field([0xa6d3_9677_a784_9276, 0x2736_ff83_4431_5fc5, 0x9643_9591_a3c6_b94a, 0x6cf2_0ffb_3137_28be]),
        field([0x674f_8474_9b0b_8816, 0x66b8_babd_2d27_ecdf, 0x824a_920c_2284_059b, 0xf2ba_b833_c357_f5f4]),
    ),
];

#[cfg(test)]
mod tests {
    use super::super::point::tests::same;
    use super::*;
    use ::p256::ProjectivePoint;
    use ::p256::elliptic_curve::Group;
    use std::vec::Vec;

    /// Every bit alone and its opposite, numbers at both ends, and dense ones: powers of a large number.
    fn scalars() -> Vec<Scalar> {
        let powers = core::iter::successors(Some(Scalar::ONE), |power| Some(power.double())).take(256);
        let factor = -Scalar::from(0x9E37_79B9_7F4A_7C15_u64);
        let dense = core::iter::successors(Some(factor), |power| Some(power * &factor)).take(64);
        let ends = (1..200u64).map(Scalar::from);
        powers.chain(ends).flat_map(|scalar| [scalar, -scalar]).chain(dense).collect()
    }

    #[test]
    fn multiples_are_those_of_the_crate() {
        let factor = Scalar::from(0xFEED_u64);
        let (ours, theirs) = (multiple_of_generator(&factor), ProjectivePoint::GENERATOR * factor);
        let point = Point::from_affine(ours.to_affine().0, ours.to_affine().1);
        for scalar in scalars() {
            assert!(
                same(&multiple_of_generator(&scalar), &(ProjectivePoint::GENERATOR * scalar)),
                "{scalar:?}"
            );
            assert!(same(&multiple(&scalar, &point), &(theirs * scalar)), "{scalar:?}");
        }
    }

    #[test]
    fn sums_are_those_of_the_crate() {
        let factor = Scalar::from(3u64).invert().expect("not zero");
        let (x, y) = multiple_of_generator(&factor).to_affine();
        let (ours, theirs) = (Point::from_affine(x, y), ProjectivePoint::GENERATOR * factor);
        let mut all = scalars();
        all.push(Scalar::ZERO);
        // In pairs, in two orders; and with themselves, where a third of the generator meets its multiples.
        for (a, b) in all.iter().zip(all.iter().rev()).chain(all.iter().zip(all.iter().skip(7))) {
            let expected = ProjectivePoint::GENERATOR * a + theirs * b;
            assert!(same(&sum_of_multiples(a, b, &ours), &expected), "{a:?} {b:?}");
        }
        for a in &all {
            let cancelling = -(a * &Scalar::from(3u64));
            assert!(sum_of_multiples(a, &cancelling, &ours).is_infinity(), "{a:?}");
        }
    }

    #[test]
    fn every_entry_of_the_comb_is_the_sum_that_it_stands_for() {
        let mut tooth = ProjectivePoint::GENERATOR;
        let mut teeth = [tooth; 4];
        for place in &mut teeth {
            *place = tooth;
            (0..SPACING).for_each(|_| tooth = tooth.double());
        }
        for (number, found) in sums_of_teeth().iter().enumerate() {
            let parts = teeth.iter().enumerate().filter(|(bit, _)| number >> bit & 1 == 1);
            assert!(same(found, &parts.map(|(_, tooth)| *tooth).sum()), "{number}");
        }
    }

    #[test]
    fn windows_add_up_to_the_scalar() {
        for scalar in scalars() {
            let mut windows = Windows::new(&scalar);
            let mut last = None;
            let sum = (0..=256).rev().fold(Scalar::ZERO, |sum, position| {
                let digit = windows.digit(position);
                let size = Scalar::from(u64::from(digit.unsigned_abs()));
                assert!(digit == 0 || digit % 2 != 0 && digit.unsigned_abs() < 8, "{digit}");
                assert!(digit == 0 || last.is_none_or(|last| last > position));
                last = if digit == 0 { last } else { Some(position) };
                sum.double() + if digit < 0 { -size } else { size }
            });
            assert_eq!(sum, scalar);
        }
    }
}
