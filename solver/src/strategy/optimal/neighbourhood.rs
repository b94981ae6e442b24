//! Large-neighbourhood search: frees some decisions of the best answer, solves, and keeps what is better.

use super::dive::Style;
use super::model::Rule;
use super::node::Choice;
use super::search::{INTEGRAL, Outcome, Relaxed, Search, leaning};

/// Fractional groups up to which a neighbourhood is searched by branching.
const BRANCHED_MAX: usize = 12;
/// Programs solved for one neighbourhood.
const NODES_MAX: usize = 40;
/// How many groups are freed at first, at least and at most.
const FREED: [f64; 3] = [16.0, 4.0, 400.0];
/// Every so many rounds all whole fills are freed.
const ALL_EVERY: usize = 5;

/// Which decisions are freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Those that the shadow prices call about as good either way.
    Undecided,
    /// Those that touch two random rows.
    Touching,
    /// Random ones.
    Random,
}

const KINDS: [Kind; 3] = [Kind::Undecided, Kind::Touching, Kind::Random];

/// What has worked so far.
#[derive(Clone, Debug)]
pub(super) struct Neighbourhoods {
    weights: [f64; 3],
    freed: f64,
    round: usize,
    decidable: Vec<usize>,
}

impl Neighbourhoods {
    pub(super) fn new(search: &Search<'_>) -> Neighbourhoods {
        Neighbourhoods { weights: [1.0; 3], freed: FREED[0], round: 0, decidable: search.decidable() }
    }

    /// Whether there is anything to decide at all.
    pub(super) fn is_empty(&self) -> bool {
        self.decidable.is_empty()
    }

    /// Searches one neighbourhood of the best answer; whether a better one was found.
    pub(super) fn explore(&mut self, search: &mut Search<'_>, prices: &[f64]) -> bool {
        self.round += 1;
        let Some(best) = search.best.clone() else { return false };
        let kind = self.pick(search);
        let is_all = self.round.is_multiple_of(ALL_EVERY);
        let freed = if is_all { self.wholes(search) } else { self.freed(search, KINDS[kind], prices) };
        let mut choices = best.choices;
        freed.iter().for_each(|place| choices[*place] = Choice::Open);
        let relaxed = match search.solve(&choices, &best.snapshot) {
            Outcome::Solved(relaxed) => relaxed,
            Outcome::Worse => {
                self.learn(kind, false, 1.2, is_all);
                return false;
            }
            Outcome::Halted => return false,
        };
        let fractional = self.fractional(search, &choices, &relaxed);
        let is_better = if fractional <= BRANCHED_MAX || is_all {
            search.branch(&choices, &relaxed.snapshot, NODES_MAX, is_all).is_better
        } else {
            let style = if search.random.share() < 0.5 { Style::Drop(3) } else { Style::Both };
            search.dive(&choices, &relaxed, style)
        };
        self.learn(kind, is_better, if fractional > BRANCHED_MAX { 0.8 } else { 1.05 }, is_all);
        is_better
    }

    fn learn(&mut self, kind: usize, is_better: bool, growth: f64, is_all: bool) {
        if is_all {
            return;
        }
        let success = if is_better { 1.0 } else { 0.0 };
        self.weights[kind] = (0.9 * self.weights[kind] + 0.1 * success).max(0.05);
        self.freed = (self.freed * growth).clamp(FREED[1], FREED[2]);
    }

    fn pick(&self, search: &mut Search<'_>) -> usize {
        let mut at = search.random.share() * self.weights.iter().sum::<f64>();
        for (kind, weight) in self.weights.iter().enumerate() {
            at -= weight;
            if at < 0.0 {
                return kind;
            }
        }
        0
    }

    fn wholes(&self, search: &Search<'_>) -> Vec<usize> {
        let is_whole = |place: &&usize| search.model.groups[**place].rule != Rule::Rail;
        self.decidable.iter().filter(is_whole).copied().collect()
    }

    fn freed(&self, search: &mut Search<'_>, kind: Kind, prices: &[f64]) -> Vec<usize> {
        let most = super::rounding::places(self.freed);
        let mut ranked: Vec<(f64, usize)> = match kind {
            Kind::Undecided => self.ranked(search, |search, place| {
                let noise = 0.3 + search.random.share();
                worth(search, place, prices).abs() * noise
            }),
            Kind::Random => self.ranked(search, |search, _| search.random.share()),
            Kind::Touching => {
                let rows = search.model.rows.len();
                let chosen = [search.random.place(rows), search.random.place(rows)];
                self.ranked(search, |search, place| {
                    let terms = &search.model.terms[search.model.groups[place].terms.clone()];
                    let mut touched = terms.iter().flat_map(|term| term.entries());
                    let is_touching = touched.any(|(row, ..)| chosen.contains(&row));
                    search.random.share() + if is_touching { 0.0 } else { 1.0 }
                })
            }
        };
        let most = most.min(ranked.len());
        ranked.sort_by(|one, other| one.0.total_cmp(&other.0));
        ranked.into_iter().take(most).map(|(_, place)| place).collect()
    }

    fn ranked(
        &self,
        search: &mut Search<'_>,
        mut rank: impl FnMut(&mut Search<'_>, usize) -> f64,
    ) -> Vec<(f64, usize)> {
        self.decidable.iter().map(|place| (rank(search, *place), *place)).collect()
    }

    fn fractional(&self, search: &Search<'_>, choices: &[Choice], relaxed: &Relaxed) -> usize {
        let open = self.decidable.iter().filter(|place| choices[**place] == Choice::Open);
        open.filter(|place| leaning(search.model, **place, &relaxed.shares).fraction > INTEGRAL).count()
    }
}

/// What the best term of a group gains at these prices, per value.
fn worth(search: &Search<'_>, place: usize, prices: &[f64]) -> f64 {
    let terms = &search.model.terms[search.model.groups[place].terms.clone()];
    let worths = terms.iter().map(|term| {
        let (x, u) = term.worth(prices);
        (x + term.kappa * u.max(0.0)) / term.size.max(f64::MIN_POSITIVE)
    });
    worths.fold(f64::NEG_INFINITY, f64::max)
}
