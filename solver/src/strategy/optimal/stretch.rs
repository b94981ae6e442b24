//! Concentrated pools as the solver sees them: stretch after stretch, each a constant product of virtual reserves.

use clearlane_core::venue::{Concentrated, Direction};
use clearlane_core::wide::{U256, U512};

use super::curve::Sample;
use crate::strategy::value::{float, wide_float};

/// What lies beyond the last stretch gives next to nothing, but smoothly: over so much of what all stretches take.
const TAIL: f64 = 0.01;
/// Two to the 96th, in which square roots of prices are counted.
const PRICE_UNIT: f64 = 79_228_162_514_264_337_593_543_950_336.0;

/// One stretch: `out + y (d - put) / (x + d - put)`, from `put` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    put: f64,
    out: f64,
    x: f64,
    y: f64,
}

/// The stretches of one direction, in order; none where there is no liquidity. `values` are those of an atom that goes
/// in and of one that comes out.
pub(super) fn stretches(
    pool: &Concentrated,
    sqrt_price: U256,
    direction: Direction,
    [value_in, value_out]: [f64; 2],
) -> Vec<Stretch> {
    let kept = 1.0 - f64::from(pool.fee_ppm()) / 1e6;
    let (mut found, mut put, mut out) = (Vec::new(), 0.0, 0.0);
    for (start, end, liquidity) in pool.ranges(sqrt_price, direction) {
        let [start, end] = [start, end].map(|root| wide_float(U512::from(root)) / PRICE_UNIT);
        let liquidity = float(liquidity);
        // As the price falls coin 0 goes in, of which there is L / p; as it rises coin 1, of which there is L p.
        let [from, into] = if direction == Direction::FORWARD { [1.0 / start, 1.0 / end] } else { [start, end] };
        let (x, y) = (liquidity * from / kept * value_in, liquidity / from * value_out);
        let most = liquidity * (into - from) / kept * value_in;
        if !(most > 0.0 && x.is_normal() && y.is_normal()) {
            continue;
        }
        found.push(Stretch { put, out, x, y });
        put += most;
        out += y * most / (x + most);
    }
    if let Some(last) = found.last().copied() {
        let x = TAIL * put;
        found.push(Stretch { put, out, x, y: last.at(put).slope * x });
    }
    found
}

/// What goes in until the stretches end, or the virtual reserve where that is less.
pub(super) fn scale(stretches: &[Stretch]) -> f64 {
    let end = stretches.last().map_or(0.0, |tail| tail.put);
    stretches.first().map_or(end, |first| end.min(first.x))
}

/// The curve at an input of `d`.
pub(super) fn at(stretches: &[Stretch], d: f64) -> Sample {
    let place = stretches.partition_point(|stretch| stretch.put <= d).saturating_sub(1);
    stretches.get(place).map_or(Sample { out: 0.0, slope: 0.0, bend: 0.0 }, |stretch| stretch.at(d))
}

impl Stretch {
    fn at(&self, d: f64) -> Sample {
        let more = d - self.put;
        let sum = self.x + more;
        let slope = self.y * self.x / (sum * sum);
        Sample { out: self.out + self.y * more / sum, slope, bend: -2.0 * slope / sum }
    }
}

#[cfg(test)]
mod tests {
    use clearlane_core::venue::{Terms, VenueState, sqrt_price_at};

    use super::*;

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
                let near = at(&found, f64::from(amount)).out;
                let exact = float(exact);
                assert!((near - exact).abs() <= 4.0 + 1e-9 * exact, "{direction:?} {amount}: {near} {exact}");
            }
        }
    }
}
