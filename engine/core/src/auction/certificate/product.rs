//! Pools whose curve is a product of powers of the reserves: constant-product and weighted pools.
//!
//! Every use keeps the product, so uses after one another lead to reserves Z whose product is at least that of the
//! opening R: what they gain at given prices is at most the maximum over all such Z. With v_k what reserve k is worth
//! (at nu for the coin drawn, at nu / gamma for the coin put in) and W the sum of the weights, the weighted
//! inequality of means gives `sum of v_k - W (product of (v_k / w_k)^w_k)^(1/W)`; nothing if the price is already
//! right, that is unless `v_out / w_out > v_in / w_in`.

use super::worth::{Value, Worth};
use crate::money::MILLION;
use crate::wide::{U256, U1088, div_up, power, resize, root_down, wide};

/// Bits of the product of powers, a few short of the width.
const PRODUCT_BITS: usize = 1_080;

/// One coin of a use: what an atom is worth, the reserve in millionths, and its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coin {
    pub(super) worth: Worth,
    pub(super) reserve_micro: U256,
    pub(super) weight: u32,
}

/// The most that putting in `put` and drawing `drawn` gains; `None` if it does not fit.
///
/// `kept_ppm` is what the fee leaves of a million, not zero.
pub(super) fn most(put: &Coin, drawn: &Coin, kept_ppm: u128) -> Option<Value> {
    let (put_value, drawn_value) = (reserve_worth(put, kept_ppm)?, reserve_worth(drawn, MILLION)?);
    let drawn_rate = drawn_value.up.checked_mul(U1088::from(put.weight))?;
    if drawn_rate <= put_value.down.checked_mul(U1088::from(drawn.weight))? {
        return Some(Value::ZERO);
    }
    let left = least_sum([(put_value.down, put.weight), (drawn_value.down, drawn.weight)])?;
    Some(put_value.up.checked_add(drawn_value.up)?.saturating_sub(left))
}

/// The whole reserve at `worth` an atom, divided by `unit` of the million.
fn reserve_worth(coin: &Coin, unit: u128) -> Option<Worth> {
    let reserve: U1088 = resize(coin.reserve_micro)?;
    let unit = wide(unit);
    Some(Worth {
        up: div_up(coin.worth.up.checked_mul(reserve)?, unit)?,
        down: coin.worth.down.checked_mul(reserve)?.checked_div(unit)?,
    })
}

/// `W (product of (v_k / w_k)^w_k)^(1/W)`, rounded down, on as many leading bits as the power takes.
fn least_sum<const COINS: usize>(values: [(Value, u32); COINS]) -> Option<Value> {
    let sum = values.iter().try_fold(0_u32, |sum, (_, weight)| sum.checked_add(*weight))?;
    let bits = PRODUCT_BITS.checked_div(usize::try_from(sum).ok()?)?;
    let longest = values.iter().map(|(value, _)| value.bit_len()).max()?;
    let shift = longest.saturating_sub(bits);
    let (mut product, mut divisor) = (U1088::ONE, U1088::ONE);
    for (value, weight) in values {
        product = product.checked_mul(power(value.wrapping_shr(shift), weight)?)?;
        divisor = divisor.checked_mul(power(U1088::from(weight), weight)?)?;
    }
    let root = root_down(product.checked_div(divisor)?, sum)?;
    root.checked_mul(U1088::from(sum))?.checked_shl(shift)
}
