//! Constant products of two reserves: whole pools, and ranges of concentrated ones.
//!
//! Every use keeps the product, so uses after one another lead to reserves Z whose product is at least that of the
//! opening: what they gain at given prices is at most the maximum over all such Z. With u and v what the reserves are
//! worth of the coin put in (at nu / gamma) and of the coin drawn (at nu), the inequality of means gives
//! `u + v - 2 sqrt(u v)`; nothing if the price is already right, that is unless `v > u`.

use super::worth::{Value, Worth};
use crate::money::MILLION;
use crate::wide::{U256, U1088, div_up, resize, root_down, wide};

/// A product keeps this many bits, a few short of the width.
const PRODUCT_BITS: usize = 1_080;

/// The most that uses of one direction gain, from the reserves of the coin put in and of the coin drawn in millionths;
/// `None` if it does not fit.
///
/// `kept_ppm` is what the fee leaves of a million, not zero.
pub(super) fn most(reserves_micro: [U256; 2], kept_ppm: u128, put: &Worth, drawn: &Worth) -> Option<Value> {
    let [put_micro, drawn_micro] = reserves_micro;
    most_of_values(&reserve_worth(put, put_micro, kept_ppm)?, &reserve_worth(drawn, drawn_micro, MILLION)?)
}

/// The same by what the whole reserves are worth.
pub(super) fn most_of_values(put: &Worth, drawn: &Worth) -> Option<Value> {
    if drawn.up <= put.down {
        return Some(Value::ZERO);
    }
    let shift = put.down.bit_len().max(drawn.down.bit_len()).saturating_sub(PRODUCT_BITS / 2);
    let product = put.down.wrapping_shr(shift).checked_mul(drawn.down.wrapping_shr(shift))?;
    let least = root_down(product, 2)?.checked_mul(U1088::from(2_u8))?.checked_shl(shift)?;
    Some(put.up.checked_add(drawn.up)?.saturating_sub(least))
}

/// The whole reserve at `worth` an atom, divided by `unit` of the million.
pub(super) fn reserve_worth(worth: &Worth, reserve_micro: U256, unit: u128) -> Option<Worth> {
    let reserve: U1088 = resize(reserve_micro)?;
    let unit = wide(unit);
    Some(Worth {
        up: div_up(worth.up.checked_mul(reserve)?, unit)?,
        down: worth.down.checked_mul(reserve)?.checked_div(unit)?,
    })
}
