//! A seeded day of cross-border payments and swaps over pools, a ladder and rails.

use std::path::Path;
use std::time::Duration;

use clearlane_client::envelope::envelope_of;
use clearlane_client::ids::NANOS_PER_MILLI;
use clearlane_client::{Client, KeyPair};
use clearlane_core::money::{Atoms, Rounding};
use clearlane_core::venue::Stable as StableTerms;
use clearlane_engine::settings::Settings;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::venue_terms::Kind as Terms;
use indicatif::{ProgressBar, ProgressStyle};

use super::super::failure::Failure;
use super::rates::euro_price;
use super::stage::{Played, Stage, deposit};

/// The currencies of the day with their decimals.
const CURRENCIES: [(&str, u8); 7] =
    [("EUR", 2), ("USD", 2), ("GBP", 2), ("CHF", 2), ("JPY", 0), ("PLN", 2), ("SEK", 2)];
/// The banks; all trading happens in the first, and rails lead to the others.
const MODULES: [&str; 3] = ["bank-eu", "bank-us", "bank-uk"];
/// Where the day's clock starts: 2026-10-30T08:00:00Z.
const MORNING_NS: u64 = 1_793_347_200_000_000_000;
/// Engine seconds per second of the wall.
const SCALE: u32 = 3_600;
const PARTIES: u64 = 40;
/// Groups of intents, one every quarter of an hour.
const GROUPS: u64 = 32;
const INTENTS_A_GROUP: u64 = 20;
/// What payments across banks deliver, and where.
const PAYMENTS: [(&str, &str); 3] = [("EUR", "bank-uk"), ("USD", "bank-us"), ("GBP", "bank-uk")];
const SECOND_NS: u64 = 1_000_000_000;
/// How often the end of the day is looked for.
const DRAIN_LOOK_EVERY: Duration = Duration::from_millis(50);
/// A minute of looks: three engine hours are three seconds, and a busy machine may need some more.
const DRAIN_LOOKS_MAX: u32 = 1_200;

/// Plays the day of this seed.
pub(super) async fn play(folder: &Path, seed: u64) -> Result<Played, Failure> {
    let settings = Settings {
        cell: "demo".to_owned(),
        clock_scale: SCALE,
        clock_start_ns: Some(MORNING_NS),
        auction_every_ms: 1_500_000,
        bidding_ms: 1_000_000,
        settling_ms: 3_600_000,
        ..Settings::default()
    };
    let mut stage = Stage::start(folder, settings).await?;
    let parties = set_up(&mut stage).await?;
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut played = Played::default();
    let bar = ProgressBar::new(GROUPS * INTENTS_A_GROUP);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} intents");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message("a day of payments");
    for _ in 0..GROUPS {
        for _ in 0..INTENTS_A_GROUP {
            let intent = intent(&mut dice, stage.now());
            let at = usize::try_from(dice.below(PARTIES)).unwrap_or(0);
            let Some((party, key)) = parties.get(at) else { continue };
            let millis = stage.now() / NANOS_PER_MILLI;
            let signed = envelope_of(key, party, vec![Action::Intent(intent)], millis)?;
            played.note(&stage.client.submit(signed).await?);
            bar.inc(1);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    drain(&stage.client).await?;
    bar.finish_and_clear();
    played.finish(&stage.client).await?;
    stage.stop().await?;
    Ok(played)
}

/// Waits until every intent has ended; the last ones expire three engine hours after they came.
async fn drain(client: &Client) -> Result<(), Failure> {
    let mut status = client.status().await?;
    for _ in 0..DRAIN_LOOKS_MAX {
        if status.open_intents == 0 && status.auction == 0 {
            return Ok(());
        }
        tokio::time::sleep(DRAIN_LOOK_EVERY).await;
        status = client.status().await?;
    }
    let (open, auction) = (status.open_intents, status.auction);
    Err(Failure::Failed(format!("expected the day to end, found {open} open intents and auction {auction} under way")))
}

async fn set_up(stage: &mut Stage) -> Result<Vec<(String, KeyPair)>, Failure> {
    let mut actions = Vec::new();
    for module in MODULES {
        actions.push(Action::DefineModule(wire::DefineModule { name: module.to_owned() }));
    }
    for (code, scale) in CURRENCIES {
        actions.push(Action::DefineAsset(wire::DefineAsset { code: code.to_owned(), scale: u32::from(scale) }));
        let price = euro_price(code).map_or_else(String::new, |price| price.to_string());
        actions.push(Action::SetPrice(wire::SetPrice { asset: code.to_owned(), price }));
    }
    stage.administer(actions).await?;
    let mut parties = Vec::new();
    let mut actions = Vec::new();
    for number in 1..=PARTIES {
        let (name, key) = (format!("party-{number:02}"), KeyPair::generate()?);
        actions.push(Action::DefineParty(wire::DefineParty { name: name.clone() }));
        let public = key.public().to_vec();
        let add = wire::AddKey { party: name.clone(), key: public, role: wire::Role::Party.into() };
        actions.push(Action::AddKey(add));
        for (code, scale) in CURRENCIES {
            actions.push(deposit(&name, code, MODULES[0], worth(50_000, code, scale)));
        }
        parties.push((name, key));
    }
    stage.administer(actions).await?;
    stage.administer(venues()).await?;
    stage.start_solvers().await?;
    Ok(parties)
}

/// Deposits for the inventories, and the venues.
fn venues() -> Vec<Action> {
    let mut actions = Vec::new();
    for (at, (code, scale)) in CURRENCIES.iter().enumerate().skip(1) {
        let inventory = [worth(400_000, "EUR", 2), worth(400_000, code, *scale)];
        let fee_ppm = if at % 2 == 0 { 3_000 } else { 500 };
        let terms = Terms::ConstantProduct(wire::ConstantProduct { fee_ppm });
        open(&mut actions, &format!("pool-EUR-{code}"), [("EUR", 0), (code, 0)], inventory, terms);
    }
    let weighted = Terms::Weighted(wire::Weighted { fee_ppm: 1_000, weights: vec![2, 1] });
    let inventory = [worth(600_000, "USD", 2), worth(300_000, "GBP", 2)];
    open(&mut actions, "weighted-USD-GBP", [("USD", 0), ("GBP", 0)], inventory, weighted);
    open_stable(&mut actions);
    let level = |part: u128, ppm: u128| wire::Level {
        amount_in: worth(part, "EUR", 2).to_string(),
        amount_out: (worth(part, "JPY", 0) * ppm / 1_000_000).to_string(),
    };
    let levels = vec![level(20_000, 999_500), level(40_000, 998_500), level(80_000, 996_000)];
    let ladder = Terms::Ladder(wire::Ladder { levels });
    open(&mut actions, "desk-EUR-JPY", [("EUR", 0), ("JPY", 0)], [0, worth(140_000, "JPY", 0)], ladder);
    for (name, code, to, fixed_fee, fee_ppm) in
        [("instant-EUR", "EUR", 2, 20, 0), ("wire-USD", "USD", 1, 500, 300), ("faster-GBP", "GBP", 2, 0, 150)]
    {
        let rail = wire::Rail {
            fixed_fee: u32::to_string(&fixed_fee),
            fee_ppm,
            rate_num: "1".to_owned(),
            rate_den: "1".to_owned(),
            min_in: "100".to_owned(),
            max_in: "10000000".to_owned(),
            uses_max: 1_000,
        };
        open(&mut actions, name, [(code, 0), (code, to)], [0, worth(2_000_000, code, 2)], Terms::Rail(rail));
    }
    actions
}

/// A stable pool of euros and francs, which count by their reference value.
fn open_stable(actions: &mut Vec<Action>) {
    let inventory = [worth(500_000, "EUR", 2), worth(500_000, "CHF", 2)];
    let franc = euro_price("CHF").and_then(|price| price.convert(1_000_000, 0, 0, Rounding::Down));
    let Some(franc) = franc else { return };
    let scaled = [inventory[0] * 1_000_000, inventory[1] * franc];
    let Some(d) = StableTerms::invariant(400, &scaled) else { return };
    let scale = vec!["1000000".to_owned(), franc.to_string()];
    let terms = Terms::Stable(wire::Stable { fee_ppm: 200, ann: 400, d: d.to_string(), scale });
    open(actions, "stable-EUR-CHF", [("EUR", 0), ("CHF", 0)], inventory, terms);
}

fn open(actions: &mut Vec<Action>, name: &str, coins: [(&str, usize); 2], inventory: [Atoms; 2], terms: Terms) {
    for ((asset, module), amount) in coins.into_iter().zip(inventory) {
        if amount > 0 {
            actions.push(deposit("admin", asset, MODULES[module], amount));
        }
    }
    actions.push(Action::DefineVenue(wire::DefineVenue {
        name: name.to_owned(),
        assets: coins.iter().map(|(asset, _)| (*asset).to_owned()).collect(),
        modules: coins.iter().map(|(_, module)| MODULES[*module].to_owned()).collect(),
        inventory: inventory.iter().map(ToString::to_string).collect(),
        terms: Some(wire::VenueTerms { kind: Some(terms) }),
    }));
}

/// A number of euros' worth of a currency, in atoms.
fn worth(euros: u128, code: &str, scale: u8) -> Atoms {
    let Some(price) = euro_price(code) else { return 0 };
    let power = 10_u128.pow(u32::from(scale) + u32::from(price.places()));
    euros * power / price.mantissa()
}

/// A deterministic stream of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }
}

/// A payment, a swap or a transfer of 20 to 4,000 euros' worth.
fn intent(dice: &mut Dice, now: u64) -> wire::Intent {
    let count = u64::try_from(CURRENCIES.len()).unwrap_or(1);
    let give = usize::try_from(dice.below(count)).unwrap_or(0);
    let get = usize::try_from(dice.below(count)).unwrap_or(0);
    let ((give, give_scale), (get, get_scale)) = (CURRENCIES[give], CURRENCIES[get]);
    let euros = 20 + u128::from(dice.below(3_980));
    let payee = format!("party-{:02}", 1 + dice.below(PARTIES));
    let (from, to) = (worth(euros, give, give_scale), worth(euros, get, get_scale));
    let slack = u128::from(dice.below(20_000));
    let base = wire::Intent {
        deadline_ns: now + 10_800 * SECOND_NS,
        fill: Some(wire::Fill { rule: Some(wire::fill::Rule::AllOrNothing(dice.below(4) == 0)) }),
        reference: format!("invoice {}", dice.below(100_000)),
        ..wire::Intent::default()
    };
    match dice.below(10) {
        0 => wire::Intent { payee, fill: None, ..exact_out(base, (give, from), (give, from, MODULES[0])) },
        1..=3 => {
            let (code, module) = PAYMENTS[usize::try_from(dice.below(3)).unwrap_or(0)];
            let due = worth(euros, code, 2);
            let most = from + from * (slack + 2_000) / 1_000_000 + worth(8, give, give_scale);
            wire::Intent { payee, ..exact_out(base, (give, most), (code, due, module)) }
        }
        // Some ask for more than the market gives, and expire.
        4 => exact_in(base, (give, from), (get, to + to * slack / 1_000_000)),
        _ => exact_in(base, (give, from), (get, to - to * slack / 1_000_000)),
    }
}

fn side(asset: &str, module: &str, atoms: Atoms) -> wire::Side {
    let value = Some(wire::amount::Value::Atoms(atoms.to_string()));
    let amount = Some(wire::Amount { asset: asset.to_owned(), value });
    wire::Side { asset: asset.to_owned(), module: module.to_owned(), amount }
}

fn exact_in(base: wire::Intent, give: (&str, Atoms), get: (&str, Atoms)) -> wire::Intent {
    let (give, get) = (side(give.0, MODULES[0], give.1), side(get.0, MODULES[0], get.1));
    let options = vec![wire::Option { give: Some(give), get: Some(get), maximum: None }];
    wire::Intent { kind: wire::Kind::ExactIn.into(), options, ..base }
}

fn exact_out(base: wire::Intent, give: (&str, Atoms), get: (&str, Atoms, &str)) -> wire::Intent {
    let (give, get) = (side(give.0, MODULES[0], give.1), side(get.0, get.2, get.1));
    let options = vec![wire::Option { give: Some(give), get: Some(get), maximum: None }];
    wire::Intent { kind: wire::Kind::ExactOut.into(), options, ..base }
}
