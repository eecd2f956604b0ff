//! Multiples of the generator of P-256 by a comb: a quarter of the doublings of the general multiplication. Key
//! generation and signing use it; docs/decisions/0014-a-comb-for-the-generator.md has the figures.

use ::p256::elliptic_curve::PrimeField;
use ::p256::elliptic_curve::group::Group;
use ::p256::elliptic_curve::point::DecompressPoint;
use ::p256::elliptic_curve::subtle::{ConditionallySelectable, ConstantTimeEq};
use ::p256::{AffinePoint, ProjectivePoint, Scalar};

/// Bits of a scalar between two teeth of the comb.
const SPACING: usize = 64;

/// `scalar * G`, in constant time.
#[inline(never)]
pub(super) fn mul_by_generator(scalar: &Scalar) -> ProjectivePoint {
    let sums = sums_of_teeth();
    let bits = scalar.to_repr();
    let mut product = ProjectivePoint::IDENTITY;
    for position in (0..SPACING).rev() {
        product = product.double();
        // Big-endian: the lowest tooth is in the last byte.
        let bit = |tooth: usize| {
            let byte = bits.iter().rev().nth((tooth * SPACING + position) / 8);
            byte.map_or(0, |byte| byte >> (position % 8) & 1)
        };
        let wanted = bit(0) | bit(1) << 1 | bit(2) << 2 | bit(3) << 3;
        let mut chosen = ProjectivePoint::IDENTITY;
        for (sum, number) in sums.iter().zip(0u8..) {
            chosen.conditional_assign(sum, number.ct_eq(&wanted));
        }
        product += chosen;
    }
    product
}

/// Entry `j`: the sum of `2^(64 b) * G` over the bits `b` of `j`.
fn sums_of_teeth() -> [ProjectivePoint; 16] {
    let mut sums = [ProjectivePoint::IDENTITY; 16];
    let mut tooth = ProjectivePoint::GENERATOR;
    let mut others = TEETH.iter();
    for bit in 0..4 {
        let (before, from) = sums.split_at_mut(1 << bit);
        if let Some((alone, more)) = from.split_first_mut() {
            *alone = tooth;
            more.iter_mut().zip(before.iter().skip(1)).for_each(|(sum, rest)| *sum = tooth + *rest);
        }
        if let Some((is_odd, x)) = others.next() {
            let point = AffinePoint::decompress(&(*x).into(), (*is_odd).into());
            tooth = point.unwrap_or(AffinePoint::IDENTITY).into();
        }
    }
    sums
}

/// `2^64 * G`, `2^128 * G` and `2^192 * G`: whether y is odd, and x.
#[rustfmt::skip]
const TEETH: [(u8, [u8; 32]); 3] = [
    (1, [0x0f, 0xa8, 0x22, 0xbc, 0x28, 0x11, 0xaa, 0xa5, 0x84, 0x92, 0x59, 0x2e, 0x32, 0x6e, 0x25, 0xde, 0x29, 0x49, 0x3b, 0xaa, 0xad, 0x65, 0x1f, 0x7e, 0x90, 0xe7, 0x5c, 0xb4, 0x8e, 0x14, 0xdb, 0x63]),
    (0, [0x44, 0x7d, 0x73, 0x9b, 0xee, 0xdb, 0x5e, 0x67, 0xfb, 0x98, 0x2f, 0xd5, 0x88, 0xc6, 0x76, 0x6e, 0xfc, 0x35, 0xff, 0x7d, 0xc2, 0x97, 0xea, 0xc3, 0x57, 0xc8, 0x4f, 0xc9, 0xd7, 0x89, 0xbd, 0x85]),
    (0, [0xa6, 0xd3, 0x96, 0x77, 0xa7, 0x84, 0x92, 0x76, 0x27, 0x36, 0xff, 0x83, 0x44, 0x31, 0x5f, 0xc5, 0x96, 0x43, 0x95, 0x91, 0xa3, 0xc6, 0xb9, 0x4a, 0x6c, 0xf2, 0x0f, 0xfb, 0x31, 0x37, 0x28, 0xbe]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars() -> impl Iterator<Item = Scalar> {
        let mut power = Scalar::ONE;
        // Every bit alone, then dense ones: powers of a large number.
        let powers = (0..256).map(move |_| {
            let this = power;
            power = power.double();
            this
        });
        let factor = -Scalar::from(0x9E37_79B9_7F4A_7C15_u64);
        let mut dense = factor;
        let dense = (0..64).map(move |_| {
            let this = dense;
            dense *= factor;
            this
        });
        powers.chain(dense).chain([Scalar::ZERO, -Scalar::ONE, -Scalar::from(2u64)])
    }

    #[test]
    fn the_comb_multiplies_as_the_crate_does() {
        for scalar in scalars() {
            assert_eq!(mul_by_generator(&scalar), ProjectivePoint::GENERATOR * scalar, "{scalar:?}");
        }
    }

    #[test]
    fn every_entry_is_the_sum_that_it_stands_for() {
        let mut tooth = ProjectivePoint::GENERATOR;
        let mut teeth = [tooth; 4];
        for place in &mut teeth {
            *place = tooth;
            (0..SPACING).for_each(|_| tooth = tooth.double());
        }
        for (number, found) in sums_of_teeth().into_iter().enumerate() {
            let chosen = teeth.iter().enumerate().filter(|(bit, _)| number >> bit & 1 == 1);
            assert_eq!(found, chosen.map(|(_, tooth)| *tooth).sum(), "{number}");
        }
    }
}
