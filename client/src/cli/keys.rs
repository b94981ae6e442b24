//! `keys`: making and showing key pairs.

use std::path::PathBuf;

use clearlane_client::KeyPair;
use clearlane_client::keys::to_hex;
use serde_json::json;

use super::caller::Caller;
use super::failure::Failure;
use super::report;

/// Makes and shows keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane keys new --out alice.key
  clearlane keys show --key alice.key
  clearlane admin key alice party $(clearlane keys show --key alice.key) --key admin.key

The file holds the secret seed in hex and only its owner may read it; the public key is what is registered.")]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes a key pair, writes its seed to a new file, and prints the public key.
    New {
        /// The file; it must not exist yet [default: that of --key].
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Prints the public key of a file.
    Show,
}

impl Keys {
    /// Makes or shows a key.
    pub(crate) fn run(&self, caller: &Caller) -> Result<(), Failure> {
        let (key, path) = match &self.action {
            Action::New { out } => {
                let path = out.as_ref().unwrap_or(&caller.key);
                let key = KeyPair::generate()?;
                key.write_new(path)?;
                (key, path)
            }
            Action::Show => (KeyPair::read(&caller.key)?, &caller.key),
        };
        let public = to_hex(&key.public());
        report::print(caller.json, &public, &json!({ "public_key": public, "file": path }))
    }
}
