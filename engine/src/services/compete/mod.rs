//! The competition: a stream per solver, which hears of auctions and answers them.
//!
//! A solver that is slow, wrong or floods the engine loses its own stream and nothing else: nobody waits for it.

mod outbox;
mod resume;
mod session;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use clearlane_core::refusal::Reason;
use clearlane_proto::wire::{self, solver_service_server::SolverService};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::streams::{Served, Verdict};
use super::{Engine, to_status};
use crate::phase::Phase;
use crate::standings::Standing;
use session::Session;

type Messages = Pin<Box<dyn Stream<Item = Result<wire::EngineMessage, Status>> + Send>>;

#[tonic::async_trait]
impl SolverService for Engine {
    type CompeteStream = Messages;

    async fn compete(
        &self,
        request: Request<Streaming<wire::SolverMessage>>,
    ) -> Result<Response<Self::CompeteStream>, Status> {
        let greeted = self.sessions.greet().map_err(|refusal| to_status(&refusal))?;
        let (outbox, inbox) = outbox::outbox(self.clock, self.standings.clone());
        let (engine, verdict) = (self.clone(), Verdict::default());
        let gone = outbox.news();
        let session = Session::new(self.clone(), outbox);
        let (messages, told) = (request.into_inner(), verdict.clone());
        tokio::spawn(async move {
            let mut phases = engine.phases.clone();
            // A dropped call ends the session at once, and so does the engine's stop.
            tokio::select! {
                result = session.serve(messages, greeted) => {
                    if let Err(status) = result {
                        told.tell(status);
                    }
                }
                () = gone.closed() => {}
                () = phases.reached(Phase::Stopped) => {}
            }
        });
        Ok(Response::new(Box::pin(Served::new(inbox, &self.phases, move || verdict.told()))))
    }

    async fn solvers(&self, _: Request<wire::SolversRequest>) -> Result<Response<wire::SolversReply>, Status> {
        let (standings, sessions) = (self.standings.clone(), self.sessions.clone());
        // Some hundred thousand auctions are summed up.
        let all = tokio::task::spawn_blocking(move || standings.all()).await;
        let all = all.map_err(|_| Status::internal("counting failed"))?;
        let found = self.look(move |cell, _| {
            let party = |standing: &Standing| cell.state.solver_party(standing.solver).map(ToString::to_string);
            let to_wire = |standing: &Standing| wire::SolverStanding {
                party: party(standing).unwrap_or_default(),
                connected: sessions.is_registered(standing.solver),
                ..standing_to_wire(standing)
            };
            Ok(wire::SolversReply { solvers: all.iter().map(to_wire).collect() })
        });
        found.await.map(Response::new)
    }
}

fn standing_to_wire(standing: &Standing) -> wire::SolverStanding {
    let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let (p50, p95) = standing.latency.unwrap_or_default();
    let tally = &standing.tally;
    wire::SolverStanding {
        solver: standing.solver.0,
        party: String::new(),
        strategy: standing.strategy.clone(),
        connected: false,
        offered: narrow(standing.offered),
        answered: narrow(standing.answered),
        latency_p50_ns: nanos(p50),
        latency_p95_ns: nanos(p95),
        bundles: tally.bundles(),
        valid: tally.valid(),
        won: tally.won,
        lost: tally.lost,
        floor_better: tally.floor_better,
        refused: counts(&tally.refused),
        messages_refused: counts(&standing.messages_refused),
        score_won: tally.score_won.to_string(),
        contribution: tally.contribution.to_string(),
        voided: narrow(standing.voided),
    }
}

fn counts(refused: &BTreeMap<Reason, u64>) -> Vec<wire::RefusedCount> {
    let counts =
        refused.iter().map(|(reason, count)| wire::RefusedCount { code: reason.code().to_owned(), count: *count });
    counts.collect()
}
