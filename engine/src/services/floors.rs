//! The floors of a party's intents in the auction that takes solutions, which users are shown as solvers are.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, AuctionIntent, FloorTerms};
use clearlane_core::names::CommandId;
use clearlane_proto::{events, wire};

/// The floors of one party's intents on offer.
#[derive(Debug, Default)]
pub(super) struct OpenFloors {
    auction: u64,
    by_intent: BTreeMap<CommandId, Option<FloorTerms>>,
}

impl OpenFloors {
    /// Those in the auction as it was published, if one is.
    pub(super) fn of(published: Option<&AuctionInput>, party: &str) -> OpenFloors {
        let Some(input) = published else { return OpenFloors::default() };
        let own = input.intents.iter().filter(|intent| intent.party.as_str() == party);
        OpenFloors { auction: input.auction.0, by_intent: own.map(|intent| (intent.id, own_terms(intent))).collect() }
    }

    /// The floor of one intent; `None` if it is not on offer.
    pub(super) fn to_wire(&self, intent: CommandId) -> Option<wire::OpenFloor> {
        let terms = self.by_intent.get(&intent)?.as_ref().map(events::floor_to_wire);
        Some(wire::OpenFloor { auction: self.auction, terms })
    }
}

/// The floor through the intent's own option, of which the auction may have several, one an account.
fn own_terms(intent: &AuctionIntent) -> Option<FloorTerms> {
    let floor = intent.floor?;
    let option = intent.options.get(usize::from(floor.option))?.number;
    Some(FloorTerms { option, ..floor })
}
