//! Points of P-256 in Jacobian coordinates: x = X / Z^2, y = Y / Z^3. Over the field of the `p256` crate, whose own points have
//! formulas without exceptions that take half as many multiplications again;
//! docs/decisions/0014-multiplication-on-the-curve.md says where the exceptions of these are.

use ::p256::FieldElement;
use ::p256::elliptic_curve::subtle::ConditionallySelectable;
use zeroize::Zeroize;

/// A point; Z is 0 at infinity.
#[derive(Clone, Copy)]
pub(super) struct Point {
    x: FieldElement,
    y: FieldElement,
    z: FieldElement,
}

impl Point {
    pub(super) const INFINITY: Self =
        Self { x: FieldElement::ONE, y: FieldElement::ONE, z: FieldElement::ZERO };

    /// The point with these coordinates, which must be on the curve.
    pub(super) const fn from_affine(x: FieldElement, y: FieldElement) -> Self {
        Self { x, y, z: FieldElement::ONE }
    }

    /// The coordinates; zeros for the point at infinity.
    pub(super) fn to_affine(self) -> (FieldElement, FieldElement) {
        let inverse = self.z.invert().unwrap_or(FieldElement::ZERO);
        let square = inverse.square();
        (self.x * square, self.y * square * inverse)
    }

    pub(super) fn negate(self) -> Self {
        Self { y: -self.y, ..self }
    }

    pub(super) fn is_infinity(&self) -> bool {
        self.z.is_zero().into()
    }

    /// Whether this is the x coordinate, and the point is not at infinity.
    pub(super) fn has_x(&self, x: &FieldElement) -> bool {
        !self.is_infinity() && *x * self.z.square() == self.x
    }

    /// `2 * self` for every point (as dbl-2001-b): 4 multiplications, 4 squares.
    #[inline(never)]
    pub(super) fn double(&self) -> Self {
        let delta = self.z.square();
        let twice_gamma = self.y.square().double();
        let third = (self.x - delta) * (self.x + delta);
        let alpha = third.double() + third;
        let beta = (self.x * twice_gamma).double();
        let x = alpha.square() - beta.double();
        let y = alpha * (beta - x) - twice_gamma.square().double();
        Self { x, y, z: (self.y * self.z).double() }
    }

    /// `self + other`, and H and r of the formula. What it answers is of no use when one of the points is at infinity, or when
    /// both have the same x (H = 0): 12 multiplications, 4 squares.
    #[inline(never)]
    #[expect(
        clippy::many_single_char_names,
        reason = "the names that the formula (add-1998-cmo-2) has everywhere"
    )]
    fn sum(&self, other: &Self) -> (Self, FieldElement, FieldElement) {
        let (square, other_square) = (self.z.square(), other.z.square());
        let u = self.x * other_square;
        let s = self.y * other.z * other_square;
        let h = other.x * square - u;
        let r = other.y * self.z * square - s;
        let h_square = h.square();
        let h_cube = h * h_square;
        let v = u * h_square;
        let x = r.square() - h_cube - v.double();
        let y = r * (v - x) - s * h_cube;
        (Self { x, y, z: self.z * other.z * h }, h, r)
    }

    /// `self + other` in constant time, where both may be at infinity; but neither may be the other, nor its opposite.
    pub(super) fn add_distinct(&self, other: &Self) -> Self {
        let (mut sum, _, _) = self.sum(other);
        sum.conditional_assign(self, other.z.is_zero());
        sum.conditional_assign(other, self.z.is_zero());
        sum
    }

    /// `self + other` for all points, in variable time.
    pub(super) fn add_public(&self, other: &Self) -> Self {
        if self.is_infinity() {
            return *other;
        }
        if other.is_infinity() {
            return *self;
        }
        let (sum, h, r) = self.sum(other);
        match (bool::from(h.is_zero()), bool::from(r.is_zero())) {
            (false, _) => sum,
            (true, true) => self.double(),
            (true, false) => Self::INFINITY,
        }
    }
}

impl ConditionallySelectable for Point {
    fn conditional_select(a: &Self, b: &Self, choice: ::p256::elliptic_curve::subtle::Choice) -> Self {
        let select = FieldElement::conditional_select;
        Self { x: select(&a.x, &b.x, choice), y: select(&a.y, &b.y, choice), z: select(&a.z, &b.z, choice) }
    }
}

impl Zeroize for Point {
    fn zeroize(&mut self) {
        self.x.zeroize();
        self.y.zeroize();
        self.z.zeroize();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::multiply::GENERATOR;
    use super::*;
    use ::p256::ProjectivePoint;
    use ::p256::elliptic_curve::Group;
    use ::p256::elliptic_curve::sec1::ToEncodedPoint;

    /// The same point for the crate's arithmetic.
    pub(in super::super) fn same(ours: &Point, theirs: &ProjectivePoint) -> bool {
        let encoded = theirs.to_encoded_point(false);
        let (Some(x), Some(y)) = (encoded.x(), encoded.y()) else { return ours.is_infinity() };
        let (own_x, own_y) = ours.to_affine();
        !ours.is_infinity() && own_x.to_bytes() == *x && own_y.to_bytes() == *y
    }

    #[test]
    fn sums_and_doubles_are_those_of_the_crate() {
        let (mut ours, mut theirs) = (GENERATOR, ProjectivePoint::GENERATOR);
        for step in 0..40 {
            assert!(same(&ours, &theirs), "{step}");
            let (next, other) = (ours.double(), theirs.double());
            assert!(same(&next, &other), "{step}");
            assert!(same(&next.add_distinct(&ours), &(other + theirs)), "{step}");
            ours = next.add_public(&GENERATOR);
            theirs = other + ProjectivePoint::GENERATOR;
        }
    }

    #[test]
    fn exceptions() {
        let infinity = Point::INFINITY;
        let five = GENERATOR.double().double().add_public(&GENERATOR);
        let other_form = GENERATOR.add_public(&GENERATOR.double()).add_public(&GENERATOR.double());
        assert!(infinity.double().is_infinity());
        for add in [Point::add_public, Point::add_distinct] {
            assert!(add(&infinity, &infinity).is_infinity());
            assert!(same(&add(&infinity, &five), &(ProjectivePoint::GENERATOR * ::p256::Scalar::from(5u64))));
            assert!(same(&add(&five, &infinity), &(ProjectivePoint::GENERATOR * ::p256::Scalar::from(5u64))));
        }
        let ten = ProjectivePoint::GENERATOR * ::p256::Scalar::from(10u64);
        assert!(same(&five.add_public(&other_form), &ten));
        assert!(five.add_public(&other_form.negate()).is_infinity());
        assert!(!infinity.has_x(&FieldElement::ONE) && !infinity.has_x(&FieldElement::ZERO));
        let (x, _) = five.to_affine();
        assert!(other_form.has_x(&x) && !GENERATOR.has_x(&x));
    }
}
