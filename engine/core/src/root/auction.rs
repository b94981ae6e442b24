//! What auctions add to hashes: the frozen input, bundles, and the verdicts on them.

use super::codes::{choose_code, kind_code, rules_code};
use super::facts::{add_facts, add_frozen};
use super::{add_price, add_refusal, add_terms};
use crate::auction::certificate::DualPrices;
use crate::auction::{AuctionInput, AuctionIntent, Bundle, Loss, Verdict};
use crate::hash::{Hash, Hasher};
use crate::lanes::Resource;
use crate::money::Score;
use crate::venue::VenueState;

/// The hash of a frozen input: prices, caps and openings included, which the books may have left behind.
pub(crate) fn auction_input(input: &AuctionInput) -> Hash {
    let mut hasher = Hasher::new("clearlane.v1 auction input");
    hasher.number(input.auction.0).byte(rules_code(input.rules)).number(input.opened_at.0);
    hasher.number(input.close_at.0).number(input.settle_by.0).hash(input.seed);
    hasher.number(u64::from(input.surplus_cap_ppm)).count(input.denominations.len());
    for denomination in &input.denominations {
        hasher.bytes(denomination.asset.as_str().as_bytes()).bytes(denomination.module.as_str().as_bytes());
        hasher.byte(denomination.scale);
        add_price(&mut hasher, denomination.price);
    }
    hasher.count(input.reserves.len());
    for reserve in &input.reserves {
        hasher.number(u64::from(reserve.denomination.0)).atoms(reserve.amount).byte(u8::from(reserve.is_scarce));
    }
    hasher.count(input.intents.len());
    for intent in &input.intents {
        add_intent(&mut hasher, intent);
    }
    hasher.count(input.venues.len());
    for venue in &input.venues {
        hasher.bytes(venue.name.as_str().as_bytes()).count(venue.coins.count());
        venue.coins.iter().for_each(|coin| {
            hasher.number(u64::from(coin.0));
        });
        add_terms(&mut hasher, &venue.terms);
        add_state(&mut hasher, &venue.opening);
    }
    add_facts(&mut hasher, &input.facts);
    hasher.finish()
}

fn add_intent(hasher: &mut Hasher, intent: &AuctionIntent) {
    hasher.bytes(intent.party.as_str().as_bytes()).bytes(&intent.id.0);
    hasher.byte(kind_code(intent.kind)).byte(choose_code(intent.choose)).byte(u8::from(intent.is_all_or_nothing));
    hasher.atoms(intent.remaining).count(intent.options.len());
    for option in &intent.options {
        hasher.number(u64::from(option.give.0)).number(u64::from(option.get.0));
        hasher.atoms(option.give_amount).atoms(option.get_amount).atoms(option.maximum).atoms(option.minimum);
        hasher.number(u64::from(option.number)).atoms(option.left).number(u64::from(option.reserve.0));
    }
    add_frozen(hasher, &intent.condition);
}

fn add_state(hasher: &mut Hasher, state: &VenueState) {
    match state {
        VenueState::Pool { reserves_micro } => {
            hasher.byte(0).count(reserves_micro.count());
            reserves_micro.iter().for_each(|reserve| {
                hasher.bytes(&reserve.to_be_bytes::<32>());
            });
        }
        VenueState::Counter { taken, given, uses, available } => {
            hasher.byte(1).atoms(*taken).atoms(*given).number(u64::from(*uses)).atoms(*available);
        }
        VenueState::Concentrated { sqrt_price, held } => {
            hasher.byte(2).bytes(&sqrt_price.to_be_bytes::<32>());
            held.iter().for_each(|held| {
                hasher.atoms(*held);
            });
        }
    }
}

/// Adds a bundle in its canonical form.
pub(crate) fn add_bundle(hasher: &mut Hasher, bundle: &Bundle) {
    hasher.count(bundle.fills.len());
    for fill in &bundle.fills {
        hasher.number(u64::from(fill.intent.0)).number(u64::from(fill.option)).atoms(fill.sold).atoms(fill.bought);
    }
    hasher.count(bundle.uses.len());
    for use_ in &bundle.uses {
        hasher.number(u64::from(use_.venue.0)).byte(use_.direction.from).byte(use_.direction.into);
        hasher.atoms(use_.amount_in).atoms(use_.amount_out);
    }
}

/// Adds prices by place.
pub(crate) fn add_dual_prices(hasher: &mut Hasher, prices: &DualPrices) {
    hasher.count(prices.count());
    prices.iter().for_each(|price| add_price(hasher, price));
}

/// Adds what a solver is told of one bundle.
pub(crate) fn add_verdict(hasher: &mut Hasher, verdict: &Verdict) {
    match verdict {
        Verdict::Won(score) => add_score(hasher.byte(0), *score),
        Verdict::Lost(loss) => add_loss(hasher.byte(1), loss),
        Verdict::Refused(refusal) => add_refusal(hasher.byte(2), refusal),
        Verdict::FloorBetter(score) => add_score(hasher.byte(3), *score),
    };
}

fn add_score(hasher: &mut Hasher, score: Score) -> &mut Hasher {
    hasher.bytes(&score.to_be_bytes())
}

fn add_loss<'a>(hasher: &'a mut Hasher, loss: &Loss) -> &'a mut Hasher {
    add_score(hasher, loss.score).count(usize::from(loss.to.is_some()));
    if let Some((solver, number, score)) = loss.to {
        add_score(hasher.number(u64::from(solver.0)).number(u64::from(number)), score);
    }
    let (kind, number) = match loss.on {
        Resource::Intent(index) => (0, index.0),
        Resource::Venue(index) => (1, index.0),
        Resource::Reserve(index) => (2, index.0),
        Resource::Other(number) => (3, number),
        Resource::Fact(index) => (4, index.0),
    };
    add_refusal(hasher.byte(kind).number(u64::from(number)), &loss.refusal)
}
