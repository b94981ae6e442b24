//! The assets' scales as admission sees them: amounts on the wire are parsed before they are sequenced.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use clearlane_core::state::State;
use clearlane_proto::Scales;

/// A copy of the asset table's scales; assets are only ever added.
#[derive(Debug, Default)]
pub struct AssetScales {
    known: AtomicUsize,
    scales: RwLock<HashMap<String, u8>>,
}

impl AssetScales {
    /// Takes in the assets that were added since the last time.
    pub fn take_in(&self, state: &State) {
        let known = self.known.load(Ordering::Acquire);
        if state.assets.len() == known {
            return;
        }
        let mut scales = self.scales.write().unwrap_or_else(PoisonError::into_inner);
        for (name, asset) in state.assets.iter().skip(known) {
            scales.insert(name.as_str().to_owned(), asset.scale);
        }
        self.known.store(state.assets.len(), Ordering::Release);
    }
}

impl Scales for AssetScales {
    fn scale(&self, asset: &str) -> Option<u8> {
        self.scales.read().unwrap_or_else(PoisonError::into_inner).get(asset).copied()
    }
}
