//! Times in certificates (RFC 5280 section 4.1.2.5).

use super::der::{Der, tag};
use crate::codec::Malformed;

/// The next value as seconds since 1970-01-01T00:00:00Z: `UTCTime` or `GeneralizedTime`, both ending in `Z`.
pub(crate) fn parse_time(der: &mut Der<'_>) -> Result<i64, Malformed> {
    let (found, text) = der.value()?;
    let (year, rest) = match (found, text) {
        (tag::UTC_TIME, [y0, y1, rest @ ..]) => {
            // RFC 5280: 50 to 99 are the last century.
            let year = two(*y0, *y1)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        (tag::GENERALIZED_TIME, [y0, y1, y2, y3, rest @ ..]) => (two(*y0, *y1)? * 100 + two(*y2, *y3)?, rest),
        _ => return Err(Malformed),
    };
    let [m0, m1, d0, d1, h0, h1, n0, n1, s0, s1, b'Z'] = rest else { return Err(Malformed) };
    let (month, day) = (two(*m0, *m1)?, two(*d0, *d1)?);
    let (hour, minute, second) = (two(*h0, *h1)?, two(*n0, *n1)?, two(*s0, *s1)?);
    let valid =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    if !valid {
        return Err(Malformed);
    }
    Ok(days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second)
}

fn two(tens: u8, ones: u8) -> Result<i64, Malformed> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        Ok(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
    } else {
        Err(Malformed)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, years counted from March.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(found: u8, text: &str) -> Result<i64, Malformed> {
        parse_time(&mut Der::new(&[&[found, text.len() as u8], text.as_bytes()].concat()))
    }

    #[test]
    fn known_times() {
        assert_eq!(parse(tag::UTC_TIME, "700101000000Z"), Ok(0));
        assert_eq!(parse(tag::UTC_TIME, "500101000000Z"), Ok(-631152000));
        assert_eq!(parse(tag::UTC_TIME, "491231235959Z"), Ok(2524607999));
        assert_eq!(parse(tag::GENERALIZED_TIME, "20000229120000Z"), Ok(951825600));
        assert_eq!(parse(tag::GENERALIZED_TIME, "20261122000000Z"), Ok(1795305600));
        assert_eq!(parse(tag::GENERALIZED_TIME, "99991231235959Z"), Ok(253402300799));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "260101000000", "260101000000+0100", "261301000000Z", "260100000000Z", "2601010000Z"]
        {
            assert_eq!(parse(tag::UTC_TIME, text), Err(Malformed), "{text}");
        }
        for text in ["20260101240000Z", "20260101000060.5Z", "2O260101000000Z"] {
            assert_eq!(parse(tag::GENERALIZED_TIME, text), Err(Malformed), "{text}");
        }
        assert_eq!(parse(tag::INTEGER, "700101000000Z"), Err(Malformed));
    }
}
