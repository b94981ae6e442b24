//! What one direction of a pool gives for what goes in: a smooth concave function, in value units.
//!
//! Floats only: the numbers guide the search, and the core's exact rules decide what is promised.

/// The steps of the bisection for a slope; each halves the range.
const BISECTIONS: usize = 60;

/// The shape of a pool's curve in one direction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// `y d / (x + d)`.
    Product {
        /// The reserve that grows, divided by what is left of the input after the fee.
        x: f64,
        /// The reserve that shrinks.
        y: f64,
    },
    /// `y (1 - (x / (x + d))^w)`.
    Power {
        /// The reserve that grows, divided by what is left of the input after the fee.
        x: f64,
        /// The reserve that shrinks.
        y: f64,
        /// The weight of the coin that goes in over that of the coin that comes out.
        w: f64,
    },
    /// `(y(x) - y(x + d input)) output`, with y(x) the stable curve of two of its coins for an invariant of one.
    Stable {
        /// What the invariant and the other coins fix.
        bend: Bend,
        /// The reserve that grows, in units of the invariant.
        x: f64,
        /// Units of the invariant per value that goes in, after the fee.
        input: f64,
        /// Value that comes out per unit of the invariant.
        output: f64,
    },
}

/// A stable pool's curve between two of its coins: `ann y^2 + (ann (x + rest) + 1 - ann) y - part / x = 0`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bend {
    /// The amplification as the invariant uses it.
    pub(super) ann: f64,
    /// The sum of the other coins.
    pub(super) rest: f64,
    /// One over n^n times the product of the other coins.
    pub(super) part: f64,
}

/// The value of a curve with its first two derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// What comes out.
    pub(super) out: f64,
    /// What the next unit brings.
    pub(super) slope: f64,
    /// How fast the slope changes; never positive.
    pub(super) bend: f64,
}

impl Shape {
    /// The curve at an input of `d`.
    pub(super) fn at(&self, d: f64) -> Sample {
        match *self {
            Shape::Product { x, y } => {
                let sum = x + d;
                let slope = y * x / (sum * sum);
                Sample { out: y * d / sum, slope, bend: -2.0 * slope / sum }
            }
            Shape::Power { x, y, w } => {
                let sum = x + d;
                let log = w * (-d / sum).ln_1p();
                let slope = y * w / sum * log.exp();
                Sample { out: -y * log.exp_m1(), slope, bend: -(w + 1.0) * slope / sum }
            }
            Shape::Stable { bend, x, input, output } => {
                let start = bend.y(x);
                let [y, first, second] = bend.derivatives(x + input * d);
                Sample {
                    out: (start - y).max(0.0) * output,
                    slope: -first * input * output,
                    bend: -second * input * input * output,
                }
            }
        }
    }

    /// An input on the scale of the pool.
    pub(super) fn scale(&self) -> f64 {
        match *self {
            Shape::Product { x, .. } | Shape::Power { x, .. } => x,
            Shape::Stable { x, input, .. } => x / input,
        }
    }

    /// The most of `out(d) y_out - d y_in` over inputs up to `most`, never less than it is.
    pub(super) fn arbitrage(&self, most: f64, y_in: f64, y_out: f64) -> f64 {
        let wanted = y_in / y_out;
        if y_out <= 0.0 || self.at(0.0).slope <= wanted {
            return 0.0;
        }
        let profit = |d: f64| self.at(d).out * y_out - d * y_in;
        if most.is_finite() && self.at(most).slope >= wanted {
            return profit(most);
        }
        match *self {
            _ if wanted <= 0.0 => profit(self.scale() * 1e9),
            Shape::Product { x, y } => {
                let root = (y_out * y).sqrt() - (y_in * x).sqrt();
                root * root
            }
            Shape::Power { x, y, w } => profit(x * ((y * w / (x * wanted)).powf(1.0 / (w + 1.0)) - 1.0)),
            Shape::Stable { .. } => {
                let [low, high] = self.bracket(wanted);
                let at = self.at(low);
                at.out * y_out - low * y_in + (at.slope * y_out - y_in).max(0.0) * (high - low)
            }
        }
    }

    /// Inputs close to each other between which the slope passes `wanted`.
    fn bracket(&self, wanted: f64) -> [f64; 2] {
        let mut high = self.scale() * 1e-6;
        while self.at(high).slope > wanted && high < self.scale() * 1e9 {
            high *= 4.0;
        }
        let mut low = 0.0;
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (low + high);
            if self.at(middle).slope > wanted {
                low = middle;
            } else {
                high = middle;
            }
        }
        [low, high]
    }
}

impl Bend {
    /// The larger root y.
    fn y(self, x: f64) -> f64 {
        let linear = self.ann * (x + self.rest) + 1.0 - self.ann;
        let constant = self.part / x;
        let root = (linear * linear + 4.0 * self.ann * constant).sqrt();
        if linear < 0.0 { (root - linear) / (2.0 * self.ann) } else { 2.0 * constant / (root + linear) }
    }

    /// y(x), y'(x) and y''(x), by implicit differentiation.
    fn derivatives(self, x: f64) -> [f64; 3] {
        let y = self.y(x);
        let quarter = self.part / (x * y);
        let (by_x, by_y) = (self.ann + quarter / x, self.ann + quarter / y);
        let first = -by_x / by_y;
        let mixed = -quarter / (x * y);
        let curved = -2.0 * quarter / (x * x) + 2.0 * mixed * first - 2.0 * quarter / (y * y) * first * first;
        [y, first, -curved / by_y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Bend = Bend { ann: 200.0, rest: 0.0, part: 0.25 };
    /// Three coins, the third a quarter of the invariant.
    const THREE: Bend = Bend { ann: 200.0, rest: 0.25, part: 4.0 / 27.0 };
    const SHAPES: [Shape; 5] = [
        Shape::Product { x: 900.0, y: 1100.0 },
        Shape::Power { x: 500.0, y: 2000.0, w: 4.0 },
        Shape::Power { x: 500.0, y: 100.0, w: 0.25 },
        Shape::Stable { bend: TWO, x: 0.6, input: 1e-3, output: 990.0 },
        Shape::Stable { bend: THREE, x: 0.4, input: 1e-3, output: 990.0 },
    ];

    #[test]
    fn derivatives_are_those_of_the_curve() {
        for shape in SHAPES {
            for d in [0.0, 1.0, 50.0, 700.0] {
                let step = 1e-3;
                let (before, at, after) = (shape.at(d), shape.at(d + step), shape.at(d + 2.0 * step));
                let slope = (after.out - before.out) / (2.0 * step);
                let bend = (after.slope - before.slope) / (2.0 * step);
                assert!((slope - at.slope).abs() < 1e-6 * at.slope, "{shape:?} {d}: {slope} {at:?}");
                assert!((bend - at.bend).abs() < 1e-4 * at.bend.abs(), "{shape:?} {d}: {bend} {at:?}");
            }
        }
    }

    #[test]
    fn arbitrage_is_the_best_of_a_grid() {
        for shape in SHAPES {
            let start = shape.at(0.0).slope;
            for share in [0.999, 0.8, 0.3, 1.1] {
                let found = shape.arbitrage(f64::INFINITY, start * share, 1.0);
                let profits =
                    (0..20_000).map(|step| f64::from(step) * 0.1).map(|d| shape.at(d).out - d * start * share);
                let best = profits.fold(0.0, f64::max);
                assert!(
                    found >= best - 1e-9 && found <= best * (1.0 + 1e-4) + 1e-3,
                    "{shape:?} {share}: {found} {best}"
                );
            }
        }
    }
}
