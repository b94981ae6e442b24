//! Intents: submit, look up, watch, cancel.

use std::pin::Pin;
use std::sync::atomic::Ordering;

use clearlane_core::book::IntentKey;
use clearlane_core::names::CommandId;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_proto::wire::intent_update::Change;
use clearlane_proto::wire::{self, intent_service_server::IntentService};
use clearlane_proto::{events, intent};
use prost::Message as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::floors::{OpenFloors, WithFloors};
use super::streams::{Served, Verdict};
use super::{Engine, id_of, page_size, party_name, party_of, to_status};
use crate::cell::Cell;
use crate::phase::Phase;
use crate::view::{IntentView, WATCHER_QUEUE_MAX, Watch};

/// The intents on one page.
const PAGE_MAX: usize = 1_000;
/// The bytes on one page: half of what clients take unless told otherwise.
const PAGE_BYTES_MAX: usize = 2 * 1_024 * 1_024;
/// The replies that may wait for a slow reader of a submit stream.
const REPLIES_MAX: usize = 64;

type Replies = Pin<Box<dyn Stream<Item = Result<wire::CommandsReply, Status>> + Send>>;
type Updates = Pin<Box<dyn Stream<Item = Result<wire::IntentUpdate, Status>> + Send>>;

#[tonic::async_trait]
impl IntentService for Engine {
    type SubmitStreamStream = Replies;
    type WatchStream = Updates;

    async fn parse(&self, _: Request<wire::ParseRequest>) -> Result<Response<wire::ParseReply>, Status> {
        Err(Status::unimplemented("NOT_SUPPORTED (text): this engine does not read sentences yet"))
    }

    async fn quote(&self, _: Request<wire::QuoteRequest>) -> Result<Response<wire::QuoteReply>, Status> {
        Err(Status::unimplemented("NOT_SUPPORTED (intent): this engine does not quote yet"))
    }

    async fn submit(&self, request: Request<wire::SignedEnvelope>) -> Result<Response<wire::CommandsReply>, Status> {
        self.commands(request.into_inner()).await.map(Response::new)
    }

    async fn submit_stream(
        &self,
        request: Request<Streaming<wire::SignedEnvelope>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let mut envelopes = request.into_inner();
        let (replies, receiver) = tokio::sync::mpsc::channel(REPLIES_MAX);
        let (engine, verdict) = (self.clone(), Verdict::default());
        let (told, mut phases) = (verdict.clone(), self.phases.clone());
        tokio::spawn(async move {
            let gone = replies.clone();
            let answering = async {
                while let Some(envelope) = envelopes.next().await {
                    let reply = engine.commands(envelope?).await?;
                    // Whoever does not read its replies waits here, and with it only its own stream.
                    let _ = replies.send(Ok(reply)).await;
                }
                Ok(())
            };
            tokio::select! {
                result = answering => {
                    if let Err(status) = result {
                        told.tell(status);
                    }
                }
                () = gone.closed() => {}
                () = phases.reached(Phase::Stopped) => told.tell(stopping()),
            }
        });
        let served = Served::new(ReceiverStream::new(receiver), &self.phases, move || verdict.told());
        Ok(Response::new(Box::pin(served.incomplete_at_stop(stopping()))))
    }

    async fn get(&self, request: Request<wire::GetIntentRequest>) -> Result<Response<wire::IntentStatus>, Status> {
        let request = request.into_inner();
        let floors = self.floors.of(&request.party);
        let found = self.look(move |cell, _| {
            let key = IntentKey { party: party_of(cell, &request.party)?, id: id_of(&request.id)? };
            cell.view.intent(key).map(|view| status(cell, key, view, &floors)).ok_or_else(|| unknown(key.id))
        });
        found.await.map(Response::new)
    }

    async fn list(
        &self,
        request: Request<wire::ListIntentsRequest>,
    ) -> Result<Response<wire::ListIntentsReply>, Status> {
        let request = request.into_inner();
        let floors = self.floors.of(&request.party);
        let found = self.look(move |cell, _| {
            let after = if request.after.is_empty() { CommandId::default() } else { id_of(&request.after)? };
            let after = IntentKey { party: party_of(cell, &request.party)?, id: after };
            Ok(page(cell, cell.view.intents_of(after, page_size(request.most, 100, PAGE_MAX)), &floors))
        });
        Ok(Response::new(wire::ListIntentsReply { intents: found.await? }))
    }

    async fn watch(&self, request: Request<wire::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let request = request.into_inner();
        let (name, party) = (request.party.clone(), request.party.clone());
        let only = if request.id.is_empty() { None } else { id_of(&request.id).ok() };
        // Looked at before the past is told, so that no auction is missed.
        let (open, auctions) = self.floors.of_and_on(&party);
        let (mut past, watch) = self.look(move |cell, _| start_watch(cell, &request)).await?;
        if watch.is_some() {
            past.extend(open.updates(&party, only));
        }
        let past = tokio_stream::iter(past.into_iter().map(Ok));
        let Some(Watch { changes, has_lagged }) = watch else { return Ok(Response::new(Box::pin(past))) };
        let later = ReceiverStream::new(changes).map(move |event| Ok(events::to_wire(&name, &event)));
        let later = WithFloors::new(later, auctions, (party, only));
        let ending = move || has_lagged.load(Ordering::Acquire).then(too_slow);
        let later = Served::new(later, &self.phases, ending).incomplete_at_stop(stopping());
        Ok(Response::new(Box::pin(past.chain(later))))
    }

    async fn cancel(&self, request: Request<wire::SignedEnvelope>) -> Result<Response<wire::CommandsReply>, Status> {
        self.commands(request.into_inner()).await.map(Response::new)
    }
}

/// What happened so far, and how to hear the rest; an intent that has ended has none.
type Started = (Vec<wire::IntentUpdate>, Option<Watch>);

fn start_watch(cell: &mut Cell, request: &wire::WatchRequest) -> Result<Started, Refusal> {
    let party = party_of(cell, &request.party)?;
    let only = if request.id.is_empty() { None } else { Some(IntentKey { party, id: id_of(&request.id)? }) };
    let mut past = Vec::new();
    if let Some(key) = only {
        let view = cell.view.intent(key).ok_or_else(|| unknown(key.id))?;
        past = updates(&request.party, key, view);
        if view.end.is_some() {
            return Ok((past, None));
        }
    }
    let full = || Refusal::new(Reason::Exhausted, "watch", "too many watchers; try again later");
    Ok((past, Some(cell.view.watch(party, only).ok_or_else(full)?)))
}

fn too_slow() -> Status {
    let message = format!("the watcher is more than {WATCHER_QUEUE_MAX} updates behind; watch again");
    to_status(&Refusal::new(Reason::Exhausted, "watch", message))
}

fn stopping() -> Status {
    to_status(&Refusal::new(Reason::Stopping, "engine", "the engine is stopping; try again after its restart"))
}

/// As many as one message of [`PAGE_BYTES_MAX`] holds, and at least one.
fn page(cell: &Cell, intents: Vec<(IntentKey, &IntentView)>, floors: &OpenFloors) -> Vec<wire::IntentStatus> {
    let mut bytes = 0;
    let within = |status: &wire::IntentStatus| {
        let is_first = bytes == 0;
        bytes += status.encoded_len();
        is_first || bytes <= PAGE_BYTES_MAX
    };
    intents.into_iter().map(|(key, view)| status(cell, key, view, floors)).take_while(within).collect()
}

fn status(cell: &Cell, key: IntentKey, view: &IntentView, floors: &OpenFloors) -> wire::IntentStatus {
    let party = party_name(cell, key.party);
    wire::IntentStatus {
        id: key.id.0.to_vec(),
        intent: Some(intent::to_wire(&view.intent)),
        sold: view.sold.to_string(),
        bought: view.bought.to_string(),
        state: view.end.map_or("open", events::end_to_wire).to_owned(),
        updates: updates(&party, key, view),
        floor: floors.to_wire(key.id),
        party,
    }
}

fn updates(party: &str, key: IntentKey, view: &IntentView) -> Vec<wire::IntentUpdate> {
    let accepted = wire::IntentUpdate {
        party: party.to_owned(),
        id: key.id.0.to_vec(),
        time_ns: view.accepted_at.0,
        change: Some(Change::Accepted(true)),
    };
    std::iter::once(accepted).chain(view.updates.iter().map(|event| events::to_wire(party, event))).collect()
}

fn unknown(id: CommandId) -> Refusal {
    Refusal::new(Reason::UnknownIntent, "id", format!("no intent {id} of this party"))
}
