//! One Newton step towards a point at which all products are alike, by elimination down to the rows.
//!
//! Each term's two unknowns are eliminated by a closed form, groups by a rank-one update, pools by
//! their curvature; what is left is a small dense system in the rows' shadow prices.

use super::interior::{Cluster, Interior, Level, Spot, Unit};

/// The inverse of a term's own two-by-two system.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block {
    pub(super) xx: f64,
    pub(super) xu: f64,
    pub(super) uu: f64,
}

/// Lengths of a step, for what is traded and for prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) traded: f64,
    pub(super) priced: f64,
}

impl Step {
    /// Shortens to where the first of these (value, step) becomes zero.
    pub(super) fn bound<const TRADED: usize, const PRICED: usize>(
        &mut self,
        traded: [(f64, f64); TRADED],
        priced: [(f64, f64); PRICED],
    ) {
        let limit = |most: f64, (value, step): (f64, f64)| if step < 0.0 { most.min(-value / step) } else { most };
        self.traded = traded.into_iter().fold(self.traded, limit);
        self.priced = priced.into_iter().fold(self.priced, limit);
    }
}

impl Block {
    fn times(self, [x, u]: [f64; 2]) -> [f64; 2] {
        [self.xx * x + self.xu * u, self.xu * x + self.uu * u]
    }
}

impl Unit<'_> {
    fn invert(&mut self) {
        let (at, kappa) = (self.at, self.term.kappa);
        self.block = Block::default();
        let x_own = at.x_least / at.x + at.x_most / self.room();
        if kappa <= 0.0 {
            self.block.xx = if self.is_pinned { 0.0 } else { 1.0 / x_own };
            return;
        }
        let most = at.u_most / self.margin();
        let u_own = at.u_least / at.u;
        if self.is_pinned {
            self.block.uu = 1.0 / (u_own + most);
            return;
        }
        // det [[x_own + k^2 m, -k m], [-k m, u_own + m]], without the cancelling products.
        let determinant = x_own * (u_own + most) + kappa * kappa * most * u_own;
        let inverse = 1.0 / determinant;
        self.block.xx = (u_own + most) * inverse;
        self.block.xu = kappa * most * inverse;
        self.block.uu = (x_own + kappa * kappa * most) * inverse;
    }

    /// What the bounds and the rows' prices push x and u to, the products aiming at `mu`.
    fn push(&self, mu: f64, levels: &[Level], sum_price: f64) -> [f64; 2] {
        let paid = if self.pays() { 1.0 } else { 0.0 };
        let [mut x, mut u] = [self.term.reward - sum_price, paid];
        for (row, by_x, by_u) in self.term.entries() {
            x += by_x * levels[row].price;
            u += by_u * levels[row].price;
        }
        let [x_least, x_most, u_least, u_most] = self.products;
        if !self.is_pinned {
            x += (mu - x_least) / self.at.x - (mu - x_most) / self.room();
        }
        if self.pays() {
            let most = (mu - u_most) / self.margin();
            x += self.term.kappa * most;
            u += (mu - u_least) / self.at.u - most;
        }
        [x, u]
    }

    /// What steps of the rows' prices push x and u to.
    fn pulled(&self, levels: &[Level]) -> [f64; 2] {
        self.term
            .entries()
            .fold([0.0; 2], |[x, u], (row, by_x, by_u)| [x + by_x * levels[row].step, u + by_u * levels[row].step])
    }

    fn finish(&mut self, [x, u]: [f64; 2], mu: f64) {
        let (at, kappa) = (self.at, self.term.kappa);
        let [x_least, x_most, u_least, u_most] = self.products;
        let mut step = Spot { x, u, ..Spot::default() };
        if !self.is_pinned {
            step.x_least = (mu - x_least - at.x_least * x) / at.x - at.x_least;
            step.x_most = (mu - x_most + at.x_most * x) / self.room() - at.x_most;
        }
        if self.pays() {
            step.u_least = (mu - u_least - at.u_least * u) / at.u - at.u_least;
            step.u_most = (mu - u_most - at.u_most * (kappa * x - u)) / self.margin() - at.u_most;
        }
        self.step = step;
    }
}

impl Cluster {
    /// How far the sum gives way to its price.
    fn give(&self) -> f64 {
        if self.is_exact { 0.0 } else { self.slack / self.price }
    }

    fn target(&self, mu: f64) -> f64 {
        if self.is_exact { -self.slack } else { (mu - self.product) / self.price - self.slack }
    }
}

impl Interior<'_> {
    /// Builds and factors the system of the rows at the point measured last.
    pub(super) fn assemble(&mut self) {
        self.matrix.reset(self.levels.len());
        for unit in &mut self.units {
            unit.invert();
            let Block { xx, xu, uu } = unit.block;
            let term = unit.term;
            for (at, (row, by_x, by_u)) in term.entries().enumerate() {
                let [x, u] = [xx * by_x + xu * by_u, xu * by_x + uu * by_u];
                for (other, other_x, other_u) in term.entries().take(at + 1) {
                    self.matrix.add(row, other, x * other_x + u * other_u);
                }
            }
        }
        for cluster in &mut self.clusters {
            let units = &self.units[cluster.first..cluster.end];
            let sum: f64 = units.iter().map(|unit| unit.block.xx).sum();
            cluster.weight = 1.0 / (cluster.give() + sum);
            let weights = row_weights(units);
            for (at, (row, weight)) in weights.iter().enumerate() {
                for (other, other_weight) in weights.iter().take(at + 1) {
                    self.matrix.add(*row, *other, -weight * other_weight * cluster.weight);
                }
            }
        }
        for flow in &mut self.flows {
            let (input, output) = (flow.curve.input, flow.curve.output);
            let bounds = flow.least / flow.put + flow.room().map_or(0.0, |room| flow.most / room);
            flow.stiffness = bounds - self.levels[output].price * flow.bend;
            let inverse = 1.0 / flow.stiffness;
            self.matrix.add(input, input, inverse);
            self.matrix.add(input, output, -flow.slope * inverse);
            self.matrix.add(output, output, flow.slope * flow.slope * inverse);
        }
        for (row, level) in self.levels.iter().enumerate() {
            let own = level.slack / (level.price - level.floor) + level.elastic / (level.ceiling - level.price);
            self.matrix.add(row, row, own);
        }
        self.matrix.factor();
    }

    /// The step towards products of `mu`, corrected by the products that were kept.
    pub(super) fn aim(&mut self, mu: f64) {
        let mut right: Vec<f64> = self.levels.iter().map(|level| own_right(level, mu)).collect();
        self.want(mu, &mut right);
        self.matrix.solve(&mut right);
        self.levels.iter_mut().zip(right).for_each(|(level, step)| level.step = step);
        self.follow(mu);
    }

    /// What everything beside the rows' prices wants, and what the rows are then left with.
    fn want(&mut self, mu: f64, right: &mut [f64]) {
        self.units.iter_mut().for_each(|unit| unit.wanted = unit.block.times(unit.push(mu, &self.levels, 0.0)));
        for cluster in &mut self.clusters {
            let units = &mut self.units[cluster.first..cluster.end];
            for unit in units.iter_mut() {
                unit.wanted = unit.block.times(unit.push(mu, &self.levels, cluster.price));
            }
            let sum: f64 = units.iter().map(|unit| unit.wanted[0]).sum();
            cluster.wanted = (cluster.target(mu) + sum) * cluster.weight;
            for unit in units.iter_mut() {
                unit.wanted[0] -= unit.block.xx * cluster.wanted;
                unit.wanted[1] -= unit.block.xu * cluster.wanted;
            }
        }
        for unit in &self.units {
            let [x, u] = unit.wanted;
            unit.term.entries().for_each(|(row, by_x, by_u)| right[row] -= by_x * x + by_u * u);
        }
        for flow in &mut self.flows {
            let (input, output) = (flow.curve.input, flow.curve.output);
            let profit = self.levels[output].price * flow.slope - self.levels[input].price;
            let [least, most] = flow.products;
            let bounds = (mu - least) / flow.put - flow.room().map_or(0.0, |room| (mu - most) / room);
            flow.wanted = (profit + bounds) / flow.stiffness;
            right[input] += flow.wanted;
            right[output] -= flow.wanted * flow.slope;
        }
    }

    /// Steps of everything else once those of the rows' prices are known.
    fn follow(&mut self, mu: f64) {
        for unit in &mut self.units {
            let [x, u] = unit.block.times(unit.pulled(&self.levels));
            unit.wanted = [unit.wanted[0] + x, unit.wanted[1] + u];
        }
        for cluster in &mut self.clusters {
            let units = &mut self.units[cluster.first..cluster.end];
            let pulled: f64 = units.iter().map(|unit| unit.block.times(unit.pulled(&self.levels))[0]).sum();
            let rise = pulled * cluster.weight;
            cluster.step = cluster.wanted + rise;
            for unit in units.iter_mut() {
                unit.wanted[0] -= unit.block.xx * rise;
                unit.wanted[1] -= unit.block.xu * rise;
            }
            cluster.step_slack = -units.iter().map(|unit| unit.wanted[0]).sum::<f64>();
        }
        self.units.iter_mut().for_each(|unit| unit.finish(unit.wanted, mu));
        for flow in &mut self.flows {
            let (input, output) = (flow.curve.input, flow.curve.output);
            let pulled = flow.slope * self.levels[output].step - self.levels[input].step;
            flow.step = flow.wanted + pulled / flow.stiffness;
            let [least, most] = flow.products;
            flow.step_least = (mu - least - flow.least * flow.step) / flow.put - flow.least;
            if let Some(room) = flow.room() {
                flow.step_most = (mu - most + flow.most * flow.step) / room - flow.most;
            }
        }
        for level in &mut self.levels {
            let under = level.ceiling - level.price;
            let [slack, elastic] = level.products;
            level.step_slack = (mu - slack - level.slack * level.step) / (level.price - level.floor) - level.slack;
            level.step_elastic = (mu - elastic + level.elastic * level.step) / under - level.elastic;
        }
    }
}

/// A row's residual with what its own slacks want.
fn own_right(level: &Level, mu: f64) -> f64 {
    let [slack, elastic] = level.products;
    let left = (mu - slack) / (level.price - level.floor) - level.slack;
    let bought = (mu - elastic) / (level.ceiling - level.price) - level.elastic;
    left - bought - level.residual
}

/// What a common shift of x in all units adds to each row.
fn row_weights(units: &[Unit<'_>]) -> Vec<(usize, f64)> {
    let mut weights: Vec<(usize, f64)> = Vec::with_capacity(2 * units.len());
    for unit in units {
        for (row, by_x, by_u) in unit.term.entries() {
            let weight = by_x * unit.block.xx + by_u * unit.block.xu;
            match weights.iter_mut().find(|(known, _)| *known == row) {
                Some((_, sum)) => *sum += weight,
                None => weights.push((row, weight)),
            }
        }
    }
    weights
}
