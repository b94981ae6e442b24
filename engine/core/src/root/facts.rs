//! What conditions and the facts they read add to hashes.

use std::collections::BTreeSet;

use super::add_price;
use super::codes::comparison_code;
use crate::fact::{Clause, Fact, FrozenClause, Subject, Test, Value};
use crate::hash::Hasher;
use crate::names::Name;

pub(super) fn add_events(hasher: &mut Hasher, events: &BTreeSet<Name>) {
    hasher.count(events.len());
    for event in events {
        hasher.bytes(event.as_str().as_bytes());
    }
}

pub(super) fn add_clauses(hasher: &mut Hasher, clauses: &[Clause]) {
    hasher.count(clauses.len());
    for clause in clauses {
        add_subject(hasher, &clause.subject);
        add_test(hasher, clause.test);
    }
}

pub(super) fn add_facts(hasher: &mut Hasher, facts: &[Fact]) {
    hasher.count(facts.len());
    for fact in facts {
        hasher.bytes(fact.name.as_bytes());
        match fact.value {
            Value::Price(price) => add_price(hasher.byte(0), price),
            Value::Balance(atoms) => {
                hasher.byte(1).atoms(atoms);
            }
            Value::Event(is_attested) => {
                hasher.byte(2).byte(u8::from(is_attested));
            }
        }
    }
}

pub(super) fn add_frozen(hasher: &mut Hasher, clauses: &[FrozenClause]) {
    hasher.count(clauses.len());
    for clause in clauses {
        hasher.number(u64::from(clause.fact.0));
        add_test(hasher, clause.test);
    }
}

fn add_subject(hasher: &mut Hasher, subject: &Subject) {
    match subject {
        Subject::Price(asset) => hasher.byte(0).number(u64::from(asset.0)),
        Subject::Balance(party, asset, module) => {
            hasher.byte(1).number(u64::from(party.0)).number(u64::from(asset.0));
            hasher.number(module.map_or(u64::MAX, |module| u64::from(module.0)))
        }
        Subject::Event(name) => hasher.byte(2).bytes(name.as_str().as_bytes()),
    };
}

fn add_test(hasher: &mut Hasher, test: Test) {
    match test {
        Test::Price(comparison, bound) => add_price(hasher.byte(0).byte(comparison_code(comparison)), Some(bound)),
        Test::Balance(comparison, bound) => {
            hasher.byte(1).byte(comparison_code(comparison)).atoms(bound);
        }
        Test::Event => {
            hasher.byte(2);
        }
    }
}
