//! One price for each directed pair of a bundle, as the floor rules ask: what its fills share is dealt out anew.
//!
//! Fills that only just keep their floor may be better than the price, so those with a high floor stay at it. What is
//! to be shared is what the fills have already; lower prices need less of it, so where several pairs share, all
//! prices move towards the least that their owners accept.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::auction::{AuctionInput, AuctionIntent, Fill};
use clearlane_core::intent::Kind;
use clearlane_core::money::{Atoms, Rounding, mul_div};
use clearlane_core::names::{DenominationIndex, IntentIndex};

use super::leftovers::option_of;
use crate::strategy::value::{atoms, float};

/// Amounts stay below 2 to this power.
pub(super) const AMOUNT_BITS: u32 = 112;
/// The steps in which prices move towards the least ones.
const HALVINGS: usize = 40;

/// The fills of one directed pair.
struct Pair<'a> {
    /// The auction with its owners' limits.
    owners: &'a AuctionInput,
    /// The intents with several fills.
    split: &'a BTreeSet<IntentIndex>,
    give: DenominationIndex,
    get: DenominationIndex,
    fills: Vec<usize>,
    /// Atoms sold by which prices are counted.
    scale: Atoms,
    /// Atoms bought for `scale`: the least that every owner accepts, and what the fills come to now.
    least: Atoms,
    now: Atoms,
    /// The fill that accepts no less than the least.
    strictest: Option<usize>,
}

/// Gives the fills of each directed pair one price; if there is none, names the fills that ask for too much. The
/// auctions have the owners' limits, and those at which floors are kept.
pub(super) fn equalise([owners, input]: [&AuctionInput; 2], fills: &mut [Fill]) -> Result<(), Vec<usize>> {
    let split = split_intents(fills);
    let mut by_pair: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (at, fill) in fills.iter().enumerate() {
        let (_, option) = option_of(input, fill);
        by_pair.entry((option.give, option.get)).or_default().push(at);
    }
    let pairs: Vec<Pair<'_>> =
        by_pair.into_iter().map(|(pair, of)| Pair::new([owners, input], &split, fills, pair, of)).collect();
    let mut shares = vec![1.0_f64; pairs.len()];
    // So small that no price in whole atoms is worth it to its owner.
    let hopeless = pairs.iter().filter(|pair| pair.least == Atoms::MAX);
    let mut strict: Vec<usize> = hopeless.filter_map(|pair| pair.strictest).collect();
    for (denomination, kind) in shared(input, fills) {
        let sharing: Vec<usize> =
            (0..pairs.len()).filter(|at| pairs[*at].shares(input, fills, denomination, kind)).collect();
        let budget = sum(fills.iter().filter_map(|fill| open_side(input, fill, denomination, kind)));
        let is_kept = |shares: &[f64], most: f64| {
            let of = |at: &usize| pairs[*at].open_sides(input, fills, pairs[*at].price(shares[*at].min(most)), kind);
            let total = sum(sharing.iter().map(of));
            if kind == Kind::ExactIn { total <= budget } else { total >= budget }
        };
        if is_kept(&shares, 1.0) {
            continue;
        }
        if !is_kept(&shares, 0.0) {
            // One at a time: what it leaves may do for the others.
            let asking = sharing.iter().map(|at| &pairs[*at]).filter(|pair| pair.least > pair.now);
            let most = asking.max_by(|one, other| one.excess(fills).total_cmp(&other.excess(fills)));
            strict.extend(most.and_then(|pair| pair.strictest));
            continue;
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if is_kept(&shares, middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        sharing.iter().for_each(|at| shares[*at] = shares[*at].min(low));
    }
    if !strict.is_empty() {
        strict.sort_unstable();
        strict.dedup();
        return Err(strict);
    }
    for (pair, share) in pairs.iter().zip(shares) {
        let price = pair.price(share);
        for at in &pair.fills {
            fills[*at] = pair.at_price(&fills[*at], price);
        }
    }
    Ok(())
}

/// The intents with several fills.
pub(super) fn split_intents(fills: &[Fill]) -> BTreeSet<IntentIndex> {
    let mut seen = BTreeSet::new();
    fills.iter().map(|fill| fill.intent).filter(|intent| !seen.insert(*intent)).collect()
}

impl<'a> Pair<'a> {
    fn new(
        [owners, input]: [&'a AuctionInput; 2],
        split: &'a BTreeSet<IntentIndex>,
        fills: &[Fill],
        (give, get): (DenominationIndex, DenominationIndex),
        of: Vec<usize>,
    ) -> Pair<'a> {
        let total = |side: fn(&Fill) -> Atoms| sum(of.iter().map(|at| side(&fills[*at])));
        let (sold, bought) = (total(|fill| fill.sold), total(|fill| fill.bought));
        let room = (sold.max(bought).leading_zeros() + AMOUNT_BITS).saturating_sub(Atoms::BITS);
        let mut pair = Pair {
            owners,
            split,
            give,
            get,
            fills: of,
            scale: sold << room,
            least: 0,
            now: Atoms::MAX,
            strictest: None,
        };
        for kind in [Kind::ExactIn, Kind::ExactOut] {
            let of_kind = pair.fills.iter().filter(|at| option_of(input, &fills[**at]).0.kind == kind);
            let (mut sold, mut bought) = (0, 0);
            for at in of_kind {
                (sold, bought) = (sold + fills[*at].sold, bought + fills[*at].bought);
            }
            pair.now = pair.now.min(mul_div(bought, pair.scale, sold, Rounding::Down).unwrap_or(Atoms::MAX));
        }
        for at in &pair.fills {
            let least = pair.least_of(input, &fills[*at]);
            if least > pair.least {
                (pair.least, pair.strictest) = (least, Some(*at));
            }
        }
        pair
    }

    /// The least price that the owner of a fill accepts; none of those who are kept to their floor.
    fn least_of(&self, input: &AuctionInput, fill: &Fill) -> Atoms {
        let (intent, option) = option_of(input, fill);
        if self.stays_at_floor(intent, fill) {
            return 0;
        }
        let (give, get) = (option.give_amount, option.get_amount);
        let (sold, bought) = match intent.kind {
            Kind::ExactIn => (Some(fill.sold), mul_div(fill.sold, get, give, Rounding::Up)),
            Kind::ExactOut => (mul_div(fill.bought, give, get, Rounding::Down), Some(fill.bought)),
        };
        let least = sold.zip(bought).and_then(|(sold, bought)| mul_div(bought, self.scale, sold, Rounding::Up));
        least.unwrap_or(Atoms::MAX)
    }

    /// Whether a fill that only keeps its floor may be better than the price: the only one of its intent, through the
    /// floor's option.
    fn stays_at_floor(&self, intent: &AuctionIntent, fill: &Fill) -> bool {
        intent.floor.is_some_and(|floor| floor.option == fill.option) && !self.split.contains(&fill.intent)
    }

    fn shares(&self, input: &AuctionInput, fills: &[Fill], denomination: DenominationIndex, kind: Kind) -> bool {
        let open = if kind == Kind::ExactIn { self.get } else { self.give };
        open == denomination && self.fills.iter().any(|at| option_of(input, &fills[*at]).0.kind == kind)
    }

    /// The price this far from the least to what the fills come to now.
    fn price(&self, share: f64) -> Atoms {
        if share >= 1.0 {
            return self.least.max(self.now);
        }
        self.least + atoms(float(self.now.saturating_sub(self.least)) * share)
    }

    /// What the least price asks for beyond what there is, by the fills' share.
    fn excess(&self, fills: &[Fill]) -> f64 {
        let bought = sum(self.fills.iter().map(|at| fills[*at].bought));
        float(bought) * (float(self.least) / float(self.now.max(1)) - 1.0)
    }

    /// A fill at a price, or at its floor where that is better.
    fn at_price(&self, fill: &Fill, price: Atoms) -> Fill {
        let (intent, option) = option_of(self.owners, fill);
        // What is beyond the floor's own fill need not keep its rate.
        let floor = intent.floor.filter(|_| self.stays_at_floor(intent, fill));
        match intent.kind {
            Kind::ExactIn => {
                let bought = mul_div(fill.sold, price, self.scale, Rounding::Down).unwrap_or(fill.bought);
                let least = floor.and_then(|floor| {
                    let part = fill.sold.min(floor.sold);
                    let beyond = mul_div(fill.sold - part, option.get_amount, option.give_amount, Rounding::Up);
                    Some(mul_div(part, floor.bought, floor.sold, Rounding::Up)? + beyond?)
                });
                Fill { bought: bought.max(least.unwrap_or(0)), ..*fill }
            }
            Kind::ExactOut => {
                let sold = mul_div(fill.bought, self.scale, price, Rounding::Up).unwrap_or(fill.sold);
                let most = floor.and_then(|floor| {
                    let part = fill.bought.min(floor.bought);
                    let beyond = mul_div(fill.bought - part, option.give_amount, option.get_amount, Rounding::Down);
                    Some(mul_div(part, floor.sold, floor.bought, Rounding::Down)? + beyond?)
                });
                Fill { sold: sold.min(most.unwrap_or(Atoms::MAX)), ..*fill }
            }
        }
    }

    /// What the fills of a kind get or give at a price.
    fn open_sides(&self, input: &AuctionInput, fills: &[Fill], price: Atoms, kind: Kind) -> Atoms {
        let of_kind = self.fills.iter().map(|at| &fills[*at]).filter(|fill| option_of(input, fill).0.kind == kind);
        sum(of_kind.map(|fill| {
            let fill = self.at_price(fill, price);
            if kind == Kind::ExactIn { fill.bought } else { fill.sold }
        }))
    }
}

/// What fills share: the denominations that they get for a fixed sale, and those that they give for a fixed purchase.
fn shared(input: &AuctionInput, fills: &[Fill]) -> BTreeSet<(DenominationIndex, Kind)> {
    let of = |fill: &Fill| {
        let (intent, option) = option_of(input, fill);
        (intent.surplus_denomination(option), intent.kind)
    };
    fills.iter().map(of).collect()
}

/// What a fill gets or gives of a shared denomination.
fn open_side(input: &AuctionInput, fill: &Fill, denomination: DenominationIndex, kind: Kind) -> Option<Atoms> {
    let (intent, option) = option_of(input, fill);
    let is_of = intent.kind == kind && intent.surplus_denomination(option) == denomination;
    is_of.then_some(if kind == Kind::ExactIn { fill.bought } else { fill.sold })
}

fn sum(amounts: impl Iterator<Item = Atoms>) -> Atoms {
    amounts.fold(0, Atoms::saturating_add)
}
