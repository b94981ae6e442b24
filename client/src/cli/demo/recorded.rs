//! One recorded auction through a real engine: assets, accounts, venues and intents by the RPCs that users have.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clearlane_client::envelope::envelope_of;
use clearlane_client::ids::NANOS_PER_MILLI;
use clearlane_client::{ClientError, KeyPair};
use clearlane_core::intent::{Choose, Kind};
use clearlane_engine::settings::Settings;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::command_outcome::Result as Outcome;
use clearlane_solver::formats;
use clearlane_solver::market::{MODULE, Market, MarketOption, MarketOrder};
use tokio::task::JoinSet;

use super::super::failure::{Failure, read_file};
use super::super::report;
use super::stage::{Played, Stage, deposit};

/// All orders become valid together, this long after the first is submitted, so that one auction has them all.
const LEAD_NS: u64 = 6_000_000_000;
/// What each further owner adds to that: [`SUBMITTING_MAX`] share a write, which takes a slow disk 250 milliseconds.
const LEAD_AN_OWNER_NS: u64 = 4_000_000;
/// Envelopes under way at a time, so that they share durable writes.
const SUBMITTING_MAX: usize = 64;
/// Intents in one envelope.
const INTENTS_AN_ENVELOPE_MAX: usize = 1_000;
/// How often the auction is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Two minutes of looks: the lead, eight seconds of bidding, and up to a minute of clearing.
const LOOKS_MAX: u32 = 1_200;
/// How long the orders stay valid; the times in the file have passed.
const VALID_NS: u64 = 3_600_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// What came back for one envelope, and which of its orders can be filled.
type Submitted = (Result<Vec<wire::CommandOutcome>, ClientError>, Vec<bool>);

/// Plays the auction in the file.
pub(super) async fn play(folder: &Path, file: &Path) -> Result<Played, Failure> {
    let auction = formats::read(&read_file(file)?);
    let auction = auction.map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    let market = auction.market;
    if market.orders.is_empty() {
        let message = "expected orders that an engine can admit, found none";
        return Err(Failure::Failed(format!("{}: {message}", file.display())));
    }
    let settings = Settings {
        cell: "demo".to_owned(),
        reference_asset: "reference".to_owned(),
        surplus_cap_ppm: market.surplus_cap_ppm,
        auction_every_ms: 500,
        bidding_ms: 8_000,
        settling_ms: 60_000,
        ..Settings::default()
    };
    let orders = u32::try_from(market.orders.len()).unwrap_or(u32::MAX);
    let settings = Settings { auction_intents_max: settings.auction_intents_max.max(orders), ..settings };
    let mut stage = Stage::start(folder, settings).await?;
    let mut played = Played::default();
    for (_, refusal) in market.refused_orders.iter() {
        played.intents += 1;
        *played.refused.entry(refusal.reason.code().to_owned()).or_default() += 1;
    }
    for (_, refusal) in market.refused_venues.iter() {
        *played.venues_refused.entry(refusal.reason.code().to_owned()).or_default() += 1;
    }
    let spinner = report::spinner("opening accounts and venues");
    let keys = set_up(&mut stage, &market).await;
    spinner.finish_and_clear();
    let keys = keys?;
    let expected = submit(&stage, &market, &keys, &mut played).await?;
    let spinner = report::spinner(&format!("{} orders submitted; waiting for their auction", market.orders.len()));
    let judged = wait_for_auction(&stage, expected).await;
    spinner.finish_and_clear();
    judged?;
    played.finish(&stage.client).await?;
    stage.stop().await?;
    Ok(played)
}

async fn set_up(stage: &mut Stage, market: &Market) -> Result<BTreeMap<String, KeyPair>, Failure> {
    let mut actions = vec![Action::DefineModule(wire::DefineModule { name: MODULE.to_owned() })];
    for asset in &market.assets {
        let (code, scale) = (asset.name.to_string(), u32::from(asset.scale));
        let price = asset.price.map_or_else(String::new, |price| price.to_string());
        actions.push(Action::DefineAsset(wire::DefineAsset { code: code.clone(), scale }));
        actions.push(Action::SetPrice(wire::SetPrice { asset: code, price }));
    }
    let asset = |index: clearlane_core::names::DenominationIndex| {
        market.assets.get(index.at()).map_or_else(String::new, |asset| asset.name.to_string())
    };
    let mut keys = BTreeMap::new();
    for order in &market.orders {
        let owner = order.owner.to_string();
        if keys.contains_key(&owner) {
            continue;
        }
        let key = KeyPair::generate()?;
        actions.push(Action::DefineParty(wire::DefineParty { name: owner.clone() }));
        let public = key.public().to_vec();
        let add = wire::AddKey { party: owner.clone(), key: public, role: wire::Role::Party.into() };
        actions.push(Action::AddKey(add));
        keys.insert(owner, key);
    }
    for ((owner, index), atoms) in market.balances() {
        actions.push(deposit(owner.as_str(), &asset(index), MODULE, atoms));
    }
    for venue in &market.venues {
        for (coin, amount) in venue.coins.into_iter().zip(venue.inventory) {
            if amount > 0 {
                actions.push(deposit("admin", &asset(coin), MODULE, amount));
            }
        }
        actions.push(Action::DefineVenue(wire::DefineVenue {
            name: venue.name.to_string(),
            assets: venue.coins.iter().map(|coin| asset(*coin)).collect(),
            modules: venue.coins.iter().map(|_| MODULE.to_owned()).collect(),
            inventory: venue.inventory.iter().map(ToString::to_string).collect(),
            terms: Some(clearlane_proto::venue::terms_to_wire(&venue.terms)),
        }));
    }
    stage.administer(actions).await?;
    stage.start_solvers().await?;
    Ok(keys)
}

/// Submits every order and says how many the auction must have: those accepted that can be filled at all.
async fn submit(
    stage: &Stage,
    market: &Market,
    keys: &BTreeMap<String, KeyPair>,
    played: &mut Played,
) -> Result<u64, Failure> {
    let lead = u64::try_from(keys.len()).unwrap_or(u64::MAX).saturating_mul(LEAD_AN_OWNER_NS).saturating_add(LEAD_NS);
    let valid_from_ns = stage.now().saturating_add(lead);
    let mut by_owner: BTreeMap<&str, Vec<(Action, bool)>> = BTreeMap::new();
    for order in &market.orders {
        let action = Action::Intent(intent(market, order, valid_from_ns));
        by_owner.entry(order.owner.as_str()).or_default().push((action, is_fillable(order)));
    }
    let mut expected = 0;
    let mut under_way: JoinSet<Submitted> = JoinSet::new();
    for (owner, orders) in by_owner {
        let key = keys.get(owner).ok_or_else(|| Failure::Failed(format!("expected a key of {owner}, found none")))?;
        for part in orders.chunks(INTENTS_AN_ENVELOPE_MAX) {
            if under_way.len() >= SUBMITTING_MAX {
                expected += note_next(&mut under_way, played).await?;
            }
            let (actions, fillable) = part.iter().cloned().unzip();
            let signed = envelope_of(key, owner, actions, stage.now() / NANOS_PER_MILLI)?;
            let client = stage.client.clone();
            under_way.spawn(async move { (client.submit(signed).await, fillable) });
        }
    }
    while !under_way.is_empty() {
        expected += note_next(&mut under_way, played).await?;
    }
    if stage.client.status().await?.time_ns >= valid_from_ns {
        let seconds = lead / SECOND_NS;
        return Err(Failure::Failed(format!("expected all orders in the book within {seconds} seconds, found more")));
    }
    Ok(expected)
}

/// Waits for one of the envelopes under way; how many of its orders the auction must have.
async fn note_next(under_way: &mut JoinSet<Submitted>, played: &mut Played) -> Result<u64, Failure> {
    let Some(submitted) = under_way.join_next().await else { return Ok(0) };
    let (outcomes, fillable) = submitted.map_err(|error| Failure::Failed(format!("submitting: {error}")))?;
    let outcomes = outcomes?;
    played.note(&outcomes);
    let is_accepted = |outcome: &wire::CommandOutcome| matches!(outcome.result, Some(Outcome::Accepted(_)));
    let expected = outcomes.iter().zip(fillable).filter(|(outcome, fillable)| *fillable && is_accepted(outcome));
    Ok(u64::try_from(expected.count()).unwrap_or(u64::MAX))
}

/// Whether the options of an order can fill it: all-or-nothing may ask for more than they take together.
fn is_fillable(order: &MarketOrder) -> bool {
    let fixed = |option: &MarketOption| match order.kind {
        Kind::ExactIn => option.give_amount,
        Kind::ExactOut => option.get_amount,
    };
    let most = |option: &MarketOption| option.maximum.unwrap_or(u128::MAX).min(fixed(option));
    let whole = order.options.first().map_or(0, fixed);
    match order.choose {
        Choose::Split => {
            let together = order.options.iter().fold(0_u128, |sum, option| sum.saturating_add(most(option)));
            !order.is_all_or_nothing || together >= whole
        }
        Choose::One => !order.is_all_or_nothing || order.options.iter().any(|option| most(option) == fixed(option)),
    }
}

fn intent(market: &Market, order: &MarketOrder, valid_from_ns: u64) -> wire::Intent {
    let kind = match order.kind {
        Kind::ExactIn => wire::Kind::ExactIn,
        Kind::ExactOut => wire::Kind::ExactOut,
    };
    let first = order.options.first();
    let rule = if order.is_all_or_nothing {
        Some(wire::fill::Rule::AllOrNothing(true))
    } else {
        first.map(|option| wire::fill::Rule::Minimum(amount(market, order.kind, option, 1)))
    };
    let choose = match order.choose {
        Choose::Split => wire::Choose::Split,
        Choose::One => wire::Choose::One,
    };
    wire::Intent {
        kind: kind.into(),
        options: order.options.iter().map(|one| option(market, order.kind, one)).collect(),
        fill: Some(wire::Fill { rule }),
        choose: choose.into(),
        valid_from_ns,
        deadline_ns: valid_from_ns + VALID_NS,
        reference: order.name.chars().take(120).collect(),
        ..wire::Intent::default()
    }
}

fn option(market: &Market, kind: Kind, option: &MarketOption) -> wire::Option {
    let name = |at: usize| market.assets.get(at).map_or_else(String::new, |asset| asset.name.to_string());
    let side = |asset: String, atoms: u128| {
        let value = Some(wire::amount::Value::Atoms(atoms.to_string()));
        let amount = Some(wire::Amount { asset: asset.clone(), value });
        Some(wire::Side { asset, module: MODULE.to_owned(), amount })
    };
    wire::Option {
        give: side(name(option.give.at()), option.give_amount),
        get: side(name(option.get.at()), option.get_amount),
        maximum: option.maximum.map(|most| amount(market, kind, option, most)),
    }
}

/// An amount of an option's fixed asset.
fn amount(market: &Market, kind: Kind, option: &MarketOption, atoms: u128) -> wire::Amount {
    let fixed = match kind {
        Kind::ExactIn => option.give,
        Kind::ExactOut => option.get,
    };
    let asset = market.assets.get(fixed.at()).map_or_else(String::new, |asset| asset.name.to_string());
    wire::Amount { asset, value: Some(wire::amount::Value::Atoms(atoms.to_string())) }
}

async fn wait_for_auction(stage: &Stage, expected: u64) -> Result<(), Failure> {
    for _ in 0..LOOKS_MAX {
        let status = stage.client.status().await?;
        if let Some(auction) = status.auctions.iter().find(|auction| auction.intents > 0) {
            return judged(auction, expected);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Err(Failure::Failed("expected an auction within two minutes, found none".to_owned()))
}

/// An auction stands for the file only if it was decided and had every order that it could have.
fn judged(auction: &wire::AuctionSummary, expected: u64) -> Result<(), Failure> {
    let offered = u64::from(auction.intents);
    if offered != expected {
        return Err(Failure::Failed(format!("expected all {expected} orders in the auction, found {offered}")));
    }
    if auction.voided {
        return Err(Failure::Failed("expected the auction to settle, found it void".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_settled_auction_of_all_orders_counts() {
        let auction = |intents, voided| wire::AuctionSummary { intents, voided, ..wire::AuctionSummary::default() };
        let message = |intents, voided| judged(&auction(intents, voided), 500).map_err(|failure| failure.to_string());
        assert_eq!(message(500, false), Ok(()));
        assert_eq!(message(499, false), Err("expected all 500 orders in the auction, found 499".to_owned()));
        assert_eq!(message(501, false), Err("expected all 500 orders in the auction, found 501".to_owned()));
        assert_eq!(message(500, true), Err("expected the auction to settle, found it void".to_owned()));
    }
}
