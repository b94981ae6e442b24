//! The score of a fill: its counted surplus in the reference asset.
//!
//! Exact-in, limit L = s B/S: `p_b min(b - L, max(0, s p_a/p_b (1 + beta) - L))`; exact-out, limit
//! L = b S/B: `p_a min(L - s, max(0, L - b p_b/p_a (1 - beta)))`, with p the value of one atom and
//! beta the cap. Under the floor rules the floor's own rate stands for p_a/p_b where that counts more, so that what
//! real venues serve counts although a reference price is off. Computed exactly in wide integers, floored once, in 10^-18 reference units.

use super::verify::option_of;
use super::{AuctionInput, AuctionIntent, AuctionOption, Bundle, Fill, FloorTerms, RuleSet};
use crate::intent::Kind;
use crate::money::{Atoms, MILLION, Score};
use crate::names::DenominationIndex;
use crate::price::Price;
use crate::wide::wide;

/// Products of two amounts, a price, two powers of ten and the score's unit.
type U1024 = ruint::Uint<1024, 16>;

/// One reference unit in the score's unit.
pub const SCORE_UNIT: u128 = 1_000_000_000_000_000_000;

/// The score of one fill that keeps its limit; zero where the surplus asset has no price, or the other one has none
/// and there is no floor's rate to take its place.
#[must_use]
pub fn score_fill(input: &AuctionInput, fill: &Fill) -> Score {
    score_beside_floor(input, fill, input.intents.get(fill.intent.at()).and_then(|intent| intent.floor))
}

/// The same with the floor of the fill's intent handed in, for an input that does not hold floors.
#[must_use]
pub fn score_beside_floor(input: &AuctionInput, fill: &Fill, floor: Option<FloorTerms>) -> Score {
    option_of(input, fill).map_or(0, |(intent, option)| {
        let by_reference = Rate::of_reference(input, intent, option);
        let by_floor = counting(input, floor, fill.option).map(|floor| Rate::of_floor(intent, floor));
        let rates = by_reference.into_iter().chain(by_floor);
        rates.filter_map(|rate| counted(input, (intent, option), fill, &rate)).max().unwrap_or(0)
    })
}

/// The floor by whose rate fills of an option count too.
pub(super) fn floor_of(input: &AuctionInput, intent: &AuctionIntent, option: u16) -> Option<FloorTerms> {
    counting(input, intent.floor, option)
}

/// A floor if fills of this option count by its rate.
fn counting(input: &AuctionInput, floor: Option<FloorTerms>, option: u16) -> Option<FloorTerms> {
    floor.filter(|floor| input.rules == RuleSet::Floor && floor.option == option)
}

/// The sum of the scores of a bundle's fills.
#[must_use]
pub fn score_bundle(input: &AuctionInput, bundle: &Bundle) -> Score {
    bundle.fills.iter().fold(0, |sum: Score, fill| sum.saturating_add(score_fill(input, fill)))
}

/// The value of an amount in 10^-18 reference units, floored; `None` without a price.
#[must_use]
pub fn value_of(input: &AuctionInput, denomination: DenominationIndex, amount: Atoms) -> Option<Score> {
    let worth = Worth::of(input, denomination)?;
    let numerator = wide::<1024, 16>(amount).checked_mul(worth.mantissa)?.checked_mul(wide(SCORE_UNIT))?;
    Score::try_from(numerator.checked_div(worth.power)?).ok()
}

/// The surplus of a fill before any cap, in atoms of the surplus asset: what it beats its limit by, floored.
#[must_use]
pub fn surplus_of(intent: &AuctionIntent, option: &AuctionOption, sold: Atoms, bought: Atoms) -> Option<Atoms> {
    let gained = wide::<256, 4>(bought).checked_mul(wide(option.give_amount))?;
    let owed = wide::<256, 4>(sold).checked_mul(wide(option.get_amount))?;
    let divisor = match intent.kind {
        Kind::ExactIn => option.give_amount,
        Kind::ExactOut => option.get_amount,
    };
    Atoms::try_from(gained.checked_sub(owed)?.checked_div(wide(divisor))?).ok()
}

/// The surplus of a fill before any cap, in 10^-18 reference units, floored; `None` without a price.
#[must_use]
pub fn surplus_value(input: &AuctionInput, fill: &Fill) -> Option<Score> {
    let (intent, option) = option_of(input, fill)?;
    value_of(input, intent.surplus_denomination(option), surplus_of(intent, option, fill.sold, fill.bought)?)
}

/// The value of one atom: `mantissa / power`.
struct Worth {
    mantissa: U1024,
    power: U1024,
}

impl Worth {
    fn of(input: &AuctionInput, denomination: DenominationIndex) -> Option<Worth> {
        let found = input.denominations.get(denomination.at())?;
        let price: Price = found.price?;
        let exponent = u32::from(price.places()).checked_add(u32::from(found.scale))?;
        let power = crate::wide::power(U1024::from(10_u8), exponent)?;
        Some(Worth { mantissa: wide(price.mantissa()), power })
    }
}

/// What surplus is measured against: atoms of the surplus asset that an atom of the other one is worth,
/// `numerator / denominator`.
struct Rate {
    numerator: U1024,
    denominator: U1024,
}

impl Rate {
    /// By reference prices, if both assets have one.
    fn of_reference(input: &AuctionInput, intent: &AuctionIntent, option: &AuctionOption) -> Option<Rate> {
        let (give, get) = (Worth::of(input, option.give)?, Worth::of(input, option.get)?);
        let (own, other) = match intent.kind {
            Kind::ExactIn => (get, give),
            Kind::ExactOut => (give, get),
        };
        let numerator = other.mantissa.checked_mul(own.power)?;
        Some(Rate { numerator, denominator: own.mantissa.checked_mul(other.power)? })
    }

    /// By what the floor gives for what it takes.
    fn of_floor(intent: &AuctionIntent, floor: FloorTerms) -> Rate {
        let (own, other) = match intent.kind {
            Kind::ExactIn => (floor.bought, floor.sold),
            Kind::ExactOut => (floor.sold, floor.bought),
        };
        Rate { numerator: wide(own), denominator: wide(other) }
    }
}

/// The counted surplus against a rate n / d, over the common denominator `10^6 d` times the fixed side at full size.
fn counted(
    input: &AuctionInput,
    (intent, option): (&AuctionIntent, &AuctionOption),
    fill: &Fill,
    rate: &Rate,
) -> Option<Score> {
    let own = Worth::of(input, intent.surplus_denomination(option))?;
    let (million, cap) = (wide::<1024, 16>(MILLION), U1024::from(input.surplus_cap_ppm));
    let gained = wide::<1024, 16>(fill.bought).checked_mul(wide(option.give_amount))?;
    let owed = wide::<1024, 16>(fill.sold).checked_mul(wide(option.get_amount))?;
    let full: U1024 = wide(intent.fixed_of(option.give_amount, option.get_amount));
    let fixed: U1024 = wide(intent.fixed_of(fill.sold, fill.bought));
    let scale = rate.denominator.checked_mul(million)?;
    let reference = fixed.checked_mul(full)?.checked_mul(rate.numerator)?;
    let capped = match intent.kind {
        Kind::ExactIn => {
            let most = reference.checked_mul(million.checked_add(cap)?)?;
            most.saturating_sub(owed.checked_mul(scale)?)
        }
        Kind::ExactOut => {
            let least = reference.checked_mul(million.checked_sub(cap)?)?;
            gained.checked_mul(scale)?.saturating_sub(least)
        }
    };
    let counted = gained.checked_sub(owed)?.checked_mul(scale)?.min(capped);
    let numerator = counted.checked_mul(own.mantissa)?.checked_mul(wide(SCORE_UNIT))?;
    Score::try_from(numerator.checked_div(scale.checked_mul(full)?.checked_mul(own.power)?)?).ok()
}
