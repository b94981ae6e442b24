//! The score of a fill: its counted surplus in the reference asset.
//!
//! Exact-in, limit L = s B/S: `p_b min(b - L, max(0, s p_a/p_b (1 + beta) - L))`; exact-out, limit
//! L = b S/B: `p_a min(L - s, max(0, L - b p_b/p_a (1 - beta)))`, with p the value of one atom and
//! beta the cap. Under the floor rules the floor's own rate stands for p_a/p_b where that counts more, so that what
//! real venues serve counts although a reference price is off. Computed exactly in wide integers, floored once, in 10^-18 reference units.

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
    let intent = input.intents.get(fill.intent.at());
    let option = intent.and_then(|intent| Some((intent, intent.options.get(usize::from(fill.option))?)));
    option.map_or(0, |(intent, option)| {
        let by_reference = counted(input, intent, option, fill).unwrap_or(0);
        let floor = floor_of(input, intent, fill.option);
        let by_floor = floor.and_then(|floor| counted_by_floor(input, (intent, option), fill, floor));
        by_reference.max(by_floor.unwrap_or(0))
    })
}

/// The floor by whose rate fills of an option count too.
pub(super) fn floor_of(input: &AuctionInput, intent: &AuctionIntent, option: u16) -> Option<FloorTerms> {
    intent.floor.filter(|floor| input.rules == RuleSet::Floor && floor.option == option)
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

fn counted(input: &AuctionInput, intent: &AuctionIntent, option: &AuctionOption, fill: &Fill) -> Option<Score> {
    let (give, get) = (Worth::of(input, option.give)?, Worth::of(input, option.get)?);
    let (sold, bought): (U1024, U1024) = (wide(fill.sold), wide(fill.bought));
    let (full_give, full_get): (U1024, U1024) = (wide(option.give_amount), wide(option.get_amount));
    let million = wide::<1024, 16>(MILLION);
    let cap: U1024 = U1024::from(input.surplus_cap_ppm);
    let gained = bought.checked_mul(full_give)?;
    let owed = sold.checked_mul(full_get)?;
    let beyond = gained.checked_sub(owed)?;
    // Both candidates over the common denominator power_a * power_b * 10^6 * full.
    let (own, other, full, reference, limit) = match intent.kind {
        Kind::ExactIn => {
            let reference = sold.checked_mul(give.mantissa)?.checked_mul(million.checked_add(cap)?)?;
            (&get, &give, full_give, reference.checked_mul(get.power)?.checked_mul(full_give)?, owed)
        }
        Kind::ExactOut => {
            let reference = bought.checked_mul(get.mantissa)?.checked_mul(million.checked_sub(cap)?)?;
            (&give, &get, full_get, reference.checked_mul(give.power)?.checked_mul(full_get)?, gained)
        }
    };
    let scaled = |amount: U1024| amount.checked_mul(own.mantissa)?.checked_mul(other.power)?.checked_mul(million);
    let whole = scaled(beyond)?;
    let limit = scaled(limit)?;
    let capped = match intent.kind {
        Kind::ExactIn => reference.saturating_sub(limit),
        Kind::ExactOut => limit.saturating_sub(reference),
    };
    let denominator = own.power.checked_mul(other.power)?.checked_mul(million)?.checked_mul(full)?;
    let numerator = whole.min(capped).checked_mul(wide(SCORE_UNIT))?;
    Score::try_from(numerator.checked_div(denominator)?).ok()
}

/// The same with the floor's rate, s0 for b0, as the reference, over the common denominator 10^6 s0 S (exact-in) or
/// 10^6 b0 B (exact-out).
fn counted_by_floor(
    input: &AuctionInput,
    (intent, option): (&AuctionIntent, &AuctionOption),
    fill: &Fill,
    floor: FloorTerms,
) -> Option<Score> {
    let million = wide::<1024, 16>(MILLION);
    let cap: U1024 = U1024::from(input.surplus_cap_ppm);
    let [sold, bought, full_give, full_get, floor_sold, floor_bought]: [U1024; 6] =
        [fill.sold, fill.bought, option.give_amount, option.get_amount, floor.sold, floor.bought].map(wide);
    let (gained, owed) = (bought.checked_mul(full_give)?, sold.checked_mul(full_get)?);
    let beyond = gained.checked_sub(owed)?;
    let (own, scale, capped) = match intent.kind {
        Kind::ExactIn => {
            let scale = floor_sold.checked_mul(million)?;
            let reference = sold.checked_mul(floor_bought)?.checked_mul(million.checked_add(cap)?)?;
            let reference = reference.checked_mul(full_give)?;
            (Worth::of(input, option.get)?, scale, reference.saturating_sub(owed.checked_mul(scale)?))
        }
        Kind::ExactOut => {
            let scale = floor_bought.checked_mul(million)?;
            let reference = bought.checked_mul(floor_sold)?.checked_mul(million.checked_sub(cap)?)?;
            let reference = reference.checked_mul(full_get)?;
            (Worth::of(input, option.give)?, scale, gained.checked_mul(scale)?.saturating_sub(reference))
        }
    };
    let full = match intent.kind {
        Kind::ExactIn => full_give,
        Kind::ExactOut => full_get,
    };
    let counted = beyond.checked_mul(scale)?.min(capped);
    let numerator = counted.checked_mul(own.mantissa)?.checked_mul(wide(SCORE_UNIT))?;
    Score::try_from(numerator.checked_div(scale.checked_mul(full)?.checked_mul(own.power)?)?).ok()
}
