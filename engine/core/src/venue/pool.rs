//! What pools of two and more coins share: a curve over reserves in millionths of an atom.
//!
//! Each kind of pool says which pairs of reserves its curve allows; amounts follow here, exactly.
//! A use never changes the terms, and what it leaves on the table stays in the reserves.

use super::{Direction, PerCoin, Rate, VenueState, is_auction_amount};
use crate::money::{AUCTION_ATOMS_MAX, Atoms, MILLION};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, div_up, resize, wide};

/// Reserves in millionths stay below 2 to this, so that eight of them multiply within 1,088 bits.
pub(crate) const RESERVE_MICRO_BITS: usize = 136;

const MICRO: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

/// A pool's reserves in millionths, from the view of one use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides<'a> {
    /// The reserve of the coin that goes in.
    pub(super) put: U256,
    /// The reserve of the coin that comes out.
    pub(super) drawn: U256,
    /// All reserves before the use; it leaves those of the other coins as they are.
    pub(super) reserves: &'a PerCoin<U256>,
}

impl Sides<'_> {
    fn of(state: &VenueState, direction: Direction) -> Option<Sides<'_>> {
        let VenueState::Pool { reserves_micro: reserves } = state else {
            return None;
        };
        let (put, drawn) = (reserves.get(direction.from)?, reserves.get(direction.into)?);
        let sides = Sides { put, drawn, reserves };
        (direction.is_pair() && sides.are_usable()).then_some(sides)
    }

    fn into_state(self, direction: Direction) -> Option<VenueState> {
        let mut reserves_micro = *self.reserves;
        *reserves_micro.get_mut(direction.from)? = self.put;
        *reserves_micro.get_mut(direction.into)? = self.drawn;
        Some(VenueState::Pool { reserves_micro })
    }

    fn reversed(self) -> Self {
        Sides { put: self.drawn, drawn: self.put, ..self }
    }

    fn are_usable(&self) -> bool {
        is_usable(self.put) && is_usable(self.drawn)
    }

    fn put_after(&self, kept_ppm: U256, amount_in: Atoms) -> Option<U256> {
        let gain = wide::<256, 4>(amount_in).checked_mul(kept_ppm)?;
        self.put.checked_add(gain).filter(|reserve| is_usable(*reserve))
    }

    fn drawn_after(&self, amount_out: Atoms) -> Option<U256> {
        let loss = wide::<256, 4>(amount_out).checked_mul(MICRO)?;
        self.drawn.checked_sub(loss).filter(|reserve| is_usable(*reserve))
    }
}

/// The rule of one kind of pool; growing either reserve never breaks it.
pub(super) trait Curve {
    /// The fee on what goes in, in parts per million.
    fn fee_ppm(&self) -> u32;

    /// Whether a use may lead from the reserves `before` to the reserves `after`.
    fn allows(&self, direction: Direction, before: &Sides<'_>, after: &Sides<'_>) -> bool;

    /// The least reserve of the drawn coin that is allowed once the other one is `put`.
    fn least_drawn(&self, direction: Direction, before: &Sides<'_>, put: U256) -> Option<U256>;

    /// An upper bound on what the next millionth put in lets out, on the curve at `before.put`.
    fn slope(&self, direction: Direction, before: &Sides<'_>) -> Option<Rate>;

    fn kept_ppm(&self) -> Option<U256> {
        MILLION.checked_sub(u128::from(self.fee_ppm())).filter(|kept| *kept > 0).map(wide)
    }
}

pub(super) fn out_for(curve: &impl Curve, state: &VenueState, direction: Direction, amount_in: Atoms) -> Option<Atoms> {
    let before = Sides::of(state, direction).filter(|_| is_auction_amount(amount_in))?;
    let put = before.put_after(curve.kept_ppm()?, amount_in)?;
    let least = curve.least_drawn(direction, &before, put)?.max(U256::ONE);
    let room = before.drawn.checked_sub(least)?.checked_div(MICRO)?;
    Some(Atoms::try_from(room).ok()?.min(AUCTION_ATOMS_MAX.saturating_sub(1)))
}

pub(super) fn in_for(curve: &impl Curve, state: &VenueState, direction: Direction, amount_out: Atoms) -> Option<Atoms> {
    let before = Sides::of(state, direction).filter(|_| amount_out < AUCTION_ATOMS_MAX)?;
    let drawn = before.drawn_after(amount_out)?;
    let kept = curve.kept_ppm()?;
    let least = curve.least_drawn(direction.reversed(), &before.reversed(), drawn)?;
    let need = div_up(least.saturating_sub(before.put), kept)?;
    let amount_in = Atoms::try_from(need).ok()?.max(1);
    let after = Sides { put: before.put_after(kept, amount_in)?, drawn, ..before };
    (is_auction_amount(amount_in) && curve.allows(direction, &before, &after)).then_some(amount_in)
}

pub(super) fn take(
    curve: &impl Curve,
    state: &VenueState,
    direction: Direction,
    amount_in: Atoms,
    amount_out: Atoms,
) -> Result<VenueState, Refusal> {
    let after = || {
        let before = Sides::of(state, direction)?;
        let are_amounts = is_auction_amount(amount_in) && amount_out < AUCTION_ATOMS_MAX;
        let put = before.put_after(curve.kept_ppm()?, amount_in)?;
        let after = Sides { put, drawn: before.drawn_after(amount_out)?, ..before };
        let is_allowed = are_amounts && curve.allows(direction, &before, &after);
        if is_allowed { after.into_state(direction) } else { None }
    };
    match after() {
        Some(state) => Ok(state),
        None => Err(super::too_much(out_for(curve, state, direction, amount_in), amount_in, amount_out)),
    }
}

pub(super) fn best_rate(curve: &impl Curve, state: &VenueState, direction: Direction) -> Option<Rate> {
    let before = Sides::of(state, direction)?;
    let whole_reserve = Rate { numerator: resize(before.drawn)?, denominator: resize(MICRO)? };
    let slope = curve.slope(direction, &before)?;
    if slope.denominator.is_zero() {
        return Some(whole_reserve);
    }
    Some(Rate {
        numerator: slope.numerator.checked_mul(resize(curve.kept_ppm()?)?)?,
        denominator: slope.denominator.checked_mul(resize(MICRO)?)?,
    })
}

pub(super) fn unclaimed(curve: &impl Curve, state: &VenueState, direction: Direction) -> Option<Atoms> {
    let before = Sides::of(state, direction)?;
    let least = curve.least_drawn(direction, &before, before.put)?;
    Atoms::try_from(div_up(before.drawn.saturating_sub(least), MICRO)?).ok()
}

/// Reserves in whole atoms, each rounded up.
pub(super) fn reserves_up(reserves_micro: &PerCoin<U256>) -> Option<PerCoin<Atoms>> {
    reserves_micro.try_map(|reserve| Atoms::try_from(div_up(reserve, MICRO)?).ok())
}

/// Reserves in whole atoms, each rounded down.
pub(super) fn reserves_down(reserves_micro: &PerCoin<U256>) -> Option<PerCoin<Atoms>> {
    reserves_micro.try_map(|reserve| Atoms::try_from(reserve.checked_div(MICRO)?).ok())
}

pub(super) fn validate_fee(fee_ppm: u32) -> Result<(), Refusal> {
    if u128::from(fee_ppm) < MILLION {
        return Ok(());
    }
    let message = format!("expected less than {MILLION} parts per million, found {fee_ppm}");
    Err(Refusal::new(Reason::OutOfRange, "fee_ppm", message))
}

fn is_usable(reserve: U256) -> bool {
    !reserve.is_zero() && reserve.bit_len() <= RESERVE_MICRO_BITS
}
