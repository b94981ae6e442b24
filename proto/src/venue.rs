//! Venues: their definitions, terms and states, both ways.

use clearlane_core::command::DefineVenue;
use clearlane_core::money::Atoms;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::venue::{
    Concentrated, ConstantProduct, LEVELS_MAX, Ladder, Level, Rail, Stable, TICKS_MAX, Terms, Tick, VenueState,
    Weighted,
};
use clearlane_core::wide::U256;

use crate::amount::atoms;
use crate::field::{at_most, coins_of, each, name, per_coin, refuse, required};
use crate::wire;
use crate::wire::venue_state::Kind as StateKind;
use crate::wire::venue_terms::Kind as TermsKind;

/// Reads the definition of a venue.
///
/// # Errors
///
/// Names the first field that is missing, malformed or of the wrong length; ranges are the core's to check.
pub fn define_to_core(venue: &wire::DefineVenue) -> Result<DefineVenue, Refusal> {
    Ok(DefineVenue {
        name: name(&venue.name, "name")?,
        assets: coins_of(&venue.assets, "assets", |text, field| name(text, field))?,
        modules: coins_of(&venue.modules, "modules", |text, field| name(text, field))?,
        inventory: coins_of(&venue.inventory, "inventory", |text, field| atoms(text, field))?,
        terms: terms_to_core(venue.terms.as_ref(), "terms")?,
    })
}

/// Writes the definition of a venue.
#[must_use]
pub fn define_to_wire(venue: &DefineVenue) -> wire::DefineVenue {
    wire::DefineVenue {
        name: venue.name.to_string(),
        assets: venue.assets.iter().map(ToString::to_string).collect(),
        modules: venue.modules.iter().map(ToString::to_string).collect(),
        inventory: texts(&venue.inventory),
        terms: Some(terms_to_wire(&venue.terms)),
    }
}

/// Reads the rule of a venue.
///
/// # Errors
///
/// Names the first field under `field` that is missing, malformed or of the wrong length.
pub fn terms_to_core(terms: Option<&wire::VenueTerms>, field: &str) -> Result<Terms, Refusal> {
    let kind = required(terms.and_then(|terms| terms.kind.as_ref()), field)?;
    Ok(match kind {
        TermsKind::ConstantProduct(pool) => Terms::ConstantProduct(ConstantProduct { fee_ppm: pool.fee_ppm }),
        TermsKind::Weighted(pool) => {
            let weights = per_coin(&pool.weights, &format!("{field}.weighted.weights"), |weight, _| Ok(*weight))?;
            Terms::Weighted(Weighted { fee_ppm: pool.fee_ppm, weights })
        }
        TermsKind::Stable(pool) => {
            let path = format!("{field}.stable");
            Terms::Stable(Stable {
                fee_ppm: pool.fee_ppm,
                ann: pool.ann,
                d: atoms(&pool.d, &format!("{path}.d"))?,
                scale: per_coin(&pool.scale, &format!("{path}.scale"), |text, field| atoms(text, field))?,
            })
        }
        TermsKind::Ladder(ladder) => Terms::Ladder(ladder_to_core(ladder, &format!("{field}.ladder"))?),
        TermsKind::Rail(rail) => Terms::Rail(rail_to_core(rail, &format!("{field}.rail"))?),
        TermsKind::Concentrated(pool) => {
            Terms::Concentrated(concentrated_to_core(pool, &format!("{field}.concentrated"))?)
        }
    })
}

/// Writes the rule of a venue.
#[must_use]
pub fn terms_to_wire(terms: &Terms) -> wire::VenueTerms {
    let kind = match terms {
        Terms::ConstantProduct(pool) => TermsKind::ConstantProduct(wire::ConstantProduct { fee_ppm: pool.fee_ppm }),
        Terms::Weighted(pool) => {
            TermsKind::Weighted(wire::Weighted { fee_ppm: pool.fee_ppm, weights: pool.weights.as_slice().to_vec() })
        }
        Terms::Stable(pool) => TermsKind::Stable(wire::Stable {
            fee_ppm: pool.fee_ppm,
            ann: pool.ann,
            d: pool.d.to_string(),
            scale: texts(pool.scale.as_slice()),
        }),
        Terms::Ladder(ladder) => {
            TermsKind::Ladder(wire::Ladder { levels: ladder.levels.iter().map(level_to_wire).collect() })
        }
        Terms::Rail(rail) => TermsKind::Rail(wire::Rail {
            fixed_fee: rail.fixed_fee.to_string(),
            fee_ppm: rail.fee_ppm,
            rate_num: rail.rate_num.to_string(),
            rate_den: rail.rate_den.to_string(),
            min_in: rail.min_in.to_string(),
            max_in: rail.max_in.to_string(),
            uses_max: rail.uses_max,
        }),
        Terms::Concentrated(pool) => TermsKind::Concentrated(wire::Concentrated {
            fee_ppm: pool.fee_ppm(),
            sqrt_price: pool.sqrt_price().to_string(),
            ticks: pool.ticks().iter().map(tick_to_wire).collect(),
        }),
    };
    wire::VenueTerms { kind: Some(kind) }
}

/// Reads a venue's state.
///
/// # Errors
///
/// Names the first field under `field` that is missing, malformed or of the wrong length.
pub fn state_to_core(state: Option<&wire::VenueState>, field: &str) -> Result<VenueState, Refusal> {
    let kind = required(state.and_then(|state| state.kind.as_ref()), field)?;
    Ok(match kind {
        StateKind::Pool(pool) => {
            let path = format!("{field}.pool.reserves_micro");
            VenueState::Pool { reserves_micro: per_coin(&pool.reserves_micro, &path, |text, field| wide(text, field))? }
        }
        StateKind::Counter(counter) => {
            let path = format!("{field}.counter");
            VenueState::Counter {
                taken: atoms(&counter.taken, &format!("{path}.taken"))?,
                given: atoms(&counter.given, &format!("{path}.given"))?,
                uses: counter.uses,
                available: atoms(&counter.available, &format!("{path}.available"))?,
            }
        }
        StateKind::Concentrated(pool) => {
            let path = format!("{field}.concentrated");
            let held = coins_of(&pool.held, &format!("{path}.held"), |text, field| atoms(text, field))?;
            let held = <[Atoms; 2]>::try_from(held).map_err(|held| {
                let message = format!("expected 2 values, found {}", held.len());
                Refusal::new(Reason::OutOfRange, format!("{path}.held"), message)
            })?;
            VenueState::Concentrated { sqrt_price: wide(&pool.sqrt_price, &format!("{path}.sqrt_price"))?, held }
        }
    })
}

/// Writes a venue's state.
#[must_use]
pub fn state_to_wire(state: &VenueState) -> wire::VenueState {
    let kind = match state {
        VenueState::Pool { reserves_micro } => StateKind::Pool(wire::PoolState {
            reserves_micro: reserves_micro.iter().map(ToString::to_string).collect(),
        }),
        VenueState::Counter { taken, given, uses, available } => StateKind::Counter(wire::CounterState {
            taken: taken.to_string(),
            given: given.to_string(),
            uses: *uses,
            available: available.to_string(),
        }),
        VenueState::Concentrated { sqrt_price, held } => {
            StateKind::Concentrated(wire::ConcentratedState { sqrt_price: sqrt_price.to_string(), held: texts(held) })
        }
    };
    wire::VenueState { kind: Some(kind) }
}

fn concentrated_to_core(pool: &wire::Concentrated, field: &str) -> Result<Concentrated, Refusal> {
    let path = format!("{field}.ticks");
    at_most(pool.ticks.len(), TICKS_MAX, &path)?;
    let ticks = each(&pool.ticks, &path, |tick, field| {
        let net = tick.liquidity_net.parse::<i128>().ok().filter(|net| net.to_string() == tick.liquidity_net);
        let Some(net) = net else {
            let field = format!("{field}.liquidity_net");
            return refuse(Reason::AmountMalformed, &field, "expected a whole number of 128 bits, found other text");
        };
        Ok((tick.index, net))
    })?;
    let sqrt_price = wide(&pool.sqrt_price, &format!("{field}.sqrt_price"))?;
    let made = Concentrated::new(pool.fee_ppm, sqrt_price, &ticks);
    made.map_err(|refusal| Refusal { field: format!("{field}.{}", refusal.field), ..refusal })
}

fn tick_to_wire(tick: &Tick) -> wire::Tick {
    wire::Tick { index: tick.index, liquidity_net: tick.liquidity_net.to_string() }
}

fn ladder_to_core(ladder: &wire::Ladder, field: &str) -> Result<Ladder, Refusal> {
    let path = format!("{field}.levels");
    at_most(ladder.levels.len(), LEVELS_MAX, &path)?;
    let levels = each(&ladder.levels, &path, |level, field| {
        Ok(Level {
            amount_in: atoms(&level.amount_in, &format!("{field}.amount_in"))?,
            amount_out: atoms(&level.amount_out, &format!("{field}.amount_out"))?,
        })
    })?;
    Ok(Ladder { levels })
}

fn level_to_wire(level: &Level) -> wire::Level {
    wire::Level { amount_in: level.amount_in.to_string(), amount_out: level.amount_out.to_string() }
}

fn rail_to_core(rail: &wire::Rail, field: &str) -> Result<Rail, Refusal> {
    Ok(Rail {
        fixed_fee: atoms(&rail.fixed_fee, &format!("{field}.fixed_fee"))?,
        fee_ppm: rail.fee_ppm,
        rate_num: atoms(&rail.rate_num, &format!("{field}.rate_num"))?,
        rate_den: atoms(&rail.rate_den, &format!("{field}.rate_den"))?,
        min_in: atoms(&rail.min_in, &format!("{field}.min_in"))?,
        max_in: atoms(&rail.max_in, &format!("{field}.max_in"))?,
        uses_max: rail.uses_max,
    })
}

fn texts(amounts: &[Atoms]) -> Vec<String> {
    amounts.iter().map(ToString::to_string).collect()
}

fn wide(text: &str, field: &str) -> Result<U256, Refusal> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return refuse(Reason::AmountMalformed, field, "expected a whole number, found other text");
    }
    U256::from_str_radix(text, 10)
        .map_err(|_| Refusal::new(Reason::AmountTooLarge, field, "expected less than 2 to the 256, found more"))
}
