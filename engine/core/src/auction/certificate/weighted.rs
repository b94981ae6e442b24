//! Weighted pools of 2 to 8 coins: all uses of all pairs together, in closed form.
//!
//! Every use keeps the product of powers of the two reserves that it changes, so uses of any pairs one after another
//! lead to reserves Z with `product of Z_k^w_k >= product of R_k^w_k` over all coins. With d = Z_k - R_k a coin gains
//! at most `-nu_k d` where it was drawn from and `-nu_k d / gamma` where it was put into, since coming and going only
//! costs fees: in both cases the least of `p_k (R_k - Z_k)` over p_k from nu_k to nu_k / gamma. So for any such p all
//! uses gain at most the sum of `v_k = p_k R_k` less the least of `sum of p_k Z_k`, which by the weighted inequality of
//! means is `W (product of (v_k / w_k)^w_k)^(1/W)`, W being the sum of the weights.
//!
//! The best p is that of the optimum, where one level L rules: a coin is drawn where `nu_k R_k / w_k` is above L, put in
//! where `nu_k R_k / (gamma w_k)` is below it, and idle at `p_k R_k / w_k = L` between, with the product of the
//! `(L w_k / v_k)^w_k` one. A level that is a little off costs the square of that.

use super::level::{Band, level_of, log_by_weight, number_below};
use super::product::reserve_worth;
use super::worth::{Value, Worth};
use crate::money::MILLION;
use crate::venue::LOG_ERROR;
use crate::wide::{U256, U512, U1088, resize};

/// A coin that may be used, by what its whole reserve is worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coin {
    /// Drawn.
    low: Worth,
    /// Put in, which the fee makes dearer.
    high: Worth,
    weight: u64,
}

impl Coin {
    /// Of what an atom is worth and the reserve in millionths; `kept_ppm` is what the fee leaves of a million.
    pub(super) fn new(worth: &Worth, reserve_micro: U256, weight: u64, kept_ppm: u128) -> Option<Coin> {
        let (low, high) =
            (reserve_worth(worth, reserve_micro, MILLION)?, reserve_worth(worth, reserve_micro, kept_ppm)?);
        Some(Coin { low, high, weight })
    }

    /// `v_k` at a level.
    fn at(&self, level: Value) -> Option<Worth> {
        let idle = level.checked_mul(U1088::from(self.weight))?;
        Some(if idle < self.low.up {
            self.low
        } else if idle > self.high.down {
            self.high
        } else {
            Worth { up: idle, down: idle }
        })
    }

    /// Where it is idle, in logarithms of what its reserve is worth for each of its weight.
    fn band(&self) -> Option<Band> {
        let low = log_by_weight(self.low.down, self.weight)?;
        Some(Band { low, high: log_by_weight(self.high.down, self.weight)?.max(low), weight: U512::from(self.weight) })
    }
}

/// The most that uses of any pairs gain together; `None` if it does not fit.
pub(super) fn most(coins: &[Coin]) -> Option<Value> {
    if is_quiet(coins)? {
        return Some(Value::ZERO);
    }
    let whole = coins.iter().try_fold(Value::ZERO, |sum, coin| sum.checked_add(coin.low.up))?;
    // A coin worth nothing may be put in without end.
    if coins.iter().any(|coin| coin.low.down.is_zero()) {
        return Some(whole);
    }
    Some(most_at_level(coins).map_or(whole, |most| most.min(whole)))
}

fn most_at_level(coins: &[Coin]) -> Option<Value> {
    let bands = coins.iter().map(Coin::band).collect::<Option<Vec<_>>>()?;
    let level = number_below(level_of(&bands)?)?;
    let (mut sum, mut weights, mut logs) = (Value::ZERO, U512::ZERO, U512::ZERO);
    for coin in coins {
        let value = coin.at(level)?;
        sum = sum.checked_add(value.up)?;
        weights = weights.checked_add(U512::from(coin.weight))?;
        let log = log_by_weight(value.down, coin.weight)?;
        logs = logs.checked_add(log.checked_mul(U512::from(coin.weight))?)?;
    }
    // One error each of two logarithms, one of the power taken back, and one for rounding.
    let log = logs.checked_div(weights)?.checked_sub(U512::from(LOG_ERROR).checked_mul(U512::from(4_u8))?)?;
    let least = number_below(log)?.checked_mul(resize(weights)?)?;
    Some(sum.saturating_sub(least))
}

/// Whether one level suits every coin as it is: no use gains anything.
fn is_quiet(coins: &[Coin]) -> Option<bool> {
    for drawn in coins {
        for put in coins {
            let gained = drawn.low.up.checked_mul(U1088::from(put.weight))?;
            if gained > put.high.down.checked_mul(U1088::from(drawn.weight))? && !std::ptr::eq(drawn, put) {
                return Some(false);
            }
        }
    }
    Some(true)
}
