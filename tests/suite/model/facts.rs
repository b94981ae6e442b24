//! The facts as the walk itself set them, and what each condition of a walk says of them, written apart from the core.

use std::collections::{BTreeMap, BTreeSet};

use clearlane_core::book::WaitsFor;
use clearlane_core::command::{Action, SetEvent, SetPrice};
use clearlane_core::condition::Condition;
use clearlane_core::event::{Event, IntentChange, Outcome};
use clearlane_core::ledger::Owner;
use clearlane_core::names::PartyIndex;
use clearlane_core::price::Price;
use clearlane_core::refusal::Reason;
use clearlane_tests::desk::{Desk, name};
use clearlane_tests::random::Random;

use super::Model;

/// The prices that a walk sets, in millionths of a euro.
const PRICES: [(&str, u32); 4] = [("1", 1_000_000), ("0.9", 900_000), ("0.007", 7_000), ("1.3", 1_300_000)];

/// What one party's conditions see.
struct Seen<'a> {
    facts: &'a Facts,
    /// Atoms by asset and module.
    balances: BTreeMap<(&'a str, &'a str), i128>,
}

type Judged = fn(&Seen<'_>) -> bool;

/// Conditions in their canonical form, and whether each holds.
const CONDITIONS: [(&str, Judged); 6] = [
    ("price USD >= 0.9", |seen| seen.price("USD").is_some_and(|price| price >= 900_000)),
    ("price USD < 1", |seen| seen.price("USD").is_some_and(|price| price < 1_000_000)),
    ("price JPY <= 0.0065 and event open", |seen| {
        seen.price("JPY").is_some_and(|price| price <= 6_500) && seen.facts.events.contains("open")
    }),
    ("balance EUR > 200", |seen| seen.balance("EUR", None) > 20_000),
    ("balance JPY in bank <= 9000", |seen| seen.balance("JPY", Some("bank")) <= 9_000),
    ("event open and event closed", |seen| ["open", "closed"].iter().all(|event| seen.facts.events.contains(event))),
];

/// What the walk recorded.
pub(super) struct Facts {
    prices: BTreeMap<&'static str, u32>,
    events: BTreeSet<&'static str>,
    /// How many intents with a condition were offered, and how many were told to wait for it.
    pub(super) offered: usize,
    pub(super) told: usize,
}

impl Default for Facts {
    fn default() -> Facts {
        let prices = BTreeMap::from([("USD", 900_000), ("JPY", 6_000)]);
        Facts { prices, events: BTreeSet::new(), offered: 0, told: 0 }
    }
}

impl Facts {
    /// Sets or clears one fact; the command by which the core hears of it.
    pub(super) fn change(&mut self, random: &mut Random) -> Action {
        if random.below(3) == 0 {
            let (event, is_attested) = (random.pick(&["open", "closed"]), random.below(3) > 0);
            if is_attested {
                self.events.insert(event)
            } else {
                self.events.remove(event)
            };
            return Action::SetEvent(SetEvent { name: name(event), is_attested });
        }
        let asset = random.pick(&["USD", "JPY"]);
        let price = Some(random.pick(&PRICES)).filter(|_| random.below(4) > 0);
        match price {
            Some((_, millionths)) => self.prices.insert(asset, millionths),
            None => self.prices.remove(asset),
        };
        Action::SetPrice(SetPrice { asset: name(asset), price: price.and_then(|(text, _)| Price::parse(text)) })
    }

    /// What is offered meets its condition, and who waits for one has one that is not met.
    ///
    /// Fresh from an opening, before which the facts were these.
    pub(super) fn hear_opening(&mut self, desk: &Desk, model: &Model, outcome: &Outcome, seed: u64) {
        self.check_waits(desk, model, seed);
        for event in &outcome.events {
            let Event::Intent(event) = event else { continue };
            let known = model.intents.get(&(event.party, event.id)).and_then(|known| known.intent.as_ref());
            let Some(condition) = known.and_then(|intent| intent.condition.as_ref()) else { continue };
            let holds = self.holds(desk, model, event.party, condition);
            match &event.change {
                IntentChange::Offered(_) => {
                    assert!(holds, "seed {seed}: {} offered against {condition}", event.id);
                    self.offered += 1;
                }
                IntentChange::Waiting(refusal) if refusal.reason == Reason::ConditionNotMet => {
                    assert!(!holds, "seed {seed}: {} waits for {condition}", event.id);
                    self.told += 1;
                }
                IntentChange::Waiting(_) => assert!(holds, "seed {seed}: {} lacks funds, not {condition}", event.id),
                IntentChange::Accepted(_) | IntentChange::Filled(_) | IntentChange::Ended(_) => {}
            }
        }
    }

    /// Nobody is left waiting for a condition that holds.
    fn check_waits(&self, desk: &Desk, model: &Model, seed: u64) {
        let (now, until) = (desk.state.clock, desk.state.auction.as_ref().map(|pending| pending.input.settle_by));
        for (key, intent) in desk.state.book.iter() {
            let is_valid = intent.valid_from <= now && until.is_some_and(|until| intent.deadline >= until);
            if is_valid && intent.waits_for == Some(WaitsFor::Condition) {
                let known = model.intents[&(key.party, key.id)].intent.as_ref();
                let condition = known.and_then(|intent| intent.condition.as_ref()).expect("one to wait for");
                assert!(!self.holds(desk, model, key.party, condition), "seed {seed}: {} waits in vain", key.id);
            }
        }
    }

    fn holds(&self, desk: &Desk, model: &Model, party: PartyIndex, condition: &Condition) -> bool {
        let text = |found: Option<&'_ clearlane_core::names::Name>| found.expect("named").as_str().to_owned();
        let own = desk.state.ledger.iter().filter(|(_, account)| account.key.owner == Owner::Party(party));
        let named: Vec<((String, String), i128)> = own
            .map(|(index, account)| {
                let asset = text(desk.state.assets.name(account.key.asset.at()));
                let module = text(desk.state.modules.name(account.key.module.at()));
                ((asset, module), model.balances.get(&index).copied().unwrap_or(0))
            })
            .collect();
        let balances = named.iter().map(|((asset, module), atoms)| ((asset.as_str(), module.as_str()), *atoms));
        let seen = Seen { facts: self, balances: balances.collect() };
        let written = condition.to_string();
        let (_, judged) = CONDITIONS.iter().find(|(known, _)| *known == written).expect("one of the walk's");
        judged(&seen)
    }
}

impl Seen<'_> {
    fn price(&self, asset: &str) -> Option<u32> {
        self.facts.prices.get(asset).copied()
    }

    fn balance(&self, asset: &str, module: Option<&str>) -> i128 {
        let is_asked = |of: &str, at: &str| of == asset && module.is_none_or(|module| module == at);
        self.balances.iter().filter(|((of, at), _)| is_asked(of, at)).map(|(_, atoms)| atoms).sum()
    }
}

/// One of the conditions, for one intent in four.
pub(super) fn condition(random: &mut Random) -> Option<Condition> {
    let (text, _) = random.pick(&CONDITIONS);
    (random.below(4) == 0).then(|| Condition::parse(text).expect("a condition"))
}
