//! The upper bound that any shadow prices give: every intent, level, rail and pool at its best against them.
//!
//! For any prices at least zero the sum bounds the value of every solution with the same decisions
//! (Lagrangian duality); in floats here, for the search alone.

use super::interior::{Cluster, Interior, Unit};

impl Interior<'_> {
    /// The bound at these prices.
    pub(super) fn bound(&self, prices: &[f64]) -> f64 {
        let worth = |unit: &Unit<'_>| {
            let (x, u) = unit.term.worth(prices);
            x + unit.term.kappa * u.max(0.0)
        };
        let mut sum = 0.0;
        let mut clusters = self.clusters.iter().peekable();
        let mut at = 0;
        while at < self.units.len() {
            if let Some(cluster) = clusters.next_if(|cluster| cluster.first == at) {
                sum += knapsack(cluster, &self.units[cluster.first..cluster.end], &worth);
                at = cluster.end;
                continue;
            }
            let unit = &self.units[at];
            let worth = worth(unit) * unit.term.cap;
            sum += if unit.is_pinned { worth } else { worth.max(0.0) };
            at += 1;
        }
        let curves = self.flows.iter().map(|flow| flow.curve);
        sum += curves
            .map(|curve| curve.shape.arbitrage(curve.most, prices[curve.input], prices[curve.output]))
            .sum::<f64>();
        sum + self.levels.iter().zip(prices).map(|(level, price)| level.base * price).sum::<f64>()
    }
}

/// The best shares of units that share one whole: those worth most first, each up to its cap.
fn knapsack(cluster: &Cluster, units: &[Unit<'_>], worth: &dyn Fn(&Unit<'_>) -> f64) -> f64 {
    let mut worths: Vec<(f64, f64)> = units.iter().map(|unit| (worth(unit), unit.term.cap)).collect();
    worths.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut left = 1.0_f64;
    let mut sum = 0.0;
    for (worth, cap) in worths {
        if worth <= 0.0 && !cluster.is_exact {
            break;
        }
        let share = cap.min(left);
        sum += worth * share;
        left -= share;
    }
    sum
}
