//! The best fill of one intent on one path of venues, with the states as they are now.
//!
//! Floats choose path and size; amounts along the path are computed and checked exactly.

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, Bundle, Fill, VenueUse, size_of};
use clearlane_core::intent::Kind;
use clearlane_core::money::Atoms;
use clearlane_core::names::{IntentIndex, VenueIndex};
use clearlane_core::wide::{U256, wide};

use super::book::{Book, Hop};
use super::curve::{Curve, Terms, Trade};
use super::value::{Values, Worth, float};

/// The longest path, in venues.
const HOPS_MAX: usize = 3;
/// Paths of one option that are tried at all: the most promising ones.
const PATHS_MAX: usize = 12;
/// Of these, how many are searched for the best size: those best at a coarse size.
const SEARCHED_MAX: usize = 3;
/// Coarse sizes tried on each path besides all there is, in parts of the most promising one.
const SIZES: [f64; 4] = [1.5, 1.0, 0.5, 0.05];
/// Steps of the search between coarse sizes; each shrinks the range by a third.
const STEPS_MAX: usize = 18;

/// A proposal for one intent.
#[derive(Clone, Debug)]
pub(super) struct Quote {
    pub(super) bundle: Bundle,
    /// What it is worth, estimated.
    pub(super) worth: Worth,
    /// The version of each venue used, in order of use.
    pub(super) versions: Vec<usize>,
}

impl Quote {
    /// Whether no venue that it uses has been used since.
    pub(super) fn is_current(&self, book: &Book<'_>) -> bool {
        self.bundle.uses.iter().zip(&self.versions).all(|(used, version)| book.version(used.venue.at()) == *version)
    }
}

/// A path that may serve an option.
struct Candidate {
    hops: Vec<Hop>,
    trade: Trade,
}

/// What is asked of one option.
struct Ask<'a> {
    input: &'a AuctionInput,
    values: &'a Values,
    book: &'a Book<'a>,
    intent_at: usize,
    intent: &'a AuctionIntent,
    option_at: usize,
    option: &'a AuctionOption,
    /// What the intent has left of the fixed side through this option.
    remaining: Atoms,
    /// The most counted surplus that is of use.
    most: f64,
}

/// The best proposal over all options and paths that counts at most `most`: the one that counts most, and where
/// nothing counts, the one with the most surplus; none without any.
pub(super) fn best(
    input: &AuctionInput,
    values: &Values,
    book: &Book<'_>,
    intent_at: usize,
    most: f64,
) -> Option<Quote> {
    let intent = input.intents.get(intent_at)?;
    let mut best: Option<Quote> = None;
    for (option_at, option) in intent.options.iter().enumerate() {
        let Ok(number) = u16::try_from(option_at) else { continue };
        let remaining = size_of(intent, number);
        let ask = Ask { input, values, book, intent_at, intent, option_at, option, remaining, most };
        let least = best.as_ref().map_or(Worth::default(), |quote| quote.worth);
        best = ask.best().filter(|quote| quote.worth.compare(&least).is_gt()).or(best);
    }
    best
}

impl Ask<'_> {
    fn cap(&self) -> Atoms {
        self.intent.cap_of(self.option)
    }

    /// Paths whose best rate beats the limit, the most promising first, each with its most promising size.
    fn paths(&self) -> Vec<Candidate> {
        let is_possible = self.cap() > 0 && (!self.intent.is_all_or_nothing || self.cap() == self.remaining);
        let mut found = Vec::new();
        if is_possible {
            let limit = float(self.option.get_amount) / float(self.option.give_amount);
            let most = match self.intent.kind {
                Kind::ExactIn => float(self.cap()),
                Kind::ExactOut => float(self.cap()) / limit,
            };
            let reference = self.values.reference(self.intent, self.option_at);
            let terms = Terms { limit, reference, most, is_whole: self.intent.is_all_or_nothing };
            self.extend(&mut Vec::with_capacity(HOPS_MAX), Curve::IDENTITY, &terms, &mut found);
        }
        let compare = |a: &Candidate, b: &Candidate| {
            let by_counted = b.trade.counted.total_cmp(&a.trade.counted);
            by_counted.then_with(|| b.trade.surplus.total_cmp(&a.trade.surplus))
        };
        if found.len() > PATHS_MAX {
            found.select_nth_unstable_by(PATHS_MAX, compare);
            found.truncate(PATHS_MAX);
        }
        found.sort_by(compare);
        found
    }

    fn extend(&self, path: &mut Vec<Hop>, curve: Curve, terms: &Terms, found: &mut Vec<Candidate>) {
        let from = path.last().map_or(self.option.give, |hop| hop.to);
        let is_last = path.len() + 1 == HOPS_MAX;
        for hop in self.book.hops_from(from) {
            let is_end = hop.to == self.option.get;
            let is_loop = hop.to == self.option.give || path.iter().any(|earlier| earlier.to == hop.to);
            if is_loop || (is_last && !is_end) {
                continue;
            }
            let longer = curve.then(self.book.curve(*hop));
            if is_end && longer.rate > terms.limit {
                let hops = path.iter().chain([hop]).copied().collect();
                found.push(Candidate { trade: longer.best(terms), hops });
            } else if !is_end {
                path.push(*hop);
                self.extend(path, longer, terms, found);
                path.pop();
            }
        }
    }

    /// The best proposal over all paths: each at coarse sizes, the most promising at finer ones.
    fn best(&self) -> Option<Quote> {
        let mut coarse: Vec<(Vec<Hop>, Atoms, Quote)> = Vec::new();
        for Candidate { hops, trade } in self.paths() {
            let best = self.sizes(&trade).filter_map(|size| Some((size, self.at_size(&hops, size)?)));
            let best = best.max_by(|(_, a), (_, b)| a.worth.compare(&b.worth));
            coarse.extend(best.map(|(size, quote)| (hops, size, quote)));
        }
        coarse.sort_by(|(_, _, a), (_, _, b)| b.worth.compare(&a.worth));
        coarse.truncate(SEARCHED_MAX);
        let fine = coarse.into_iter().map(|(path, size, quote)| self.refined(&path, size, quote));
        let best = fine.max_by(|a, b| a.worth.compare(&b.worth));
        best.filter(|quote| quote.worth.compare(&Worth::default()).is_gt())
    }

    /// All, the most promising size, and some around it.
    fn sizes(&self, trade: &Trade) -> impl Iterator<Item = Atoms> {
        let (cap, least) = (self.cap(), self.option.minimum.max(1));
        let share = match self.intent.kind {
            Kind::ExactIn => trade.given,
            Kind::ExactOut => trade.given * float(self.option.get_amount) / float(self.option.give_amount),
        };
        let around = SIZES.iter().map(move |factor| nearest(share * factor));
        let count = if self.intent.is_all_or_nothing { 0 } else { SIZES.len() };
        let around = around.take(count).map(move |size| size.max(least)).filter(move |size| *size < cap);
        std::iter::once(cap).chain(around)
    }

    /// Searches around a coarse size for the best one.
    fn refined(&self, path: &[Hop], size: Atoms, quote: Quote) -> Quote {
        let mut best = quote;
        if self.intent.is_all_or_nothing {
            return best;
        }
        let (mut low, mut high) = (size / 4, size.saturating_mul(4).min(self.cap()));
        for _ in 0..STEPS_MAX {
            let third = high.saturating_sub(low) / 3;
            if third == 0 {
                break;
            }
            let (left, right) = (self.at_size(path, low + third), self.at_size(path, high - third));
            // A size that does not trade is too large for the venues or the limit.
            let is_left = worth(left.as_ref()).compare(&worth(right.as_ref())).is_ge();
            let better = if is_left { left } else { right };
            if is_left {
                high -= third;
            } else {
                low += third;
            }
            best = better.filter(|quote| quote.worth.compare(&best.worth).is_gt()).unwrap_or(best);
        }
        best
    }

    /// The fill of exactly `fixed` atoms of the fixed side, if venues, limit and minimum allow it.
    fn at_size(&self, path: &[Hop], fixed: Atoms) -> Option<Quote> {
        let rest = self.remaining.checked_sub(fixed)?;
        if fixed < self.option.minimum || (rest > 0 && rest < self.option.minimum) {
            return None;
        }
        let uses = match self.intent.kind {
            Kind::ExactIn => self.forward(path, fixed)?,
            Kind::ExactOut => self.backward(path, fixed)?,
        };
        let fill = Fill {
            intent: IntentIndex::from_at(self.intent_at),
            option: u16::try_from(self.option_at).ok()?,
            sold: uses.first()?.amount_in,
            bought: uses.last()?.amount_out,
        };
        let reserve = self.input.reserves.get(self.option.reserve.at())?;
        if !keeps_limit(self.option, &fill) || fill.sold > reserve.amount {
            return None;
        }
        let worth = self.values.worth(self.input, &fill);
        if worth.counted > self.most {
            return None;
        }
        let versions = path.iter().map(|hop| self.book.version(hop.venue)).collect();
        Some(Quote { bundle: Bundle { fills: vec![fill], uses }, worth, versions })
    }

    fn forward(&self, path: &[Hop], sold: Atoms) -> Option<Vec<VenueUse>> {
        let mut amount = sold;
        let mut uses = Vec::with_capacity(path.len());
        for hop in path {
            let amount_out = self.book.out_for(*hop, amount).filter(|out| *out > 0)?;
            uses.push(use_of(*hop, amount, amount_out));
            amount = amount_out;
        }
        Some(uses)
    }

    fn backward(&self, path: &[Hop], bought: Atoms) -> Option<Vec<VenueUse>> {
        let mut amount = bought;
        let mut uses = Vec::with_capacity(path.len());
        for hop in path.iter().rev() {
            let amount_in = self.book.in_for(*hop, amount).filter(|amount_in| *amount_in > 0)?;
            uses.push(use_of(*hop, amount_in, amount));
            amount = amount_in;
        }
        uses.reverse();
        Some(uses)
    }
}

fn worth(quote: Option<&Quote>) -> Worth {
    let nothing = Worth { counted: f64::NEG_INFINITY, surplus: f64::NEG_INFINITY };
    quote.map_or(nothing, |quote| quote.worth)
}

/// The nearest amount; floats beyond all amounts saturate.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
fn nearest(amount: f64) -> Atoms {
    amount as Atoms
}

fn use_of(hop: Hop, amount_in: Atoms, amount_out: Atoms) -> VenueUse {
    VenueUse { venue: VenueIndex::from_at(hop.venue), direction: hop.direction, amount_in, amount_out }
}

fn keeps_limit(option: &AuctionOption, fill: &Fill) -> bool {
    let product = |a: Atoms, b: Atoms| -> Option<U256> { wide::<256, 4>(a).checked_mul(wide(b)) };
    product(fill.bought, option.give_amount) >= product(fill.sold, option.get_amount)
}
