//! Decimals of any size, compared exactly: a total order with no float and no rounding.

use std::cmp::Ordering;

/// The longest text and the largest exponent that are read: far beyond any score, and a bound on the work.
const DIGITS_MAX: usize = 200;

/// A number as JSON writes it; equal numbers are equal however they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    is_negative: bool,
    /// Digits before the point, without leading zeros.
    whole: String,
    /// Digits after the point, without trailing zeros.
    fraction: String,
}

impl Decimal {
    /// Nothing.
    pub(crate) fn zero() -> Decimal {
        Decimal { is_negative: false, whole: String::new(), fraction: String::new() }
    }

    /// Reads digits with an optional sign, fraction and exponent: `-12.50`, `1e3`.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        if text.len() > DIGITS_MAX {
            return None;
        }
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let are_digits = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let exponent: i16 = exponent.parse().ok()?;
        let shift = usize::from(exponent.unsigned_abs());
        if shift > DIGITS_MAX {
            return None;
        }
        let zeros = "0".repeat(shift);
        let (whole, fraction) = if exponent < 0 {
            let padded = format!("{zeros}{whole}");
            let (kept, moved) = padded.split_at_checked(padded.len().checked_sub(shift)?)?;
            (kept.to_owned(), format!("{moved}{fraction}"))
        } else {
            let padded = format!("{fraction}{zeros}");
            let (moved, kept) = padded.split_at_checked(shift)?;
            (format!("{whole}{moved}"), kept.to_owned())
        };
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        let (whole, fraction) = (whole.to_owned(), fraction.to_owned());
        Some(Decimal { is_negative: is_negative && !is_zero, whole, fraction })
    }

    fn size(&self) -> (usize, &str, &str) {
        // Without leading zeros more digits are more; equally many compare as texts do.
        (self.whole.len(), &self.whole, &self.fraction)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Decimal) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, false) => self.size().cmp(&other.size()),
            (true, true) => other.size().cmp(&self.size()),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("expected a decimal, found {text:?}"))
    }

    /// Least first; texts in one row are equal.
    const ORDERED: &[&[&str]] = &[
        &["-1e200"],
        &["-100000000000000000000002", "-1.00000000000000000000002e23"],
        &["-100000000000000000000001"],
        &["-1.5", "-15e-1"],
        &["-0.000000000000000001", "-1E-18"],
        &["0", "-0", "0.000", "0e5"],
        &["0.05", "5e-2"],
        &["0.5", "00.50"],
        &["9.99"],
        &["10", "1e1", "1.0e+1"],
        &["18446744073709551616"],
        &["18446744073709551616.5"],
        &["100000000000000000000001"],
        &["100000000000000000000002"],
    ];

    #[test]
    fn the_order_is_exact_and_total() {
        for (at, row) in ORDERED.iter().enumerate() {
            for (other_at, other_row) in ORDERED.iter().enumerate() {
                for (one, other) in row.iter().flat_map(|one| other_row.iter().map(move |other| (one, other))) {
                    assert_eq!(of(one).cmp(&of(other)), at.cmp(&other_at), "{one} and {other}");
                    assert_eq!(of(one) == of(other), at == other_at, "{one} and {other}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_decimal_or_too_large_is_refused() {
        for text in ["", "-", "+1", "1.", ".5", "1e", "e1", "0x1", "NaN", "inf", "1 ", "1e201", "1e-99999"] {
            assert_eq!(Decimal::parse(text), None, "{text:?}");
        }
        assert_eq!(Decimal::parse(&"1".repeat(DIGITS_MAX + 1)), None);
    }
}
