//! Auction file formats, told apart by content, one file each.
//!
//! What is malformed is an error that names the field; what is well-formed but cannot be
//! represented exactly is refused by name and listed beside what was read.

mod auction_instance_1;
mod auction_instance_2;
mod cow_legacy;
mod cow_liquidity;
mod cow_pool;
mod cow_solve;
mod gpv1;
mod gpv1_solution;
mod limits;
mod node;
pub mod solution;
mod table;

pub use cow_legacy::SURPLUS_CAP_PPM as COW_SURPLUS_CAP_PPM;
pub use cow_solve::CowTerms;
pub use gpv1::{Batch, OrderName};

use clearlane_core::auction::{AuctionInput, RuleSet};
use clearlane_core::hash::Hasher;
use clearlane_core::names::{IntentIndex, VenueIndex};
use clearlane_core::refusal::{Reason, Refusal};

use crate::market::Market;
use node::Node;

/// A value that is well-formed, or a refusal of what it describes.
type Read<T> = Result<Result<T, Refusal>, FormatError>;

/// Passes a refusal on to the caller of a [`Read`].
macro_rules! admit {
    ($value:expr) => {
        match $value {
            Ok(value) => value,
            Err(refusal) => return Ok(Err(refusal)),
        }
    };
}
use admit;

/// The largest file that is read: fifty times the largest captured auction.
pub const FILE_BYTES_MAX: usize = 64 << 20;

/// One auction read from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auction {
    /// What the file holds and what of it was refused.
    pub market: Market,
    /// The frozen input; its seed is the hash of the file.
    pub input: AuctionInput,
    /// The batch in full, where the file is one of Gnosis Protocol v1: the input has of it what an engine can hold.
    pub batch: Option<Batch>,
}

/// Why a file is no auction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The file is longer than [`FILE_BYTES_MAX`].
    #[error("expected at most {FILE_BYTES_MAX} bytes, found {0}")]
    TooLarge(usize),
    /// The bytes are not JSON.
    #[error("expected JSON: {0}")]
    NotJson(String),
    /// The file is JSON but of no format known here.
    #[error(
        "expected an auction-instance/1 or /2, a cow auction with tokens, orders and amms or effectiveGasPrice, or a batch with tokens, orders, accounts and fee, found fields {0}"
    )]
    UnknownFormat(String),
    /// A field is missing or is not what the format says.
    #[error("{field}: {message}")]
    Field {
        /// The kind of fault.
        reason: Reason,
        /// The path of the field.
        field: String,
        /// What was expected and what was found.
        message: String,
    },
}

impl FormatError {
    /// The same as a refusal, with a code and a field.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let refusal = |reason, field: &str| Refusal::new(reason, field, self.to_string());
        match self {
            FormatError::TooLarge(_) => refusal(Reason::TooLarge, "file"),
            FormatError::NotJson(_) => refusal(Reason::Malformed, "file"),
            FormatError::UnknownFormat(_) => refusal(Reason::NotSupported, "file"),
            FormatError::Field { reason, field, message } => Refusal::new(*reason, field, message.clone()),
        }
    }
}

/// Refuses one thing where only its amount or its asset is wrong; what is not of the format's form spoils the file.
fn alone<T>(read: Read<T>) -> Read<T> {
    const ALONE: [Reason; 3] = [Reason::AmountNegative, Reason::AmountTooLarge, Reason::UnknownAsset];
    match read {
        Err(FormatError::Field { reason, field, message }) if ALONE.contains(&reason) => {
            Ok(Err(Refusal::new(reason, field, message)))
        }
        other => other,
    }
}

impl Auction {
    fn new(market: Market, batch: Option<Batch>, bytes: &[u8]) -> Auction {
        let mut input = market.to_input(Hasher::new("clearlane.solver.auction-file").bytes(bytes).finish());
        if input.rules == RuleSet::Gpv1 {
            // What an engine could hold of it is judged as an engine judges.
            input.rules = RuleSet::Floor;
        }
        Auction { market, input, batch }
    }

    /// What the file calls an intent.
    #[must_use]
    pub fn intent_name(&self, intent: IntentIndex) -> Option<&str> {
        self.market.orders.get(intent.at()).map(|order| order.name.as_str())
    }

    /// What the file calls a venue.
    #[must_use]
    pub fn venue_name(&self, venue: VenueIndex) -> Option<&str> {
        self.market.venues.get(venue.at()).map(|venue| venue.name.as_str())
    }
}

/// Reads an auction of any known format.
///
/// # Errors
///
/// Says which field is missing or malformed, or that the format is not known.
pub fn read(bytes: &[u8]) -> Result<Auction, FormatError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(FormatError::TooLarge(bytes.len()));
    }
    let fields = Node::root(bytes)?.object()?;
    let schema = fields.find("schema").map(|node| node.text()).transpose()?;
    let is_cow_legacy = has_all(&fields, ["tokens", "orders", "amms"]);
    if schema.is_none() && !is_cow_legacy && has_all(&fields, ["tokens", "orders", "accounts"]) {
        let (market, batch) = gpv1::read(&fields)?;
        return Ok(Auction::new(market, Some(batch), bytes));
    }
    let market = match schema.as_deref() {
        Some(auction_instance_1::SCHEMA) => auction_instance_1::read(&fields)?,
        Some(auction_instance_2::SCHEMA) => auction_instance_2::read(&fields)?,
        Some(other) => return Err(FormatError::UnknownFormat(format!("schema {other}"))),
        None if is_cow_legacy => cow_legacy::read(&fields)?,
        None if has_all(&fields, COW_SOLVE) => cow_solve::read(&fields)?.0,
        None => return Err(FormatError::UnknownFormat(fields.names().join(", "))),
    };
    Ok(Auction::new(market, None, bytes))
}

/// Reads a request to a CoW solver engine, with what no auction holds of it.
///
/// # Errors
///
/// Says which field is missing or malformed, or that it is no such request.
pub fn read_cow_request(bytes: &[u8]) -> Result<(Auction, CowTerms), FormatError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(FormatError::TooLarge(bytes.len()));
    }
    let fields = Node::root(bytes)?.object()?;
    let (market, terms) = cow_solve::read(&fields)?;
    Ok((Auction::new(market, None, bytes), terms))
}

/// By which fields a request to a CoW solver engine is known.
const COW_SOLVE: [&str; 3] = ["tokens", "orders", "effectiveGasPrice"];

fn has_all(fields: &node::Fields<'_>, names: [&str; 3]) -> bool {
    names.into_iter().all(|name| fields.find(name).is_some())
}
