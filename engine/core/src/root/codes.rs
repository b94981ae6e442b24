//! Numbers for what enumerations mean in a hash: they never change, whatever the names do.

use crate::auction::RuleSet;
use crate::book::WaitsFor;
use crate::command::Role;
use crate::condition::Comparison;
use crate::intent::{Choose, Kind};

pub(super) fn rules_code(rules: RuleSet) -> u8 {
    match rules {
        RuleSet::Plain => 0,
        RuleSet::Floor => 1,
        RuleSet::Gpv1 => 2,
        RuleSet::Cow => 3,
    }
}

pub(super) fn role_code(role: Role) -> u8 {
    match role {
        Role::Party => 0,
        Role::Solver => 1,
        Role::Gateway => 2,
        Role::Oracle => 3,
        Role::Admin => 4,
    }
}

pub(super) fn kind_code(kind: Kind) -> u8 {
    match kind {
        Kind::ExactIn => 0,
        Kind::ExactOut => 1,
    }
}

pub(super) fn choose_code(choose: Choose) -> u8 {
    match choose {
        Choose::Split => 0,
        Choose::One => 1,
    }
}

pub(super) fn waits_code(waits_for: Option<WaitsFor>) -> u8 {
    match waits_for {
        None => 0,
        Some(WaitsFor::Funds) => 1,
        Some(WaitsFor::Condition) => 2,
    }
}

pub(super) fn comparison_code(comparison: Comparison) -> u8 {
    match comparison {
        Comparison::AtLeast => 0,
        Comparison::AtMost => 1,
        Comparison::Above => 2,
        Comparison::Below => 3,
    }
}
