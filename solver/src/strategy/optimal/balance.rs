//! Fills at exact prices of their assets, brought into balance to the atom.
//!
//! Where every fill trades at the quotient of two prices, what is left over of some assets and short of others is worth
//! nothing together, but for rounding. So it is moved from asset to asset, by filling somebody a little more or less,
//! until it ends where nobody minds: in an asset that a venue pays out, or in the one whose atom is worth most.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::{AuctionInput, Fill, VenueUse, size_of};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::DenominationIndex;

use super::leftovers::{balances, coins_of, option_of};
use super::uniform::{AMOUNT_BITS, split_intents};

/// Exact prices of atoms: a mantissa and an exponent of two, by denomination.
#[derive(Clone, Debug)]
pub(super) struct Prices(Vec<(Atoms, i32)>);

/// Bits of a mantissa.
const BITS: u32 = f64::MANTISSA_DIGITS;
/// The largest fills that move what is left over become this part, a power of a half, smaller before: floats are wrong
/// by less.
const GIVEN_WAY_BITS: u32 = 20;

impl Prices {
    /// The prices that these values of an atom are, exactly as floats are.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
    pub(super) fn of(values: &[f64]) -> Prices {
        let exact = |value: &f64| {
            let exponent = value.log2().floor() as i32 + 1 - BITS.cast_signed();
            ((value / 2.0_f64.powi(exponent)) as Atoms, exponent)
        };
        Prices(values.iter().map(exact).collect())
    }

    /// Atoms of `get` for atoms of `give`, as a fraction; `None` where they are too far apart.
    pub(super) fn ratio(&self, give: DenominationIndex, get: DenominationIndex) -> Option<[Atoms; 2]> {
        let ((one, up), (other, down)) = (self.0[give.at()], self.0[get.at()]);
        let shift = (up - down).unsigned_abs();
        let shifted = |mantissa: Atoms| (shift + BITS < AMOUNT_BITS).then(|| mantissa << shift);
        if up >= down { Some([shifted(one)?, other]) } else { Some([one, shifted(other)?]) }
    }
}

/// The fills by which what is left over of a denomination goes a step nearer to where nobody minds: they fix it, and
/// their other side is one that is nearer. The largest come first.
#[derive(Clone, Debug)]
struct Valve {
    from: DenominationIndex,
    fills: Vec<usize>,
}

/// Sets fills to their prices and moves what is left over; whether nothing is short then.
pub(super) fn balance(
    [owners, kept]: [&AuctionInput; 2],
    prices: &Prices,
    fills: &mut [Fill],
    uses: &[VenueUse],
) -> bool {
    let valves = valves(owners, prices, fills, uses);
    for first in valves.iter().filter_map(|valve| valve.fills.first()) {
        give_way(owners, &mut fills[*first]);
    }
    for fill in fills.iter_mut() {
        let Some(priced) = at_price(kept, prices, fill) else { return false };
        *fill = priced;
    }
    let mut left: BTreeMap<DenominationIndex, i128> = BTreeMap::new();
    for (denomination, (inward, outward)) in balances(owners, fills, uses) {
        left.insert(denomination, signed(inward) - signed(outward));
    }
    for Valve { from, fills: candidates } in valves.into_iter().rev() {
        let excess = left.get(&from).copied().unwrap_or(0);
        let after = |at: &usize| Some((*at, moved([owners, kept], prices, &fills[*at], excess)?));
        let Some((at, after)) = candidates.iter().find_map(after) else { continue };
        let (_, option) = option_of(owners, &after);
        *left.entry(option.give).or_default() += signed(after.sold) - signed(fills[at].sold);
        *left.entry(option.get).or_default() -= signed(after.bought) - signed(fills[at].bought);
        fills[at] = after;
    }
    left.values().all(|left| *left >= 0)
}

/// The valves, those nearest to where nobody minds first.
fn valves(owners: &AuctionInput, prices: &Prices, fills: &[Fill], uses: &[VenueUse]) -> Vec<Valve> {
    // By what they fix and what else they trade, with the room that they have.
    let mut sides: BTreeMap<DenominationIndex, Vec<(Atoms, usize, DenominationIndex)>> = BTreeMap::new();
    let (mut all, split) = (BTreeSet::new(), split_intents(fills));
    for (at, fill) in fills.iter().enumerate() {
        let (intent, option) = option_of(owners, fill);
        all.extend([option.give, option.get]);
        let (from, into) =
            if intent.kind == Kind::ExactIn { (option.give, option.get) } else { (option.get, option.give) };
        let room = room(owners, fill);
        if room > 0 && !split.contains(&fill.intent) {
            sides.entry(from).or_default().push((room, at, into));
        }
    }
    sides.values_mut().for_each(|fills| fills.sort_by_key(|(room, at, _)| (std::cmp::Reverse(*room), *at)));
    let mut near: BTreeSet<DenominationIndex> = uses.iter().map(|used| coins_of(owners, used)[1]).collect();
    let worth = |at: &DenominationIndex| (prices.0[at.at()].1, prices.0[at.at()].0);
    let mut far: Vec<DenominationIndex> = all.into_iter().filter(|at| !near.contains(at)).collect();
    far.sort_by_key(|at| std::cmp::Reverse(worth(at)));
    let mut found = Vec::new();
    while !far.is_empty() {
        let leads = |from: &DenominationIndex| -> Vec<usize> {
            let fills = sides.get(from).into_iter().flatten().filter(|(.., into)| near.contains(into));
            fills.map(|(_, at, _)| *at).collect()
        };
        // One that no fill leads from has to be where it ends.
        let place = far.iter().position(|from| !leads(from).is_empty());
        let from = far.remove(place.unwrap_or(0));
        let fills = leads(&from);
        near.insert(from);
        if !fills.is_empty() {
            found.push(Valve { from, fills });
        }
    }
    found
}

/// By how much a fill may give way.
fn room(owners: &AuctionInput, fill: &Fill) -> Atoms {
    let (intent, option) = option_of(owners, fill);
    let room = intent.fixed_of(fill.sold, fill.bought) >> GIVEN_WAY_BITS;
    if intent.is_all_or_nothing || room <= option.minimum { 0 } else { room }
}

/// Makes a fill a little smaller, so that it may become larger again.
fn give_way(owners: &AuctionInput, fill: &mut Fill) {
    let (intent, _) = option_of(owners, fill);
    match intent.kind {
        Kind::ExactIn => fill.sold -= fill.sold >> GIVEN_WAY_BITS,
        Kind::ExactOut => fill.bought -= fill.bought >> GIVEN_WAY_BITS,
    }
}

/// A fill that takes up so much of its fixed denomination: it sells less, or buys more.
fn moved([owners, kept]: [&AuctionInput; 2], prices: &Prices, fill: &Fill, excess: i128) -> Option<Fill> {
    let (intent, option) = option_of(owners, fill);
    let changed = match intent.kind {
        Kind::ExactIn => Fill { sold: fill.sold.checked_add_signed(-excess)?, ..*fill },
        Kind::ExactOut => Fill { bought: fill.bought.checked_add_signed(excess)?, ..*fill },
    };
    let fixed = intent.fixed_of(changed.sold, changed.bought);
    let most = option.maximum.min(option.left).min(size_of(intent, fill.option));
    let rest = size_of(intent, fill.option).saturating_sub(fixed);
    let is_allowed = fixed >= option.minimum.max(1) && fixed <= most && (rest == 0 || rest >= option.minimum);
    if is_allowed { at_price(kept, prices, &changed) } else { None }
}

/// A fill at its price, or at its floor where that is better.
fn at_price(kept: &AuctionInput, prices: &Prices, fill: &Fill) -> Option<Fill> {
    let (intent, option) = option_of(kept, fill);
    let [get, give] = prices.ratio(option.give, option.get)?;
    let has_floor = intent.floor.is_some_and(|floor| floor.option == fill.option);
    Some(match intent.kind {
        Kind::ExactIn => {
            let bought = mul_div(fill.sold, get, give, Rounding::Down)?;
            let floor = mul_div(fill.sold, option.get_amount, option.give_amount, Rounding::Up).filter(|_| has_floor);
            Fill { bought: bought.max(floor.unwrap_or(0)), ..*fill }
        }
        Kind::ExactOut => {
            let sold = mul_div(fill.bought, give, get, Rounding::Up)?;
            let floor = mul_div(fill.bought, option.give_amount, option.get_amount, Rounding::Down);
            Fill { sold: sold.min(floor.filter(|_| has_floor).unwrap_or(Atoms::MAX)), ..*fill }
        }
    })
}

fn signed(amount: Atoms) -> i128 {
    i128::try_from(amount).unwrap_or(i128::MAX)
}
