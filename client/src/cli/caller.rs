//! The caller: which engine it talks to, with which key, for which party, and how it wants answers printed.

use std::path::PathBuf;

use clearlane_client::Client;

use super::failure::Failure;

/// Who asks whom.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Caller {
    /// The engine's address.
    #[arg(long, global = true, env = "CLEARLANE_ENGINE", value_name = "ADDR", default_value = "127.0.0.1:7700")]
    pub engine: String,
    /// The file of the key that signs, as `clearlane keys new` writes it.
    #[arg(long, global = true, env = "CLEARLANE_KEY", value_name = "FILE", default_value = "clearlane.key")]
    pub key: PathBuf,
    /// The party for whom the key acts.
    #[arg(long, global = true, env = "CLEARLANE_PARTY", value_name = "NAME")]
    pub party: Option<String>,
    /// Prints one JSON object as the last line of stdout.
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
}

impl Caller {
    /// The party that was named.
    pub(crate) fn party(&self) -> Result<&str, Failure> {
        let missing = || Failure::Usage("expected --party NAME or CLEARLANE_PARTY, found neither".to_owned());
        self.party.as_deref().ok_or_else(missing)
    }

    /// A connection to the engine.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.engine).await?)
    }
}
