//! Concentrated pools: liquidity between ticks, as in Uniswap v3.
//!
//! A use walks from tick to tick, at most [`CROSSED_MAX`] of them. In each range what goes in, less the fee rounded
//! against the taker, moves the price along a constant product (`range.rs`); what comes out is rounded down range by
//! range. The state is the price alone: nothing is remembered of what a use left on the table.
//!
//! Splitting a use gains nothing: each part's price lags the one that all at once would reach, each part pays what is
//! left to a tick rounded up, and what comes out of a range in parts is a sum of numbers rounded down. Fees enter no
//! range. What the pool holds, less fees, never falls below what its ranges are worth at its price.

use std::sync::Arc;

use super::range::Range;
use super::tick::{Tick, sqrt_price_at};
use super::{Direction, Rate, TICK_MAX, VenueState, is_auction_amount, too_much};
use crate::money::{AUCTION_ATOMS_MAX, Atoms, MILLION, Rounding, mul_div};
use crate::refusal::{Reason, Refusal};
use crate::wide::{U256, U512, div_up, resize, wide};

/// The most ticks of one pool: the largest captured one has 1,213.
pub const TICKS_MAX: usize = 2_048;
/// The most ticks that one use may pass and go on, since each costs a step.
pub const CROSSED_MAX: usize = 256;
/// What square roots of prices are counted in: 2^-96.
const PRICE_BITS: usize = 96;

/// The terms of a concentrated pool; its price is that at the end of the last auction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concentrated {
    fee_ppm: u32,
    sqrt_price: U256,
    ticks: Arc<[Tick]>,
}

/// What a use does.
#[derive(Clone, Copy, Debug, Default)]
struct Walked {
    price: U256,
    /// What went in, less fees.
    kept: Atoms,
    amount_out: Atoms,
}

impl Concentrated {
    /// A pool of ticks with what the liquidity gains at each, and a square root of its price in units of 2^-96.
    ///
    /// # Errors
    ///
    /// `OUT_OF_RANGE` with the field's name for a fee of one and more, a price or a tick beyond those of the outermost
    /// ticks there may be, fewer than two or more than [`TICKS_MAX`] ticks, ticks out of order, and liquidity that is
    /// negative or beyond 128 bits anywhere or does not end at zero.
    pub fn new(fee_ppm: u32, sqrt_price: U256, ticks: &[(i32, i128)]) -> Result<Concentrated, Refusal> {
        super::pool::validate_fee(fee_ppm)?;
        let refuse = |field: &str, message: String| Err(Refusal::new(Reason::OutOfRange, field, message));
        let range = sqrt_price_at(-TICK_MAX).zip(sqrt_price_at(TICK_MAX));
        if range.is_none_or(|(least, most)| !(least..most).contains(&sqrt_price)) {
            let message = format!("expected a price between the ticks {} and {TICK_MAX}, found another", -TICK_MAX);
            return refuse("sqrt_price", message);
        }
        if !(2..=TICKS_MAX).contains(&ticks.len()) {
            return refuse("ticks", format!("expected from 2 to {TICKS_MAX} ticks, found {}", ticks.len()));
        }
        let (mut made, mut liquidity): (Vec<Tick>, u128) = (Vec::with_capacity(ticks.len()), 0);
        for (at, (index, net)) in ticks.iter().enumerate() {
            let Some(sqrt_price) = sqrt_price_at(*index) else {
                let message = format!("expected at most {TICK_MAX} from zero, found {index}");
                return refuse(&format!("ticks[{at}].index"), message);
            };
            if made.last().is_some_and(|last| last.index >= *index) {
                return refuse(&format!("ticks[{at}].index"), "expected ticks in order, each once".to_owned());
            }
            let Some(above) = liquidity.checked_add_signed(*net) else {
                let message = format!("expected liquidity from 0 to below 2^128, found {liquidity} and {net}");
                return refuse(&format!("ticks[{at}].liquidity_net"), message);
            };
            liquidity = above;
            made.push(Tick { index: *index, liquidity_net: *net, sqrt_price, liquidity });
        }
        if liquidity != 0 {
            return refuse("ticks", format!("expected no liquidity above the last tick, found {liquidity}"));
        }
        if made.iter().all(|tick| tick.liquidity == 0) {
            return refuse("ticks", "expected liquidity somewhere, found none".to_owned());
        }
        Ok(Concentrated { fee_ppm, sqrt_price, ticks: made.into() })
    }

    /// The fee on what goes in, in parts per million.
    #[must_use]
    pub fn fee_ppm(&self) -> u32 {
        self.fee_ppm
    }

    /// The square root of the price, in atoms of coin 1 per atom of coin 0, in units of 2^-96.
    #[must_use]
    pub fn sqrt_price(&self) -> U256 {
        self.sqrt_price
    }

    /// Its ticks, in order.
    #[must_use]
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }

    /// The liquidity at a price, and just below it where a tick is.
    #[must_use]
    pub fn liquidity_at(&self, sqrt_price: U256) -> (u128, u128) {
        let below = self.ticks.partition_point(|tick| tick.sqrt_price < sqrt_price);
        (self.liquidity_above(self.passed(sqrt_price)), self.liquidity_above(below))
    }

    /// The most atoms of each coin that the ranges may have to give at the present price; `None` beyond 128 bits.
    #[must_use]
    pub fn backing(&self) -> Option<[Atoms; 2]> {
        let all = |direction| {
            let mut walk = Walk::new(self, self.sqrt_price, direction)?;
            let mut sum: Atoms = 0;
            while let Some(range) = walk.range() {
                sum = sum.checked_add(Atoms::try_from(range.whole_out()?).ok()?)?;
                walk.cross(&range);
            }
            Some(sum)
        };
        Some([all(Direction::BACKWARD)?, all(Direction::FORWARD)?])
    }

    /// The ranges that a price passes through on one way: its square root where each begins and where it ends, and the
    /// liquidity between.
    pub fn ranges(&self, sqrt_price: U256, direction: Direction) -> impl Iterator<Item = (U256, U256, u128)> + '_ {
        let mut walk = Walk::new(self, sqrt_price, direction);
        std::iter::from_fn(move || {
            let walk = walk.as_mut()?;
            let range = walk.range()?;
            walk.cross(&range);
            Some((range.price, range.bound, range.liquidity))
        })
    }

    pub(super) fn at(&self, sqrt_price: U256) -> Concentrated {
        Concentrated { sqrt_price, ..self.clone() }
    }

    pub(super) fn out_for(&self, state: &VenueState, direction: Direction, amount_in: Atoms) -> Option<Atoms> {
        most_of(state, direction, &self.walked(state, direction, amount_in)?)
    }

    pub(super) fn in_for(&self, state: &VenueState, direction: Direction, amount_out: Atoms) -> Option<Atoms> {
        let (price, held) = held(state)?;
        let is_held = held.get(usize::from(direction.into)).is_some_and(|held| amount_out <= *held);
        if !is_held || amount_out >= AUCTION_ATOMS_MAX {
            return None;
        }
        if amount_out == 0 {
            return self.walked(state, direction, 1).map(|_| 1);
        }
        let mut walk = Walk::new(self, price, direction)?;
        let (mut gross, mut left) = (U256::ZERO, amount_out);
        loop {
            let range = walk.range_within_reach()?;
            let (whole_in, whole_out) = (self.gross(range.whole_in()?)?, range.whole_out()?);
            if wide::<256, 4>(left) <= whole_out {
                let least = self.gross(range.in_for(left)?)?.min(whole_in);
                let amount_in = Atoms::try_from(gross.checked_add(least)?).ok()?.max(1);
                return is_auction_amount(amount_in).then_some(amount_in);
            }
            left = left.checked_sub(Atoms::try_from(whole_out).ok()?)?;
            gross = gross.checked_add(whole_in)?;
            walk.cross(&range);
        }
    }

    pub(super) fn take(
        &self,
        state: &VenueState,
        direction: Direction,
        amount_in: Atoms,
        amount_out: Atoms,
    ) -> Result<VenueState, Refusal> {
        let walked = self.walked(state, direction, amount_in);
        let most = walked.as_ref().and_then(|walked| most_of(state, direction, walked));
        let after = || {
            let walked = walked.as_ref().filter(|_| most.is_some_and(|most| amount_out <= most))?;
            let (_, mut held) = held(state)?;
            let put = held.get_mut(usize::from(direction.from))?;
            *put = put.checked_add(walked.kept)?;
            let drawn = held.get_mut(usize::from(direction.into))?;
            *drawn = drawn.checked_sub(amount_out)?;
            Some(VenueState::Concentrated { sqrt_price: walked.price, held })
        };
        after().ok_or_else(|| too_much(most, amount_in, amount_out))
    }

    /// The price where liquidity begins, less the fee: it only falls from there.
    pub(super) fn best_rate(&self, state: &VenueState, direction: Direction) -> Option<Rate> {
        let (price, held) = held(state)?;
        held.get(usize::from(direction.into)).filter(|held| **held > 0)?;
        let mut walk = Walk::new(self, price, direction)?;
        let mut range = walk.range()?;
        while range.liquidity == 0 || range.price == range.bound {
            walk.cross(&range);
            range = walk.range()?;
        }
        let price: U512 = resize(range.price)?;
        let square = price.checked_mul(price)?;
        let unit = U512::ONE.wrapping_shl(PRICE_BITS).wrapping_shl(PRICE_BITS);
        let (above, below) = if direction == Direction::FORWARD { (square, unit) } else { (unit, square) };
        let kept = wide(MILLION.checked_sub(u128::from(self.fee_ppm))?);
        Some(Rate { numerator: above.checked_mul(kept)?, denominator: below.checked_mul(wide(MILLION))? })
    }

    fn walked(&self, state: &VenueState, direction: Direction, amount_in: Atoms) -> Option<Walked> {
        let (price, _) = held(state).filter(|_| is_auction_amount(amount_in))?;
        let mut walk = Walk::new(self, price, direction)?;
        let (mut left, mut walked) = (amount_in, Walked { price, ..Walked::default() });
        while left > 0 {
            let range = walk.range_within_reach()?;
            let whole_in = range.whole_in()?;
            let gross = Atoms::try_from(self.gross(whole_in)?).ok().filter(|gross| *gross <= left);
            let (net, stop) = match gross {
                Some(gross) => {
                    left = left.checked_sub(gross)?;
                    walk.cross(&range);
                    (Atoms::try_from(whole_in).ok()?, (range.bound, range.whole_out()?))
                }
                None => {
                    let kept = MILLION.checked_sub(u128::from(self.fee_ppm))?;
                    let net = mul_div(left, kept, MILLION, Rounding::Down)?;
                    left = 0;
                    let stop = range.stop(net)?;
                    (net, (stop.price, stop.amount_out))
                }
            };
            walked.kept = walked.kept.checked_add(net)?;
            walked.amount_out = walked.amount_out.checked_add(Atoms::try_from(stop.1).ok()?)?;
            walked.price = stop.0;
        }
        Some(walked)
    }

    /// The least that leaves `net` after the fee.
    fn gross(&self, net: U256) -> Option<U256> {
        let kept = wide(MILLION.checked_sub(u128::from(self.fee_ppm))?);
        let gross = div_up(resize::<256, 4, 512, 8>(net)?.checked_mul(wide(MILLION))?, kept)?;
        resize(gross)
    }

    /// How many ticks are at or below a price.
    fn passed(&self, sqrt_price: U256) -> usize {
        self.ticks.partition_point(|tick| tick.sqrt_price <= sqrt_price)
    }

    fn liquidity_above(&self, passed: usize) -> u128 {
        let last = passed.checked_sub(1).and_then(|last| self.ticks.get(last));
        last.map_or(0, |tick| tick.liquidity)
    }
}

/// What a walk gives, as far as the pool holds it.
fn most_of(state: &VenueState, direction: Direction, walked: &Walked) -> Option<Atoms> {
    let held = held(state)?.1.get(usize::from(direction.into)).copied()?;
    Some(walked.amount_out.min(held).min(AUCTION_ATOMS_MAX.saturating_sub(1)))
}

/// From range to range.
struct Walk<'a> {
    pool: &'a Concentrated,
    is_falling: bool,
    price: U256,
    /// How many ticks are at or below the price; one less once a falling price stands at a tick and crossed it.
    passed: usize,
    crossed: usize,
}

impl<'a> Walk<'a> {
    fn new(pool: &'a Concentrated, price: U256, direction: Direction) -> Option<Walk<'a>> {
        let is_falling = direction == Direction::FORWARD;
        let is_offered = is_falling || direction == Direction::BACKWARD;
        is_offered.then(|| Walk { pool, is_falling, price, passed: pool.passed(price), crossed: 0 })
    }

    /// The range up to the next tick; `None` beyond the last one.
    fn range(&self) -> Option<Range> {
        let ahead = if self.is_falling { self.passed.checked_sub(1)? } else { self.passed };
        let bound = self.pool.ticks.get(ahead)?.sqrt_price;
        let liquidity = self.pool.liquidity_above(self.passed);
        Some(Range { is_falling: self.is_falling, price: self.price, bound, liquidity })
    }

    /// The same; `None` also where one use has passed all the ticks that it may.
    fn range_within_reach(&self) -> Option<Range> {
        self.range().filter(|_| self.crossed <= CROSSED_MAX)
    }

    fn cross(&mut self, range: &Range) {
        self.crossed = self.crossed.saturating_add(usize::from(range.bound != range.price));
        self.price = range.bound;
        self.passed = if self.is_falling { self.passed.saturating_sub(1) } else { self.passed.saturating_add(1) };
    }
}

fn held(state: &VenueState) -> Option<(U256, [Atoms; 2])> {
    match state {
        VenueState::Concentrated { sqrt_price, held } => Some((*sqrt_price, *held)),
        VenueState::Pool { .. } | VenueState::Counter { .. } => None,
    }
}
