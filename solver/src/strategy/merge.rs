//! Several bundles made one: fills summed, each venue used once, by the difference of its flows.
//!
//! A pool that opposing flows leave with less to do keeps its rule: what it no longer takes as
//! fees goes to the fills.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, Bundle, Fill, VenueUse};
use clearlane_core::intent::Kind;
use clearlane_core::money::Atoms;
use clearlane_core::names::{DenominationIndex, IntentIndex, VenueIndex};
use clearlane_core::venue::{Direction, PerCoin};

/// What is left over of each denomination.
type Leftovers = BTreeMap<DenominationIndex, Atoms>;

/// What one venue takes and gives in all.
#[derive(Clone, Copy, Debug)]
struct Flow {
    amounts_in: PerCoin<Atoms>,
    amounts_out: PerCoin<Atoms>,
}

/// One bundle that does what all of them do; none if amounts overflow.
pub(crate) fn merged(input: &AuctionInput, bundles: &[Bundle]) -> Option<Bundle> {
    let mut fills: BTreeMap<(IntentIndex, u16), Fill> = BTreeMap::new();
    let mut flows: BTreeMap<VenueIndex, Flow> = BTreeMap::new();
    for bundle in bundles {
        for fill in &bundle.fills {
            let sum = fills.entry((fill.intent, fill.option)).or_insert(Fill { sold: 0, bought: 0, ..*fill });
            sum.sold = sum.sold.checked_add(fill.sold)?;
            sum.bought = sum.bought.checked_add(fill.bought)?;
        }
        for used in &bundle.uses {
            let coins = input.venues.get(used.venue.at())?.coins;
            let empty = Flow { amounts_in: coins.map(|_| 0), amounts_out: coins.map(|_| 0) };
            flows.entry(used.venue).or_insert(empty).add(used)?;
        }
    }
    let mut leftovers = Leftovers::new();
    let mut uses = Vec::with_capacity(flows.len());
    for (venue, flow) in flows {
        let coins = input.venues.get(venue.at())?.coins;
        uses.extend(flow.net(venue, coins, &mut leftovers)?);
    }
    let mut fills: Vec<Fill> = fills.into_values().collect();
    for (denomination, amount) in leftovers {
        give_away(input, &mut fills, denomination, amount);
    }
    Some(Bundle { fills, uses })
}

impl Flow {
    fn add(&mut self, used: &VenueUse) -> Option<()> {
        let amount_in = self.amounts_in.get_mut(used.direction.from)?;
        *amount_in = amount_in.checked_add(used.amount_in)?;
        let amount_out = self.amounts_out.get_mut(used.direction.into)?;
        *amount_out = amount_out.checked_add(used.amount_out)?;
        Some(())
    }

    /// The one use that is left, if any; a coin of which the venue would only gain is left over instead. None where
    /// one use can't do what is left.
    fn net(
        &self,
        venue: VenueIndex,
        coins: PerCoin<DenominationIndex>,
        leftovers: &mut Leftovers,
    ) -> Option<Option<VenueUse>> {
        let (mut put, mut drawn) = (Vec::new(), Vec::new());
        for (coin, (amount_in, amount_out)) in (0_u8..).zip(self.amounts_in.into_iter().zip(self.amounts_out)) {
            match amount_in.cmp(&amount_out) {
                Ordering::Greater => put.push((coin, amount_in.saturating_sub(amount_out))),
                Ordering::Less => drawn.push((coin, amount_out.saturating_sub(amount_in))),
                Ordering::Equal => {}
            }
        }
        match (&put[..], &drawn[..]) {
            (_, []) => {
                for (coin, amount) in put {
                    let left: &mut Atoms = leftovers.entry(coins.get(coin)?).or_default();
                    *left = left.checked_add(amount)?;
                }
                Some(None)
            }
            ([(from, amount_in)], [(into, amount_out)]) => {
                let direction = Direction { from: *from, into: *into };
                Some(Some(VenueUse { venue, direction, amount_in: *amount_in, amount_out: *amount_out }))
            }
            (_, _) => None,
        }
    }
}

/// Hands a leftover in equal parts to the fills whose open side it is.
fn give_away(input: &AuctionInput, fills: &mut [Fill], denomination: DenominationIndex, amount: Atoms) {
    let takes = |fill: &Fill| -> Option<Kind> {
        let intent = input.intents.get(fill.intent.at())?;
        let option = intent.options.get(usize::from(fill.option))?;
        (intent.surplus_denomination(option) == denomination).then_some(intent.kind)
    };
    let count = fills.iter().filter(|fill| takes(fill).is_some()).count();
    let mut left = amount;
    let mut takers = u128::try_from(count).unwrap_or(Atoms::MAX);
    for fill in fills.iter_mut() {
        let Some(kind) = takes(fill) else { continue };
        let share = left.checked_div(takers).unwrap_or(0);
        let taken = match kind {
            Kind::ExactIn => share,
            Kind::ExactOut => share.min(fill.sold.saturating_sub(1)),
        };
        match kind {
            Kind::ExactIn => fill.bought = fill.bought.saturating_add(taken),
            Kind::ExactOut => fill.sold = fill.sold.saturating_sub(taken),
        }
        left = left.saturating_sub(taken);
        takers = takers.saturating_sub(1);
    }
}
