//! The limits of orders within the range of auctions.

use clearlane_core::intent::Kind;
use clearlane_core::money::{AUCTION_ATOMS_MAX, Atoms};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::wide::{U256, U512, resize};

/// One in the unit of protocol fees.
const WHOLE: u128 = 1_000_000_000_000_000_000;

/// The limit that leaves enough for a protocol fee of `factor` parts in 10^18 of the volume: more to get for what is
/// sold, less to give for what is bought, rounded for the owner.
pub(super) fn beyond_volume_fee(
    kind: Kind,
    amounts: [(&str, U256); 2],
    factor: u128,
) -> Result<[(&str, U256); 2], Refusal> {
    let [(give_field, give), (get_field, get)] = amounts;
    let wide = |amount: U256| U512::from(amount) * U512::from(WHOLE);
    let beyond = match kind {
        Kind::ExactIn => {
            let left = U512::from(WHOLE.saturating_sub(factor));
            let raised = if left.is_zero() { None } else { resize::<512, 8, 256, 4>(wide(get).div_ceil(left)) };
            raised.map(|get| [(give_field, give), (get_field, get)])
        }
        Kind::ExactOut => {
            let lowered = wide(give) / U512::from(WHOLE.saturating_add(factor));
            resize::<512, 8, 256, 4>(lowered).map(|give| [(give_field, give), (get_field, get)])
        }
    };
    let message = "expected a fee that leaves something of the volume";
    beyond.ok_or_else(|| Refusal::new(Reason::NotSupported, "feePolicies", message))
}

/// Brings both sides below the bound of auctions with the limit price kept: what the owner asks
/// per atom given may become better by the rounding, never worse.
pub(super) fn shrunk(kind: Kind, amounts: [(&str, U256); 2], is_partial: bool) -> Result<[Atoms; 2], Refusal> {
    let [(field, give), (_, get)] = amounts;
    for (field, amount) in amounts {
        if amount.is_zero() {
            return Err(Refusal::new(Reason::AmountZero, field, "expected more than 0 atoms, found 0"));
        }
    }
    let most = U256::from(AUCTION_ATOMS_MAX - 1);
    let (fixed, limit) = match kind {
        Kind::ExactIn => (give, get),
        Kind::ExactOut => (get, give),
    };
    let larger = fixed.max(limit);
    if larger <= most {
        return Ok([give.saturating_to(), get.saturating_to()]);
    }
    let too_large =
        |why: &str| Refusal::new(Reason::AmountTooLarge, field, format!("expected less than 2^112 atoms or {why}"));
    if !is_partial && kind == Kind::ExactOut && get <= most {
        // No auction moves more than the range, so the most to give is as good as unlimited there.
        return Ok([most.saturating_to(), get.saturating_to()]);
    }
    if !is_partial {
        return Err(too_large("an order that may be filled in part, found all or nothing"));
    }
    let small_fixed = scaled(fixed, most, larger);
    let product = U512::from(limit) * U512::from(small_fixed);
    let (floor, rest) = product.div_rem(U512::from(fixed));
    let small_limit = match kind {
        Kind::ExactIn if !rest.is_zero() => floor + U512::ONE,
        Kind::ExactIn | Kind::ExactOut => floor,
    };
    let sides = (Atoms::try_from(small_fixed), Atoms::try_from(small_limit));
    match (kind, sides) {
        (Kind::ExactIn, (Ok(fixed), Ok(limit))) if fixed > 0 && limit > 0 => Ok([fixed, limit]),
        (Kind::ExactOut, (Ok(fixed), Ok(limit))) if fixed > 0 && limit > 0 => Ok([limit, fixed]),
        (Kind::ExactIn | Kind::ExactOut, _) => Err(too_large("a limit price between 2^-112 and 2^112")),
    }
}

fn scaled(amount: U256, numerator: U256, denominator: U256) -> U256 {
    let product = U512::from(amount) * U512::from(numerator);
    U256::from(product / U512::from(denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(exponent: usize) -> U256 {
        U256::ONE << exponent
    }

    #[test]
    fn a_fee_on_the_volume_tightens_the_limit_for_the_owner() {
        let small = |amount: u32| U256::from(amount);
        let tightened = |kind, give, get| {
            let beyond = beyond_volume_fee(kind, sides(small(give), small(get)), WHOLE / 100).expect("a limit");
            beyond.map(|(_, amount)| amount.to::<u32>())
        };
        assert_eq!(tightened(Kind::ExactIn, 1000, 99), [1000, 100]);
        assert_eq!(tightened(Kind::ExactIn, 1000, 100), [1000, 102], "101.01 are rounded up");
        assert_eq!(tightened(Kind::ExactOut, 1000, 100), [990, 100], "990.09 are rounded down");
        let all = beyond_volume_fee(Kind::ExactIn, sides(small(1), small(1)), WHOLE).expect_err("nothing is left");
        assert_eq!((all.reason, all.field.as_str()), (Reason::NotSupported, "feePolicies"));
    }

    fn sides(give: U256, get: U256) -> [(&'static str, U256); 2] {
        [("sell_amount", give), ("buy_amount", get)]
    }

    #[test]
    fn limits_survive_shrinking_or_the_order_is_refused() {
        let unlimited = power(128) - U256::ONE;
        let [give, get] = shrunk(Kind::ExactIn, sides(unlimited, U256::from(1_000_000_u32)), true).expect("shrinks");
        assert_eq!([give, get], [AUCTION_ATOMS_MAX - 1, 16], "15.26 atoms are rounded up for the owner");
        let [give, get] = shrunk(Kind::ExactOut, sides(U256::from(1_000_000_u32), unlimited), true).expect("shrinks");
        assert_eq!([give, get], [15, AUCTION_ATOMS_MAX - 1], "the most to give is rounded down");
        let refusal = shrunk(Kind::ExactIn, sides(unlimited, U256::ONE), false).expect_err("all or nothing");
        assert_eq!(refusal.reason, Reason::AmountTooLarge);
        let refusal = shrunk(Kind::ExactOut, sides(U256::ONE, unlimited), true).expect_err("nothing is left to give");
        assert_eq!(refusal.reason, Reason::AmountTooLarge);
        let [give, get] = shrunk(Kind::ExactOut, sides(unlimited, U256::from(7_u8)), false).expect("is bounded");
        assert_eq!(
            [give, get],
            [AUCTION_ATOMS_MAX - 1, 7],
            "what is bought is not shrunk where only the whole will do"
        );
        let refusal = shrunk(Kind::ExactIn, sides(U256::ZERO, U256::ONE), true).expect_err("nothing to give");
        assert_eq!((refusal.reason, refusal.field.as_str()), (Reason::AmountZero, "sell_amount"));
    }
}
