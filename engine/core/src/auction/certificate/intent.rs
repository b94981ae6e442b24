//! What an intent can gain at given prices: a fractional knapsack over its options.
//!
//! With S given and B got at full size and x the filled part, an option's fills sell at most x S (exact-out: less
//! the surplus), buy at least x B (exact-in: plus the surplus), and count surplus worth at most x K, with
//! `K = max(0, S p_give (1 + beta) - B p_get)` for exact-in and `K = max(0, S p_give - B p_get (1 - beta))` for
//! exact-out. So an option gains at most x c with `c = nu_give S - nu_get B + K max(0, 1 - nu_f / p_f)`, f being the
//! surplus asset: a counted atom is worth p_f and costs nu_f. Scores are floored per fill, which only lowers them.
//!
//! Under the floor rules the option that the floor fills, s0 for b0, counts by the larger of K and the same with the
//! floor's rate: `p_get (S b0 / s0 (1 + beta) - B)` or `p_give (S - B s0 / b0 (1 - beta))`, with the other asset's price
//! missing too.

use std::cmp::Ordering;

use super::super::score::floor_of;
use super::evaluate::Worths;
use super::worth::{Value, Worth, share_up};
use crate::auction::{AuctionInput, AuctionIntent, AuctionOption, FloorTerms, size_of};
use crate::intent::{Choose, Kind};
use crate::money::{Atoms, MILLION};
use crate::wide::{U1088, div_up, wide};

/// What an option gains at full size; the sign apart.
#[derive(Clone, Copy, Debug)]
struct Gain {
    is_loss: bool,
    /// A gain rounded up, a loss rounded down.
    size: Value,
    /// The fixed side at full size.
    full: Atoms,
}

/// The most an intent gains; `None` if it does not fit.
pub(super) fn most_of_intent(input: &AuctionInput, worths: &Worths, intent: &AuctionIntent) -> Option<Value> {
    match intent.choose {
        Choose::One => most_of_one(input, worths, intent),
        Choose::Split => most_of_split(input, worths, intent),
    }
}

fn most_of_one(input: &AuctionInput, worths: &Worths, intent: &AuctionIntent) -> Option<Value> {
    let mut most = Value::ZERO;
    for (at, option) in (0..).zip(&intent.options) {
        let size = size_of(intent, at);
        let cap = option.maximum.min(option.left).min(size);
        let is_reachable = cap > 0 && (!intent.is_all_or_nothing || cap == size);
        if is_reachable {
            let gain = gain_of(input, worths, intent, (at, option))?;
            most = most.max(if gain.is_loss { Value::ZERO } else { share_up(gain.size, cap, gain.full)? });
        }
    }
    Some(most)
}

/// Options by what they gain an atom, each up to its own cap, those of one number up to what is left of it.
///
/// All-or-nothing intents take what they have to, at a loss too, or else nothing; nested caps keep this order best.
fn most_of_split(input: &AuctionInput, worths: &Worths, intent: &AuctionIntent) -> Option<Value> {
    let options = (0..).zip(&intent.options).filter(|(_, option)| option.maximum > 0 && option.left > 0);
    let ranked = options.map(|(at, option)| Some((option, gain_of(input, worths, intent, (at, option))?)));
    let mut ranked = ranked.collect::<Option<Vec<_>>>()?;
    ranked.sort_by(|(_, one), (_, other)| by_gain_an_atom(other, one));
    let mut open = intent.remaining;
    let (mut gained, mut lost) = (Value::ZERO, Value::ZERO);
    let mut used: Vec<(u16, Atoms)> = Vec::new();
    for (option, gain) in ranked {
        if gain.is_loss && !intent.is_all_or_nothing {
            break;
        }
        let earlier = used.iter().filter(|(number, _)| *number == option.number);
        let earlier = earlier.fold(0, |sum: Atoms, (_, amount)| sum.saturating_add(*amount));
        let part = open.min(option.maximum).min(option.left.saturating_sub(earlier));
        used.push((option.number, part));
        open = open.saturating_sub(part);
        if gain.is_loss {
            lost = lost.checked_add(gain.size.checked_mul(wide(part))?.checked_div(wide(gain.full))?)?;
        } else {
            gained = gained.checked_add(share_up(gain.size, part, gain.full)?)?;
        }
    }
    let is_unreachable = intent.is_all_or_nothing && open > 0;
    Some(if is_unreachable { Value::ZERO } else { gained.saturating_sub(lost) })
}

fn by_gain_an_atom(one: &Gain, other: &Gain) -> Ordering {
    // A size has at most 540 bits and an amount 128: neither product overflows.
    let product = |gain: &Gain, full: Atoms| gain.size.saturating_mul(wide::<1088, 17>(full));
    match (one.is_loss, other.is_loss) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => product(one, other.full).cmp(&product(other, one.full)),
        (true, true) => product(other, one.full).cmp(&product(one, other.full)),
    }
}

/// `None` if it does not fit, or if the fixed side is nothing at full size, which leaves a fill without a limit.
fn gain_of(
    input: &AuctionInput,
    worths: &Worths,
    intent: &AuctionIntent,
    (at, option): (u16, &AuctionOption),
) -> Option<Gain> {
    let (give, get) = (worths.dual(option.give), worths.dual(option.get));
    let full = intent.fixed_of(option.give_amount, option.get_amount);
    if full == 0 {
        return None;
    }
    let counted = counted_at_most(input, worths, intent, option, floor_of(input, intent, at))?;
    let more = give.up(option.give_amount)?.checked_add(counted)?;
    let less = get.down(option.get_amount)?;
    let is_loss = more < less;
    Some(Gain { is_loss, size: if is_loss { less.saturating_sub(more) } else { more.saturating_sub(less) }, full })
}

/// `K max(0, 1 - nu_f / p_f)`; zero where the surplus asset has no reference price.
fn counted_at_most(
    input: &AuctionInput,
    worths: &Worths,
    intent: &AuctionIntent,
    option: &AuctionOption,
    floor: Option<FloorTerms>,
) -> Option<Value> {
    let surplus = intent.surplus_denomination(option);
    let (Some(reference), dual) = (worths.reference(surplus), worths.dual(surplus)) else {
        return Some(Value::ZERO);
    };
    let spread = reference.up.saturating_sub(dual.down);
    if spread.is_zero() {
        return Some(Value::ZERO);
    }
    let by_reference = match (worths.reference(option.give), worths.reference(option.get)) {
        (Some(give), Some(get)) => cap_of(input, intent.kind, option, [give, get], [1, 1])?,
        (None, _) | (_, None) => Value::ZERO,
    };
    let by_floor = floor.map_or(Some(Value::ZERO), |floor| {
        cap_of(input, intent.kind, option, [reference; 2], [floor.sold, floor.bought])
    })?;
    div_up(by_reference.max(by_floor).checked_mul(spread)?, reference.up)
}

/// K: the value of the most surplus that a full fill counts, by the rate of what is `sold` and `bought` for it, with
/// atoms of the two sides worth `give` and `get`.
fn cap_of(
    input: &AuctionInput,
    kind: Kind,
    option: &AuctionOption,
    [give, get]: [Worth; 2],
    [sold, bought]: [Atoms; 2],
) -> Option<Value> {
    let (million, cap) = (wide::<1088, 17>(MILLION), U1088::from(input.surplus_cap_ppm));
    let [sold, bought] = [sold, bought].map(wide::<1088, 17>);
    Some(match kind {
        // Of a side that is nothing there is no rate, and nothing counts by it.
        Kind::ExactIn if !sold.is_zero() => {
            let most = give.up(option.give_amount)?.checked_mul(bought)?.checked_mul(million.checked_add(cap)?)?;
            div_up(most, sold.checked_mul(million)?)?.saturating_sub(get.down(option.get_amount)?)
        }
        Kind::ExactOut if !bought.is_zero() => {
            // Above one million nothing counts.
            let Some(kept) = million.checked_sub(cap) else { return Some(Value::ZERO) };
            let least = get.down(option.get_amount)?.checked_mul(sold)?.checked_mul(kept)?;
            give.up(option.give_amount)?.saturating_sub(least.checked_div(bought.checked_mul(million)?)?)
        }
        Kind::ExactIn | Kind::ExactOut => Value::ZERO,
    })
}
