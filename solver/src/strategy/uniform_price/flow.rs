//! The best flow of value at fixed prices: what each token gives out it must have got in, less the fee of every trade.
//!
//! Maximises the sum of gain times amount over edges of bounded capacity by the simplex method with bounds. The zero
//! flow is feasible, so there is no first phase; the one token without a row, that of the fees, is where value comes from.

use super::orders::KEPT;

/// Below this, a gain per value is none.
const GAIN_MIN: f64 = 1e-13;
/// Below this, a coefficient is none.
const PIVOT_MIN: f64 = 1e-9;
/// Pivots without progress, per row, after which the first gain is taken and not the best.
const STALLED_MAX: usize = 4;

/// Value may go from one token to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// The row of the token sold; none for the fee token.
    pub(super) from: Option<usize>,
    /// The row of the token bought.
    pub(super) into: Option<usize>,
    /// The most value sold.
    pub(super) most: f64,
    /// What a unit of it gains.
    pub(super) gain: f64,
}

/// A flow and what another unit through an edge would be worth.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// The value sold over each edge.
    pub(super) amounts: Vec<f64>,
    /// The gain of each edge at the tokens' shadow prices: positive at capacity, zero in between.
    pub(super) reduced: Vec<f64>,
    /// Work done, in multiplications.
    pub(super) work: u64,
}

pub(super) fn best_flow(rows: usize, edges: &[Edge]) -> Flow {
    let mut simplex = Simplex::new(rows, edges);
    let steps_max = 60 + 12 * rows + 2 * edges.len();
    let mut stalled = 0;
    for _ in 0..steps_max {
        simplex.price();
        let Some(entering) = simplex.entering(stalled > STALLED_MAX * rows + 20) else { break };
        let moved = simplex.step(entering);
        stalled = if moved { 0 } else { stalled + 1 };
    }
    simplex.price();
    let reduced = (0..edges.len()).map(|at| simplex.reduced(at)).collect();
    Flow { amounts: simplex.amounts, reduced, work: simplex.work }
}

struct Simplex<'a> {
    rows: usize,
    edges: &'a [Edge],
    /// The flow over each edge, basic or not.
    amounts: Vec<f64>,
    /// The edge of each row, or none while nothing has entered it.
    basis: Vec<Option<usize>>,
    /// The row of each basic edge.
    row_of: Vec<Option<usize>>,
    /// The inverse of the basis, row by row.
    inverse: Vec<f64>,
    /// The shadow price of each row.
    shadow: Vec<f64>,
    column: Vec<f64>,
    work: u64,
}

impl<'a> Simplex<'a> {
    fn new(rows: usize, edges: &'a [Edge]) -> Simplex<'a> {
        let mut inverse = vec![0.0; rows * rows];
        for row in 0..rows {
            inverse[row * rows + row] = 1.0;
        }
        Simplex {
            rows,
            edges,
            amounts: vec![0.0; edges.len()],
            basis: vec![None; rows],
            row_of: vec![None; edges.len()],
            inverse,
            shadow: vec![0.0; rows],
            column: vec![0.0; rows],
            work: 0,
        }
    }

    fn price(&mut self) {
        self.shadow.fill(0.0);
        for (row, edge) in self.basis.iter().enumerate() {
            let Some(gain) = edge.map(|edge| self.edges[edge].gain).filter(|gain| *gain != 0.0) else { continue };
            let inverse = &self.inverse[row * self.rows..(row + 1) * self.rows];
            for (shadow, entry) in self.shadow.iter_mut().zip(inverse) {
                *shadow += gain * entry;
            }
        }
        self.work += u64::try_from(self.rows * self.rows + 2 * self.edges.len()).unwrap_or(u64::MAX);
    }

    fn reduced(&self, at: usize) -> f64 {
        let edge = &self.edges[at];
        let of = |row: Option<usize>| row.map_or(0.0, |row| self.shadow[row]);
        edge.gain - of(edge.from) + KEPT * of(edge.into)
    }

    fn entering(&self, is_stalled: bool) -> Option<usize> {
        let mut best = (GAIN_MIN, None);
        for at in (0..self.edges.len()).filter(|at| self.row_of[*at].is_none()) {
            let reduced = self.reduced(at);
            let improves = if self.amounts[at] > 0.0 { -reduced } else { reduced };
            if improves > best.0 && self.edges[at].most > 0.0 {
                best = (improves, Some(at));
                if is_stalled {
                    break;
                }
            }
        }
        best.1
    }

    /// Lets an edge enter: as far as its own bound or that of a basic one. Whether anything flowed.
    fn step(&mut self, entering: usize) -> bool {
        let edge = self.edges[entering];
        for row in 0..self.rows {
            let entry = |column: Option<usize>| column.map_or(0.0, |column| self.inverse[row * self.rows + column]);
            self.column[row] = entry(edge.from) - KEPT * entry(edge.into);
        }
        let is_full = self.amounts[entering] > 0.0;
        let sign = if is_full { -1.0 } else { 1.0 };
        let (mut most, mut leaving, mut pivot) = (edge.most, None, 0.0_f64);
        for row in 0..self.rows {
            let change = sign * self.column[row];
            if change.abs() < PIVOT_MIN {
                continue;
            }
            let room = match self.basis[row] {
                None => 0.0,
                Some(basic) if change > 0.0 => self.amounts[basic].max(0.0),
                Some(basic) => (self.edges[basic].most - self.amounts[basic]).max(0.0),
            };
            let reach = room / change.abs();
            if reach < most || (reach <= most && leaving.is_some() && change.abs() > pivot) {
                (most, leaving, pivot) = (reach, Some(row), change.abs());
            }
        }
        for row in 0..self.rows {
            if let Some(basic) = self.basis[row] {
                self.amounts[basic] -= sign * most * self.column[row];
            }
        }
        match leaving {
            None => self.amounts[entering] = if is_full { 0.0 } else { edge.most },
            Some(row) => self.pivot(entering, row, sign, most),
        }
        most > 0.0
    }

    fn pivot(&mut self, entering: usize, row: usize, sign: f64, moved: f64) {
        if let Some(leaving) = self.basis[row] {
            // It leaves at the bound that it reached.
            let is_up = sign * self.column[row] < 0.0;
            self.amounts[leaving] = if is_up { self.edges[leaving].most } else { 0.0 };
            self.row_of[leaving] = None;
        }
        self.amounts[entering] += sign * moved;
        self.basis[row] = Some(entering);
        self.row_of[entering] = Some(row);
        let rows = self.rows;
        let pivot = self.column[row];
        let scaled: Vec<f64> = self.inverse[row * rows..(row + 1) * rows].iter().map(|entry| entry / pivot).collect();
        for other in (0..rows).filter(|other| *other != row) {
            let factor = self.column[other];
            if factor != 0.0 {
                for (entry, part) in self.inverse[other * rows..(other + 1) * rows].iter_mut().zip(&scaled) {
                    *entry -= factor * part;
                }
            }
        }
        self.inverse[row * rows..(row + 1) * rows].copy_from_slice(&scaled);
        self.work += u64::try_from(rows * rows).unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: Option<usize>, into: Option<usize>, most: f64, gain: f64) -> Edge {
        Edge { from, into, most, gain }
    }

    #[test]
    fn value_flows_only_from_the_fee_token() {
        let ring = [edge(Some(0), Some(1), 10.0, 1.0), edge(Some(1), Some(0), 10.0, 1.0)];
        assert_eq!(best_flow(2, &ring).amounts, [0.0, 0.0], "a ring loses its fees");
        let fed = [ring[0], ring[1], edge(None, Some(0), 1.0, 0.0)];
        let flow = best_flow(2, &fed).amounts;
        // The second edge carries 0.999 of the first, and the fee token makes up for what both lose.
        assert!((flow[0] - 10.0).abs() < 1e-9 && (flow[1] - 9.99).abs() < 1e-9, "{flow:?}");
        assert!((flow[2] - (10.0 - 9.99 * KEPT) / KEPT).abs() < 1e-9, "{flow:?}");
    }

    #[test]
    fn the_better_of_two_ways_is_filled_first() {
        let edges = [
            edge(None, Some(0), 5.0, 0.1),
            edge(Some(0), None, 3.0, 0.2),
            edge(Some(0), None, 3.0, 0.1),
            edge(Some(0), None, 3.0, 0.0),
        ];
        let flow = best_flow(1, &edges);
        let expected = [5.0, 3.0, 5.0 * KEPT - 3.0, 0.0];
        assert!(flow.amounts.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9), "{flow:?}");
        assert!(flow.reduced[1] > 0.0 && flow.reduced[2].abs() < 1e-12 && flow.reduced[3] < 0.0, "{flow:?}");
    }
}
