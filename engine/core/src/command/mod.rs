//! Commands: what keys may ask of the engine, one file a kind.
//!
//! A command is authenticated before it gets here; whether its key may do it is decided here,
//! since a revocation can race admission.

mod cancel;
mod define_asset;
mod define_module;
mod define_party;
mod define_venue;
mod keys;
mod movement;
mod set_event;
mod set_price;
mod submit;
mod transfer;

use crate::breakage::Breakage;
use crate::event::{Accepted, Event};
use crate::hash::Hash;
use crate::intent::Intent;
use crate::money::Atoms;
use crate::names::{CommandId, Name, PartyIndex, PublicKey};
use crate::price::Price;
use crate::refusal::{Reason, Refusal};
use crate::state::State;
use crate::venue::Terms;

/// The most commands in one signed envelope.
pub const COMMANDS_MAX: usize = 8_192;

/// One request with its client's id; at most one effect, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The client's id, unique within the party.
    pub id: CommandId,
    /// The hash of the exact bytes, by which a repetition is told from a reuse.
    pub digest: Hash,
    /// What is asked.
    pub action: Action,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Submits an intent.
    Submit(Box<Intent>),
    /// Withdraws what is left of an intent.
    Cancel(Cancel),
    /// Names a new asset.
    DefineAsset(DefineAsset),
    /// Names a new module.
    DefineModule(DefineModule),
    /// Names a new party.
    DefineParty(DefineParty),
    /// Lets a key act for a party.
    AddKey(AddKey),
    /// Stops a key from acting.
    RevokeKey(RevokeKey),
    /// Opens a venue with an inventory from the commanding party's accounts.
    DefineVenue(Box<DefineVenue>),
    /// Sets or clears an asset's reference price.
    SetPrice(SetPrice),
    /// Attests or withdraws an event.
    SetEvent(SetEvent),
    /// Credits an account with what arrived from outside.
    Deposit(Movement),
    /// Debits an account by what leaves the system.
    Withdraw(Movement),
}

/// Withdraws what is left of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// The id of the intent, of the same party.
    pub intent: CommandId,
}

/// Names a new asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefineAsset {
    /// Its code, such as `EUR`.
    pub code: Name,
    /// Its decimals, at most 18.
    pub scale: u8,
}

/// Names a new module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefineModule {
    /// Its name, such as `bank-eu`.
    pub name: Name,
}

/// Names a new party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefineParty {
    /// Its name.
    pub name: Name,
}

/// Lets a key act for a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddKey {
    /// The party.
    pub party: Name,
    /// The key.
    pub key: PublicKey,
    /// What it may do.
    pub role: Role,
}

/// Stops a key from acting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeKey {
    /// The key.
    pub key: PublicKey,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Submits and cancels intents for its party.
    Party,
    /// Bids in auctions.
    Solver,
    /// Deposits and withdraws.
    Gateway,
    /// Sets reference prices and attests events.
    Oracle,
    /// Defines assets, modules, parties, keys and venues, and all of the above but bidding.
    Admin,
}

/// Opens a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefineVenue {
    /// Its name.
    pub name: Name,
    /// The assets of its coins, from 2 to 8 as its rule has them (ladders and rails: in and out).
    pub assets: Vec<Name>,
    /// The module of each coin; they differ only for rails.
    pub modules: Vec<Name>,
    /// Its rule.
    pub terms: Terms,
    /// What the commanding party's accounts put into it, per coin.
    pub inventory: Vec<Atoms>,
}

/// Sets or clears an asset's reference price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetPrice {
    /// The asset.
    pub asset: Name,
    /// The value of one whole unit in the reference asset.
    pub price: Option<Price>,
}

/// Attests that something happened, for conditions to read, or withdraws that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetEvent {
    /// What happened, such as `shipped-7`.
    pub name: Name,
    /// Whether it did.
    pub is_attested: bool,
}

/// Moves value between the outside and an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Whose account.
    pub party: Name,
    /// The asset.
    pub asset: Name,
    /// The module.
    pub module: Name,
    /// How much.
    pub amount: Atoms,
}

/// Why a command's effect did not happen.
pub(crate) enum Stop {
    /// A rule refuses it.
    Refused(Refusal),
    /// The engine is broken.
    Broken(Breakage),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

impl From<Breakage> for Stop {
    fn from(breakage: Breakage) -> Stop {
        Stop::Broken(breakage)
    }
}

/// Who commands, and where what happens is told.
pub(crate) struct Desk<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) party: PartyIndex,
    pub(crate) id: CommandId,
    pub(crate) events: &'a mut Vec<Event>,
}

impl Action {
    /// Whether a key of this role may ask for it.
    #[must_use]
    pub fn is_allowed(&self, role: Role) -> bool {
        match self {
            Action::Submit(_) | Action::Cancel(_) => matches!(role, Role::Party | Role::Gateway | Role::Admin),
            Action::Deposit(_) | Action::Withdraw(_) => matches!(role, Role::Gateway | Role::Admin),
            Action::SetPrice(_) | Action::SetEvent(_) => matches!(role, Role::Oracle | Role::Admin),
            Action::DefineAsset(_)
            | Action::DefineModule(_)
            | Action::DefineParty(_)
            | Action::AddKey(_)
            | Action::RevokeKey(_)
            | Action::DefineVenue(_) => role == Role::Admin,
        }
    }

    /// Does it, or says why not; a refusal changes nothing, and its field is a path in the command.
    pub(crate) fn apply(&self, desk: &mut Desk<'_>) -> Result<Accepted, Stop> {
        self.act(desk).map_err(|stop| match stop {
            Stop::Refused(refusal) => {
                Stop::Refused(Refusal { field: format!("{}.{}", self.name(), refusal.field), ..refusal })
            }
            Stop::Broken(breakage) => Stop::Broken(breakage),
        })
    }

    /// The name of the command's field that holds the action.
    fn name(&self) -> &'static str {
        match self {
            Action::Submit(_) => "intent",
            Action::Cancel(_) => "cancel",
            Action::DefineAsset(_) => "define_asset",
            Action::DefineModule(_) => "define_module",
            Action::DefineParty(_) => "define_party",
            Action::AddKey(_) => "add_key",
            Action::RevokeKey(_) => "revoke_key",
            Action::DefineVenue(_) => "define_venue",
            Action::SetPrice(_) => "set_price",
            Action::SetEvent(_) => "set_event",
            Action::Deposit(_) => "deposit",
            Action::Withdraw(_) => "withdraw",
        }
    }

    fn act(&self, desk: &mut Desk<'_>) -> Result<Accepted, Stop> {
        match self {
            Action::Submit(intent) => submit::apply(desk, intent),
            Action::Cancel(cancel) => cancel::apply(desk, cancel),
            Action::DefineAsset(asset) => define_asset::apply(desk, asset),
            Action::DefineModule(module) => define_module::apply(desk, module),
            Action::DefineParty(party) => define_party::apply(desk, party),
            Action::AddKey(key) => keys::add(desk, key),
            Action::RevokeKey(key) => keys::revoke(desk, key),
            Action::DefineVenue(venue) => define_venue::apply(desk, venue),
            Action::SetPrice(price) => set_price::apply(desk, price),
            Action::SetEvent(event) => set_event::apply(desk, event),
            Action::Deposit(movement) => movement::deposit(desk, movement),
            Action::Withdraw(movement) => movement::withdraw(desk, movement),
        }
    }
}

/// Refuses, with the field and one sentence.
pub(crate) fn refuse<T>(reason: Reason, field: impl Into<String>, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(reason, field, message))
}
