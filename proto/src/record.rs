//! Records: encoded for the log, and decoded again at recovery.
//!
//! Commands are kept as they were signed, with the places of those that admission refused.

use clearlane_core::auction::Solution;
use clearlane_core::config::Config;
use clearlane_core::hash::Hash;
use clearlane_core::names::{AuctionId, PublicKey, SolverId};
use clearlane_core::record::{Body, Commands, Genesis, OpenAuction, Record, SettleAuction};
use clearlane_core::refusal::{Reason, Refusal};
use clearlane_core::time::{Span, Timestamp};
use prost::Message as _;

use crate::field::{fixed, name, refuse, required, strict};
use crate::wire::log_record::Body as WireBody;
use crate::{Scales, auction, envelope, wire};

/// Encodes a record of any body but commands, which only [`encode_commands`] can write.
///
/// Commands become a record without a body, which [`decode`] refuses.
#[must_use]
pub fn encode(time: Timestamp, body: &Body) -> Vec<u8> {
    debug_assert!(!matches!(body, Body::Commands(_)), "commands are encoded with their envelope");
    wire::LogRecord { time_ns: time.0, body: body_to_wire(body) }.encode_to_vec()
}

/// Encodes a record of commands as they were signed; `refused` holds the places of those without effect, ascending.
#[must_use]
pub fn encode_commands(time: Timestamp, envelope: &wire::SignedEnvelope, refused: &[u32]) -> Vec<u8> {
    let commands = wire::CommandsRecord { envelope: Some(envelope.clone()), refused: refused.to_vec() };
    wire::LogRecord { time_ns: time.0, body: Some(WireBody::Commands(commands)) }.encode_to_vec()
}

/// Decodes a record against the state before it.
///
/// # Errors
///
/// Names the first field that is not what the encoders here write; a command that was not refused at admission
/// and can't be read now is one too.
pub fn decode(bytes: &[u8], scales: &impl Scales) -> Result<Record, Refusal> {
    let record: wire::LogRecord = strict(bytes, "record")?;
    let body = match required(record.body.as_ref(), "body")? {
        WireBody::Genesis(genesis) => Body::Genesis(Box::new(genesis_to_core(genesis)?)),
        WireBody::Commands(commands) => Body::Commands(commands_to_core(commands, scales)?),
        WireBody::OpenAuction(open) => Body::OpenAuction(OpenAuction {
            close_at: Timestamp(open.close_at_ns),
            settle_by: Timestamp(open.settle_by_ns),
        }),
        WireBody::Solution(solution) => Body::Solution(Solution {
            solver: SolverId(solution.solver),
            auction: AuctionId(solution.auction),
            bundles: auction::bundles_to_core(&solution.bundles)?,
            prices: auction::prices_to_core(&solution.prices)?,
        }),
        WireBody::CloseAuction(close) => Body::CloseAuction(AuctionId(close.auction)),
        WireBody::SettleAuction(settle) => Body::SettleAuction(SettleAuction {
            auction: AuctionId(settle.auction),
            digest: Hash(fixed(&settle.digest, "settle_auction.digest")?),
        }),
        WireBody::Tick(wire::TickRecord {}) => Body::Tick,
        WireBody::Checkpoint(checkpoint) => Body::Checkpoint(Hash(fixed(&checkpoint.root, "checkpoint.root")?)),
    };
    Ok(Record { time: Timestamp(record.time_ns), body })
}

fn body_to_wire(body: &Body) -> Option<WireBody> {
    Some(match body {
        Body::Genesis(genesis) => WireBody::Genesis(genesis_to_wire(genesis)),
        Body::Commands(_) => return None,
        Body::OpenAuction(open) => WireBody::OpenAuction(wire::OpenAuctionRecord {
            close_at_ns: open.close_at.0,
            settle_by_ns: open.settle_by.0,
        }),
        Body::Solution(solution) => WireBody::Solution(wire::SolutionRecord {
            solver: solution.solver.0,
            auction: solution.auction.0,
            bundles: auction::bundles_to_wire(&solution.bundles),
            prices: solution.prices.as_ref().map(auction::prices_to_wire).unwrap_or_default(),
        }),
        Body::CloseAuction(auction) => WireBody::CloseAuction(wire::CloseAuctionRecord { auction: auction.0 }),
        Body::SettleAuction(settle) => WireBody::SettleAuction(wire::SettleAuctionRecord {
            auction: settle.auction.0,
            digest: settle.digest.0.to_vec(),
        }),
        Body::Tick => WireBody::Tick(wire::TickRecord {}),
        Body::Checkpoint(root) => WireBody::Checkpoint(wire::CheckpointRecord { root: root.0.to_vec() }),
    })
}

fn genesis_to_core(genesis: &wire::GenesisRecord) -> Result<Genesis, Refusal> {
    Ok(Genesis {
        config: Config {
            cell: name(&genesis.cell, "genesis.cell")?,
            reference_asset: name(&genesis.reference_asset, "genesis.reference_asset")?,
            rules: auction::rules_to_core(&genesis.rules)?,
            surplus_cap_ppm: genesis.surplus_cap_ppm,
            id_window: Span(genesis.id_window_ns),
            id_ahead: Span(genesis.id_ahead_ns),
            ids_max: genesis.ids_max,
            intents_max: genesis.intents_max,
            auction_intents_max: genesis.auction_intents_max,
        },
        admin: name(&genesis.admin, "genesis.admin")?,
        admin_key: PublicKey(fixed(&genesis.admin_key, "genesis.admin_key")?),
    })
}

fn genesis_to_wire(genesis: &Genesis) -> wire::GenesisRecord {
    let config = &genesis.config;
    wire::GenesisRecord {
        cell: config.cell.to_string(),
        reference_asset: config.reference_asset.to_string(),
        rules: config.rules.name().to_owned(),
        surplus_cap_ppm: config.surplus_cap_ppm,
        id_window_ns: config.id_window.0,
        id_ahead_ns: config.id_ahead.0,
        ids_max: config.ids_max,
        intents_max: config.intents_max,
        auction_intents_max: config.auction_intents_max,
        admin: genesis.admin.to_string(),
        admin_key: genesis.admin_key.0.to_vec(),
    }
}

fn commands_to_core(record: &wire::CommandsRecord, scales: &impl Scales) -> Result<Commands, Refusal> {
    let opened = envelope::open(required(record.envelope.as_ref(), "commands.envelope")?, scales)?;
    let count = opened.commands.len();
    let is_ascending = record.refused.is_sorted_by(|earlier, later| earlier < later);
    let is_within = record.refused.last().is_none_or(|last| usize::try_from(*last).is_ok_and(|at| at < count));
    if !is_ascending || !is_within {
        let message = format!("expected ascending places below {count}, found others");
        return refuse(Reason::OutOfRange, "commands.refused", message);
    }
    let is_refused = |at: usize| u32::try_from(at).is_ok_and(|at| record.refused.binary_search(&at).is_ok());
    let admitted = opened.commands.into_iter().enumerate().filter(|(at, _)| !is_refused(*at));
    let commands = admitted.map(|(_, command)| command).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(Commands { party: opened.party, key: opened.key, commands })
}
