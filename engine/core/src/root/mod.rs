//! The state root: one hash over everything that decisions depend on.
//!
//! It joins the books' root and the ids' root, which are apart because a refusal is
//! remembered and changes no book.

mod auction;
mod codes;
mod facts;

pub(crate) use auction::{add_bundle, add_dual_prices, add_verdict, auction_input};

use codes::{choose_code, kind_code, role_code, rules_code, waits_code};

use crate::book::{BookIntent, IntentKey};
use crate::event::Accepted;
use crate::hash::{Hash, Hasher};
use crate::ledger::{AccountKey, Owner};
use crate::pending::PendingAuction;
use crate::price::Price;
use crate::refusal::Refusal;
use crate::state::State;
use crate::venue::Terms;

/// The root of the whole state.
#[must_use]
pub fn of(state: &State) -> Hash {
    let mut hasher = Hasher::new("clearlane.v1 state root");
    hasher.hash(books(state)).hash(ids(state));
    hasher.finish()
}

/// The root of configuration, tables, accounts, intents and the open auction.
///
/// The clock is left out, so that a record without effect leaves this root as it was.
#[must_use]
pub fn books(state: &State) -> Hash {
    let mut hasher = Hasher::new("clearlane.v1 books root");
    add_config(&mut hasher, state);
    add_tables(&mut hasher, state);
    add_accounts(&mut hasher, state);
    hasher.count(state.book.len());
    for (key, intent) in state.book.iter() {
        add_intent(&mut hasher, key, intent);
    }
    hasher.number(state.auctions).count(usize::from(state.auction.is_some()));
    if let Some(pending) = &state.auction {
        add_auction(&mut hasher, pending);
    }
    hasher.finish()
}

/// The root of the remembered ids.
#[must_use]
pub fn ids(state: &State) -> Hash {
    let mut hasher = Hasher::new("clearlane.v1 ids root");
    hasher.count(state.ids.len());
    for (party, id, remembered) in state.ids.iter() {
        hasher.number(u64::from(party.0)).bytes(&id.0).hash(remembered.digest).byte(u8::from(remembered.is_intent));
        match &remembered.result {
            Ok(Accepted::Done) => hasher.byte(0),
            Ok(Accepted::Booked) => hasher.byte(1),
            Ok(Accepted::Queued) => hasher.byte(2),
            Err(refusal) => {
                hasher.byte(3);
                add_refusal(&mut hasher, refusal)
            }
        };
    }
    hasher.finish()
}

fn add_config(hasher: &mut Hasher, state: &State) {
    let config = &state.config;
    hasher.bytes(config.cell.as_str().as_bytes()).bytes(config.reference_asset.as_str().as_bytes());
    hasher.byte(rules_code(config.rules)).number(u64::from(config.surplus_cap_ppm));
    hasher.number(config.id_window.0).number(config.id_ahead.0).number(u64::from(config.ids_max));
    hasher.number(u64::from(config.intents_max)).number(u64::from(config.auction_intents_max));
}

fn add_tables(hasher: &mut Hasher, state: &State) {
    hasher.count(state.assets.len());
    for (name, asset) in state.assets.iter() {
        hasher.bytes(name.as_str().as_bytes()).byte(asset.scale);
        add_price(hasher, asset.price);
    }
    hasher.count(state.modules.len());
    for (name, ()) in state.modules.iter() {
        hasher.bytes(name.as_str().as_bytes());
    }
    hasher.count(state.parties.len());
    for (name, ()) in state.parties.iter() {
        hasher.bytes(name.as_str().as_bytes());
    }
    hasher.count(state.venues.len());
    for (name, venue) in state.venues.iter() {
        hasher.bytes(name.as_str().as_bytes()).number(u64::from(venue.owner.0)).count(venue.coins.count());
        for (asset, module) in venue.coins {
            hasher.number(u64::from(asset.0)).number(u64::from(module.0));
        }
        add_terms(hasher, &venue.terms);
    }
    facts::add_events(hasher, &state.events);
    hasher.count(state.keys.len());
    for (key, grant) in &state.keys {
        hasher.bytes(&key.0).number(u64::from(grant.party.0));
        hasher.byte(role_code(grant.role)).byte(u8::from(grant.is_active));
    }
}

fn add_price(hasher: &mut Hasher, price: Option<Price>) {
    match price {
        Some(price) => hasher.byte(1).atoms(price.mantissa()).byte(price.places()),
        None => hasher.byte(0),
    };
}

fn add_terms(hasher: &mut Hasher, terms: &Terms) {
    match terms {
        Terms::ConstantProduct(pool) => {
            hasher.byte(0).number(u64::from(pool.fee_ppm));
        }
        Terms::Weighted(pool) => {
            hasher.byte(1).number(u64::from(pool.fee_ppm)).count(pool.weights.count());
            pool.weights.iter().for_each(|weight| {
                hasher.number(*weight);
            });
        }
        Terms::Stable(pool) => {
            hasher.byte(2).number(u64::from(pool.fee_ppm)).number(pool.ann).atoms(pool.d).count(pool.scale.count());
            pool.scale.iter().for_each(|scale| {
                hasher.atoms(*scale);
            });
        }
        Terms::Ladder(ladder) => {
            hasher.byte(3).count(ladder.levels.len());
            for level in &ladder.levels {
                hasher.atoms(level.amount_in).atoms(level.amount_out);
            }
        }
        Terms::Rail(rail) => {
            hasher.byte(4).atoms(rail.fixed_fee).number(u64::from(rail.fee_ppm));
            hasher.atoms(rail.rate_num).atoms(rail.rate_den);
            hasher.atoms(rail.min_in).atoms(rail.max_in).number(u64::from(rail.uses_max));
        }
        Terms::Concentrated(pool) => {
            hasher.byte(5).number(u64::from(pool.fee_ppm())).bytes(&pool.sqrt_price().to_be_bytes::<32>());
            hasher.count(pool.ticks().len());
            for tick in pool.ticks() {
                hasher.bytes(&tick.index.to_be_bytes()).bytes(&tick.liquidity_net.to_be_bytes());
            }
        }
    }
}

fn add_accounts(hasher: &mut Hasher, state: &State) {
    for (_, account) in state.ledger.iter() {
        add_account_key(hasher, account.key);
        hasher.atoms(account.posted).atoms(account.held);
    }
}

fn add_account_key(hasher: &mut Hasher, key: AccountKey) {
    let (kind, number) = match key.owner {
        Owner::Issued => (0, 0),
        Owner::Residual => (1, 0),
        Owner::Transit => (2, 0),
        Owner::Party(party) => (3, party.0),
        Owner::Inventory(venue) => (4, venue.0),
        Owner::Fees(venue) => (5, venue.0),
    };
    hasher.byte(kind).number(u64::from(number)).number(u64::from(key.asset.0)).number(u64::from(key.module.0));
}

fn add_intent(hasher: &mut Hasher, key: &IntentKey, intent: &BookIntent) {
    hasher.number(u64::from(key.party.0)).bytes(&key.id.0);
    hasher.byte(kind_code(intent.kind)).byte(choose_code(intent.choose));
    hasher.byte(u8::from(intent.is_all_or_nothing)).byte(u8::from(intent.is_cancelling));
    hasher.number(u64::from(intent.payee.0)).number(intent.valid_from.0).number(intent.deadline.0);
    hasher.number(intent.last_offered).number(intent.last_considered).byte(waits_code(intent.waits_for));
    hasher.number(intent.chosen.map_or(u64::MAX, u64::from)).count(intent.options.len());
    for option in &intent.options {
        hasher.number(u64::from(option.give_asset.0)).number(u64::from(option.get_asset.0));
        hasher.number(option.give_module.map_or(u64::MAX, |module| u64::from(module.0)));
        hasher.number(u64::from(option.get_module.0)).atoms(option.give_amount).atoms(option.get_amount);
        hasher.atoms(option.maximum).atoms(option.minimum).atoms(option.filled);
    }
    facts::add_clauses(hasher, &intent.condition);
}

fn add_auction(hasher: &mut Hasher, pending: &PendingAuction) {
    hasher.byte(u8::from(pending.is_open)).hash(pending.input_digest).count(pending.intents.len());
    for offered in &pending.intents {
        hasher.number(u64::from(offered.key.party.0)).bytes(&offered.key.id.0);
    }
    hasher.count(pending.solutions.len());
    for solution in &pending.solutions {
        hasher.number(u64::from(solution.solver.0)).count(solution.bundles.len());
        for bundle in &solution.bundles {
            add_bundle(hasher, bundle);
        }
        hasher.count(usize::from(solution.prices.is_some()));
        if let Some(prices) = &solution.prices {
            add_dual_prices(hasher, prices);
        }
    }
}

/// Adds what a refusal is about; its sentence may be worded anew without changing any root.
pub fn add_refusal<'a>(hasher: &'a mut Hasher, refusal: &Refusal) -> &'a mut Hasher {
    hasher.bytes(refusal.reason.code().as_bytes()).bytes(refusal.field.as_bytes())
}
