//! The best single path of one intent: the integer fill with the most surplus, found by golden section.
//!
//! Along a path of venues surplus is concave in the fill up to rounding, between the least and the
//! most that rails and reserves allow.

use std::cmp::Reverse;

use super::paths::{Hop, Path, PathCache, RateBounds};
use super::score::{surplus_of, value_of};
use super::verify::size_of;
use super::{AuctionInput, AuctionIntent, AuctionOption, Bundle, Fill, VenueUse};
use crate::intent::Kind;
use crate::money::{Atoms, Rounding, Score, mul_div};
use crate::names::IntentIndex;
use crate::venue::{Terms, VenueState};

/// The most paths that are tried for one option: each costs a search, and clearing has to end in time.
pub const ROUTED_PATHS_MAX: usize = 64;

/// The search for the best fill stops at this part of the fill.
const GRAIN_BITS: u32 = 12;
/// 1 - 1 / the golden ratio, by Fibonacci numbers.
const GOLDEN: (Atoms, Atoms) = (75_025, 196_418);

/// A fill of one intent along one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The fill and its venue uses.
    pub bundle: Bundle,
    /// What it beats its limit by, in atoms of the surplus asset, uncapped.
    pub surplus: Atoms,
    /// The same in 10^-18 reference units; zero without a price.
    pub value: Score,
}

/// Where routing looks: the auction, its paths, and what earlier bundles left.
#[derive(Clone, Copy, Debug)]
pub struct Routes<'a> {
    /// The auction.
    pub input: &'a AuctionInput,
    /// Its paths.
    pub paths: &'a PathCache,
    /// The venues as they are now.
    pub states: &'a [VenueState],
    /// What their rates are at most.
    pub bounds: &'a RateBounds,
    /// What is left of each reserve.
    pub reserves: &'a [Atoms],
}

/// The most value, and the most surplus in atoms, that a path could give.
type Most = (Score, Atoms);

impl Routes<'_> {
    /// The best fill of an intent over all its options and their [`ROUTED_PATHS_MAX`] most promising paths.
    ///
    /// Ties go to the earlier option, then to the earlier path.
    #[must_use]
    pub fn best(&self, index: IntentIndex) -> Option<Routed> {
        let intent = self.input.intents.get(index.at())?;
        let mut best: Option<(Routed, Reverse<(u16, usize)>)> = None;
        for (number, option) in (0_u16..).zip(&intent.options) {
            for (most, (place, path)) in self.best_first(intent, option) {
                // A path that can't beat what was found is not searched: nearly all of them.
                if best.as_ref().is_some_and(|(best, _)| most < (best.value, best.surplus)) {
                    break;
                }
                let Some(found) = self.on_path(index, intent, (number, option), path) else { continue };
                let place = Reverse((number, place));
                let rank = |routed: &Routed, place| (routed.value, routed.surplus, place);
                let is_better = best.as_ref().is_none_or(|(best, at)| rank(&found, place) > rank(best, *at));
                if is_better {
                    best = Some((found, place));
                }
            }
        }
        best.map(|(routed, _)| routed)
    }

    /// The paths whose best rate may keep the limit, with their places; where there are many, those that may give
    /// most for the whole. The rate alone would bring pools of dust to the front.
    fn promising(&self, option: &AuctionOption) -> Vec<(usize, &Path)> {
        let keeps_limit = |path: &Path| {
            let bound = self.bounds.along(path);
            bound.is_some_and(|bound| !bound.is_below(option.get_amount, option.give_amount))
        };
        let paths = self.paths.paths(option.give, option.get).iter().enumerate();
        let mut found: Vec<(usize, &Path)> = paths.filter(|(_, path)| keeps_limit(path)).collect();
        if found.len() > ROUTED_PATHS_MAX {
            let most_out = |path: &Path| Reverse(self.bounds.most_out(path, option.give_amount));
            found.sort_by_cached_key(|(place, path)| (most_out(path), *place));
            found.truncate(ROUTED_PATHS_MAX);
        }
        found
    }

    /// The promising paths with the most value and surplus that each could give, the best first.
    fn best_first(&self, intent: &AuctionIntent, option: &AuctionOption) -> Vec<(Most, (usize, &Path))> {
        let denomination = intent.surplus_denomination(option);
        let has_price = self.input.denominations.get(denomination.at()).is_some_and(|found| found.price.is_some());
        let unknown = if has_price { Score::MAX } else { 0 };
        let most = |path: &Path| {
            let surplus = self.most_surplus(intent, option, path).unwrap_or(Atoms::MAX);
            (value_of(self.input, denomination, surplus).unwrap_or(unknown), surplus)
        };
        let mut paths: Vec<_> =
            self.promising(option).into_iter().map(|(place, path)| (most(path), (place, path))).collect();
        paths.sort_by_key(|(most, (place, _))| (Reverse(*most), *place));
        paths
    }

    /// A bound on the surplus along a path; `None` where its numbers are too large to say.
    ///
    /// With the path's rate r at best, the limit l and at most m coming out, exact-in gains at most `m (1 - l / r)`, and
    /// exact-out saves at most `m (1 / l - 1 / r)`. The atoms that earlier uses left unclaimed are not counted.
    fn most_surplus(&self, intent: &AuctionIntent, option: &AuctionOption, path: &Path) -> Option<Atoms> {
        let rate = self.bounds.along(path)?;
        let fixed = option.maximum.min(option.left);
        match intent.kind {
            Kind::ExactIn => {
                let most = self.bounds.most_out(path, fixed);
                let owed = mul_div(rate.least_in(most)?, option.get_amount, option.give_amount, Rounding::Down)?;
                Some(most.saturating_sub(owed))
            }
            Kind::ExactOut => {
                let most = fixed.min(self.bounds.most_out(path, Atoms::MAX));
                let owed = mul_div(most, option.give_amount, option.get_amount, Rounding::Up)?;
                Some(owed.saturating_sub(rate.least_in(most)?))
            }
        }
    }

    fn on_path(
        &self,
        index: IntentIndex,
        intent: &AuctionIntent,
        (number, option): (u16, &AuctionOption),
        path: &Path,
    ) -> Option<Routed> {
        let leg = Leg { routes: self, intent, option, path, size: size_of(intent, number) };
        let fixed = leg.best_fill()?;
        let (sold, bought) = leg.quote(fixed).amounts()?;
        let surplus = surplus_of(intent, option, sold, bought)?;
        let value = value_of(self.input, intent.surplus_denomination(option), surplus).unwrap_or(0);
        let fill = Fill { intent: index, option: number, sold, bought };
        Some(Routed { bundle: Bundle { fills: vec![fill], uses: leg.uses(fixed)? }, surplus, value })
    }
}

/// What a fill along a path would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    /// A step needs more than this.
    TooSmall,
    /// A step can't take that much.
    TooLarge,
    /// It gives and gets this.
    Amounts(Atoms, Atoms),
}

impl Quote {
    fn amounts(self) -> Option<(Atoms, Atoms)> {
        match self {
            Quote::Amounts(sold, bought) => Some((sold, bought)),
            Quote::TooSmall | Quote::TooLarge => None,
        }
    }
}

/// One option of an intent on one path.
struct Leg<'a> {
    routes: &'a Routes<'a>,
    intent: &'a AuctionIntent,
    option: &'a AuctionOption,
    path: &'a [Hop],
    size: Atoms,
}

impl Leg<'_> {
    /// The fill of the fixed side with the most surplus, if any keeps the limit.
    fn best_fill(&self) -> Option<Atoms> {
        let left = self.routes.reserves.get(self.option.reserve.at()).copied().unwrap_or(0);
        let affordable = match self.intent.kind {
            Kind::ExactIn => left,
            Kind::ExactOut => {
                mul_div(left, self.option.get_amount, self.option.give_amount, Rounding::Down).unwrap_or(Atoms::MAX)
            }
        };
        let most = self.size.min(self.option.maximum).min(self.option.left).min(affordable);
        if self.intent.is_all_or_nothing {
            return (most == self.size && self.gain(most).is_some()).then_some(most);
        }
        let least = self.option.minimum.max(1);
        if most < least {
            return None;
        }
        let (low, high) = self.feasible(least, most)?;
        let best = self.settle_remainder(self.peak(low, high), most)?;
        self.gain(best).map(|_| best)
    }

    /// The part of `[low, high]` that every step of the path can take.
    fn feasible(&self, low: Atoms, high: Atoms) -> Option<(Atoms, Atoms)> {
        let low = match self.quote(low) {
            Quote::TooLarge => return None,
            Quote::Amounts(..) => low,
            Quote::TooSmall => first(low, high, |fixed| self.quote(fixed) != Quote::TooSmall)?,
        };
        let high = match self.quote(high) {
            Quote::TooSmall => return None,
            Quote::Amounts(..) => high,
            Quote::TooLarge => first(low, high, |fixed| self.quote(fixed) == Quote::TooLarge)?.checked_sub(1)?,
        };
        (low <= high).then_some((low, high))
    }

    /// Golden-section search; stops where what is left is a small part of the fill: around the peak the surplus is flat,
    /// so that a part of 2^-12 beside it costs about 2^-24.
    fn peak(&self, least: Atoms, most: Atoms) -> Atoms {
        let (mut low, mut high) = (least, most);
        let slope_step = high.saturating_sub(low).checked_div(64).unwrap_or(0).max(1);
        if self.excess(high) >= self.excess(high.saturating_sub(slope_step).max(low)) {
            return high;
        }
        let inner = |width: Atoms| mul_div(width, GOLDEN.0, GOLDEN.1, Rounding::Down).unwrap_or(0).max(1);
        let at = |fixed: Atoms| (fixed, self.excess(fixed));
        let (mut left, mut right) = {
            let part = inner(high.saturating_sub(low));
            (at(low.saturating_add(part)), at(high.saturating_sub(part)))
        };
        while high.saturating_sub(low) > left.0.checked_shr(GRAIN_BITS).unwrap_or(0).max(1) {
            if right.1 >= left.1 {
                low = left.0;
                left = right;
                right = at(high.saturating_sub(inner(high.saturating_sub(low))).max(left.0));
            } else {
                high = right.0;
                right = left;
                left = at(low.saturating_add(inner(high.saturating_sub(low))).min(right.0));
            }
        }
        let ends = [at(least), at(low), left, right, at(high)];
        ends.into_iter().max_by_key(|(_, excess)| *excess).map_or(high, |(fixed, _)| fixed)
    }

    /// Leaves nothing or at least the minimum, and fills at most `most`.
    fn settle_remainder(&self, fixed: Atoms, most: Atoms) -> Option<Atoms> {
        let minimum = self.option.minimum;
        let rest = self.size.checked_sub(fixed)?;
        if rest == 0 || rest >= minimum {
            return Some(fixed);
        }
        let smaller = self.size.checked_sub(minimum).filter(|part| *part >= minimum);
        [Some(self.size), smaller]
            .into_iter()
            .flatten()
            .filter(|part| *part <= most)
            .filter(|part| self.gain(*part).is_some())
            .max_by_key(|part| self.excess(*part))
    }

    /// The surplus of a fill that keeps the limit.
    fn gain(&self, fixed: Atoms) -> Option<Atoms> {
        let (sold, bought) = self.quote(fixed).amounts()?;
        surplus_of(self.intent, self.option, sold, bought)
    }

    /// The surplus, negative where the limit is broken; the least there is where no step takes it.
    fn excess(&self, fixed: Atoms) -> i128 {
        let Some((sold, bought)) = self.quote(fixed).amounts() else { return i128::MIN };
        let signed = |gain: Atoms, owed: Atoms| {
            let (gain, owed) = (i128::try_from(gain).unwrap_or(i128::MAX), i128::try_from(owed).unwrap_or(i128::MAX));
            gain.saturating_sub(owed)
        };
        let (give, get) = (self.option.give_amount, self.option.get_amount);
        match self.intent.kind {
            Kind::ExactIn => signed(bought, mul_div(sold, get, give, Rounding::Up).unwrap_or(Atoms::MAX)),
            Kind::ExactOut => signed(mul_div(bought, give, get, Rounding::Down).unwrap_or(0), sold),
        }
    }

    /// What a fill of the fixed side gives and gets along the path.
    fn quote(&self, fixed: Atoms) -> Quote {
        let mut amount = fixed;
        match self.intent.kind {
            Kind::ExactIn => {
                for hop in self.path {
                    match self.out_for(hop, amount) {
                        Ok(out) => amount = out,
                        Err(quote) => return quote,
                    }
                }
                Quote::Amounts(fixed, amount)
            }
            Kind::ExactOut => {
                for hop in self.path.iter().rev() {
                    match self.venue(hop).and_then(|(terms, state)| terms.in_for(state, hop.direction, amount)) {
                        Some(needed) => amount = needed,
                        None => return Quote::TooLarge,
                    }
                }
                Quote::Amounts(amount, fixed)
            }
        }
    }

    fn out_for(&self, hop: &Hop, amount: Atoms) -> Result<Atoms, Quote> {
        let (terms, state) = self.venue(hop).ok_or(Quote::TooLarge)?;
        match terms.out_for(state, hop.direction, amount) {
            Some(0) => Err(Quote::TooSmall),
            Some(out) => Ok(out),
            None if amount == 0 => Err(Quote::TooSmall),
            None => match terms {
                Terms::Rail(rail) if amount < rail.min_in || amount <= rail.fixed_fee => Err(Quote::TooSmall),
                Terms::Stable(_) if amount < STABLE_TINY => Err(Quote::TooSmall),
                Terms::ConstantProduct(_)
                | Terms::Weighted(_)
                | Terms::Stable(_)
                | Terms::Ladder(_)
                | Terms::Rail(_)
                | Terms::Concentrated(_) => Err(Quote::TooLarge),
            },
        }
    }

    fn uses(&self, fixed: Atoms) -> Option<Vec<VenueUse>> {
        let mut uses = Vec::with_capacity(self.path.len());
        let mut amount = fixed;
        match self.intent.kind {
            Kind::ExactIn => {
                for hop in self.path {
                    let out = self.out_for(hop, amount).ok()?;
                    uses.push(VenueUse {
                        venue: hop.venue,
                        direction: hop.direction,
                        amount_in: amount,
                        amount_out: out,
                    });
                    amount = out;
                }
            }
            Kind::ExactOut => {
                for hop in self.path.iter().rev() {
                    let (terms, state) = self.venue(hop)?;
                    let needed = terms.in_for(state, hop.direction, amount)?;
                    let (venue, direction) = (hop.venue, hop.direction);
                    uses.push(VenueUse { venue, direction, amount_in: needed, amount_out: amount });
                    amount = needed;
                }
                uses.reverse();
            }
        }
        Some(uses)
    }

    fn venue(&self, hop: &Hop) -> Option<(&Terms, &VenueState)> {
        Some((&self.routes.input.venues.get(hop.venue.at())?.terms, self.routes.states.get(hop.venue.at())?))
    }
}

/// Below this a stable pool may give nothing because its D is rounded up.
const STABLE_TINY: Atoms = 1_000_000;

/// The least value in `(low, high]` for which `holds`, which is false at `low` and stays true once it is.
fn first(low: Atoms, high: Atoms, holds: impl Fn(Atoms) -> bool) -> Option<Atoms> {
    let (mut low, mut high) = (low, high);
    if !holds(high) {
        return None;
    }
    while high.saturating_sub(low) > 1 {
        let middle = low.saturating_add(high.saturating_sub(low).checked_div(2)?);
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}
