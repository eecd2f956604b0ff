//! Numbers of self-describing formats (CBOR, JSON) as values of the type that the resource has.

use crate::model::{Status, Time, Type, Value};
use crate::text::from_integer;

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// Zero or more.
    Unsigned(u64),
    /// Less than zero.
    Negative(i64),
    /// With a point or an exponent.
    Float(f64),
}

impl Number {
    /// The number as a value. A float is the one nearest to what was written, as it is with decimals: a device writes large ones
    /// without a point itself. Other types are converted only where nothing is lost.
    pub(super) fn value(self, kind: Type) -> Result<Value<'static>, Status> {
        match kind {
            Type::Float => Some(Value::Double(self.float())),
            Type::Integer => self.integer().map(Value::Integer),
            Type::Time => self.integer().map(|seconds| Value::Time(Time(seconds))),
            Type::Unsigned => match self.whole() {
                Self::Unsigned(value) => Some(Value::Unsigned(value)),
                _ => None,
            },
            _ => None,
        }
        .ok_or(Status::BadRequest)
    }

    const fn float(self) -> f64 {
        match self {
            Self::Float(value) => value,
            Self::Unsigned(value) => from_integer(value, false),
            Self::Negative(value) => from_integer(value.unsigned_abs(), true),
        }
    }

    fn integer(self) -> Option<i64> {
        match self.whole() {
            Self::Unsigned(value) => i64::try_from(value).ok(),
            Self::Negative(value) => Some(value),
            Self::Float(_) => None,
        }
    }

    /// `21.0` as 21; other numbers as they are. By bits, so that no conversion has to be linked.
    fn whole(self) -> Self {
        let Self::Float(value) = self else { return self };
        let bits = value.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as i32 - 1075;
        let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
        let magnitude = match exponent {
            _ if bits << 1 == 0 => 0,
            0..=10 => mantissa << exponent,
            -52..=-1 if mantissa.trailing_zeros() as i32 >= -exponent => mantissa >> -exponent,
            _ => return self,
        };
        if bits >> 63 == 0 || magnitude == 0 {
            Self::Unsigned(magnitude)
        } else {
            Self::Negative(-(magnitude as i64))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(number: Number) -> Option<i64> {
        match number.value(Type::Integer) {
            Ok(Value::Integer(value)) => Some(value),
            _ => None,
        }
    }

    #[test]
    fn conversions_lose_nothing() {
        assert_eq!(integer(Number::Unsigned(u64::MAX)), None);
        assert_eq!(integer(Number::Float(21.0)), Some(21));
        assert_eq!(integer(Number::Float(-21.0)), Some(-21));
        assert_eq!(integer(Number::Float(-0.0)), Some(0));
        assert_eq!(integer(Number::Float(1.0)), Some(1));
        assert_eq!(integer(Number::Float(0.5)), None);
        assert_eq!(integer(Number::Float(4611686018427387904.0)), Some(1 << 62));
        assert_eq!(integer(Number::Float(9223372036854775808.0)), None);
        assert_eq!(integer(Number::Float(f64::INFINITY)), None);
        assert_eq!(integer(Number::Float(21.5)), None);
        assert_eq!(integer(Number::Float(f64::NAN)), None);
        assert_eq!(integer(Number::Float(1e300)), None);
        assert!(matches!(Number::Unsigned(7).value(Type::Float), Ok(Value::Double(7.0))));
        assert!(matches!(Number::Unsigned(u64::MAX).value(Type::Unsigned), Ok(Value::Unsigned(u64::MAX))));
        assert!(Number::Negative(-1).value(Type::Unsigned).is_err());
        assert!(Number::Unsigned(1).value(Type::Boolean).is_err());
    }

    #[test]
    fn large_integers_are_rounded_to_floats() {
        for value in
            [(1 << 53) + 1, (1 << 53) + 3, 97_203_668_854_875_780, i64::MAX as u64, u64::MAX - 1024, u64::MAX]
        {
            let Ok(Value::Double(float)) = Number::Unsigned(value).value(Type::Float) else {
                panic!("{value}")
            };
            assert_eq!(float, value as f64);
        }
        assert!(matches!(
            Number::Negative(i64::MIN).value(Type::Float),
            Ok(Value::Double(-9.223372036854775808e18))
        ));
        assert!(matches!(Number::Negative(-1).value(Type::Float), Ok(Value::Double(-1.0))));
    }
}
