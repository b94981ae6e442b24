//! An intent with what happened to it: what matters is kept, what repeats in every auction is not.

use std::collections::VecDeque;

use clearlane_core::event::{End, IntentChange, IntentEvent};
use clearlane_core::intent::Intent;
use clearlane_core::money::Atoms;
use clearlane_core::time::Timestamp;

/// The updates kept per intent besides its acceptance: some hundred partial fills with what led to them.
pub const INTENT_UPDATES_MAX: usize = 256;

/// An intent with its history.
#[derive(Clone, Debug)]
pub struct IntentView {
    /// As it was submitted.
    pub intent: Box<Intent>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Atoms that left the owner so far.
    pub sold: Atoms,
    /// Atoms that reached the payee so far.
    pub bought: Atoms,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// Its changes after the acceptance, oldest first: its fills and its end, and between two of them only the last
    /// offer and the last wait. Of more than [`INTENT_UPDATES_MAX`] the oldest are left out.
    pub updates: VecDeque<IntentEvent>,
}

impl IntentView {
    pub(super) fn new(intent: Box<Intent>, accepted_at: Timestamp) -> IntentView {
        IntentView { intent, accepted_at, sold: 0, bought: 0, end: None, updates: VecDeque::new() }
    }

    pub(super) fn note(&mut self, event: &IntentEvent) {
        match &event.change {
            IntentChange::Accepted(_) => return,
            IntentChange::Offered(_) | IntentChange::Waiting(_) => self.forget_last_like(&event.change),
            IntentChange::Filled(fill) => {
                self.sold = self.sold.saturating_add(fill.sold);
                self.bought = self.bought.saturating_add(fill.bought);
            }
            IntentChange::Ended(end) => self.end = Some(*end),
        }
        if self.updates.len() >= INTENT_UPDATES_MAX {
            self.updates.pop_front();
        }
        self.updates.push_back(event.clone());
    }

    /// Forgets the offer or wait since the last fill that a newer one replaces; there are at most one of each.
    fn forget_last_like(&mut self, change: &IntentChange) {
        let is_repeating =
            |event: &&IntentEvent| matches!(event.change, IntentChange::Offered(_) | IntentChange::Waiting(_));
        let kind = std::mem::discriminant(change);
        let repeating = self.updates.iter().rev().take_while(is_repeating);
        let like = repeating.map(|event| std::mem::discriminant(&event.change)).position(|found| found == kind);
        if let Some(at) = like.and_then(|back| self.updates.len().checked_sub(back + 1)) {
            self.updates.remove(at);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use clearlane_core::event::FillEvent;
    use clearlane_core::intent::{Choose, FillRule, Kind, Limits};
    use clearlane_core::names::{AuctionId, CommandId, PartyIndex};
    use clearlane_core::refusal::{Reason, Refusal};

    use super::*;

    pub(in crate::view) fn intent() -> Box<Intent> {
        Box::new(Intent {
            id: CommandId([1; 16]),
            kind: Kind::ExactIn,
            options: Vec::new(),
            fill: FillRule::AllOrNothing,
            choose: Choose::Split,
            payee: None,
            limits: Limits::default(),
            condition: None,
            valid_from: Timestamp(0),
            deadline: Timestamp(9),
            reference: String::new(),
            memo: Vec::new(),
        })
    }

    pub(in crate::view) fn event(time: u64, change: IntentChange) -> IntentEvent {
        IntentEvent { party: PartyIndex(0), id: CommandId([1; 16]), time: Timestamp(time), change }
    }

    #[test]
    fn offers_and_waits_never_push_out_fills_and_the_end() {
        let mut view = IntentView::new(intent(), Timestamp(1));
        let fill = FillEvent { auction: Some(AuctionId(1)), option: 0, sold: 5, bought: 7, surplus: 0, standing: None };
        view.note(&event(2, IntentChange::Filled(fill.clone())));
        for auction in 2..5_000 {
            view.note(&event(auction, IntentChange::Offered(AuctionId(auction))));
            let waiting = Refusal::new(Reason::InsufficientFunds, "options", "waits");
            view.note(&event(auction, IntentChange::Waiting(waiting)));
        }
        view.note(&event(5_000, IntentChange::Filled(fill)));
        view.note(&event(5_001, IntentChange::Offered(AuctionId(5_001))));
        view.note(&event(5_002, IntentChange::Ended(End::Expired)));
        let times: Vec<u64> = view.updates.iter().map(|update| update.time.0).collect();
        assert_eq!(times, [2, 4_999, 4_999, 5_000, 5_001, 5_002]);
        assert_eq!((view.sold, view.bought, view.end), (10, 14, Some(End::Expired)));
    }
}
