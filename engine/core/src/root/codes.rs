//! Numbers for what enumerations mean in a hash: they never change, whatever the names do.

use crate::auction::RuleSet;
use crate::command::Role;
use crate::intent::{Choose, Kind};

pub(super) fn rules_code(rules: RuleSet) -> u8 {
    match rules {
        RuleSet::Plain => 0,
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
