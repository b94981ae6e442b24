//! A program in which some groups are decided, and a point from which to follow its path.

use super::cholesky::Cholesky;
use super::interior::{Cluster, Flow, Interior, Level, Spot, Unit};
use super::model::{Group, Model, Origin, Rule};

/// What was decided of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Nothing yet: any mixture.
    Open,
    /// Nothing of it is used.
    Out,
    /// All of it: an intent is filled wholly, a rail pays its fixed fee.
    In,
    /// Only its term at this place within the group; wholly where the rule wants the whole.
    Only(usize),
}

/// What is asked of a program beside the decisions.
#[derive(Clone, Debug, Default)]
pub(super) struct Restriction {
    /// What must be left over of each row; empty for nothing.
    pub(super) margins: Vec<f64>,
    /// The least shadow price of each row, below zero where what is left over shall cost; empty for zero.
    pub(super) floors: Vec<f64>,
    /// Terms that must not be used; empty for none.
    pub(super) is_term_barred: Vec<bool>,
    /// Curves that must not be used; empty for none.
    pub(super) is_curve_barred: Vec<bool>,
}

/// A point in the model's own places, from which programs with other decisions start.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) mu: f64,
    pub(super) spots: Vec<Spot>,
    /// By group.
    pub(super) sum_prices: Vec<f64>,
    /// Put and the prices of its bounds, by curve.
    pub(super) flows: Vec<[f64; 3]>,
    /// Price, slack and elastic, by row.
    pub(super) levels: Vec<[f64; 3]>,
}

/// What venues take at first at most: they may be far larger than all intents together.
const VENUE_START: f64 = 2_000.0;
/// What an intent sells at first at most: owners may offer more than all venues can take.
const INTENT_START: f64 = 100_000.0;
/// A share this close to its bounds starts a little further inside.
const INSIDE: f64 = 1e-3;

impl Snapshot {
    /// A point that belongs to no program yet: everything half way, prices at their values.
    pub(super) fn cold(model: &Model, mu: f64) -> Snapshot {
        let spots = model.terms.iter().map(|term| {
            let peers = model.groups[term.group].terms.len();
            let half = 0.5 * term.cap / f64::from(u32::try_from(peers).unwrap_or(u32::MAX));
            let start = match model.groups[term.group].origin {
                Origin::Venue(_) => VENUE_START,
                Origin::Intent(_) => INTENT_START,
            };
            let x = half.min(start / term.size);
            centred(term.cap, term.kappa, x, 0.5 * term.kappa * x, mu)
        });
        let flows = model.curves.iter().map(|curve| {
            let put = (1e-3 * curve.shape.scale()).min(0.5 * curve.most).min(VENUE_START);
            [put, mu / put, if curve.most.is_finite() { mu / (curve.most - put) } else { 0.0 }]
        });
        Snapshot {
            mu,
            spots: spots.collect(),
            sum_prices: vec![mu / 0.5; model.groups.len()],
            flows: flows.collect(),
            levels: model.rows.iter().map(|row| [1.0, mu, mu / (row.ceiling - 1.0)]).collect(),
        }
    }
}

/// The factor nearest to this one whose product with the other is of the size of `mu`.
///
/// Points that were taken over from program to program would otherwise drift away from the path.
fn tempered(factor: f64, other: f64, mu: f64) -> f64 {
    let mean = mu / other.max(f64::MIN_POSITIVE);
    factor.max(0.1 * mean).min(10.0 * mean)
}

/// A spot whose products are all `mu`.
fn centred(cap: f64, kappa: f64, x: f64, u: f64, mu: f64) -> Spot {
    let mut spot = Spot { x, u, x_least: mu / x, x_most: mu / (cap - x), u_least: 0.0, u_most: 0.0 };
    if kappa > 0.0 {
        spot.u_least = mu / u;
        spot.u_most = mu / (kappa * x - u);
    }
    spot
}

impl<'m> Interior<'m> {
    /// The program with these decisions, at the snapshot as far as it fits.
    pub(super) fn of(
        model: &'m Model,
        choices: &[Choice],
        restriction: &Restriction,
        snapshot: &Snapshot,
        matrix: Cholesky,
    ) -> Interior<'m> {
        let floors = restriction.floors.iter().copied().chain(std::iter::repeat(0.0));
        let known = snapshot.levels.iter().zip(floors);
        let levels = model.rows.iter().zip(known).map(|(row, ([price, slack, elastic], floor))| {
            let price = price.min(row.ceiling * (1.0 - 1e-6));
            Level {
                base: row.base,
                ceiling: row.ceiling,
                floor,
                price,
                slack: tempered(*slack, price - floor, snapshot.mu),
                elastic: tempered(*elastic, row.ceiling - price, snapshot.mu),
                ..Level::default()
            }
        });
        let (units, clusters) = (Vec::with_capacity(model.terms.len()), Vec::new());
        let flows = Vec::with_capacity(model.curves.len());
        let mut point = Interior { model, units, clusters, flows, levels: levels.collect(), matrix, pairs: 0 };
        for (level, margin) in point.levels.iter_mut().zip(&restriction.margins) {
            level.base -= margin;
        }
        for (place, (group, choice)) in model.groups.iter().zip(choices).enumerate() {
            point.add_group(place, group, *choice, restriction, snapshot);
        }
        for (place, (curve, kept)) in model.curves.iter().zip(&snapshot.flows).enumerate() {
            if !restriction.is_curve_barred.get(place).copied().unwrap_or(false) {
                point.flows.push(flow(curve, place, *kept, snapshot.mu));
            }
        }
        point.count_pairs();
        point
    }

    fn count_pairs(&mut self) {
        let of_units = self.units.iter().map(|unit| 2 * usize::from(!unit.is_pinned) + 2 * usize::from(unit.pays()));
        let open = self.clusters.iter().filter(|cluster| !cluster.is_exact).count();
        let of_flows = self.flows.iter().map(|flow| 1 + usize::from(flow.room().is_some()));
        self.pairs = of_units.sum::<usize>() + open + of_flows.sum::<usize>() + 2 * self.levels.len();
    }

    fn add_group(
        &mut self,
        place: usize,
        group: &Group,
        choice: Choice,
        restriction: &Restriction,
        snapshot: &Snapshot,
    ) {
        let is_barred = |term: &usize| restriction.is_term_barred.get(*term).copied().unwrap_or(false);
        let usable = |term: &usize| self.model.terms[*term].cap > 0.0 && !is_barred(term);
        let terms: Vec<usize> = match (group.rule, choice) {
            (_, Choice::Out) => return,
            (Rule::Rail, Choice::In) => {
                let term = &self.model.terms[group.terms.start];
                term.entries().zip(group.entry).for_each(|((row, ..), by)| self.levels[row].base += by);
                let mut ranged = group.terms.start + 1..group.terms.end;
                ranged.find(usable).into_iter().collect()
            }
            (Rule::Rail, Choice::Open | Choice::Only(_)) => vec![group.terms.start],
            (_, Choice::Only(offset)) => vec![group.terms.start + offset].into_iter().filter(usable).collect(),
            (_, Choice::Open | Choice::In) => group.terms.clone().filter(usable).collect(),
        };
        let is_whole = match choice {
            Choice::In => group.rule != Rule::Rail,
            Choice::Only(_) => group.rule == Rule::WholeOne,
            Choice::Open | Choice::Out => false,
        };
        let caps: f64 = terms.iter().map(|term| self.model.terms[*term].cap).sum();
        let is_tight = is_whole && caps <= 1.0 + 1e-9;
        let first = self.units.len();
        for term in &terms {
            self.add_unit(*term, is_tight, snapshot);
        }
        if terms.len() > 1 && !is_tight {
            self.add_cluster(place, first, is_whole, snapshot);
        }
    }

    fn add_unit(&mut self, place: usize, is_pinned: bool, snapshot: &Snapshot) {
        let (term, old, mu) = (&self.model.terms[place], snapshot.spots[place], snapshot.mu);
        let margin = term.kappa * old.x - old.u;
        let mut at = Spot {
            x_least: tempered(old.x_least, old.x, mu),
            x_most: tempered(old.x_most, term.cap - old.x, mu),
            ..old
        };
        if term.kappa > 0.0 {
            at.u_least = tempered(old.u_least, old.u, mu);
            at.u_most = tempered(old.u_most, margin, mu);
        }
        if is_pinned {
            let share = if old.x > 0.0 && term.kappa > 0.0 { old.u / (term.kappa * old.x) } else { 0.5 };
            let u = share.clamp(INSIDE, 1.0 - INSIDE) * term.kappa * term.cap;
            at = Spot { x: term.cap, u, ..Spot::default() };
            if term.kappa > 0.0 {
                (at.u_least, at.u_most) = (mu / u, mu / (term.kappa * term.cap - u));
            }
        }
        let (block, products) = (super::newton::Block::default(), [0.0; 4]);
        let (wanted, step) = ([0.0; 2], Spot::default());
        self.units.push(Unit { term, place, is_pinned, at, block, wanted, step, products });
    }

    fn add_cluster(&mut self, group: usize, first: usize, is_exact: bool, snapshot: &Snapshot) {
        let end = self.units.len();
        let units = &mut self.units[first..end];
        let sum: f64 = units.iter().map(|unit| unit.at.x).sum();
        if !is_exact && sum > 1.0 - INSIDE {
            let shrink = (1.0 - INSIDE) / sum;
            units.iter_mut().for_each(|unit| {
                (unit.at.x, unit.at.u) = (unit.at.x * shrink, unit.at.u * shrink);
            });
        }
        let price = if is_exact { 0.0 } else { snapshot.sum_prices[group].max(f64::MIN_POSITIVE) };
        let (slack, step, step_slack, product) = (0.0, 0.0, 0.0, 0.0);
        let (wanted, weight) = (0.0, 0.0);
        let cluster = Cluster { group, first, end, is_exact, price, slack, step, step_slack, product, wanted, weight };
        self.clusters.push(cluster);
    }

    /// Keeps this point in the model's own places; what is not in use keeps its place in `snapshot`.
    pub(super) fn keep(&self, mu: f64, snapshot: &mut Snapshot) {
        snapshot.mu = mu;
        for unit in self.units.iter().filter(|unit| !unit.is_pinned) {
            snapshot.spots[unit.place] = unit.at;
            let group = &self.model.groups[unit.term.group];
            if group.rule == Rule::Rail {
                let (other, x) = other_way(self.model, group, unit);
                snapshot.spots[other] = centred(1.0, 0.0, x, 0.0, mu);
            }
        }
        for cluster in self.clusters.iter().filter(|cluster| !cluster.is_exact) {
            snapshot.sum_prices[cluster.group] = cluster.price;
        }
        for flow in &self.flows {
            snapshot.flows[flow.place] = [flow.put, flow.least, flow.most];
        }
        for (kept, level) in snapshot.levels.iter_mut().zip(&self.levels) {
            *kept = [level.price, level.slack, level.elastic];
        }
    }
}

/// The same use of a rail by its other term: the hull and what exceeds the least use stand for each other.
fn other_way(model: &Model, group: &Group, unit: &Unit<'_>) -> (usize, f64) {
    let (hull, ranged) = (group.terms.start, group.terms.end - 1);
    let [most, range] = [hull, ranged].map(|term| -model.terms[term].by_x[0]);
    let least = -group.entry[0];
    let x = if unit.place == hull { (unit.at.x * most - least) / range } else { (unit.at.x * range + least) / most };
    let inside = (1e-3 * VENUE_START / most).min(INSIDE);
    (if unit.place == hull { ranged } else { hull }, x.clamp(inside, 1.0 - INSIDE))
}

fn flow(curve: &super::model::Curve, place: usize, [put, least, most]: [f64; 3], mu: f64) -> Flow<'_> {
    let least = tempered(least, put, mu);
    let most = if curve.most.is_finite() { tempered(most, curve.most - put, mu) } else { 0.0 };
    Flow {
        curve,
        place,
        put,
        least,
        most,
        out: 0.0,
        slope: 0.0,
        bend: 0.0,
        stiffness: 0.0,
        wanted: 0.0,
        step: 0.0,
        step_least: 0.0,
        step_most: 0.0,
        products: [0.0; 2],
    }
}
