//! Several bundles made one: fills summed, each venue used once, by the difference of its flows.
//!
//! A pool that opposing flows leave with less to do keeps its rule: what it no longer takes as
//! fees goes to the fills.

use std::collections::BTreeMap;

use clearlane_core::auction::{AuctionInput, Bundle, Fill, VenueUse};
use clearlane_core::intent::Kind;
use clearlane_core::money::Atoms;
use clearlane_core::names::{DenominationIndex, IntentIndex, VenueIndex};
use clearlane_core::venue::Direction;

/// What is left over of each denomination.
type Leftovers = BTreeMap<DenominationIndex, Atoms>;

/// What one venue takes and gives in all.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    amounts_in: [Atoms; 2],
    amounts_out: [Atoms; 2],
}

/// One bundle that does what all of them do; none if amounts overflow.
pub(super) fn merged(input: &AuctionInput, bundles: &[Bundle]) -> Option<Bundle> {
    let mut fills: BTreeMap<(IntentIndex, u16), Fill> = BTreeMap::new();
    let mut flows: BTreeMap<VenueIndex, Flow> = BTreeMap::new();
    for bundle in bundles {
        for fill in &bundle.fills {
            let sum = fills.entry((fill.intent, fill.option)).or_insert(Fill { sold: 0, bought: 0, ..*fill });
            sum.sold = sum.sold.checked_add(fill.sold)?;
            sum.bought = sum.bought.checked_add(fill.bought)?;
        }
        for used in &bundle.uses {
            flows.entry(used.venue).or_default().add(used)?;
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
        let ([in_first, in_second], [out_first, out_second]) = (&mut self.amounts_in, &mut self.amounts_out);
        let (amount_in, amount_out) = match used.direction {
            Direction::Forward => (in_first, out_second),
            Direction::Backward => (in_second, out_first),
        };
        *amount_in = amount_in.checked_add(used.amount_in)?;
        *amount_out = amount_out.checked_add(used.amount_out)?;
        Some(())
    }

    /// The one use that is left, if any; a coin of which the venue would only gain is left over instead.
    fn net(
        &self,
        venue: VenueIndex,
        coins: [DenominationIndex; 2],
        leftovers: &mut Leftovers,
    ) -> Option<Option<VenueUse>> {
        let ([in_first, in_second], [out_first, out_second]) = (self.amounts_in, self.amounts_out);
        let use_of = |direction, amount_in, amount_out| Some(VenueUse { venue, direction, amount_in, amount_out });
        if out_second > in_second {
            let amount_in = in_first.checked_sub(out_first)?;
            return Some(use_of(Direction::Forward, amount_in, out_second - in_second));
        }
        if out_first > in_first {
            return Some(use_of(Direction::Backward, in_second - out_second, out_first - in_first));
        }
        for (coin, amount) in coins.into_iter().zip([in_first - out_first, in_second - out_second]) {
            let left: &mut Atoms = leftovers.entry(coin).or_default();
            *left = left.checked_add(amount)?;
        }
        Some(None)
    }
}

/// Hands a leftover in equal parts to the fills whose open side it is.
fn give_away(input: &AuctionInput, fills: &mut [Fill], denomination: DenominationIndex, amount: Atoms) {
    let takes = |fill: &Fill| -> Option<Kind> {
        let intent = input.intents.get(fill.intent.at())?;
        let option = intent.options.get(usize::from(fill.option))?;
        let open = match intent.kind {
            Kind::ExactIn => option.get,
            Kind::ExactOut => option.give,
        };
        (open == denomination).then_some(intent.kind)
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
