//! Commands: each decoded from its exact bytes, by whose digest a repetition is told from a reuse.

use clearlane_core::command::{
    Action, AddKey, Cancel, Command, DefineAsset, DefineModule, DefineParty, Movement, RevokeKey, Role, SetEvent,
    SetPrice,
};
use clearlane_core::hash::{Hash, Hasher};
use clearlane_core::names::{CommandId, PublicKey};
use clearlane_core::refusal::{Reason, Refusal};

use crate::field::{fixed, name, narrow, price, refuse, required, strict, unknown_value};
use crate::wire::command::Action as WireAction;
use crate::{Scales, amount, intent, venue, wire};

/// Reads one command from its exact bytes.
///
/// # Errors
///
/// `MALFORMED` or `UNKNOWN_FIELD` for the bytes, else what is wrong with the first wrong field.
pub fn to_core(bytes: &[u8], scales: &impl Scales) -> Result<Command, Refusal> {
    let command: wire::Command = strict(bytes, "command")?;
    let id = CommandId(fixed(&command.id, "id")?);
    let action = action_to_core(required(command.action.as_ref(), "action")?, id, scales)?;
    Ok(Command { id, digest: digest(bytes), action })
}

/// Writes a command with amounts in atoms.
#[must_use]
pub fn to_wire(command: &Command) -> wire::Command {
    wire::Command { id: command.id.0.to_vec(), action: Some(action_to_wire(&command.action)) }
}

/// The digest of a command's exact bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> Hash {
    Hasher::new("clearlane.v1 command").bytes(bytes).finish()
}

fn action_to_core(action: &WireAction, id: CommandId, scales: &impl Scales) -> Result<Action, Refusal> {
    Ok(match action {
        WireAction::Intent(submitted) => {
            let read = intent::to_core(submitted, id, scales).map_err(|refusal| within("intent", refusal))?;
            Action::Submit(Box::new(read))
        }
        WireAction::Cancel(cancel) => {
            Action::Cancel(Cancel { intent: CommandId(fixed(&cancel.intent, "cancel.intent")?) })
        }
        WireAction::DefineAsset(asset) => Action::DefineAsset(DefineAsset {
            code: name(&asset.code, "define_asset.code")?,
            scale: narrow(asset.scale, "define_asset.scale")?,
        }),
        WireAction::DefineModule(module) => {
            Action::DefineModule(DefineModule { name: name(&module.name, "define_module.name")? })
        }
        WireAction::DefineParty(party) => {
            Action::DefineParty(DefineParty { name: name(&party.name, "define_party.name")? })
        }
        WireAction::AddKey(key) => Action::AddKey(AddKey {
            party: name(&key.party, "add_key.party")?,
            key: PublicKey(fixed(&key.key, "add_key.key")?),
            role: role_to_core(key.role, "add_key.role")?,
        }),
        WireAction::RevokeKey(key) => {
            Action::RevokeKey(RevokeKey { key: PublicKey(fixed(&key.key, "revoke_key.key")?) })
        }
        WireAction::DefineVenue(defined) => {
            let read = venue::define_to_core(defined).map_err(|refusal| within("define_venue", refusal))?;
            Action::DefineVenue(Box::new(read))
        }
        WireAction::SetPrice(set) => Action::SetPrice(SetPrice {
            asset: name(&set.asset, "set_price.asset")?,
            price: price(&set.price, "set_price.price")?,
        }),
        WireAction::SetEvent(set) => {
            Action::SetEvent(SetEvent { name: name(&set.name, "set_event.name")?, is_attested: !set.withdrawn })
        }
        WireAction::Deposit(movement) => Action::Deposit(movement_to_core(movement, "deposit", scales)?),
        WireAction::Withdraw(movement) => Action::Withdraw(movement_to_core(movement, "withdraw", scales)?),
    })
}

fn within(outer: &str, mut refusal: Refusal) -> Refusal {
    refusal.field = format!("{outer}.{}", refusal.field);
    refusal
}

fn action_to_wire(action: &Action) -> WireAction {
    match action {
        Action::Submit(submitted) => WireAction::Intent(intent::to_wire(submitted)),
        Action::Cancel(cancel) => WireAction::Cancel(wire::Cancel { intent: cancel.intent.0.to_vec() }),
        Action::DefineAsset(asset) => {
            WireAction::DefineAsset(wire::DefineAsset { code: asset.code.to_string(), scale: u32::from(asset.scale) })
        }
        Action::DefineModule(module) => WireAction::DefineModule(wire::DefineModule { name: module.name.to_string() }),
        Action::DefineParty(party) => WireAction::DefineParty(wire::DefineParty { name: party.name.to_string() }),
        Action::AddKey(key) => WireAction::AddKey(wire::AddKey {
            party: key.party.to_string(),
            key: key.key.0.to_vec(),
            role: role_to_wire(key.role),
        }),
        Action::RevokeKey(key) => WireAction::RevokeKey(wire::RevokeKey { key: key.key.0.to_vec() }),
        Action::DefineVenue(defined) => WireAction::DefineVenue(venue::define_to_wire(defined)),
        Action::SetPrice(set) => WireAction::SetPrice(wire::SetPrice {
            asset: set.asset.to_string(),
            price: set.price.map(|price| price.to_string()).unwrap_or_default(),
        }),
        Action::SetEvent(set) => {
            WireAction::SetEvent(wire::SetEvent { name: set.name.to_string(), withdrawn: !set.is_attested })
        }
        Action::Deposit(movement) => WireAction::Deposit(movement_to_wire(movement)),
        Action::Withdraw(movement) => WireAction::Withdraw(movement_to_wire(movement)),
    }
}

fn role_to_core(role: i32, field: &str) -> Result<Role, Refusal> {
    match wire::Role::try_from(role) {
        Ok(wire::Role::Unspecified) => refuse(Reason::Missing, field, "expected a role, found none"),
        Ok(wire::Role::Party) => Ok(Role::Party),
        Ok(wire::Role::Solver) => Ok(Role::Solver),
        Ok(wire::Role::Gateway) => Ok(Role::Gateway),
        Ok(wire::Role::Oracle) => Ok(Role::Oracle),
        Ok(wire::Role::Admin) => Ok(Role::Admin),
        Err(_) => unknown_value(role, field),
    }
}

fn role_to_wire(role: Role) -> i32 {
    let role = match role {
        Role::Party => wire::Role::Party,
        Role::Solver => wire::Role::Solver,
        Role::Gateway => wire::Role::Gateway,
        Role::Oracle => wire::Role::Oracle,
        Role::Admin => wire::Role::Admin,
    };
    role.into()
}

fn movement_to_core(movement: &wire::Movement, field: &str, scales: &impl Scales) -> Result<Movement, Refusal> {
    let path = format!("{field}.amount");
    let party = name(&movement.party, &format!("{field}.party"))?;
    let moved = required(movement.amount.as_ref(), &path)?;
    let asset = name(&moved.asset, &format!("{path}.asset"))?;
    let amount = amount::to_core(moved, &path, scales)?;
    Ok(Movement { party, asset, module: name(&movement.module, &format!("{field}.module"))?, amount })
}

fn movement_to_wire(movement: &Movement) -> wire::Movement {
    wire::Movement {
        party: movement.party.to_string(),
        amount: Some(amount::to_wire(movement.amount, movement.asset.as_str())),
        module: movement.module.to_string(),
    }
}
