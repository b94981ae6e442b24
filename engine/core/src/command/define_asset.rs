//! Names a new asset. Repeating a definition word for word is accepted; changing one is not.
//!
//! The reference asset is worth one of itself from its definition on.

use super::{DefineAsset, Desk, Stop, refuse};
use crate::event::Accepted;
use crate::money::SCALE_MAX;
use crate::price::Price;
use crate::refusal::Reason;
use crate::state::{ASSETS_MAX, Asset};

pub(super) fn apply(desk: &mut Desk<'_>, asset: &DefineAsset) -> Result<Accepted, Stop> {
    let assets = &mut desk.state.assets;
    if asset.scale > SCALE_MAX {
        let message = format!("expected at most {SCALE_MAX} decimals, found {}", asset.scale);
        refuse(Reason::OutOfRange, "scale", message)?;
    }
    if let Some(known) = assets.find(&asset.code).and_then(|at| assets.get(at)) {
        if known.scale == asset.scale {
            return Ok(Accepted::Done);
        }
        let message = format!("asset {} exists with {} decimals, found {}", asset.code, known.scale, asset.scale);
        refuse(Reason::AlreadyExists, "code", message)?;
    }
    if assets.len() >= ASSETS_MAX {
        refuse(Reason::Exhausted, "code", format!("expected at most {ASSETS_MAX} assets"))?;
    }
    let price = Price::parse("1").filter(|_| asset.code == desk.state.config.reference_asset);
    assets.add(asset.code.clone(), Asset { scale: asset.scale, price });
    Ok(Accepted::Done)
}
