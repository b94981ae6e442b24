//! The auctions that solvers were told of last, and what changed from one to another: worked out once, when the first
//! solver asks, and never on the writer's thread.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use clearlane_core::auction::AuctionInput;
use clearlane_core::names::AuctionId;
use clearlane_proto::{auction, delta, wire};
use prost::Message as _;

/// The auctions whose inputs are kept: what a solver that connects again within the first seconds holds. A full input
/// takes tens of megabytes, and after that many auctions little of it is on offer any more.
pub const OFFERS_MAX: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub struct Offers(Mutex<VecDeque<Arc<Offer>>>);

/// An auction as solvers were told of it.
#[derive(Debug)]
struct Offer {
    input: Arc<AuctionInput>,
    /// The length of the whole input on the wire.
    bytes: OnceLock<usize>,
    /// By what it is told against, at most one for each auction that is kept.
    deltas: Mutex<BTreeMap<AuctionId, Slot>>,
}

/// A delta that whoever comes first works out; `None` if it is not shorter than the whole.
type Slot = Arc<OnceLock<Option<Arc<wire::AuctionDelta>>>>;

impl Offers {
    /// Keeps what solvers are told of an auction, in place of the oldest.
    pub fn keep(&self, input: Arc<AuctionInput>) {
        let mut kept = self.lock();
        kept.retain(|offer| offer.input.auction < input.auction);
        if kept.len() >= OFFERS_MAX {
            kept.pop_front();
        }
        kept.push_back(Arc::new(Offer { input, bytes: OnceLock::new(), deltas: Mutex::default() }));
    }

    /// What solvers were told of an auction, if it is kept.
    #[must_use]
    pub fn input(&self, auction: AuctionId) -> Option<Arc<AuctionInput>> {
        self.offer(auction).map(|offer| Arc::clone(&offer.input))
    }

    /// What a solver that holds `base` is told of `auction`; `None` if either is not kept, or the whole is shorter.
    ///
    /// Takes milliseconds for large auctions.
    #[must_use]
    pub fn delta(&self, base: AuctionId, auction: AuctionId) -> Option<Arc<wire::AuctionDelta>> {
        let (base, offer) = (self.input(base)?, self.offer(auction)?);
        if base.auction >= auction {
            return None;
        }
        let slot = {
            let mut deltas = offer.deltas.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(deltas.entry(base.auction).or_default())
        };
        slot.get_or_init(|| offer.shorter_than_whole(&base)).clone()
    }

    fn offer(&self, auction: AuctionId) -> Option<Arc<Offer>> {
        self.lock().iter().find(|offer| offer.input.auction == auction).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Offer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Offer {
    fn shorter_than_whole(&self, base: &AuctionInput) -> Option<Arc<wire::AuctionDelta>> {
        let whole = self.bytes.get_or_init(|| auction::input_to_wire(&self.input).encoded_len());
        let delta = delta::between(base, &self.input);
        (delta.encoded_len() < *whole).then(|| Arc::new(delta))
    }
}

#[cfg(test)]
mod tests {
    use clearlane_core::auction::{Denomination, RuleSet};
    use clearlane_core::hash::Hash;
    use clearlane_core::names::Name;
    use clearlane_core::time::Timestamp;

    use super::*;

    fn input(auction: u64, coins: usize) -> Arc<AuctionInput> {
        let name = |text: &str| Name::new(text).expect("a name");
        let coin = |at| Denomination { asset: name(&format!("A{at}")), module: name("bank"), scale: 2, price: None };
        Arc::new(AuctionInput {
            auction: AuctionId(auction),
            rules: RuleSet::Plain,
            opened_at: Timestamp(auction),
            close_at: Timestamp(auction + 1),
            settle_by: Timestamp(auction + 2),
            seed: Hash([1; 32]),
            surplus_cap_ppm: 0,
            denominations: (0..coins).map(coin).collect(),
            reserves: Vec::new(),
            intents: Vec::new(),
            venues: Vec::new(),
            facts: Vec::new(),
        })
    }

    #[test]
    fn the_last_auctions_are_kept_and_told_against_each_other() {
        let offers = Offers::default();
        let id = AuctionId;
        for auction in 1..=10 {
            offers.keep(input(auction, 20));
        }
        assert!(offers.input(id(2)).is_none() && offers.input(id(3)).is_some());
        assert!(offers.delta(id(2), id(10)).is_none(), "too old");
        let (delta, again) = (offers.delta(id(3), id(10)), offers.delta(id(3), id(10)));
        let delta = delta.expect("shorter");
        assert!(Arc::ptr_eq(&delta, &again.expect("kept")), "worked out once");
        let held = offers.input(id(3)).expect("kept");
        assert_eq!(delta::applied(&held, &delta), Ok((*input(10, 20)).clone()));
        assert!(offers.delta(id(10), id(3)).is_none(), "never backwards");
        offers.keep(input(11, 1));
        assert!(offers.delta(id(10), id(11)).is_none(), "the whole is shorter than what changed");
    }
}
