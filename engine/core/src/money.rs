//! Amounts of one asset in atoms, and the only ways to compute with them.
//!
//! An amount is an unsigned integer; there is no float and no implicit rounding here.

use crate::wide::{U256, wide};

/// An amount of one asset, in its smallest unit.
pub type Atoms = u128;

/// A score or a value, in 10^-18 units of the reference asset.
pub type Score = i128;

/// The most atoms of one asset that may exist: sums of amounts below it cannot overflow.
pub const SUPPLY_MAX: Atoms = 1 << 127;

/// Amounts inside auctions stay below this, so that venue rules can be verified in 512 bits.
pub const AUCTION_ATOMS_MAX: Atoms = 1 << 112;

/// The largest number of decimals an asset may have.
pub const SCALE_MAX: u8 = 18;

/// One million: the unit of fees and caps in parts per million.
pub const MILLION: u128 = 1_000_000;

/// Where the exact quotient lies between two integers, which one is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Toward zero.
    Down,
    /// Away from zero.
    Up,
}

/// Computes `a * b / divisor` exactly in 256 bits; `None` if `divisor` is zero or the result exceeds 128 bits.
#[must_use]
pub fn mul_div(a: Atoms, b: Atoms, divisor: Atoms, rounding: Rounding) -> Option<Atoms> {
    let product = wide::<256, 4>(a).checked_mul(wide(b))?;
    let divisor = wide::<256, 4>(divisor);
    if divisor.is_zero() {
        return None;
    }
    let (quotient, remainder) = product.div_rem(divisor);
    let up = rounding == Rounding::Up && !remainder.is_zero();
    let quotient = if up { quotient.checked_add(U256::ONE)? } else { quotient };
    Atoms::try_from(quotient).ok()
}

/// Parses a human amount such as `12.50` into atoms of an asset with `scale` decimals.
///
/// # Errors
///
/// Names what is wrong with the text: empty, sign, not a number, more decimals than the
/// asset has, or more atoms than may exist.
pub fn parse_amount(text: &str, scale: u8) -> Result<Atoms, AmountError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if text.starts_with('-') {
        return Err(AmountError::Negative);
    }
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let has_bare_point = text.contains('.') && fraction.is_empty();
    if whole.is_empty() || has_bare_point || !is_digits(whole) || !is_digits(fraction) {
        return Err(AmountError::NotANumber);
    }
    if fraction.len() > usize::from(scale) {
        return Err(AmountError::TooPrecise { scale });
    }
    let padding = usize::from(scale).saturating_sub(fraction.len());
    let digits = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', padding));
    let mut atoms: Atoms = 0;
    for digit in digits {
        let next = atoms.checked_mul(10).and_then(|tens| tens.checked_add(u128::from(digit & 0x0f)));
        atoms = next.filter(|sum| *sum <= SUPPLY_MAX).ok_or(AmountError::TooLarge)?;
    }
    Ok(atoms)
}

/// Writes atoms as a human amount with exactly `scale` decimals.
#[must_use]
pub fn format_amount(atoms: Atoms, scale: u8) -> String {
    let width = usize::from(scale).saturating_add(1);
    let digits = format!("{atoms:0>width$}");
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(usize::from(scale)));
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// The text starts with a minus sign.
    Negative,
    /// The text is not digits with at most one decimal point between them.
    NotANumber,
    /// The text has more decimals than the asset.
    TooPrecise {
        /// The decimals the asset has.
        scale: u8,
    },
    /// The amount exceeds [`SUPPLY_MAX`].
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_parse_exactly_or_are_refused() {
        let cases: &[(&str, u8, Result<Atoms, AmountError>)] = &[
            ("0", 2, Ok(0)),
            ("12", 2, Ok(1200)),
            ("12.5", 2, Ok(1250)),
            ("12.50", 2, Ok(1250)),
            ("007", 0, Ok(7)),
            ("0.000000000000000001", 18, Ok(1)),
            ("12.505", 2, Err(AmountError::TooPrecise { scale: 2 })),
            ("12.500", 2, Err(AmountError::TooPrecise { scale: 2 })),
            ("-1", 2, Err(AmountError::Negative)),
            ("", 2, Err(AmountError::NotANumber)),
            (".5", 2, Err(AmountError::NotANumber)),
            ("5.", 2, Err(AmountError::NotANumber)),
            ("1e3", 2, Err(AmountError::NotANumber)),
            ("1_000", 2, Err(AmountError::NotANumber)),
            ("+1", 2, Err(AmountError::NotANumber)),
            ("170141183460469231731687303715884105728", 0, Ok(SUPPLY_MAX)),
            ("170141183460469231731687303715884105729", 0, Err(AmountError::TooLarge)),
            ("999999999999999999999999999999999999999999", 0, Err(AmountError::TooLarge)),
        ];
        for (text, scale, expected) in cases {
            assert_eq!(parse_amount(text, *scale), *expected, "{text} at scale {scale}");
        }
    }

    #[test]
    fn amounts_print_with_every_decimal() {
        assert_eq!(format_amount(1250, 2), "12.50");
        assert_eq!(format_amount(5, 2), "0.05");
        assert_eq!(format_amount(7, 0), "7");
        assert_eq!(format_amount(0, 18), "0.000000000000000000");
    }

    #[test]
    fn mul_div_rounds_as_named() {
        assert_eq!(mul_div(7, 3, 2, Rounding::Down), Some(10));
        assert_eq!(mul_div(7, 3, 2, Rounding::Up), Some(11));
        assert_eq!(mul_div(u128::MAX, u128::MAX, u128::MAX, Rounding::Up), Some(u128::MAX));
        assert_eq!(mul_div(u128::MAX, 2, 1, Rounding::Down), None);
        assert_eq!(mul_div(1, 1, 0, Rounding::Down), None);
    }
}
