//! Two sides of one pair matched at one price, in whole atoms.
//!
//! The price is atoms of the fine asset per atom of the coarse one. What changes hands of the
//! coarse asset balances exactly; of the fine asset at most as much is left over as rounding
//! forces, and that goes to the fills that can take it.

use clearlane_core::auction::Fill;
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::IntentIndex;

/// How often both sides are fitted to each other; each time the volume can only shrink.
const ROUNDS_MAX: usize = 32;

/// Atoms of the fine asset per atom of the coarse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ratio {
    pub(super) fine: Atoms,
    pub(super) coarse: Atoms,
}

/// What is left of one option of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) intent: IntentIndex,
    pub(super) option: u16,
    pub(super) kind: Kind,
    /// The limit price is `get_amount` per `give_amount`.
    pub(super) give_amount: Atoms,
    pub(super) get_amount: Atoms,
    /// The most of the fixed side.
    pub(super) cap: Atoms,
    /// What the intent has left of the fixed side; a fill leaves none of it or at least `minimum`.
    pub(super) remaining: Atoms,
    pub(super) minimum: Atoms,
    pub(super) is_all_or_nothing: bool,
    /// Whether less than one coarse atom's worth of it may be left unfilled to make amounts meet.
    pub(super) is_trimmed: bool,
}

/// Which way an order trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// It gives the coarse asset.
    GivesCoarse,
    /// It gives the fine asset.
    GivesFine,
}

impl Ratio {
    fn to_fine(self, coarse: Atoms, rounding: Rounding) -> Option<Atoms> {
        mul_div(coarse, self.fine, self.coarse, rounding)
    }

    fn to_coarse(self, fine: Atoms, rounding: Rounding) -> Option<Atoms> {
        mul_div(fine, self.coarse, self.fine, rounding)
    }
}

impl Order {
    /// The coarse atoms that change hands if all of `cap` is filled.
    fn coarse_cap(&self, side: Side, price: Ratio) -> Option<Atoms> {
        match (side, self.kind) {
            (Side::GivesCoarse, Kind::ExactIn) | (Side::GivesFine, Kind::ExactOut) => Some(self.cap),
            (Side::GivesCoarse, Kind::ExactOut) if self.is_trimmed => price.to_coarse(self.cap, Rounding::Down),
            (Side::GivesCoarse, Kind::ExactOut) => price.to_coarse(self.cap, Rounding::Up),
            (Side::GivesFine, Kind::ExactIn) => price.to_coarse(self.cap, Rounding::Down),
        }
    }

    /// The fill at which exactly `coarse` atoms change hands, if the order's rules allow it.
    fn fill(&self, side: Side, price: Ratio, coarse: Atoms) -> Option<Fill> {
        let is_whole = !self.is_trimmed && coarse == self.coarse_cap(side, price)?;
        let (sold, bought) = match (side, self.kind) {
            (Side::GivesCoarse, Kind::ExactOut) if is_whole => (coarse, self.cap),
            (Side::GivesFine, Kind::ExactIn) if is_whole => (self.cap, coarse),
            (Side::GivesCoarse, Kind::ExactIn | Kind::ExactOut) => (coarse, price.to_fine(coarse, Rounding::Down)?),
            (Side::GivesFine, Kind::ExactIn | Kind::ExactOut) => (price.to_fine(coarse, Rounding::Up)?, coarse),
        };
        let fixed = match self.kind {
            Kind::ExactIn => sold,
            Kind::ExactOut => bought,
        };
        let rest = self.remaining.checked_sub(fixed)?;
        let is_size_allowed = sold > 0 && bought > 0 && fixed <= self.cap && fixed >= self.minimum;
        let is_rest_allowed = rest == 0 || (!self.is_all_or_nothing && rest >= self.minimum);
        let fill = Fill { intent: self.intent, option: self.option, sold, bought };
        (is_size_allowed && is_rest_allowed && self.keeps_limit(&fill)).then_some(fill)
    }

    fn keeps_limit(&self, fill: &Fill) -> bool {
        use clearlane_core::wide::{U256, wide};
        let product = |a: Atoms, b: Atoms| -> Option<U256> { wide::<256, 4>(a).checked_mul(wide(b)) };
        product(fill.bought, self.give_amount) >= product(fill.sold, self.get_amount)
    }
}

/// Matches both sides, each in its order of preference; no fills if nothing can trade.
///
/// Where rounding leaves more than an atom a fill, orders that need not be filled whole are left with a rest that is worth
/// less than one coarse atom; where that does not help, a fill gets what is left over.
pub(super) fn cross(price: Ratio, giving_coarse: &[Order], giving_fine: &[Order]) -> Vec<Fill> {
    let whole = matched(price, giving_coarse, giving_fine, Rest::IsRefused);
    let trimmed = |orders: &[Order]| -> Vec<Order> {
        orders.iter().map(|order| Order { is_trimmed: !order.is_all_or_nothing, ..*order }).collect()
    };
    let fills = whole.or_else(|| matched(price, &trimmed(giving_coarse), &trimmed(giving_fine), Rest::IsRefused));
    fills.or_else(|| matched(price, giving_coarse, giving_fine, Rest::IsPaid)).unwrap_or_default()
}

/// What happens to more than an atom a fill that is left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Then nothing is matched.
    IsRefused,
    /// A fill gets it, which then has a price of its own.
    IsPaid,
}

/// The fills, or none if more is left over than may be.
fn matched(price: Ratio, giving_coarse: &[Order], giving_fine: &[Order], rest: Rest) -> Option<Vec<Fill>> {
    let mut volume = Atoms::MAX;
    for _ in 0..ROUNDS_MAX {
        let (coarse, sold) = fitted(Side::GivesCoarse, price, giving_coarse, volume);
        let (fine, bought) = fitted(Side::GivesFine, price, giving_fine, sold);
        if bought == 0 {
            return Some(Vec::new());
        }
        if sold == bought {
            return balanced((giving_coarse, coarse), (giving_fine, fine), rest);
        }
        volume = bought;
    }
    Some(Vec::new())
}

/// Fills of one side that together move as much of the coarse asset as they can up to `volume`.
fn fitted(side: Side, price: Ratio, orders: &[Order], volume: Atoms) -> (Vec<Option<Fill>>, Atoms) {
    let mut left = volume;
    let mut fills = Vec::with_capacity(orders.len());
    for order in orders {
        let most = order.coarse_cap(side, price).unwrap_or(0).min(left);
        let fill = order.fill(side, price, most);
        if fill.is_some() {
            left = left.saturating_sub(most);
        }
        fills.push(fill);
    }
    (fills, volume.saturating_sub(left))
}

/// Hands what is left of the fine asset, if it is more than rounding leaves, to a fill that can take it without leaving its fixed side.
fn balanced(
    (giving_coarse, mut coarse): (&[Order], Vec<Option<Fill>>),
    (giving_fine, mut fine): (&[Order], Vec<Option<Fill>>),
    rest: Rest,
) -> Option<Vec<Fill>> {
    let paid: Option<Atoms> = fine.iter().flatten().try_fold(0, |sum: Atoms, fill| sum.checked_add(fill.sold));
    let got: Option<Atoms> = coarse.iter().flatten().try_fold(0, |sum: Atoms, fill| sum.checked_add(fill.bought));
    let left = paid?.checked_sub(got?)?;
    let count = u128::try_from(coarse.iter().chain(&fine).flatten().count()).unwrap_or(0);
    let takers = |(order, fill)| takes_more(order, Kind::ExactIn, fill);
    let givers = |(order, fill)| takes_more(order, Kind::ExactOut, fill);
    if left > count {
        if rest == Rest::IsRefused {
            return None;
        }
        if let Some(fill) = giving_coarse.iter().zip(coarse.iter_mut()).find_map(takers) {
            fill.bought = fill.bought.saturating_add(left);
        } else if let Some(fill) = giving_fine.iter().zip(fine.iter_mut()).find_map(givers) {
            fill.sold = fill.sold.checked_sub(left).filter(|sold| *sold > 0)?;
        } else {
            return None;
        }
    }
    Some(coarse.into_iter().chain(fine).flatten().collect())
}

fn takes_more<'a>(order: &Order, kind: Kind, fill: &'a mut Option<Fill>) -> Option<&'a mut Fill> {
    if order.kind == kind { fill.as_mut() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(kind: Kind, give_amount: Atoms, get_amount: Atoms) -> Order {
        let cap = if kind == Kind::ExactIn { give_amount } else { get_amount };
        let intent = IntentIndex(0);
        Order {
            intent,
            option: 0,
            kind,
            give_amount,
            get_amount,
            cap,
            remaining: cap,
            minimum: 1,
            is_all_or_nothing: false,
            is_trimmed: false,
        }
    }

    fn sums(fills: &[Fill]) -> (Atoms, Atoms, usize) {
        let sold = fills.iter().map(|fill| fill.sold).sum();
        (sold, fills.iter().map(|fill| fill.bought).sum(), fills.len())
    }

    #[test]
    fn what_changes_hands_balances_at_every_mix_of_kinds() {
        let price = Ratio { fine: 7, coarse: 3 };
        for coarse_kind in [Kind::ExactIn, Kind::ExactOut] {
            for fine_kind in [Kind::ExactIn, Kind::ExactOut] {
                let giving_coarse = [order(coarse_kind, 1000, 2000), order(coarse_kind, 501, 1000)];
                let giving_fine = [order(fine_kind, 2500, 1000), order(fine_kind, 1003, 400)];
                let fills = cross(price, &giving_coarse, &giving_fine);
                let (coarse, fine): (Vec<Fill>, Vec<Fill>) = fills.iter().partition(|fill| fill.bought > fill.sold);
                let ((sold_coarse, bought_fine, _), (sold_fine, bought_coarse, _)) = (sums(&coarse), sums(&fine));
                assert_eq!(sold_coarse, bought_coarse, "{coarse_kind:?} {fine_kind:?}");
                assert!(sold_fine >= bought_fine && sold_fine - bought_fine <= 4, "{coarse_kind:?} {fine_kind:?}");
                assert!(sold_coarse > 900);
            }
        }
    }

    #[test]
    fn all_or_nothing_is_filled_whole_or_left_out() {
        let price = Ratio { fine: 1, coarse: 1 };
        let whole = Order { is_all_or_nothing: true, ..order(Kind::ExactIn, 100, 90) };
        assert_eq!(cross(price, &[whole], &[order(Kind::ExactIn, 60, 50)]), []);
        assert_eq!(cross(price, &[whole], &[order(Kind::ExactIn, 160, 150)]).len(), 2);
    }

    #[test]
    fn a_rest_that_nobody_can_take_stays_with_its_owner() {
        let price = Ratio { fine: 1_000_000, coarse: 1 };
        let giving_coarse = [order(Kind::ExactOut, 101, 99_500_000)];
        let giving_fine = [order(Kind::ExactIn, 99_900_000, 90)];
        let fills = cross(price, &giving_coarse, &giving_fine);
        let amounts: Vec<_> = fills.iter().map(|fill| (fill.sold, fill.bought)).collect();
        assert_eq!(amounts, [(99, 99_000_000), (99_000_000, 99)]);
    }

    #[test]
    fn a_price_beyond_a_limit_trades_nothing() {
        let price = Ratio { fine: 2, coarse: 1 };
        assert_eq!(cross(price, &[order(Kind::ExactIn, 100, 201)], &[order(Kind::ExactIn, 1000, 100)]), []);
    }
}
