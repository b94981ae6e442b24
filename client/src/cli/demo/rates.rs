//! Reference rates of real days, as the European Central Bank published them.

use clearlane_core::price::Price;

/// A few days of reference rates: units of each currency per euro.
const FILE: &str = include_str!("../../../data/ecb-rates.csv");

/// The value of one unit of a currency in euros on the last day of the file, to twelve decimals.
pub(super) fn euro_price(currency: &str) -> Option<Price> {
    if currency == "EUR" {
        return Price::new(1, 0);
    }
    let mut lines = FILE.lines().filter(|line| !line.starts_with('#'));
    let column = lines.next()?.split(',').position(|name| name == currency)?;
    let rate = Price::parse(lines.next_back()?.split(',').nth(column)?)?;
    let numerator = 10_u128.checked_pow(12_u32.checked_add(u32::from(rate.places()))?)?;
    Price::new(numerator.checked_div(rate.mantissa())?, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_the_inverse_of_the_published_rates() {
        assert_eq!(euro_price("EUR").map(|price| price.to_string()).as_deref(), Some("1"));
        assert_eq!(euro_price("USD").map(|price| price.to_string()).as_deref(), Some("0.895094880057"));
        assert!(euro_price("XXX").is_none());
    }
}
