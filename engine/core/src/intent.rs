//! Intents as users state them: what should happen, never how.

use crate::condition::Condition;
use crate::money::Atoms;
use crate::names::{CommandId, Name};
use crate::price::Price;
use crate::time::Timestamp;

/// The most options an intent may have: a payment from every account of a large household fits.
pub const OPTIONS_MAX: usize = 16;
/// The longest reference, in bytes: an ISO 20022 end-to-end id and remittance text fit.
pub const REFERENCE_BYTES_MAX: usize = 256;
/// The longest encrypted memo, in bytes.
pub const MEMO_BYTES_MAX: usize = 1024;

/// What a party wants to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The client's id, unique within the party.
    pub id: CommandId,
    /// Which side of the options is fixed.
    pub kind: Kind,
    /// The ways to pay and be paid; 1 to [`OPTIONS_MAX`], of which `choose` says how many may be used.
    pub options: Vec<IntentOption>,
    /// Whether a part of it is worth having.
    pub fill: FillRule,
    /// Whether options combine.
    pub choose: Choose,
    /// Who is paid; the submitting party itself if absent.
    pub payee: Option<Name>,
    /// Bounds beyond the amounts of the options.
    pub limits: Limits,
    /// What must be so for it to be offered; absent means nothing.
    pub condition: Option<Condition>,
    /// It is not offered before this.
    pub valid_from: Timestamp,
    /// It is not filled after this.
    pub deadline: Timestamp,
    /// Free text of the client's, echoed in the receipt.
    pub reference: String,
    /// Opaque encrypted bytes for the payee.
    pub memo: Vec<u8>,
}

/// The fixed side of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The amount given is fixed; at least the amount to get must come.
    ExactIn,
    /// The amount to get is fixed; at most the amount to give may go.
    ExactOut,
}

/// One way to give and get, at full size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentOption {
    /// The asset that leaves the party.
    pub give_asset: Name,
    /// The module of the paying account; absent means any of the party's accounts of that asset.
    pub give_module: Option<Name>,
    /// Exact-in: the amount to give. Exact-out: the most to give (0: only the limits bound it).
    pub give_amount: Atoms,
    /// The asset that reaches the payee.
    pub get_asset: Name,
    /// The module of the payee's account; absent means the cell's first module.
    pub get_module: Option<Name>,
    /// Exact-in: the least to get (0: only the limits bound it). Exact-out: the amount to get.
    pub get_amount: Atoms,
    /// The most of the fixed side that this option may fill; absent means all.
    pub maximum: Option<Atoms>,
}

/// Whether a part of an intent is worth having.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillRule {
    /// Any part of the fixed side from `minimum` up, leaving nothing or at least `minimum`; `None` takes the default.
    Partial {
        /// In atoms of the fixed side.
        minimum: Option<Atoms>,
    },
    /// The whole or nothing.
    AllOrNothing,
}

/// How many options an intent may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Choose {
    /// Options share the fixed asset and amount and may be combined.
    Split,
    /// The first fill fixes the option for good.
    One,
}

/// Bounds beyond the amounts of the options; the tightest of all that are given holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Exact-in: least whole units to get per unit given. Exact-out: most whole units given per unit got.
    pub worst_price: Option<Price>,
    /// Where give and get are one asset: the most that may be lost on the way, at full size.
    pub maximum_fee: Option<Atoms>,
    /// Exact-out: the most that may be given, at full size.
    pub maximum_total: Option<Atoms>,
}
