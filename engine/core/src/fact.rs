//! Recorded facts that conditions read: prices, a party's own balances, attested events.
//!
//! A fact is looked up in the state when an auction opens and frozen with it; nothing here changes one.

use crate::condition::{Comparison, Condition, Term};
use crate::ledger::Owner;
use crate::money::{AmountError, Atoms, format_amount};
use crate::names::{AssetIndex, FactIndex, ModuleIndex, Name, PartyIndex};
use crate::price::Price;
use crate::refusal::{Reason, Refusal};
use crate::state::State;

/// The most events that are attested at once: their names are in memory and in the state root.
pub const EVENTS_MAX: usize = 100_000;

/// What a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The reference price of an asset.
    Price(AssetIndex),
    /// What a party has of an asset, in one module or in all together.
    Balance(PartyIndex, AssetIndex, Option<ModuleIndex>),
    /// Whether an event was attested.
    Event(Name),
}

/// What is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// The reference price, if there is one.
    Price(Option<Price>),
    /// Posted atoms; what an auction holds of them included.
    Balance(Atoms),
    /// Whether it was attested.
    Event(bool),
}

/// What must be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// The price compares like this.
    Price(Comparison, Price),
    /// The balance compares like this.
    Balance(Comparison, Atoms),
    /// The event was attested.
    Event,
}

/// One term of a condition with its names resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Which fact it reads.
    pub subject: Subject,
    /// What it claims of it.
    pub test: Test,
}

/// A fact as an auction froze it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about, as conditions name it: `price USD`, `balance EUR in bank of alice`, `event shipped-7`.
    pub name: String,
    /// What is so until the auction ends.
    pub value: Value,
}

/// One term of the condition of an intent on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrozenClause {
    /// Which of the auction's facts it reads.
    pub fact: FactIndex,
    /// What it claims of it.
    pub test: Test,
}

impl Test {
    /// Whether what is so is what must be so.
    #[must_use]
    pub fn holds(self, value: Value) -> bool {
        match (self, value) {
            (Test::Price(comparison, bound), Value::Price(Some(price))) => comparison.allows(price.cmp_value(bound)),
            (Test::Balance(comparison, bound), Value::Balance(atoms)) => comparison.allows(atoms.cmp(&bound)),
            (Test::Event, Value::Event(is_attested)) => is_attested,
            (Test::Price(..) | Test::Balance(..) | Test::Event, _) => false,
        }
    }
}

/// Resolves the names of a condition of this party's.
///
/// # Errors
///
/// `UNKNOWN_ASSET`, `UNKNOWN_MODULE`, or a balance that is no amount of its asset; the message names the term.
pub fn resolve(state: &State, party: PartyIndex, condition: &Condition) -> Result<Vec<Clause>, Refusal> {
    condition.terms().iter().map(|term| resolve_term(state, party, term)).collect()
}

/// What is so in the state.
#[must_use]
pub fn value(state: &State, subject: &Subject) -> Value {
    match subject {
        Subject::Price(asset) => Value::Price(state.assets.get(asset.at()).and_then(|asset| asset.price)),
        Subject::Balance(party, asset, module) => {
            let accounts = state.ledger.of_owner_in(Owner::Party(*party), *asset).map(|(_, account)| account);
            let asked = accounts.filter(|account| module.is_none_or(|module| module == account.key.module));
            Value::Balance(asked.fold(0, |sum: Atoms, account| sum.saturating_add(account.posted)))
        }
        Subject::Event(name) => Value::Event(state.events.contains(name)),
    }
}

/// Whether every clause holds in the state.
#[must_use]
pub fn holds(state: &State, clauses: &[Clause]) -> bool {
    clauses.iter().all(|clause| clause.test.holds(value(state, &clause.subject)))
}

/// What the first clause that does not hold in the state lacks.
#[must_use]
pub fn lack(state: &State, clauses: &[Clause]) -> Option<Refusal> {
    let found = |clause: &Clause| (clause.subject.clone(), clause.test, value(state, &clause.subject));
    let (subject, test, value) = clauses.iter().map(found).find(|(_, test, value)| !test.holds(*value))?;
    let message = format!("expected {}, found {}", claim(state, &subject, test), found_text(state, &subject, value));
    Some(Refusal::new(Reason::ConditionNotMet, "condition", message))
}

/// What a fact is about, with the party whose balance it is.
#[must_use]
pub fn name(state: &State, subject: &Subject) -> String {
    match subject {
        Subject::Balance(party, ..) => {
            let party = state.parties.name(party.at()).map_or("", Name::as_str);
            format!("{} of {party}", words(state, subject))
        }
        Subject::Price(_) | Subject::Event(_) => words(state, subject),
    }
}

fn resolve_term(state: &State, party: PartyIndex, term: &Term) -> Result<Clause, Refusal> {
    let refused = |reason, message: String| Refusal::new(reason, "condition.expression", message);
    let find_asset = |asset: &Name| {
        let unknown = || refused(Reason::UnknownAsset, format!("no asset is named {asset}, in `{term}`"));
        state.asset(asset).ok_or_else(unknown)
    };
    Ok(match term {
        Term::Price { asset, comparison, bound } => {
            Clause { subject: Subject::Price(find_asset(asset)?), test: Test::Price(*comparison, *bound) }
        }
        Term::Balance { asset, module, comparison, bound } => {
            let index = find_asset(asset)?;
            let find_module = |module: &Name| {
                let unknown = || refused(Reason::UnknownModule, format!("no module is named {module}, in `{term}`"));
                state.module(module).ok_or_else(unknown)
            };
            let module = module.as_ref().map(find_module).transpose()?;
            let atoms = bound.atoms(scale_of(state, index)).map_err(|error| match error {
                AmountError::TooPrecise { scale } => {
                    let message = format!("expected at most {scale} decimals of {asset}, found more in `{term}`");
                    refused(Reason::AmountTooPrecise, message)
                }
                AmountError::TooLarge | AmountError::Negative | AmountError::NotANumber => {
                    refused(Reason::AmountTooLarge, format!("expected at most 2^127 atoms, found more in `{term}`"))
                }
            })?;
            Clause { subject: Subject::Balance(party, index, module), test: Test::Balance(*comparison, atoms) }
        }
        Term::Event { name } => Clause { subject: Subject::Event(name.clone()), test: Test::Event },
    })
}

fn words(state: &State, subject: &Subject) -> String {
    let asset = |index: &AssetIndex| state.assets.name(index.at()).map_or("", Name::as_str);
    match subject {
        Subject::Price(index) => format!("price {}", asset(index)),
        Subject::Balance(_, index, None) => format!("balance {}", asset(index)),
        Subject::Balance(_, index, Some(module)) => {
            let module = state.modules.name(module.at()).map_or("", Name::as_str);
            format!("balance {} in {module}", asset(index))
        }
        Subject::Event(name) => format!("event {name}"),
    }
}

fn claim(state: &State, subject: &Subject, test: Test) -> String {
    let words = words(state, subject);
    match test {
        Test::Price(comparison, bound) => format!("{words} {comparison} {bound}"),
        Test::Balance(comparison, bound) => format!("{words} {comparison} {}", amount(state, subject, bound)),
        Test::Event => words,
    }
}

fn found_text(state: &State, subject: &Subject, value: Value) -> String {
    match value {
        Value::Price(Some(price)) => price.to_string(),
        Value::Price(None) => "no price".to_owned(),
        Value::Balance(atoms) => amount(state, subject, atoms),
        Value::Event(_) => "none yet".to_owned(),
    }
}

fn amount(state: &State, subject: &Subject, atoms: Atoms) -> String {
    match subject {
        Subject::Balance(_, asset, _) => format_amount(atoms, scale_of(state, *asset)),
        Subject::Price(_) | Subject::Event(_) => atoms.to_string(),
    }
}

fn scale_of(state: &State, asset: AssetIndex) -> u8 {
    state.assets.get(asset.at()).map_or(0, |asset| asset.scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_hold_by_value_and_only_of_their_own_kind() {
        let price = |text| Price::parse(text).expect("a price");
        let (two, less) = (Value::Price(Some(price("2"))), Value::Price(Some(price("1.999999999999999999999999"))));
        let cases = [
            (Test::Price(Comparison::AtLeast, price("2.0")), two, true),
            (Test::Price(Comparison::AtLeast, price("2.0")), less, false),
            (Test::Price(Comparison::AtMost, price("10")), two, true),
            (Test::Price(Comparison::Above, price("2")), two, false),
            (Test::Price(Comparison::Below, price("2")), less, true),
            (Test::Price(Comparison::Below, price("2")), Value::Price(None), false),
            (Test::Balance(Comparison::AtLeast, 5), Value::Balance(5), true),
            (Test::Balance(Comparison::Above, 5), Value::Balance(5), false),
            (Test::Balance(Comparison::Below, Atoms::MAX), Value::Balance(0), true),
            (Test::Balance(Comparison::AtMost, 4), Value::Balance(5), false),
            (Test::Event, Value::Event(true), true),
            (Test::Event, Value::Event(false), false),
            (Test::Event, two, false),
            (Test::Balance(Comparison::AtLeast, 0), Value::Event(true), false),
        ];
        for (test, value, expected) in cases {
            assert_eq!(test.holds(value), expected, "{test:?} of {value:?}");
        }
    }
}
