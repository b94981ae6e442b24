//! How the surrogate changes with each factor.

use std::num::Wrapping;

use super::fixed::{Fixed, ONE_BITS, PART_BITS, down, one, part_one, quotient, root};
use super::surrogate::{Line, Part, Pool};

/// Halvings in which the price of an intent's room is found.
const ROOM_STEPS: u32 = 10;
/// A line whose room is priced takes about as long as this many others.
const ROOM_WORK: usize = 4;
/// A rate this many times the right one is as good as any better.
const BEYOND_MAX: i128 = 15;

/// Adds up slopes, in values.
pub(super) struct Slopes<'a, F, A> {
    /// Kinks are rounded off over 2 to the minus this part of a line's size.
    pub(super) rounded_bits: u32,
    /// The factor of each denomination.
    pub(super) factor: &'a F,
    /// Takes the slope along one denomination's factor.
    pub(super) add: &'a mut A,
}

impl<F: Fn(usize) -> Fixed, A: FnMut(usize, Fixed)> Slopes<'_, F, A> {
    /// Adds the slopes of a part; says about how many lines' work it was.
    pub(super) fn part(&mut self, part: &Part) -> usize {
        match part {
            Part::Lines(lines) => match lines.as_slice() {
                [line] => {
                    self.line(line, Wrapping(0));
                    1
                }
                lines => {
                    let room = self.price_of_room(lines);
                    lines.iter().for_each(|line| self.line(line, room));
                    lines.len().saturating_mul(ROOM_WORK)
                }
            },
            Part::Pool(pool) => {
                self.pool(pool);
                1
            }
        }
    }

    fn line(&mut self, line: &Line, room: Fixed) {
        let (gain, counts) = self.gain(line);
        let filled = filled(line, gain - room, self.rounded_bits);
        if filled.0 == 0 {
            return;
        }
        let counted = down(line.counted * counts, PART_BITS);
        let (mut sold, mut bought) = (line.gained, -line.paid);
        if line.is_counted_in_bought {
            bought -= counted;
        } else {
            sold -= counted;
        }
        (self.add)(line.sold, down(sold * filled, PART_BITS));
        (self.add)(line.bought, down(bought * filled, PART_BITS));
    }

    /// What a line gains, in values times one, and how much of its counted part counts.
    fn gain(&self, line: &Line) -> (Fixed, Fixed) {
        let (sold, bought) = ((self.factor)(line.sold), (self.factor)(line.bought));
        let plain = line.gained * sold - line.paid * bought;
        if line.counted.0 == 0 {
            return (plain, Wrapping(0));
        }
        let below = one() - if line.is_counted_in_bought { bought } else { sold };
        let width = down(one(), self.rounded_bits);
        let counts = weight(below, width);
        let part = if below >= width {
            below
        } else if below <= -width {
            Wrapping(0)
        } else {
            quotient((below + width) * (below + width), width * Wrapping(4))
        };
        (plain + line.counted * part, counts)
    }

    /// What each line has to gain more so that together they fill no more than the whole.
    fn price_of_room(&self, lines: &[Line]) -> Fixed {
        let free = |line: &Line| filled(line, self.gain(line).0, self.rounded_bits);
        if lines.iter().map(free).sum::<Fixed>() <= part_one() {
            return Wrapping(0);
        }
        let gains: Vec<Fixed> = lines.iter().map(|line| self.gain(line).0).collect();
        let sum = |room: Fixed| {
            let parts = lines.iter().zip(&gains).map(|(line, gain)| filled(line, *gain - room, self.rounded_bits));
            parts.sum::<Fixed>()
        };
        let most = lines.iter().zip(&gains).map(|(line, gain)| *gain + width(line, self.rounded_bits)).max();
        let (mut low, mut high) = (Wrapping(0), most.unwrap_or_default());
        for _ in 0..ROOM_STEPS {
            let middle = down(low + high, 1);
            if sum(middle) > part_one() { low = middle } else { high = middle }
        }
        high
    }

    /// A constant product whose reserves grow by the root of what its rate is beyond the right one.
    fn pool(&mut self, pool: &Pool) {
        let (put, drawn) = ((self.factor)(pool.put).max(Wrapping(1)), (self.factor)(pool.drawn));
        let ratio = quotient(pool.rate * drawn, put);
        if ratio <= one() {
            return;
        }
        let grown = root(ratio.min(one() * Wrapping(BEYOND_MAX)));
        let paid = down(pool.reserve * (grown - one()), ONE_BITS);
        let gained = down(quotient(paid * one(), grown) * pool.rate, ONE_BITS);
        (self.add)(pool.drawn, gained);
        (self.add)(pool.put, -paid);
    }
}

/// Over what gain the kink of a line is rounded off.
fn width(line: &Line, rounded_bits: u32) -> Fixed {
    down(line.gained.max(line.paid) * one(), rounded_bits).max(Wrapping(1))
}

/// How much of a line is filled: up to its cap where it gains.
fn filled(line: &Line, gain: Fixed, rounded_bits: u32) -> Fixed {
    down(weight(gain, width(line, rounded_bits)) * line.cap, PART_BITS)
}

/// `max(0, x)` with its kink rounded off over `width` either way: how much of it counts.
fn weight(x: Fixed, width: Fixed) -> Fixed {
    if x <= -width {
        Wrapping(0)
    } else if x >= width {
        part_one()
    } else {
        quotient((x + width) * part_one(), width * Wrapping(2))
    }
}
