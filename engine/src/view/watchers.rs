//! Who hears of changes as they happen; each is let go when it leaves, when it is slow, or when its intent has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clearlane_core::book::IntentKey;
use clearlane_core::event::{IntentChange, IntentEvent};
use clearlane_core::names::PartyIndex;
use tokio::sync::mpsc;

/// The updates a watcher may lag behind before it is cut off: those of one full envelope come at once.
pub const WATCHER_QUEUE_MAX: usize = 10_240;
/// The most watchers at a time: every change looks at each of them.
pub const WATCHERS_MAX: usize = 1_024;

/// What a watcher receives.
#[derive(Debug)]
pub struct Watch {
    /// The changes; it ends after the end of the only intent that is watched.
    pub changes: mpsc::Receiver<Arc<IntentEvent>>,
    /// Whether it was cut off because it was too slow.
    pub has_lagged: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Watcher {
    party: PartyIndex,
    only: Option<IntentKey>,
    sender: mpsc::Sender<Arc<IntentEvent>>,
    has_lagged: Arc<AtomicBool>,
}

/// Everybody who watches.
#[derive(Debug, Default)]
pub(super) struct Watchers(Vec<Watcher>);

impl Watchers {
    pub(super) fn add(&mut self, party: PartyIndex, only: Option<IntentKey>) -> Option<Watch> {
        self.0.retain(|watcher| !watcher.sender.is_closed());
        if self.0.len() >= WATCHERS_MAX {
            return None;
        }
        let (sender, changes) = mpsc::channel(WATCHER_QUEUE_MAX);
        let has_lagged = Arc::new(AtomicBool::new(false));
        self.0.push(Watcher { party, only, sender, has_lagged: Arc::clone(&has_lagged) });
        Some(Watch { changes, has_lagged })
    }

    pub(super) fn publish(&mut self, key: IntentKey, event: &IntentEvent) {
        let mut shared = None;
        self.0.retain(|watcher| {
            let is_meant = watcher.party == key.party && watcher.only.is_none_or(|only| only == key);
            if !is_meant {
                return true;
            }
            let event = shared.get_or_insert_with(|| Arc::new(event.clone()));
            let is_told = watcher.sender.try_send(Arc::clone(event)).is_ok();
            if !is_told {
                // Before the sender is dropped, so that whoever finds the end also finds the reason.
                watcher.has_lagged.store(!watcher.sender.is_closed(), Ordering::Release);
            }
            let is_last = watcher.only.is_some() && matches!(event.change, IntentChange::Ended(_));
            is_told && !is_last
        });
    }
}

#[cfg(test)]
mod tests {
    use clearlane_core::event::End;
    use clearlane_core::names::AuctionId;

    use super::super::history::tests::event;
    use super::*;

    fn key() -> IntentKey {
        let event = event(0, IntentChange::Ended(End::Settled));
        IntentKey { party: event.party, id: event.id }
    }

    #[test]
    fn a_watcher_of_an_ended_intent_is_let_go() {
        let mut watchers = Watchers::default();
        for _ in 0..2 * WATCHERS_MAX {
            let mut watch = watchers.add(PartyIndex(0), Some(key())).expect("room");
            watchers.publish(key(), &event(1, IntentChange::Ended(End::Settled)));
            assert!(watch.changes.try_recv().is_ok());
            assert!(watch.changes.is_closed() && !watch.has_lagged.load(Ordering::Acquire));
        }
        let kept: Vec<Watch> = (0..WATCHERS_MAX).map(|_| watchers.add(PartyIndex(0), None).expect("room")).collect();
        assert!(watchers.add(PartyIndex(0), None).is_none());
        drop(kept);
        assert!(watchers.add(PartyIndex(0), None).is_some(), "those who left make room");
    }

    #[test]
    fn a_slow_watcher_is_cut_off_and_knows_why() {
        let mut watchers = Watchers::default();
        let watch = watchers.add(PartyIndex(0), None).expect("room");
        for auction in 0..=WATCHER_QUEUE_MAX as u64 {
            watchers.publish(key(), &event(auction, IntentChange::Offered(AuctionId(auction))));
        }
        assert!(watch.has_lagged.load(Ordering::Acquire));
        assert_eq!(watchers.0.len(), 0);
    }
}
