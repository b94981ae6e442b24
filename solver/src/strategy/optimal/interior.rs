//! A point inside the program: shares, surpluses, flows and slacks, each with the price of its bound.
//!
//! Everything that must stay positive has a product with its price that tends to zero along the path.

use super::cholesky::Cholesky;
use super::model::{Curve, Model, Term};
use super::newton::{Block, Step};

/// A flow grows by at most this share of its pool's scale at once: a flat curve tells nothing of its far end.
const REACH: f64 = 0.25;

/// A term in use.
#[derive(Clone, Debug)]
pub(super) struct Unit<'m> {
    /// What it adds to rows.
    pub(super) term: &'m Term,
    /// Its place in the model.
    pub(super) place: usize,
    /// Whether x is given and only the surplus moves.
    pub(super) is_pinned: bool,
    /// Share, surplus, and the prices of `x >= 0`, `x <= cap`, `u >= 0`, `u <= kappa x`.
    pub(super) at: Spot,
    /// The inverse of its own part of the system.
    pub(super) block: Block,
    /// What the part of the system beside the prices wants.
    pub(super) wanted: [f64; 2],
    /// The step in the same coordinates as `at`.
    pub(super) step: Spot,
    /// The products of the predicted steps, in the order of the prices.
    pub(super) products: [f64; 4],
}

/// The coordinates of one term.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) u: f64,
    pub(super) x_least: f64,
    pub(super) x_most: f64,
    pub(super) u_least: f64,
    pub(super) u_most: f64,
}

/// Several units of which the shares sum to at most, or to exactly, one.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    /// The group's place in the model.
    pub(super) group: usize,
    /// The first unit.
    pub(super) first: usize,
    /// The unit after the last.
    pub(super) end: usize,
    /// Whether they sum to exactly one.
    pub(super) is_exact: bool,
    /// The price of the sum.
    pub(super) price: f64,
    /// What is left of one.
    pub(super) slack: f64,
    pub(super) step: f64,
    pub(super) step_slack: f64,
    pub(super) product: f64,
    /// What the prices beside the rows want of the sum, and one over its weight.
    pub(super) wanted: f64,
    pub(super) weight: f64,
}

/// A direction of a pool in use.
#[derive(Clone, Debug)]
pub(super) struct Flow<'m> {
    pub(super) curve: &'m Curve,
    /// Its place in the model.
    pub(super) place: usize,
    /// What goes in, and the prices of its being at least zero and at most what the curve takes.
    pub(super) put: f64,
    pub(super) least: f64,
    pub(super) most: f64,
    /// The curve there.
    pub(super) out: f64,
    pub(super) slope: f64,
    pub(super) bend: f64,
    pub(super) stiffness: f64,
    pub(super) wanted: f64,
    pub(super) step: f64,
    pub(super) step_least: f64,
    pub(super) step_most: f64,
    /// The products of the predicted steps, in the order of the prices.
    pub(super) products: [f64; 2],
}

/// A row with its shadow price.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// What there is without any unit.
    pub(super) base: f64,
    /// The most that the price may be.
    pub(super) ceiling: f64,
    /// The least that it may be: below zero where what is left over costs something.
    pub(super) floor: f64,
    /// The shadow price.
    pub(super) price: f64,
    /// What is left over.
    pub(super) slack: f64,
    /// What is missing, bought at the ceiling.
    pub(super) elastic: f64,
    /// What the point gets wrong.
    pub(super) residual: f64,
    pub(super) step: f64,
    pub(super) step_slack: f64,
    pub(super) step_elastic: f64,
    pub(super) products: [f64; 2],
}

/// A point of a program in which some groups are decided.
#[derive(Clone, Debug)]
pub(super) struct Interior<'m> {
    pub(super) model: &'m Model,
    pub(super) units: Vec<Unit<'m>>,
    pub(super) clusters: Vec<Cluster>,
    pub(super) flows: Vec<Flow<'m>>,
    pub(super) levels: Vec<Level>,
    pub(super) matrix: Cholesky,
    /// Products that tend to zero.
    pub(super) pairs: usize,
}

/// Where a point stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// The mean product.
    pub(super) mu: f64,
    /// What rows and exact sums get wrong, in value.
    pub(super) residual: f64,
    /// What is bought at the ceilings.
    pub(super) elastic: f64,
    /// The surplus that counts.
    pub(super) value: f64,
}

impl Unit<'_> {
    /// What is left of the cap.
    pub(super) fn room(&self) -> f64 {
        self.term.cap - self.at.x
    }

    /// What is left of the surplus that counts.
    pub(super) fn margin(&self) -> f64 {
        self.term.kappa * self.at.x - self.at.u
    }

    pub(super) fn pays(&self) -> bool {
        self.term.kappa > 0.0
    }
}

impl Flow<'_> {
    /// What is left of the most that goes in, where there is a most.
    pub(super) fn room(&self) -> Option<f64> {
        self.curve.most.is_finite().then_some(self.curve.most - self.put)
    }
}

impl Interior<'_> {
    /// Measures the point: the curves at their flows, the rows' residuals, and the mean product.
    pub(super) fn stand(&mut self) -> Standing {
        let mut standing = Standing::default();
        let mut products = 0.0;
        self.levels.iter_mut().for_each(|level| level.residual = level.base + level.elastic - level.slack);
        for unit in &self.units {
            let at = unit.at;
            standing.value += unit.term.reward * at.x;
            for (row, by_x, by_u) in unit.term.entries() {
                self.levels[row].residual += by_x * at.x + by_u * at.u;
            }
            if !unit.is_pinned {
                products += at.x * at.x_least + unit.room() * at.x_most;
            }
            if unit.pays() {
                products += at.u * at.u_least + unit.margin() * at.u_most;
                standing.value += at.u;
            }
        }
        for flow in &mut self.flows {
            let sample = flow.curve.shape.at(flow.put);
            (flow.out, flow.slope, flow.bend) = (sample.out, sample.slope, sample.bend);
            self.levels[flow.curve.input].residual -= flow.put;
            self.levels[flow.curve.output].residual += flow.out;
            products += flow.put * flow.least + flow.room().map_or(0.0, |room| room * flow.most);
        }
        for cluster in &mut self.clusters {
            cluster.slack = 1.0 - self.units[cluster.first..cluster.end].iter().map(|unit| unit.at.x).sum::<f64>();
            if cluster.is_exact {
                standing.residual += cluster.slack.abs() * self.units[cluster.first].term.size;
            } else {
                products += cluster.slack * cluster.price;
            }
        }
        for level in &self.levels {
            standing.residual += level.residual.abs();
            standing.elastic += level.elastic;
            products += (level.price - level.floor) * level.slack + (level.ceiling - level.price) * level.elastic;
        }
        standing.mu = products / f64::from(u32::try_from(self.pairs.max(1)).unwrap_or(u32::MAX));
        standing
    }

    /// How far the steps go before something becomes negative: what is traded, and prices.
    pub(super) fn longest(&self) -> Step {
        let mut step = Step { traded: f64::INFINITY, priced: f64::INFINITY };
        for unit in &self.units {
            let (at, by) = (unit.at, unit.step);
            if !unit.is_pinned {
                step.bound([(at.x, by.x), (unit.room(), -by.x)], [(at.x_least, by.x_least), (at.x_most, by.x_most)]);
            }
            if unit.pays() {
                let margin = (unit.margin(), unit.term.kappa * by.x - by.u);
                step.bound([(at.u, by.u), margin], [(at.u_least, by.u_least), (at.u_most, by.u_most)]);
            }
        }
        for flow in &self.flows {
            let reach = 4.0 * flow.put + REACH * flow.curve.shape.scale();
            step.bound([(flow.put, flow.step), (reach, -flow.step)], [(flow.least, flow.step_least)]);
            if let Some(room) = flow.room() {
                step.bound([(room, -flow.step)], [(flow.most, flow.step_most)]);
            }
        }
        for cluster in self.clusters.iter().filter(|cluster| !cluster.is_exact) {
            step.bound([(cluster.slack, cluster.step_slack)], [(cluster.price, cluster.step)]);
        }
        for level in &self.levels {
            let prices = [(level.price - level.floor, level.step), (level.ceiling - level.price, -level.step)];
            step.bound([(level.slack, level.step_slack), (level.elastic, level.step_elastic)], prices);
        }
        step
    }

    /// The mean product after steps of these lengths.
    pub(super) fn mu_after(&self, step: Step) -> f64 {
        let Step { traded, priced } = step;
        let product = |value: f64, by: f64, price: f64, rise: f64| (value + traded * by) * (price + priced * rise);
        let mut products = 0.0;
        for unit in &self.units {
            let (at, by) = (unit.at, unit.step);
            if !unit.is_pinned {
                products += product(at.x, by.x, at.x_least, by.x_least);
                products += product(unit.room(), -by.x, at.x_most, by.x_most);
            }
            if unit.pays() {
                products += product(at.u, by.u, at.u_least, by.u_least);
                products += product(unit.margin(), unit.term.kappa * by.x - by.u, at.u_most, by.u_most);
            }
        }
        for flow in &self.flows {
            products += product(flow.put, flow.step, flow.least, flow.step_least);
            products += flow.room().map_or(0.0, |room| product(room, -flow.step, flow.most, flow.step_most));
        }
        for cluster in self.clusters.iter().filter(|cluster| !cluster.is_exact) {
            products += product(cluster.slack, cluster.step_slack, cluster.price, cluster.step);
        }
        for level in &self.levels {
            products += product(level.slack, level.step_slack, level.price - level.floor, level.step);
            products += product(level.elastic, level.step_elastic, level.ceiling - level.price, -level.step);
        }
        products / f64::from(u32::try_from(self.pairs.max(1)).unwrap_or(u32::MAX))
    }

    /// Takes steps of these lengths.
    pub(super) fn advance(&mut self, step: Step) {
        let Step { traded, priced } = step;
        for unit in &mut self.units {
            let (at, by) = (&mut unit.at, unit.step);
            at.x += traded * by.x;
            at.u += traded * by.u;
            at.x_least += priced * by.x_least;
            at.x_most += priced * by.x_most;
            at.u_least += priced * by.u_least;
            at.u_most += priced * by.u_most;
        }
        for flow in &mut self.flows {
            flow.put += traded * flow.step;
            flow.least += priced * flow.step_least;
            flow.most += priced * flow.step_most;
        }
        for cluster in &mut self.clusters {
            cluster.price += priced * cluster.step;
        }
        for level in &mut self.levels {
            level.price += priced * level.step;
            level.slack += traded * level.step_slack;
            level.elastic += traded * level.step_elastic;
        }
    }

    /// Remembers the products of the predicted steps.
    pub(super) fn keep_products(&mut self) {
        for unit in &mut self.units {
            let by = unit.step;
            let margin = unit.term.kappa * by.x - by.u;
            unit.products = [by.x * by.x_least, -by.x * by.x_most, by.u * by.u_least, margin * by.u_most];
        }
        for flow in &mut self.flows {
            flow.products = [flow.step * flow.step_least, -flow.step * flow.step_most];
        }
        self.clusters.iter_mut().for_each(|cluster| cluster.product = cluster.step * cluster.step_slack);
        for level in &mut self.levels {
            level.products = [level.step * level.step_slack, -level.step * level.step_elastic];
        }
    }

    /// Forgets them.
    pub(super) fn drop_products(&mut self) {
        self.units.iter_mut().for_each(|unit| unit.products = [0.0; 4]);
        self.flows.iter_mut().for_each(|flow| flow.products = [0.0; 2]);
        self.clusters.iter_mut().for_each(|cluster| cluster.product = 0.0);
        self.levels.iter_mut().for_each(|level| level.products = [0.0; 2]);
    }

    /// The shadow prices.
    pub(super) fn prices(&self) -> Vec<f64> {
        self.levels.iter().map(|level| level.price).collect()
    }
}
