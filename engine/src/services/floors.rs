//! The floors of a party's intents in the auction that takes solutions, which users are shown as solvers are.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use clearlane_core::auction::{AuctionInput, AuctionIntent, FloorTerms};
use clearlane_core::names::CommandId;
use clearlane_core::time::Timestamp;
use clearlane_proto::wire::intent_update::Change;
use clearlane_proto::{events, wire};
use tokio::sync::{broadcast, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;

use crate::sequencer::Notice;

/// The auction that takes solutions, with its floors, if they are known; readers see the latest, however slow.
#[derive(Clone, Debug)]
pub(crate) struct Floors(watch::Receiver<Option<Arc<AuctionInput>>>);

impl Floors {
    /// Follows these notices until nobody gives any more.
    pub(crate) fn following(notices: &broadcast::Sender<Notice>) -> Floors {
        let (latest, seen) = watch::channel(None);
        let mut notices = notices.subscribe();
        tokio::spawn(async move {
            loop {
                match notices.recv().await {
                    Ok(Notice::Opened(input)) => latest.send_replace(Some(input)),
                    Ok(Notice::Closed(_) | Notice::Settled(_) | Notice::Voided(_))
                    | Err(broadcast::error::RecvError::Lagged(_)) => latest.send_replace(None),
                    Err(broadcast::error::RecvError::Closed) => return,
                };
            }
        });
        Floors(seen)
    }

    /// The floors of a party's intents now.
    pub(super) fn of(&self, party: &str) -> OpenFloors {
        let published = self.0.borrow().clone();
        OpenFloors::of(published.as_deref(), party)
    }

    /// The same, and the auctions that follow.
    pub(super) fn of_and_on(&self, party: &str) -> (OpenFloors, WatchStream<Option<Arc<AuctionInput>>>) {
        let mut seen = self.0.clone();
        let published = seen.borrow_and_update().clone();
        (OpenFloors::of(published.as_deref(), party), WatchStream::from_changes(seen))
    }
}

/// The floors of one party's intents on offer.
#[derive(Debug, Default)]
pub(super) struct OpenFloors {
    auction: u64,
    opened_at: Timestamp,
    by_intent: BTreeMap<CommandId, Option<FloorTerms>>,
}

impl OpenFloors {
    /// Those in the auction as it was published, if one is.
    fn of(published: Option<&AuctionInput>, party: &str) -> OpenFloors {
        let Some(input) = published else { return OpenFloors::default() };
        let own = input.intents.iter().filter(|intent| intent.party.as_str() == party);
        let by_intent = own.map(|intent| (intent.id, own_terms(intent))).collect();
        OpenFloors { auction: input.auction.0, opened_at: input.opened_at, by_intent }
    }

    /// The floor of one intent; `None` if it is not on offer.
    pub(super) fn to_wire(&self, intent: CommandId) -> Option<wire::OpenFloor> {
        let terms = self.by_intent.get(&intent)?.as_ref().map(events::floor_to_wire);
        Some(wire::OpenFloor { auction: self.auction, terms })
    }

    /// The floors as updates, of one intent or of all.
    pub(super) fn updates(&self, party: &str, only: Option<CommandId>) -> impl Iterator<Item = wire::IntentUpdate> {
        let ids = self.by_intent.keys().filter(move |id| only.is_none_or(|only| only == **id));
        ids.map(|id| wire::IntentUpdate {
            party: party.to_owned(),
            id: id.0.to_vec(),
            time_ns: self.opened_at.0,
            change: self.to_wire(*id).map(Change::Floor),
        })
    }
}

/// A party's changes with the floors of its intents in each auction that is published meanwhile; ends with the changes.
pub(super) struct WithFloors<S> {
    changes: Pin<Box<S>>,
    auctions: Pin<Box<WatchStream<Option<Arc<AuctionInput>>>>>,
    party: String,
    only: Option<CommandId>,
    due: VecDeque<wire::IntentUpdate>,
}

impl<S> WithFloors<S> {
    /// The changes of a party's intents, or of only one.
    pub(super) fn new(
        changes: S,
        auctions: WatchStream<Option<Arc<AuctionInput>>>,
        (party, only): (String, Option<CommandId>),
    ) -> WithFloors<S> {
        let (changes, auctions) = (Box::pin(changes), Box::pin(auctions));
        WithFloors { changes, auctions, party, only, due: VecDeque::new() }
    }
}

impl<S, E> Stream for WithFloors<S>
where
    S: Stream<Item = Result<wire::IntentUpdate, E>>,
{
    type Item = Result<wire::IntentUpdate, E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // A floor is told before the fill that it is compared with.
        while let Poll::Ready(Some(published)) = self.auctions.as_mut().poll_next(context) {
            let floors = OpenFloors::of(published.as_deref(), &self.party);
            let updates: VecDeque<_> = floors.updates(&self.party, self.only).collect();
            // Those of the auction before that were not read yet are old news: what is due stays within one auction's.
            self.due = updates;
        }
        match self.due.pop_front() {
            Some(update) => Poll::Ready(Some(Ok(update))),
            None => self.changes.as_mut().poll_next(context),
        }
    }
}

/// The floor through the intent's own option, of which the auction may have several, one an account.
fn own_terms(intent: &AuctionIntent) -> Option<FloorTerms> {
    let floor = intent.floor?;
    let option = intent.options.get(usize::from(floor.option))?.number;
    Some(FloorTerms { option, ..floor })
}
