//! What was fixed when the log was new, against what an engine is started with.

use std::fmt::{Display, Formatter};

use clearlane_core::record::Genesis;

use crate::settings::{Settings, SettingsError};

/// Settings that differ from what was logged at genesis.
#[derive(Debug, Default)]
pub struct Differences(Vec<Difference>);

#[derive(Debug)]
struct Difference {
    setting: &'static str,
    logged: String,
    wanted: String,
}

impl Differences {
    /// Refuses if there are any.
    ///
    /// # Errors
    ///
    /// Fails with the differences.
    pub fn refuse(self) -> Result<(), Differences> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    fn add(&mut self, setting: &'static str, logged: impl ToString, wanted: impl ToString) {
        let (logged, wanted) = (logged.to_string(), wanted.to_string());
        if logged != wanted {
            self.0.push(Difference { setting, logged, wanted });
        }
    }
}

impl Display for Differences {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        for (at, difference) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            let Difference { setting, logged, wanted } = difference;
            write!(formatter, "{separator}{setting} is {logged} in the log and {wanted} here")?;
        }
        Ok(())
    }
}

/// Compares everything that was fixed at genesis.
///
/// An empty administrator's key asks for nothing: it is needed only for a new folder.
///
/// # Errors
///
/// Names the setting that is not what was expected.
pub fn compare(settings: &Settings, logged: &Genesis) -> Result<Differences, SettingsError> {
    let (wanted, config) = (settings.config()?, &logged.config);
    let mut found = Differences::default();
    found.add("cell", &config.cell, &wanted.cell);
    found.add("reference_asset", &config.reference_asset, &wanted.reference_asset);
    found.add("rules", format!("{:?}", config.rules), format!("{:?}", wanted.rules));
    found.add("surplus_cap_ppm", config.surplus_cap_ppm, wanted.surplus_cap_ppm);
    found.add("id_window in nanoseconds", config.id_window.0, wanted.id_window.0);
    found.add("id_ahead in nanoseconds", config.id_ahead.0, wanted.id_ahead.0);
    found.add("ids_max", config.ids_max, wanted.ids_max);
    found.add("intents_max", config.intents_max, wanted.intents_max);
    found.add("auction_intents_max", config.auction_intents_max, wanted.auction_intents_max);
    found.add("admin", &logged.admin, &settings.admin);
    if !settings.admin_key.is_empty() {
        found.add("admin_key", logged.admin_key, settings.administrator()?.1);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named_with_both_values() {
        let settings = Settings { admin_key: "11".repeat(32), ..Settings::default() };
        let (admin, admin_key) = settings.administrator().expect("an administrator");
        let logged = Genesis { config: settings.config().expect("a configuration"), admin, admin_key };
        compare(&settings, &logged).expect("comparable").refuse().expect("equal");
        let keyless = Settings { admin_key: String::new(), ..settings.clone() };
        compare(&keyless, &logged).expect("comparable").refuse().expect("no key asks for nothing");
        let other = Settings {
            cell: "other".to_owned(),
            reference_asset: "USD".to_owned(),
            surplus_cap_ppm: 1,
            auction_intents_max: 2,
            admin: "root".to_owned(),
            admin_key: "22".repeat(32),
            ..settings
        };
        let told = compare(&other, &logged).expect("comparable").refuse().expect_err("different").to_string();
        let key = ("11".repeat(32), "22".repeat(32));
        for (name, logged, wanted) in [
            ("cell", "main", "other"),
            ("reference_asset", "EUR", "USD"),
            ("surplus_cap_ppm", "10000", "1"),
            ("auction_intents_max", "5000", "2"),
            ("admin", "admin", "root"),
            ("admin_key", key.0.as_str(), key.1.as_str()),
        ] {
            let expected = format!("{name} is {logged} in the log and {wanted} here");
            assert!(told.contains(&expected), "expected {expected:?}, found {told:?}");
        }
    }
}
