//! Reference prices: exact decimals as written, never floats.

use crate::money::{Atoms, Rounding};
use crate::wide::{U512, wide};

/// The most decimals a price may have; with an asset's scale on top its powers of ten fit 256 bits.
pub const PRICE_PLACES_MAX: u8 = 40;
/// A price has at most this many significant bits, so that scores fit 1,024 bits.
pub const PRICE_BITS_MAX: u32 = 96;

/// The value of one whole unit of an asset in the reference asset: `mantissa / 10^places`, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price {
    mantissa: u128,
    places: u8,
}

impl Price {
    /// Makes a price of `mantissa / 10^places`; `None` if it is zero or out of bounds.
    #[must_use]
    pub fn new(mantissa: u128, places: u8) -> Option<Price> {
        let (mut mantissa, mut places) = (mantissa, places);
        while places > 0 && mantissa != 0 && mantissa.is_multiple_of(10) {
            mantissa = mantissa.checked_div(10)?;
            places = places.checked_sub(1)?;
        }
        let is_bounded = mantissa.checked_ilog2()? < PRICE_BITS_MAX && places <= PRICE_PLACES_MAX;
        is_bounded.then_some(Price { mantissa, places })
    }

    /// Parses `0.00055`, `12` or `3.8127041e-11`; `None` if the text is anything else, zero, or out of bounds.
    #[must_use]
    pub fn parse(text: &str) -> Option<Price> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || (number.contains('.') && fraction.is_empty()) {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mantissa = digits.parse::<u128>().ok()?;
        let places = i16::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        Price::scaled(mantissa, places)
    }

    /// The price of the same asset counted in units `10^shift` times as large.
    #[must_use]
    pub fn shifted(self, shift: i16) -> Option<Price> {
        Price::scaled(self.mantissa, i16::from(self.places).checked_sub(shift)?)
    }

    /// The integer before division by `10^places`.
    #[must_use]
    pub fn mantissa(self) -> u128 {
        self.mantissa
    }

    /// The number of decimals.
    #[must_use]
    pub fn places(self) -> u8 {
        self.places
    }

    /// How the value of this price compares with another's.
    ///
    /// Below 2^96 times 10^40 each side fits 256 bits.
    #[must_use]
    pub fn cmp_value(self, other: Price) -> std::cmp::Ordering {
        let scaled = |price: Price, places: u8| {
            let power = U512::from(10_u8).saturating_pow(U512::from(places));
            wide::<512, 8>(price.mantissa).saturating_mul(power)
        };
        scaled(self, other.places).cmp(&scaled(other, self.places))
    }

    /// `amount` atoms of an asset with `from_scale` decimals, times this price, in atoms of one with `to_scale`.
    ///
    /// `None` if the result exceeds 128 bits.
    #[must_use]
    pub fn convert(self, amount: Atoms, from_scale: u8, to_scale: u8, rounding: Rounding) -> Option<Atoms> {
        let ten = U512::from(10_u8);
        let power = |exponent: u32| ten.checked_pow(U512::from(exponent));
        let up = power(u32::from(to_scale))?;
        let down = power(u32::from(self.places).checked_add(u32::from(from_scale))?)?;
        let product = wide::<512, 8>(amount).checked_mul(wide(self.mantissa))?.checked_mul(up)?;
        let (quotient, remainder) = product.div_rem(down);
        let is_up = rounding == Rounding::Up && !remainder.is_zero();
        let result = if is_up { quotient.checked_add(U512::ONE)? } else { quotient };
        Atoms::try_from(result).ok()
    }

    /// The least atoms of an asset with `scale` decimals that are worth one reference unit.
    #[must_use]
    pub fn atoms_worth_one(self, scale: u8) -> Option<Atoms> {
        let exponent = u32::from(self.places).checked_add(u32::from(scale))?;
        let numerator = U512::from(10_u8).checked_pow(U512::from(exponent))?;
        Atoms::try_from(numerator.div_ceil(wide(self.mantissa))).ok()
    }

    fn scaled(mantissa: u128, places: i16) -> Option<Price> {
        if places >= 0 {
            let mut mantissa = mantissa;
            let mut places = places;
            while places > i16::from(PRICE_PLACES_MAX) && mantissa != 0 && mantissa.is_multiple_of(10) {
                mantissa = mantissa.checked_div(10)?;
                places = places.checked_sub(1)?;
            }
            return Price::new(mantissa, u8::try_from(places).ok()?);
        }
        let factor = 10_u128.checked_pow(u32::from(places.unsigned_abs()))?;
        Price::new(mantissa.checked_mul(factor)?, 0)
    }
}

impl std::fmt::Display for Price {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let width = usize::from(self.places).saturating_add(1);
        let digits = format!("{:0>width$}", self.mantissa);
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(usize::from(self.places)));
        if fraction.is_empty() { formatter.write_str(whole) } else { write!(formatter, "{whole}.{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_compare_by_value() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let most = u128::MAX >> 32;
        let cases = [
            ((1, 0), (10, 1), Equal),
            ((9, 1), (1, 0), Less),
            ((12, 0), (3, 0), Greater),
            ((most, 0), (1, 40), Greater),
            ((most, 40), (most, 39), Less),
            ((1, 40), (most, 0), Less),
        ];
        for ((one, one_places), (other, other_places), expected) in cases {
            let price = |mantissa, places| Price::new(mantissa, places).expect("a price");
            let (one, other) = (price(one, one_places), price(other, other_places));
            assert_eq!(one.cmp_value(other), expected, "{one} and {other}");
            assert_eq!(other.cmp_value(one), expected.reverse(), "{other} and {one}");
        }
    }

    #[test]
    fn prices_are_read_as_written() {
        let cases: &[(&str, Option<&str>)] = &[
            ("1", Some("1")),
            ("1.000", Some("1")),
            ("0.000554548666839596", Some("0.000554548666839596")),
            ("3.8127041e-11", Some("0.000000000038127041")),
            ("1171759.2091762798", Some("1171759.2091762798")),
            ("2E3", Some("2000")),
            ("0", None),
            ("-1", None),
            ("1.", None),
            (".1", None),
            ("nan", None),
            ("1e99", None),
            ("1_0", None),
        ];
        for (text, expected) in cases {
            let printed = Price::parse(text).map(|price| price.to_string());
            assert_eq!(printed.as_deref(), *expected, "{text}");
        }
    }
}
