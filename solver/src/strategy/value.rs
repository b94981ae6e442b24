//! What fills are worth, in floats: good enough to choose between proposals, never to judge them.

use std::cmp::Ordering;

use clearlane_core::auction::{AuctionInput, AuctionIntent, AuctionOption, Denomination, Fill, RuleSet};
use clearlane_core::intent::Kind;
use clearlane_core::money::Atoms;
use clearlane_core::names::DenominationIndex;
use clearlane_core::wide::U512;

/// The value of one atom of each denomination in the reference asset.
#[derive(Clone, Debug)]
pub(super) struct Values {
    atoms: Vec<Option<f64>>,
    /// Atoms got per atom given at the limit of each option, as its owner set it.
    limits: Vec<Vec<f64>>,
    rules: RuleSet,
    cap: f64,
}

/// What a fill is worth; compared by what counts, then by all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Worth {
    /// The surplus that counts.
    pub(super) counted: f64,
    /// All surplus over the limit.
    pub(super) surplus: f64,
}

impl Worth {
    pub(super) fn compare(&self, other: &Worth) -> Ordering {
        self.counted.total_cmp(&other.counted).then(self.surplus.total_cmp(&other.surplus))
    }
}

impl Values {
    pub(super) fn of(input: &AuctionInput) -> Values {
        let denominations = input.denominations.iter();
        Values {
            atoms: denominations.map(atom_value).collect(),
            limits: input.intents.iter().map(|intent| intent.options.iter().map(limit).collect()).collect(),
            rules: input.rules,
            cap: f64::from(input.surplus_cap_ppm) / 1e6,
        }
    }

    /// Atoms of `second` that one atom of `first` is worth, if both have a price.
    pub(super) fn ratio(&self, first: DenominationIndex, second: DenominationIndex) -> Option<f64> {
        Some(self.atom(first)? / self.atom(second)?)
    }

    /// Atoms of `get` per atom of `give` up to which surplus counts; zero without prices and a floor.
    pub(super) fn reference(&self, intent: &AuctionIntent, option_at: usize) -> f64 {
        let ratio = self.rate(intent, option_at).unwrap_or(0.0);
        match intent.kind {
            Kind::ExactIn => ratio * (1.0 + self.cap),
            Kind::ExactOut => ratio / (1.0 - self.cap).max(f64::MIN_POSITIVE),
        }
    }

    /// The counted surplus of a fill, by the objective of `auction-instance/1`.
    pub(super) fn counted(&self, input: &AuctionInput, fill: &Fill) -> f64 {
        self.worth(input, fill).counted
    }

    /// What a fill is worth to its owner.
    pub(super) fn worth(&self, input: &AuctionInput, fill: &Fill) -> Worth {
        let intent = input.intents.get(fill.intent.at());
        let option = intent.and_then(|intent| intent.options.get(usize::from(fill.option)));
        let (Some(intent), Some(option)) = (intent, option) else { return Worth::default() };
        let (sold, bought) = (float(fill.sold), float(fill.bought));
        let rate = self.rate(intent, usize::from(fill.option));
        let limit_price = self.limit(fill);
        let (surplus_asset, surplus, capped) = match intent.kind {
            Kind::ExactIn => {
                let limit = sold * limit_price;
                let reference = rate.map(|rate| sold * rate * (1.0 + self.cap));
                (option.get, bought - limit, reference.map(|most| most - limit))
            }
            Kind::ExactOut => {
                let limit = bought / limit_price;
                let reference = rate.map(|rate| bought / rate * (1.0 - self.cap));
                (option.give, limit - sold, reference.map(|least| limit - least))
            }
        };
        let counted = surplus.min(capped.unwrap_or(0.0).max(0.0));
        let atom = self.atom(surplus_asset).unwrap_or(0.0);
        Worth { counted: counted * atom, surplus: surplus * atom }
    }

    fn limit(&self, fill: &Fill) -> f64 {
        let options = self.limits.get(fill.intent.at());
        options.and_then(|options| options.get(usize::from(fill.option))).copied().unwrap_or(0.0)
    }

    /// Atoms got per atom given that a fill is measured against: by reference prices, and under the floor rules by the
    /// floor where that is better.
    fn rate(&self, intent: &AuctionIntent, option_at: usize) -> Option<f64> {
        let option = intent.options.get(option_at)?;
        let reference = self.ratio(option.give, option.get);
        let floor = intent.floor.filter(|floor| self.rules == RuleSet::Floor && usize::from(floor.option) == option_at);
        let floor = floor.map(|floor| float(floor.bought) / float(floor.sold));
        reference.into_iter().chain(floor).max_by(f64::total_cmp)
    }

    fn atom(&self, denomination: DenominationIndex) -> Option<f64> {
        self.atoms.get(denomination.at()).copied().flatten()
    }
}

fn limit(option: &AuctionOption) -> f64 {
    float(option.get_amount) / float(option.give_amount)
}

/// What one atom of a denomination is worth in the reference asset; `None` without a price.
pub(super) fn atom_value(denomination: &Denomination) -> Option<f64> {
    let price = denomination.price?;
    Some(float(price.mantissa()) / 10.0_f64.powi(i32::from(price.places()) + i32::from(denomination.scale)))
}

/// The nearest float, from the leading 64 bits.
#[expect(clippy::cast_precision_loss, reason = "floats only choose between proposals")]
pub(super) fn wide_float(wide: U512) -> f64 {
    let shift = wide.bit_len().saturating_sub(64);
    let leading: u64 = (wide >> shift).saturating_to();
    leading as f64 * 2.0_f64.powi(i32::try_from(shift).unwrap_or(i32::MAX))
}

/// The whole atoms of a float, rounded down; it saturates, and nothing is zero.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is checked exactly later")]
pub(super) fn atoms(amount: f64) -> Atoms {
    amount as Atoms
}

/// An amount as the nearest float.
#[expect(clippy::cast_precision_loss, reason = "floats only choose between proposals")]
pub(crate) fn float(atoms: Atoms) -> f64 {
    atoms as f64
}
