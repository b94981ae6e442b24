//! How an engine runs: a file, then flags over it; every value is printed at start.
//!
//! What decisions depend on is logged at genesis; an engine whose settings differ from the log refuses to start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clearlane_core::config::Config;
use clearlane_core::names::{Name, PublicKey};
use clearlane_core::time::Span;
use serde::{Deserialize, Serialize};

/// The shortest window of an auction in milliseconds of the wall: a durable write or two and a solver's answer fit,
/// and below that no auction could ever end in time.
const WINDOW_WALL_MILLIS_MIN: u64 = 20;
/// A whole, in parts per million.
const PPM: u32 = 1_000_000;

/// How an engine runs.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The folder that holds the log.
    pub data: PathBuf,
    /// Where the engine listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The cell's name, fixed at genesis.
    pub cell: String,
    /// The asset in which scores are counted, fixed at genesis.
    pub reference_asset: String,
    /// The name of the first administrator, fixed at genesis.
    pub admin: String,
    /// The first administrator's public key in hex, fixed at genesis; needed only for a new folder.
    pub admin_key: String,
    /// How far above the reference price surplus still counts, in parts per million; fixed at genesis.
    pub surplus_cap_ppm: u32,
    /// The most intents offered in one auction; fixed at genesis.
    pub auction_intents_max: u32,
    /// Milliseconds of engine time from one auction's opening to the next.
    pub auction_every_ms: u64,
    /// Milliseconds of engine time in which an auction takes solutions.
    pub bidding_ms: u64,
    /// Milliseconds of engine time after the close until an unsettled auction is void.
    pub settling_ms: u64,
    /// Threads for clearing; 0 takes one per processor.
    pub lanes: usize,
    /// Threads that verify signatures; 0 takes one per processor.
    pub verifiers: usize,
    /// How many times as fast as the wall the engine's clock runs.
    pub clock_scale: u32,
    /// Where the engine's clock starts in a new folder, in nanoseconds since 1970; absent takes the machine's time.
    pub clock_start_ns: Option<u64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data: PathBuf::from("clearlane-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            cell: "main".to_owned(),
            reference_asset: "EUR".to_owned(),
            admin: "admin".to_owned(),
            admin_key: String::new(),
            surplus_cap_ppm: 10_000,
            auction_intents_max: 5_000,
            auction_every_ms: 1_000,
            bidding_ms: 400,
            settling_ms: 10_000,
            lanes: 0,
            verifiers: 0,
            clock_scale: 1,
            clock_start_ns: None,
        }
    }
}

/// When auctions open, close and settle, in engine time.
#[derive(Clone, Copy, Debug)]
pub struct AuctionTimes {
    /// From one opening to the next.
    pub every: Span,
    /// From the opening to the close.
    pub bidding: Span,
    /// From the close until an unsettled auction is void.
    pub settling: Span,
}

/// Why settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("can't read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not what was expected.
    #[error("{path}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What was expected.
        message: String,
    },
    /// A value is not what was expected.
    #[error("setting {name}: expected {expected}, found {found:?}")]
    Value {
        /// Which setting.
        name: &'static str,
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
}

impl Settings {
    /// The settings in a TOML file.
    ///
    /// # Errors
    ///
    /// Says what can't be read, or which line or key is not what was expected.
    pub fn read(path: &Path) -> Result<Settings, SettingsError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|error| SettingsError::Parse { path: path.to_owned(), message: error.to_string() })
    }

    /// The configuration to log at genesis.
    ///
    /// # Errors
    ///
    /// Names the setting that is not what was expected.
    pub fn config(&self) -> Result<Config, SettingsError> {
        let mut config = Config::new(name("cell", &self.cell)?, name("reference_asset", &self.reference_asset)?);
        if self.surplus_cap_ppm > PPM {
            let found = self.surplus_cap_ppm.to_string();
            return Err(SettingsError::Value { name: "surplus_cap_ppm", expected: "at most 1000000", found });
        }
        if self.auction_intents_max == 0 {
            let found = self.auction_intents_max.to_string();
            return Err(SettingsError::Value { name: "auction_intents_max", expected: "at least 1", found });
        }
        config.surplus_cap_ppm = self.surplus_cap_ppm;
        config.auction_intents_max = self.auction_intents_max;
        Ok(config)
    }

    /// The first administrator's name and key.
    ///
    /// # Errors
    ///
    /// Names the setting that is not what was expected.
    pub fn administrator(&self) -> Result<(Name, PublicKey), SettingsError> {
        let key = parse_key(&self.admin_key).ok_or_else(|| SettingsError::Value {
            name: "admin_key",
            expected: "a public key of 64 hex digits, as `clearlane keys new` prints it",
            found: self.admin_key.clone(),
        })?;
        crate::admission::check_key(&key, "admin_key").map_err(|refusal| SettingsError::Value {
            name: "admin_key",
            expected: "an Ed25519 public key for which not anybody can sign",
            found: refusal.message,
        })?;
        Ok((name("admin", &self.admin)?, key))
    }

    /// When auctions open, close and settle.
    ///
    /// # Errors
    ///
    /// Refuses a cadence of zero, and windows that a few durable writes or a solver's round trip would outlast.
    pub fn times(&self) -> Result<AuctionTimes, SettingsError> {
        let refusal = |name, expected, millis: u64| SettingsError::Value { name, expected, found: millis.to_string() };
        let window = |name, millis: u64| {
            let expected = "at least 20 milliseconds of the wall, which is the setting divided by clock_scale";
            let is_enough = millis / u64::from(self.clock_scale.max(1)) >= WINDOW_WALL_MILLIS_MIN;
            if is_enough { Ok(Span::millis(millis)) } else { Err(refusal(name, expected, millis)) }
        };
        if self.auction_every_ms == 0 {
            return Err(refusal("auction_every_ms", "at least 1 millisecond", 0));
        }
        Ok(AuctionTimes {
            every: Span::millis(self.auction_every_ms),
            bidding: window("bidding_ms", self.bidding_ms)?,
            settling: window("settling_ms", self.settling_ms)?,
        })
    }
}

fn name(setting: &'static str, text: &str) -> Result<Name, SettingsError> {
    let expected = "1 to 64 visible ASCII characters without spaces";
    Name::new(text).ok_or_else(|| SettingsError::Value { name: setting, expected, found: text.to_owned() })
}

/// Reads a public key from 64 hex digits.
#[must_use]
pub fn parse_key(text: &str) -> Option<PublicKey> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut key = [0_u8; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(PublicKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_judged_in_time_of_the_wall() {
        let named = |settings: &Settings| match settings.times() {
            Err(SettingsError::Value { name, .. }) => name,
            Err(SettingsError::Read { .. } | SettingsError::Parse { .. }) | Ok(_) => "",
        };
        let base = Settings::default();
        assert_eq!(named(&base), "");
        assert_eq!(named(&Settings { bidding_ms: 19, ..base.clone() }), "bidding_ms");
        assert_eq!(named(&Settings { clock_scale: 100, ..base.clone() }), "bidding_ms");
        assert_eq!(named(&Settings { clock_scale: 100, bidding_ms: 2_000, settling_ms: 1_999, ..base }), "settling_ms");
    }
}
