//! Posts what clearing decided. Every amount was verified before; a failure here halts the engine.
//!
//! The postings of all bundles are laid out in order, then posted with one writer for each part of the accounts.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::void_auction::{end_if_cancelled, release};
use super::{Context, SettleAuction};
use crate::auction::{Clearing, Executed, Fill, Receipts, VenueUse, clear};
use crate::breakage::Breakage;
use crate::event::{Cause, End, Event, FillEvent, IntentChange, IntentEvent, Outcome, Posting};
use crate::lanes::Executor;
use crate::ledger::{AccountKey, Owner};
use crate::money::Atoms;
use crate::names::{AccountIndex, AssetIndex, DenominationIndex, ModuleIndex, VenueIndex};
use crate::pending::{Offered, PendingAuction};
use crate::state::State;
use crate::venue::VenueState;

pub(super) fn apply(
    state: &mut State,
    context: &Context<'_>,
    settle: SettleAuction,
    outcome: &mut Outcome,
) -> Result<(), Breakage> {
    let Some(pending) = state.auction.take_if(|pending| pending.input.auction == settle.auction) else {
        // The auction was voided by the time that passed.
        return Ok(());
    };
    if pending.is_open {
        return Err(Breakage::WrongAuction(settle.auction));
    }
    let clearing = decided(context, &pending, settle)?;
    release(state, &pending)?;
    let receipts = Receipts::new(&pending.input, &clearing);
    let mut posting = Settlement::new(state, &pending, receipts, outcome);
    for executed in &clearing.executed {
        posting.post_bundle(executed)?;
    }
    posting.post_all(context.executor)?;
    posting.settle_venues()?;
    for offered in &pending.intents {
        end_if_cancelled(state, offered.key, outcome);
    }
    outcome.events.push(Event::AuctionSettled(clearing));
    Ok(())
}

/// The clearing handed in if it is the recorded one, else computed anew and compared.
fn decided(context: &Context<'_>, pending: &PendingAuction, settle: SettleAuction) -> Result<Arc<Clearing>, Breakage> {
    let handed_in = context.clearing.as_ref().filter(|clearing| clearing.digest == settle.digest);
    if let Some(clearing) = handed_in.filter(|clearing| clearing.auction == settle.auction) {
        return Ok(Arc::clone(clearing));
    }
    let computed = clear(&pending.input, &pending.solutions, context.executor);
    if computed.digest != settle.digest {
        return Err(Breakage::ClearingDiffers { recorded: settle.digest, computed: computed.digest });
    }
    Ok(Arc::new(computed))
}

struct Settlement<'a> {
    state: &'a mut State,
    pending: &'a PendingAuction,
    receipts: Receipts<'a>,
    outcome: &'a mut Outcome,
    venues: Vec<Option<VenueState>>,
    postings: Vec<Posting>,
}

impl<'a> Settlement<'a> {
    fn new(
        state: &'a mut State,
        pending: &'a PendingAuction,
        receipts: Receipts<'a>,
        outcome: &'a mut Outcome,
    ) -> Settlement<'a> {
        let venues = vec![None; pending.venues.len()];
        Settlement { state, pending, receipts, outcome, venues, postings: Vec::new() }
    }

    /// Everything that leaves goes through the transit accounts, and what is left there is the remainder.
    fn post_bundle(&mut self, executed: &Executed) -> Result<(), Breakage> {
        let mut transit: BTreeMap<DenominationIndex, (Atoms, Atoms)> = BTreeMap::new();
        let mut count = |coin, arrives: Atoms, leaves: Atoms| {
            let (arrived, left) = transit.entry(coin).or_default();
            (*arrived, *left) = (arrived.saturating_add(arrives), left.saturating_add(leaves));
        };
        for fill in &executed.bundle.fills {
            count(self.take_from_owner(fill)?, fill.sold, 0);
        }
        for use_ in &executed.bundle.uses {
            let (_, out) = self.coins(use_)?;
            count(out, use_.amount_out, 0);
            let stock = self.inventory(use_.venue, out)?;
            self.collect(stock, out, use_.amount_out, self.cause())?;
        }
        for use_ in &executed.bundle.uses {
            let (input, _) = self.coins(use_)?;
            count(input, 0, use_.amount_in);
            let stock = self.inventory(use_.venue, input)?;
            self.hand_out(stock, input, use_.amount_in, self.cause())?;
            self.advance(use_)?;
        }
        for fill in &executed.bundle.fills {
            count(self.give_to_payee(fill)?, 0, fill.bought);
        }
        transit.into_iter().try_for_each(|(coin, (arrived, left))| self.post_remainder(coin, arrived, left))
    }

    /// Posts what the bundles laid out.
    fn post_all(&mut self, executor: &dyn Executor) -> Result<(), Breakage> {
        let postings = std::mem::take(&mut self.postings);
        self.state.ledger.post_all(&postings, executor)
    }

    fn take_from_owner(&mut self, fill: &Fill) -> Result<DenominationIndex, Breakage> {
        let broken = Breakage::Settlement(self.pending.input.auction);
        let intent = self.pending.input.intents.get(fill.intent.at());
        let option = intent.and_then(|intent| intent.options.get(usize::from(fill.option)));
        let (Some(option), Some(offered)) = (option, self.pending.intents.get(fill.intent.at())) else {
            return Err(broken);
        };
        let account = *self.pending.reserves.get(option.reserve.at()).ok_or(broken)?;
        let cause = Cause::Fill(self.pending.input.auction, offered.key.party, offered.key.id);
        self.collect(account, option.give, fill.sold, cause)?;
        Ok(option.give)
    }

    fn give_to_payee(&mut self, fill: &Fill) -> Result<DenominationIndex, Breakage> {
        let broken = Breakage::Settlement(self.pending.input.auction);
        let intent = self.pending.input.intents.get(fill.intent.at());
        let option = intent.and_then(|intent| intent.options.get(usize::from(fill.option)));
        let (Some(option), Some(offered)) = (option, self.pending.intents.get(fill.intent.at())) else {
            return Err(broken);
        };
        let offered = offered.clone();
        let account = self.account(Owner::Party(offered.payee), option.get)?;
        let cause = Cause::Fill(self.pending.input.auction, offered.key.party, offered.key.id);
        self.hand_out(account, option.get, fill.bought, cause)?;
        self.mark_filled(fill, &offered)?;
        Ok(option.get)
    }

    fn mark_filled(&mut self, fill: &Fill, offered: &Offered) -> Result<(), Breakage> {
        let auction = self.pending.input.auction;
        let broken = Breakage::Settlement(auction);
        let number = *offered.options.get(usize::from(fill.option)).ok_or(broken.clone())?;
        let intent = self.pending.input.intents.get(fill.intent.at()).ok_or(broken.clone())?;
        let booked = self.state.book.get_mut(offered.key).ok_or(broken.clone())?;
        let option = booked.options.get_mut(usize::from(number)).ok_or(broken.clone())?;
        let fixed = intent.fixed_of(fill.sold, fill.bought);
        option.filled = option.filled.checked_add(fixed).filter(|sum| *sum <= option.maximum).ok_or(broken)?;
        if booked.choose == crate::intent::Choose::One {
            booked.chosen = Some(number);
        }
        let is_complete = booked.is_complete();
        let (surplus, standing) = (self.receipts.score(fill), self.receipts.standing(fill).map(Box::new));
        let (sold, bought) = (fill.sold, fill.bought);
        let filled = FillEvent { auction: Some(auction), option: number, sold, bought, surplus, standing };
        self.tell(offered, IntentChange::Filled(filled));
        if is_complete {
            self.state.book.remove(offered.key);
            self.tell(offered, IntentChange::Ended(End::Settled));
        }
        Ok(())
    }

    /// Carries the venue's state along, so that its rule is checked once more on the way.
    fn advance(&mut self, use_: &VenueUse) -> Result<(), Breakage> {
        let broken = Breakage::Settlement(self.pending.input.auction);
        let venue = self.pending.input.venues.get(use_.venue.at()).ok_or(broken.clone())?;
        let slot = self.venues.get_mut(use_.venue.at()).ok_or(broken.clone())?;
        let before = slot.unwrap_or(venue.opening);
        let after = venue.terms.take(&before, use_.direction, use_.amount_in, use_.amount_out);
        *slot = Some(after.map_err(|_| broken)?);
        Ok(())
    }

    /// Moves what pools earned to their fee accounts and keeps what ladders have left.
    fn settle_venues(&mut self) -> Result<(), Breakage> {
        let venues = std::mem::take(&mut self.venues);
        for (at, after) in venues.into_iter().enumerate() {
            let (Some(after), Some(venue)) = (after, self.pending.input.venues.get(at)) else { continue };
            let (terms, reserves) = venue.terms.settle(&after);
            let coins = venue.coins;
            let index = VenueIndex::from_at(at);
            for (coin, reserve) in coins.into_iter().zip(reserves.into_iter().flatten()) {
                let stock = self.inventory(index, coin)?;
                let broken = Breakage::Settlement(self.pending.input.auction);
                let fee = self.state.ledger.free(stock).checked_sub(reserve).ok_or(broken)?;
                let fees = self.venue_owner(index).map(Owner::Fees)?;
                let fees = self.account(fees, coin)?;
                self.post(stock, fees, fee, self.cause())?;
            }
            let row = self.venue_owner(index)?;
            if let Some(row) = self.state.venues.get_mut(row.at()) {
                row.terms = terms;
            }
        }
        Ok(())
    }

    fn post_remainder(&mut self, coin: DenominationIndex, arrived: Atoms, left: Atoms) -> Result<(), Breakage> {
        let broken = Breakage::Settlement(self.pending.input.auction);
        let rest = arrived.checked_sub(left).ok_or(broken)?;
        let transit = self.account(Owner::Transit, coin)?;
        let residual = self.account(Owner::Residual, coin)?;
        self.lay_out(transit, residual, rest, self.cause());
        Ok(())
    }

    fn collect(
        &mut self,
        from: AccountIndex,
        coin: DenominationIndex,
        amount: Atoms,
        cause: Cause,
    ) -> Result<(), Breakage> {
        let transit = self.account(Owner::Transit, coin)?;
        self.lay_out(from, transit, amount, cause);
        Ok(())
    }

    fn hand_out(
        &mut self,
        to: AccountIndex,
        coin: DenominationIndex,
        amount: Atoms,
        cause: Cause,
    ) -> Result<(), Breakage> {
        let transit = self.account(Owner::Transit, coin)?;
        self.lay_out(transit, to, amount, cause);
        Ok(())
    }

    /// A posting that is made with those of all other bundles.
    fn lay_out(&mut self, debit: AccountIndex, credit: AccountIndex, amount: Atoms, cause: Cause) {
        if amount > 0 {
            let posting = Posting { debit, credit, amount, cause };
            self.outcome.events.push(Event::Posted(posting));
            self.postings.push(posting);
        }
    }

    fn post(&mut self, debit: AccountIndex, credit: AccountIndex, amount: Atoms, cause: Cause) -> Result<(), Breakage> {
        if amount > 0 {
            let posting = self.state.ledger.post(debit, credit, amount, cause)?;
            self.outcome.events.push(Event::Posted(posting));
        }
        Ok(())
    }

    fn cause(&self) -> Cause {
        Cause::Auction(self.pending.input.auction)
    }

    fn coins(&self, use_: &VenueUse) -> Result<(DenominationIndex, DenominationIndex), Breakage> {
        let venue = self.pending.input.venues.get(use_.venue.at());
        let sides = venue.and_then(|venue| venue.sides(use_.direction));
        sides.ok_or(Breakage::Settlement(self.pending.input.auction))
    }

    fn venue_owner(&self, venue: VenueIndex) -> Result<VenueIndex, Breakage> {
        self.pending.venues.get(venue.at()).copied().ok_or(Breakage::Settlement(self.pending.input.auction))
    }

    fn inventory(&mut self, venue: VenueIndex, coin: DenominationIndex) -> Result<AccountIndex, Breakage> {
        let owner = self.venue_owner(venue)?;
        self.account(Owner::Inventory(owner), coin)
    }

    fn account(&mut self, owner: Owner, coin: DenominationIndex) -> Result<AccountIndex, Breakage> {
        let found: Option<&(AssetIndex, ModuleIndex)> = self.pending.denominations.get(coin.at());
        let (asset, module) = *found.ok_or(Breakage::Settlement(self.pending.input.auction))?;
        Ok(self.state.ledger.open(AccountKey { owner, asset, module }))
    }

    fn tell(&mut self, offered: &Offered, change: IntentChange) {
        let (party, id, time) = (offered.key.party, offered.key.id, self.state.clock);
        self.outcome.events.push(Event::Intent(IntentEvent { party, id, time, change }));
    }
}
