//! Random changes of prices from which a search climbs again; the same seed gives the same ones.

use super::orders::Orders;
use super::search::Candidate;

/// A stream of random changes.
pub(super) struct Kicks {
    state: u64,
}

impl Kicks {
    pub(super) fn new(seed: u64) -> Kicks {
        Kicks { state: seed }
    }

    /// The next number of the sequence: SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn one_of<T: Copy>(&mut self, things: &[T]) -> Option<T> {
        let count = u64::try_from(things.len()).ok()?;
        let place = usize::try_from(self.next().checked_rem(count)?).ok()?;
        things.get(place).copied()
    }

    /// A factor between `1 / e` and `e`, more often near 1.
    fn factor(&mut self) -> f64 {
        const STEPS: [f64; 8] = [-1.0, -0.3, -0.03, -0.003, 0.003, 0.03, 0.3, 1.0];
        self.one_of(&STEPS).unwrap_or(0.0).exp()
    }

    /// The candidate with a token less, a token or all of them at another price, or another candidate's prices among
    /// its own. Its value is not known.
    pub(super) fn kicked(&mut self, candidate: &Candidate, others: &[Candidate], orders: &Orders) -> Candidate {
        let mut prices = candidate.prices.clone();
        let priced = |prices: &[f64]| -> Vec<usize> {
            (0..prices.len()).filter(|token| prices[*token] > 0.0 && *token != orders.fee).collect()
        };
        let own = priced(&prices);
        match self.next() % 4 {
            0 => {
                if let Some(token) = self.one_of(&own) {
                    prices[token] = 0.0;
                }
            }
            1 => {
                if let Some(token) = self.one_of(&own) {
                    prices[token] *= self.factor();
                }
            }
            2 => {
                let factor = self.factor();
                own.into_iter().for_each(|token| prices[token] *= factor);
            }
            _ => {
                let places: Vec<usize> = (0..others.len()).collect();
                let other = self.one_of(&places).and_then(|place| others.get(place));
                for token in other.map_or_else(Vec::new, |other| priced(&other.prices)) {
                    prices[token] = other.map_or(0.0, |other| other.prices[token]);
                }
            }
        }
        Candidate { prices, value: 0.0 }
    }
}
