//! An engine with two solvers at work, and an administrator who can set things up.

use std::path::Path;
use std::time::Instant;

use clearlane_client::envelope::envelope_of;
use clearlane_client::ids::NANOS_PER_MILLI;
use clearlane_client::keys::to_hex;
use clearlane_client::{Client, KeyPair};
use clearlane_engine::server::{self, Running};
use clearlane_engine::settings::Settings;
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;
use clearlane_proto::wire::command_outcome::Result as Outcome;
use clearlane_solver::session::{self, SessionError, SessionOptions, SessionReport};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::super::failure::Failure;

/// The commands in one of the administrator's envelopes: far below the limits of number and bytes.
const ACTIONS_MAX: usize = 500;

/// The strategies that compete.
pub(super) const STRATEGIES: [&str; 2] = ["netting", "optimal"];

/// The name of the party that a strategy bids as.
pub(super) fn party_of(strategy: &str) -> String {
    format!("solver-{strategy}")
}

/// An engine with two solvers.
pub(super) struct Stage {
    pub(super) client: Client,
    admin: KeyPair,
    engine: Running,
    stop: watch::Sender<bool>,
    solvers: Vec<JoinHandle<Result<SessionReport, SessionError>>>,
    since: (Instant, u64),
    scale: u64,
}

impl Stage {
    /// Starts the engine on an address that the system chooses.
    pub(super) async fn start(folder: &Path, settings: Settings) -> Result<Stage, Failure> {
        let admin = KeyPair::generate()?;
        let settings = Settings {
            data: folder.to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            admin_key: to_hex(&admin.public()),
            ..settings
        };
        let failed = |error: server::StartError| Failure::Failed(error.to_string());
        let engine = server::start(&settings).await.map_err(failed)?;
        let client = Client::connect(&engine.address().to_string()).await?;
        let time_ns = client.status().await?.time_ns;
        let (stop, _) = watch::channel(false);
        let since = (Instant::now(), time_ns);
        let scale = u64::from(settings.clock_scale);
        Ok(Stage { client, admin, engine, stop, solvers: Vec::new(), since, scale })
    }

    /// Engine time in nanoseconds; a little behind the engine, never ahead.
    pub(super) fn now(&self) -> u64 {
        let passed = u64::try_from(self.since.0.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.since.1.saturating_add(passed.saturating_mul(self.scale))
    }

    /// Starts one solver a strategy, each with a party and key of its own.
    pub(super) async fn start_solvers(&mut self) -> Result<(), Failure> {
        for strategy in STRATEGIES {
            let key = KeyPair::generate()?;
            let party = party_of(strategy);
            let define = Action::DefineParty(wire::DefineParty { name: party.clone() });
            let public = key.public().to_vec();
            let add = wire::AddKey { party, key: public, role: wire::Role::Solver.into() };
            self.administer(vec![define, Action::AddKey(add)]).await?;
            let engine = self.engine.address().to_string();
            let options = SessionOptions { engine, key: key.seed(), strategy: strategy.to_owned() };
            self.solvers.push(tokio::spawn(session::run(options, self.stop.subscribe())));
        }
        Ok(())
    }

    /// Has the administrator do things that must succeed.
    pub(super) async fn administer(&self, actions: Vec<Action>) -> Result<(), Failure> {
        let mut actions = actions.into_iter().peekable();
        while actions.peek().is_some() {
            let part: Vec<Action> = actions.by_ref().take(ACTIONS_MAX).collect();
            let signed = envelope_of(&self.admin, "admin", part, self.now() / NANOS_PER_MILLI)?;
            for outcome in self.client.apply(signed).await? {
                if let Some(Outcome::Refusal(refusal)) = outcome.result {
                    let text = super::super::outcome::refusal_text(&refusal);
                    return Err(Failure::Failed(format!("setting the stage: {text}")));
                }
            }
        }
        Ok(())
    }

    /// Stops solvers and engine; nothing acknowledged is lost.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        // A solver whose session ended before has nothing to stop.
        let _ = self.stop.send(true);
        let stopped = self.engine.stop().await;
        for solver in self.solvers {
            match solver.await {
                Ok(Ok(report)) => tracing::info!(?report, "solver stopped"),
                Ok(Err(error)) => tracing::warn!(%error, "solver"),
                Err(error) => tracing::warn!(%error, "solver"),
            }
        }
        stopped.map_err(|error| Failure::Failed(error.to_string()))
    }
}

/// What played on a stage.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Intents submitted.
    pub(super) intents: u64,
    /// Venues that the engine can't represent, by code.
    pub(super) venues_refused: std::collections::BTreeMap<String, u64>,
    /// Refused, by code.
    pub(super) refused: std::collections::BTreeMap<String, u64>,
    /// How the engine counted at the end.
    pub(super) status: wire::StatusReply,
    /// The books at the end.
    pub(super) balances: Vec<wire::Balance>,
    /// The engine's root at the end.
    pub(super) root: Vec<u8>,
}

impl Played {
    /// Notes what came of some intents.
    pub(super) fn note(&mut self, outcomes: &[wire::CommandOutcome]) {
        for outcome in outcomes {
            self.intents += 1;
            if let Some(Outcome::Refusal(refusal)) = &outcome.result {
                *self.refused.entry(refusal.code.clone()).or_default() += 1;
            }
        }
    }

    /// Notes where the engine stands.
    pub(super) async fn finish(&mut self, client: &Client) -> Result<(), Failure> {
        self.status = client.status().await?;
        self.balances = client.balances().await?;
        self.root = client.root().await?.root;
        Ok(())
    }
}

/// A definition of an account's credit.
pub(super) fn deposit(party: &str, asset: &str, module: &str, atoms: u128) -> Action {
    let value = Some(wire::amount::Value::Atoms(atoms.to_string()));
    let amount = Some(wire::Amount { asset: asset.to_owned(), value });
    Action::Deposit(wire::Movement { party: party.to_owned(), amount, module: module.to_owned() })
}
