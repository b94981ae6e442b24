//! The configuration that decisions depend on; it is part of the log, and files only seed it.

use crate::auction::RuleSet;
use crate::names::Name;
use crate::time::Span;

/// What the core's decisions depend on besides records; logged at genesis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The cell's name.
    pub cell: Name,
    /// The asset in which scores are counted.
    pub reference_asset: Name,
    /// How solutions are judged.
    pub rules: RuleSet,
    /// How far above the reference price surplus still counts, in parts per million.
    pub surplus_cap_ppm: u32,
    /// How long ids are remembered.
    pub id_window: Span,
    /// How far ahead of the record's time an id's time may lie.
    pub id_ahead: Span,
    /// The most remembered ids; at the limit new work is refused.
    pub ids_max: u32,
    /// The most open intents.
    pub intents_max: u32,
    /// The most intents offered in one auction.
    pub auction_intents_max: u32,
}

impl Config {
    /// The defaults for a cell of this name, scoring in this asset.
    #[must_use]
    pub fn new(cell: Name, reference_asset: Name) -> Config {
        Config {
            cell,
            reference_asset,
            rules: RuleSet::Floor,
            surplus_cap_ppm: 10_000,
            id_window: Span::seconds(24 * 60 * 60),
            id_ahead: Span::seconds(5 * 60),
            ids_max: 10_000_000,
            intents_max: 1_000_000,
            auction_intents_max: 5_000,
        }
    }

    /// What was expected of the first value that can't work.
    ///
    /// # Errors
    ///
    /// Says the expectation, with the field's name.
    pub fn check(&self) -> Result<(), &'static str> {
        let rules = [
            (self.surplus_cap_ppm <= 1_000_000, "a surplus_cap_ppm of at most 1000000"),
            (self.ids_max > 0, "an ids_max of at least 1"),
            (self.intents_max > 0, "an intents_max of at least 1"),
            (self.auction_intents_max > 0, "an auction_intents_max of at least 1"),
            (self.id_window > self.id_ahead, "an id_window longer than id_ahead"),
        ];
        rules.iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, expected)| Err(*expected))
    }
}
