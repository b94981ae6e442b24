//! Accounts, balances and statements.

use std::collections::BTreeMap;

use clearlane_core::event::Cause;
use clearlane_core::ledger::{Account, AccountKey, Owner};
use clearlane_core::money::Atoms;
use clearlane_core::names::{AccountIndex, AssetIndex, ModuleIndex, Name};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_proto::wire::{self, ledger_service_server::LedgerService};
use tonic::{Request, Response, Status};

use super::{Engine, page_size, party_name, party_of, shown};
use crate::cell::Cell;
use crate::view::{Entry, STATEMENT_ENTRIES_MAX};

#[tonic::async_trait]
impl LedgerService for Engine {
    async fn accounts(&self, request: Request<wire::AccountsRequest>) -> Result<Response<wire::AccountsReply>, Status> {
        let request = request.into_inner();
        let found = self.look(move |cell, _| {
            let party = party_of(cell, &request.party)?;
            let accounts = cell.state.ledger.of_owner(Owner::Party(party));
            Ok(accounts.map(|(_, account)| account_to_wire(cell, account)).collect())
        });
        Ok(Response::new(wire::AccountsReply { accounts: found.await? }))
    }

    async fn balances(&self, _: Request<wire::BalancesRequest>) -> Result<Response<wire::BalancesReply>, Status> {
        let balances = self.look(|cell, _| Ok(balances(cell))).await?;
        Ok(Response::new(wire::BalancesReply { balances }))
    }

    async fn statement(
        &self,
        request: Request<wire::StatementRequest>,
    ) -> Result<Response<wire::StatementReply>, Status> {
        let request = request.into_inner();
        self.look(move |cell, _| statement(cell, &request)).await.map(Response::new)
    }

    async fn deposit(&self, request: Request<wire::SignedEnvelope>) -> Result<Response<wire::CommandsReply>, Status> {
        self.commands(request.into_inner()).await.map(Response::new)
    }

    async fn withdraw(&self, request: Request<wire::SignedEnvelope>) -> Result<Response<wire::CommandsReply>, Status> {
        self.commands(request.into_inner()).await.map(Response::new)
    }
}

fn names(cell: &Cell, asset: AssetIndex, module: ModuleIndex) -> (String, u32, String) {
    let code = cell.state.assets.name(asset.at()).map_or_else(String::new, ToString::to_string);
    let scale = cell.state.assets.get(asset.at()).map_or(0, |asset| u32::from(asset.scale));
    (code, scale, cell.state.modules.name(module.at()).map_or_else(String::new, ToString::to_string))
}

fn account_to_wire(cell: &Cell, account: &Account) -> wire::Account {
    let (asset, scale, module) = names(cell, account.key.asset, account.key.module);
    wire::Account { asset, scale, module, posted: account.posted.to_string(), held: account.held.to_string() }
}

/// Sums by kind of owner: issued, parties, venues, fees, residual.
#[derive(Default)]
struct Sums([Atoms; 5]);

fn balances(cell: &Cell) -> Vec<wire::Balance> {
    let mut sums: BTreeMap<(AssetIndex, ModuleIndex), Sums> = BTreeMap::new();
    for (_, account) in cell.state.ledger.iter() {
        let Sums(sums) = sums.entry((account.key.asset, account.key.module)).or_default();
        let [issued, parties, venues, fees, residual] = sums;
        let sum = match account.key.owner {
            Owner::Issued => issued,
            Owner::Party(_) => parties,
            Owner::Inventory(_) => venues,
            Owner::Fees(_) => fees,
            Owner::Residual | Owner::Transit => residual,
        };
        *sum = sum.saturating_add(account.posted);
    }
    let to_wire = |((asset, module), Sums(sums)): ((AssetIndex, ModuleIndex), Sums)| {
        let (asset, scale, module) = names(cell, asset, module);
        let [issued, parties, venues, fees, residual] = sums.map(|sum| sum.to_string());
        wire::Balance { asset, scale, module, issued, parties, venues, fees, residual }
    };
    sums.into_iter().map(to_wire).collect()
}

fn statement(cell: &Cell, request: &wire::StatementRequest) -> Result<wire::StatementReply, Refusal> {
    let party = party_of(cell, &request.party)?;
    let asset = Name::new(&request.asset).and_then(|name| cell.state.asset(&name));
    let unknown =
        |reason, field: &str, name: &str| Refusal::new(reason, field, format!("no {field} is named {}", shown(name)));
    let asset = asset.ok_or_else(|| unknown(Reason::UnknownAsset, "asset", &request.asset))?;
    let module = Name::new(&request.module).and_then(|name| cell.state.module(&name));
    let module = module.ok_or_else(|| unknown(Reason::UnknownModule, "module", &request.module))?;
    let account = cell.state.ledger.find(AccountKey { owner: Owner::Party(party), asset, module });
    let missing = || Refusal::new(Reason::UnknownAccount, "asset", "the party has no such account");
    let account = account.ok_or_else(missing)?;
    let entries: Vec<&Entry> = cell.view.statement(account).collect();
    let skipped = entries.len().saturating_sub(page_size(request.most, 100, STATEMENT_ENTRIES_MAX));
    let entries = entries.into_iter().skip(skipped).map(|entry| entry_to_wire(cell, entry)).collect();
    Ok(wire::StatementReply { entries, scale: names(cell, asset, module).1 })
}

fn entry_to_wire(cell: &Cell, entry: &Entry) -> wire::StatementEntry {
    let posting = entry.posting;
    let other = if entry.is_credit { posting.debit } else { posting.credit };
    let (auction, id) = match posting.cause {
        Cause::Command(_, id) => (0, id.0.to_vec()),
        Cause::Fill(auction, _, id) => (auction.0, id.0.to_vec()),
        Cause::Auction(auction) => (auction.0, Vec::new()),
    };
    let amount = posting.amount.to_string();
    let (time_ns, credit) = (entry.time.0, entry.is_credit);
    wire::StatementEntry { time_ns, credit, amount, other: owner_name(cell, other), auction, id }
}

fn owner_name(cell: &Cell, account: AccountIndex) -> String {
    let venue = |index: clearlane_core::names::VenueIndex| {
        cell.state.venues.name(index.at()).map_or_else(String::new, ToString::to_string)
    };
    match cell.state.ledger.account(account).map(|account| account.key.owner) {
        Some(Owner::Issued) => "outside".to_owned(),
        Some(Owner::Residual) => "residual".to_owned(),
        Some(Owner::Transit) => "auction".to_owned(),
        Some(Owner::Party(party)) => format!("party {}", party_name(cell, party)),
        Some(Owner::Inventory(index)) => format!("venue {}", venue(index)),
        Some(Owner::Fees(index)) => format!("fees of {}", venue(index)),
        None => String::new(),
    }
}
