//! Where the engine stands, and its auctions.

use clearlane_core::auction::certificate::BoundSource;
use clearlane_core::money::Score;
use clearlane_core::names::SolverId;
use clearlane_proto::wire::{self, log_service_server::LogService};
use tokio_stream::Empty;
use tonic::{Request, Response, Status};

use super::Engine;
use crate::cell::Cell;
use crate::view::AuctionSummary;

#[tonic::async_trait]
impl LogService for Engine {
    type RecordsStream = Empty<Result<wire::StoredBatch, Status>>;

    async fn status(&self, _: Request<wire::StatusRequest>) -> Result<Response<wire::StatusReply>, Status> {
        let (cell, clock) = (self.cell.clone(), self.clock);
        let solvers = u32::try_from(self.sessions.registered()).unwrap_or(u32::MAX);
        let bids = std::sync::Arc::clone(&self.bids);
        let open = tokio::task::spawn_blocking(move || bids.lanes()).await;
        let open = open.map_err(|_| Status::internal("planning what is promised failed"))?;
        let lanes = open.map(|(plan, critical_path_ns)| wire::OpenLanes {
            bundles: plan.bundles,
            colours: plan.colours,
            hottest: plan.hottest,
            critical_path_ns,
        });
        let seen = self.clearings.seen();
        let last_clearing = seen.last.map(|(auction, choice)| wire::LastClearing {
            auction: auction.0,
            method: choice.method.name().to_owned(),
            reason: choice.reason(),
        });
        let found = self.look(move |state, last| {
            let counts = state.view.counts();
            Ok(wire::StatusReply {
                cell,
                time_ns: clock.now().max(state.state.clock).0,
                clock_scale: clock.scale(),
                sequence: last.0,
                records: state.state.records,
                open_intents: u64::try_from(state.state.book.len()).unwrap_or(u64::MAX),
                auction: state.state.auction.as_ref().map_or(0, |pending| pending.input.auction.0),
                accepted: counts.accepted,
                settled: counts.settled,
                expired: counts.expired,
                cancelled: counts.cancelled,
                auctions: state.view.auction_summaries().map(|auction| summary(state, auction)).collect(),
                solvers,
                lanes,
                last_clearing,
                panicked_clearings: seen.panicked,
            })
        });
        found.await.map(Response::new)
    }

    async fn root(&self, _: Request<wire::RootRequest>) -> Result<Response<wire::RootReply>, Status> {
        let found = self.look(|cell, last| {
            Ok(wire::RootReply {
                root: cell.state_root().0.to_vec(),
                books_root: cell.books_root().0.to_vec(),
                sequence: last.0,
                records: cell.state.records,
            })
        });
        found.await.map(Response::new)
    }

    async fn records(&self, _: Request<wire::RecordsRequest>) -> Result<Response<Self::RecordsStream>, Status> {
        Err(Status::unimplemented("NOT_SUPPORTED (from): read the data folder with `clearlane replay`"))
    }

    async fn proof(&self, _: Request<wire::ProofRequest>) -> Result<Response<wire::ProofReply>, Status> {
        Err(Status::unimplemented("NOT_SUPPORTED (id): this engine gives no proofs yet"))
    }
}

fn bound_by(cell: &Cell, source: BoundSource) -> String {
    match source {
        BoundSource::Reference | BoundSource::Engine => source.to_string(),
        BoundSource::Solver(solver) => {
            cell.state.solver_party(solver).map_or_else(|| source.to_string(), ToString::to_string)
        }
    }
}

fn summary(cell: &Cell, auction: &AuctionSummary) -> wire::AuctionSummary {
    let share = |(solver, (bundles, score)): (&SolverId, &(u32, Score))| wire::SolverShare {
        solver: cell.state.solver_party(*solver).map_or_else(|| "floor".to_owned(), ToString::to_string),
        bundles: *bundles,
        score: score.to_string(),
        contribution: auction.contributions.get(solver).copied().unwrap_or(0).to_string(),
    };
    wire::AuctionSummary {
        auction: auction.auction.0,
        time_ns: auction.time.0,
        intents: u32::try_from(auction.intents).unwrap_or(u32::MAX),
        voided: auction.is_voided,
        score: auction.score.to_string(),
        floor_score: auction.floor_score.to_string(),
        executed: u32::try_from(auction.executed).unwrap_or(u32::MAX),
        shares: auction.shares.iter().map(share).collect(),
        bundles: auction.plan.bundles,
        colours: auction.plan.colours,
        hottest: auction.plan.hottest,
        bound: auction.bound.to_string(),
        bound_by: bound_by(cell, auction.bound_by),
        missed: auction.missed.to_string(),
        value_filled: auction.value_filled.to_string(),
        selection_gap: auction.selection_gap.to_string(),
    }
}
