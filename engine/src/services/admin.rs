//! Definitions, and what is defined.

use std::ops::Bound;

use clearlane_core::ledger::{AccountKey, Owner};
use clearlane_core::names::VenueIndex;
use clearlane_proto::venue;
use clearlane_proto::wire::{self, admin_service_server::AdminService};
use tonic::{Request, Response, Status};

use super::{Engine, page_size};
use crate::cell::Cell;

/// The most events of one answer: their names together stay far below a message's limit.
const EVENTS_PAGE_MAX: usize = 1_000;

#[tonic::async_trait]
impl AdminService for Engine {
    async fn apply(&self, request: Request<wire::SignedEnvelope>) -> Result<Response<wire::CommandsReply>, Status> {
        self.commands(request.into_inner()).await.map(Response::new)
    }

    async fn assets(&self, _: Request<wire::AssetsRequest>) -> Result<Response<wire::AssetsReply>, Status> {
        let found = self.look(|cell, _| {
            let asset = |(code, asset): (&clearlane_core::names::Name, &clearlane_core::state::Asset)| wire::Asset {
                code: code.to_string(),
                scale: u32::from(asset.scale),
                price: asset.price.map_or_else(String::new, |price| price.to_string()),
            };
            Ok(cell.state.assets.iter().map(asset).collect())
        });
        Ok(Response::new(wire::AssetsReply { assets: found.await? }))
    }

    async fn modules(&self, _: Request<wire::ModulesRequest>) -> Result<Response<wire::ModulesReply>, Status> {
        let found = self.look(|cell, _| Ok(cell.state.modules.iter().map(|(name, ())| name.to_string()).collect()));
        Ok(Response::new(wire::ModulesReply { modules: found.await? }))
    }

    async fn venues(&self, _: Request<wire::VenuesRequest>) -> Result<Response<wire::VenuesReply>, Status> {
        let venues = self.look(|cell, _| Ok(venues(cell))).await?;
        Ok(Response::new(wire::VenuesReply { venues }))
    }

    async fn events(&self, request: Request<wire::EventsRequest>) -> Result<Response<wire::EventsReply>, Status> {
        let request = request.into_inner();
        let found = self.look(move |cell, _| {
            let later = (Bound::Excluded(request.after.as_str()), Bound::Unbounded);
            let later = cell.state.events.range::<str, _>(later).take(page_size(request.most, 100, EVENTS_PAGE_MAX));
            Ok(later.map(ToString::to_string).collect())
        });
        Ok(Response::new(wire::EventsReply { events: found.await? }))
    }
}

fn venues(cell: &Cell) -> Vec<wire::DefineVenue> {
    let rows = cell.state.venues.iter().enumerate();
    let to_wire = |(at, (name, row)): (usize, (&clearlane_core::names::Name, &clearlane_core::state::Venue))| {
        let owner = Owner::Inventory(VenueIndex::from_at(at));
        let posted = row.coins.map(|(asset, module)| {
            let index = cell.state.ledger.find(AccountKey { owner, asset, module });
            index.and_then(|index| cell.state.ledger.account(index)).map_or(0, |account| account.posted)
        });
        let asset = |at: usize| cell.state.assets.name(at).map_or_else(String::new, ToString::to_string);
        let module = |at: usize| cell.state.modules.name(at).map_or_else(String::new, ToString::to_string);
        wire::DefineVenue {
            name: name.to_string(),
            assets: row.coins.iter().map(|(index, _)| asset(index.at())).collect(),
            modules: row.coins.iter().map(|(_, index)| module(index.at())).collect(),
            inventory: posted.iter().map(ToString::to_string).collect(),
            terms: Some(venue::terms_to_wire(&row.terms)),
        }
    };
    rows.map(to_wire).collect()
}
