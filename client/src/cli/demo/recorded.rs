//! One recorded auction through a real engine: assets, accounts, venues and intents by the RPCs that users have.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use clearlane_client::KeyPair;
use clearlane_client::envelope::envelope_of;
use clearlane_client::ids::NANOS_PER_MILLI;
use clearlane_core::intent::{Choose, Kind};
use clearlane_engine::settings::Settings;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_solver::formats::{self, FILE_BYTES_MAX};
use clearlane_solver::market::{MODULE, Market, MarketOption, MarketOrder};

use super::super::failure::Failure;
use super::stage::{Played, Stage, deposit};

/// All orders become valid together, this long after the first is submitted.
const LEAD_NS: u64 = 6_000_000_000;
/// How long the orders stay valid; the times in the file have passed.
const VALID_NS: u64 = 3_600_000_000_000;

/// Plays the auction in the file.
pub(super) async fn play(folder: &Path, file: &Path) -> Result<Played, Failure> {
    let bytes = std::fs::read(file).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Failure::Failed(format!("{}: expected at most {FILE_BYTES_MAX} bytes", file.display())));
    }
    let auction = formats::read(&bytes).map_err(|error| Failure::Failed(format!("{}: {error}", file.display())))?;
    let market = auction.market;
    let settings = Settings {
        cell: "demo".to_owned(),
        reference_asset: "reference".to_owned(),
        surplus_cap_ppm: market.surplus_cap_ppm,
        auction_every_ms: 500,
        bidding_ms: 8_000,
        settling_ms: 60_000,
        ..Settings::default()
    };
    let mut stage = Stage::start(folder, settings).await?;
    let mut played = Played::default();
    for (_, refusal) in market.refused_orders.iter() {
        played.intents += 1;
        *played.refused.entry(refusal.reason.code().to_owned()).or_default() += 1;
    }
    let keys = set_up(&mut stage, &market).await?;
    submit(&stage, &market, &keys, &mut played).await?;
    eprintln!("{} orders submitted; waiting for their auction", market.orders.len());
    wait_for_auction(&stage).await?;
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
            modules: vec![MODULE.to_owned(); 2],
            inventory: venue.inventory.iter().map(ToString::to_string).collect(),
            terms: Some(clearlane_proto::venue::terms_to_wire(&venue.terms)),
        }));
    }
    stage.administer(actions).await?;
    stage.start_solvers().await?;
    Ok(keys)
}

async fn submit(
    stage: &Stage,
    market: &Market,
    keys: &BTreeMap<String, KeyPair>,
    played: &mut Played,
) -> Result<(), Failure> {
    let valid_from_ns = stage.now() + LEAD_NS;
    let mut by_owner: BTreeMap<&str, Vec<Action>> = BTreeMap::new();
    for order in &market.orders {
        let intent = intent(market, order, valid_from_ns);
        by_owner.entry(order.owner.as_str()).or_default().push(Action::Intent(intent));
    }
    for (owner, actions) in by_owner {
        let Some(key) = keys.get(owner) else { continue };
        for part in actions.chunks(1_000) {
            let signed = envelope_of(key, owner, part.to_vec(), stage.now() / NANOS_PER_MILLI)?;
            played.note(&stage.client.submit(signed).await?);
        }
    }
    Ok(())
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

async fn wait_for_auction(stage: &Stage) -> Result<(), Failure> {
    for _ in 0..1_200 {
        let status = stage.client.status().await?;
        if status.auctions.iter().any(|auction| auction.intents > 0) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Failure::Failed("expected an auction within two minutes, found none".to_owned()))
}
