//! `admin`: definitions, prices and money from outside.

use std::path::PathBuf;

use clearlane_client::delivery::Way;
use clearlane_client::envelope::command;
use clearlane_client::ids::parse_id;
use clearlane_client::keys::from_hex;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use serde_json::json;

use super::caller::Caller;
use super::failure::{Failure, read_file};
use super::report;
use super::sending::{fresh_command, send};
use super::venue_file;

/// Defines assets, modules, parties, keys, venues and prices; attests events; moves money in and out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane admin asset EUR 2
  clearlane admin module bank-eu
  clearlane admin party alice
  clearlane admin key alice party $(clearlane keys show --key alice.key)
  clearlane admin price USD 0.8971
  clearlane admin event shipped-7
  clearlane admin events
  clearlane admin deposit alice EUR bank-eu 1000.00
  clearlane admin venue pool.json

The party is that of the signing key; without --party it is \"admin\".")]
pub(crate) struct Admin {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    #[command(flatten)]
    Define(Define),
    /// Lists the events that are attested.
    Events,
}

#[derive(Debug, clap::Subcommand)]
enum Define {
    /// Names a new asset with its decimals.
    Asset {
        /// Its code, such as EUR.
        code: String,
        /// Its decimals, 0 to 18.
        #[arg(value_parser = clap::value_parser!(u32).range(0..=18))]
        scale: u32,
    },
    /// Names a new module: a place where balances live.
    Module {
        /// Its name.
        name: String,
    },
    /// Names a new party.
    Party {
        /// Its name.
        name: String,
    },
    /// Lets a public key act for a party.
    Key {
        /// For whom.
        #[arg(value_name = "PARTY")]
        owner: String,
        /// What it may do.
        role: Role,
        /// The public key, 64 hex digits.
        #[arg(value_name = "KEYHEX", value_parser = public_key)]
        public: [u8; 32],
    },
    /// Stops a public key from acting.
    Revoke {
        /// The public key, 64 hex digits.
        #[arg(value_name = "KEYHEX", value_parser = public_key)]
        public: [u8; 32],
    },
    /// Sets the reference price of one whole unit; without a price clears it.
    Price {
        /// The asset.
        asset: String,
        /// Such as 0.8971.
        #[arg(default_value = "")]
        price: String,
    },
    /// Attests that something happened, for the conditions of intents to read.
    Event {
        /// What happened, such as shipped-7.
        name: String,
        /// Takes it back.
        #[arg(long)]
        withdraw: bool,
    },
    /// Credits an account with what arrived from outside.
    Deposit(Movement),
    /// Debits an account by what leaves the system.
    Withdraw(Movement),
    /// Opens a venue from a JSON file, stocked from the signing party's accounts.
    #[command(after_help = venue_file::SCHEMA)]
    Venue {
        /// The file; `-` reads standard input.
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Movement {
    /// Whose account.
    #[arg(value_name = "PARTY")]
    owner: String,
    /// The asset.
    asset: String,
    /// The module.
    module: String,
    /// In whole units, such as 1000.00.
    amount: String,
    /// The id of the same movement whose answer was lost: it never happens twice.
    #[arg(long, value_name = "ID", value_parser = id)]
    id: Option<[u8; 16]>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Role {
    /// Submits and cancels intents of its party.
    Party,
    /// Bids in auctions.
    Solver,
    /// Deposits and withdraws.
    Gateway,
    /// Sets reference prices and attests events.
    Oracle,
    /// Defines things, and all of the above but bidding.
    Admin,
}

fn id(text: &str) -> Result<[u8; 16], String> {
    parse_id(text).ok_or_else(|| format!("expected a UUID of 32 hex digits, found {text:?}"))
}

fn public_key(text: &str) -> Result<[u8; 32], String> {
    from_hex(text).ok_or_else(|| format!("expected a public key of 64 hex digits, found {text:?}"))
}

impl Admin {
    /// Signs, sends and prints; or only asks and prints.
    pub(crate) async fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let define = match &self.what {
            What::Define(define) => define,
            What::Events => {
                let events = caller.connect().await?.events().await?;
                return report::print(caller.json, &events.join("\n"), &json!({ "events": events }));
            }
        };
        let (action, way) = define.action()?;
        let client = caller.connect().await?;
        if let Define::Event { name, withdraw: true } = define
            && !client.events().await?.contains(name)
        {
            report::note(&format!("event {name} is not attested: there is nothing to withdraw"));
        }
        let time_ns = client.status().await?.time_ns;
        let party = caller.party.as_deref().unwrap_or("admin");
        let command = match define.id() {
            Some(id) => command(id, action),
            None => fresh_command(action, time_ns)?,
        };
        send(caller, &client, party, &[command], way).await
    }
}

impl Define {
    /// The id under which it was asked before.
    fn id(&self) -> Option<[u8; 16]> {
        match self {
            Define::Deposit(movement) | Define::Withdraw(movement) => movement.id,
            Define::Asset { .. }
            | Define::Module { .. }
            | Define::Party { .. }
            | Define::Key { .. }
            | Define::Revoke { .. }
            | Define::Price { .. }
            | Define::Event { .. }
            | Define::Venue { .. } => None,
        }
    }

    fn action(&self) -> Result<(Action, Way), Failure> {
        let action = match self {
            Define::Asset { code, scale } => {
                Action::DefineAsset(wire::DefineAsset { code: code.clone(), scale: *scale })
            }
            Define::Module { name } => Action::DefineModule(wire::DefineModule { name: name.clone() }),
            Define::Party { name } => Action::DefineParty(wire::DefineParty { name: name.clone() }),
            Define::Key { owner, role, public } => {
                let role = role.to_wire().into();
                Action::AddKey(wire::AddKey { party: owner.clone(), key: public.to_vec(), role })
            }
            Define::Revoke { public } => Action::RevokeKey(wire::RevokeKey { key: public.to_vec() }),
            Define::Price { asset, price } => {
                Action::SetPrice(wire::SetPrice { asset: asset.clone(), price: price.clone() })
            }
            Define::Event { name, withdraw } => {
                Action::SetEvent(wire::SetEvent { name: name.clone(), withdrawn: *withdraw })
            }
            Define::Deposit(movement) => return Ok((Action::Deposit(movement.to_wire()), Way::Deposit)),
            Define::Withdraw(movement) => return Ok((Action::Withdraw(movement.to_wire()), Way::Withdraw)),
            Define::Venue { file } => {
                let venue = venue_file::read(&read_file(file)?);
                let failed = |message| Failure::Failed(format!("{}: {message}", file.display()));
                Action::DefineVenue(venue.map_err(failed)?)
            }
        };
        Ok((action, Way::Apply))
    }
}

impl Movement {
    fn to_wire(&self) -> wire::Movement {
        let value = Some(wire::amount::Value::Decimal(self.amount.clone()));
        let amount = Some(wire::Amount { asset: self.asset.clone(), value });
        wire::Movement { party: self.owner.clone(), amount, module: self.module.clone() }
    }
}

impl Role {
    fn to_wire(self) -> wire::Role {
        match self {
            Role::Party => wire::Role::Party,
            Role::Solver => wire::Role::Solver,
            Role::Gateway => wire::Role::Gateway,
            Role::Oracle => wire::Role::Oracle,
            Role::Admin => wire::Role::Admin,
        }
    }
}
