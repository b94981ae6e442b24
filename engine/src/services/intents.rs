//! Intents: submit, look up, watch, cancel.

use std::pin::Pin;

use clearlane_core::book::IntentKey;
use clearlane_core::names::CommandId;
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_proto::wire::{self, intent_service_server::IntentService};
use clearlane_proto::{events, intent};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::{Engine, id_of, page_size, party_name, party_of};
use crate::cell::Cell;
use crate::view::IntentView;

/// The intents on one page.
const PAGE_MAX: usize = 1_000;
/// The replies that may wait for a slow reader of a submit stream.
const REPLIES_MAX: usize = 64;

type Updates = Pin<Box<dyn Stream<Item = Result<wire::IntentUpdate, Status>> + Send>>;

#[tonic::async_trait]
impl IntentService for Engine {
    type SubmitStreamStream = ReceiverStream<Result<wire::CommandsReply, Status>>;
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
        let engine = self.clone();
        tokio::spawn(async move {
            while let Some(envelope) = envelopes.next().await {
                let reply = match envelope {
                    Ok(envelope) => engine.commands(envelope).await,
                    Err(status) => Err(status),
                };
                let is_over = reply.is_err();
                if replies.send(reply).await.is_err() || is_over {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn get(&self, request: Request<wire::GetIntentRequest>) -> Result<Response<wire::IntentStatus>, Status> {
        let request = request.into_inner();
        let found = self.look(move |cell, _| {
            let key = IntentKey { party: party_of(cell, &request.party)?, id: id_of(&request.id)? };
            cell.view.intent(key).map(|view| status(cell, key, view)).ok_or_else(|| unknown(key.id))
        });
        found.await.map(Response::new)
    }

    async fn list(
        &self,
        request: Request<wire::ListIntentsRequest>,
    ) -> Result<Response<wire::ListIntentsReply>, Status> {
        let request = request.into_inner();
        let found = self.look(move |cell, _| {
            let after = if request.after.is_empty() { CommandId::default() } else { id_of(&request.after)? };
            let after = IntentKey { party: party_of(cell, &request.party)?, id: after };
            let page = cell.view.intents_of(after, page_size(request.most, 100, PAGE_MAX));
            Ok(page.into_iter().map(|(key, view)| status(cell, key, view)).collect())
        });
        Ok(Response::new(wire::ListIntentsReply { intents: found.await? }))
    }

    async fn watch(&self, request: Request<wire::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let request = request.into_inner();
        let (name, past, receiver) = self.look(move |cell, _| start_watch(cell, &request)).await?;
        let past = tokio_stream::iter(past.into_iter().map(Ok));
        let stopped = self.stopped.clone();
        let later = ReceiverStream::new(receiver).map(move |event| Ok(events::to_wire(&name, &event)));
        Ok(Response::new(Box::pin(past.chain(super::compete::while_running(later, stopped)))))
    }

    async fn cancel(&self, request: Request<wire::SignedEnvelope>) -> Result<Response<wire::CommandsReply>, Status> {
        self.commands(request.into_inner()).await.map(Response::new)
    }
}

type Watch = (String, Vec<wire::IntentUpdate>, tokio::sync::mpsc::Receiver<clearlane_core::event::IntentEvent>);

fn start_watch(cell: &mut Cell, request: &wire::WatchRequest) -> Result<Watch, Refusal> {
    let party = party_of(cell, &request.party)?;
    let only = if request.id.is_empty() { None } else { Some(IntentKey { party, id: id_of(&request.id)? }) };
    let past = match only {
        Some(key) => cell.view.intent(key).ok_or_else(|| unknown(key.id))?.updates.iter().cloned().collect(),
        None => Vec::new(),
    };
    let past = past.iter().map(|event| events::to_wire(&request.party, event)).collect();
    let full = || Refusal::new(Reason::Exhausted, "watch", "too many watchers; try again later");
    let receiver = cell.view.watch(party, only).ok_or_else(full)?;
    Ok((request.party.clone(), past, receiver))
}

fn status(cell: &Cell, key: IntentKey, view: &IntentView) -> wire::IntentStatus {
    let party = party_name(cell, key.party);
    let updates = view.updates.iter().map(|event| events::to_wire(&party, event)).collect();
    wire::IntentStatus {
        id: key.id.0.to_vec(),
        intent: Some(intent::to_wire(&view.intent)),
        sold: view.sold.to_string(),
        bought: view.bought.to_string(),
        state: view.end.map_or("open", events::end_to_wire).to_owned(),
        updates,
        party,
    }
}

fn unknown(id: CommandId) -> Refusal {
    Refusal::new(Reason::UnknownIntent, "id", format!("no intent {id} of this party"))
}
