//! What a path makes of an amount, in estimate: hyperbolas, which stay hyperbolas from step to step.
//!
//! They choose which paths are worth exact arithmetic and at which size; they never judge.

/// `rate * a / (1 + slope * a)` atoms out for `a` atoms in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Curve {
    pub(super) rate: f64,
    pub(super) slope: f64,
}

/// What the owner of an option expects, per atom given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Terms {
    /// The least to get.
    pub(super) limit: f64,
    /// The most that counts; at most the limit if nothing does.
    pub(super) reference: f64,
    /// The most to give.
    pub(super) most: f64,
    /// Whether all of it has to be given.
    pub(super) is_whole: bool,
}

/// The best trade on a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trade {
    /// Atoms given.
    pub(super) given: f64,
    /// Surplus that counts, in atoms got.
    pub(super) counted: f64,
    /// All surplus, in atoms got.
    pub(super) surplus: f64,
}

impl Curve {
    /// Nothing changes.
    pub(super) const IDENTITY: Curve = Curve { rate: 1.0, slope: 0.0 };
    /// Nothing comes out.
    pub(super) const NOTHING: Curve = Curve { rate: 0.0, slope: 0.0 };

    /// This step, then the next.
    pub(super) fn then(self, next: Curve) -> Curve {
        Curve { rate: self.rate * next.rate, slope: self.slope + self.rate * next.slope }
    }

    fn out(self, given: f64) -> f64 {
        self.rate * given / (1.0 + self.slope * given)
    }

    /// The size that counts most, and where nothing counts, the one with the most surplus.
    pub(super) fn best(self, terms: &Terms) -> Trade {
        let at = |ratio: f64| if self.slope > 0.0 { (ratio - 1.0) / self.slope } else { terms.most };
        let peak = at((self.rate / terms.limit).sqrt());
        // Up to where the rate falls to the reference, more surplus than counts goes to the owner.
        let is_capped = terms.reference > terms.limit && self.rate > terms.reference;
        let crossing = if is_capped { at(self.rate / terms.reference) } else { 0.0 };
        let given = if terms.is_whole { terms.most } else { peak.max(crossing).min(terms.most) };
        let (out, owed) = (self.out(given), terms.limit * given);
        Trade { given, counted: (out.min(terms.reference * given) - owed).max(0.0), surplus: out - owed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_are_one_after_the_other() {
        let (first, second) = (Curve { rate: 2.0, slope: 0.01 }, Curve { rate: 3.0, slope: 0.02 });
        let difference = first.then(second).out(7.0) - second.out(first.out(7.0));
        assert!(difference.abs() < 1e-12, "{difference}");
    }

    #[test]
    fn the_best_size_beats_its_neighbours() {
        let curve = Curve { rate: 2.0, slope: 0.01 };
        let cases = [(1.0, 0.5, 1e9), (1.0, 1.01, 1e9), (1.0, 1.9, 1e9), (1.0, 3.0, 1e9), (1.0, 3.0, 10.0)];
        for (limit, reference, most) in cases {
            let best = curve.best(&Terms { limit, reference, most, is_whole: false });
            for factor in [0.9, 0.99, 1.01, 1.1] {
                let most = most.min(best.given * factor);
                let whole = curve.best(&Terms { limit, reference, most, is_whole: true });
                let is_worse = (whole.counted, whole.surplus) <= (best.counted, best.surplus);
                assert!(is_worse, "{limit} {reference} {factor}");
            }
        }
    }
}
