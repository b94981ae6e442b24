//! Concentrated pools as the solver sees them: one constant product after another, each up to where it ends.

use clearlane_core::venue::{Concentrated, Direction};
use clearlane_core::wide::{U256, U512};

use crate::strategy::value::{float, wide_float};

/// Two to the 96th, in which square roots of prices are counted.
const PRICE_UNIT: f64 = 79_228_162_514_264_337_593_543_950_336.0;
/// The first stretch is of one range or of so much of the price, and each further one may be twice as wide.
const WIDTH: f64 = 5e-4;

/// Where the price is so much worse than the first one, nobody trades.
const WORST: f64 = 1e-3;

/// `y d / (x + d)`, for `d` up to `most`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) most: f64,
}

/// The stretches of one direction, in order; none where there is no liquidity. `values` are those of an atom that goes
/// in and of one that comes out.
///
/// Ranges that lie close together make one stretch, the wider the further from the price.
pub(super) fn stretches(
    pool: &Concentrated,
    sqrt_price: U256,
    direction: Direction,
    [value_in, value_out]: [f64; 2],
) -> Vec<Stretch> {
    let kept = 1.0 - f64::from(pool.fee_ppm()) / 1e6;
    let mut found: Vec<Stretch> = Vec::new();
    let mut best_slope = None;
    let (mut width, mut first_slope) = (WIDTH, f64::INFINITY);
    for (start, end, liquidity) in pool.ranges(sqrt_price, direction) {
        let [start, end] = [start, end].map(|root| wide_float(U512::from(root)) / PRICE_UNIT);
        let liquidity = float(liquidity);
        // As the price falls coin 0 goes in, of which there is L / p; as it rises coin 1, of which there is L p.
        let [from, into] = if direction == Direction::FORWARD { [1.0 / start, 1.0 / end] } else { [start, end] };
        let (x, y) = (liquidity * from / kept * value_in, liquidity / from * value_out);
        let next = Stretch { x, y, most: liquidity * (into - from) / kept * value_in };
        if !(next.most > 0.0 && x.is_normal() && y.is_normal()) {
            continue;
        }
        if next.slope(0.0) < WORST * *best_slope.get_or_insert(next.slope(0.0)) {
            break;
        }
        let slope = next.slope(next.most);
        match found.last_mut() {
            Some(last) if slope > first_slope * (1.0 - width) => *last = last.joined(next),
            Some(_) | None => {
                width = if found.is_empty() { width } else { 2.0 * width };
                first_slope = next.slope(0.0);
                found.push(next);
            }
        }
    }
    found
}

impl Stretch {
    fn out(&self, d: f64) -> f64 {
        self.y * d / (self.x + d)
    }

    fn slope(&self, d: f64) -> f64 {
        let sum = self.x + d;
        self.y / sum * (self.x / sum)
    }

    /// One stretch that starts like this one and ends where the next one does.
    fn joined(self, next: Stretch) -> Stretch {
        let (most, slope) = (self.most + next.most, self.slope(0.0));
        let out = self.out(self.most) + next.out(next.most);
        let bent = slope * most - out;
        if bent <= 1e-12 * out {
            // So flat that no product tells it from a line.
            return Stretch { x: 1e12 * most, y: slope * 1e12 * most, most };
        }
        let x = out * most / bent;
        Stretch { x, y: slope * x, most }
    }
}

#[cfg(test)]
mod tests {
    use clearlane_core::venue::{Terms, VenueState, sqrt_price_at};

    use super::*;

    fn in_turn(stretches: &[Stretch], amount: f64) -> f64 {
        let mut left = amount;
        let out = |stretch: &Stretch| {
            let put = left.min(stretch.most);
            left -= put;
            stretch.out(put)
        };
        stretches.iter().map(out).sum()
    }

    #[test]
    fn stretches_give_what_the_pool_gives() {
        let sqrt_price = sqrt_price_at(37).expect("a price");
        let ticks =
            [(-600, 9_000_000_000_000), (-60, 4_000_000_000_000), (60, -5_000_000_000_000), (900, -8_000_000_000_000)];
        let pool = Concentrated::new(3_000, sqrt_price, &ticks).expect("a pool");
        let terms = Terms::Concentrated(pool.clone());
        let held = pool.backing().expect("small enough");
        let state = VenueState::Concentrated { sqrt_price, held };
        for direction in [Direction::FORWARD, Direction::BACKWARD] {
            let found = stretches(&pool, sqrt_price, direction, [1.0, 1.0]);
            for amount in [1_000_000_u32, 50_000_000, 4_000_000_000] {
                let exact = terms.out_for(&state, direction, amount.into()).expect("within reach");
                let near = in_turn(&found, f64::from(amount));
                let exact = float(exact);
                assert!((near - exact).abs() <= 4.0 + 1e-9 * exact, "{direction:?} {amount}: {near} {exact}");
            }
        }
    }
}
